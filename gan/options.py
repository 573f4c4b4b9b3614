"""The options of an adversarial training, and the log entry of each of its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gan.losses import HINGE, AdversarialLoss
from gan.penalties import Penalty


@dataclass(frozen=True)
class GANOptions:
    """Options of an adversarial training.

    Attributes:
        reconstructed: share of the generated songs that have the z of S0.
        gaussian: share drawn from a Gaussian of full covariance.
        halfway: share half-way between two encoded songs; the rest are mixes of encoded songs.
        reconstruction_weight: lambda, of the VAE's own loss.
        adversarial_weight: of the critic's score; rises from 0 during `warm_up`, when the critic
            has learned little. With 0 a generator of sequences stands still.
        warm_up: in steps.
        kl_weight: beta, of the KL divergence in nats beside the mean squared error.
        instance_noise: standard deviation, in units of the critic's scaled input.
        generator_rate: learning rate.
        critic_rate: learning rate.
        averaging: decay of the generator's weight average.
        batch_size: songs a step.
        loss: of critic and generator.
        penalty: on the critic's slope, such as `penalties.r1` or `partial(penalties.wgan_gp,
            weight=1.0)`; None for none.

    Raises:
        ValueError: if a share is negative, or the shares sum to more than 1.
    """

    reconstructed: float = 0.25
    gaussian: float = 0.375
    halfway: float = 0.0
    reconstruction_weight: float = 2000.0
    adversarial_weight: float = 0.3
    warm_up: int = 20
    kl_weight: float = 1e-7
    instance_noise: float = 0.1
    generator_rate: float = 3e-4
    critic_rate: float = 6e-4
    averaging: float = 0.995
    batch_size: int = 16
    loss: AdversarialLoss = HINGE
    penalty: Penalty | None = None

    def __post_init__(self) -> None:
        shares = (self.reconstructed, self.gaussian, self.halfway)
        if min(shares) < 0 or sum(shares) > 1 + 1e-9:
            given = ", ".join(map(str, shares))
            raise ValueError(
                "the shares of generated songs must not be negative and must sum to at most 1, "
                f"not {given}"
            )


class Log(NamedTuple):
    """What happened in a step.

    Attributes:
        step: counted from 1.
        critic_loss: hinge or another loss, with its penalty.
        real_score: mean over the real songs.
        fake_score: mean over the generated songs.
        reconstruction: mean squared error.
        kl: nats a song.
        critic_norm: of the gradient.
        generator_norm: of the gradient.
        diversity: spread of the generated songs over that of the real ones.
    """

    step: int
    critic_loss: float
    real_score: float
    fake_score: float
    reconstruction: float
    kl: float
    critic_norm: float
    generator_norm: float
    diversity: float
