"""The optimizers by name, and those with one or two vectors; Adam and its variants are in adam.py.

The contract is in optimizer.py. g is the gradient, w the values.
"""

from __future__ import annotations

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.optimizers.adam import Adam, AdamTaperoff, AdamW
from neural_networks.optimizers.average import Average
from neural_networks.optimizers.optimizer import Optimizer, clip_by_global_norm

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamTaperoff",
    "AdamW",
    "Average",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "clip_by_global_norm",
]

Array = np.ndarray


@kernel
def _sgd(values: Array, grads: Array, rate: float) -> None:
    rate = values.dtype.type(rate)
    for i in range(values.size):
        values[i] -= rate * grads[i]


class SGD(Optimizer):
    """w -= rate g.

    Examples:
        >>> w = np.array([1.0, -2.0])
        >>> SGD().step(w, 2 * w, 0.25)  # 2 w is the gradient of the sum of w^2
        >>> w
        array([ 0.5, -1. ])
    """

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
    """v = momentum v + g; w -= rate v (Polyak 1964).

    Examples:
        >>> w, optimizer = np.array([1.0]), Momentum(0.5)
        >>> for _ in range(2):
        ...     optimizer.step(w, np.array([1.0]), 0.25)  # the second step is 1.5 times as long
        >>> w
        array([0.375])
    """

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
    """v = momentum v + g; w -= rate (g + momentum v).

    Nesterov 1983, in the form of Sutskever et al. 2013.

    Examples:
        >>> w, optimizer = np.array([1.0]), Nesterov(0.5)
        >>> optimizer.step(w, np.array([1.0]), 0.25)  # 1.5 times as long as a plain step
        >>> w
        array([0.625])
    """

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
    """s += g^2; w -= rate g / (sqrt(s) + epsilon) (Duchi et al. 2011).

    Examples:
        >>> w, optimizer = np.array([1.0]), Adagrad()
        >>> for _ in range(2):
        ...     optimizer.step(w, np.array([100.0]), 0.25)  # 0.25, then 0.25 / sqrt(2)
        >>> w.round(4)
        array([0.5732])
    """

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
    """Scale each step by the steps before, with d the step and c its mean square (Zeiler 2012).

    s = decay s + (1 - decay) g^2; d = sqrt((c + epsilon) / (s + epsilon)) g
    c = decay c + (1 - decay) d^2; w -= rate d

    Examples:
        >>> w = np.array([1.0])
        >>> Adadelta().step(w, np.array([100.0]), 1.0)
        >>> bool(0.99 < w[0] < 1)  # first steps are short
        True
    """

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
    """s = decay s + (1 - decay) g^2; w -= rate g / (sqrt(s) + epsilon).

    Tieleman and Hinton 2012.

    Examples:
        >>> w = np.array([1.0, 1.0])
        >>> RMSprop(0.75).step(w, np.array([100.0, 0.01]), 0.1)  # as long for either
        >>> w.round(4)
        array([0.8, 0.8])
    """

    slots = ("square",)

    def __init__(self, decay: float = 0.99, epsilon: float = 1e-8) -> None:
        super().__init__()
        self.decay = decay
        self.epsilon = epsilon

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        _rmsprop(values, self.vectors["square"], grads, learning_rate, self.decay, self.epsilon)
