"""Adversarial training of a song VAE: its decoder is the generator, a critic scores songs.

One step:

    encode songs S0                 P = mean + sigma epsilon; also draw new P
    train encoder and generator     lambda VAE's loss on S0 - weight mean D(G(P)),
                                    d/dS by the critic, d/dw by the decoder
    train the critic                hinge on D(S0) and D(G(P)), then one power iteration

Both are ordinary `Trainer`s on the same mini-batch, in two fixed pieces: one or two threads give
the same bytes, and a training resumes bit for bit. Each song is generated once and used by both.
The losses are in sequence_losses.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from gan.adversarial_losses import Scores, Songs
from gan.alarms import Alarm, alarms
from gan.critic import Critic
from gan.options import GANOptions, Log
from gan.sequence_losses import SequenceAdversarialLosses
from neural_networks.components.parameters import FlatParameters
from neural_networks.optimizers.optimizers import Adam, Average
from neural_networks.optimizers.schedules import Schedule, constant, cosine
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.checkpoint import join, part
from neural_networks.training.interrupts import interrupt_between_steps
from neural_networks.training.trainer import Piece, Trainer, TrainingDiverged

__all__ = ["GANOptions", "GANTrainer", "Log", "TrainingDiverged"]

LAST_RATE = 0.02  # final learning rates, relative to the first; chosen, not measured
LOGGED_STEPS = 10_000  # the latest steps in the log
SCORED_STEPS = 50  # the latest steps whose individual scores are stored, for histograms
# First decay 0.5: Radford et al. 2016, arXiv:1511.06434, section 4; with 0.9 a fresh critic learns
# as fast (docs/gan_tries.md). Second decay 0.99: chosen, not measured; trainings are short.
ADAM = (0.5, 0.99)


class GANTrainer:
    """Train a VAE's decoder against a critic.

    Args:
        vae: a SequenceVAE, packed.
        critic: packed.
        songs: of components (S, B, K), drawn at each step.
        options: see GANOptions.
        steps: over which both learning rates fall along a half cosine; constant if None.
        seed: of the order of songs and all noise.
        threads: 1 or 2; None for one a core. The result is the same.
        pieces: of a mini-batch, see Trainer.
        communicator: processes that share the pieces; all have the same models, songs and options.

    Attributes:
        average: of the generator's weights.
        log: of the latest LOGGED_STEPS steps.
        scores: (real (B,), generated (B,)) of the latest SCORED_STEPS steps.
        shown: (S, k, F) generated songs of the last step, for pictures.

    Examples:
        >>> from neural_networks.components.parameters import pack
        >>> from neural_networks.vae.sequence_vae import SequenceVAE
        >>> rng = np.random.default_rng(0)
        >>> class Noise:
        ...     def __len__(self):
        ...         return 8
        ...     def draw(self, indices, rng):
        ...         return rng.standard_normal((8, len(indices), 4)).astype(np.float32)
        >>> vae = pack(SequenceVAE(4, encoder_hidden=8, hidden=8, prior_hidden=8, rng=rng))
        >>> training = GANTrainer(vae, pack(Critic(4, 8, rng=rng)), Noise(), threads=1)
        >>> training.run(2)
        >>> [log.step for log in training.log], training.shown.shape[0]
        ([1, 2], 8)
    """

    def __init__(
        self,
        vae: FlatParameters,
        critic: FlatParameters,
        songs: Songs,
        *,
        options: GANOptions | None = None,
        steps: int | None = None,
        seed: int = 0,
        threads: int | None = None,
        pieces: int = 2,
        communicator: Communicator = ALONE,
    ) -> None:
        if len(songs) < 2:
            raise ValueError(f"training needs at least two songs, not {len(songs)}")
        self.options = options or GANOptions()
        self.songs = songs
        self.critic: Critic = critic.module  # type: ignore[assignment]
        size = min(self.options.batch_size, len(songs))

        def schedule(rate: float) -> Schedule:
            return constant(rate) if steps is None else cosine(rate, steps, final=LAST_RATE)

        def trainer(
            parameters: FlatParameters,
            loss: Callable[[Any, Piece], float],
            rate: float,
            stream: int,
        ) -> Trainer:
            return Trainer(
                parameters,
                loss,
                Adam(*ADAM),
                schedule(rate),
                batch_size=size,
                seed=seed,
                stream=stream,
                threads=threads,
                pieces=pieces,
                communicator=communicator,
            )

        self._losses = SequenceAdversarialLosses(
            vae, self.critic, songs, self.options, seed=seed, communicator=communicator
        )
        self._generator = trainer(vae, self._losses.generator_loss, self.options.generator_rate, 0)
        self._critic = trainer(critic, self._losses.critic_loss, self.options.critic_rate, 1)
        self.average = Average(vae.values, decay=self.options.averaging)
        self.log: deque[Log] = deque(maxlen=LOGGED_STEPS)
        self.scores: deque[Scores] = deque(maxlen=SCORED_STEPS)
        self.shown = np.zeros((0, 0, 0), vae.values.dtype)

    @property
    def steps(self) -> int:
        """Number of steps made so far."""
        return self._critic.steps

    def run(
        self,
        steps: int,
        *,
        progress: Callable[[int, int, Log], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        """Train up to a total number of steps; Ctrl-C waits for the end of a step.

        Args:
            steps: in total, those before a `restore` included.
            progress: called with (steps made, steps in total, log of the step).
            should_stop: asked before each step.

        Raises:
            TrainingDiverged: if a loss or a gradient is not finite; the last good weights remain.
        """
        with interrupt_between_steps() as check:
            while self.steps < steps and not (should_stop and should_stop()):
                log = self.step()
                check()
                if progress:
                    progress(self.steps, steps, log)

    def step(self) -> Log:
        """Make one step of the generator, then one of the critic on the same songs."""
        self._losses.begin_step()
        self._generator.step(len(self.songs))
        self.average.update(self._generator.parameters.values)
        critic_loss = self._critic.step(len(self.songs))
        self.critic.update_norms()
        result = self._losses.end_step()
        log = Log(
            step=self.steps,
            critic_loss=critic_loss,
            real_score=float(result.scores.real.mean()),
            fake_score=float(result.scores.fake.mean()),
            reconstruction=result.reconstruction,
            kl=result.kl,
            critic_norm=self._critic.norm,
            generator_norm=self._generator.norm,
            diversity=result.diversity,
        )
        self.log.append(log)
        self.scores.append(result.scores)
        if result.generated:
            self.shown = np.concatenate([one.fakes for one in result.generated], axis=1)
        return log

    def alarms(self) -> list[Alarm]:
        """Return the alarms of the latest steps, each with advice."""
        return alarms(list(self.log))

    def use_average(self) -> None:
        """Replace the VAE's weights by their average over the latest steps, after the training."""
        self._generator.parameters.values[:] = self.average.values

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of everything that the next steps depend on, as arrays for a checkpoint.

        NOTE: after an exception the generator may be a step ahead of the critic; `restore` refuses
        such a state.
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
            "statistics": self._losses.statistics.copy(),
            "log": np.array(self.log).reshape(-1, len(Log._fields)),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a `state`, bit for bit, given the same songs and options.

        Raises:
            ValueError: if it belongs to other models, songs or another seed, or was saved in the
                middle of a step.
        """
        average = part(state, "average/")
        self._check(state, average)
        self._generator.restore(part(state, "generator/"))
        self._critic.restore(part(state, "critic/"))
        self.critic.restore(part(state, "norms/"))
        self.average.restore(average)
        self._losses.statistics[:] = state["statistics"]
        self.log.clear()
        for row in state["log"].tolist():
            fields = dict(zip(Log._fields, row, strict=True))
            self.log.append(Log(**{**fields, "step": int(fields["step"])}))

    def _check(self, state: dict[str, np.ndarray], average: dict[str, np.ndarray]) -> None:
        """Raise a ValueError if a state does not fit this training."""
        statistics, log = state.get("statistics"), state.get("log")
        if statistics is None or statistics.shape != self._losses.statistics.shape:
            raise ValueError(
                f"the state is not one of {len(self.songs)} songs in this latent space"
            )
        if (
            "steps" not in average
            or "values" not in average
            or average["values"].shape != self.average.values.shape
        ):
            raise ValueError("the state has no average of this model's weights")
        if not (np.isfinite(statistics).all() and np.isfinite(average["values"]).all()):
            raise ValueError("the state holds numbers that are not finite")
        if (
            log is None
            or log.ndim != 2
            or log.shape[1] != len(Log._fields)
            or not np.isfinite(log).all()
        ):
            raise ValueError("the state has no log of its steps")
        generator, critic, averaged = (
            int(state.get(f"{name}/steps", -1)) for name in ("generator", "critic", "average")
        )
        if not generator == critic == averaged:
            raise ValueError(
                f"the state was saved in the middle of a step: the generator has made {generator} "
                f"steps, the critic {critic}, the average {averaged}"
            )
