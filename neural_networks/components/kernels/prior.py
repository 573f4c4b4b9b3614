"""A recurrent prior that is fed with its own draws, forward and backward: plain loops, or tiles.

    a_t = tanh(w_(t-1) E + k_t)             what the step before was, and what the song is told
    h_t = GRU(a_t, h_(t-1))                 gru.py
    [m_t; raw_t; l_t] = h_t F + f           log p_t^2 = raw_t, held within bounds
    w_t = m_t + p_t eps_t                   or backwards: eps_t = (w_t - m_t) / p_t

With M components m_t, raw_t are those of one of them, which a level chooses; see mixture.py.

Contract, outputs first; nothing is kept, the GIL is released:

    prior_forward(run, weights, bounds, inverse) prior_backward(dinnovations, dinputs, dstatistics,
    dlatents, dfirst, grads, run, weights, bounds)

    T, B, D, E, H = time steps, batch, latents of a step, size of a_t, hidden size
    C = 2D, or M (2D + 1) with M components
    run, a `PriorRun`:
    condition    (T, B, E)     k_t; or (1, B, E), the same for all steps
    levels       (T, B)        float64: those that choose; not touched without a mixture
    innovations  (T, B, D)     eps_t
    chosen       (T, B)        out: which component
    latents      (T+1, B, D)   [0] what lies before the first step, given; w_t at [t+1]
    hidden       (T+1, B, H)   [0] given
    inputs       (T, B, E)     a_t
    statistics   (T, B, C)     [m_t; raw_t; l_t]
    gates, candidate           as `gru_cache` makes them
                               prior_forward reads levels and innovations and writes the latents;
                               if `inverse` it reads the latents and writes levels and innovations;
                               the rest it writes
    weights, a `PriorWeights`: E (D, E), the GRU's W (E, 3H), U (H, 3H), a (3H,), b (3H,), F (H,
    C), f (C,)
    dlatents     (T+1, B, D)   the gradient of the latents: in from above, out the whole
    dinnovations (T, B, D)     out
    dinputs      (T, B, E)     out: the gradient of w_(t-1) E + k_t
    dstatistics  (T, B, C)     the gradient of the statistics: in from above, out the whole
    dfirst       (B, H)        out: the gradient of hidden[0]
    grads        like weights, added to
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.components.kernels.gru import gru_cache
from neural_networks.components.kernels.loops import add_product
from neural_networks.components.kernels.mixture import draw_gradient_row, draw_row
from neural_networks.components.kernels.simd.matrix import multiply
from neural_networks.components.kernels.simd.prior_backward import prior_backward_tiles
from neural_networks.components.kernels.simd.prior_forward import prior_forward_tiles


class PriorWeights(NamedTuple):
    """The weights of a recurrent prior, or their gradients; see the contract above."""

    latent: np.ndarray
    input: np.ndarray
    recurrent: np.ndarray
    input_bias: np.ndarray
    recurrent_bias: np.ndarray
    head: np.ndarray
    head_bias: np.ndarray


class PriorRun(NamedTuple):
    """All values of a run over time; see the contract above."""

    condition: np.ndarray
    levels: np.ndarray
    innovations: np.ndarray
    chosen: np.ndarray
    latents: np.ndarray
    hidden: np.ndarray
    inputs: np.ndarray
    statistics: np.ndarray
    gates: np.ndarray
    candidate: np.ndarray


def prior_run(
    condition: np.ndarray, steps: int, latent_size: int, hidden_size: int, columns: int
) -> PriorRun:
    """Return arrays for a run; those that are given are still to be filled."""
    batch, dtype = condition.shape[1], condition.dtype

    def empty(*shape: int) -> np.ndarray:
        return np.empty(shape, dtype)

    return PriorRun(
        condition,
        np.empty((steps, batch)),
        empty(steps, batch, latent_size),
        np.empty((steps, batch), np.intp),
        empty(steps + 1, batch, latent_size),
        empty(steps + 1, batch, hidden_size),
        empty(steps, batch, condition.shape[2]),
        empty(steps, batch, columns),
        *gru_cache(steps, batch, hidden_size, dtype),
    )


def prior_forward(
    run: PriorRun, weights: PriorWeights, bounds: tuple[float, float], *, inverse: bool = False
) -> None:
    """Run the prior over all time steps; see the contract above."""
    if run.gates.ndim == 4:
        prior_forward_tiles(*run[:-1], *weights, *bounds, inverse)
    else:
        _forward_loops(*run, *weights, *bounds, inverse)


def prior_backward(
    dinnovations: np.ndarray,
    dinputs: np.ndarray,
    dstatistics: np.ndarray,
    dlatents: np.ndarray,
    dfirst: np.ndarray,
    grads: PriorWeights,
    run: PriorRun,
    weights: PriorWeights,
    bounds: tuple[float, float],
) -> None:
    """Run backpropagation through time and through the draws; see the contract above."""
    hidden, size = run.hidden, run.hidden.shape[2]
    recurrences = dinnovations, dinputs, dstatistics, dlatents, dfirst
    if run.gates.ndim == 4:
        prior_backward_tiles(
            *recurrences, *grads[1:5], *run[2:-1], *weights[:3], weights.head, *bounds
        )
    else:
        dproduct, dcandidate = np.empty_like(run.gates), np.empty_like(run.candidate)
        _backward_loops(
            dproduct, dcandidate, *recurrences, *run[2:], *weights[:3], weights.head, *bounds
        )
        rows = dproduct.reshape(-1, 3 * size)
        multiply(grads.recurrent, hidden[:-1].reshape(-1, size).T, rows, add=True)
        grads.recurrent_bias[:] += rows.sum(axis=0)
        # The input's projection enters the candidate beside the reset gate, not behind it.
        dproduct[:, :, 2 * size :] = dcandidate
        multiply(grads.input, run.inputs.reshape(len(rows), -1).T, rows, add=True)
        grads.input_bias[:] += rows.sum(axis=0)
    drows, dhead = (array.reshape(-1, array.shape[2]) for array in (dinputs, dstatistics))
    multiply(grads.latent, run.latents[:-1].reshape(len(drows), -1).T, drows, add=True)
    multiply(grads.head, hidden[1:].reshape(-1, size).T, dhead, add=True)
    grads.head_bias[:] += dhead.sum(axis=0)


@kernel
def _forward_loops(
    condition,
    levels,
    innovations,
    chosen,
    latents,
    hidden,
    inputs,
    statistics,
    gates,
    candidate,
    E,
    W,
    U,
    a,
    b,
    F,
    f,
    low,
    high,
    inverse,
):
    steps, batch, size = candidate.shape
    product = np.empty((batch, 3 * size), hidden.dtype)
    one, half = hidden.dtype.type(1), hidden.dtype.type(0.5)
    low, high = hidden.dtype.type(low), hidden.dtype.type(high)
    for t in range(steps):
        inputs[t] = condition[min(t, len(condition) - 1)]
        add_product(inputs[t], latents[t], E)
        for n in range(batch):
            for j in range(inputs.shape[2]):
                inputs[t, n, j] = np.tanh(inputs[t, n, j])
            gates[t, n] = a
            product[n] = b
            statistics[t, n] = f
        add_product(gates[t], inputs[t], W)
        add_product(product, hidden[t], U)
        for n in range(batch):
            sums = gates[t, n]
            for j in range(size):
                r = half + half * np.tanh(half * (sums[j] + product[n, j]))
                z = half + half * np.tanh(half * (sums[size + j] + product[n, size + j]))
                q = product[n, 2 * size + j]
                new = np.tanh(sums[2 * size + j] + r * q)
                sums[j] = r
                sums[size + j] = z
                sums[2 * size + j] = new
                candidate[t, n, j] = q
                hidden[t + 1, n, j] = (one - z) * new + z * hidden[t, n, j]
        add_product(statistics[t], hidden[t + 1], F)
        for n in range(batch):
            w, noise, line = latents[t + 1, n], innovations[t, n], statistics[t, n]
            chosen[t, n], levels[t, n] = draw_row(w, noise, line, levels[t, n], low, high, inverse)


@kernel
def _backward_loops(
    dproduct,
    dcandidate,
    dinnovations,
    dinputs,
    dstatistics,
    dlatents,
    dfirst,
    innovations,
    chosen,
    latents,
    hidden,
    inputs,
    statistics,
    gates,
    candidate,
    E,
    W,
    U,
    F,
    low,
    high,
):
    steps, batch, size = candidate.shape
    given = inputs.shape[2]
    to_latent, to_input, to_hidden, to_state = (
        np.ascontiguousarray(E.T),
        np.ascontiguousarray(W.T),
        np.ascontiguousarray(U.T),
        np.ascontiguousarray(F.T),
    )
    dgates = np.empty((batch, 3 * size), hidden.dtype)
    one = hidden.dtype.type(1)
    low, high = hidden.dtype.type(low), hidden.dtype.type(high)
    dfirst[:] = 0
    for t in range(steps - 1, -1, -1):
        for n in range(batch):
            dnoise, dline, dw = dinnovations[t, n], dstatistics[t, n], dlatents[t + 1, n]
            noise, line = innovations[t, n], statistics[t, n]
            draw_gradient_row(dnoise, dline, dw, noise, line, chosen[t, n], low, high)
        add_product(dfirst, dstatistics[t], to_state)
        for n in range(batch):
            for j in range(size):
                r, z, new = gates[t, n, j], gates[t, n, size + j], gates[t, n, 2 * size + j]
                dh = dfirst[n, j]
                dn = dh * (one - z) * (one - new * new)
                dr = dn * candidate[t, n, j] * r * (one - r)
                dz = dh * (hidden[t, n, j] - new) * z * (one - z)
                dcandidate[t, n, j] = dn
                dproduct[t, n, j] = dr
                dproduct[t, n, size + j] = dz
                dproduct[t, n, 2 * size + j] = dn * r
                dgates[n, j] = dr
                dgates[n, size + j] = dz
                dgates[n, 2 * size + j] = dn
                dfirst[n, j] = dh * z
        add_product(dfirst, dproduct[t], to_hidden)
        dinputs[t] = 0
        add_product(dinputs[t], dgates, to_input)
        for n in range(batch):
            for j in range(given):
                value = inputs[t, n, j]
                dinputs[t, n, j] *= one - value * value
        add_product(dlatents[t], dinputs[t], to_latent)
