"""The recurrence of a GRU's tangents, forward and backward.

Contract, outputs first, shapes and names as in kernels/gru.py; U is (H, 3H), the gates are in the
order reset, update, candidate:

    gru_tangent_forward(hidden_tangent, gates_tangent, candidate_tangent,
                        hidden, gates, candidate, weight)
        hidden_tangent      (T+1, B, H)  [0] is given; the rest is written
        gates_tangent       (T, B, 3H)   in: x'_t W of all steps; out: r'_t, z'_t, n'_t
        candidate_tangent   (T, B, H)    out: q'_t = h'_{t-1} U_n

    gru_tangent_backward(tangents, gradients, values, value_tangents, weight)
        tangents = dproduct_tangent, dcandidate_tangent, dhidden_tangent
        gradients = dhidden, through, dcandidate
        values = hidden, gates, candidate; value_tangents, likewise
        dproduct_tangent    (T, B, 3H)   out: the tangent of the gradient of h_{t-1} U + b
        dcandidate_tangent  (T, B, H)    out: that of x_t W_n
        dhidden_tangent     (T, B, H)    the tangent of dhidden
        dhidden             (T, B, H)    the gradient with respect to hidden[1:], from above
        through             (T, B, H)    dproduct_t U^T of all steps, one product before the loop
        dcandidate          (T, B, H)    from gru_errors

A prime is a tangent. The plain twin in NumPy is in
tests/neural_networks/components/second_order/test_gru_rules.py.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import kernel


@register_jitable
def _add_product(out, left, right):
    """out += left @ right for (B, K) and (K, N): four rows of `right` for two rows of `left`."""
    batch, depth = left.shape
    whole, pairs = depth - depth % 4, batch - batch % 2
    for b in range(0, pairs, 2):
        row, other = out[b], out[b + 1]
        factors, others = left[b], left[b + 1]
        for k in range(0, whole, 4):
            f0, f1, f2, f3 = factors[k], factors[k + 1], factors[k + 2], factors[k + 3]
            g0, g1, g2, g3 = others[k], others[k + 1], others[k + 2], others[k + 3]
            r0, r1, r2, r3 = right[k], right[k + 1], right[k + 2], right[k + 3]
            for j in range(row.size):
                row[j] += (f0 * r0[j] + f1 * r1[j]) + (f2 * r2[j] + f3 * r3[j])
                other[j] += (g0 * r0[j] + g1 * r1[j]) + (g2 * r2[j] + g3 * r3[j])
    for b in range(batch):
        row, factors = out[b], left[b]
        for k in range(whole if b < pairs else 0, depth):
            f0, r0 = factors[k], right[k]
            for j in range(row.size):
                row[j] += f0 * r0[j]


@kernel
def gru_tangent_forward(
    hidden_tangent, gates_tangent, candidate_tangent, hidden, gates, candidate, weight
):
    """Run the tangent of gru_forward over all time steps; see the contract above."""
    steps, batch, size = candidate.shape
    product = np.empty((batch, 3 * size), hidden.dtype)
    one = hidden.dtype.type(1)
    for t in range(steps):
        product[:] = 0
        _add_product(product, hidden_tangent[t], weight)
        for b in range(batch):
            reset, update, new = (
                gates[t, b, :size],
                gates[t, b, size : 2 * size],
                gates[t, b, 2 * size :],
            )
            reset_, update_, new_ = (
                gates_tangent[t, b, :size],
                gates_tangent[t, b, size : 2 * size],
                gates_tangent[t, b, 2 * size :],
            )
            to_reset, to_update, to_new = (
                product[b, :size],
                product[b, size : 2 * size],
                product[b, 2 * size :],
            )
            before, before_, after_ = hidden[t, b], hidden_tangent[t, b], hidden_tangent[t + 1, b]
            q, q_ = candidate[t, b], candidate_tangent[t, b]
            for j in range(size):
                r, z, n = reset[j], update[j], new[j]
                r_ = r * (one - r) * (reset_[j] + to_reset[j])
                z_ = z * (one - z) * (update_[j] + to_update[j])
                n_ = (one - n * n) * (new_[j] + r_ * q[j] + r * to_new[j])
                reset_[j] = r_
                update_[j] = z_
                new_[j] = n_
                q_[j] = to_new[j]
                after_[j] = (one - z) * n_ + z * before_[j] + z_ * (before[j] - n)


@kernel
def gru_tangent_backward(tangents, gradients, values, value_tangents, weight):
    """Run the tangent of gru_backward from the last time step to the first; see the contract."""
    dproduct_tangent, dcandidate_tangent, dhidden_tangent = tangents
    dhidden, through, dcandidate = gradients
    hidden, gates, candidate = values
    hidden_tangent, gates_tangent, candidate_tangent = value_tangents
    steps, batch, size = candidate.shape
    transposed = np.ascontiguousarray(weight.T)
    one, two = hidden.dtype.type(1), hidden.dtype.type(2)
    # the gradient of h_t from step t+1: dh_{t+1} z_{t+1} + dproduct_{t+1} U^T
    carry = np.zeros((batch, size), hidden.dtype)
    carry_tangent = np.zeros((batch, size), hidden.dtype)
    for t in range(steps - 1, -1, -1):
        for b in range(batch):
            reset, update, new = (
                gates[t, b, :size],
                gates[t, b, size : 2 * size],
                gates[t, b, 2 * size :],
            )
            reset_, update_, new_ = (
                gates_tangent[t, b, :size],
                gates_tangent[t, b, size : 2 * size],
                gates_tangent[t, b, 2 * size :],
            )
            dreset_, dupdate_ = (
                dproduct_tangent[t, b, :size],
                dproduct_tangent[t, b, size : 2 * size],
            )
            dq_, dnew_, dnew = (
                dproduct_tangent[t, b, 2 * size :],
                dcandidate_tangent[t, b],
                dcandidate[t, b],
            )
            before, before_, q, q_ = (
                hidden[t, b],
                hidden_tangent[t, b],
                candidate[t, b],
                candidate_tangent[t, b],
            )
            above, above_, later, later_ = (
                dhidden[t, b],
                dhidden_tangent[t, b],
                carry[b],
                carry_tangent[b],
            )
            behind = through[t, b]
            for j in range(size):
                r, z, n, r_, z_, n_ = reset[j], update[j], new[j], reset_[j], update_[j], new_[j]
                dh, dh_ = above[j] + later[j], above_[j] + later_[j]
                flat = one - n * n
                dn = dnew[j]
                dn_ = flat * (dh_ * (one - z) - dh * z_) - two * n * n_ * dh * (one - z)
                slope = z * (one - z)
                dupdate_[j] = (dh_ * (before[j] - n) + dh * (before_[j] - n_)) * slope + dh * (
                    before[j] - n
                ) * (one - two * z) * z_
                dreset_[j] = (dn_ * q[j] + dn * q_[j]) * r * (one - r) + dn * q[j] * (
                    one - two * r
                ) * r_
                dq_[j] = dn_ * r + dn * r_
                dnew_[j] = dn_
                later[j] = dh * z + behind[j]
                later_[j] = dh_ * z + dh * z_
        _add_product(carry_tangent, dproduct_tangent[t], transposed)
