"""The base of the optimizers: each changes a flat vector of values in place, given gradients.

Contract:

    optimizer.step(values, grads, learning_rate)      one fused kernel, one pass over memory
    optimizer.state() -> dict of arrays; optimizer.restore(dict)     continues bit for bit

Kernels cast scalars to the vectors' dtype before they loop: one float64 among float32 would halve
their speed. Casting them in Python would take longer than a step of a tiny network.
"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from neural_networks.components.checks import floats, same_shape


class Optimizer:
    """The base of all optimizers: counts the steps and holds the vectors named in `slots`.

    The vectors are as long as the values and start at zero.
    """

    slots: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.steps = 0
        self.vectors: dict[str, np.ndarray] = {}

    def step(
        self,
        values: np.ndarray,
        grads: np.ndarray,
        learning_rate: float,
        *,
        loss: float | None = None,
    ) -> None:
        """Change `values` (n,) in place.

        Args:
            values: (n,) float32 or float64.
            grads: (n,) of the same dtype, unchanged.
            learning_rate: of this step.
            loss: of this step; only AdamTaperoff reads it.

        Raises:
            ValueError: if values and gradients are not two vectors of one length, the number of
                values has changed since the step before, or AdamTaperoff gets no loss.
            TypeError: if they are not of float32 or float64.
        """
        if values.ndim != 1:
            raise ValueError(f"the values are a vector (n,), not an array {values.shape}")
        same_shape(grads, values, ("the gradient", "the values"))
        floats(values, "values")
        if not self.vectors:
            self.vectors = {name: np.zeros_like(values) for name in self.slots}
        for name, vector in self.vectors.items():
            if vector.size != values.size:
                raise ValueError(
                    f"the optimizer's {name} has {vector.size} numbers, "
                    f"the values have {values.size}"
                )
        self.steps += 1
        self._update(values, grads, learning_rate, loss)

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        raise NotImplementedError

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of everything that the next step depends on."""
        return {
            "steps": np.array(self.steps),
            **{name: vector.copy() for name, vector in self.vectors.items()},
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a `state`.

        Raises:
            ValueError: if it is another optimizer's state.
        """
        names = set(state) - {"steps"}
        if "steps" not in state or (names and names != set(self.slots)):
            raise ValueError(f"not a state of {type(self).__name__}: it has {sorted(state)}")
        self.steps = int(state["steps"])
        self.vectors = {name: state[name].copy() for name in self.slots} if names else {}


def clip_by_global_norm(grads: np.ndarray, max_norm: float) -> float:
    """Scale grads (n,) in place to a Euclidean norm of at most max_norm; return the norm before.

    Pascanu et al. 2013.

    Examples:
        >>> grads = np.array([3.0, 4.0])
        >>> clip_by_global_norm(grads, 1.0), grads
        (5.0, array([0.6, 0.8]))
    """
    with np.errstate(over="ignore"):
        norm = sqrt(float(np.dot(grads, grads)))
    if norm == inf and np.isfinite(grads).all():  # their squares are too large for the dtype
        largest = float(np.abs(grads).max())
        norm = largest * float(np.linalg.norm(grads / grads.dtype.type(largest)))
    if norm > max_norm:
        grads *= grads.dtype.type(max_norm / norm)
    return norm
