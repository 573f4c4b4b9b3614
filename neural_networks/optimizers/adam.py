"""Adam and its variants; the contract is in optimizer.py."""

from __future__ import annotations

from math import sqrt

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.components.kernels.simd.vector import flush, unflush
from neural_networks.optimizers.optimizer import Optimizer

Array = np.ndarray


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
    # NOTE: single numbers, since a call from Python with tuples takes 0.6 us longer, 2 % of the
    # step of a tiny network.
    cast = values.dtype.type
    rate, keep, correction, epsilon = cast(rate), cast(keep), cast(correction), cast(epsilon)
    beta1, rest1, beta2, rest2 = cast(beta1), cast(1 - beta1), cast(beta2), cast(1 - beta2)
    mode = flush()  # squares of small gradients are denormal, and slow
    for i in range(values.size):
        g = grads[i]
        m = beta1 * first[i] + rest1 * g
        v = beta2 * second[i] + rest2 * g * g
        first[i] = m
        second[i] = v
        values[i] = keep * values[i] - rate * m / (np.sqrt(v) * correction + epsilon)
    unflush(mode)


class Adam(Optimizer):
    """Scale each step by running means of the gradient and of its square (Kingma and Ba 2015).

    m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= rate m' / (sqrt(v') + epsilon)

    m' = m / (1 - beta1^t) and v' = v / (1 - beta2^t) correct for the start at zero.

    Examples:
        >>> w = np.array([1.0, -2.0])
        >>> Adam().step(w, np.array([0.001, 1000.0]), 0.25)  # a first step is as long as the rate
        >>> w.round(4)
        array([ 0.75, -2.25])
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
        betas = self.beta1, self.beta2
        _adam(values, first, second, grads, rate, keep, *betas, correction, self.epsilon)


class AdamW(Adam):
    """Adam with w -= rate decay w, outside of the moments (Loshchilov and Hutter 2019).

    Examples:
        >>> w = np.array([1.0])
        >>> AdamW(decay=0.5).step(w, np.array([0.0]), 0.1)  # no gradient, and weights still decay
        >>> w
        array([0.95])
    """

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
    """Adam without bias correction; steps taper off with the loss: rate sqrt(min(loss, 1)).

    Without correction the first steps are 1 - beta1 over sqrt(1 - beta2) of Adam's; with both betas
    0.95 that is 0.22.

    Examples:
        >>> w = np.array([1.0])
        >>> AdamTaperoff().step(w, np.array([7.0]), 0.1, loss=0.01)
        >>> w.round(4)
        array([0.9978])
    """

    def __init__(self, beta1: float = 0.95, beta2: float = 0.95, epsilon: float = 1e-8) -> None:
        super().__init__(beta1, beta2, epsilon)

    def _update(
        self, values: np.ndarray, grads: np.ndarray, learning_rate: float, loss: float | None
    ) -> None:
        if loss is None:
            raise ValueError(
                "AdamTaperoff needs the loss of the step: "
                "step(values, grads, learning_rate, loss=...)"
            )
        self._adam(values, grads, learning_rate * sqrt(max(0.0, min(loss, 1.0))), 1.0, 1.0)
