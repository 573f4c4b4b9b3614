"""What may be chosen of an adversarial training, and what it tells of every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gan.losses import HINGE, AdversarialLoss
from gan.penalties import Penalty


@dataclass(frozen=True)
class GANOptions:
    """What may be chosen.

    Attributes:
        reconstructed: share of the generated songs that are reconstructions of S0.
        gaussian: share that comes from a Gaussian of full covariance.
        halfway: share that lies half-way between two encoded songs; the rest are mixes of encoded
            songs.
        reconstruction_weight: of mean squared error and KL.
        smoothness: of the error's roughness from row to row, beside the mean squared error.
        rows: that a step holds.
        adversarial_weight: of the critic's score; rises from 0 in `warm_up` steps, while the critic
            learns its first notions.
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
        ValueError: if a share is negative, or all of them are more than 1 together.
    """

    reconstructed: float = 0.25
    gaussian: float = 0.375
    halfway: float = 0.0
    reconstruction_weight: float = 300.0
    smoothness: float = 0.0
    rows: int = 1
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
            raise ValueError(
                f"the shares of generated songs must be positive and at most 1 together, not {', '.join(map(str, shares))}"
            )


class Log(NamedTuple):
    """What happened in a step."""

    step: int
    critic_loss: float
    real_score: float
    fake_score: float
    reconstruction: float  # mean squared error
    kl: float  # nats a song
    critic_norm: float  # of the gradient
    generator_norm: float
    diversity: float  # spread of the generated songs over that of the real ones
