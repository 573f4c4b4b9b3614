"""Code blocks of sound: quantised coefficients, written by the range coder.

Contract:

    Encoder(channels, quality).push(samples (n, channels)) -> Blocks    .finish() gives the rest
    Decoder(channels).push(block) -> samples (m, channels)              .finish() gives the rest

Blocks are independent except for the overlap at their ends, so a song of any length needs the
memory of two blocks. A block's quantisation step is a share of its own root mean square, at least
that of 16-bit samples: silence costs nothing, and quiet music is coded as well as loud music.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from compression import range_coder
from compression.lapped import CHUNK, Folding, frequencies, samples
from compression.restoring import Restorer

# steps, as shares of a block's root mean square
QUALITIES = {1: 1.0, 2: 0.5, 3: 0.25, 4: 0.1, 5: 0.03}
DEFAULT_QUALITY = 3
BLOCK_CHUNKS = 256  # in a block of one or two channels; fewer if there are more
LOUDEST = 4096.0  # times full scale
# a step is 2^(code / 8 - 20), no finer than 2^-16 of full scale
STEPS_AN_OCTAVE, LOWEST_OCTAVE, FINEST_OCTAVE = 8, -20, -16
# a coefficient's magnitude in steps is rounded up from 1 - ROUNDING on: fewer levels, hardly more
# error
ROUNDING = 0.36
MIDDLE_SIDE = 1


class Block(NamedTuple):
    """Some chunks of all channels: their number, the coding mode, and the coded levels."""

    chunks: int
    flags: int
    step: int
    payload: bytes


class Encoder:
    """Encode samples as blocks.

    Args:
        channels: number of channels of the sound.
        quality: 1 to 5.

    Examples:
        >>> tone = 0.1 * np.sin(0.1 * np.arange(22050))[:, None]  # one channel
        >>> encoder, decoder = Encoder(1, quality=5), Decoder(1, None)
        >>> blocks = encoder.push(tone) + encoder.finish()
        >>> samples = np.concatenate([*map(decoder.push, blocks), decoder.finish()])[: len(tone)]
        >>> samples.shape, bool(np.abs(samples - tone).max() < 0.02)
        ((22050, 1), True)
    """

    def __init__(self, channels: int, quality: int = DEFAULT_QUALITY) -> None:
        if quality not in QUALITIES:
            raise ValueError(f"the quality must be from 1 to {max(QUALITIES)}, not {quality}")
        self._channels, self._share = channels, QUALITIES[quality]
        self._block = block_chunks(channels) * CHUNK
        self._folding = Folding(+1)
        self._samples: list[np.ndarray] = []
        self._count = 0

    def push(self, block: np.ndarray) -> list[Block]:
        """Take samples (n, channels) and return the finished blocks.

        Raises:
            ValueError: if the samples are not finite, or far above full scale.
        """
        if not np.isfinite(block).all():
            raise ValueError("holds samples that are not finite numbers")
        if np.abs(block).max(initial=0) > LOUDEST:
            raise ValueError(f"holds samples more than {LOUDEST:g} times louder than full scale")
        self._samples.append(np.asarray(block, np.float32))
        self._count += len(block)
        if self._count < self._block:
            return []
        together = np.concatenate(self._samples)
        whole = self._count // self._block * self._block
        self._samples, self._count = [together[whole:]], self._count - whole
        return [
            self._fold(together[start : start + self._block])
            for start in range(0, whole, self._block)
        ]

    def finish(self) -> list[Block]:
        """Return the blocks that remain."""
        left = (
            np.concatenate(self._samples)
            if self._samples
            else np.zeros((0, self._channels), np.float32)
        )
        blocks = [self._fold(np.pad(left, ((0, -len(left) % CHUNK), (0, 0))))] if len(left) else []
        last = self._folding.finish()
        return blocks if last is None else [*blocks, self._encode(last)]

    def _fold(self, block: np.ndarray) -> Block:
        chunks = np.ascontiguousarray(block.T).reshape(self._channels, -1, CHUNK)
        return self._encode(self._folding.push(chunks))

    def _encode(self, chunks: np.ndarray) -> Block:
        coefficients = frequencies(chunks)
        power = (
            float(np.mean(np.square(coefficients), dtype=np.float64)) if coefficients.size else 0.0
        )
        octave = max(
            math.log2(math.sqrt(power) * self._share) if power > 0 else FINEST_OCTAVE, FINEST_OCTAVE
        )
        step = round((octave - LOWEST_OCTAVE) * STEPS_AN_OCTAVE)
        scaled = coefficients / np.float32(_size(step))
        flags = 0
        if self._channels == 2:
            turned = _middle_side(scaled)
            if _bits(turned) < _bits(scaled):
                scaled, flags = turned, MIDDLE_SIDE
        levels = np.sign(scaled) * np.minimum(
            np.floor(np.abs(scaled) + np.float32(ROUNDING)), range_coder.LARGEST
        )
        return Block(chunks.shape[1], flags, step, range_coder.encode(levels.astype(np.int32)))


class Decoder:
    """Decode blocks into samples.

    Args:
        channels: number of channels of the sound.
        restorer: the network; None decodes to the middle of each interval.
    """

    def __init__(self, channels: int, restorer: Restorer | None) -> None:
        self._channels, self._restorer = channels, restorer
        self._folding = Folding(-1)

    def push(self, block: Block) -> np.ndarray:
        """Return the finished samples (m, channels)."""
        levels = range_coder.decode(block.payload, (self._channels, block.chunks, CHUNK))
        scaled = self._restorer.restore(levels) if self._restorer else levels.astype(np.float32)
        if block.flags & MIDDLE_SIDE:
            scaled = _middle_side(scaled)  # its own inverse
        return _flat(self._folding.push(samples(scaled * np.float32(_size(block.step)))))

    def finish(self) -> np.ndarray:
        """Return the remaining samples."""
        last = self._folding.finish()
        return np.zeros((0, self._channels), np.float32) if last is None else _flat(last)


def block_chunks(channels: int) -> int:
    """Return the largest number of chunks in a block of so many channels."""
    return max(1, BLOCK_CHUNKS * 2 // max(channels, 2))


def _size(step: int) -> float:
    return 2.0 ** (step / STEPS_AN_OCTAVE + LOWEST_OCTAVE)


def _middle_side(coefficients: np.ndarray) -> np.ndarray:
    return np.stack(
        [coefficients[0] + coefficients[1], coefficients[0] - coefficients[1]]
    ) * np.float32(math.sqrt(0.5))


def _bits(scaled: np.ndarray) -> float:
    """Return about how many bits the levels take, for comparison."""
    return float(np.log2(1 + np.abs(scaled)).sum(dtype=np.float64))


def _flat(chunks: np.ndarray) -> np.ndarray:
    return chunks.reshape(len(chunks), -1).T
