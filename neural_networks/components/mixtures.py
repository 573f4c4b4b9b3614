"""Mixtures of Gaussians with independent values, as networks write them.

    statistics = [m (M, D); raw of log p^2 (M, D); l (M, G)]  (.., C),  C = M (2 D + G)

The D values lie in G groups, each a mixture of its own with the weights softmax(l) over its M
components. With M = 1 there are no l, and everything is as gaussians.py has it: C = 2 D.

    mixture_divergence(posterior, prior, ..)         -> value, dposterior, dprior
    mixture_draw(statistics, bounds, innovations)    -> w (.., D) of innovations [eps; e]

The divergence of a Gaussian q from a mixture has no closed form. With pi_k the weights and N_k the
components, and d_k = KL(q || N_k) of a group,

    -log sum_k pi_k exp(-d_k)  >=  KL(q || sum_k pi_k N_k)

(Hershey and Olsen 2007, equation 20, with one Gaussian in q). It is KL itself where one component
alone is near to q, and exceeds it by what q can't tell of the component at most. With r =
softmax(log pi - d), the responsibilities, its gradients are those of the d_k in the shares r_k, and
pi - r with respect to l.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from neural_networks.components.gaussians import Bounds, divergence, draw, moments


def mixture_divergence(
    posterior: np.ndarray,
    prior: np.ndarray,
    *,
    groups: int,
    posterior_bounds: Bounds,
    prior_bounds: Bounds,
    free_bits: float = 0.0,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the divergence, summed over the groups and averaged over the other axes.

    Args:
        posterior: Gaussians [mu; raw of log s^2] (.., 2 D).
        prior: statistics of mixtures (.., C).
        groups: G.
        posterior_bounds: of log s^2.
        prior_bounds: of log p^2.
        free_bits: nats that each of the D values, averaged over the other axes, may hold free of
            charge; in a mixture the values of a group together.

    Returns:
        The value and the gradients of both statistics.

    Examples:
        >>> posterior = np.array([[5.0, 0.0]])  # N(5, 1); then N(5, 1) and N(-5, 1), evenly
        >>> prior = np.array([[5.0, -5.0, 0.0, 0.0, 0.0, 0.0]])
        >>> bounds = {"posterior_bounds": (-8, 4), "prior_bounds": (-6, 2)}
        >>> value, _, dprior = mixture_divergence(posterior, prior, groups=1, **bounds)
        >>> round(value, 4), dprior.round(2)[0, 4:]  # log 2: a choice; the first becomes likelier
        (0.6931, array([-0.5,  0.5]))
    """
    if prior.shape == posterior.shape:
        bounds = {"posterior_bounds": posterior_bounds, "prior_bounds": prior_bounds}
        return divergence(posterior, prior, **bounds, free_bits=free_bits)
    size, half = posterior.shape[-1] // 2, posterior.dtype.type(0.5)
    one = (*posterior.shape[:-1], 1, groups, size // groups)
    mean, log_variance = (part.reshape(one) for part in moments(posterior, posterior_bounds))
    m, raw, logits = _parts(prior, size, groups)
    bounded = np.clip(raw, *prior_bounds)
    precision = np.exp(-bounded)
    distance = mean - m
    pull = distance * precision
    squares = np.multiply(distance, pull, out=distance)
    excess = np.multiply(np.exp(log_variance), precision, out=precision)
    excess -= 1
    squares += excess
    bounded -= log_variance
    bounded += squares
    nats = bounded.sum(axis=-1) * half  # (.., M, G)
    weights, whole = _softmax(logits)
    shares, total = _softmax(logits - whole[..., None, :] - nats)

    count = total.size // groups
    held = -total.reshape(count, groups).mean(axis=0, dtype=np.float64)
    scale = np.full(groups, 1 / count, posterior.dtype)
    if free_bits > 0:
        free = free_bits * (size // groups)
        scale[held <= free] = 0
        held = np.maximum(held, free)
    each = (shares * scale)[..., None]  # (.., M, G, 1)
    dprior, dposterior = np.empty_like(prior), np.empty_like(posterior)
    dm, draw_, dlogits = _parts(dprior, size, groups)
    pull *= each
    np.negative(pull, out=dm)
    np.multiply(squares, each * -half, out=draw_)
    draw_ *= (raw >= prior_bounds[0]) & (raw <= prior_bounds[1])
    np.multiply(weights - shares, scale, out=dlogits)
    excess *= each * half
    flat = mean.shape[:-3] + (size,)
    dposterior[..., :size] = pull.sum(axis=-3).reshape(flat)
    dposterior[..., size:] = excess.sum(axis=-3).reshape(flat)
    raw = posterior[..., size:]
    dposterior[..., size:] *= (raw >= posterior_bounds[0]) & (raw <= posterior_bounds[1])
    return float(held.sum()), dposterior, dprior


def mixture_draw(
    statistics: np.ndarray, bounds: Bounds, innovations: np.ndarray, *, groups: int
) -> np.ndarray:
    """Return draws w (.., D) of mixtures.

    Args:
        statistics: (.., C).
        bounds: of log p^2.
        innovations: [eps; e] (.., D + G), standard normal: Phi(e) chooses the component, the first
            whose cumulative weight is above it; eps alone (.., D) with M = 1.
        groups: G.

    Examples:
        >>> statistics = np.array([5.0, -5.0, 0.0, 0.0, 0.0, 0.0])  # N(5, 1) and N(-5, 1), evenly
        >>> choices = np.array([[0.1, -1.0], [0.1, 1.0]])  # eps, e
        >>> mixture_draw(np.stack([statistics] * 2), (-6, 6), choices, groups=1)
        array([[ 5.1],
               [-4.9]])
    """
    if statistics.shape[-1] == 2 * innovations.shape[-1]:
        return draw(statistics, bounds, innovations)
    size = innovations.shape[-1] - groups
    m, raw, logits = _parts(statistics, size, groups)
    logits = logits.astype(np.float64)
    cumulative = np.exp(logits - logits.max(axis=-2, keepdims=True)).cumsum(axis=-2)
    level = ndtr(innovations[..., None, size:].astype(np.float64)) * cumulative[..., -1:, :]
    one = (level >= cumulative[..., :-1, :]).sum(axis=-2)[..., None, :, None]
    mean, raw = (np.take_along_axis(part, one, axis=-3)[..., 0, :, :] for part in (m, raw))
    chosen = np.concatenate([part.reshape(*part.shape[:-2], size) for part in (mean, raw)], axis=-1)
    return draw(chosen, bounds, innovations[..., :size])


def _parts(
    statistics: np.ndarray, size: int, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return views: means and raws (.., M, G, D / G), and logits (.., M, G)."""
    count = statistics.shape[-1] // (2 * size + groups)
    before, wide = statistics.shape[:-1], count * size
    m, raw = (
        statistics[..., i * wide : (i + 1) * wide].reshape(*before, count, groups, size // groups)
        for i in (0, 1)
    )
    return m, raw, statistics[..., 2 * wide :].reshape(*before, count, groups)


def _softmax(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shares (.., M, G) of logits (.., M, G), and the logarithm of their sum (.., G)."""
    largest = logits.max(axis=-2, keepdims=True)
    shares = np.exp(logits - largest)
    total = shares.sum(axis=-2, keepdims=True)
    shares /= total
    return shares, (largest + np.log(total))[..., 0, :]
