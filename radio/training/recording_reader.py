"""Reads blocks of a music file as frames, and caches them by the file's content.

Which blocks are chosen follows from the seed, the file's path and the place in it, so more files or
a larger share leave the choice of the others as it is.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.cache import Cache, digest_of
from audio_parsing.files import read_pieces
from audio_parsing.opening import AudioError, reason, shown
from radio.station import ABSOLUTE_HOP_LENGTH, SAMPLE_RATE, to_steps
from radio.training.parallel_reader import Place, Result

SHORTEST_RECORDING = 4.0  # seconds
PIECE = 1200.0  # seconds of a file that are in memory at once
BLOCK = 3000  # frames: a minute
MARGIN = 50  # frames before and after a block that are encoded with it: the filters ring


@dataclass
class RecordingReader:
    """Read blocks of files.

    Args:
        folder: that holds the files, an absolute path.
        seed: chooses the blocks.
        block: frames of one.
        cache: of earlier results, or None.
    """

    folder: Path
    seed: int
    block: int
    cache: Cache | None

    def lot(self, path: Path, place: Place | None = None) -> bytes:
        """Draw a lot for a file or a block of it; those with the lowest are taken."""
        whole = path.absolute()
        inside = whole.is_relative_to(self.folder)
        name = os.fsencode(whole.relative_to(self.folder) if inside else whole)
        return hashlib.blake2b(repr((self.seed, name, place)).encode(), digest_size=8).digest()

    def choose(self, path: Path, lengths: list[int], share: int) -> list[Place]:
        """Return at most `share` blocks of a file whose pieces have so many samples."""
        places = [
            Place(piece, start)
            for piece, size in enumerate(lengths)
            for start in _starts(size, self.block)
        ]
        return sorted(sorted(places, key=lambda place: self.lot(path, place))[:share])

    def __call__(self, path: Path, share: int) -> Result:
        """Return at most `share` blocks of a file.

        Raises:
            AudioError: if it can't be read.
        """
        if self.cache is None:
            _, blocks, note = self._work_out(path, share)
            return Result(blocks, note=note)
        before = _status_of(path)
        content = digest_of(path)
        lengths = self.cache.get("lengths", content)
        if lengths is not None and lengths.ndim == 1:
            chosen = self.choose(path, lengths.tolist(), share)
            kept = {place: self.cache.get("block", content, self.block, *place) for place in chosen}
            sound = {place: block for place, block in kept.items() if block is not None}
            if len(sound) == len(kept):
                return Result(sound)
        counted, blocks, note = self._work_out(path, share)
        if _status_of(path) == before:  # else it is being written, and was not what was digested
            for place, block in blocks.items():
                self.cache.put(block, "block", content, self.block, *place)
            self.cache.put(np.array(counted, np.int64), "lengths", content)
        return Result(blocks, problem=self.cache.problem or "", note=note)

    def fewer(
        self, path: Path, blocks: dict[Place, np.ndarray], share: int
    ) -> dict[Place, np.ndarray]:
        """Return the blocks (S, 1086) of a file that a smaller share would have given."""
        chosen = sorted(blocks, key=lambda place: self.lot(path, place))[:share]
        return {place: blocks[place] for place in sorted(chosen)}

    def _work_out(self, path: Path, share: int) -> tuple[list[int], dict[Place, np.ndarray], str]:
        """Return the samples of each piece of a file, its blocks, and what is worth knowing."""
        lengths: list[int] = []
        notes: list[str] = []
        kept: dict[Place, np.ndarray] = {}
        for samples in read_pieces(path, SAMPLE_RATE, seconds=PIECE, on_note=notes.append):
            lengths.append(len(samples))
            # Of the pieces before, those stay whose lots are still among the lowest.
            chosen = self.choose(path, lengths, share)
            kept = {
                place: kept[place] if place in kept else _block(samples, place.start, self.block)
                for place in chosen
            }
        return lengths, kept, "; ".join(notes)


def _starts(size: int, block: int) -> list[int]:
    """Return where a piece's blocks begin, in samples: side by side, the last one at its end."""
    if size < SHORTEST_RECORDING * SAMPLE_RATE:
        return []
    frames = -(-size // ABSOLUTE_HOP_LENGTH)
    starts = [*range(0, frames - block, block), max(0, frames - block)]
    return [start * ABSOLUTE_HOP_LENGTH for start in starts]


def _block(samples: np.ndarray, start: int, block: int) -> np.ndarray:
    """Return the steps (S, 1086) float16 of the block at a sample; after the last frame zeros."""
    margin = MARGIN * ABSOLUTE_HOP_LENGTH
    before = min(start, margin)
    sound = samples[start - before : start + block * ABSOLUTE_HOP_LENGTH + margin]
    frames = audio_frames.encode(sound, hop_length=ABSOLUTE_HOP_LENGTH)
    frames = frames[before // ABSOLUTE_HOP_LENGTH :][:block]
    return to_steps(np.pad(frames, [(0, block - len(frames)), (0, 0)])).astype(np.float16)


def _status_of(path: Path) -> tuple[int, ...]:
    """Return figures that change when a file is written to.

    Raises:
        AudioError: if the file does not exist.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise AudioError(f"{shown(path)}: {reason(error)}") from None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
