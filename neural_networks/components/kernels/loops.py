"""A matrix product as a plain loop, for float64 and for processors without register tiles."""

from __future__ import annotations

from numba.extending import register_jitable


@register_jitable
def add_product(out, left, right):
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
