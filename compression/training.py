"""Train a ResidualAutoEncoder: from codes moved by descent its network learns the residual.

Contract:

    chunks_of(sound, size) -> (chunks, size)                        padded with zeros
    Lesson(autoencoder, sounds)                                     .loss is for a Trainer
    train(autoencoder, sounds, held_out, steps) -> best shares      early stop, best weights

Every sound is scaled so that its principal components leave the same error: improvement in decibels
counts, not loudness. The codes minimise the error, so the gradient does not pass through the
descent that found them (the envelope theorem, Danskin 1966).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from neural_networks.autoencoder.residual import ResidualAutoEncoder
from neural_networks.components.losses import mean_squared_error
from neural_networks.components.parameters import pack
from neural_networks.optimizers.optimizers import Adam
from neural_networks.optimizers.schedules import cosine
from neural_networks.training.trainer import Piece, Trainer

BATCH_SIZE = 512  # chunks
INNER_DESCENT = 3  # steps that move the codes before each step of the network
CLIP = 1.0
# of a sound's energy: an error below this share is not weighted up to that of the other sounds
LEAST_SHARE = 3e-4


class Lesson:
    """Sounds cut into chunks, in the autoencoder's coordinates, their principal components.

    Args:
        autoencoder: to be trained.
        sounds: arrays (n,).
    """

    def __init__(self, autoencoder: ResidualAutoEncoder, sounds: Sequence[np.ndarray]) -> None:
        pieces = [chunks_of(sound, autoencoder.size) for sound in sounds if len(sound)]
        power = [float(np.mean(piece**2, dtype=np.float64)) or 1.0 for piece in pieces]
        chunks = np.concatenate(pieces)
        autoencoder.begin(chunks, np.repeat(1 / np.array(power), [len(piece) for piece in pieces]))
        self.codes, self.rest = autoencoder.split(chunks)
        start = 0
        for piece, square in zip(pieces, power, strict=True):
            part = slice(start, start + len(piece))
            start += len(piece)
            left_out = float(np.mean(self.rest[part] ** 2, dtype=np.float64))
            factor = np.float32(1 / np.sqrt(max(left_out, LEAST_SHARE * square)))
            self.codes[part] *= factor
            self.rest[part] *= factor

    def __len__(self) -> int:
        return len(self.codes)

    def loss(self, module: ResidualAutoEncoder, batch: Piece) -> float:
        """Return the share of the principal components' error that is left; add its gradient."""
        # The sign of sound is arbitrary: a negated chunk is as good an example.
        sign = batch.rng.choice(np.array([-1, 1], np.float32), size=(len(batch.indices), 1))
        codes, rest = self.codes[batch.indices] * sign, self.rest[batch.indices] * sign
        guess, cache = module.forward(module.descend(codes, rest, steps=INNER_DESCENT)[0])
        value, dguess = mean_squared_error(guess, rest)
        module.backward(dguess, cache)
        return value

    def test_loss(self, module: ResidualAutoEncoder, indices: np.ndarray) -> float:
        """Return that share for the chunks of these numbers (n,)."""
        codes, rest = self.codes[indices], self.rest[indices]
        guess, _ = module.forward(module.descend(codes, rest, steps=INNER_DESCENT)[0])
        return mean_squared_error(guess, rest)[0]


def train(
    autoencoder: ResidualAutoEncoder,
    sounds: Sequence[np.ndarray],
    held_out: Sequence[np.ndarray],
    steps: int,
    *,
    learning_rate: float = 0.001,
    evaluations: int = 10,
    patience: int = 4,
    seed: int = 0,
    progress: Callable[[int, float], None] | None = None,
) -> float:
    """Train for some steps and keep the weights that were best on held-out sounds.

    Args:
        autoencoder: is given the sounds' principal components first.
        sounds: arrays (n,) to learn from.
        held_out: arrays (n,) to judge by.
        steps: at most so many.
        learning_rate: initial; it falls along half a cosine.
        evaluations: number of evaluations on the held-out sounds.
        patience: evaluations without improvement that end the training.
        seed: of the order of the chunks.
        progress: called with (step, share) after each evaluation.

    Returns:
        The best share of the principal components' error that remains, averaged over the held-out
        sounds.
    """
    lesson = Lesson(autoencoder, sounds)
    parameters = pack(autoencoder)
    trainer = Trainer(
        parameters,
        lesson.loss,
        Adam(),
        cosine(learning_rate, steps, final=0.01),
        batch_size=BATCH_SIZE,
        clip=CLIP,
        seed=seed,
        threads=1,
    )
    judges = [autoencoder.split(chunks_of(sound, autoencoder.size)) for sound in held_out]

    def share() -> float:
        left = [
            autoencoder.descend(*judge)[1].sum() / max(float(np.sum(judge[1] ** 2)), 1e-12)
            for judge in judges
        ]
        return float(np.exp(np.mean(np.log(np.maximum(left, 1e-12)))))

    best, values, waited = share(), parameters.values.copy(), 0
    for number in range(1, evaluations + 1):
        trainer.run(len(lesson), steps * number // evaluations)
        now = share()
        if progress:
            progress(trainer.steps, now)
        if now < best:
            best, values, waited = now, parameters.values.copy(), 0
        else:
            waited += 1
        if waited >= patience:
            break
    parameters.values[:] = values
    return best


def chunks_of(samples: np.ndarray, size: int) -> np.ndarray:
    """Return samples (n,) as (chunks, size), padded with zeros."""
    samples = np.asarray(samples, np.float32)
    return np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
