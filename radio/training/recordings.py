"""Frames of whole recordings, 24 a beat, or 50 a second where there is no beat.

    recordings.frames -> [(T, 202) float16, ...]      recordings.names -> ["song.ogg", ...]

music_reading.py reads them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.opening import shown
from radio.station import (
    ABSOLUTE_HOP_LENGTH,
    FRAMES_PER_BEAT,
    SAMPLE_RATE,
    UNKNOWN_KEY,
    FrameGrid,
    coordinate_tempo,
    key_coordinate,
    tempo_coordinate,
    to_frames,
)
from radio.training.parallel_reader import Place
from radio.training.recording_reader import PIECE


@dataclass
class Recordings:
    """Music ready for excerpts to be drawn from.

    Attributes:
        frames: (T, 202) float16 of each recording.
        names: of each.
        grid: 'beat' or 'absolute'.
        coordinates: (N, 2) float32 tempo and key of each, or (N, 0) on an absolute grid. Where they
            are not known, the tempo is 125 and the key 0.
        keyed: whether the keys are known; then the frames are in C major or A minor.
        encoded: so many, the first, tell where songs lie in latent space; all if None.
    """

    frames: list[np.ndarray]
    names: list[str]
    grid: str
    coordinates: np.ndarray
    encoded: int | None = None
    keyed: bool = False

    @property
    def hours(self) -> float:
        """How long the music lasts."""
        seconds = (len(one) * self.frame_seconds(i) for i, one in enumerate(self.frames))
        return sum(seconds) / 3600

    def frame_seconds(self, recording: int) -> float:
        """Return how long a frame of a recording lasts."""
        if self.grid == "absolute":
            return ABSOLUTE_HOP_LENGTH / SAMPLE_RATE
        tempo = coordinate_tempo(float(self.coordinates[recording, 0]))
        return 60 / FRAMES_PER_BEAT / tempo

    def excerpt_name(self, recording: int, start: int) -> str:
        """Return the name of an excerpt: its recording, and how far in it begins.

        Args:
            recording: number of it.
            start: frame of the recording.
        """
        if self.grid == "beat" and not start:
            return self.names[recording]
        seconds = int(start * self.frame_seconds(recording))
        return f"{self.names[recording]} + {seconds} s"

    def fingerprint(self) -> str:
        """Return a short text that is the same for the same music."""
        digest = hashlib.sha256(repr((self.names, [len(one) for one in self.frames])).encode())
        for one in self.frames:
            digest.update(np.ascontiguousarray(one[::96, ::8]).tobytes())
        return digest.hexdigest()[:16]


def joined(kept: dict[Path, dict[Place, np.ndarray]], block: int) -> Recordings:
    """Join blocks that lie side by side in a file; others become recordings of their own.

    Args:
        kept: blocks (S, 1212) of each file; it is emptied, so that no block is in memory twice.
        block: frames of one.
    """
    frames: list[np.ndarray] = []
    names: list[str] = []
    grids: list[FrameGrid] = []
    for path in sorted(kept):
        blocks = sorted(kept.pop(path).items())
        borders = [
            index
            for index, ((a, _), (b, _)) in enumerate(pairwise(blocks), 1)
            if a.piece != b.piece or b.start > a.start + block
        ]
        for begin, end in pairwise([0, *borders, len(blocks)]):
            first = blocks[begin][0]
            recording = np.concatenate(
                [
                    to_frames(one)[: after.start - place.start]
                    for (place, one), (after, _) in pairwise(blocks[begin:end])
                ]
                + [to_frames(blocks[end - 1][1])]
            )
            heard = np.flatnonzero(recording.any(axis=1))
            frames.append(recording[: heard[-1] + 1] if heard.size else recording)
            seconds = first.grid.seconds(first.start)
            second = round(first.piece * PIECE) + max(0, int(seconds))
            names.append(shown(path.name) + (f" at {second} s" if begin or second else ""))
            grids.append(first.grid)
    if not any(grid.on_beats for grid in grids):
        return Recordings(frames, names, "absolute", np.zeros((len(frames), 0), np.float32))
    # The key of scores among recordings means nothing to a model that doesn't know the others'.
    keyed = all(grid.key != UNKNOWN_KEY for grid in grids)
    keys = [int(grid.key) if keyed else 0 for grid in grids]
    frames = [
        audio_frames.transpose(one, -key).astype(one.dtype) if key else one
        for one, key in zip(frames, keys, strict=True)
    ]
    coordinates = [
        (tempo_coordinate(grid.tempo), key_coordinate(key))
        for grid, key in zip(grids, keys, strict=True)
    ]
    return Recordings(frames, names, "beat", np.array(coordinates, np.float32), keyed=keyed)
