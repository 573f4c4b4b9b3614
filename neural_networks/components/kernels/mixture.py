"""One step's draw from a mixture of Gaussians, and its gradient; the kernels of the prior call it.

    mixture_size(columns, D)   -> M, of a row of statistics
    draw_row(w, noise, ..)     -> which component, level: writes w = m_k + p_k noise
    draw_gradient_row(..)      the gradients of the noise and of the row, given the component

A row has C columns: [m (M, D); raw of log p^2 (M, D); logits (M,)], and no logits where M is 1.
The weights are softmax(logits). A level, uniform in [0, 1), chooses the first component whose
cumulative weight is above it, in float64, so that it is the same in every kernel. Backwards, of a w
that is given, the component is the likeliest of those that have a weight worth choosing, and the
level is the middle of its interval, to which even a rounded innovation leads back.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

LEAST_WEIGHT = 1e-3  # whose interval is still met by an innovation rounded to 1 / 4096


@register_jitable
def mixture_size(columns, width):
    """Return M."""
    return max(1, columns // (2 * width + 1))


@register_jitable
def draw_row(w, noise, line, level, low, high, inverse):
    """Write w (D,) or, backwards, the noise (D,); return the component and the level."""
    width, half = len(w), line.dtype.type(0.5)
    count = mixture_size(len(line), width)
    one = 0
    if count > 1:
        if inverse:
            one, level = _likeliest(line, count, w, low, high)
        else:
            one = _chosen(line[2 * count * width :], level)
    mean = line[one * width : (one + 1) * width]
    raw = line[(count + one) * width : (count + one + 1) * width]
    for k in range(width):
        p = np.exp(half * min(max(raw[k], low), high))
        if inverse:
            noise[k] = (w[k] - mean[k]) / p
        else:
            w[k] = mean[k] + p * noise[k]
    return one, level


@register_jitable
def draw_gradient_row(dnoise, dline, dw, noise, line, one, low, high):
    """Write the gradient of the noise (D,), and add that of the row (C,), given the component."""
    width, half = len(dw), line.dtype.type(0.5)
    count = mixture_size(len(line), width)
    raws = line[(count + one) * width : (count + one + 1) * width]
    dmean = dline[one * width : (one + 1) * width]
    draw = dline[(count + one) * width : (count + one + 1) * width]
    for k in range(width):
        raw = raws[k]
        p = np.exp(half * min(max(raw, low), high))
        dnoise[k] = dw[k] * p
        dmean[k] += dw[k]
        if raw >= low and raw <= high:
            draw[k] += half * dw[k] * p * noise[k]


@register_jitable
def _total(logits):
    """Return the largest of the logits (M,), and the sum of exp(logits - largest)."""
    largest, total = np.float64(logits[0]), 0.0
    for value in logits:
        largest = max(largest, np.float64(value))
    for value in logits:
        total += np.exp(np.float64(value) - largest)
    return largest, total


@register_jitable
def _chosen(logits, level):
    """Return the component that a level chooses."""
    largest, total = _total(logits)
    sum_of_weights = 0.0
    for one in range(len(logits) - 1):
        sum_of_weights += np.exp(np.float64(logits[one]) - largest)
        if level * total < sum_of_weights:
            return one
    return len(logits) - 1


@register_jitable
def _likeliest(line, count, w, low, high):
    """Return the component that most likely made w, and the middle of its interval."""
    width = len(w)
    logits = line[2 * count * width :]
    largest, total = _total(logits)
    one, level, best, below = -1, 0.0, 0.0, 0.0
    for k in range(count):
        weight = np.exp(np.float64(logits[k]) - largest)
        if not weight < LEAST_WEIGHT * total:
            score = np.float64(logits[k])
            for j in range(width):
                raw = np.float64(min(max(line[(count + k) * width + j], low), high))
                distance = np.float64(w[j]) - np.float64(line[k * width + j])
                score -= 0.5 * (raw + distance * distance * np.exp(-raw))
            if one < 0 or score > best:
                one, best, level = k, score, (below + 0.5 * weight) / total
        below += weight
    return one, level
