"""Mini-batches: which examples a step takes, the random numbers that it draws, and the test set.

Contract:

    Noise(seed, ...).at(step) -> Generator      the same numbers for the same step, in any order
    Order(seed).indices(step, size, count)      (size,) the next in an endless sequence of
                                                permutations of range(count)
    set_apart(training, test, ...) -> (training, test)      a test set drawn from the seed

All follow from the seed and the step alone: a resumed training needs no state of a generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import NamedTuple, TypeVar

import numpy as np

from neural_networks.training.streams import StepStream

Data = TypeVar("Data", bound=np.ndarray | Sequence[np.ndarray])


class Piece(NamedTuple):
    """One piece of a mini-batch (a micro-batch), as a loss gets it.

    Attributes:
        indices: (b,) which examples.
        step: counted from 0.
        rng: draws the same numbers for the same seed, step and piece, on any thread and after a
            resume. NOTE: it is reused at the next step.
        piece: its number in the mini-batch; two losses of one step find each other's piece by it.
    """

    indices: np.ndarray
    step: int
    rng: np.random.Generator
    piece: int = 0


class Noise:
    """Random numbers for numbered steps: Philox encrypts a counter, which a step sets.

    Salmon et al. 2011. Setting the counter takes a tenth of the time that a new Generator takes,
    which matters in the step of a tiny network.

    Args:
        seed: one or more whole numbers.

    Examples:
        >>> noise = Noise(1, 2)
        >>> first = noise.at(5).random()
        >>> bool(noise.at(6).random() != first and noise.at(5).random() == first)
        True
    """

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.Philox(np.random.SeedSequence(seed))
        self._state = self._bits.state  # with nothing drawn
        self._counter = self._state["state"]["counter"]
        self._generator = np.random.Generator(self._bits)

    def at(self, step: int) -> np.random.Generator:
        """Return the generator at the start of a step's numbers.

        NOTE: it is the same object every time.
        """
        self._counter[1] = step  # word 0 counts within the step
        self._bits.state = self._state
        return self._generator


class Order:
    """The order of the examples: one permutation per epoch, so that all mini-batches are full.

    No mini-batch has an example twice: where one takes the end of an epoch and the beginning of the
    next, what is in both is moved behind it.

    Args:
        seed: of the permutations.

    Examples:
        >>> order = Order(seed=0)
        >>> sorted([*order.indices(0, 2, 4).tolist(), *order.indices(1, 2, 4).tolist()])  # an epoch
        [0, 1, 2, 3]
    """

    def __init__(self, seed: int) -> None:
        self._noise = Noise(seed, StepStream.ORDER)
        self._found, self._permuted = (-1, 0, 0), np.empty(0, np.int64)

    def indices(self, step: int, size: int, count: int) -> np.ndarray:
        """Return the numbers (size,) of the examples of a step, size <= count."""
        epoch, start = divmod(step * size, count)
        indices = self._permutation(epoch, size, count)[start : start + size]
        if indices.size < size:
            following = self._permutation(epoch + 1, size, count)
            indices = np.concatenate([indices, following[: size - indices.size]])
        return indices

    def _permutation(self, epoch: int, size: int, count: int) -> np.ndarray:
        """Return the permutation (count,) of an epoch, for mini-batches of a size."""
        if self._found != (epoch, size, count):
            if count >= 3 * size:
                # What is moved is moved within the first half of an epoch: its end is as drawn.
                first = max(epoch - 1, 0)
            elif self._found == (epoch - 1, size, count):
                first = epoch
            else:  # the last epoch that begins with a mini-batch
                first = epoch - epoch % (size // gcd(size, count))
            permuted = self._permuted
            for number in range(first, epoch + 1):
                before, permuted = permuted, self._noise.at(number).permutation(count)
                taken = number * count % size  # of the epoch before, by the first mini-batch
                if taken and (number > first or first == epoch):
                    twice = np.isin(permuted, before[count - taken :])
                    permuted = _apart(permuted, twice, size - taken)
            self._found, self._permuted = (epoch, size, count), permuted
        return self._permuted


def _apart(permuted: np.ndarray, twice: np.ndarray, left: int) -> np.ndarray:
    """Return a permutation (n,) whose first `left` examples are none of those marked."""
    early = np.flatnonzero(twice[:left])
    late = left + np.flatnonzero(~twice[left:])[: early.size]
    changed = permuted.copy()
    changed[early], changed[late] = permuted[late], permuted[early]
    return changed


def set_apart(
    training: Data, test: Data | None, *, test_share: float, seed: int
) -> tuple[Data | np.ndarray, Data | np.ndarray | None]:
    """Return the examples to train on and those to test on, none of them in both.

    Args:
        training: (N, ...).
        test: a test set, or None.
        test_share: share of the training examples that become the test set, at least one; 0 for
            none. They are drawn from the seed.
        seed: of the training.

    Raises:
        ValueError: if the share is not between 0 and 1 or leaves nothing to train on, or there is
            a test set already.

    Examples:
        >>> training, test = set_apart(np.arange(10), None, test_share=0.2, seed=0)
        >>> len(training), len(test), sorted([*training, *test]) == list(range(10))
        (8, 2, True)
    """
    if not test_share:
        return training, test
    if test is not None:
        raise ValueError("give test_data or test_share, not both")
    if not 0 < test_share < 1:
        raise ValueError(f"test_share is between 0 and 1, not {test_share}")
    count = len(training)
    tested = max(1, round(test_share * count))
    if tested >= count:
        raise ValueError(
            f"a test_share of {test_share} leaves nothing of {count} examples to train on"
        )
    order = Noise(seed, StepStream.TEST_SET).at(0).permutation(count)
    data = np.asarray(training)
    return data[np.sort(order[tested:])], data[np.sort(order[:tested])]
