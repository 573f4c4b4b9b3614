"""Second derivatives: the tangents of every layer's passes beside finite differences of both."""

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
from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.dropout import Dropout
from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.gru import GRU
from neural_networks.components.layer_norm import LayerNorm
from neural_networks.components.mean_over_time import MeanOverTime
from neural_networks.components.module import Module, Sequential
from neural_networks.components.parameters import pack
from neural_networks.components.recurrent import Recurrent
from neural_networks.components.second_order.rules import (
    tangent_backward,
    tangent_forward,
    traced_backward,
)

RNG = np.random.default_rng(0)
STEP = 1e-5
LAYERS: list[tuple[Module, tuple[int, ...]]] = [
    *(
        (layer, shape)
        for layer in (
            Linear(),
            LeakyReLU(0.2),
            ReLU(),
            ELU(),
            ELU(0.7),
            Tanh(),
            Sigmoid(),
            Softplus(),
            GatedLinearUnit(),
        )
        for shape in ((1, 1, 2), (7, 3, 6))
    ),
    (Dropout(0.3), (3, 2, 5)),
    (Dense(5, 3, rng=RNG), (7, 3, 5)),
    (Dense(1, 1, rng=RNG), (1, 1, 1)),
    (Dense(6, 11, rng=RNG), (4, 6)),
    (Conv1d(3, 4, 3, rng=RNG), (7, 2, 3)),
    (Conv1d(2, 5, 5, stride=2, padding=2, rng=RNG), (9, 3, 2)),
    (Conv1d(2, 3, 4, stride=3, padding=1, rng=RNG), (11, 1, 2)),
    (Conv1d(2, 2, 3, padding=5, rng=RNG), (1, 2, 2)),
    (LayerNorm(5), (3, 2, 5)),
    (LayerNorm(3), (1, 1, 3)),
    (MeanOverTime(), (7, 3, 2)),
    (MeanOverTime(), (1, 1, 1)),
    (GRU(1, 1, rng=RNG), (1, 1, 1)),
    (GRU(4, 7, rng=RNG), (5, 3, 4)),
    (GRU(3, 17, rng=RNG), (9, 1, 3)),
    (GRU(5, 2, rng=RNG), (2, 15, 5)),
    (Recurrent(2, (5, 4, 3), (3, 6, 2), rng=RNG), (6, 3, 2)),
    (Recurrent(1, (2, 1), (1, 1), rng=RNG), (1, 1, 1)),
    (Recurrent(3, (8, 5), (5, 4, 4, 1), slope=0.3, rng=RNG), (7, 1, 3)),
    (FeedForward((4, 6, 5), activate_last=True, rng=RNG), (3, 2, 4)),
    (
        Sequential(
            Conv1d(3, 8, 5, stride=2, padding=2, rng=RNG),
            Sequential(GatedLinearUnit(), LayerNorm(4)),
            GRU(4, 3, rng=RNG),
            Tanh(),
            MeanOverTime(),
            Dense(3, 1, rng=RNG),
        ),
        (10, 3, 3),
    ),
    (Bidirectional(GRU(4, 3, rng=RNG), GRU(4, 2, rng=RNG)), (5, 2, 4)),
    (Bidirectional(GRU(2, 1, rng=RNG), GRU(2, 3, rng=RNG)), (1, 1, 2)),
]


def ids(value: object) -> str:
    return type(value).__name__ if isinstance(value, Module) else str(value)


def moved(layer: Module) -> Module:
    """A copy whose parameters are not at the places where they start: LayerNorm's gain is not 1."""
    layer = copy.deepcopy(layer)
    rng = np.random.default_rng(1)
    for parameter in layer.parameters():
        parameter.value = parameter.value + 0.3 * rng.standard_normal(parameter.value.shape)
    pack(layer, np.float64)
    return layer


def passes(layer: Module, x: np.ndarray, dy: np.ndarray) -> list[np.ndarray]:
    """What a forward and a backward pass give: y, dx and the gradient of each parameter."""
    for parameter in layer.parameters():
        parameter.grad.fill(0)
    y, cache = layer.forward(x)
    return [y, layer.backward(dy, cache), *(p.grad.copy() for p in layer.parameters())]


def tangents(
    layer: Module, x: np.ndarray, dy: np.ndarray, x_tangent: np.ndarray, dy_tangent: np.ndarray
) -> list[np.ndarray]:
    """The tangents of what `passes` gives."""
    for parameter in layer.parameters():
        parameter.grad.fill(0)
    _, cache = layer.forward(x)
    _, trace = traced_backward(layer, dy, cache)
    y_tangent, found = tangent_forward(layer, x_tangent, cache)
    return [
        y_tangent,
        tangent_backward(layer, dy_tangent, cache, trace, found),
        *(p.grad.copy() for p in layer.parameters()),
    ]


