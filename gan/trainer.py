"""Adversarial training of a song VAE: its decoder is the generator, a critic of whole songs teaches it what songs sound like.

One step, in the words of the project's document:

    pick songs S0, encode them:      P = mean + sigma epsilon               and draw new P: Gaussian, half-way, mixes of encoded songs
    generate G(P); the generator:    300 (mse(G(P), S0) + beta KL) - weight mean D(G(P))     d/dS by the critic, d/dw by the decoder
    then the critic:                 hinge on D(S0) and D(G(P))             one power iteration of its norms

Both are ordinary `Trainer`s on the same mini-batch: two fixed halves, the same bytes for one thread
and for two, resume bit for bit. The critic sees the songs that the generator made in the same step,
so each song is generated once. The losses are in round.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from gan.adversarial_losses import Round
from gan.alarms import Alarm, alarms
from gan.critic import Critic
from gan.options import GANOptions, Log
from neural_networks.components.parameters import FlatParameters
from neural_networks.optimizers.optimizers import Adam, Average
from neural_networks.optimizers.schedules import Schedule, constant, cosine
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.checkpoint import join, part
from neural_networks.training.interrupts import interrupt_between_steps
from neural_networks.training.trainer import Batch, Trainer, TrainingDiverged

__all__ = ["GANOptions", "GANTrainer", "Log", "TrainingDiverged"]

LAST_RATE = 0.02  # of the learning rates, where they fall
LOGGED_STEPS = 10_000  # the last ones
SCORED_STEPS = 50  # of which every song's score is kept, for their distributions


class GANTrainer:
    """Train a VAE's decoder against a critic.

    Args:
        vae: packed; a module with `encoder`: x (S, B, F) -> [mean; log-variance] (B, 2 Z) and
            `decoder`: z (B, Z) -> (S, B, F).
        critic: packed.
        songs: (N, S, F); read at each step, so the caller may put fresh ones in between.
        options: see GANOptions.
        steps: over which both learning rates fall along a half cosine; constant if None.
        seed: of the order of songs and all noise.
        threads: 1 or 2; None takes what there is. The result does not depend on it.
        pieces: of a mini-batch, see Trainer.
        communicator: processes that share them out; all have the same models, songs and options.

    Attributes:
        average: of the generator's weights.
        log: of the last LOGGED_STEPS steps.
        scores: (real (B,), generated (B,)) of the last SCORED_STEPS steps.
        shown: (S, k, F) generated songs of the last step, for a look at them.
    """

    def __init__(
        self,
        vae: FlatParameters,
        critic: FlatParameters,
        songs: np.ndarray,
        *,
        options: GANOptions | None = None,
        steps: int | None = None,
        seed: int = 0,
        threads: int | None = None,
        pieces: int = 2,
        communicator: Communicator = ALONE,
    ) -> None:
        if songs.ndim != 3 or len(songs) < 2:
            raise ValueError(
                f"songs to train on have the shape (N, S, F) with at least two of them, not {songs.shape}"
            )
        self.options = options or GANOptions()
        self.songs = songs
        self.critic: Critic = critic.module  # type: ignore[assignment]
        size = min(self.options.batch_size, len(songs))

        def schedule(rate: float) -> Schedule:
            return constant(rate) if steps is None else cosine(rate, steps, final=LAST_RATE)

        def trainer(
            parameters: FlatParameters,
            loss: Callable[[Any, Batch], float],
            rate: float,
            stream: int,
        ) -> Trainer:
            return Trainer(
                parameters,
                loss,
                Adam(0.5, 0.99),
                schedule(rate),
                batch_size=size,
                seed=seed,
                stream=stream,
                threads=threads,
                pieces=pieces,
                communicator=communicator,
            )

        encode = vae.module.encoder  # type: ignore[attr-defined]
        dtype = vae.values.dtype
        parts = [
            np.ascontiguousarray(songs[i : i + 16].transpose(1, 0, 2), dtype)
            for i in range(0, len(songs), 16)
        ]
        statistics = np.concatenate([encode.forward(x)[0] for x in parts])
        self._round = Round(self.critic, songs, self.options, dtype, statistics, seed, communicator)
        self._generator = trainer(vae, self._round.generator_loss, self.options.generator_rate, 0)
        self._critic = trainer(critic, self._round.critic_loss, self.options.critic_rate, 1)
        self.average = Average(vae.values, decay=self.options.averaging)
        self.log: deque[Log] = deque(maxlen=LOGGED_STEPS)
        self.scores: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=SCORED_STEPS)
        self.shown = np.zeros((songs.shape[1], 0, songs.shape[2]), dtype)

    @property
    def steps(self) -> int:
        """How many steps have been made."""
        return self._critic.steps

    def run(
        self,
        steps: int,
        *,
        progress: Callable[[int, int, Log], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        """Train until `steps` steps have been made in all, those before a `restore` included; Ctrl-C waits for the end of a step.

        Raises:
            TrainingDiverged: if a loss or a gradient is not finite; the last good weights are kept.
        """
        with interrupt_between_steps() as check:
            while self.steps < steps and not (should_stop and should_stop()):
                log = self.step()
                check()
                if progress:
                    progress(self.steps, steps, log)

    def step(self) -> Log:
        """Make one step of the generator, then one of the critic on the same songs."""
        self._round.begin()
        self._generator.step(len(self.songs))
        self.average.update(self._generator.parameters.values)
        critic_loss = self._critic.step(len(self.songs))
        self.critic.update_norms()
        made, (real, fake), (reconstruction, kl, diversity) = self._round.end()
        log = Log(
            self.steps,
            critic_loss,
            float(real.mean()),
            float(fake.mean()),
            float(reconstruction),
            float(kl),
            self._critic.norm,
            self._generator.norm,
            float(diversity),
        )
        self.log.append(log)
        self.scores.append((real, fake))
        self.shown = np.concatenate([self.shown[:, :0], *(one.fakes for one in made)], axis=1)
        return log

    def alarms(self) -> list[Alarm]:
        """Return what looks wrong over the last steps, each with what to do."""
        return alarms(list(self.log))

    def use_average(self) -> None:
        """Give the VAE the average of its weights over the last steps: at the end of the training."""
        self._generator.parameters.values[:] = self.average.values

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of all that the next steps depend on, as arrays for a checkpoint.

        NOTE: after an exception the generator may be a step ahead of the critic; such a state is
        refused by `restore`.
        """
        state = join(
            {
                "generator/": self._generator.state(),
                "critic/": self._critic.state(),
                "norms/": self.critic.state(),
                "average/": self.average.state(),
            }
        )
        return {
            **state,
            "statistics": self._round.statistics.copy(),
            "log": np.array(self.log).reshape(-1, len(Log._fields)),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a `state`, bit for bit, given the same songs and options.

        Raises:
            ValueError: if it belongs to other models, songs or another seed, or was saved in the
                middle of a step.
        """
        statistics = state.get("statistics")
        if statistics is None or statistics.shape != self._round.statistics.shape:
            raise ValueError(
                f"the state is not one of {len(self.songs)} songs in this latent space"
            )
        average = part(state, "average/")
        if (
            "steps" not in average
            or "values" not in average
            or average["values"].shape != self.average.values.shape
        ):
            raise ValueError("the state has no average of this model's weights")
        if not (np.isfinite(statistics).all() and np.isfinite(average["values"]).all()):
            raise ValueError("the state holds numbers that are not finite")
        log = state.get("log")
        if (
            log is None
            or log.ndim != 2
            or log.shape[1] != len(Log._fields)
            or not np.isfinite(log).all()
        ):
            raise ValueError("the state has no log of its steps")
        made = [int(state.get(f"{name}/steps", -1)) for name in ("generator", "critic", "average")]
        if len(set(made)) > 1:
            raise ValueError(
                f"the state was saved in the middle of a step: the generator has made {made[0]} steps, the critic {made[1]}, "
                f"the average {made[2]}"
            )
        self._generator.restore(part(state, "generator/"))
        self._critic.restore(part(state, "critic/"))
        self.critic.restore(part(state, "norms/"))
        self.average.restore(average)
        self._round.statistics[:] = statistics
        self.log.clear()
        self.log.extend(Log(int(row[0]), *map(float, row[1:])) for row in log)
