"""The recurrence of a GRU, forward and backward: once as plain loops, which are always right, once on vector registers.

Contract, outputs first; nothing is kept, the GIL is released, so two threads can run two halves of a mini-batch:

    gru_forward(hidden, gates, candidate, weight, input_bias, recurrent_bias)
    gru_backward(dproduct, dcandidate, dfirst, dhidden, hidden, gates, candidate, weight)

    T, B, H = time steps, batch, hidden size. Three gates lie side by side, (.., 3H), in the order reset, update, candidate:
    hidden      (T+1, B, H)  the states; [0] is the first, given; gru_forward writes the rest
    gates       (T, B, 3H)   in: x_t W of all steps; out: the values r_t, z_t, n_t
    candidate   (T, B, H)    out: q_t = h_{t-1} U_n + b_n, the candidate's recurrent product before the reset gate
    weight      (H, 3H)      U
    dhidden     (T, B, H)    the gradient of the loss with respect to hidden[1:], from above
    dproduct    (T, B, 3H)   out: the gradient with respect to h_{t-1} U + b
    dcandidate  (T, B, H)    out: the gradient with respect to x_t W_n; that of the two other gates is the same as in dproduct
    dfirst      (B, H)       out: the gradient with respect to hidden[0]
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import kernel
from neural_networks.components.kernels_gru_gates import gru_gate_gradients, gru_gates
from neural_networks.components.kernels_matrix import aligned, fill_panel, tile_rows
from neural_networks.components.kernels_tile import LANES, ROWS, TILE, VECTORS, add_part, fill, tile


def gru_forward(
    hidden: np.ndarray, gates: np.ndarray, candidate: np.ndarray, weight: np.ndarray, input_bias: np.ndarray, recurrent_bias: np.ndarray
) -> None:
    """Run a GRU over all time steps; see the contract above."""
    fast = TILE is not None and hidden.dtype == np.float32
    (_forward_tiles if fast else _forward_loops)(hidden, gates, candidate, weight, input_bias, recurrent_bias)


def gru_backward(
    dproduct: np.ndarray, dcandidate: np.ndarray, dfirst: np.ndarray, dhidden: np.ndarray,
    hidden: np.ndarray, gates: np.ndarray, candidate: np.ndarray, weight: np.ndarray,
) -> None:  # fmt: skip
    """Run backpropagation through time; see the contract above."""
    fast = TILE is not None and hidden.dtype == np.float32
    (_backward_tiles if fast else _backward_loops)(dproduct, dcandidate, dfirst, dhidden, hidden, gates, candidate, weight)


@register_jitable
def _add_product(out, left, right):
    """out += left @ right for (B, K) and (K, N), four rows of `right` at a time."""
    depth = left.shape[1]
    whole = depth - depth % 4
    for b in range(left.shape[0]):
        row = out[b]
        factors = left[b]
        for k in range(0, whole, 4):
            f0, f1, f2, f3 = factors[k], factors[k + 1], factors[k + 2], factors[k + 3]
            r0, r1, r2, r3 = right[k], right[k + 1], right[k + 2], right[k + 3]
            for j in range(row.size):
                row[j] += f0 * r0[j] + f1 * r1[j] + f2 * r2[j] + f3 * r3[j]
        for k in range(whole, depth):
            f0 = factors[k]
            r0 = right[k]
            for j in range(row.size):
                row[j] += f0 * r0[j]


@kernel
def _forward_loops(hidden, gates, candidate, weight, input_bias, recurrent_bias):
    steps, batch, size = candidate.shape
    product = np.empty((batch, 3 * size), hidden.dtype)
    one, half = hidden.dtype.type(1), hidden.dtype.type(0.5)
    for t in range(steps):
        for b in range(batch):
            product[b] = recurrent_bias
        _add_product(product, hidden[t], weight)
        for b in range(batch):
            sums = gates[t, b]
            for j in range(size):
                r = half + half * np.tanh(half * (sums[j] + input_bias[j] + product[b, j]))
                z = half + half * np.tanh(half * (sums[size + j] + input_bias[size + j] + product[b, size + j]))
                q = product[b, 2 * size + j]
                n = np.tanh(sums[2 * size + j] + input_bias[2 * size + j] + r * q)
                sums[j] = r
                sums[size + j] = z
                sums[2 * size + j] = n
                candidate[t, b, j] = q
                hidden[t + 1, b, j] = (one - z) * n + z * hidden[t, b, j]


@kernel
def _backward_loops(dproduct, dcandidate, dfirst, dhidden, hidden, gates, candidate, weight):
    steps, batch, size = candidate.shape
    transposed = np.ascontiguousarray(weight.T)
    one = hidden.dtype.type(1)
    dfirst[:] = 0
    for t in range(steps - 1, -1, -1):
        for b in range(batch):
            for j in range(size):
                r = gates[t, b, j]
                z = gates[t, b, size + j]
                n = gates[t, b, 2 * size + j]
                dh = dhidden[t, b, j] + dfirst[b, j]
                dn = dh * (one - z) * (one - n * n)
                dcandidate[t, b, j] = dn
                dproduct[t, b, j] = dn * candidate[t, b, j] * r * (one - r)
                dproduct[t, b, size + j] = dh * (hidden[t, b, j] - n) * z * (one - z)
                dproduct[t, b, 2 * size + j] = dn * r
                dfirst[b, j] = dh * z
        _add_product(dfirst, dproduct[t], transposed)


# The same on vector registers. Weights are copied into panels once per call, which T steps pay for.


@kernel
def _forward_tiles(hidden, gates, candidate, weight, input_bias, recurrent_bias):
    steps, batch, size = candidate.shape
    width = VECTORS * LANES
    blocks = (size + LANES - 1) // LANES
    panels = aligned(blocks * size * width)  # (blocks, H, [reset, update, candidate], LANES)
    biases = aligned(blocks * 4 * LANES)
    for block in range(blocks):
        first = block * LANES
        count = min(LANES, size - first)
        for gate in range(3):
            column = gate * size + first
            for k in range(size):
                fill(panels, (block * size + k) * width + gate * LANES, weight, k * 3 * size + column, count)
            place = (block * 4 + gate) * LANES
            fill(biases, place, recurrent_bias, column, count)
            if gate < 2:
                add_part(biases, place, input_bias, column, count, 1)
            else:
                fill(biases, place + LANES, input_bias, column, count)
    product = aligned(ROWS * width)
    for t in range(steps):
        for block in range(blocks):
            first = block * LANES
            count = min(LANES, size - first)
            b = 0
            while b < batch:
                rows = tile_rows(batch - b)
                row = t * batch + b
                tile(VECTORS, rows, product, hidden, row * size, size, 1, panels, block * size * width, width, size)
                for r in range(rows):
                    start = (row + r) * size + first
                    gru_gates(
                        product, r * width, biases, block * 4 * LANES, hidden, start, start + batch * size,
                        gates, 3 * (row + r) * size + first, candidate, start, size, count,
                    )  # fmt: skip
                b += rows


@kernel
def _backward_tiles(dproduct, dcandidate, dfirst, dhidden, hidden, gates, candidate, weight):
    steps, batch, size = candidate.shape
    width = 2 * LANES
    depth = 3 * size
    blocks = (size + width - 1) // width
    panels = aligned(blocks * depth * width)  # (blocks, 3H, width)
    for block in range(blocks):
        first = block * width
        fill_panel(panels, block * depth * width, weight, first * depth, 1, depth, depth, min(width, size - first))
    product = aligned(ROWS * width)
    product[:] = 0
    dfirst[:] = 0
    # Step t needs dhidden[t] + dproduct[t+1] U^T + the part of step t+1 that passed around its gates, kept in dfirst.
    for t in range(steps - 1, -2, -1):
        for block in range(blocks):
            first = block * width
            b = 0
            while b < batch:
                rows = tile_rows(batch - b)
                row = t * batch + b
                if t < steps - 1:
                    tile(2, rows, product, dproduct, (row + batch) * depth, depth, 1, panels, block * depth * width, width, depth)
                for r in range(rows):
                    for column in range(first, min(first + width, size), LANES):
                        count = min(LANES, size - column)
                        place = r * width + column - first
                        if t >= 0:
                            start = (row + r) * size + column
                            gru_gate_gradients(
                                dproduct, dcandidate, dfirst, (b + r) * size + column, product, place,
                                dhidden, hidden, gates, candidate, 3 * (row + r) * size + column, start, size, count, batch * size,
                            )  # fmt: skip
                        else:
                            for j in range(count):
                                dfirst[b + r, column + j] += product[place + j]
                b += rows