@pytest.mark.parametrize("layer, shape", LAYERS, ids=ids)
def test_tangents_are_the_differences_of_both_passes(
    layer: Module, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Every value is compared, along a direction that moves x and dy at once."""
    layer = moved(layer)
    x, x_tangent = rng.standard_normal((2, *shape))
    dy, dy_tangent = rng.standard_normal((2, *layer.forward(x)[0].shape))
    found = tangents(layer, x, dy, x_tangent, dy_tangent)
    above = passes(layer, x + STEP * x_tangent, dy + STEP * dy_tangent)
    below = passes(layer, x - STEP * x_tangent, dy - STEP * dy_tangent)
    for tangent, high, low in zip(found, above, below, strict=True):
        measured = (high - low) / (2 * STEP)
        assert tangent.shape == measured.shape
        np.testing.assert_allclose(
            tangent, measured, rtol=0, atol=1e-8 * max(1, np.abs(measured).max())
        )


@pytest.mark.parametrize("layer, shape", LAYERS, ids=ids)
def test_the_traced_pass_is_the_backward_pass_and_adds_nothing(
    layer: Module, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    layer = moved(layer)
    x = rng.standard_normal(shape)
    y, cache = layer.forward(x)
    dy = rng.standard_normal(y.shape)
    dx, _ = traced_backward(layer, dy, cache)
    assert all(not p.grad.any() for p in layer.parameters())
    np.testing.assert_allclose(
        dx, layer.backward(dy, cache), rtol=0, atol=1e-12 * max(1, np.abs(dx).max())
    )


@pytest.mark.parametrize("layer, shape", LAYERS, ids=ids)
def test_tangents_add_up_and_keep_single_precision(
    layer: Module, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    exact, layer = moved(layer), moved(layer)
    pack(layer, np.float32)
    x, x_tangent = rng.standard_normal((2, *shape))
    dy, dy_tangent = rng.standard_normal((2, *exact.forward(x)[0].shape))
    expected = tangents(exact, x, dy, x_tangent, dy_tangent)
    single = [a.astype(np.float32) for a in (x, dy, x_tangent, dy_tangent)]
    found = tangents(layer, *single)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * max(1, np.abs(other).max()))
    _, cache = exact.forward(x)
    _, trace = traced_backward(exact, dy, cache)
    _, kept = tangent_forward(exact, x_tangent, cache)
    tangent_backward(exact, dy_tangent, cache, trace, kept)  # behind the pass that `tangents` made
    for parameter, once in zip(exact.parameters(), expected[2:], strict=True):
        np.testing.assert_allclose(
            parameter.grad, 2 * once, rtol=0, atol=1e-12 * max(1, np.abs(once).max())
        )


def test_an_input_that_is_repeated(rng: np.random.Generator) -> None:
    cell = Recurrent(2, (5, 4, 3), (3, 2), rng=rng)
    x, x_tangent, dy, dy_tangent = (
        rng.standard_normal(shape) for shape in ((3, 2), (3, 2), (4, 3, 2), (4, 3, 2))
    )

    def gradients(sign: int) -> list[np.ndarray]:
        for parameter in cell.parameters():
            parameter.grad.fill(0)
        _, cache = cell.forward(x + sign * STEP * x_tangent, steps=4)
        return [
            cell.backward(dy + sign * STEP * dy_tangent, cache),
            *(p.grad.copy() for p in cell.parameters()),
        ]

    above, below = gradients(1), gradients(-1)
    for parameter in cell.parameters():
        parameter.grad.fill(0)
    _, cache = cell.forward(x, steps=4)
    _, trace = traced_backward(cell, dy, cache)
    _, kept = tangent_forward(cell, x_tangent, cache)
    found = [
        tangent_backward(cell, dy_tangent, cache, trace, kept),
        *(p.grad for p in cell.parameters()),
    ]
    for tangent, high, low in zip(found, above, below, strict=True):
        np.testing.assert_allclose(tangent, (high - low) / (2 * STEP), rtol=0, atol=1e-8)


def test_a_layer_without_a_rule_is_named() -> None:
    class Cube(Module):
        pass

    with pytest.raises(TypeError, match="a Cube has no second derivatives"):
        traced_backward(Sequential(Cube()), np.ones((1, 1, 1)), [None])
