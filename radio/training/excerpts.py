"""Reads excerpts of a music file as steps, and caches them by the file's content.

Which excerpts are chosen follows from the seed, the file's path and the place in it, so more files
or a larger share leave the choice of the others as it is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.cache import Cache, digest_of
from audio_parsing.decoding import AudioError, reason, shown
from audio_parsing.files import read_audio, read_pieces
from radio.station import ABSOLUTE_HOP_LENGTH, SAMPLE_RATE, STEP_SIZE, to_steps
from radio.training.parallel_reader import Place, Result

SHORTEST_EXCERPT = 4.0  # seconds
PIECE = 1200.0  # seconds of a file that are in memory at once

Excerpt = tuple[Path, Place, np.ndarray]  # steps (S, F) float16


@dataclass
class ExcerptReader:
    """Read excerpts of the files in a folder.

    Args:
        folder: that holds the files.
        length: of an excerpt, in samples.
        seed: chooses the excerpts.
        cache: of earlier results, or None.
    """

    folder: Path
    length: int
    seed: int
    cache: Cache | None

    def lot(self, path: Path, place: Place | None = None) -> bytes:
        """Return a pseudo-random key of a file or a place in it; the lowest are chosen."""
        return hashlib.blake2b(
            repr((self.seed, os.fsencode(path.relative_to(self.folder)), place)).encode(),
            digest_size=8,
        ).digest()

    def choose(self, path: Path, lengths: Iterable[int], share: int) -> list[Place]:
        """Return at most `share` places of a file, given the samples of each piece."""
        places = [
            Place(piece, start)
            for piece, size in enumerate(lengths)
            for start in _starts(size, self.length)
        ]
        return sorted(sorted(places, key=lambda place: self.lot(path, place))[:share])

    def __call__(self, path: Path, share: int) -> Result:
        """Return at most `share` excerpts of a file.

        Raises:
            AudioError: if it can't be read.
        """
        excerpts = self.read(path, share)
        return Result(excerpts, problem=(self.cache and self.cache.problem) or "")

    def fewer(
        self, path: Path, excerpts: dict[Place, np.ndarray], share: int
    ) -> dict[Place, np.ndarray]:
        """Return the excerpts (S, F) that a smaller share would have chosen."""
        chosen = sorted(sorted(excerpts, key=lambda place: self.lot(path, place))[:share])
        return {place: excerpts[place] for place in chosen}

    def read(self, path: Path, share: int) -> dict[Place, np.ndarray]:
        """Return steps (S, F) float16 of at most `share` excerpts of a file."""
        if self.cache is None:
            return self._work_out(path, share)[1]
        before = status_of(path)
        content = digest_of(path)
        lengths = self.cache.get("pieces", content)
        if lengths is not None and lengths.ndim == 1:
            cached = {
                place: self.cache.get("excerpt", content, self.length, *place)
                for place in self.choose(path, lengths.tolist(), share)
            }
            sound = {
                place: steps
                for place, steps in cached.items()
                if steps is not None and steps.shape[1:] == (STEP_SIZE,)
            }
            if len(sound) == len(cached):
                return sound
        counted, excerpts = self._work_out(path, share)
        # Otherwise the file is being written, and may differ from what was digested.
        if status_of(path) == before:
            for place, steps in excerpts.items():
                self.cache.put(steps, "excerpt", content, self.length, *place)
            self.cache.put(np.array(counted, np.int64), "pieces", content)
        return excerpts

    def _work_out(self, path: Path, share: int) -> tuple[list[int], dict[Place, np.ndarray]]:
        """Return the samples of each piece of a file, and its excerpts."""
        lengths: list[int] = []
        kept: dict[Place, np.ndarray] = {}
        for samples in read_pieces(path, SAMPLE_RATE, seconds=PIECE):
            lengths.append(len(samples))
            # Excerpts of earlier pieces stay if their lots are still among the lowest.
            chosen = self.choose(path, lengths, share)
            kept = {
                place: kept[place] if place in kept else self.steps_of(samples, place.start)
                for place in chosen
            }
        return lengths, kept

    def two_overlapping(self, path: Path) -> list[Excerpt]:
        """Return two overlapping excerpts of a folder's only file.

        Raises:
            AudioError: if it is too short.
        """
        samples = read_audio(path, SAMPLE_RATE, max_seconds=PIECE)
        if len(samples) < 2 * SHORTEST_EXCERPT * SAMPLE_RATE:
            raise AudioError(
                f"{shown(self.folder)}: only {len(samples) / SAMPLE_RATE:.1f} seconds of music in "
                f"it; training needs one file of at least {2 * SHORTEST_EXCERPT:g} seconds or two "
                f"of at least {SHORTEST_EXCERPT:g}"
            )
        starts = (0, max(len(samples) // 4, len(samples) - self.length))
        return [(path, Place(0, start), self.steps_of(samples, start)) for start in starts]

    def steps_of(self, samples: np.ndarray, start: int) -> np.ndarray:
        """Return the steps (S, F) float16 of the excerpt at a sample, padded with silence."""
        excerpt = samples[start : start + self.length]
        frames = audio_frames.encode(
            np.pad(excerpt, (0, self.length - len(excerpt))), hop_length=ABSOLUTE_HOP_LENGTH
        )
        return to_steps(frames).astype(np.float16)


def excerpt_name(path: Path, place: Place) -> str:
    """Return the name of an excerpt: its file, and where it begins."""
    return f"{shown(path.name)} at {round(place.piece * PIECE) + place.start // SAMPLE_RATE} s"


def _starts(size: int, length: int) -> list[int]:
    """Return the first samples of a piece's excerpts: side by side, in its middle."""
    if size < SHORTEST_EXCERPT * SAMPLE_RATE:
        return []
    count = max(1, size // length)
    slack = max(0, size - count * length)
    return [number * length + slack // 2 for number in range(count)]


def status_of(path: Path) -> tuple[int, ...]:
    """Return figures that change when a file is written to.

    Raises:
        AudioError: if the file does not exist.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise AudioError(f"{shown(path)}: {reason(error)}") from None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
