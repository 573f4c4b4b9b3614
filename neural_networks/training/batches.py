"""Batches: which examples a step takes, which random numbers it may draw, which examples are kept for testing.

Contract:

    Noise(seed, ...).at(step) -> Generator          the same numbers for the same step, reached at once, in any order of steps
    Order(seed).indices(step, size, count)          (size,) a piece of an endless row of permutations of range(count)
    set_apart(training, test, ...) -> (training, test)      a test split drawn from the seed

All follow from the seed and the step alone: a resumed training needs no state of a generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

Data = TypeVar("Data", bound=np.ndarray | Sequence[np.ndarray])


class Batch(NamedTuple):
    """One half of a mini-batch, as a loss gets it.

    Attributes:
        indices: (b,) which examples.
        step: counted from 0.
        rng: draws the same numbers for the same seed, step and half, on any thread and after a
            resume; not to be kept for later.
    """

    indices: np.ndarray
    step: int
    rng: np.random.Generator


class Noise:
    """Random numbers of numbered steps: Philox encrypts a counter (Salmon et al. 2011), and a step is a place of the counter.

    To set the counter takes a tenth of the time that a new Generator takes, which a tiny network's
    step would notice.

    Args:
        seed: one or more whole numbers.
    """

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.Philox(np.random.SeedSequence(seed))
        self._state = self._bits.state  # with nothing drawn
        self._counter = self._state["state"]["counter"]
        self._generator = np.random.Generator(self._bits)

    def at(self, step: int) -> np.random.Generator:
        """Return the generator at the start of a step's numbers. NOTE: it is the same object every time."""
        self._counter[1] = step  # word 0 counts within the step
        self._bits.state = self._state
        return self._generator


class Order:
    """The order of the examples: a permutation per epoch, one after the other, so all batches are full and none repeats one.

    Args:
        seed: of the permutations.
    """

    def __init__(self, seed: int) -> None:
        self._noise = Noise(seed, 1)
        self._epoch, self._permuted = -1, np.empty(0, np.int64)

    def indices(self, step: int, size: int, count: int) -> np.ndarray:
        """Return which `size` of `count` examples the step takes, size <= count."""
        epoch, start = divmod(step * size, count)
        indices = self._permutation(epoch, count)[start : start + size]
        if indices.size < size:
            indices = np.concatenate(
                [indices, self._permutation(epoch + 1, count)[: size - indices.size]]
            )
        return indices

    def _permutation(self, epoch: int, count: int) -> np.ndarray:
        if epoch != self._epoch or count != self._permuted.size:
            self._epoch, self._permuted = epoch, self._noise.at(epoch).permutation(count)
        return self._permuted


def set_apart(
    training: Data, test: Data | None, *, test_share: float, seed: int
) -> tuple[Data | np.ndarray, Data | np.ndarray | None]:
    """Return the examples to train on and those to test on, none of them in both.

    Args:
        training: (N, ...).
        test: given apart, or None.
        test_share: of the training examples that become the test set, at least one; 0 for none.
            Which ones is drawn from the seed.
        seed: of the training.

    Raises:
        ValueError: if the share is none, leaves nothing to train on, or there is a test set
            already.
    """
    if not test_share:
        return training, test
    if test is not None:
        raise ValueError("give test_data or test_share, not both")
    if not 0 < test_share < 1:
        raise ValueError(f"test_share lies between 0 and 1, not at {test_share}")
    count = len(training)
    tested = max(1, round(test_share * count))
    if tested >= count:
        raise ValueError(
            f"a test_share of {test_share} leaves nothing of {count} examples to train on"
        )
    order = Noise(seed, 2).at(0).permutation(count)
    data = np.asarray(training)
    return data[np.sort(order[tested:])], data[np.sort(order[:tested])]
