"""Gradient penalties: compared with differences for every layer and critic, and known mistakes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from benchmarks import gradient_penalty as benchmark
from gan import critic_bodies as bodies
from gan.critic import INPUT_SCALE, Critic
from gan.losses import wasserstein
from gan.penalties import flatness_penalty, interpolates, r1, slope_penalty, wgan_gp
from gan.spectral_norm import SpectralNorm
from neural_networks.components.activations import (
    ELU,
    GatedLinearUnit,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.gru import GRU
from neural_networks.components.layer_norm import LayerNorm
from neural_networks.components.mean_over_time import MeanOverTime
from neural_networks.components.module import Module, Sequential
from neural_networks.components.parameters import pack
from neural_networks.components.recurrent import Recurrent
from neural_networks.gradient_check import GradientReport, check_gradients
from neural_networks.optimizers.optimizers import Adam

RNG = np.random.default_rng(0)
FEATURES = 12
PENALTIES = [partial(slope_penalty, weight=1.0), partial(flatness_penalty, gamma=1.0)]
SHAPES = [(9, 3), (1, 1), (13, 1), (1, 2)]
BODIES = list(bodies.BODIES.values())
# 5 features -> the number behind each
LAYERS: list[tuple[Module, int]] = [
    (LeakyReLU(0.2), 5),
    (ReLU(), 5),
    (ELU(0.7), 5),
    (Tanh(), 5),
    (Sigmoid(), 5),
    (Softplus(), 5),
    (LayerNorm(5), 5),
    (Sequential(Dense(5, 6, rng=RNG), GatedLinearUnit()), 3),
    (Conv1d(5, 4, 3, padding=1, rng=RNG), 4),
    (Conv1d(5, 3, 4, stride=3, padding=2, rng=RNG), 3),
    (GRU(5, 3, rng=RNG), 3),
    (Bidirectional(GRU(5, 3, rng=RNG), GRU(5, 2, rng=RNG)), 5),
    (Recurrent(5, (9, 6, 4), (4, 5, 3), rng=RNG), 3),
    (SpectralNorm(Dense(5, 4, rng=RNG), rng=RNG), 4),
    (SpectralNorm(Conv1d(5, 4, 5, stride=2, padding=2, rng=RNG), rng=RNG), 4),
]


def check(critic: Module, x: np.ndarray, penalty, rng: np.random.Generator) -> GradientReport:
    """Compare the penalty's gradients in x and in every parameter with differences of its value."""

    def forward(critic, x):
        return np.array([penalty(critic, x)[0]]), x

    def backward(critic, dy, x):
        for parameter in critic.parameters():
            parameter.grad.fill(0)  # `forward` adds to it too
        dx = penalty(critic, x)[1]
        for parameter in critic.parameters():
            parameter.grad *= dy[0]
        return dy[0] * dx

    return check_gradients(critic, x, rng=rng, forward=forward, backward=backward)


