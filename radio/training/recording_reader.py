"""Reads blocks of a music file as frames on its beat, and caches them by the file's content.

A piece of a file that keeps its tempo lies on its beats, 24 frames each; others have 50 a second. A
score is one piece, whose beats and key are known.
Which blocks are chosen follows from the seed, the file's path and the place in it, so more files or
a larger share leave the choice of the others as it is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audio_parsing.cache import Cache, digest_of
from audio_parsing.files import read_pieces
from audio_parsing.opening import AudioError, reason, shown
from audio_parsing.scores import is_score, read_score, render_score
from audio_parsing.song import hop_length
from radio.station import PHRASE, SAMPLE_RATE, FrameGrid, find_grid, to_steps
from radio.training.parallel_reader import Place, Result

SHORTEST_RECORDING = 4.0  # seconds
PIECE = 1200.0  # seconds of a file that are in memory at once
BLOCK = 4 * PHRASE  # frames: a minute, or 128 beats


class PieceOfFile(NamedTuple):
    """How long a piece is, and where its frames lie."""

    samples: int
    grid: FrameGrid


@dataclass
class RecordingReader:
    """Read blocks of files.

    Args:
        folder: that holds the files, an absolute path.
        seed: chooses the blocks.
        block: frames of one.
        cache: of earlier results, or None.
        soundfont: that plays scores; the synthesizer if None.
    """

    folder: Path
    seed: int
    block: int
    cache: Cache | None
    soundfont: Path | None = None

    def lot(self, path: Path, place: Place | None = None) -> bytes:
        """Draw a lot for a file or a block of it; those with the lowest are taken."""
        whole = path.absolute()
        inside = whole.is_relative_to(self.folder)
        name = os.fsencode(whole.relative_to(self.folder) if inside else whole)
        where = None if place is None else place[:2]
        return hashlib.blake2b(repr((self.seed, name, where)).encode(), digest_size=8).digest()

    def choose(self, path: Path, pieces: list[PieceOfFile], share: int) -> list[Place]:
        """Return at most `share` blocks of a file of some pieces."""
        places = [
            Place(number, start, piece.grid)
            for number, piece in enumerate(pieces)
            for start in _starts(piece, self.block)
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
        content = digest_of(path) + (self._soundfont_digest if is_score(path) else "")
        found = self.cache.get("pieces", content)
        if found is not None and found.ndim == 2:
            pieces = [PieceOfFile(int(n), FrameGrid(*grid)) for n, *grid in found.tolist()]
            chosen = self.choose(path, pieces, share)
            kept = {place: self.cache.get(*self._key(content, place)) for place in chosen}
            sound = {place: block for place, block in kept.items() if block is not None}
            if len(sound) == len(kept):
                return Result(sound)
        pieces, blocks, note = self._work_out(path, share)
        if _status_of(path) == before:  # else it is being written, and was not what was digested
            for place, block in blocks.items():
                self.cache.put(block, *self._key(content, place))
            rows = [(piece.samples, *piece.grid) for piece in pieces]
            self.cache.put(np.array(rows, np.float64).reshape(-1, 4), "pieces", content)
        return Result(blocks, problem=self.cache.problem or "", note=note)

    @cached_property
    def _soundfont_digest(self) -> str:
        return "" if self.soundfont is None else digest_of(self.soundfont)

    def _key(self, content: str, place: Place) -> tuple[str | int, ...]:
        """Return what a block is called in the cache; its grid follows from the content."""
        return "block", content, self.block, place.piece, place.start

    def fewer(
        self, path: Path, blocks: dict[Place, np.ndarray], share: int
    ) -> dict[Place, np.ndarray]:
        """Return the blocks (S, 1212) of a file that a smaller share would have given."""
        chosen = sorted(blocks, key=lambda place: self.lot(path, place))[:share]
        return {place: blocks[place] for place in sorted(chosen)}

    def _work_out(
        self, path: Path, share: int
    ) -> tuple[list[PieceOfFile], dict[Place, np.ndarray], str]:
        """Return the pieces of a file, its blocks, and what is worth knowing."""
        pieces: list[PieceOfFile] = []
        notes: list[str] = []
        kept: dict[Place, np.ndarray] = {}
        for samples, grid in self._pieces(path, notes):
            pieces.append(PieceOfFile(len(samples), grid))
            # Of the pieces before, those stay whose lots are still among the lowest.
            chosen = self.choose(path, pieces, share)
            kept = {
                place: kept[place] if place in kept else _block(samples, place, self.block)
                for place in chosen
            }
        return pieces, kept, "; ".join(notes)

    def _pieces(self, path: Path, notes: list[str]) -> Iterator[tuple[np.ndarray, FrameGrid]]:
        """Yield the samples of a file, piece by piece, and where their frames lie."""
        if is_score(path):
            score = read_score(path)
            sound = render_score(score, SAMPLE_RATE, soundfont=self.soundfont)
            yield sound, FrameGrid(hop_length(score.bpm), key=score.transposition)
            return
        for samples in read_pieces(path, SAMPLE_RATE, seconds=PIECE, on_note=notes.append):
            yield samples, find_grid(samples)


def _starts(piece: PieceOfFile, block: int) -> list[int]:
    """Return the frames at which a piece's blocks begin: side by side, the last one at its end."""
    if piece.samples < SHORTEST_RECORDING * SAMPLE_RATE:
        return []
    frames = piece.grid.count(piece.samples)
    unit = PHRASE if piece.grid.on_beats else 1
    return [*range(0, frames - block, block), -(-max(0, frames - block) // unit) * unit]


def _block(samples: np.ndarray, place: Place, block: int) -> np.ndarray:
    """Return the steps (S, 1212) float16 of the block at a place; after the last frame zeros."""
    return to_steps(place.grid.frames(samples, place.start, block)).astype(np.float16)


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
