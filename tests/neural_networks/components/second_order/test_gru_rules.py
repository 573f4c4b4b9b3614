"""The tangents of a GRU: the kernels beside plain NumPy, and a long song in single precision."""

from __future__ import annotations

import numpy as np
import pytest

from neural_networks.components.gru import GRU
from neural_networks.components.kernels.gru import gru_errors
from neural_networks.components.kernels.tangent import gru_tangent_backward, gru_tangent_forward
from neural_networks.components.parameters import pack
from neural_networks.components.second_order.rules import (
    tangent_backward,
    tangent_forward,
    traced_backward,
)

SHAPES = [(1, 1, 1), (5, 3, 7), (4, 1, 17), (2, 5, 4), (3, 2, 6)]  # T, B, H


def plain_forward(sums, hidden, gates, candidate, weight):
    """h', (r', z', n') and q' as the product rule gives them, step by step."""
    size = candidate.shape[2]
    state, states, changes, products = np.zeros_like(hidden[0]), [], [], []
    for t in range(len(candidate)):
        r, z, n = np.split(gates[t], 3, axis=1)
        to_reset, to_update, to_new = np.split(sums[t], 3, axis=1)
        product = state @ weight
        r_ = r * (1 - r) * (to_reset + product[:, :size])
        z_ = z * (1 - z) * (to_update + product[:, size : 2 * size])
        q_ = product[:, 2 * size :]
        n_ = (1 - n**2) * (to_new + r_ * candidate[t] + r * q_)
        state = -z_ * n + (1 - z) * n_ + z_ * hidden[t] + z * state
        states.append(state)
        changes.append(np.concatenate([r_, z_, n_], axis=1))
        products.append(q_)
    return np.array(states), np.array(changes), np.array(products)


def plain_backward(dy_, dy, hidden, gates, candidate, hidden_, gates_, candidate_, weight):
    """The tangents of the gradients of h U + b and x W_n, step by step, with dh computed anew."""
    later, later_ = np.zeros_like(hidden[0]), np.zeros_like(hidden[0])
    dproducts, dcandidates = [], []
    for t in reversed(range(len(candidate))):
        (r, z, n), (r_, z_, n_) = np.split(gates[t], 3, axis=1), np.split(gates_[t], 3, axis=1)
        h, h_, q, q_ = hidden[t], hidden_[t], candidate[t], candidate_[t]
        dh, dh_ = dy[t] + later, dy_[t] + later_
        dn = dh * (1 - z) * (1 - n**2)
        dn_ = dh_ * (1 - z) * (1 - n**2) - dh * z_ * (1 - n**2) - dh * (1 - z) * 2 * n * n_
        dz = dh * (h - n) * (z - z**2)
        dz_ = (
            dh_ * (h - n) * (z - z**2)
            + dh * (h_ - n_) * (z - z**2)
            + dh * (h - n) * (z_ - 2 * z * z_)
        )
        dr = dn * q * (r - r**2)
        dr_ = dn_ * q * (r - r**2) + dn * q_ * (r - r**2) + dn * q * (r_ - 2 * r * r_)
        dproduct = np.concatenate([dr, dz, dn * r], axis=1)
        dproduct_ = np.concatenate([dr_, dz_, dn_ * r + dn * r_], axis=1)
        later = dh * z + dproduct @ weight.T
        later_ = dh_ * z + dh * z_ + dproduct_ @ weight.T
        dproducts.append(dproduct_)
        dcandidates.append(dn_)
    return np.array(dproducts[::-1]), np.array(dcandidates[::-1])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_kernels_are_their_equations(shape: tuple[int, int, int], rng: np.random.Generator) -> None:
    steps, batch, size = shape
    gru = GRU(3, size, rng=rng)
    _, cache = gru.forward(
        rng.standard_normal((steps, batch, 3)), rng.standard_normal((batch, size))
    )
    hidden, (gates, candidate) = cache.hidden, cache.kept
    weight = gru.recurrent_weight.value
    sums, dy, dy_ = (
        rng.standard_normal(s)
        for s in ((steps, batch, 3 * size), (steps, batch, size), (steps, batch, size))
    )

    hidden_, gates_, candidate_ = np.zeros_like(hidden), sums.copy(), np.empty_like(candidate)
    gru_tangent_forward(hidden_, gates_, candidate_, hidden, gates, candidate, weight)
    for found, expected in zip(
        (hidden_[1:], gates_, candidate_),
        plain_forward(sums, hidden, gates, candidate, weight),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)

    dproduct, dcandidate = gru_errors(np.empty((batch, size)), dy, hidden, gates, candidate, weight)
    dproduct_, dcandidate_ = np.empty_like(gates), np.empty_like(candidate)
    gru_tangent_backward(
        (dproduct_, dcandidate_, dy_),
        (dy, dproduct @ weight.T, dcandidate),
        (hidden, gates, candidate),
        (hidden_, gates_, candidate_),
        weight,
    )
    expected = plain_backward(
        dy_, dy, hidden, gates, candidate, hidden_, gates_, candidate_, weight
    )
    np.testing.assert_allclose(dproduct_, expected[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(dcandidate_, expected[1], rtol=0, atol=1e-12)


def test_a_long_song_in_single_precision(rng: np.random.Generator) -> None:
    """At the sizes of training, with the fast kernels: as accurate as a first derivative."""
    shapes = (96, 6, 20), (96, 6, 20), (96, 6, 33), (96, 6, 33)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    gru = GRU(20, 33, rng=rng)
    results = []
    for dtype in (np.float64, np.float32):
        flat = pack(gru, dtype)
        x, x_tangent, dy, dy_tangent = (a.astype(dtype) for a in arrays)
        _, cache = gru.forward(x)
        _, trace = traced_backward(gru, dy, cache)
        y_tangent, kept = tangent_forward(gru, x_tangent, cache)
        results.append(
            [y_tangent, tangent_backward(gru, dy_tangent, cache, trace, kept), flat.grads.copy()]
        )
    for exact, single in zip(*results, strict=True):
        assert single.dtype == np.float32
        assert np.abs(single - exact).max() < 2e-5 * np.abs(exact).max()
