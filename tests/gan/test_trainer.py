"""Adversarial training on toy songs: chain rule, learning, threads, resuming, alarms."""

from __future__ import annotations

import re

import numpy as np
import pytest

from gan import critic_bodies as bodies
from gan.alarms import ALARM_STEPS
from gan.critic import Critic
from gan.losses import WASSERSTEIN
from gan.penalties import r1, wgan_gp
from gan.trainer import GANOptions, GANTrainer
from neural_networks.components.dense import Dense
from neural_networks.components.module import Sequential
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients
from neural_networks.training.trainer import TrainingDiverged
from neural_networks.vae.calibration import Calibration
from neural_networks.vae.recurrent_vae import RecurrentVAE

FEATURES, BEATS = 8, 4
STEPS = 4 * BEATS


def toy_songs(count: int = 40) -> np.ndarray:
    """Songs of a note that starts at one of eight pitches, rising or falling (N, S, F)."""
    rng = np.random.default_rng(0)
    songs = np.zeros((count, STEPS, FEATURES), np.float32)
    for song in songs:
        pitch, direction = rng.integers(FEATURES), rng.choice([-1, 1])
        for step in range(STEPS):
            song[step, (pitch + direction * (step // 4)) % FEATURES] = (0.9, 0.6, 0.4, 0.3)[
                step % 4
            ]
    return songs


def models(dtype=np.float32, latent_size: int = 6):
    rng = np.random.default_rng(1)
    vae = RecurrentVAE(FEATURES, latent_size=latent_size, beats=BEATS, hidden=16, rng=rng)
    critic = Critic(FEATURES, 16, rng=rng)
    return vae, critic, pack(vae, dtype), pack(critic, dtype)


def trainer(threads: int = 1, **options) -> GANTrainer:
    _, _, vae, critic = models()
    return GANTrainer(
        vae,
        critic,
        toy_songs(),
        options=GANOptions(**{"batch_size": 9, "reconstruction_weight": 300.0, **options}),
        threads=threads,
        seed=3,
    )


@pytest.mark.parametrize("body", [bodies.convolutional, bodies.recurrent, bodies.mixed])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_score_of_a_coordinate_has_the_right_gradient_end_to_end(body, batch):
    """P -> generator and calibration -> adapter -> critic: dP and every parameter on the way."""
    rng = np.random.default_rng(0)
    decoder = RecurrentVAE(FEATURES, latent_size=6, beats=BEATS, hidden=16, rng=rng).decoder
    curve = np.cumsum(rng.uniform(0.01, 0.05, (FEATURES, 30)), axis=1)
    decoder.calibration = Calibration(
        rng.normal(0, 0.4, (5, 2, FEATURES // 2)), curve, rng.uniform(0.02, 0.1, FEATURES)
    )
    added = Dense(FEATURES, FEATURES, rng=rng), Dense(FEATURES, FEATURES, rng=rng)
    for layer in added:
        layer.weight.value[:] = np.eye(FEATURES)
        layer.bias.value[:] = 0
    chain = Sequential(decoder, *added, Critic(FEATURES, 16, body=body, rng=rng))
    report = check_gradients(chain, rng.standard_normal((batch, 6)), rng=rng).require()
    assert all(row.claimed for row in report.rows)


@pytest.mark.parametrize("penalty", [wgan_gp, r1])
def test_the_critics_loss_has_the_right_gradient_with_a_penalty(penalty):
    _, critic, flat_vae, _ = models(np.float64)
    critic = Critic(FEATURES, 6, body=bodies.mixed, rng=np.random.default_rng(2))
    flat = pack(critic, np.float64)
    values = []
    for chosen in (None, penalty):
        options = GANOptions(batch_size=6, loss=WASSERSTEIN, penalty=chosen)
        gan = GANTrainer(flat_vae, flat, toy_songs(), options=options, threads=1)
        gan._generator._count = gan._critic._count = len(gan.songs)
        gan._generator._gradient()  # makes the songs that the critic's loss is about
        values.append(gan._critic._gradient())
    assert values[1] > values[0] + 0.01
    gradient = flat.grads.copy()
    direction = np.random.default_rng(0).standard_normal(gradient.shape)
    start = flat.values.copy()
    ends = []
    for sign in (1, -1):
        flat.values[:] = start + sign * 1e-6 * direction
        gan._generator._gradient()  # the same songs, and what this critic says of them
        ends.append(gan._critic._gradient())
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(float(gradient @ direction), rel=1e-6)


def test_the_generators_loss_has_the_right_gradient_through_the_critic():
    vae, critic, flat_vae, flat_critic = models(np.float64)
    gan = GANTrainer(
        flat_vae,
        flat_critic,
        toy_songs(),
        options=GANOptions(batch_size=6, adversarial_weight=5.0, warm_up=0),
        threads=1,
    )
    gan._generator._count = len(gan.songs)
    # of the same mini-batch and the same random numbers, as long as no step is made
    loss = gan._generator._gradient

    loss()
    gradient = flat_vae.grads.copy()
    direction = np.random.default_rng(0).standard_normal(gradient.shape)
    start = flat_vae.values.copy()
    ends = []
    for sign in (1, -1):
        flat_vae.values[:] = start + sign * 1e-6 * direction
        ends.append(loss())
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(float(gradient @ direction), rel=1e-6)


def test_critic_and_generator_learn():
    gan = trainer(generator_rate=3e-3, critic_rate=2e-3)
    before = reconstruction_error(gan)
    real, fake = scores(gan)
    gan.run(60)
    assert (
        np.mean([log.real_score - log.fake_score for log in list(gan.log)[30:60]])
        > abs(real - fake) + 0.2
    )
    gan.run(400)
    log = gan.log[-1]
    assert reconstruction_error(gan) < 0.4 * before
    assert log.step == 400
    assert all(np.isfinite(value) for value in log)
    assert 0.4 < np.mean([one.diversity for one in list(gan.log)[-50:]]) < 1.6


def test_the_adversarial_term_moves_drawn_songs_towards_what_the_critic_calls_real():
    """Without the term the same critic tells drawn songs from real ones by more."""
    gaps = []
    for weight in (0.0, 3.0):
        gan = trainer(generator_rate=3e-3, critic_rate=1e-3, adversarial_weight=weight)
        gan.run(250)
        gaps.append(np.mean([log.real_score - log.fake_score for log in list(gan.log)[-100:]]))
    assert gaps[1] < 0.8 * gaps[0]


def reconstruction_error(gan: GANTrainer) -> float:
    vae = gan._generator.parameters.module
    x = np.ascontiguousarray(gan.songs.transpose(1, 0, 2))
    mean = vae.encoder.forward(x)[0][:, :6]
    return float(np.mean((vae.decoder.forward(mean)[0] - x) ** 2))


def scores(gan: GANTrainer) -> tuple[float, float]:
    vae = gan._generator.parameters.module
    real = np.ascontiguousarray(gan.songs.transpose(1, 0, 2))
    drawn = gan._losses.latents.mix(40, np.random.default_rng(0)).astype(np.float32)
    fake = vae.decoder.forward(drawn)[0]
    return float(gan.critic.forward(real)[0].mean()), float(gan.critic.forward(fake)[0].mean())


def test_one_and_two_threads_give_the_same_bytes_and_a_restored_trainer_goes_on_with_them():
    one, two = trainer(threads=1), trainer(threads=2)
    for trainer_of_two in (two._generator, two._critic):
        trainer_of_two._pieces._seconds = 1.0  # worth a thread from the first step on
    one.run(6)
    two.run(6)
    resumed = trainer()
    saved = one.state()
    resumed.restore(saved)
    one.run(12)
    two.run(12)
    resumed.run(12)
    for other in (two, resumed):
        for name, array in one.state().items():
            np.testing.assert_array_equal(array, other.state()[name], err_msg=name)
        assert one.log[-1] == other.log[-1]
    with pytest.raises(ValueError, match="40 songs"):
        resumed.restore({})


def test_a_penalty_draws_the_same_interpolates_for_one_and_two_threads():
    one, two = trainer(threads=1, penalty=wgan_gp), trainer(threads=2, penalty=wgan_gp)
    for trainer_of_two in (two._generator, two._critic):
        trainer_of_two._half_seconds = 1.0  # worth a thread from the first step on
    one.run(3)
    two.run(3)
    np.testing.assert_array_equal(one._critic.parameters.values, two._critic.parameters.values)


def test_a_state_saved_in_the_middle_of_a_step_is_refused(monkeypatch):
    gan = trainer()
    gan.run(2)
    whole = gan.state()

    def interrupted(critic, batch):
        raise KeyboardInterrupt

    monkeypatch.setattr(gan._critic._pieces, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gan.run(4)
    with pytest.raises(ValueError, match="generator has made 3 steps, the critic 2") as caught:
        trainer().restore(gan.state())
    assert "\n" not in str(caught.value)
    for missing in ("critic/steps", "average/values", "average/steps"):
        with pytest.raises(ValueError, match="the state"):
            trainer().restore({name: array for name, array in whole.items() if name != missing})
    with pytest.raises(ValueError, match="not finite"):
        trainer().restore({**whole, "statistics": whole["statistics"] * np.nan})
    trainer().restore(whole)


def test_the_average_follows_the_generator():
    gan = trainer(generator_rate=3e-3)
    gan.run(50)
    values = gan._generator.parameters.values.copy()
    average = gan.average.values.copy()
    assert 0 < np.abs(values - average).max() < 0.2
    gan.use_average()
    np.testing.assert_array_equal(gan._generator.parameters.values, average)


def test_divergence_stops_and_keeps_the_last_good_weights():
    gan = trainer()
    gan.run(3)
    gan.songs[:] = np.nan
    values = gan._generator.parameters.values.copy()
    with pytest.raises(TrainingDiverged, match="step 4"):
        gan.step()
    assert np.isfinite(gan._generator.parameters.values).all()
    assert np.isfinite(values).all()


def test_a_critic_that_is_certain_is_told():
    """It happens where the generator stands still and no noise blurs what the critic sees."""
    gan = trainer(adversarial_weight=0.0, instance_noise=0.0, critic_rate=5e-3, generator_rate=1e-6)
    gan.run(ALARM_STEPS - 1)
    assert gan.alarms() == []
    gan.run(2 * ALARM_STEPS)
    found = {alarm.kind: alarm.text for alarm in gan.alarms()}
    assert "critic_rate" in found["certain"]
    # nothing is learned any more
    assert np.mean([log.critic_norm for log in list(gan.log)[-ALARM_STEPS:]]) < 0.01


def test_songs_that_become_all_alike_are_told():
    """It happens where nothing but the critic holds the generator."""
    healthy = trainer(generator_rate=3e-3, critic_rate=2e-3, adversarial_weight=0.05)
    healthy.run(4 * ALARM_STEPS)
    assert healthy.alarms() == []
    gan = trainer(reconstruction_weight=0.0, adversarial_weight=10.0, generator_rate=1e-2)
    gan.run(2 * ALARM_STEPS)
    found = {alarm.kind: alarm.text for alarm in gan.alarms()}
    assert "adversarial_weight" in found["alike"]
    shown = re.search(r"differ only (\d+) %", found["alike"])
    assert shown is not None and int(shown.group(1)) < 50


def test_a_critic_that_cannot_follow_is_told():
    gan = trainer(
        reconstruction_weight=0.0,
        adversarial_weight=10.0,
        generator_rate=1e-2,
        reconstructed=0.0,
        critic_rate=1e-5,
    )
    gan.run(ALARM_STEPS)
    found = {alarm.kind: alarm.text for alarm in gan.alarms()}
    assert "raise critic_rate" in found["behind"]


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_a_rate_that_is_far_too_high_stops_with_advice():
    gan = trainer(generator_rate=1e30)
    with pytest.raises(TrainingDiverged, match="lower the learning rate, now 1e\\+30") as caught:
        gan.run(20)
    assert "\n" not in str(caught.value)
    assert np.isfinite(gan._critic.parameters.values).all()


def test_bad_input():
    _, _, vae, critic = models()
    with pytest.raises(ValueError, match="at least two"):
        GANTrainer(vae, critic, toy_songs(1))
    with pytest.raises(ValueError, match="shares"):
        GANTrainer(vae, critic, toy_songs(4), options=GANOptions(reconstructed=0.8, gaussian=0.5))
