"""Optimizers: each changes one flat vector of values in place, given the gradients and a learning rate.

Contract:

    optimizer.step(values, grads, learning_rate)      one fused kernel, one pass over memory
    optimizer.state() -> dict of arrays; optimizer.restore(dict)     goes on bit for bit

Kernels cast scalars to the vectors' dtype before they loop: one float64 among float32 would halve
their speed. To cast them in Python would take longer than a step of a tiny network.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.components.kernels.simd.vector import flush, unflush

Array = np.ndarray


class Optimizer:
    """The base of all: counts the steps and keeps the `slots`, vectors as long as the values that start at zero."""

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
            grads: (n,) of the same dtype; left as they are.
            learning_rate: of this step.
            loss: of this step; AdamTaperoff alone looks at it.

        Raises:
            ValueError: if the values are more or fewer than at the step before, or AdamTaperoff
                gets no loss.
        """
        if not self.vectors:
            self.vectors = {name: np.zeros_like(values) for name in self.slots}
        for name, vector in self.vectors.items():
            if vector.size != values.size:
                raise ValueError(
                    f"the optimizer's {name} has {vector.size} numbers, the values have {values.size}"
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
        """Go on from a `state`.

        Raises:
            ValueError: if it is another optimizer's state.
        """
        names = set(state) - {"steps"}
        if "steps" not in state or (names and names != set(self.slots)):
            raise ValueError(f"not a state of {type(self).__name__}: it has {sorted(state)}")
        self.steps = int(state["steps"])
        self.vectors = {name: state[name].copy() for name in self.slots} if names else {}


@kernel
def _sgd(values: Array, grads: Array, rate: float) -> None:
    rate = values.dtype.type(rate)
    for i in range(values.size):
        values[i] -= rate * grads[i]


class SGD(Optimizer):
    """w -= rate g."""

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        _sgd(values, grads, learning_rate)


@kernel
def _momentum(values: Array, velocity: Array, grads: Array, rate: float, momentum: float) -> None:
    cast = values.dtype.type
    rate, momentum = cast(rate), cast(momentum)
    for i in range(values.size):
        velocity[i] = momentum * velocity[i] + grads[i]
        values[i] -= rate * velocity[i]


class Momentum(Optimizer):
    """v = momentum v + g; w -= rate v (Polyak 1964)."""

    slots = ("velocity",)

    def __init__(self, momentum: float = 0.9) -> None:
        super().__init__()
        self.momentum = momentum

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        _momentum(values, self.vectors["velocity"], grads, learning_rate, self.momentum)


@kernel
def _nesterov(values: Array, velocity: Array, grads: Array, rate: float, momentum: float) -> None:
    cast = values.dtype.type
    rate, momentum = cast(rate), cast(momentum)
    for i in range(values.size):
        velocity[i] = momentum * velocity[i] + grads[i]
        values[i] -= rate * (grads[i] + momentum * velocity[i])


class Nesterov(Momentum):
    """v = momentum v + g; w -= rate (g + momentum v) (Nesterov 1983, in the form of Sutskever et al. 2013)."""

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        _nesterov(values, self.vectors["velocity"], grads, learning_rate, self.momentum)


@kernel
def _adagrad(values: Array, square: Array, grads: Array, rate: float, epsilon: float) -> None:
    cast = values.dtype.type
    rate, epsilon = cast(rate), cast(epsilon)
    for i in range(values.size):
        g = grads[i]
        square[i] += g * g
        values[i] -= rate * g / (np.sqrt(square[i]) + epsilon)


class Adagrad(Optimizer):
    """s += g^2; w -= rate g / (sqrt(s) + epsilon) (Duchi et al. 2011)."""

    slots = ("square",)

    def __init__(self, epsilon: float = 1e-10) -> None:
        super().__init__()
        self.epsilon = epsilon

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        _adagrad(values, self.vectors["square"], grads, learning_rate, self.epsilon)


@kernel
def _adadelta(
    values: Array,
    square: Array,
    change: Array,
    grads: Array,
    rate: float,
    decay: float,
    epsilon: float,
) -> None:
    cast = values.dtype.type
    rate, decay, rest, epsilon = cast(rate), cast(decay), cast(1 - decay), cast(epsilon)
    for i in range(values.size):
        g = grads[i]
        square[i] = decay * square[i] + rest * g * g
        step = np.sqrt((change[i] + epsilon) / (square[i] + epsilon)) * g
        change[i] = decay * change[i] + rest * step * step
        values[i] -= rate * step


class Adadelta(Optimizer):
    """s = decay s + (1 - decay) g^2; d = sqrt((c + e) / (s + e)) g; c = decay c + (1 - decay) d^2; w -= rate d (Zeiler 2012)."""

    slots = ("square", "change")

    def __init__(self, decay: float = 0.9, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.decay = decay
        self.epsilon = epsilon

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        _adadelta(
            values,
            self.vectors["square"],
            self.vectors["change"],
            grads,
            learning_rate,
            self.decay,
            self.epsilon,
        )


@kernel
def _rmsprop(
    values: Array, square: Array, grads: Array, rate: float, decay: float, epsilon: float
) -> None:
    cast = values.dtype.type
    rate, decay, rest, epsilon = cast(rate), cast(decay), cast(1 - decay), cast(epsilon)
    for i in range(values.size):
        g = grads[i]
        square[i] = decay * square[i] + rest * g * g
        values[i] -= rate * g / (np.sqrt(square[i]) + epsilon)


class RMSprop(Optimizer):
    """s = decay s + (1 - decay) g^2; w -= rate g / (sqrt(s) + epsilon) (Tieleman and Hinton 2012)."""

    slots = ("square",)

    def __init__(self, decay: float = 0.99, epsilon: float = 1e-8) -> None:
        super().__init__()
        self.decay = decay
        self.epsilon = epsilon

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        _rmsprop(values, self.vectors["square"], grads, learning_rate, self.decay, self.epsilon)


@kernel
def _adam(
    values: Array,
    first: Array,
    second: Array,
    grads: Array,
    rate: float,
    keep: float,
    beta1: float,
    beta2: float,
    correction: float,
    epsilon: float,
) -> None:
    cast = values.dtype.type
    rate, keep, correction, epsilon = cast(rate), cast(keep), cast(correction), cast(epsilon)
    beta1, rest1, beta2, rest2 = cast(beta1), cast(1 - beta1), cast(beta2), cast(1 - beta2)
    mode = flush()  # the squares of small gradients are far below what a processor is fast with
    for i in range(values.size):
        g = grads[i]
        m = beta1 * first[i] + rest1 * g
        v = beta2 * second[i] + rest2 * g * g
        first[i] = m
        second[i] = v
        values[i] = keep * values[i] - rate * m / (np.sqrt(v) * correction + epsilon)
    unflush(mode)


class Adam(Optimizer):
    """m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= rate m' / (sqrt(v') + epsilon) (Kingma and Ba 2015).

    m' = m / (1 - beta1^t) and v' = v / (1 - beta2^t) correct for the start at zero.
    """

    slots = ("first", "second")

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        super().__init__()
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        rate = learning_rate / (1 - self.beta1**self.steps)
        self._adam(values, grads, rate, 1.0, 1 / sqrt(1 - self.beta2**self.steps))

    def _adam(
        self, values: np.ndarray, grads: np.ndarray, rate: float, keep: float, correction: float
    ) -> None:
        first, second = self.vectors["first"], self.vectors["second"]
        _adam(
            values,
            first,
            second,
            grads,
            rate,
            keep,
            self.beta1,
            self.beta2,
            correction,
            self.epsilon,
        )


class AdamW(Adam):
    """Adam with w -= rate decay w beside it, outside of the moments (Loshchilov and Hutter 2019)."""

    def __init__(
        self,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        decay: float = 0.01,
    ) -> None:
        super().__init__(beta1, beta2, epsilon)
        self.decay = decay

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        rate = learning_rate / (1 - self.beta1**self.steps)
        self._adam(
            values,
            grads,
            rate,
            1 - learning_rate * self.decay,
            1 / sqrt(1 - self.beta2**self.steps),
        )


class AdamTaperoff(Adam):
    """Adam without bias correction, whose steps taper off with the loss: rate sqrt(min(loss, 1)).

    Without correction the first steps are 1 - beta1 over sqrt(1 - beta2) of Adam's; with both betas
    0.95 that is 0.22.
    """

    def __init__(self, beta1: float = 0.95, beta2: float = 0.95, epsilon: float = 1e-8) -> None:
        super().__init__(beta1, beta2, epsilon)

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        if loss is None:
            raise ValueError(
                "AdamTaperoff needs the loss of the step: step(values, grads, learning_rate, loss=...)"
            )
        self._adam(values, grads, learning_rate * sqrt(max(0.0, min(loss, 1.0))), 1.0, 1.0)


def clip_by_global_norm(grads: np.ndarray, max_norm: float) -> float:
    """Scale grads (n,) in place so that their Euclidean norm is at most max_norm; return the norm before (Pascanu et al. 2013)."""
    norm = sqrt(float(np.dot(grads, grads)))
    if norm > max_norm:
        grads *= grads.dtype.type(max_norm / norm)
    return norm


@kernel
def _average(average: Array, values: Array, share: float) -> None:
    share = values.dtype.type(share)
    for i in range(values.size):
        average[i] += share * (values[i] - average[i])


class Average:
    """An exponential moving average of a model's values: average += (1 - decay) (values - average).

    The decay is shortened at the start, min(decay, (1 + t) / (10 + t)), so that the first values
    are soon forgotten.

    Args:
        values: (n,) copied as the first average.
        decay: share of the average that each update keeps.
    """

    def __init__(self, values: np.ndarray, *, decay: float = 0.999) -> None:
        self.values = values.copy()
        self.decay = decay
        self.steps = 0

    def update(self, values: np.ndarray) -> None:
        """Take the values (n,) of one more step in."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        _average(self.values, values, 1 - decay)

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of everything that the next update depends on."""
        return {"steps": np.array(self.steps), "values": self.values.copy()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a `state`; the average's vector is filled in place."""
        self.steps = int(state["steps"])
        self.values[:] = state["values"]
