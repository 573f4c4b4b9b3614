"""The recurrent VAE: its gradients against central differences, its shapes, and that it learns."""

import numpy as np
import pytest

from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients
from neural_networks.optimizers.optimizers import Adam
from neural_networks.vae.recurrent_vae import (
    PlanDecoder,
    RecurrentVAE,
    SequenceEncoder,
    position_features,
)


@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (4, 3), (12, 2)])
def test_encoder_gradients(steps, batch, rng):
    encoder = SequenceEncoder(5, 3, hidden=4, rng=rng)
    check_gradients(encoder, rng.standard_normal((steps, batch, 5)), rng=rng).require()


@pytest.mark.parametrize(("beats", "batch"), [(1, 1), (2, 3), (5, 1)])
def test_decoder_gradients(beats, batch, rng):
    decoder = PlanDecoder(3, 5, beats=beats, plan_size=4, hidden=6, rng=rng)
    check_gradients(decoder, rng.standard_normal((batch, 3)), rng=rng).require()


@pytest.mark.parametrize("smoothness", [0.0, 2.0])
@pytest.mark.parametrize(("beats", "batch"), [(1, 1), (3, 2)])
def test_loss_gradients(beats, batch, smoothness, rng):
    """The derivative of the loss along a random direction of all weights, with the same epsilon."""
    vae = RecurrentVAE(6, latent_size=3, beats=beats, hidden=6, rng=rng)
    flat = pack(vae, np.float64)
    x = rng.standard_normal((4 * beats, batch, 6))
    direction = rng.standard_normal(flat.values.shape)

    def value(shift: float) -> float:
        flat.values[:] = start + shift * direction
        return vae.loss(x, beta=0.3, smoothness=smoothness, rows=3, rng=np.random.default_rng(7))[0]

    start = flat.values.copy()
    flat.zero_grads()
    value(0.0)
    claimed = float(flat.grads @ direction)
    measured = (value(1e-6) - value(-1e-6)) / 2e-6
    assert abs(claimed - measured) < 1e-6 * max(abs(measured), 1)


def test_epsilon_is_drawn(rng):
    vae = RecurrentVAE(5, latent_size=3, beats=2, hidden=6, rng=rng)
    pack(vae, np.float64)
    x = rng.standard_normal((8, 2, 5))
    errors = {vae.loss(x, beta=0.0, rng=np.random.default_rng(seed))[1] for seed in range(3)}
    assert len(errors) == 3


def test_it_learns_to_give_its_songs_back(rng):
    vae = RecurrentVAE(6, latent_size=4, beats=4, hidden=16, rng=rng)
    flat = pack(vae)
    x = np.abs(rng.standard_normal((16, 3, 6))).astype(np.float32) * np.float32(0.3)
    optimizer = Adam(0.9, 0.99)
    errors = []
    for _ in range(300):
        flat.zero_grads()
        errors.append(vae.loss(x, beta=1e-6, rng=rng)[1])
        optimizer.step(flat.values, flat.grads, 5e-3)
    assert errors[-1] < 0.1 * x.var()


def test_a_plan_of_any_length_is_read(rng):
    decoder = PlanDecoder(3, 5, beats=4, plan_size=4, hidden=6, rng=rng)
    z = rng.standard_normal((2, 3))
    plan = decoder.plan(z)
    np.testing.assert_allclose(decoder.forward_plan(plan)[0], decoder.forward(z)[0])
    longer = decoder.forward_plan(np.concatenate([plan, plan]))[0]
    assert longer.shape == (32, 2, 5)
    # The convolution sees two beats ahead, so the beginning but for those is the same.
    np.testing.assert_allclose(longer[:8], decoder.forward(z)[0][:8])


def test_positions_repeat_with_their_periods():
    positions = position_features(768)
    assert positions.shape == (768, 18)
    np.testing.assert_allclose(positions[0, :9], 0, atol=1e-12)
    np.testing.assert_allclose(positions[384:], positions[:384], atol=1e-9)
    np.testing.assert_allclose(position_features(8, 4), positions[:32:4], atol=1e-12)
