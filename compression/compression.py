"""Compress audio with an autoencoder: cut a song into chunks and keep the code of each, which is shorter than the chunk.

Contract:

    train_compressor(sounds, info, max_epochs)          the autoencoder stays in info
    compress(song, info) -> (codes, autoencoder)        codes (chunks * code_size,)
    decompress(autoencoder, codes, info) -> song        (n, 1), as long as the song that was compressed

The last chunk is filled up with zeros; the length before that is kept beside the autoencoder, so that no tail is lost and none added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Unpack

import numpy as np

from neural_networks.autoencoder.autoencoder import AutoEncoder
from neural_networks.epochs import TrainingOptions
from neural_networks.history import History

BATCH_SIZE = 100  # chunks


@dataclass
class CompressionInfo:
    """How songs are compressed, and, after `train_compressor`, with what.

    Attributes:
        layers: sizes of the autoencoder's layers, from a chunk's samples over its code to its samples.
        learning_rate: of the training.
        patience: the training ends early after so many epochs without progress.
        autoencoder: None until it is trained.
        deviation: standard deviation of the samples it was trained on; it works on samples divided by it.
    """

    layers: tuple[int, ...]
    learning_rate: float = 0.001
    patience: int = 500
    autoencoder: AutoEncoder | None = field(default=None, repr=False)
    deviation: float = 1.0

    @property
    def chunk_size(self) -> int:
        """Samples of a chunk."""
        return self.layers[0]

    @property
    def code_size(self) -> int:
        """Values that are kept of a chunk."""
        return self.layers[len(self.layers) // 2]


COMPRESSION_1_INFO = CompressionInfo(layers=(100, 60, 100))


@dataclass(frozen=True)
class SongAutoEncoder:
    """What gives one song back: the autoencoder, the song's length in samples and the deviation its samples were divided by."""

    autoencoder: AutoEncoder
    length: int
    deviation: float


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
    """Train an autoencoder on the chunks of some sounds and keep it in `info`. It may end early, when the loss falls no more, and says so.

    Args:
        sounds: arrays (n,) or (n, 1) of any lengths.
        info: such as COMPRESSION_1_INFO; an autoencoder that it holds is replaced.
        max_epochs: times that every chunk is seen.
        print_epochs: print about 20 lines on the way.
        rng: draws the first weights; the same each time if not given.
        test_share: of the chunks, kept apart to measure a test loss.
        **options: checkpoint, averaging and others: see TrainingOptions; patience is that of `info` if not given.

    Returns:
        The losses: the mean squared error over the samples' variance.

    Raises:
        ValueError: if there is no sound, or samples that are not numbers.
    """
    if max_epochs < 1:
        raise ValueError(f"max_epochs is at least 1, not {max_epochs}")
    songs = [_samples(sound) for sound in sounds]
    if not sum(len(song) for song in songs):
        raise ValueError("there are no samples to train on")
    deviation = float(np.concatenate(songs).std(dtype=np.float64)) or 1.0
    chunks = np.concatenate([_chunks(song / np.float32(deviation), info.chunk_size) for song in songs])
    autoencoder = AutoEncoder(info.layers, rng=rng)
    options.setdefault("patience", info.patience)
    history = autoencoder.train(
        chunks,
        max_epochs,
        batch_size=BATCH_SIZE,
        learning_rate=info.learning_rate,
        print_epochs=print_epochs,
        test_share=test_share,
        **options,
    )
    info.autoencoder, info.deviation = autoencoder, deviation
    return history


def compress(song: np.ndarray, info: CompressionInfo) -> tuple[np.ndarray, SongAutoEncoder]:
    """Return a song's codes (chunks * code_size,) float32 and what gives the song back from them.

    Args:
        song: (n,) or (n, 1).
        info: that `train_compressor` was called with.

    Raises:
        ValueError: if nothing was trained yet, or the song has samples that are not numbers.
    """
    if info.autoencoder is None:
        raise ValueError("there is no autoencoder yet: call train_compressor(sounds, info, max_epochs) first")
    samples = _samples(song)
    chunks = _chunks(samples / np.float32(info.deviation), info.chunk_size)
    codes = info.autoencoder.encode(chunks).ravel()
    return codes, SongAutoEncoder(info.autoencoder, len(samples), info.deviation)


def decompress(autoencoder: SongAutoEncoder, compressed: np.ndarray, info: CompressionInfo) -> np.ndarray:
    """Return the song (n, 1) float32 that `compress` made the codes from, as well as the autoencoder can.

    Args:
        autoencoder: that `compress` returned with the codes.
        compressed: the codes (chunks * code_size,).
        info: that `compress` was called with.

    Raises:
        ValueError: if the number of codes is not that of the song.
    """
    wanted = -(-autoencoder.length // info.chunk_size) * info.code_size
    codes = np.asarray(compressed, np.float32).ravel()
    if len(codes) != wanted:
        raise ValueError(f"a song of {autoencoder.length} samples has {wanted} codes, not {len(codes)}")
    samples = autoencoder.autoencoder.decode(codes).ravel()[: autoencoder.length]
    return (samples * np.float32(autoencoder.deviation))[:, None]


def _samples(sound: np.ndarray) -> np.ndarray:
    samples = np.asarray(sound, np.float32)
    if samples.ndim > 2 or (samples.ndim == 2 and samples.shape[1] != 1):
        raise ValueError(f"a sound is an array of shape (n,) or (n, 1), not {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("a sound holds samples that are not numbers")
    return samples.ravel()


def _chunks(samples: np.ndarray, size: int) -> np.ndarray:
    """Return samples (n,) as (chunks, size), zeros after the last sample."""
    return np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
