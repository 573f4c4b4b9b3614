"""Adversarial training on toy songs: chain rule, learning, threads, resuming, alarms."""

from __future__ import annotations

import re

import numpy as np
import pytest
from toy_gan import COMPONENTS, SCALES, ToySongs, trainer

from gan import critic_bodies as bodies
from gan.alarms import ALARM_STEPS
from gan.penalties import wgan_gp
from gan.trainer import GANOptions, GANTrainer
from neural_networks.components.module import Module, Sequential
from neural_networks.gradient_check import check_gradients
from neural_networks.training.trainer import TrainingDiverged


@pytest.mark.parametrize("body", [bodies.convolutional, bodies.recurrent, bodies.mixed])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_score_of_a_coordinate_has_the_right_gradient_end_to_end(body, batch):
    """z -> sampled recurrence -> critic: dz and every parameter on the way."""
    gan = trainer(np.float64, body=body)
    generator = gan._generator.parameters.module.generator
    generator.calibration = np.linspace(0.5, 2, COMPONENTS)
    rng = np.random.default_rng(0)
    chain = Sequential(Singer(generator, 9, batch, rng), gan.critic)
    report = check_gradients(chain, rng.standard_normal((batch, 3)), rng=rng).require()
    assert all(row.claimed for row in report.rows)


class Singer(Module):
    """A generator under fixed innovations: z (B, Z) -> songs (S, B, K)."""

    def __init__(self, generator, steps: int, batch: int, rng: np.random.Generator) -> None:
        self.generator = generator
        self.innovations = rng.standard_normal((steps, batch, generator.innovation_size))

    def forward(self, x):
        return self.generator.generate(x, self.innovations)

    def backward(self, dy, cache):
        return self.generator.generate_backward(dy, cache)[0]


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


def reconstruction_error(gan: GANTrainer) -> float:
    vae = gan._generator.parameters.module
    x = real_songs(gan)
    return float(np.mean((vae.generator.decode(*vae.encode(x))[0] - x) ** 2))


def scores(gan: GANTrainer) -> tuple[float, float]:
    vae, rng = gan._generator.parameters.module, np.random.default_rng(0)
    real = real_songs(gan)
    z = gan._losses.latents.mix(real.shape[1], rng).astype(np.float32)
    shape = *real.shape[:2], vae.generator.innovation_size
    fake = vae.generator.generate(z, rng.standard_normal(shape, np.float32))[0]
    return float(gan.critic.forward(real)[0].mean()), float(gan.critic.forward(fake)[0].mean())


def real_songs(gan: GANTrainer) -> np.ndarray:
    return gan.songs.draw(np.arange(len(gan.songs)), np.random.default_rng(0))


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
    for missing in ("critic/steps", "average/values", "average/steps", "log"):
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


def test_divergence_stops_and_keeps_the_last_good_weights(monkeypatch):
    gan = trainer()
    gan.run(3)
    monkeypatch.setattr("toy_gan.SCALES", SCALES * np.nan)
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
    rates = {"generator_rate": 3e-3, "critic_rate": 2e-3}
    healthy = trainer(**rates, adversarial_weight=0.05, instance_noise=1.0)
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
    gan = trainer()
    with pytest.raises(ValueError, match="at least two"):
        GANTrainer(gan._generator.parameters, gan._critic.parameters, ToySongs(count=1))
    with pytest.raises(ValueError, match="shares"):
        GANOptions(reconstructed=0.8, gaussian=0.5)
