"""Schedules: the learning rate at each step.

Contract: a schedule is a callable, step -> learning rate, with steps counted from 0. All but
Plateau are pure functions of the step, so a resumed training needs nothing but the number of steps
it has made.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi

import numpy as np

Schedule = Callable[[int], float]


def constant(rate: float) -> Schedule:
    """Return the same rate at every step.

    Examples:
        >>> constant(0.01)(1000)
        0.01
    """
    return lambda step: rate


def warm_up(schedule: Schedule, steps: int) -> Schedule:
    """Scale a schedule linearly from 1 / steps of it at the first step to all of it.

    Examples:
        >>> [warm_up(constant(1.0), 4)(step) for step in range(6)]
        [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    return lambda step: schedule(step) * min(1.0, (step + 1) / max(steps, 1))


def cosine(rate: float, steps: int, *, final: float = 0.0, start: int = 0) -> Schedule:
    """Fall from rate to final * rate along half a cosine, from step `start` to step `steps`.

    Loshchilov and Hutter 2017. With start > 0 the rate is constant first: cosine(4e-3, 1000,
    final=0.02, start=800) decays over the last fifth.

    Examples:
        >>> [round(cosine(1.0, 4)(step), 2) for step in range(5)]
        [1.0, 0.85, 0.5, 0.15, 0.0]
    """

    def schedule(step: int) -> float:
        progress = min(max((step - start) / max(steps - start, 1), 0.0), 1.0)
        return rate * (final + (1 - final) * 0.5 * (1 + cos(pi * progress)))

    return schedule


def exponential(rate: float, half_life: float) -> Schedule:
    """Halve the rate every `half_life` steps, smoothly.

    Examples:
        >>> [exponential(1.0, 10)(step) for step in (0, 10, 20)]
        [1.0, 0.5, 0.25]
    """
    return lambda step: rate * 0.5 ** (step / half_life)


class Plateau:
    """Lower the rate when the loss has stopped falling; Trainer calls `observe` with every loss.

    Args:
        rate: the first rate.
        factor: that the rate is multiplied by at a plateau.
        patience: steps without a new lowest loss that make a plateau.
        smoothing: share of the past in the running mean of the loss, since losses of mini-batches
            are noisy.
        lowest: the rate never falls below it.

    Examples:
        >>> schedule = Plateau(0.1, patience=3, smoothing=0)
        >>> for loss in (2.0, 1.0, 1.0, 1.0, 1.0):
        ...     schedule.observe(loss)
        >>> schedule(5)
        0.05
    """

    def __init__(
        self,
        rate: float,
        *,
        factor: float = 0.5,
        patience: int = 200,
        smoothing: float = 0.98,
        lowest: float = 0.0,
    ) -> None:
        self.rate = rate
        self.factor = factor
        self.patience = patience
        self.smoothing = smoothing
        self.lowest = lowest
        self.mean = np.nan
        self.best = np.inf
        self.waited = 0

    def __call__(self, step: int) -> float:
        """Return the current rate."""
        return self.rate

    def observe(self, loss: float) -> None:
        """Take the loss of one step into account."""
        self.mean = (
            loss
            if np.isnan(self.mean)
            else self.smoothing * self.mean + (1 - self.smoothing) * loss
        )
        if self.mean < self.best:
            self.best = self.mean
            self.waited = 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.rate = max(self.rate * self.factor, self.lowest)
            self.waited = 0

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that the next rate depends on."""
        return {"plateau": np.array([self.rate, self.mean, self.best, self.waited], np.float64)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a `state`."""
        self.rate, self.mean, self.best, waited = (float(number) for number in state["plateau"])
        self.waited = int(waited)


plateau = Plateau
