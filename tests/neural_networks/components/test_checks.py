"""Arrays that don't belong together, or are no floats, are refused before a kernel reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from neural_networks.components import losses
from neural_networks.components.activations import (
    ELU,
    GatedLinearUnit,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
    sigmoid,
)
from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.gru import GRU
from neural_networks.components.layer_norm import LayerNorm
from neural_networks.components.lstm import LSTM
from neural_networks.components.rnn import RNN
from neural_networks.components.stacked import Stacked
from neural_networks.optimizers.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    RMSprop,
    clip_by_global_norm,
)

ACTIVATIONS = [LeakyReLU, ReLU, ELU, Tanh, Sigmoid, Softplus, GatedLinearUnit]
LOSSES = [losses.mean_squared_error, losses.l1, losses.huber, losses.bce_with_logits]
OPTIMIZERS = [SGD, Momentum, Nesterov, Adagrad, Adadelta, RMSprop, Adam, AdamW]


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(100, 6), (5, 7), (5, 6, 1), (30,), (0,)])
def test_a_gradient_of_another_shape_is_refused(kind: type, shape: tuple[int, ...]) -> None:
    y, cache = kind().forward(np.ones((5, 12 if kind is GatedLinearUnit else 6)))
    assert y.shape == (5, 6)
    with pytest.raises(ValueError, match="shape"):
        kind().backward(np.ones(shape), cache)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_integers_are_refused(kind: type) -> None:
    with pytest.raises(TypeError, match="float32"):
        kind().forward(np.arange(6))
    _, cache = kind().forward(np.ones(6))
    with pytest.raises(TypeError, match="float32"):
        kind().backward(np.ones(cache[1].shape if isinstance(cache, tuple) else 6, int), cache)


LAYERS: list[Callable[[np.random.Generator], Any]] = [
    lambda rng: GRU(5, 4, rng=rng),
    lambda rng: LSTM(5, 4, rng=rng),
    lambda rng: RNN(5, 4, rng=rng),
    lambda rng: Bidirectional(GRU(5, 4, rng=rng), GRU(5, 4, rng=rng)),
    lambda rng: Stacked(GRU(5, 4, rng=rng), LSTM(4, 3, rng=rng)),
    lambda rng: Conv1d(5, 4, 3, rng=rng),
    lambda rng: Dense(5, 4, rng=rng),
    lambda rng: LayerNorm(5),
]


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.filterwarnings("error")
def test_layers_refuse_what_does_not_fit(
    make: Callable[[np.random.Generator], Any], rng: np.random.Generator
) -> None:
    """Under NUMBA_BOUNDSCHECK=1 an access out of bounds would be an IndexError here."""
    layer, x = make(rng), rng.standard_normal((6, 2, 5))
    y, cache = layer.forward(x)
    wrong = [x[..., :4], x[..., :1], x[..., :0], np.concatenate([x, x], -1)]
    if not isinstance(layer, Dense | LayerNorm):
        wrong += [x[0], x[None], x[:0]]
    if not isinstance(layer, Dense | LayerNorm | Conv1d):
        wrong += [x[:, :0], x.astype(complex), x.astype("S3")]
    for bad in wrong:
        with pytest.raises((ValueError, TypeError)):
            layer.forward(bad)
    ones = np.ones_like(y)
    for bad in (ones[..., :-1], ones[..., :1], ones[:-1], ones[:, :1], ones[0], ones[:0]):
        with pytest.raises((ValueError, TypeError)):
            layer.backward(bad, cache)
    assert layer.backward(ones, cache).shape == x.shape


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_refuse_what_would_be_broadcast_or_rounded(loss: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="shape"):
        loss(np.ones(3), np.zeros((3, 1)))
    with pytest.raises(TypeError, match="float32"):
        loss(np.array([3, 1, -2]), np.zeros(3))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_optimizers_refuse_what_is_no_vector_of_floats(kind: Callable[[], Any]) -> None:
    for values, grads in (
        (np.zeros((2, 50)), np.ones((2, 50))),
        (np.zeros(100), np.ones(5)),
        (np.zeros(5), np.ones(100)),
    ):
        with pytest.raises(ValueError, match="shape|vector"):
            kind().step(values, grads, 0.1)
    with pytest.raises(TypeError, match="float32"):
        kind().step(np.arange(5), np.ones(5), 0.1)
    with pytest.raises(TypeError, match="float32"):
        kind().step(np.zeros(5), np.ones(5, int), 0.1)


def test_relu_of_minus_infinity_is_zero_and_of_nothing_is_nothing() -> None:
    y, _ = ReLU().forward(np.array([-np.inf, np.inf, np.nan, -2.0, 3.0]))
    np.testing.assert_array_equal(y, [0, np.inf, np.nan, 0, 3])


def test_an_elu_whose_sign_could_not_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        ELU(-1.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sigmoid_is_exact_in_its_tails(dtype: type) -> None:
    x = np.linspace(-80, 80, 4001).astype(dtype)
    exact = expit(x.astype(np.longdouble))
    found = sigmoid(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found, exact.astype(float), rtol=4e-7 if dtype == np.float32 else 1e-15
    )


def test_huge_finite_gradients_are_clipped_not_lost() -> None:
    grads = np.full(4, 1e20, np.float32)
    assert clip_by_global_norm(grads, 1.0) == pytest.approx(2e20, rel=1e-6)
    np.testing.assert_allclose(grads, 0.5, rtol=1e-6)
