"""Chains of small dense layers, and the recurrence of `Recurrent` over them.

A chain of layers of sizes (S_0, ..., S_n) works on rows [a_0 | a_1 | ... | a_n]: the input, then
every layer's output, side by side. Its weights are one vector: for each layer W (S_{l-1}, S_l) row
by row, then b (S_l). Between layers is a leaky ReLU, and the last layer is linear. One call runs a
whole sequence, which spares a tiny network a hundred calls from Python.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import kernel
from neural_networks.components.kernels.simd.vector import flush, unflush

Array = np.ndarray
_CHUNK = 64  # rows whose errors stay in the first-level cache while a weight gradient is summed


@register_jitable
def _add_product(out: Array, out_start: int, left: Array, left_start: int, right: Array) -> None:
    """Add left @ right to columns of `out`: one load and store of `out` for four rows of right.

    NOTE: rows are sliced one by one: a block of columns is not contiguous to Numba, which then does
    not vectorise its loops.

    Args:
        out: (N, .), of which the M columns from out_start on are changed.
        out_start: see out.
        left: (N, .), of which the K columns from left_start on are read.
        left_start: see left.
        right: (K, M).
    """
    depth, width = right.shape
    whole = depth - depth % 4
    for n in range(out.shape[0]):
        row, factors = (
            out[n, out_start : out_start + width],
            left[n, left_start : left_start + depth],
        )
        for k in range(0, whole, 4):
            f0, f1, f2, f3 = factors[k], factors[k + 1], factors[k + 2], factors[k + 3]
            r0, r1, r2, r3 = right[k], right[k + 1], right[k + 2], right[k + 3]
            for j in range(row.size):
                row[j] += (f0 * r0[j] + f1 * r1[j]) + (f2 * r2[j] + f3 * r3[j])
        for k in range(whole, depth):
            f0, r0 = factors[k], right[k]
            for j in range(row.size):
                row[j] += f0 * r0[j]


@register_jitable
def _add_outer_products(
    out: Array, left: Array, left_start: int, right: Array, right_start: int
) -> None:
    """Add the gradient of a weight, left^T @ right for some columns of each, to out (K, M)."""
    depth, width = out.shape
    end = right_start + width
    for start in range(0, left.shape[0], _CHUNK):
        stop = min(start + _CHUNK, left.shape[0])
        whole = stop - (stop - start) % 4
        for k in range(depth):
            row, column = out[k], left_start + k
            for n in range(start, whole, 4):
                f0, f1, f2, f3 = (
                    left[n, column],
                    left[n + 1, column],
                    left[n + 2, column],
                    left[n + 3, column],
                )
                r0, r1 = right[n, right_start:end], right[n + 1, right_start:end]
                r2, r3 = right[n + 2, right_start:end], right[n + 3, right_start:end]
                for j in range(row.size):
                    row[j] += (f0 * r0[j] + f1 * r1[j]) + (f2 * r2[j] + f3 * r3[j])
            for n in range(whole, stop):
                f0, r0 = left[n, column], right[n, right_start:end]
                for j in range(row.size):
                    row[j] += f0 * r0[j]


@register_jitable
def _chain_forward(rows: Array, weights: Array, sizes: Array, slope: float) -> None:
    begin, used = 0, 0
    for layer in range(1, sizes.size):
        inputs, outputs = sizes[layer - 1], sizes[layer]
        middle = begin + inputs
        matrix = weights[used : used + inputs * outputs].reshape(inputs, outputs)
        bias = weights[used + inputs * outputs : used + (inputs + 1) * outputs]
        for n in range(rows.shape[0]):
            rows[n, middle : middle + outputs] = bias
        _add_product(rows, middle, rows, begin, matrix)
        if layer < sizes.size - 1:
            for n in range(rows.shape[0]):
                row = rows[n, middle : middle + outputs]
                for j in range(row.size):
                    row[j] = row[j] if row[j] > 0 else slope * row[j]
        begin = middle
        used += (inputs + 1) * outputs


@register_jitable
def _transpose(transposed: Array, weights: Array, sizes: Array) -> None:
    """Write every W^T (S_l, S_{l-1}) where W is in `weights`."""
    used = 0
    for layer in range(1, sizes.size):
        inputs, outputs = sizes[layer - 1], sizes[layer]
        matrix = weights[used : used + inputs * outputs].reshape(inputs, outputs)
        turned = transposed[used : used + inputs * outputs].reshape(outputs, inputs)
        for i in range(inputs):
            for j in range(outputs):
                turned[j, i] = matrix[i, j]
        used += (inputs + 1) * outputs


@register_jitable
def _chain_backward(
    drows: Array, rows: Array, transposed: Array, sizes: Array, slope: float
) -> None:
    """Fill drows, whose last part is dy, with the errors before each activation, dx first."""
    end, used = rows.shape[1], transposed.size
    for layer in range(sizes.size - 1, 0, -1):
        inputs, outputs = sizes[layer - 1], sizes[layer]
        middle = end - outputs
        begin = middle - inputs
        used -= (inputs + 1) * outputs
        drows[:, begin:middle] = 0
        _add_product(
            drows,
            begin,
            drows,
            middle,
            transposed[used : used + inputs * outputs].reshape(outputs, inputs),
        )
        if layer > 1:
            for n in range(rows.shape[0]):
                error, value = drows[n, begin:middle], rows[n, begin:middle]
                for j in range(error.size):
                    error[j] = error[j] if value[j] > 0 else slope * error[j]
        end = middle


@register_jitable
def _chain_gradients(grads: Array, drows: Array, rows: Array, sizes: Array) -> None:
    begin, used = 0, 0
    for layer in range(1, sizes.size):
        inputs, outputs = sizes[layer - 1], sizes[layer]
        middle = begin + inputs
        _add_outer_products(
            grads[used : used + inputs * outputs].reshape(inputs, outputs),
            rows,
            begin,
            drows,
            middle,
        )
        dbias = grads[used + inputs * outputs : used + (inputs + 1) * outputs]
        for n in range(rows.shape[0]):
            error = drows[n, middle : middle + outputs]
            for j in range(error.size):
                dbias[j] += error[j]
        begin = middle
        used += (inputs + 1) * outputs


@kernel
def recurrent_forward(
    y: Array,
    inner: Array,
    outer: Array,
    x: Array,
    first: Array,
    input_weights: Array,
    output_weights: Array,
    input_sizes: Array,
    output_sizes: Array,
    slope: float,
) -> None:
    """Run h_t = chain_in([h_{t-1}; x_t]) and y_t = chain_out(h_t) over all time steps.

    Args:
        y: (T, B, O), written.
        inner: (T, B, sum of input_sizes), written: the rows of chain_in.
        outer: (T, B, sum of output_sizes), written: the rows of chain_out.
        x: (T, B, F), or (1, B, F) for one input that every step gets.
        first: (B, H), h before the first step.
        input_weights: of chain_in.
        output_weights: of chain_out.
        input_sizes: (H + F, ..., H).
        output_sizes: (H, ..., O).
        slope: of the leaky ReLU.
    """
    mode = flush()  # denormal states and gradients slow the processor down
    steps, batch, outputs = y.shape
    hidden, features = first.shape[1], x.shape[2]
    for t in range(steps):
        rows, given = inner[t], x[min(t, x.shape[0] - 1)]
        before = first if t == 0 else inner[t - 1, :, inner.shape[2] - hidden :]
        for b in range(batch):
            rows[b, :hidden] = before[b]
            rows[b, hidden : hidden + features] = given[b]
        _chain_forward(rows, input_weights, input_sizes, slope)
        for b in range(batch):
            outer[t, b, :hidden] = rows[b, rows.shape[1] - hidden :]
    _chain_forward(
        outer.reshape(steps * batch, outer.shape[2]), output_weights, output_sizes, slope
    )
    for t in range(steps):
        for b in range(batch):
            y[t, b] = outer[t, b, outer.shape[2] - outputs :]
    unflush(mode)


@kernel
def recurrent_backward(
    dx: Array,
    dfirst: Array,
    input_grads: Array,
    output_grads: Array,
    dy: Array,
    inner: Array,
    outer: Array,
    input_weights: Array,
    output_weights: Array,
    input_sizes: Array,
    output_sizes: Array,
    slope: float,
) -> None:
    """Run backpropagation through time.

    Args:
        dx: like x, zeros at the start; a repeated input gets the sum over time.
        dfirst: (B, H), written.
        input_grads: of chain_in, added to.
        output_grads: of chain_out, added to.
        dy: (T, B, O).
        inner: from the forward pass, as all that follow.
        outer: see recurrent_forward.
        input_weights: see recurrent_forward.
        output_weights: see recurrent_forward.
        input_sizes: see recurrent_forward.
        output_sizes: see recurrent_forward.
        slope: see recurrent_forward.
    """
    mode = flush()
    steps, batch, outputs = dy.shape
    hidden, features = dfirst.shape[1], dx.shape[2]
    transposed = np.empty_like(output_weights)
    _transpose(transposed, output_weights, output_sizes)
    douter = np.empty_like(outer)
    for t in range(steps):
        for b in range(batch):
            douter[t, b, outer.shape[2] - outputs :] = dy[t, b]
    flat, dflat = (
        outer.reshape(steps * batch, outer.shape[2]),
        douter.reshape(steps * batch, outer.shape[2]),
    )
    _chain_backward(dflat, flat, transposed, output_sizes, slope)
    _chain_gradients(output_grads, dflat, flat, output_sizes)

    transposed = np.empty_like(input_weights)
    _transpose(transposed, input_weights, input_sizes)
    dinner = np.empty_like(inner)
    dfirst[:] = 0
    for t in range(steps - 1, -1, -1):
        errors, given = dinner[t], dx[min(t, dx.shape[0] - 1)]
        # The gradient of h_t: from the output of this step, and from the next step, whose state it
        # was.
        for b in range(batch):
            last = errors[b, inner.shape[2] - hidden :]
            now, later = douter[t, b, :hidden], dfirst[b]
            for j in range(hidden):
                last[j] = now[j] + later[j]
        _chain_backward(errors, inner[t], transposed, input_sizes, slope)
        for b in range(batch):
            dfirst[b] = errors[b, :hidden]
            error, total = errors[b, hidden : hidden + features], given[b]
            for j in range(features):
                total[j] += error[j]
    width = inner.shape[2]
    _chain_gradients(
        input_grads,
        dinner.reshape(steps * batch, width),
        inner.reshape(steps * batch, width),
        input_sizes,
    )
    unflush(mode)
