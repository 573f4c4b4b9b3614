"""Adversarial training of a model whose latents move in time: gradients, threads, resuming."""

from __future__ import annotations

import numpy as np
import pytest

from gan import critic_bodies as bodies
from gan.critic import Critic
from gan.losses import HINGE, LEAST_SQUARES, NON_SATURATING, WASSERSTEIN
from gan.penalties import r1, wgan_gp
from gan.plots import plot_training
from gan.sequence_losses import SequenceAdversarialLosses
from gan.trainer import GANOptions, GANTrainer
from neural_networks.components.parameters import pack
from neural_networks.vae.sequence_vae import SequenceVAE

COMPONENTS = 5
SCALES = np.array([2.0, 1.5, 1.0, 0.7, 0.4])


class ToySongs:
    """Songs of a phase and a speed that are drawn anew around those of their number."""

    def __init__(self, steps: int = 12, count: int = 20, dtype: type = np.float32) -> None:
        self._steps, self._count, self._dtype = steps, count, dtype

    def __len__(self) -> int:
        return self._count

    def draw(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        phase = indices + 0.3 * rng.standard_normal(len(indices))
        time = np.arange(self._steps)[:, None, None]
        waves = np.sin(phase[:, None] * np.arange(1, COMPONENTS + 1) + 0.7 * time)
        return np.ascontiguousarray(waves * SCALES, self._dtype)


def trainer(
    dtype: type = np.float32,
    *,
    body: bodies.Body = bodies.convolutional,
    threads: int = 1,
    steps: int = 12,
    **options,
) -> GANTrainer:
    rng = np.random.default_rng(1)
    sizes = {"latent_size": 2, "song_size": 3, "hidden": 7, "prior_hidden": 6, "embedding": 5}
    vae = SequenceVAE(COMPONENTS, scales=SCALES, encoder_hidden=4, rng=rng, **sizes)
    critic = Critic(COMPONENTS, 6, body=body, centre=0.0, scale=1 / SCALES, rng=rng)
    given = {"batch_size": 6, "reconstructed": 0.0, "gaussian": 0.4, "halfway": 0.2, **options}
    return GANTrainer(
        pack(vae, dtype),
        pack(critic, dtype),
        ToySongs(steps, dtype=dtype),
        losses=SequenceAdversarialLosses,
        options=GANOptions(**given),
        threads=threads,
        seed=3,
    )


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
