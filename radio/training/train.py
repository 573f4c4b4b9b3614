"""Train a station: songs -> VAE -> adversarial training of its generator -> station file.

A training can be stopped at any moment and resumes from its last checkpoint. At the start, minutes
are converted into a number of steps by timing steps that are thrown away; from then on the same
songs, seed and steps give the same bytes. The networks and their trainers: sequence_training.py.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from gan.plots import plot_training
from gan.trainer import GANTrainer
from neural_networks.parallel.communicator import ALONE, Communicator, any_of
from neural_networks.training.one_thread import one_blas_thread
from neural_networks.training.trainer import Trainer
from radio.station import STATION_FILE, Station, StationError
from radio.training.music_reading import Music
from radio.training.plan import (
    Plan,
    Report,
    TrainingOptions,
    Watch,
    seconds_a_step,
)
from radio.training.resume import Checkpoints, States
from radio.training.sequence_training import SequenceTraining
from radio.training.songs import model_training
from radio.training.station_lock import station_lock

BEGINNING = 0.25  # of the VAE's steps, before which a large library is not needed whole
SMOOTHING = 0.02  # of the reported loss: a running mean over about 50 steps


def train_station(
    folder: Path,
    music: Music | None = None,
    options: TrainingOptions | None = None,
    *,
    communicator: Communicator = ALONE,
    report: Report = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Watch = lambda station: None,
) -> Station | None:
    """Train a station into a folder, or resume a training that was stopped there.

    Args:
        folder: of the station; its name is the station's.
        music: a folder that is searched for audio, or several files, folders and playlists; the
            starter collection if None.
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
        watch: called after every step with a function that returns a station of the model as it is
            now, with a few of its songs, to be played and not to be changed.

    Returns:
        The station, or None if it was stopped; the same call resumes it.

    Raises:
        StationError: if the folder holds a finished station, or an unfinished one with other
            options.
        AudioError: if there is too little music.
        TrainingDiverged: if a loss or a gradient is not finite.
    """
    options = options or TrainingOptions()
    if communicator.rank == 0 and (folder / STATION_FILE).exists():
        raise StationError(
            f"station {folder.name} is trained already; choose another name, or delete {folder}"
        )
    with one_blas_thread():  # the same bytes on any number of cores, from the first matrix on
        model = model_training(music, options, report, communicator)
        if communicator.rank == 0:
            folder.mkdir(parents=True, exist_ok=True)
        report({"phase": "compile"})
        with station_lock(folder) if communicator.rank == 0 else nullcontext():
            training = _Training(folder, model, model.options, report, communicator)
            try:
                return training.run(lambda: any_of(communicator, should_stop()), watch)
            finally:
                model.stop_reading()


class _Training:
    """One training, from its first step or its checkpoint to the saved station."""

    def __init__(
        self,
        folder: Path,
        model: SequenceTraining,
        options: TrainingOptions,
        report: Report,
        communicator: Communicator,
    ) -> None:
        self.folder, self.model, self.options = folder, model, options
        self.report, self.communicator = report, communicator
        self.plan = Plan.of(
            options, model.fingerprint(), batch=model.batch, processes=communicator.size
        )
        self.checkpoints = Checkpoints(folder, self.plan, self._new_plan, report, communicator)
        self.plan = self.checkpoints.plan
        model.begin(self.checkpoints)

    def run(self, should_stop: Callable[[], bool], watch: Watch) -> Station | None:
        """Make the remaining steps and save the station; return None if stopped."""
        trainer = self.model.vae_trainer(self.plan.vae_steps, self.plan.batch)
        if self.checkpoints.arrays:
            self.checkpoints.restore(trainer, "vae/")
        if not self._train_vae(trainer, should_stop, watch):
            return None
        self.model.between()
        gan = self.model.gan_trainer(self.plan.gan_steps, self.plan.batch)
        if any(name.startswith("gan/") for name in self.checkpoints.arrays):
            self.checkpoints.restore(gan, "gan/")

        def states() -> States:
            return {"vae/": trainer.state(), "gan/": gan.state(), **self.model.beside()}

        if not self._train_gan(gan, states, should_stop, watch):
            return None
        gan.use_average()
        self.model.after()
        return self._save()

    def _new_plan(self) -> Plan:
        """Return the plan for the steps or minutes asked for; minutes are timed on new models."""
        model = self.model
        if self.plan.steps is not None:
            return self.plan.with_steps(self.plan.steps, share=model.gan_steps)
        model.begin(None)
        trainer = model.vae_trainer(10_000, self.plan.batch)
        vae_step = seconds_a_step(lambda: trainer.step(model.examples))
        gan_step = seconds_a_step(model.gan_trainer(None, self.plan.batch).step)
        assert self.plan.minutes is not None  # options are complete
        plan = self.plan.with_seconds(
            60 * self.plan.minutes, share=model.gan_minutes, vae_step=vae_step, gan_step=gan_step
        )
        note = f"{plan.vae_steps} steps of the VAE, then {plan.gan_steps} against the critic"
        self.report({"phase": "vae", "note": note})
        return plan

    def _train_vae(self, trainer: Trainer, should_stop: Callable[[], bool], watch: Watch) -> bool:
        """Train the VAE; return False if stopped.

        NOTE: after an exception no checkpoint is saved, here and in `_train_gan`: a step may be
        half made. The last checkpoint stays.
        """
        smooth, model, plan, before = _Smooth(), self.model, self.plan, trainer.steps

        def progress(done: int, of: int, loss: float) -> None:
            self.report({"phase": "vae", "done": done, "of": plan.vae_steps, "loss": smooth(loss)})
            watch(model.preview)
            self.checkpoints.save_if_due(states)

        def states() -> States:
            return {"vae/": trainer.state(), **model.beside()}

        def advance(steps: int) -> None:
            trainer.run(model.examples, steps, progress=progress, should_stop=should_stop)

        beginning = int(BEGINNING * plan.vae_steps)
        if before < beginning:
            model.read_on()
            advance(beginning)
        if trainer.steps >= beginning and model.take_all_music(should_stop):
            advance(plan.vae_steps)
        complete = trainer.steps >= plan.vae_steps
        if before < plan.vae_steps:
            self.checkpoints.save(states(), must=not complete)
        return complete and model.has_all_music

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
            # A critic that teaches nobody may be as certain as it is.
            for alarm in gan.alarms() if gan.options.adversarial_weight else []:
                if alarm.kind not in alarms:  # once, whatever its figures
                    alarms.add(alarm.kind)
                    self.report({"phase": "gan", "note": alarm.text})
            watch(self.model.preview)
            if self.checkpoints.save_if_due(states):
                self._draw(gan)

        gan.run(self.plan.gan_steps, progress=progress, should_stop=should_stop)
        complete = gan.steps >= self.plan.gan_steps
        self.checkpoints.save(states(), must=not complete)
        self._draw(gan)
        return complete

    def _draw(self, gan: GANTrainer) -> None:
        if self.options.plot is not None and gan.log:
            to_frames = self.model.model.to_frames
            plot_training(gan, self.options.plot, frames=lambda song: to_frames(song[:, None])[0])

    def _save(self) -> Station:
        self.report({"phase": "save"})
        details = {
            "seed": self.plan.seed,
            "vae_steps": self.plan.vae_steps,
            "gan_steps": self.plan.gan_steps,
            "latent": self.plan.latent,
        }
        station = self.model.station(self.folder.name, details)
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
