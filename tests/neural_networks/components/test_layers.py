"""Layers: gradients by finite differences, values against slow twins, purity of forward."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from neural_networks.components.activations import (
    ELU,
    GatedLinearUnit,
    LeakyReLU,
    Linear,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.dropout import Dropout
from neural_networks.components.initializers import (
    fan_in_uniform,
    glorot_uniform,
    he_normal,
    orthogonal,
)
from neural_networks.components.layer_norm import LayerNorm
from neural_networks.components.module import Module, Sequential
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients

RNG = np.random.default_rng(0)
ACTIVATIONS: list[Module] = [
    Linear(),
    LeakyReLU(),
    LeakyReLU(0.2),
    ReLU(),
    ELU(),
    ELU(0.7),
    Tanh(),
    Sigmoid(),
    Softplus(),
]
ACTIVATIONS.append(GatedLinearUnit())
LAYERS: list[tuple[Module, tuple[int, ...]]] = [
    (Dense(5, 3, rng=RNG), (7, 3, 5)),
    (Dense(1, 1, rng=RNG), (1, 1, 1)),
    (Dense(6, 11, rng=RNG), (4, 6)),
    (Dense(3, 2, rng=RNG), (3,)),
    (Conv1d(3, 4, 1, rng=RNG), (1, 1, 3)),
    (Conv1d(3, 4, 3, rng=RNG), (7, 2, 3)),
    (Conv1d(2, 5, 5, stride=2, padding=2, rng=RNG), (9, 3, 2)),
    (Conv1d(2, 3, 4, stride=3, padding=1, rng=RNG), (11, 1, 2)),
    (Conv1d(1, 1, 2, stride=5, rng=RNG), (13, 2, 1)),
    (Conv1d(2, 2, 3, stride=1, padding=5, rng=RNG), (1, 2, 2)),
    (LayerNorm(5), (3, 2, 5)),
    (LayerNorm(3), (1, 1, 3)),
    (
        Sequential(
            Conv1d(3, 8, 5, stride=2, padding=2, rng=RNG),
            GatedLinearUnit(),
            Dense(4, 7, rng=RNG),
            LayerNorm(7),
            Tanh(),
        ),
        (10, 3, 3),
    ),
]


def shown(value: object) -> str:
    """Return what names a case in the same way in every process: a layer's kind, or a shape."""
    return type(value).__name__ if isinstance(value, Module) else str(value)


