"""A small adversarial training, of songs that are waves."""

from __future__ import annotations

import numpy as np

from gan import critic_bodies as bodies
from gan.critic import Critic
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
    """Return a trainer of such songs."""
    rng = np.random.default_rng(1)
    sizes = {"latent_size": 2, "song_size": 3, "hidden": 7, "prior_hidden": 6, "embedding": 5}
    vae = SequenceVAE(COMPONENTS, scales=SCALES, encoder_hidden=4, rng=rng, **sizes)
    critic = Critic(COMPONENTS, 6, body=body, centre=0.0, scale=1 / SCALES, rng=rng)
    given = {"batch_size": 6, "reconstructed": 0.0, "gaussian": 0.4, "halfway": 0.2, **options}
    return GANTrainer(
        pack(vae, dtype),
        pack(critic, dtype),
        ToySongs(steps, dtype=dtype),
        options=GANOptions(**given),
        threads=threads,
        seed=3,
    )
