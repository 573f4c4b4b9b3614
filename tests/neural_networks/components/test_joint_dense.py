"""A dense layer over several inputs is the one over all of them side by side."""

from __future__ import annotations

import numpy as np
import pytest

from neural_networks.components.dense import Dense
from neural_networks.components.joint_dense import JointDense
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients

SHAPES = [((1, 1), (1,), 1), ((5, 3), (4, 7), 6), ((2, 4), (3, 1, 8), 2)]


@pytest.mark.parametrize("axes, inputs, outputs", SHAPES, ids=str)
def test_gradients(axes: tuple, inputs: tuple, outputs: int, rng: np.random.Generator) -> None:
    layer = JointDense(inputs, outputs, rng=rng)
    check_gradients(
        layer,
        tuple(rng.standard_normal((*axes, size)) for size in inputs),
        rng=rng,
        forward=lambda layer, *x: layer.forward(x),
    ).require()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("axes, inputs, outputs", SHAPES, ids=str)
def test_it_is_one_layer(
    axes: tuple, inputs: tuple, outputs: int, dtype: type, rng: np.random.Generator
) -> None:
    layer, whole = JointDense(inputs, outputs, rng=rng), Dense(sum(inputs), outputs, rng=rng)
    flat, reference = pack(layer, dtype), pack(whole, dtype)
    reference.values[:] = flat.values
    x = tuple(rng.standard_normal((*axes, size)).astype(dtype) for size in inputs)
    dy = rng.standard_normal((*axes, outputs)).astype(dtype)
    y, cache = layer.forward(x)
    expected, whole_cache = whole.forward(np.concatenate(x, axis=-1))
    dx = np.concatenate(layer.backward(dy, cache), axis=-1)
    exact = {"rtol": 0, "atol": 1e-13 if dtype == np.float64 else 1e-5}
    np.testing.assert_allclose(y, expected, **exact)
    np.testing.assert_allclose(dx, whole.backward(dy, whole_cache), **exact)
    np.testing.assert_allclose(flat.grads, reference.grads, **exact)
    assert y.dtype == dx.dtype == dtype


def test_refusals(rng: np.random.Generator) -> None:
    for inputs, outputs in (((), 3), ((2, 0), 3), ((2,), 0)):
        with pytest.raises(ValueError, match="needs inputs and outputs"):
            JointDense(inputs, outputs, rng=rng)
