"""The sizes of the networks that sequence_beside.py times, and the weights of their losses."""

from __future__ import annotations

from typing import NamedTuple


class Sizes(NamedTuple):
    """Sizes of a station's networks."""

    components: int = 128  # K
    values: int = 1212  # N
    encoder: int = 128  # of each direction
    decoder: int = 256
    prior: int = 256
    latent: int = 32  # D
    song: int = 32  # Z
    embedding: int = 64  # E
    critic: int = 128


BETA = 0.01  # of the VAE alone
WEIGHT, GAN_BETA, GAN_RECONSTRUCTION = 0.3, 1e-7, 2000.0  # beside a critic
SLOPE = 0.2  # of the critic's leaky ReLU