@pytest.mark.parametrize("penalty", PENALTIES, ids=["slope", "flatness"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "layer, width",
    LAYERS,
    ids=lambda value: type(value).__name__ if isinstance(value, Module) else "",
)
def test_gradients_through_every_layer(
    layer: Module, width: int, shape: tuple[int, int], penalty, rng: np.random.Generator
) -> None:
    """Curved layers lie before and behind it, so that its tangents are moved from both sides."""
    before = Dense(4, 5, rng=rng)
    critic = Sequential(
        before,
        Tanh(),
        layer,
        Softplus(),
        Dense(width, 3, rng=rng),
        Tanh(),
        MeanOverTime(),
        Dense(3, 1, rng=rng),
    )
    before.weight.value *= 2
    check(critic, rng.standard_normal((*shape, 4)), penalty, rng).require()


@pytest.mark.parametrize("penalty", PENALTIES, ids=["slope", "flatness"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("body", BODIES)
def test_gradients_of_whole_critics(
    body: bodies.Body, shape: tuple[int, int], penalty, rng: np.random.Generator
) -> None:
    critic = Critic(FEATURES, 5, body=body, rng=rng)
    critic.update_norms(3)
    report = check(critic, rng.uniform(0, 1, (*shape, FEATURES)), penalty, rng).require()
    moving = [row for row in report.rows if row.claimed]
    # a chain of straight lines has no second derivative in x and its biases
    assert len(moving) >= 4


def test_the_check_sees_a_small_error(rng: np.random.Generator) -> None:
    critic = Critic(FEATURES, 5, body=bodies.recurrent, rng=rng)

    def wrong(critic, x):
        value, dx = slope_penalty(critic, x)
        critic.parameters()[2].grad *= 1.001
        return value, dx

    report = check(critic, rng.uniform(0, 1, (5, 2, FEATURES)), wrong, rng)
    assert [row.name for row in report.rows if row.error > report.limit] == [
        "trunk.layers.1.forward_cell.input_weight"
    ]


def test_values_of_a_linear_critic_by_hand() -> None:
    """D = mean over T of w x_t has the gradient w / T at each step: the norm |w| / sqrt(T)."""
    critic = Sequential(MeanOverTime(), Dense(2, 1, rng=RNG))
    critic.layers[1].weight.value[:] = [[3.0], [4.0]]  # type: ignore[attr-defined]
    pack(critic, np.float64)
    x = RNG.standard_normal((4, 5, 2))
    value, dx = slope_penalty(critic, x, weight=10.0)
    assert value == pytest.approx(10 * (2.5 - 1) ** 2)
    assert not dx.any()
    # d/dw 10 (|w| / 2 - 1)^2 = 10 (|w| / 2 - 1) w / |w|
    np.testing.assert_allclose(
        critic.parameters()[0].grad[:, 0], 10 * (2.5 - 1) * np.array([0.6, 0.8])
    )
    assert not critic.parameters()[1].grad.any()
    assert flatness_penalty(critic, x, gamma=2.0)[0] == pytest.approx(6.25)
    np.testing.assert_allclose(
        critic.parameters()[0].grad[:, 0], 15 * np.array([0.6, 0.8]) + 2 / 4 * np.array([3.0, 4.0])
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("penalty", PENALTIES, ids=["slope", "flatness"])
def test_a_flat_critic_gets_finite_gradients(penalty, dtype) -> None:
    """At |dD/dx| = 0, without a derivative, and at norms whose squares underflow."""
    critic = Critic(FEATURES, 5, body=bodies.recurrent, rng=np.random.default_rng(0))
    flat = pack(critic, dtype)
    x = np.random.default_rng(1).uniform(0, 1, (6, 2, FEATURES)).astype(dtype)
    head: SpectralNorm = critic.head  # type: ignore[assignment]
    gain = head.gain
    for factor in (0.0, 1e-30, 1e-15):
        head.gain = gain * factor
        flat.zero_grads()
        value, dx = penalty(critic, x)
        assert value == pytest.approx(1 if penalty.func is slope_penalty else 0, abs=1e-6)
        assert np.isfinite(flat.grads).all()
        assert np.isfinite(dx).all()
    head.gain = gain
    flat.values[:] = 0
    flat.zero_grads()
    assert penalty(critic, x)[0] == (1 if penalty.func is slope_penalty else 0)
    assert np.isfinite(flat.grads).all()


@pytest.mark.parametrize("body", BODIES)
def test_single_precision_and_purity(body: bodies.Body) -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 1, (33, 4, FEATURES))
    gradients = []
    for dtype in (np.float64, np.float32):
        critic = Critic(FEATURES, 17, body=body, rng=np.random.default_rng(0))
        flat = pack(critic, dtype)
        songs, values, norms = x.astype(dtype), flat.values.copy(), critic.state()
        value, dx = slope_penalty(critic, songs)
        assert dx.dtype == flat.grads.dtype == dtype
        np.testing.assert_array_equal(songs, x.astype(dtype))
        np.testing.assert_array_equal(flat.values, values)
        assert all(np.array_equal(norms[name], vector) for name, vector in critic.state().items())
        gradients.append((value, flat.grads.copy()))
        assert slope_penalty(critic, songs)[0] == value
        np.testing.assert_allclose(
            flat.grads, 2 * gradients[-1][1], rtol=1e-6 if dtype == np.float32 else 1e-14
        )
    (exact, right), (single, near) = gradients
    assert single == pytest.approx(exact, rel=1e-5)
    assert np.abs(near - right).max() < 2e-5 * np.abs(right).max()


def test_a_song_does_not_know_its_batch() -> None:
    """The mean over three songs is the mean of three calls, in value and gradients."""
    critic = Critic(FEATURES, 6, body=bodies.mixed, rng=np.random.default_rng(0))
    flat = pack(critic, np.float64)
    x = np.random.default_rng(1).uniform(0, 1, (11, 3, FEATURES))
    together, _ = slope_penalty(critic, x)
    gradient = flat.grads.copy()
    flat.zero_grads()
    assert together == pytest.approx(
        np.mean([slope_penalty(critic, x[:, i : i + 1])[0] for i in range(3)])
    )
    np.testing.assert_allclose(gradient, flat.grads / 3, rtol=1e-9, atol=1e-12)


def test_interpolates_lie_between_and_each_song_has_a_share_of_its_own(
    rng: np.random.Generator,
) -> None:
    real, fake = rng.standard_normal((2, 5, 40, 3)).astype(np.float32)
    between = interpolates(real, fake, rng=rng)
    assert between.dtype == np.float32
    share = (between - fake) / (real - fake)
    np.testing.assert_allclose(share, np.broadcast_to(share[:1, :, :1], share.shape), atol=1e-3)
    assert 0 <= share.min() < 0.1
    assert 0.9 < share.max() <= 1
    with pytest.raises(ValueError, match=r"\(5, 40, 3\) and \(5, 39, 3\)"):
        interpolates(real, fake[:, 1:], rng=rng)


@pytest.mark.parametrize("penalty, where", [(wgan_gp, None), (r1, "real")])
def test_penalties_of_a_training_step(penalty, where: str | None) -> None:
    rng = np.random.default_rng(0)
    critic = Critic(FEATURES, 5, body=bodies.recurrent, rng=rng)
    flat = pack(critic, np.float64)
    real, fake = rng.uniform(0, 1, (2, 6, 3, FEATURES))
    value = penalty(critic, real, fake, np.random.default_rng(7))
    found = flat.grads.copy()
    flat.zero_grads()
    expected = (
        flatness_penalty(critic, real)
        if where
        else slope_penalty(critic, interpolates(real, fake, rng=np.random.default_rng(7)))
    )
    assert value == expected[0]
    np.testing.assert_array_equal(found, flat.grads)


def test_a_wasserstein_critic_keeps_a_slope_of_one_with_the_penalty_alone() -> None:
    """Songs of two means: without the penalty the slope grows and grows."""
    slopes = []
    for weight in (0.0, 10.0):
        rng = np.random.default_rng(0)
        critic = Critic(3, 6, body=bodies.recurrent, gain=4.0, rng=rng)
        flat, adam = pack(critic, np.float64), Adam(0.5, 0.9)
        for _ in range(200):
            real, fake = (rng.normal(mean, 0.3, (6, 8, 3)) / INPUT_SCALE for mean in (1, -1))
            flat.zero_grads()
            (real_scores, real_cache), (fake_scores, fake_cache) = (
                critic.forward(real),
                critic.forward(fake),
            )
            _, dreal, dfake = wasserstein(real_scores, fake_scores)
            critic.add_gradients(dreal, real_cache)
            critic.add_gradients(dfake, fake_cache)
            wgan_gp(critic, real, fake, rng, weight=weight)
            adam.step(flat.values, flat.grads, 1e-2)
            critic.update_norms()
        between = interpolates(real, fake, rng=rng)
        scores, cache = critic.forward(between)
        slopes.append(
            float(np.linalg.norm(critic.backward(np.ones_like(scores), cache), axis=(0, 2)).mean())
        )
    assert slopes[0] > 2
    assert slopes[1] == pytest.approx(1, abs=0.15)


# What others got wrong: docs/gradient_penalty.md.


@pytest.mark.parametrize("seed", range(3))
def test_the_generators_gradient_goes_through_the_critic(seed: int) -> None:
    parts = benchmark.generator_and_critic(np.random.default_rng(seed))
    witness = benchmark.generator_differences(*parts)
    through, past = benchmark.generator_gradients(*parts)
    assert benchmark.cosine(through, witness) > 0.999999
    assert benchmark.cosine(past, witness) < 0.9


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "activation, wrong",
    [(lambda: LeakyReLU(0.2), 1.0), (Tanh, 0.95), (Sigmoid, 0.995), (ELU, 0.998), (Softplus, 0.99)],
)
def test_the_penalty_has_its_second_derivatives(activation, wrong: float, seed: int) -> None:
    critic, songs = benchmark.small_critic(activation, np.random.default_rng(seed))
    witness = benchmark.penalty_differences(critic, songs)
    assert benchmark.cosine(benchmark.penalty_gradient(critic, songs), witness) > 0.999999
    with benchmark.without_curvature():
        dropped = benchmark.cosine(benchmark.penalty_gradient(critic, songs), witness)
    if wrong < 1:
        assert dropped < wrong
    else:
        assert dropped > 0.999999  # straight lines have none
    # the rules are back
    assert benchmark.cosine(benchmark.penalty_gradient(critic, songs), witness) > 0.999999
