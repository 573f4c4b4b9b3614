"""Train a station: songs -> recurrent VAE -> adversarial training of its decoder -> station file.

A training can be stopped at any moment and resumes from its last checkpoint. At the start, minutes
are converted into a number of steps by timing steps that are thrown away; from then on the same
songs, seed and steps give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from gan.critic import Critic
from gan.critic_bodies import BODIES
from gan.plots import plot_training
from gan.trainer import GANTrainer
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.parallel.communicator import ALONE, Communicator, any_of
from neural_networks.training.streams import Stream
from neural_networks.training.trainer import Trainer
from neural_networks.vae.calibration import Calibration
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.station import STATION_FILE, PointModel, Station, StationError, steps as song_data
from radio.training.dataset import TrainingSongs
from radio.training.plan import (
    DEFAULT_MINUTES,
    Plan,
    Report,
    TrainingOptions,
    Watch,
    seconds_a_step,
)
from radio.training.recipes import (
    calibrate,
    encode_songs,
    explained_variance,
    gan_trainer,
    new_vae,
    vae_trainer,
)
from radio.training.resume import Checkpoints, States
from radio.training.songs import training_songs
from radio.training.station_lock import station_lock

SMOOTHING = 0.02  # of the reported loss: a running mean over about 50 steps


def train_station(
    folder: Path,
    music: Path | None = None,
    options: TrainingOptions | None = None,
    *,
    communicator: Communicator = ALONE,
    report: Report = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Watch = lambda vae, songs: None,
) -> Station | None:
    """Train a station into a folder, or resume a training that was stopped there.

    Args:
        folder: of the station; its name is the station's.
        music: folder searched for audio; the starter collection if None.
        options: see TrainingOptions.
        communicator: processes that train together: the music and the mini-batches are shared out,
            the first one saves. All get the same other arguments. Apart from rounding, n of them
            train the same station as one process whose batch is n times as large. Another number of
            processes may resume an unfinished training.
        report: called with an event: a dict with 'phase' ('prepare', 'compile', 'vae', 'gan',
            'save'), and where it applies 'done', 'of', 'loss', 'skip' (a line about a file that
            can't be used) or 'note' (a line for the user).
        should_stop: asked between steps; if true, a checkpoint is saved and None returned. Ctrl-C
            and errors leave the last checkpoint, at most about a minute old.
        watch: called after every step with the current VAE and the songs, which it must not change.

    Returns:
        The station, or None if it was stopped; the same call resumes it.

    Raises:
        StationError: if the folder holds a finished station, or an unfinished one with other
            options.
        AudioError: if the folder holds too little music.
        TrainingDiverged: if a loss or a gradient is not finite.
    """
    options = options or TrainingOptions()
    if communicator.rank == 0 and (folder / STATION_FILE).exists():
        raise StationError(
            f"station {folder.name} is trained already; choose another name, or delete {folder}"
        )
    songs = training_songs(music, options, report, communicator)
    if communicator.rank == 0:
        folder.mkdir(parents=True, exist_ok=True)
    report({"phase": "compile"})
    with station_lock(folder) if communicator.rank == 0 else nullcontext():
        training = _Training(folder, songs, options, report, communicator)
        return training.run(lambda: any_of(communicator, should_stop()), watch)


class _Training:
    """One training, from its first step or its checkpoint to the saved station."""

    def __init__(
        self,
        folder: Path,
        songs: TrainingSongs,
        options: TrainingOptions,
        report: Report,
        communicator: Communicator,
    ) -> None:
        self.folder, self.songs, self.options = folder, songs, options
        self.report, self.communicator = report, communicator
        self.plan = Plan.of(options, songs, processes=communicator.size)
        self.checkpoints = Checkpoints(folder, self.plan, self._new_plan, report, communicator)
        self.plan = self.checkpoints.plan
        self.vae, self.critic = self._new_models()

    def run(self, should_stop: Callable[[], bool], watch: Watch) -> Station | None:
        """Make the remaining steps and save the station; return None if stopped."""
        trainer = vae_trainer(self.vae, self.songs, steps=self.plan.vae_steps, **self._shared())
        if self.checkpoints.arrays:
            self.checkpoints.restore(trainer, "vae/")
        if trainer.steps < self.plan.vae_steps and not self._train_vae(trainer, should_stop, watch):
            return None
        calibration = self._calibrate()
        gan = gan_trainer(
            self.vae, self.critic, self.songs, steps=self.plan.gan_steps, **self._shared()
        )
        if any(name.startswith("gan/") for name in self.checkpoints.arrays):
            self.checkpoints.restore(gan, "gan/")

        def states() -> States:
            return {"vae/": trainer.state(), "gan/": gan.state(), "finish/": calibration.arrays()}

        if not self._train_gan(gan, states, should_stop, watch):
            return None
        gan.use_average()
        calibrate(self.network, self.songs, seed=self.plan.seed, drawn=self.plan.recipe.drawn)
        return self._save()

    @property
    def network(self) -> RecurrentVAE:
        """The VAE itself."""
        return self.vae.module  # type: ignore[return-value]

    def _shared(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "seed": plan.seed,
            "threads": self.options.threads,
            "batch": plan.batch,
            "pieces": plan.pieces,
            "recipe": plan.recipe,
            "communicator": self.communicator,
        }

    def _new_models(self) -> tuple[FlatParameters, FlatParameters]:
        rng = np.random.default_rng((self.plan.seed, Stream.WEIGHTS))
        vae = new_vae(beats=self.plan.beats, rng=rng)
        return vae, pack(Critic(song_data.STEP_SIZE, body=BODIES[self.plan.critic], rng=rng))

    def _new_plan(self) -> Plan:
        """Return the plan for the steps or minutes asked for; minutes are timed on new models."""
        if self.plan.steps is not None:
            return self.plan.with_steps(self.plan.steps)
        vae, critic = self._new_models()
        trainer = vae_trainer(vae, self.songs, steps=10_000, **self._shared())
        vae_step = seconds_a_step(lambda: trainer.step(len(self.songs.steps)))
        gan = gan_trainer(vae, critic, self.songs, **self._shared())
        gan_step = seconds_a_step(gan.step)
        minutes = DEFAULT_MINUTES if self.plan.minutes is None else self.plan.minutes
        plan = self.plan.with_seconds(60 * minutes, vae_step=vae_step, gan_step=gan_step)
        note = f"{plan.vae_steps} steps of the VAE, then {plan.gan_steps} against the critic"
        self.report({"phase": "vae", "note": note})
        return plan

    def _calibrate(self) -> Calibration:
        """Calibrate the decoder for the critic, from the checkpoint or by measuring it."""
        self.network.decoder.calibration = self.checkpoints.calibration()
        if self.network.decoder.calibration is None:
            calibrate(self.network, self.songs, seed=self.plan.seed, drawn=False)
        assert self.network.decoder.calibration is not None
        return self.network.decoder.calibration

    def _train_vae(self, trainer: Trainer, should_stop: Callable[[], bool], watch: Watch) -> bool:
        """Train the VAE; return False if stopped.

        NOTE: after an exception no checkpoint is saved, here and in `_train_gan`: a step may be
        half made. The last checkpoint stays.
        """
        smooth = _Smooth()

        def progress(done: int, of: int, loss: float) -> None:
            self.report({"phase": "vae", "done": done, "of": of, "loss": smooth(loss)})
            watch(self.network, self.songs)
            self.checkpoints.save_if_due(lambda: {"vae/": trainer.state()})

        trainer.run(
            len(self.songs.steps), self.plan.vae_steps, progress=progress, should_stop=should_stop
        )
        complete = trainer.steps >= self.plan.vae_steps
        self.checkpoints.save({"vae/": trainer.state()}, must=not complete)
        return complete

    def _train_gan(
        self,
        gan: GANTrainer,
        states: Callable[[], States],
        should_stop: Callable[[], bool],
        watch: Watch,
    ) -> bool:
        """Train generator and critic; return False if stopped."""
        smooth, alarms = _Smooth(), set[str]()

        def progress(done: int, of: int, log: Any) -> None:
            self.report({"phase": "gan", "done": done, "of": of, "loss": smooth(log.critic_loss)})
            for alarm in gan.alarms():
                if alarm.kind not in alarms:  # once, whatever its figures
                    alarms.add(alarm.kind)
                    self.report({"phase": "gan", "note": alarm.text})
            watch(self.network, self.songs)
            if self.checkpoints.save_if_due(states):
                self._draw(gan)

        gan.run(self.plan.gan_steps, progress=progress, should_stop=should_stop)
        complete = gan.steps >= self.plan.gan_steps
        self.checkpoints.save(states(), must=not complete)
        self._draw(gan)
        return complete

    def _draw(self, gan: GANTrainer) -> None:
        if self.options.plot is not None and gan.log:
            bands = song_data.STEP_SIZE // song_data.FRAMES_PER_STEP
            plot_training(gan, self.options.plot, bands=bands)

    def _save(self) -> Station:
        self.report({"phase": "save"})
        statistics, errors = encode_songs(self.network, self.songs.steps)
        means, log_variances = np.split(statistics, 2, axis=1)
        details = {
            "songs": self.songs.names,
            "seed": self.plan.seed,
            "vae_steps": self.plan.vae_steps,
            "gan_steps": self.plan.gan_steps,
            "latent": self.plan.latent,
            "thorough": self.plan.thorough,
            "explained_variance": explained_variance(errors, self.songs.steps),
        }
        station = Station(
            name=self.folder.name,
            grid=self.songs.grid,
            beats=self.plan.beats,
            model=PointModel(self.network),
            critic=self.critic.module,  # type: ignore[arg-type]
            means=means,
            log_variances=log_variances,
            coordinates=self.songs.coordinates,
            details=details,
        )
        if self.communicator.rank == 0:
            station.save(self.folder)
            self.checkpoints.remove()
        return station


class _Smooth:
    """A running mean of the loss, which starts at the first value."""

    def __init__(self) -> None:
        self.value: float | None = None

    def __call__(self, value: float) -> float:
        self.value = value if self.value is None else self.value + SMOOTHING * (value - self.value)
        return self.value
