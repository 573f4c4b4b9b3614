"""Critics of every body: their gradients, their spectral norms, a forward pass without effects."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from gan import critic_bodies as bodies
from gan.critic import Critic
from gan.spectral_norm import SpectralNorm
from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.dense import Dense
from neural_networks.components.gru import GRU
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients

FEATURES = 12
BODIES = list(bodies.BODIES.values())
every_body = pytest.mark.parametrize("body", BODIES)


def make(hidden: int = 5, dtype=np.float64, body: bodies.Body = bodies.convolutional) -> Critic:
    critic = Critic(FEATURES, hidden, body=body, rng=np.random.default_rng(1))
    pack(critic, dtype)
    return critic


def relative_error(function, arrays, gradients, seed: int = 0) -> float:
    """Compare gradients with central differences of `function()` along random directions."""
    rng = np.random.default_rng(seed)
    worst = 0.0
    for _ in range(3):
        directions = [rng.standard_normal(a.shape) for a in arrays]
        expected = sum(float(np.vdot(g, d)) for g, d in zip(gradients, directions, strict=True))
        values = []
        for sign in (1, -1):
            for a, d in zip(arrays, directions, strict=True):
                a += sign * 1e-6 * d
            values.append(function())
            for a, d in zip(arrays, directions, strict=True):
                a -= sign * 1e-6 * d
        measured = (values[0] - values[1]) / 2e-6
        worst = max(worst, abs(measured - expected) / max(abs(measured), abs(expected), 1e-9))
    return worst


@every_body
@pytest.mark.parametrize(("steps", "batch"), [(9, 3), (8, 1), (13, 2), (1, 1)])
def test_gradients_of_the_score(body, steps, batch):
    critic = make(body=body)
    critic.update_norms(3)
    rng = np.random.default_rng(2)
    x, weights = rng.uniform(0, 1, (steps, batch, FEATURES)), rng.standard_normal(batch)
    score, cache = critic.forward(x)
    assert score.shape == (batch,)
    dx = critic.backward(weights, cache)
    assert dx.shape == x.shape
    parameters = critic.parameters()
    gradients = [dx, *(p.grad.copy() for p in parameters)]
    # At a single step a GRU's first state, zero, is all that its recurrent weights see.
    assert all(np.abs(p.grad).max() > 0 for p in parameters) or steps == 1

    def loss():
        return float(critic.forward(x)[0] @ weights)

    assert relative_error(loss, [x, *(p.value for p in parameters)], gradients) < 1e-6
    for parameter, gradient in zip([x, *(p.value for p in parameters)], gradients, strict=True):
        assert relative_error(loss, [parameter], [gradient], seed=3) < 1e-5


@every_body
def test_only_the_parameters_gradients_are_the_same(body):
    critic = make(body=body)
    x = np.random.default_rng(0).uniform(0, 1, (10, 2, FEATURES))
    _, cache = critic.forward(x)
    critic.backward(np.ones(2), cache)
    full = [p.grad.copy() for p in critic.parameters()]
    for p in critic.parameters():
        p.grad.fill(0)
    critic.add_gradients(np.ones(2), cache)
    critic.add_gradients(np.ones(2), cache)
    for p, expected in zip(critic.parameters(), full, strict=True):
        np.testing.assert_allclose(p.grad, 2 * expected, rtol=1e-12)


@every_body
def test_the_norm_is_that_of_the_singular_value_decomposition_and_forward_is_pure(body):
    critic = make(hidden=16, body=body)
    x = np.random.default_rng(0).uniform(0, 1, (10, 2, FEATURES))
    before = critic.state()
    first = critic.forward(x)[0]
    np.testing.assert_array_equal(first, critic.forward(x)[0])
    for name, vector in critic.state().items():
        np.testing.assert_array_equal(vector, before[name])
    critic.update_norms(200)
    for name, weight in critic.folded().named_parameters():
        if name.endswith(".weight"):
            largest = np.linalg.svd(
                weight.value.reshape(-1, weight.value.shape[-1]), compute_uv=False
            )[0]
            assert largest == pytest.approx(2.0, rel=1e-3)


@every_body
def test_state_brings_the_same_scores_back(body):
    critic, other = make(body=body), make(body=body)
    critic.update_norms(5)
    x = np.random.default_rng(0).uniform(0, 1, (10, 2, FEATURES))
    assert not np.array_equal(critic.forward(x)[0], other.forward(x)[0])
    other.restore(critic.state())
    np.testing.assert_array_equal(critic.forward(x)[0], other.forward(x)[0])
    with pytest.raises(ValueError, match="embed_left|convolution_0_left"):
        other.restore({})


def test_the_names_of_a_state_are_those_that_stations_know():
    names = {
        "convolutional": ("embed", "convolution_0", "convolution_1", "head"),
        "recurrent": ("embed", "head"),
    }
    names["mixed"] = ("embed", "convolution_0", "head")
    for body in BODIES:
        expected = [f"{name}_{side}" for name in names[body.__name__] for side in ("left", "right")]
        assert list(make(body=body).state()) == expected


@every_body
def test_the_centre_is_taken_off_before_the_layers(body):
    centred = make(body=body)
    plain = Critic(FEATURES, 5, body=body, centre=0.0, rng=np.random.default_rng(1))
    x = np.random.default_rng(0).uniform(0, 1, (10, 2, FEATURES))
    np.testing.assert_allclose(
        centred.forward(x)[0], plain.forward(x - centred.trunk.centre)[0], rtol=1e-5
    )
    assert centred.trunk.centre > 0
    assert centred.folded_trunk().centre == centred.trunk.centre


@every_body
def test_folded_copies_score_alike_and_learn_apart(body):
    critic = make(body=body)
    x = np.random.default_rng(0).uniform(0, 1, (10, 2, FEATURES))
    folded = critic.folded()
    score, cache = folded.forward(x)
    np.testing.assert_allclose(score, critic.forward(x)[0], rtol=1e-12)
    dx = folded.backward(np.ones(2), cache)
    assert all(not p.grad.any() for p in critic.parameters())
    np.testing.assert_allclose(dx, critic.backward(np.ones(2), critic.forward(x)[1]), rtol=1e-12)
    for parameter in folded.parameters():
        parameter.value[:] = 0
    assert all(parameter.value.any() for parameter in critic.parameters())


@every_body
def test_float32_and_bad_shapes(body):
    critic = make(dtype=np.float32, body=body)
    x = np.random.default_rng(0).uniform(0, 1, (10, 2, FEATURES)).astype(np.float32)
    score, cache = critic.forward(x)
    assert score.dtype == critic.backward(np.ones_like(score), cache).dtype == np.float32
    with pytest.raises(ValueError, match=r"\(10, 2, 6\)"):
        critic.forward(x[:, :, :6])
    with pytest.raises(TypeError, match="x is of int64"):  # its scale would be rounded
        critic.forward(np.ones((10, 2, FEATURES), int))


@every_body
def test_a_twin_for_another_thread_scores_alike_and_learns_apart(body):
    critic = make(body=body)
    flat = pack(critic, np.float64)
    twin = flat.twin()
    twin.module.restore(critic.state())
    x = np.random.default_rng(0).uniform(0, 1, (10, 2, FEATURES))
    score, cache = twin.module.forward(x)
    np.testing.assert_array_equal(score, critic.forward(x)[0])
    twin.module.add_gradients(np.ones(2), cache)
    assert twin.grads.any()
    assert not flat.grads.any()


def test_a_critic_that_reads_both_ways_hears_the_order_of_a_song():
    """Two steps exchanged: a mean over time alone would not notice."""
    critic = make(body=bodies.recurrent)
    x = np.random.default_rng(0).uniform(0, 1, (6, 1, FEATURES))
    assert abs(critic.forward(x)[0] - critic.forward(x[[1, 0, 2, 3, 4, 5]])[0]) > 1e-6
    with pytest.raises(ValueError, match="at least 2, not 1"):
        make(hidden=1, body=bodies.recurrent)


@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (5, 3), (8, 1)])
def test_bidirectional(steps, batch):
    rng = np.random.default_rng(0)
    ahead, back = GRU(3, 4, rng=rng), GRU(3, 2, rng=rng)
    x = rng.standard_normal((steps, batch, 3))
    both = Bidirectional(ahead, back)
    y = both.forward(x)[0]
    np.testing.assert_array_equal(y[:, :, :4], ahead.forward(x)[0])
    np.testing.assert_array_equal(y[:, :, 4:], back.forward(x[::-1])[0][::-1])
    check_gradients(both, x, rng=rng).require()


def test_a_norm_recovers_from_a_weight_of_zeros(rng: np.random.Generator) -> None:
    norm = SpectralNorm(Dense(5, 4, rng=rng), rng=rng)
    norm.layer.weight.value[:] = 0
    norm.update()
    weight = rng.standard_normal((5, 4))
    norm.layer.weight.value[:] = weight
    norm.update(100)
    assert norm.sigma() == pytest.approx(np.linalg.norm(weight, 2), rel=1e-6)
    begun = Dense(5, 4, rng=rng)
    begun.weight.value[:] = 0
    norm = SpectralNorm(begun, rng=rng)
    begun.weight.value[:] = weight
    norm.update(100)
    assert norm.sigma() == pytest.approx(np.linalg.norm(weight, 2), rel=1e-6)


def test_an_update_is_one_step_of_the_power_iteration(rng: np.random.Generator) -> None:
    norms = [SpectralNorm(Dense(5, 4, rng=rng), rng=rng)]
    norms += [copy.deepcopy(norms[0]) for _ in range(2)]
    for norm in norms:
        norm.layer.weight.value[:] = np.arange(20).reshape(5, 4) % 7
    norms[0].update()
    norms[1].update(1)
    norms[2].update(2)
    np.testing.assert_array_equal(norms[0].left, norms[1].left)
    assert np.abs(norms[0].left - norms[2].left).max() > 1e-6
