"""Early stopping: detect that a loss has stopped falling, and store the best weights.

Prechelt 1998.
"""

from __future__ import annotations

from math import inf

import numpy as np

NOTICEABLE = 1e-3  # the share of the loss by which it must fall to count as progress


class EarlyStop:
    """Watch a loss.

    Args:
        patience: steps without progress until it stops, or None to continue for ever.
        values: (n,) the weights, which are copied at each new lowest loss; None for no copies.

    Examples:
        >>> watch, weights = EarlyStop(2), np.zeros(1)
        >>> for step, loss in enumerate([3.0, 2.0, 2.5, 2.5]):
        ...     watch.observe(step, loss, weights)
        >>> watch.reached
        True
    """

    def __init__(self, patience: int | None, values: np.ndarray | None = None) -> None:
        if patience is not None and patience < 1:
            raise ValueError(f"patience is 1 or more, not {patience}")
        self.patience = patience
        self.best_loss, self.best_step = inf, 0
        self.best_values = None if values is None else values.copy()
        self._bar, self._progress = inf, 0  # the loss at the last progress, and its step
        self._observed = 0

    def observe(self, step: int, loss: float, values: np.ndarray) -> None:
        """Record a loss measured after `step` steps, and the weights (n,) it was measured with."""
        if loss < self.best_loss:
            self.best_loss, self.best_step = loss, step
            if self.best_values is not None:
                self.best_values[:] = values
        if self._bar == inf and loss < inf or loss < self._bar - NOTICEABLE * abs(self._bar):
            self._bar, self._progress = loss, step
        self._observed = step

    @property
    def reached(self) -> bool:
        """Whether the training should stop."""
        return self.patience is not None and self._observed - self._progress >= self.patience

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that the next observation depends on."""
        state = {
            "losses": np.array([self.best_loss, self._bar]),
            "steps": np.array([self.best_step, self._progress, self._observed]),
        }
        return state if self.best_values is None else state | {"values": self.best_values.copy()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a `state`; the patience may have changed.

        Raises:
            ValueError: if it is not whole.
        """
        losses, steps, values = state.get("losses"), state.get("steps"), state.get("values")
        if losses is None or steps is None or losses.shape != (2,) or steps.shape != (3,):
            raise ValueError("its early stop is not whole")
        if self.best_values is not None:
            if (
                values is None
                or values.shape != self.best_values.shape
                or not np.isfinite(values).all()
            ):
                raise ValueError("it has no weights of the lowest loss")
            self.best_values[:] = values
        self.best_loss, self._bar = (float(loss) for loss in losses)
        self.best_step, self._progress, self._observed = (int(step) for step in steps)
