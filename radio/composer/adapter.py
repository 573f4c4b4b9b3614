"""The generator's adapter: an affine map of the coordinate, trained by the taste at every moment.

    G'(P) = G(A(P)),   A(P) = P + s (u W + b),   u = (P - m) / s, of all values but the seed
    dL/dW = sum over moments i of dL/dG_i dG_i/dA dA/dW

m and s are mean and spread of these values (M,) over the station's songs; dL/dG_i comes from the
taste D(S).

W and b begin at 0, so that G' = G. The loss is the listener's cautious loss, minus the critic's
score of the song, plus a penalty outside the station's distribution, plus weight decay. A song of
G' at P is the song of G at A(P), so a coordinate is enough to make it again. The adapter is first
trained after FIRST_RATINGS ratings, and again after every RATINGS_BETWEEN more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gan.critic import Critic
from gan.latent import LatentDistribution
from neural_networks.components.dense import Dense
from neural_networks.components.module import Module
from neural_networks.components.parameters import pack
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.checkpoint import load_arrays, save_arrays
from radio.taste import Decode, Taste

BATCH_SIZE = 8  # this and the next three: chosen, not measured
LEARNING_RATE = 0.02
WEIGHT_DECAY = 0.02  # of half the squared length of the weights
CRITIC_WEIGHT = 0.02  # of the critic's score, in standard deviations of the scores of a mini-batch
# share of each training's change that is applied: with all of it songs are liked more but sound
# less real; measured in docs/taste.md
STEP_SHARE = 0.2
MAX_VERSIONS = 50
FIRST_RATINGS, RATINGS_BETWEEN = 20, 10  # chosen: docs/taste.md measures after 20
JUDGED_SONGS = 32  # coordinates on which a training is judged; chosen, not measured
# by how much of the spread of the critic's scores their mean may fall; chosen, not measured
MAX_SCORE_LOSS = 0.25


class Adapter(Module):
    """See the module's contract.

    Args:
        distribution: of the M values of P that move.
        movable: (M,) their indices; all of P if None.
    """

    def __init__(self, distribution: LatentDistribution, movable: np.ndarray | None = None) -> None:
        self.movable = np.arange(distribution.size) if movable is None else movable
        self.move = Dense(distribution.size, distribution.size, rng=np.random.default_rng(0))
        self.distribution = distribution
        self._flat = pack(self, np.float64)
        self.ratings = 0  # from how many it was trained
        self.gain = 0.0  # by how much more its songs are predicted to be liked than those of G
        self.reset()

    def copy(self) -> Adapter:
        """Return an adapter with the same weights, to be trained while this one is used."""
        other = self.fresh()
        other._flat.values[:] = self._flat.values
        other.ratings, other.gain = self.ratings, self.gain
        return other

    def fresh(self) -> Adapter:
        """Return an adapter of the same generator that changes nothing."""
        return Adapter(self.distribution, self.movable)

    def due(self, ratings: int) -> bool:
        """Return whether so many ratings are enough to train, or to train again."""
        return (
            ratings >= FIRST_RATINGS
            and ratings // RATINGS_BETWEEN > self.ratings // RATINGS_BETWEEN
        )

    def reset(self) -> None:
        """Become the identity again."""
        self._flat.values[:] = 0
        self.gain = 0.0
        self._optimizer = Adam(0.9, 0.99)

    @property
    def untouched(self) -> bool:
        """Whether G' is still G."""
        return not self._flat.values.any()

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return A(P) (B, D) of coordinates P (B, D), and the cache."""
        standard = (x[:, self.movable] - self.distribution.mean) / self.distribution.deviation
        moved, cache = self.move.forward(standard)
        adapted = x.copy()
        adapted[:, self.movable] += self.distribution.deviation * moved
        return adapted, cache

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dP (B, D) for the gradient of A(P); add those of the weights."""
        deviation, dx = self.distribution.deviation, dy.copy()
        dx[:, self.movable] += (
            self.move.backward(dy[:, self.movable] * deviation, cache) / deviation
        )
        return dx

    def through(self, decode: Decode) -> Decode:
        """Return the `Decode` of G' for that of G: its songs, and gradients that reach P."""

        def moved(
            coordinates: np.ndarray,
        ) -> tuple[np.ndarray, np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]:
            inside, cache = self.forward(coordinates)
            steps, beside, backward = decode(inside)
            return (
                steps,
                beside,
                lambda dsteps, dbeside: self.backward(backward(dsteps, dbeside), cache),
            )

        return moved

    def judge(
        self, taste: Taste, decode: Decode, critic: Critic, coordinates: np.ndarray
    ) -> tuple[float, float, float]:
        """Judge the songs of G' at P (n, D), few at a time: `decode` keeps what a gradient needs.

        Returns:
            Mean cautious rating, mean and spread of the critic's scores.
        """
        values, scores = [], []
        for first in range(0, len(coordinates), BATCH_SIZE):
            some = coordinates[first : first + BATCH_SIZE].astype(np.float64)
            songs, beside, _ = decode(self.forward(some)[0])
            values.append(taste.value_and_gradient(songs, beside)[0])
            scores.append(critic.forward(songs)[0])
        score = np.concatenate(scores)
        return float(np.concatenate(values).mean()), float(score.mean()), float(score.std())

    def improve(
        self,
        taste: Taste,
        decode: Decode,
        critic: Critic,
        sample: Callable[[int], np.ndarray],
        *,
        steps: int,
    ) -> list[float]:
        """Train, and undo it unless new songs are predicted to be liked more and score no worse.

        The arguments are those of `train`.

        Returns:
            The losses; none if the training was undone.
        """
        before, judged = self.copy(), sample(JUDGED_SONGS)
        plain, score, spread = self.fresh().judge(taste, decode, critic, judged)
        value = plain if before.untouched else before.judge(taste, decode, critic, judged)[0]
        losses = self.train(taste, decode, critic, sample, steps=steps)
        better, real, _ = self.judge(taste, decode, critic, judged)
        if better > value and real >= score - MAX_SCORE_LOSS * spread:
            self.gain = better - plain
            return losses
        self.reset()
        self._flat.values[:], self.gain = before._flat.values, before.gain
        return []

    def train(
        self,
        taste: Taste,
        decode: Decode,
        critic: Critic,
        sample: Callable[[int], np.ndarray],
        *,
        steps: int,
    ) -> list[float]:
        """Take steps of Adam on mini-batches of coordinates; return the loss L of each.

        Args:
            taste: D(S).
            decode: of the generator G.
            critic: a copy of the station's in plain weights, whose gradients nothing else uses.
            sample: draws coordinates (n, D).
            steps: how many.
        """
        losses, start = [], self._flat.values.copy()
        for _ in range(steps):
            inside, cache = self.forward(sample(BATCH_SIZE).astype(np.float64))
            songs, beside, backward = decode(inside)
            value, dsteps, dbeside = taste.value_and_gradient(songs, beside)
            score, score_cache = critic.forward(songs)
            spread = max(float(score.std()), 1e-6)
            dscore = critic.backward(np.full_like(score, CRITIC_WEIGHT / spread), score_cache)
            _, dpenalty = self.distribution.distance_penalty(inside[:, self.movable])
            gradient = backward(-dsteps / 2 - dscore, -dbeside / 2)
            gradient[:, self.movable] += dpenalty
            self._flat.zero_grads()
            self.backward(gradient / BATCH_SIZE, cache)
            self._flat.grads += WEIGHT_DECAY * self._flat.values
            self._optimizer.step(self._flat.values, self._flat.grads, LEARNING_RATE)
            losses.append(float(np.mean((1 - value) / 2)))
        self._flat.values[:] = start + STEP_SHARE * (self._flat.values - start)
        return losses

    def save(self, folder: Path) -> Path:
        """Write the weights as the next version in a folder; return its path.

        The oldest versions beyond MAX_VERSIONS are deleted.
        """
        known = versions(folder)
        number = int(known[-1].stem.removeprefix("layers-")) + 1 if known else 1
        path = folder / f"layers-{number:06d}.npz"
        folder.mkdir(parents=True, exist_ok=True)
        about = {"kind": "added layers", "ratings": self.ratings, "gain": self.gain}
        save_arrays(path, {"layers": self._flat.values.copy()}, about)
        for old in known[: max(0, len(known) + 1 - MAX_VERSIONS)]:
            old.unlink(missing_ok=True)
        return path

    def load(self, path: Path) -> None:
        """Load a version.

        Raises:
            CheckpointError: if the file is damaged.
            ValueError: if it holds something else, or the adapter of another station.
        """
        arrays, configuration = load_arrays(path)
        values = arrays.get("layers")
        if (
            configuration.get("kind") != "added layers"
            or values is None
            or not _numbers(configuration)
        ):
            raise ValueError(f"{path} holds no adapter")
        if values.shape != self._flat.values.shape or not np.isfinite(values).all():
            raise ValueError(f"the adapter in {path} is not of this station")
        self.reset()
        self._flat.values[:] = values
        self.ratings, self.gain = (
            int(configuration.get("ratings", 0)),
            float(configuration.get("gain", 0.0)),
        )


def _numbers(configuration: dict[str, Any]) -> bool:
    about = configuration.get("ratings", 0), configuration.get("gain", 0.0)
    return all(isinstance(one, int | float) and np.isfinite(one) for one in about)


def versions(folder: Path) -> list[Path]:
    """Return the versions in a folder, the oldest first."""
    return sorted(folder.glob("layers-*.npz"))
