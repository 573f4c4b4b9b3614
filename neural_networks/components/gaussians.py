"""Gaussians with independent values, as networks write them: a mean and a bounded log-variance.

    statistics = [mean; raw]  (.., 2d)      log-variance = raw, held within bounds (low, high)

    moments(statistics, bounds)                  -> mean, log-variance
    draw(statistics, bounds, noise)              -> w = mean + exp(log-variance / 2) noise
    draw_gradient(dw, statistics, bounds, noise) -> dstatistics
    innovations(w, statistics, bounds)           -> (w - mean) / exp(log-variance / 2)
    divergence(posterior, prior, ..)             -> KL(posterior || prior), dposterior, dprior
    parted(statistics, size)                     -> statistics of the first `size` values, the rest
    joined(first, rest)                          -> statistics of all of them again

Where raw lies outside its bounds the log-variance does not change with it: its gradient is zero
there, exactly; on a bound itself it is that of the inside. Plain NumPy: these arrays are small
beside those of the layers, and NumPy's exponential is vectorised where a kernel's is not.
"""

from __future__ import annotations

import numpy as np

Bounds = tuple[float, float]  # of a log-variance


def moments(statistics: np.ndarray, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean, a view (.., d), and the log-variance (.., d) of statistics (.., 2d)."""
    size = statistics.shape[-1] // 2
    return statistics[..., :size], np.clip(statistics[..., size:], *bounds)


def draw(statistics: np.ndarray, bounds: Bounds, noise: np.ndarray) -> np.ndarray:
    """Return w = mean + exp(log-variance / 2) noise, all (.., d).

    Examples:
        >>> statistics = np.array([3.0, 0.0, np.log(4), 0.0])  # means 3 and 0, deviations 2 and 1
        >>> draw(statistics, (-6, 6), np.array([0.5, -1.0]))
        array([ 4., -1.])
    """
    mean, log_variance = moments(statistics, bounds)
    return mean + _deviation(log_variance) * noise


def innovations(w: np.ndarray, statistics: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Return the noise (.., d) that `draw` makes w of.

    Examples:
        >>> innovations(np.array([4.0]), np.array([3.0, np.log(4)]), (-6, 6))
        array([0.5])
    """
    mean, log_variance = moments(statistics, bounds)
    return (w - mean) / _deviation(log_variance)


def draw_gradient(
    dw: np.ndarray, statistics: np.ndarray, bounds: Bounds, noise: np.ndarray
) -> np.ndarray:
    """Return the gradient (.., 2d) of the statistics, through a draw alone.

    dw / dmean = 1,  dw / dlog-variance = exp(log-variance / 2) noise / 2

    Examples:
        >>> statistics, noise = np.array([3.0, np.log(4)]), np.array([0.5])
        >>> draw_gradient(np.ones(1), statistics, (-6, 6), noise)
        array([1. , 0.5])
        >>> draw_gradient(np.ones(1), statistics, (-6, 1), noise)  # held at the bound
        array([1., 0.])
    """
    _, log_variance = moments(statistics, bounds)
    half = dw.dtype.type(0.5)
    dlog_variance = dw * noise * _deviation(log_variance) * half
    dlog_variance *= _inside(statistics, bounds)
    return np.concatenate([dw, dlog_variance], axis=-1)


def divergence(
    posterior: np.ndarray,
    prior: np.ndarray,
    *,
    posterior_bounds: Bounds,
    prior_bounds: Bounds,
    free_bits: float = 0.0,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return KL(N(mu, s^2) || N(m, p^2)), summed over the last axis and averaged over the others.

        KL = (log p^2 - log s^2 + (s^2 + (mu - m)^2) / p^2 - 1) / 2   of each value

    Args:
        posterior: [mu; raw of log s^2] (.., 2d).
        prior: [m; raw of log p^2] (.., 2d).
        posterior_bounds: of log s^2.
        prior_bounds: of log p^2.
        free_bits: nats that each of the d coordinates, averaged over the other axes, may hold free
            of charge (Kingma et al. 2016, equation 15).

    Returns:
        The value and the gradients (.., 2d) of both statistics.

    Examples:
        >>> posterior, prior = np.array([[1.0, 0.0]]), np.zeros((1, 2))  # N(1, 1) and N(0, 1)
        >>> bounds = {"posterior_bounds": (-8, 4), "prior_bounds": (-6, 2)}
        >>> value, dposterior, dprior = divergence(posterior, prior, **bounds)
        >>> value, dposterior  # towards the prior's mean
        (0.5, array([[1., 0.]]))
    """
    mean, log_variance = moments(posterior, posterior_bounds)
    prior_mean, prior_log_variance = moments(prior, prior_bounds)
    half, size = posterior.dtype.type(0.5), mean.shape[-1]
    count = mean.size // size
    precision = np.exp(-prior_log_variance)
    ratio = np.exp(log_variance) * precision
    distance = mean - prior_mean
    pull = distance * precision
    excess = ratio - 1
    squares = distance * pull
    nats = (prior_log_variance - log_variance + squares + excess) * half
    held = nats.reshape(count, size).mean(axis=0, dtype=np.float64)
    scale = np.full(size, 1 / count, posterior.dtype)
    if free_bits > 0:
        scale[held <= free_bits] = 0
        held = np.maximum(held, free_bits)
    dposterior, dprior = np.empty_like(posterior), np.empty_like(prior)
    np.multiply(pull, scale, out=dposterior[..., :size])
    np.negative(dposterior[..., :size], out=dprior[..., :size])
    scale *= half
    np.multiply(excess, scale, out=dposterior[..., size:])
    np.multiply(-squares - excess, scale, out=dprior[..., size:])
    dposterior[..., size:] *= _inside(posterior, posterior_bounds)
    dprior[..., size:] *= _inside(prior, prior_bounds)
    return float(held.sum()), dposterior, dprior


def parted(statistics: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the statistics (.., 2 size) of the first values of (.., 2d), and of the others."""
    pairs = statistics.reshape(*statistics.shape[:-1], 2, statistics.shape[-1] // 2)
    first, rest = (
        np.ascontiguousarray(part).reshape(*statistics.shape[:-1], 2 * part.shape[-1])
        for part in (pairs[..., :size], pairs[..., size:])
    )
    return first, rest


def joined(first: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Return the statistics (.., 2d) of which `parted` makes these two."""
    pairs = [part.reshape(*part.shape[:-1], 2, part.shape[-1] // 2) for part in (first, rest)]
    return np.concatenate(pairs, axis=-1).reshape(*first.shape[:-1], -1)


def _deviation(log_variance: np.ndarray) -> np.ndarray:
    return np.exp(log_variance * log_variance.dtype.type(0.5))


def _inside(statistics: np.ndarray, bounds: Bounds) -> np.ndarray:
    raw = statistics[..., statistics.shape[-1] // 2 :]
    return (raw >= bounds[0]) & (raw <= bounds[1])
