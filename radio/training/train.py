"""Train a station: songs -> recurrent VAE -> its decoder as generator against a critic -> a station on disk.

The work can be stopped at any moment and goes on where its last checkpoint was. Minutes are turned
into a number of steps at the start, by timing steps that are thrown away; from there on the same
songs, seed and steps give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from audio_parsing.starter import fresh_song, starter_songs
from gan.critic import Critic
from gan.critic_bodies import BODIES
from gan.latent import DEFAULT_KIND, KINDS, Kind
from gan.plots import plot_training
from gan.trainer import GANTrainer
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.parallel.communicator import (
    ALONE,
    Communicator,
    any_of,
    same_everywhere,
    share_arrays,
)
from neural_networks.training.checkpoint import CheckpointError, join, part
from neural_networks.training.trainer import Trainer
from neural_networks.vae.calibration import Finish
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.station import steps as song_data
from radio.station.station import STATION_FILE, TRAINING_FILE, Station, StationError
from radio.training.checkpoint import TrainingCheckpoint
from radio.training.dataset import TrainingSongs, prepare_starter_songs
from radio.training.music_cache import prepared_music
from radio.training.music_folder import prepare_folder
from radio.training.recipes import (
    BATCH_SIZE,
    PIECE,
    QUICK,
    THOROUGH,
    Recipe,
    encode_songs,
    gan_trainer,
    measure_finish,
    new_vae,
    vae_trainer,
)
from radio.training.station_lock import only_one

TIMED_STEPS = 12
CHECKPOINT_SECONDS = 60.0
DEFAULT_MINUTES = 10.0

Report = Callable[[dict[str, Any]], None]
Watch = Callable[[RecurrentVAE, TrainingSongs], None]


@dataclass(frozen=True)
class Plan:
    """What a training was asked for; a checkpoint is only continued under the same plan.

    Attributes:
        songs: fingerprint of the training songs.
        beats: length of a song.
        seed: of weights, order and noise.
        minutes: asked for, or None.
        steps: asked for, or None.
        vae_steps: of the VAE, made of what was asked for.
        gan_steps: of generator and critic, likewise.
        batch: songs a step, of all processes together. A training keeps to it, however many
            processes go on with it.
        critic: name of its body.
        latent: name of the distribution that the station's songs are drawn from.
        thorough: by the recipe for long trainings.
    """

    songs: str
    beats: int
    seed: int
    minutes: float | None
    steps: int | None
    vae_steps: int = 0
    gan_steps: int = 0
    batch: int = BATCH_SIZE
    critic: str = "convolutional"
    latent: str = DEFAULT_KIND
    thorough: bool = False

    @property
    def recipe(self) -> Recipe:
        """What is chosen of the two trainings."""
        return THOROUGH if self.thorough else QUICK

    @property
    def pieces(self) -> int:
        """Into how many pieces a mini-batch is cut."""
        return max(2, -(-self.batch // PIECE))


def train_station(
    folder: Path,
    music: Path | None = None,
    *,
    beats: int = 64,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    fresh: int = 0,
    threads: int | None = None,
    batch: int = BATCH_SIZE,
    communicator: Communicator = ALONE,
    critic: str = "convolutional",
    latent: Kind = DEFAULT_KIND,
    thorough: bool = False,
    prepared: Path | None = None,
    plot: Path | None = None,
    report: Report = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Watch = lambda vae, songs: None,
) -> Station | None:
    """Train a station into a folder, or go on with a training that was stopped there.

    Args:
        folder: of the station; its name is the station's.
        music: searched for audio; the starter collection if None.
        beats: length of a song; on an absolute grid a beat is 24 frames of 20 ms.
        minutes: how long to train, the preparation of the music not counted; 10 if neither is
            given.
        steps: of the VAE, instead of minutes.
        seed: of all random numbers.
        fresh: how many new arrangements of its tunes are learned beside the starter collection's
            songs.
        threads: 1 or 2; the result is the same.
        batch: songs a step of each process.
        communicator: processes that train together: the music and the mini-batches are shared out,
            the first one saves. All are given the same of everything else. With n of them the
            station is that of one process whose batch is n times as large, but for rounding. An
            unfinished training can be gone on with by another number of processes.
        critic: 'convolutional', 'recurrent' or 'mixed'; see gan/critic_bodies.py.
        latent: the distribution that the station's songs are drawn from; see gan/latent.py.
        thorough: new songs come nearer to real ones, at some cost to what comes back of the learned
            ones; for half an hour and more.
        prepared: a folder where prepared music is kept for the next time; nothing is kept if None.
        plot: a picture of how generator and critic get on, drawn again about every
            CHECKPOINT_SECONDS; none if None.
        report: called with an event: a dict with 'phase' ('prepare', 'compile', 'learn', 'perform',
            'save'), and where it fits 'done', 'of', 'loss', 'skip' (a line on a file that can't be
            used) or 'note' (a line for the user).
        should_stop: asked between steps; a checkpoint is saved before this function returns None.
            Ctrl-C and errors leave the last checkpoint, which is at most about CHECKPOINT_SECONDS
            old.
        watch: called after every step with the VAE as it is then, and with the music; it only
            looks.

    Returns:
        The station, or None if it was stopped; the same call goes on.

    Raises:
        StationError: if the folder holds a finished station, or an unfinished one that was asked
            for differently.
        AudioError: if there is no music in the folder, or too little of it.
        TrainingDiverged: if a loss or a gradient is not finite.
    """
    if minutes is not None and not 0 < minutes < 100_000:
        raise StationError(f"minutes must be a positive number, not {minutes}")
    if steps is not None and steps < 1:
        raise StationError(f"steps must be 1 or more, not {steps}")
    if batch < 1:
        raise StationError(f"batch must be 1 or more, not {batch}")
    if critic not in BODIES:
        raise StationError(f"unknown critic {critic!r}: choose one of {', '.join(BODIES)}")
    if latent not in KINDS:
        raise StationError(
            f"unknown latent distribution {latent!r}: choose one of {', '.join(KINDS)}"
        )
    if communicator.rank == 0 and (folder / STATION_FILE).exists():
        raise StationError(
            f"station {folder.name} is trained already; choose another name, or delete {folder}"
        )
    songs = _songs(music, beats, seed, fresh, prepared, report, communicator)
    if communicator.rank == 0:
        folder.mkdir(parents=True, exist_ok=True)
    report({"phase": "compile"})
    asked = Plan(
        _fingerprint(songs),
        beats,
        seed,
        minutes if steps is None else None,
        steps,
        batch=batch * communicator.size,
        critic=critic,
        latent=latent,
        thorough=thorough,
    )
    with only_one(folder) if communicator.rank == 0 else nullcontext():
        return _Training(
            folder, songs, asked, threads, plot, report, should_stop, communicator, watch
        ).run()


class _Training:
    """One training from its first step, or from its checkpoint, to the saved station."""

    def __init__(
        self,
        folder: Path,
        songs: TrainingSongs,
        asked: Plan,
        threads: int | None,
        plot: Path | None,
        report: Report,
        should_stop: Callable[[], bool],
        communicator: Communicator,
        watch: Watch,
    ) -> None:
        self.folder, self.songs, self.threads, self.plot, self.communicator = (
            folder,
            songs,
            threads,
            plot,
            communicator,
        )
        self.report, self.should_stop = report, lambda: any_of(communicator, should_stop())
        self.watch = watch
        self.checkpoint = TrainingCheckpoint(folder)
        self.arrays, self.plan = self._resumed(asked)
        self.saved = time.monotonic()

    def run(self) -> Station | None:
        """Make the steps that are left, and the station; None if stopped."""
        vae, critic = self._models()
        trainer = vae_trainer(vae, self.songs, steps=self.plan.vae_steps, **self._shared())
        if self.arrays:
            self._restore(trainer, "vae/")
        if trainer.steps < self.plan.vae_steps and not self._learn(trainer, vae.module):  # type: ignore[arg-type]
            return None
        self.finish = self._finish_of(vae.module)  # type: ignore[arg-type]
        performer = gan_trainer(
            vae, critic, self.songs, steps=self.plan.gan_steps, **self._shared()
        )
        if any(name.startswith("gan/") for name in self.arrays):
            self._restore(performer, "gan/")
        if not self._perform(performer, trainer, vae.module):  # type: ignore[arg-type]
            return None
        performer.use_average()
        measure_finish(vae.module, self.songs, seed=self.plan.seed, drawn=self.plan.recipe.drawn)  # type: ignore[arg-type]
        return self._finish(vae, critic)

    def _shared(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "seed": plan.seed,
            "threads": self.threads,
            "batch": plan.batch,
            "pieces": plan.pieces,
            "recipe": plan.recipe,
            "communicator": self.communicator,
        }

    def _models(self) -> tuple[FlatParameters, FlatParameters]:
        rng = np.random.default_rng((self.plan.seed, 0))
        return new_vae(beats=self.plan.beats, rng=rng), pack(
            Critic(song_data.STEP_SIZE, body=BODIES[self.plan.critic], rng=rng)
        )

    def _finish_of(self, vae: RecurrentVAE) -> Finish:
        """Give the VAE the finish that the critic sees: it is measured, or what a checkpoint of a later moment says it was."""
        kept = part(self.arrays, "finish/")
        if kept:
            try:
                vae.decoder.finish = Finish(**kept)
            except (TypeError, ValueError) as error:
                raise self._unreadable(error) from error
        else:
            measure_finish(vae, self.songs, seed=self.plan.seed, drawn=False)
        assert vae.decoder.finish is not None
        return vae.decoder.finish

    def _learn(self, trainer: Trainer, vae: RecurrentVAE) -> bool:
        """Train the VAE; False if stopped.

        NOTE: after an exception no checkpoint is saved, here and in `_perform`: it may have left a
        step half made. The last one stays.
        """
        smooth = _Smooth()

        def progress(done: int, of: int, loss: float) -> None:
            self.report({"phase": "learn", "done": done, "of": of, "loss": smooth(loss)})
            self.watch(vae, self.songs)
            self._checkpoint_if_due(lambda: {"vae/": trainer.state()})

        trainer.run(
            len(self.songs.steps),
            self.plan.vae_steps,
            progress=progress,
            should_stop=self.should_stop,
        )
        whole = trainer.steps >= self.plan.vae_steps
        self._checkpoint({"vae/": trainer.state()}, must=not whole)
        return whole

    def _perform(self, performer: GANTrainer, trainer: Trainer, vae: RecurrentVAE) -> bool:
        """Train generator and critic; False if stopped."""
        smooth, alarms = _Smooth(), set[str]()

        def progress(done: int, of: int, log: Any) -> None:
            self.report(
                {"phase": "perform", "done": done, "of": of, "loss": smooth(log.critic_loss)}
            )
            for alarm in performer.alarms():
                if alarm.kind not in alarms:  # said once, whatever its figures
                    alarms.add(alarm.kind)
                    self.report({"phase": "perform", "note": alarm.text})
            self.watch(vae, self.songs)
            if self._checkpoint_if_due(lambda: self._performed(performer, trainer)):
                self._draw(performer)

        performer.run(self.plan.gan_steps, progress=progress, should_stop=self.should_stop)
        whole = performer.steps >= self.plan.gan_steps
        self._checkpoint(self._performed(performer, trainer), must=not whole)
        self._draw(performer)
        return whole

    def _performed(
        self, performer: GANTrainer, trainer: Trainer
    ) -> dict[str, dict[str, np.ndarray]]:
        return {"vae/": trainer.state(), "gan/": performer.state(), "finish/": self.finish.arrays()}

    def _draw(self, performer: GANTrainer) -> None:
        if self.plot is not None and performer.log:
            plot_training(
                performer, self.plot, bands=song_data.STEP_SIZE // song_data.FRAMES_PER_STEP
            )

    def _finish(self, vae: FlatParameters, critic: FlatParameters) -> Station:
        self.report({"phase": "save"})
        statistics, errors = encode_songs(vae.module, self.songs.steps)  # type: ignore[arg-type]
        means, log_variances = np.split(statistics, 2, axis=1)
        details = {
            "songs": self.songs.names,
            "seed": self.plan.seed,
            "vae_steps": self.plan.vae_steps,
            "gan_steps": self.plan.gan_steps,
            "latent": self.plan.latent,
            "thorough": self.plan.thorough,
            "explained_variance": 1 - float(errors.mean()) / float(_variance(self.songs.steps)),
        }
        station = Station(
            self.folder.name,
            self.songs.grid,
            self.plan.beats,
            vae.module,  # type: ignore[arg-type]
            critic.module,  # type: ignore[arg-type]
            means,
            log_variances,
            self.songs.coordinates,
            details,
        )
        if self.communicator.rank == 0:
            station.save(self.folder)
            self.checkpoint.remove()
        return station

    def _resumed(self, asked: Plan) -> tuple[dict[str, np.ndarray], Plan]:
        """Return the checkpoint's arrays and plan; if there is none, a new plan. Both are the first process's."""
        arrays, plan = self._read(asked) if self.communicator.rank == 0 else ({}, None)
        text = self.communicator.broadcast(json.dumps(plan and asdict(plan)).encode())
        if text == b"null":
            plan = self._planned(asked)
            text = self.communicator.broadcast(json.dumps(asdict(plan)).encode())
        return share_arrays(self.communicator, arrays), Plan(**json.loads(text))

    def _read(self, asked: Plan) -> tuple[dict[str, np.ndarray], Plan | None]:
        try:
            found = self.checkpoint.load()
            if found is None:
                return {}, None
            arrays, configuration, note = found
            plan = Plan(**configuration["plan"])
            if not (
                isinstance(plan.vae_steps, int)
                and isinstance(plan.gan_steps, int)
                and min(plan.vae_steps, plan.gan_steps) > 0
            ):
                raise ValueError(f"it plans {plan.vae_steps!r} and {plan.gan_steps!r} steps")
            if not (isinstance(plan.batch, int) and 0 < plan.batch < 1 << 20):
                raise ValueError(f"it plans steps of {plan.batch!r} songs")
        except (CheckpointError, KeyError, TypeError, ValueError) as error:
            raise self._unreadable(error) from error
        was = asdict(plan)
        wanted = asdict(
            replace(asked, vae_steps=plan.vae_steps, gan_steps=plan.gan_steps, batch=plan.batch)
        )
        different = [key for key, value in wanted.items() if was[key] != value]
        if different:
            how = ", ".join(
                "other songs" if key == "songs" else f"{key} {was[key]}" for key in different
            )
            raise StationError(
                f"{self.folder} holds an unfinished training with {how}; ask for the same to go on, or delete the folder"
            )
        self.report({"phase": "learn", "note": note or "going on where the training was stopped"})
        if plan.batch != asked.batch:
            self.report({"phase": "learn", "note": f"with {plan.batch} songs a step, as it began"})
        return arrays, plan

    def _restore(self, trainer: Trainer | GANTrainer, prefix: str) -> None:
        try:
            trainer.restore(part(self.arrays, prefix))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> StationError:
        return StationError(
            f"the checkpoint {self.folder / TRAINING_FILE} can't be read ({error}); delete it to start again"
        )

    def _planned(self, asked: Plan) -> Plan:
        """Return the steps to make: as asked, or as many as fit into the minutes, timed on models that are thrown away."""
        if asked.steps is not None:
            return replace(
                asked,
                vae_steps=asked.steps,
                gan_steps=max(1, round(asked.recipe.gan_steps * asked.steps)),
            )
        self.plan = asked
        seconds = 60 * (DEFAULT_MINUTES if asked.minutes is None else asked.minutes)
        vae, critic = self._models()
        trainer = vae_trainer(vae, self.songs, steps=10_000, **self._shared())
        vae_seconds = _seconds_a_step(lambda: trainer.step(len(self.songs.steps)))
        performer = gan_trainer(vae, critic, self.songs, **self._shared())
        gan_seconds = _seconds_a_step(performer.step)
        vae_steps = max(1, int((1 - asked.recipe.gan_minutes) * seconds / vae_seconds))
        gan_steps = max(1, int(asked.recipe.gan_minutes * seconds / gan_seconds))
        self.report(
            {
                "phase": "learn",
                "note": f"{vae_steps} steps to learn the songs, then {gan_steps} against the critic",
            }
        )
        return replace(asked, vae_steps=vae_steps, gan_steps=gan_steps)

    def _checkpoint_if_due(self, states: Callable[[], dict[str, dict[str, np.ndarray]]]) -> bool:
        due = any_of(
            self.communicator,
            self.communicator.rank == 0 and time.monotonic() - self.saved > CHECKPOINT_SECONDS,
        )
        if due:
            self._checkpoint(states(), must=False)
        return due

    def _checkpoint(self, states: dict[str, dict[str, np.ndarray]], *, must: bool) -> None:
        """Save a checkpoint; where it need not be, a full disk is told and does not end the training."""
        # An MPI that gives its processes sums that differ in a bit would let them drift apart
        # unnoticed.
        if not same_everywhere(self.communicator, states["vae/"]["values"]):
            raise StationError(
                "the processes' weights differ, which they never should; the last checkpoint stays"
            )
        self.saved = time.monotonic()
        if self.communicator.rank:
            return
        try:
            self.checkpoint.save(join(states), {"kind": "training", "plan": asdict(self.plan)})
        except OSError as error:
            if must:
                raise
            self.report(
                {
                    "phase": "learn",
                    "note": f"the checkpoint can't be saved ({error.strerror or error}); the training goes on",
                }
            )


class _Smooth:
    """A running mean that forgets over about 50 values, and starts at the first."""

    def __init__(self) -> None:
        self.value: float | None = None

    def __call__(self, value: float) -> float:
        self.value = value if self.value is None else self.value + 0.02 * (value - self.value)
        return self.value


def _songs(
    music: Path | None,
    beats: int,
    seed: int,
    fresh: int,
    prepared: Path | None,
    report: Report,
    communicator: Communicator,
) -> TrainingSongs:
    def progress(done: int, of: int) -> None:
        report({"phase": "prepare", "done": done, "of": of})

    cache = None if prepared is None else prepared_music(prepared)
    if music is None:
        rng = np.random.default_rng((seed, 2))
        chosen = starter_songs(beats=beats) + [fresh_song(rng, beats=beats) for _ in range(fresh)]
        return prepare_starter_songs(
            chosen, cache=cache, progress=progress, communicator=communicator
        )
    return prepare_folder(
        music,
        beats=beats,
        seed=seed,
        cache=cache,
        progress=progress,
        communicator=communicator,
        on_skip=lambda line: report({"phase": "prepare", "skip": line}),
    )


def _seconds_a_step(step: Callable[[], Any]) -> float:
    step()  # the first compiles
    times = []
    for _ in range(TIMED_STEPS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _fingerprint(songs: TrainingSongs) -> str:
    digest = hashlib.sha256(repr((songs.steps.shape, songs.names)).encode())
    digest.update(np.ascontiguousarray(songs.steps[:, ::16, ::8]).tobytes())
    return digest.hexdigest()[:16]


def _variance(steps: np.ndarray) -> float:
    """Return the variance of the frames' values around the mean of each of the 181."""
    frames = song_data.to_frames(steps).reshape(-1, song_data.to_frames(steps).shape[-1])
    return float(frames.var(axis=0, dtype=np.float64).mean())
