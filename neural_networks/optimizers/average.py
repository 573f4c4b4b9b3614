"""An exponential moving average of weights."""

from __future__ import annotations

import numpy as np

from neural_networks.components.kernels import kernel

Array = np.ndarray


@kernel
def _average(average: Array, values: Array, share: float) -> None:
    share = values.dtype.type(share)
    for i in range(values.size):
        average[i] += share * (values[i] - average[i])


class Average:
    """An exponential moving average of a model's values: average += (1 - decay) (values - average).

    The decay is smaller at the start, min(decay, (1 + t) / (10 + t)), so that the first values soon
    have no weight.

    Args:
        values: (n,) copied as the first average.
        decay: share of the old average in each update.

    Examples:
        >>> average = Average(np.zeros(1))
        >>> for _ in range(100):
        ...     average.update(np.ones(1))
        >>> average.values.round(2)
        array([1.])
    """

    def __init__(self, values: np.ndarray, *, decay: float = 0.999) -> None:
        self.values = values.copy()
        self.decay = decay
        self.steps = 0

    def update(self, values: np.ndarray) -> None:
        """Include the values (n,) of one more step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        _average(self.values, values, 1 - decay)

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of everything that the next update depends on."""
        return {"steps": np.array(self.steps), "values": self.values.copy()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a `state`; the average's vector is filled in place."""
        self.steps = int(state["steps"])
        self.values[:] = state["values"]
