"""The training of a model whose songs are single points of latent space: see recipes.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan.critic_bodies import BODIES
from gan.trainer import GANTrainer
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.parallel.communicator import Communicator
from neural_networks.training.streams import Stream
from neural_networks.training.trainer import Trainer
from neural_networks.vae.calibration import Calibration
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.station import PointModel, Station
from radio.training.dataset import TrainingSongs
from radio.training.plan import TrainingOptions
from radio.training.recipes import (
    BATCH_SIZE,
    PIECE,
    QUICK,
    THOROUGH,
    calibrate,
    encode_songs,
    explained_variance,
    gan_trainer,
    new_vae,
    vae_trainer,
)
from radio.training.resume import Checkpoints, States

HIDDEN = 128  # of the critic
PREVIEWED = 16  # songs


class PointTraining:
    """See ModelTraining.

    Args:
        songs: to train on.
        options: asked for.
        communicator: processes that train together.
    """

    batch = BATCH_SIZE

    def __init__(
        self, songs: TrainingSongs, options: TrainingOptions, communicator: Communicator
    ) -> None:
        self.songs, self.options, self.communicator = songs, options, communicator
        self.recipe = THOROUGH if options.thorough else QUICK
        self.gan_steps, self.gan_minutes = self.recipe.gan_steps, self.recipe.gan_minutes
        self._found: Calibration | None = None
        self._vae: FlatParameters
        self._critic: FlatParameters

    @property
    def examples(self) -> int:
        """The number of songs."""
        return len(self.songs.steps)

    @property
    def model(self) -> PointModel:
        """The model as it is now."""
        return PointModel(self._network)

    @property
    def _network(self) -> RecurrentVAE:
        return self._vae.module  # type: ignore[return-value]

    def fingerprint(self) -> str:
        """Return a short text that is the same for the same songs."""
        return self.songs.fingerprint()

    def begin(self, checkpoint: Checkpoints | None) -> None:
        """Make new models; the calibration is the checkpoint's."""
        rng = np.random.default_rng((self.options.seed, Stream.WEIGHTS))
        self._vae = new_vae(beats=self.options.beats, rng=rng)
        body = BODIES[self.options.critic]
        self._critic = pack(self.model.new_critic(hidden=HIDDEN, body=body, rng=rng))
        if checkpoint is not None:
            self._found = checkpoint.load("finish/", Calibration)

    def beside(self) -> States:
        """Return the calibration, once there is one."""
        calibration = self._network.decoder.calibration
        return {} if calibration is None else {"finish/": calibration.arrays()}

    def vae_trainer(self, steps: int, batch: int) -> Trainer:
        """Return the trainer of the VAE."""
        return vae_trainer(self._vae, self.songs, steps=steps, **self._shared(batch))

    def between(self) -> None:
        """Calibrate the decoder for the critic, from the checkpoint or by measuring it."""
        self._network.decoder.calibration = self._found
        if self._found is None:
            calibrate(self._network, self.songs, seed=self.options.seed, drawn=False)

    def gan_trainer(self, steps: int | None, batch: int) -> GANTrainer:
        """Return the trainer of the decoder and the critic."""
        return gan_trainer(self._vae, self._critic, self.songs, steps=steps, **self._shared(batch))

    def after(self) -> None:
        """Calibrate the decoder."""
        calibrate(self._network, self.songs, seed=self.options.seed, drawn=self.recipe.drawn)

    def station(self, name: str, details: dict[str, Any]) -> Station:
        """Return the trained station of all songs."""
        return self._station(name, slice(None), {"songs": self.songs.names, **details})

    def preview(self) -> Station:
        """Return a station of a few songs."""
        chosen = slice(None, None, -(-self.examples // PREVIEWED))
        return self._station("sample", chosen, {})

    def _station(self, name: str, chosen: slice, details: dict[str, Any]) -> Station:
        steps = self.songs.steps[chosen]
        statistics, errors = encode_songs(self._network, steps)
        means, log_variances = np.split(statistics, 2, axis=1)
        return Station(
            name=name,
            grid=self.songs.grid,
            beats=self.options.beats,
            model=self.model,
            critic=self._critic.module,  # type: ignore[arg-type]
            means=means,
            log_variances=log_variances,
            coordinates=self.songs.coordinates[chosen],
            details={**details, "explained_variance": explained_variance(errors, steps)},
        )

    def _shared(self, batch: int) -> dict[str, Any]:
        return {
            "seed": self.options.seed,
            "threads": self.options.threads,
            "batch": batch,
            "pieces": max(2, -(-batch // PIECE)),
            "recipe": self.recipe,
            "communicator": self.communicator,
        }
