"""Losses: pure functions that return the value and its gradients together.

    value, dy = loss(y, target)

Values are Python floats, means over all elements unless a docstring says otherwise; gradients have
y's shape and dtype. An output and a target of different shapes are refused, and so is an output of
integers, whose gradient would be rounded.
"""

from __future__ import annotations

import numpy as np

from neural_networks.components.activations import sigmoid
from neural_networks.components.checks import same_shape
from neural_networks.components.kernels import kernel

Array = np.ndarray
OUTPUT_AND_TARGET = ("the output", "the target")


def mean_squared_error(y: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Return mean((y - target)^2) and dy = 2 (y - target) / n.

    Examples:
        >>> mean_squared_error(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
        (2.0, array([0., 2.]))
    """
    same_shape(y, target, OUTPUT_AND_TARGET)
    dy = np.subtract(y, target, dtype=y.dtype)
    flat = dy.reshape(-1)
    value = float(np.dot(flat, flat)) / y.size
    dy *= y.dtype.type(2 / y.size)
    return value, dy


def l1(y: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Return mean(|y - target|) and dy = sign(y - target) / n.

    Examples:
        >>> l1(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
        (1.0, array([0. , 0.5]))
    """
    same_shape(y, target, OUTPUT_AND_TARGET)
    difference = np.subtract(y, target, dtype=y.dtype)
    dy = np.sign(difference)
    dy *= y.dtype.type(1 / y.size)
    return float(np.abs(difference).mean(dtype=np.float64)), dy


def huber(y: np.ndarray, target: np.ndarray, *, delta: float = 1.0) -> tuple[float, np.ndarray]:
    """Return the mean of e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2) (Huber 1964).

    Examples:
        >>> huber(np.array([0.5, 3.0]), np.array([0.0, 0.0]))
        (1.3125, array([0.25, 0.5 ]))
    """
    same_shape(y, target, OUTPUT_AND_TARGET)
    error = np.subtract(y, target, dtype=y.dtype)
    # The clipped error c is the derivative, and in both branches the loss is c (e - c / 2).
    dy = np.clip(error, -delta, delta)
    value = float((dy * (error - dy * y.dtype.type(0.5))).mean(dtype=np.float64))
    dy *= y.dtype.type(1 / y.size)
    return value, dy


def bce_with_logits(y: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean cross entropy of sigmoid(y), and dy = (sigmoid(y) - target) / n.

    Computed as max(y, 0) - y target + log(1 + exp(-|y|)), which neither overflows nor takes the
    logarithm of 0.

    Examples:
        >>> value, dy = bce_with_logits(np.array([0.0, 1000.0]), np.array([1.0, 1.0]))
        >>> round(value, 4), dy
        (0.3466, array([-0.25,  0.  ]))
    """
    same_shape(y, target, OUTPUT_AND_TARGET)
    entropy = np.maximum(y, y.dtype.type(0)) - y * target + np.log1p(np.exp(-np.abs(y)))
    dy = sigmoid(y)
    dy -= target
    dy *= y.dtype.type(1 / y.size)
    return float(entropy.mean(dtype=np.float64)), dy


@kernel
def _gaussian_kl(
    dmean: Array, dlog_variance: Array, mean: Array, log_variance: Array, free_bits: float
) -> float:
    """Fill the gradients (N, Z) and return the sum over Z of the means over N."""
    count, size = mean.shape
    one, half, scale = mean.dtype.type(1), mean.dtype.type(0.5), mean.dtype.type(1 / count)
    value = 0.0
    for z in range(size):
        total = 0.0  # in float64
        for n in range(count):
            m, v = mean[n, z], log_variance[n, z]
            excess = np.exp(v) - one
            total += 0.5 * (excess - v + m * m)
            dmean[n, z] = scale * m
            dlog_variance[n, z] = scale * half * excess
        if total / count <= free_bits and free_bits > 0:
            value += free_bits
            for n in range(count):
                dmean[n, z] = 0
                dlog_variance[n, z] = 0
        else:
            value += total / count
    return value


def gaussian_kl(
    mean: np.ndarray, log_variance: np.ndarray, *, free_bits: float = 0.0
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return KL(N(mean, exp(log_variance)) || N(0, 1)), summed over the last axis, else averaged.

    Kingma and Welling 2014, appendix B.

    Args:
        mean: (..., Z).
        log_variance: (..., Z).
        free_bits: nats that each of the Z coordinates, averaged over the other axes, may hold free
            of charge (Kingma et al. 2016, equation 15).

    Returns:
        The value, dmean and dlog_variance.

    Examples:
        >>> value, dmean, dlog_variance = gaussian_kl(np.array([[1.0, 0.0]]), np.zeros((1, 2)))
        >>> value, dmean, dlog_variance
        (0.5, array([[1., 0.]]), array([[0., 0.]]))
    """
    same_shape(mean, log_variance, ("the mean", "the log-variance"))
    size = mean.shape[-1]
    count = mean.size // size
    dmean, dlog_variance = np.empty(mean.shape, mean.dtype), np.empty(mean.shape, mean.dtype)
    value = _gaussian_kl(
        dmean.reshape(count, size),
        dlog_variance.reshape(count, size),
        mean.reshape(count, size),
        log_variance.reshape(count, size),
        free_bits,
    )
    return value, dmean, dlog_variance


def pairwise_ranking(
    y: np.ndarray, better: np.ndarray, worse: np.ndarray, *, margin: float = 0.0
) -> tuple[float, np.ndarray]:
    """Return mean(log(1 + exp(margin + y_worse - y_better))) over pairs (Burges et al. 2005).

    Args:
        y: (N,) scores.
        better: (P,) indices into y of the preferred one of each pair.
        worse: (P,) indices of the other one.
        margin: by how much a better score has to lead.

    Returns:
        The value and dy (N,).

    Examples:
        >>> value, dy = pairwise_ranking(np.array([2.0, 0.0]), np.array([0]), np.array([1]))
        >>> round(value, 3), dy.round(3)  # the better one leads already; it should lead by more
        (0.127, array([-0.119,  0.119]))
    """
    lead = y[worse] - y[better] + y.dtype.type(margin)
    value = float((np.maximum(lead, 0) + np.log1p(np.exp(-np.abs(lead)))).mean(dtype=np.float64))
    push = sigmoid(lead) * y.dtype.type(1 / lead.size)
    dy = np.zeros_like(y)
    np.add.at(dy, worse, push)
    np.subtract.at(dy, better, push)
    return value, dy
