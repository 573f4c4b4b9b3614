"""What the training of a station asks of the training of its model.

PointTraining       a song is one point: the starter collection (point_training.py)
SequenceTraining    its latents move in time: recordings (sequence_training.py)

    begin(checkpoint)                    new models, with what else the checkpoint holds
    vae_trainer(steps, batch) -> Trainer
    between()
    gan_trainer(steps, batch) -> GANTrainer
    after()
    station(name, details) -> Station
"""

from __future__ import annotations

from typing import Any, Protocol

from gan.trainer import GANTrainer
from neural_networks.training.trainer import Trainer
from radio.station import SongModel, Station
from radio.training.resume import Checkpoints, States


class ModelTraining(Protocol):
    """The training of a station's model on some songs.

    Attributes:
        batch: songs a step of each process, if nothing else is asked for.
        gan_steps: steps against the critic, relative to the VAE's, if steps are asked for.
        gan_minutes: share of the time against the critic, if minutes are asked for.
    """

    batch: int
    gan_steps: float
    gan_minutes: float

    @property
    def examples(self) -> int:
        """The number of songs."""

    @property
    def model(self) -> SongModel:
        """The model as it is now."""

    def fingerprint(self) -> str:
        """Return a short text that is the same for the same songs."""

    def begin(self, checkpoint: Checkpoints | None) -> None:
        """Make new models; what else a checkpoint holds is taken from it.

        Raises:
            StationError: if that can't be read.
        """

    def beside(self) -> States:
        """Return what a checkpoint holds beside the states of the trainers."""

    def vae_trainer(self, steps: int, batch: int) -> Trainer:
        """Return the trainer of the VAE, with `batch` songs a step of all processes."""

    def between(self) -> None:
        """Do what comes between the two trainings."""

    def gan_trainer(self, steps: int | None, batch: int) -> GANTrainer:
        """Return the trainer of the generator and the critic."""

    def after(self) -> None:
        """Do what comes after both trainings."""

    def station(self, name: str, details: dict[str, Any]) -> Station:
        """Return the trained station, with its figures among the details."""

    def preview(self) -> Station:
        """Return a station of the model as it is now, with a few of its songs; it can play."""
