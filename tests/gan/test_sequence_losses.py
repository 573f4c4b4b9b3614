"""Adversarial training of a model whose latents move in time: gradients, threads, resuming."""

from __future__ import annotations

import numpy as np
import pytest
from toy_gan import COMPONENTS, SCALES, trainer

from gan import critic_bodies as bodies
from gan.losses import HINGE, LEAST_SQUARES, NON_SATURATING, WASSERSTEIN
from gan.penalties import r1, wgan_gp
from gan.plots import plot_training


def differences(parameters, loss) -> tuple[float, float]:
    """Return the slope along a random direction, by differences and by the gradient."""
    loss()
    gradient = parameters.grads.copy()
    direction = np.random.default_rng(0).standard_normal(gradient.shape)
    start = parameters.values.copy()
    ends = []
    for sign in (1, -1):
        parameters.values[:] = start + sign * 1e-6 * direction
        ends.append(loss())
    parameters.values[:] = start
    return (ends[0] - ends[1]) / 2e-6, float(gradient @ direction)


@pytest.mark.parametrize("loss", [HINGE, NON_SATURATING, LEAST_SQUARES, WASSERSTEIN])
@pytest.mark.parametrize(("steps", "batch"), [(12, 6), (1, 1), (7, 2)])
def test_the_generators_loss_has_the_right_gradient_through_the_sampled_recurrence(
    loss, steps, batch
):
    gan = trainer(
        np.float64,
        steps=steps,
        batch_size=batch,
        loss=loss,
        reconstruction_weight=2.0,
        adversarial_weight=30.0,
        kl_weight=0.3,
        reconstructed=0.0,
        warm_up=0,
    )
    gan._generator._count = len(gan.songs)
    measured, claimed = differences(gan._generator.parameters, gan._generator._gradient)
    assert measured == pytest.approx(claimed, rel=2e-6)


def test_lambda_weighs_the_vaes_own_loss():
    losses, gradients = [], []
    for weight in (1.0, 2.5):
        gan = trainer(np.float64, reconstruction_weight=weight, adversarial_weight=1e-12)
        gan._generator._count = len(gan.songs)
        losses.append(gan._generator._gradient())
        gradients.append(gan._generator.parameters.grads.copy())
    assert losses[1] == pytest.approx(2.5 * losses[0], rel=1e-9)
    np.testing.assert_allclose(gradients[1], 2.5 * gradients[0], rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("penalty", [wgan_gp, r1])
@pytest.mark.parametrize("body", [bodies.convolutional, bodies.recurrent, bodies.mixed])
def test_the_critics_loss_has_the_right_gradient_with_a_penalty(penalty, body):
    gan = trainer(np.float64, body=body, loss=WASSERSTEIN, penalty=penalty)
    gan._generator._count = gan._critic._count = len(gan.songs)

    def loss() -> float:
        gan._generator._gradient()  # the same songs, and what this critic says of them
        return gan._critic._gradient()

    measured, claimed = differences(gan._critic.parameters, loss)
    assert measured == pytest.approx(claimed, rel=2e-6)


@pytest.mark.parametrize("weight", [0.3, 0.0])
def test_one_and_two_threads_give_the_same_bytes_and_a_restored_trainer_goes_on_with_them(weight):
    one, two = (trainer(threads=threads, adversarial_weight=weight) for threads in (1, 2))
    for trainer_of_two in (two._generator, two._critic):
        trainer_of_two._pieces._seconds = 1.0  # worth a thread from the first step on
    one.run(4)
    two.run(4)
    resumed = trainer(adversarial_weight=weight)
    resumed.restore(one.state())
    for each in (one, two, resumed):
        each.run(8)
    for other in (two, resumed):
        for name, array in one.state().items():
            np.testing.assert_array_equal(array, other.state()[name], err_msg=name)
        assert one.log[-1] == other.log[-1]
    with pytest.raises(ValueError, match="20 songs"):
        resumed.restore({})


def test_without_a_weight_the_generator_stands_still_and_the_critic_learns():
    gan = trainer(adversarial_weight=0.0, critic_rate=5e-3, instance_noise=0.05)
    generator = gan._generator.parameters.values.copy()
    critic = gan._critic.parameters.values.copy()
    gan.run(60)
    np.testing.assert_array_equal(gan._generator.parameters.values, generator)
    np.testing.assert_array_equal(gan.average.values, generator)
    assert np.abs(gan._critic.parameters.values - critic).max() > 0.01
    assert gan.log[-1].critic_loss < 0.7 * gan.log[0].critic_loss
    assert gan.log[-1].reconstruction == 0


def test_the_adversarial_term_moves_new_songs_towards_what_the_critic_calls_real():
    gaps = []
    for weight in (1e-9, 3.0):
        gan = trainer(
            adversarial_weight=weight,
            reconstruction_weight=1.0,
            generator_rate=3e-3,
            critic_rate=1e-3,
        )
        gan.run(200)
        gaps.append(np.mean([log.real_score - log.fake_score for log in list(gan.log)[-50:]]))
    assert gaps[1] < 0.8 * gaps[0]


def test_encodings_follow_the_encoder_and_are_those_of_the_songs():
    gan = trainer(generator_rate=3e-3)
    before = gan._losses.statistics.copy()
    assert before.shape == (20, 6) and np.ptp(before[:, :3]) > 0
    gan.run(12)
    moved = np.abs(gan._losses.statistics - before).max(axis=1)
    assert (moved > 0).all()
    reused = trainer(reconstructed=1.0, gaussian=0.0, halfway=0.0)
    reused.run(2)
    assert reused.shown.shape == (12, 6, COMPONENTS)


def test_noise_is_in_units_of_what_the_critic_reads():
    gan = trainer(instance_noise=0.5)
    x = np.zeros((200, 40, COMPONENTS), np.float32)
    noisy = gan._losses._noisy(x, np.random.default_rng(0))
    np.testing.assert_allclose(noisy.std(axis=(0, 1)) / SCALES, 0.5, rtol=0.05)


@pytest.mark.parametrize("weight", [0.3, 0.0])
def test_a_training_is_drawn_with_frames_made_of_components(tmp_path, weight):
    gan = trainer(adversarial_weight=weight)
    gan.run(3)
    asked = []

    def frames(song: np.ndarray) -> np.ndarray:
        asked.append(song.shape)
        return np.repeat(song, 2, axis=0)

    plot_training(gan, tmp_path / "training.png", frames=frames)
    assert asked == [(12, COMPONENTS)] * 6
    assert (tmp_path / "training.png").stat().st_size > 10_000
