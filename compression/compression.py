"""Compress audio with an autoencoder: a song is cut into chunks, and each becomes a short code.

Contract:

    train_compressor(sounds, info, max_epochs)          stores the autoencoder in info
    compress(song, info) -> (codes, autoencoder)        codes (chunks * code_size,)
    decompress(autoencoder, codes, info) -> song        (n, 1), as long as the original

The last chunk is padded with zeros; the song's length is stored beside the autoencoder. So is, for
every GAIN_CHUNKS chunks, the gain from GAINS that scales the network's correction; one gain is 0,
so no part of a song is restored worse than from its principal components alone. Compressed files
with quantised codes are the business of codec.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Unpack

import numpy as np

from compression.training import CLIP, Lesson, chunks_of
from neural_networks.autoencoder.residual import DESCENT, ResidualAutoEncoder
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.batches import Piece, set_apart
from neural_networks.training.epochs import TrainingOptions, train_epochs
from neural_networks.training.history import History

BATCH_SIZE = 100  # chunks
GAINS = np.array([0.0, 0.25, 0.5, 1.0, 1.5], np.float32)
GAIN_CHUNKS = 256


@dataclass
class CompressionInfo:
    """How songs are compressed, and the autoencoder once `train_compressor` has trained it.

    Attributes:
        chunk_size: samples of a chunk.
        code_size: values in the code of a chunk.
        hidden: sizes of the network's layers between a code and its correction of the principal
            components.
        learning_rate: of the training.
        patience: epochs without progress after which the training ends.
        descent: gradient steps that improve a code when a song is compressed; 0 is fastest.
        autoencoder: None until it is trained.
    """

    chunk_size: int
    code_size: int
    hidden: tuple[int, ...] = (256, 256)
    learning_rate: float = 0.001
    patience: int = 500
    descent: int = DESCENT
    autoencoder: ResidualAutoEncoder | None = field(default=None, repr=False)


COMPRESSION_1_INFO = CompressionInfo(chunk_size=100, code_size=60)


@dataclass(frozen=True)
class SongAutoEncoder:
    """What restores one song: autoencoder, length in samples, gains (chunks,)."""

    autoencoder: ResidualAutoEncoder
    length: int
    gains: np.ndarray


def train_compressor(
    sounds: Sequence[np.ndarray],
    info: CompressionInfo,
    max_epochs: int,
    *,
    print_epochs: bool = True,
    rng: np.random.Generator | None = None,
    test_share: float = 0.0,
    **options: Unpack[TrainingOptions],
) -> History:
    """Train an autoencoder on the chunks of some sounds and store it in `info`.

    The training ends early, and says so, when the loss no longer falls.

    Args:
        sounds: arrays (n,) or (n, 1) of any lengths.
        info: such as COMPRESSION_1_INFO; an autoencoder that it holds is replaced.
        max_epochs: passes over all chunks.
        print_epochs: print about 20 lines of progress.
        rng: draws the initial weights and seeds the training; fixed by default.
        test_share: of the chunks, withheld from the network, though not from the principal
            components, to measure a test loss.
        **options: fields of TrainingOptions such as checkpoint and averaging; the default patience
            is that of `info`, the default clip is CLIP.

    Returns:
        The losses: the share of the principal components' error that remains.

    Raises:
        ValueError: if there is no sound, or samples are not finite.
    """
    if max_epochs < 1:
        raise ValueError(f"max_epochs must be at least 1, not {max_epochs}")
    songs = [_samples(sound) for sound in sounds]
    if not sum(len(song) for song in songs):
        raise ValueError("there are no samples to train on")
    rng = rng or np.random.default_rng(0)
    autoencoder = ResidualAutoEncoder(info.chunk_size, info.code_size, info.hidden, rng=rng)
    seed = int(rng.integers(1 << 31))
    lesson = Lesson(autoencoder, songs)
    learned, tested = set_apart(np.arange(len(lesson)), None, test_share=test_share, seed=seed)

    def loss(module: ResidualAutoEncoder, batch: Piece) -> float:
        return lesson.loss(module, batch._replace(indices=learned[batch.indices]))

    def test_loss(piece: slice) -> float:
        assert tested is not None
        return lesson.test_loss(autoencoder, tested[piece])

    options.setdefault("patience", info.patience)
    options.setdefault("clip", CLIP)
    history = train_epochs(
        autoencoder,
        len(learned),
        loss,
        batch_size=BATCH_SIZE,
        max_epochs=max_epochs,
        learning_rate=info.learning_rate,
        optimizer=Adam(),
        seed=seed,
        data=(lesson.codes, lesson.rest),
        test_count=0 if tested is None else len(tested),
        test_loss=test_loss,
        print_epochs=print_epochs,
        **options,
    )
    info.autoencoder = autoencoder
    return history


def compress(song: np.ndarray, info: CompressionInfo) -> tuple[np.ndarray, SongAutoEncoder]:
    """Return a song's codes (chunks * code_size,) float32, and what decodes them.

    Args:
        song: (n,) or (n, 1).
        info: the one that `train_compressor` was called with.

    Raises:
        ValueError: if nothing was trained yet, or samples of the song are not finite.

    Examples:
        >>> info = CompressionInfo(chunk_size=20, code_size=4, hidden=(8,), descent=0)
        >>> song = np.sin(0.1 * np.arange(2000))
        >>> losses = train_compressor([song], info, 2, print_epochs=False)
        >>> codes, what = compress(song, info)
        >>> codes.shape, decompress(what, codes, info).shape
        ((400,), (2000, 1))
    """
    if info.autoencoder is None:
        raise ValueError(
            "there is no autoencoder yet: call train_compressor(sounds, info, max_epochs) first"
        )
    samples = _samples(song)
    chunks = chunks_of(samples, info.chunk_size)
    codes = np.empty((len(chunks), info.code_size), np.float32)
    gains = np.zeros(len(chunks), np.float32)
    for start in range(0, len(chunks), GAIN_CHUNKS):
        part = slice(start, start + GAIN_CHUNKS)
        codes[part], gains[part] = _encode(info.autoencoder, chunks[part], info.descent)
    return codes.ravel(), SongAutoEncoder(info.autoencoder, len(samples), gains)


def decompress(
    autoencoder: SongAutoEncoder, compressed: np.ndarray, info: CompressionInfo
) -> np.ndarray:
    """Return the song (n, 1) float32 that the codes stand for, as nearly as the autoencoder can.

    Args:
        autoencoder: returned by `compress` with the codes.
        compressed: the codes (chunks * code_size,).
        info: the one that `compress` was called with.

    Raises:
        ValueError: if the number of codes does not fit the song's length.
    """
    wanted = -(-autoencoder.length // info.chunk_size) * info.code_size
    codes = np.asarray(compressed, np.float32).ravel()
    if len(codes) != wanted:
        raise ValueError(
            f"a song of {autoencoder.length} samples has {wanted} codes, not {len(codes)}"
        )
    chunks = autoencoder.autoencoder.decode(
        codes.reshape(-1, info.code_size), gain=autoencoder.gains[:, None]
    )
    return chunks.reshape(-1, 1)[: autoencoder.length]


def _encode(
    autoencoder: ResidualAutoEncoder, chunks: np.ndarray, steps: int
) -> tuple[np.ndarray, float]:
    """Return the codes of some chunks and the gain with the least error."""
    first, rest = autoencoder.split(chunks)
    best, codes, gain = float(np.sum(rest**2)), first, 0.0
    for tried in GAINS[1:]:
        moved, errors = autoencoder.descend(first, rest, gain=tried, steps=steps)
        if errors.sum() < best:
            best, codes, gain = float(errors.sum()), moved, float(tried)
    return codes, gain


def _samples(sound: np.ndarray) -> np.ndarray:
    samples = np.asarray(sound, np.float32)
    if samples.ndim > 2 or (samples.ndim == 2 and samples.shape[1] != 1):
        raise ValueError(f"a sound must have shape (n,) or (n, 1), not {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("a sound holds samples that are not finite numbers")
    return samples.ravel()