@pytest.mark.parametrize("layer", ACTIVATIONS, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize("shape", [(1, 1, 2), (7, 3, 6), (65, 1, 10)])
def test_gradients_of_activations(
    layer: Module, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    check_gradients(layer, 2 * rng.standard_normal(shape), rng=rng).require()


@pytest.mark.parametrize("layer, shape", LAYERS, ids=shown)
def test_gradients_of_layers(
    layer: Module, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    for parameter in layer.parameters():
        # so that LayerNorm's are not 1 and 0
        parameter.value = parameter.value + 0.1 * rng.standard_normal(parameter.value.shape)
    check_gradients(layer, rng.standard_normal(shape), rng=rng).require()


def test_gradient_of_dropout(rng: np.random.Generator) -> None:
    report = check_gradients(
        Dropout(0.3),
        rng.standard_normal((5, 4, 3)),
        rng=rng,
        forward=lambda module, x: module.forward(x, np.random.default_rng(1)),
    )
    assert report.require().rows[0].claimed != 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "layer, shape", LAYERS + [(layer, (3, 2, 6)) for layer in ACTIVATIONS], ids=shown
)
def test_forward_is_pure_and_backward_repeats(
    layer: Module, shape: tuple[int, ...], dtype: type, rng: np.random.Generator
) -> None:
    layer = copy.deepcopy(layer)
    flat = pack(layer, dtype)
    x = rng.standard_normal(shape).astype(dtype)
    attributes = {
        name: copy.copy(value) for name, value in vars(layer).items() if not isinstance(value, list)
    }
    before, x_before = flat.values.copy(), x.copy()
    y, cache = layer.forward(x)
    y_before = y.copy()
    dy = rng.standard_normal(y.shape).astype(dtype)
    dy_before = dy.copy()
    first = layer.backward(dy, cache)
    grads = flat.grads.copy()
    second = layer.backward(dy, cache)
    assert y.dtype == first.dtype == dtype and first.shape == x.shape
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(flat.grads, 2 * grads, rtol=1e-6)
    for now, then in (
        (flat.values, before),
        (x, x_before),
        (y, y_before),
        (dy, dy_before),
        (layer.forward(x)[0], y_before),
    ):
        np.testing.assert_array_equal(now, then)
    for name, value in attributes.items():
        if not hasattr(value, "value"):
            assert getattr(layer, name) == value or isinstance(value, Module)


def test_inputs_may_be_views_that_are_not_contiguous(rng: np.random.Generator) -> None:
    x = rng.standard_normal((6, 4, 8))
    for layer in [*ACTIVATIONS, Dense(6, 2, rng=rng), Conv1d(6, 3, 3, rng=rng), LayerNorm(6)]:
        for view in (x[::2, :, :6], x[..., 2:].transpose(1, 0, 2), x[:, ::-1, 1:7]):
            y, cache = layer.forward(view)
            expected, expected_cache = layer.forward(view.copy())
            np.testing.assert_allclose(y, expected, rtol=1e-12)
            dy = rng.standard_normal((*y.shape, 2))[..., 0]
            np.testing.assert_allclose(
                layer.backward(dy, cache), layer.backward(dy.copy(), expected_cache), rtol=1e-12
            )


def test_convolution_is_the_sum_it_says(rng: np.random.Generator) -> None:
    for kernel_size, stride, padding, steps in [
        (1, 1, 0, 4),
        (3, 2, 1, 8),
        (5, 2, 2, 9),
        (4, 3, 2, 5),
        (2, 4, 0, 3),
        (3, 1, 4, 2),
    ]:
        layer = Conv1d(3, 4, kernel_size, stride=stride, padding=padding, rng=rng)
        x = rng.standard_normal((steps, 2, 3))
        padded = np.pad(x, ((padding, padding), (0, 0), (0, 0)))
        y, _ = layer.forward(x)
        assert (
            len(y) == layer.output_steps(steps) == (steps + 2 * padding - kernel_size) // stride + 1
        )
        for t in range(len(y)):
            expected = layer.bias.value + sum(
                padded[t * stride + k] @ layer.weight.value[k] for k in range(kernel_size)
            )
            np.testing.assert_allclose(y[t], expected, rtol=1e-12, atol=1e-12)


def test_values_of_activations() -> None:
    x = np.array([-1000.0, -2.0, -0.0, 0.0, 0.5, 1000.0])
    with np.errstate(over="ignore"):
        logistic = 1 / (1 + np.exp(-x))
    for dtype in (np.float32, np.float64):
        z = x.astype(dtype)
        expected = {
            LeakyReLU(0.1): np.where(x > 0, x, 0.1 * x),
            ReLU(): np.maximum(x, 0),
            ELU(2.0): np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0))),
            Tanh(): np.tanh(x),
            Sigmoid(): logistic,
            Softplus(): np.logaddexp(0, x),
        }
        for layer, values in expected.items():
            np.testing.assert_allclose(
                layer.forward(z)[0], values, rtol=1e-6, atol=1e-7, err_msg=type(layer).__name__
            )
    y, _ = GatedLinearUnit().forward(np.array([[3.0, -1.0, 0.5, 1000.0]]))
    np.testing.assert_allclose(y, [[3 / (1 + np.exp(-0.5)), -1.0]])


def test_layer_norm_normalises(rng: np.random.Generator) -> None:
    y, _ = LayerNorm(64).forward(5 + 3 * rng.standard_normal((4, 2, 64)))
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=-1), 1, rtol=1e-5)


def test_dropout_keeps_the_mean_and_passes_on_without_a_generator(rng: np.random.Generator) -> None:
    x = np.ones((200, 50), np.float32)
    y, _ = Dropout(0.25).forward(x, rng)
    assert 0.24 < (y == 0).mean() < 0.26 and abs(y.mean() - 1) < 0.02
    assert Dropout(0.25).forward(x)[0] is x
    np.testing.assert_array_equal(Dropout(0.0).forward(x, rng)[0], x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dense(0, 3, rng=RNG),
        lambda: Conv1d(1, 1, 0, rng=RNG),
        lambda: Conv1d(1, 1, 1, padding=-1, rng=RNG),
        lambda: Dropout(1.0),
        lambda: LeakyReLU(-0.1),
        lambda: GatedLinearUnit().forward(np.ones((2, 3))),
        lambda: Conv1d(1, 1, 5, rng=RNG).forward(np.ones((4, 1, 1))),
    ],
)
def test_impossible_layers_are_refused(make) -> None:
    with pytest.raises(ValueError):
        make()


def test_initializers(rng: np.random.Generator) -> None:
    assert 0.099 < np.abs(fan_in_uniform((100, 50), 100, rng=rng)).max() <= 0.1
    bound = np.sqrt(6 / 150)
    assert 0.98 * bound < np.abs(glorot_uniform((100, 50), rng=rng)).max() <= bound
    assert abs(he_normal((5, 80, 60), slope=1.0, rng=rng).std() * 20 - 1) < 0.05
    tall, wide = orthogonal((7, 4), rng=rng), orthogonal((4, 7), gain=2.0, rng=rng)
    np.testing.assert_allclose(tall.T @ tall, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(wide @ wide.T, 4 * np.eye(4), atol=1e-12)
