"""The training of a station's model on some music, as train.py goes through it.

    begin(checkpoint)                    new networks, with what else the checkpoint holds
    vae_trainer(steps, batch) -> Trainer
    read_on()  take_all_music(stop)      of a large library, which is begun with a part of it
    between()
    gan_trainer(steps, batch) -> GANTrainer
    after()
    station(name, details) -> Station

What both trainers do: sequence_recipe.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from audio_parsing.components import LappedComponents
from gan.critic_bodies import BODIES
from gan.trainer import GANTrainer
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.parallel.communicator import Communicator, share_arrays
from neural_networks.training.streams import Stream
from neural_networks.training.trainer import Trainer
from neural_networks.vae.sequence_vae import SequenceVAE
from radio.station import SequenceModel, Station, forms_of
from radio.training.component_excerpts import ComponentExcerpts, SequenceRecipe
from radio.training.music_reading import MusicReading
from radio.training.plan import TrainingOptions
from radio.training.recordings import Recordings
from radio.training.resume import Checkpoints, States
from radio.training.sequence_recipe import (
    GAN,
    GAN_SHARE,
    MOST_ENCODED,
    SECTIONS,
    SECTIONS_ON_BEATS,
    by_steps,
    calibrate,
    encode_music,
    gan_trainer,
    new_vae,
    remember,
    vae_trainer,
)

HIDDEN = 128  # of the critic
PREVIEWED = 32  # excerpts


class SequenceTraining:
    """The training of a model whose latents move in time.

    Args:
        recordings: to train on.
        options: asked for.
        communicator: processes that train together.
        recipe: of the VAE.
        reading: that gave the recordings and may have more; None if there are no more.

    Attributes:
        has_all_music: whether all music is there that is to be learned.
        batch: excerpts a step of each process, if nothing else is asked for.
        gan_steps: steps of the critic, relative to the VAE's, if steps are asked for.
        gan_minutes: share of the time for the critic, if minutes are asked for.
    """

    gan_steps = gan_minutes = GAN_SHARE

    def __init__(
        self,
        recordings: Recordings,
        options: TrainingOptions,
        communicator: Communicator,
        recipe: SequenceRecipe,
        reading: MusicReading | None = None,
    ) -> None:
        self.recordings, self.options, self.communicator = recordings, options, communicator
        self.recipe, self.batch = recipe, recipe.batch
        self._reading = reading
        self.has_all_music = reading is None or reading.over
        self._restored: LappedComponents | None = None
        self._songs: ComponentExcerpts | None = None
        self._calibration: np.ndarray | None = None
        self._vae: FlatParameters
        self._critic: FlatParameters

    @property
    def songs(self) -> ComponentExcerpts:
        """The excerpts; their components are measured when they are first needed."""
        if self._songs is None:
            arrays: dict[str, np.ndarray] = {}
            if self.communicator.rank == 0:
                measured = ComponentExcerpts.of(
                    self.recordings.frames, self.recipe, seed=self.options.seed
                )
                arrays = measured.wide.arrays()
            self._songs = self._excerpts(
                LappedComponents(**share_arrays(self.communicator, arrays))
            )
        return self._songs

    @property
    def examples(self) -> int:
        """The number of excerpts."""
        return len(self.songs)

    @property
    def model(self) -> SequenceModel:
        """The model as it is now."""
        return SequenceModel(self._network, self._restored or self.songs.components)

    @property
    def _network(self) -> SequenceVAE:
        return self._vae.module  # type: ignore[return-value]

    def fingerprint(self) -> str:
        """Return a short text that is the same for the same recordings.

        NOTE: while there are more to be read, these count by the names of their files.
        """
        more = "" if self._reading is None or self.has_all_music else self._reading.order()
        return self.recordings.fingerprint() + more

    def begin(self, checkpoint: Checkpoints | None) -> None:
        """Make new models; components and calibration are the checkpoint's.

        Raises:
            StationError: if those can't be read.
        """
        if checkpoint is not None:
            found = checkpoint.load("components/", LappedComponents)
            if found is not None:
                self._songs = self._excerpts(found)
            self._calibration = checkpoint.load("calibration/", self._checked)
        rng = np.random.default_rng((self.options.seed, Stream.WEIGHTS))
        self._vae = new_vae(self.songs, rng=rng)
        body = BODIES[self.options.critic]
        self._critic = pack(self.model.new_critic(hidden=HIDDEN, body=body, rng=rng))

    def read_on(self) -> None:
        """Read the rest of the music while the training goes on."""
        if self._reading is not None:
            self._reading.read_on()

    def take_all_music(self, should_stop: Callable[[], bool]) -> bool:
        """Wait for the rest of the music and learn from all of it; return False if stopped.

        Args:
            should_stop: asked again and again.
        """
        if self._reading is not None and not self.has_all_music:
            if not self._reading.wait(should_stop):
                return False
            self.recordings, self.has_all_music = self._reading.recordings(), True
            self.songs.take(self.recordings.frames, self.recordings.encoded)
        return True

    def stop_reading(self) -> None:
        """Read nothing more."""
        if self._reading is not None:
            self._reading.stop()

    def beside(self) -> States:
        """Return the components, and the calibration once there is one."""
        states = {"components/": self.songs.wide.arrays()}
        if self._calibration is not None:
            states["calibration/"] = {"ratios": self._calibration}
        return states

    def vae_trainer(self, steps: int, batch: int) -> Trainer:
        """Return the trainer of the VAE."""
        return vae_trainer(self._vae, self.songs, by_steps(steps), batch=batch, **self._shared())

    def between(self) -> None:
        """Calibrate new songs for the critic, from the checkpoint or by measuring it."""
        if self._calibration is None:
            self.after()
            self._calibration = self._network.generator.calibration
        self._network.generator.calibration = self._calibration

    def gan_trainer(self, steps: int | None, batch: int) -> GANTrainer:
        """Return the trainer of the generator and the critic."""
        options = replace(GAN, batch_size=batch, kl_weight=self.recipe.beta)
        return gan_trainer(
            self._vae, self._critic, self.songs, options=options, steps=steps, **self._shared()
        )

    def after(self) -> None:
        """Calibrate new songs, and measure what the network's steps lack."""
        options = self.options
        self._restored = calibrate(
            self._network, self.songs, latent=options.latent or "gaussian", seed=options.seed
        )

    def station(self, name: str, details: dict[str, Any]) -> Station:
        """Return the trained station."""
        return self._station(name, MOST_ENCODED, details)

    def preview(self) -> Station:
        """Return a station of a few excerpts."""
        return self._station("sample", PREVIEWED, {})

    def _station(self, name: str, most: int, details: dict[str, Any]) -> Station:
        encoded = encode_music(self._network, self.songs, seed=self.options.seed, most=most)
        sections = SECTIONS_ON_BEATS if self.recordings.grid == "beat" else SECTIONS
        forms, own = forms_of(self.recordings.frames[: self.recordings.encoded], sections)
        learned = remember(self._network, self.songs, own, seed=self.options.seed)
        places = [
            (int(recording), int(start))
            for drawn in encoded.excerpts
            for recording, start in zip(drawn.recordings, drawn.starts, strict=True)
        ]
        figures = encoded.details
        explained = {"explained_variance": figures["variance_held"] * figures["explained"]}
        return Station(
            name=name,
            grid=self.recordings.grid,
            beats=self.options.beats,
            model=replace(self.model, learned=learned, forms=forms),
            critic=self._critic.module,  # type: ignore[arg-type]
            means=encoded.means,
            log_variances=encoded.log_variances,
            coordinates=self.recordings.coordinates[[recording for recording, _ in places]],
            details={
                "songs": [self.recordings.excerpt_name(*place) for place in places],
                **details,
                **explained,
                **figures,
            },
        )

    def _checked(self, ratios: np.ndarray) -> np.ndarray:
        """Return a checkpoint's calibration (K,)."""
        if ratios.shape != (self.songs.components.count,) or not (ratios > 0).all():
            raise ValueError("its calibration is none of these components")
        return ratios

    def _excerpts(self, wide: LappedComponents) -> ComponentExcerpts:
        """Return the excerpts in these components.

        Raises:
            ValueError: if they are fewer than the recipe's.
        """
        if wide.count < self.recipe.components:
            raise ValueError(f"there are {wide.count} components, not {self.recipe.components}")
        music = self.recordings
        return ComponentExcerpts(music.frames, wide, self.recipe, music.encoded)

    def _shared(self) -> dict[str, Any]:
        return {
            "seed": self.options.seed,
            "threads": self.options.threads,
            "communicator": self.communicator,
        }
