"""From a folder of music to the excerpts that a station is trained on, on an absolute grid of 50 frames a second.

At most MOST_EXCERPTS are taken. Every file gives its share, so that long files don't crowd out
short ones; of a folder with more files than that, as many are opened as are needed, in an order
drawn by the seed. Files are read on all cores, those of any length piece by piece, and what was
worked out of a file is kept in a cache by the file's content: the same training again only has to
read the files' bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.cache import Cache, digest_of
from audio_parsing.decoding import AudioError, reason, shown
from audio_parsing.files import read_audio, read_pieces
from audio_parsing.finding import LOOKED_FOR, find_audio
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.pieces import available_cores
from radio.station.steps import (
    ABSOLUTE_HOP_LENGTH,
    FRAMES_PER_BEAT,
    SAMPLE_RATE,
    STEP_SIZE,
    STEPS_PER_BEAT,
    to_steps,
)
from radio.training.dataset import TrainingSongs
from radio.training.parallel_reader import Place, Readers, Result, attempt

MOST_EXCERPTS = 384  # half a gigabyte of songs of 64 beats
SHORTEST_EXCERPT = 4.0  # seconds
PIECE = 1200.0  # seconds of a file that are in memory at once
WORTH_A_PROCESS = 8  # files; fewer are read before another process has started


@dataclass
class _Reader:
    """What is the same for all files of a folder: the length of an excerpt in samples, the seed of the choice, the cache."""

    folder: Path
    length: int
    seed: int
    cache: Cache | None

    def lot(self, path: Path, place: Place | None = None) -> bytes:
        """Draw a lot for a file or a place in it; the lowest are taken. More files or a larger share leave the others' lots as they are."""
        return hashlib.blake2b(
            repr((self.seed, os.fsencode(path.relative_to(self.folder)), place)).encode(),
            digest_size=8,
        ).digest()

    def choose(self, path: Path, lengths: Iterable[int], share: int) -> list[Place]:
        """Return at most `share` places of a file whose pieces have so many samples."""
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
        """Return those of a file's excerpts that a smaller share would have been."""
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
            kept = {
                place: self.cache.get("excerpt", content, self.length, *place)
                for place in self.choose(path, lengths.tolist(), share)
            }
            sound = {
                place: steps
                for place, steps in kept.items()
                if steps is not None and steps.shape[1:] == (STEP_SIZE,)
            }
            if len(sound) == len(kept):
                return sound
        counted, excerpts = self._work_out(path, share)
        # else it is being written, and this may not be what was digested
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
            # Of the pieces before, those stay whose lots are still among the lowest.
            chosen = self.choose(path, lengths, share)
            kept = {
                place: kept[place] if place in kept else self.steps_of(samples, place.start)
                for place in chosen
            }
        return lengths, kept

    def steps_of(self, samples: np.ndarray, start: int) -> np.ndarray:
        """Return the steps (S, F) float16 of the excerpt that begins at a sample, filled up with silence."""
        excerpt = samples[start : start + self.length]
        frames = audio_frames.encode(
            np.pad(excerpt, (0, self.length - len(excerpt))), hop_length=ABSOLUTE_HOP_LENGTH
        )
        return to_steps(frames).astype(np.float16)


def prepare_folder(
    folder: Path,
    *,
    beats: int = 64,
    seed: int = 0,
    cache: Cache | None = None,
    workers: int | None = None,
    communicator: Communicator = ALONE,
    on_skip: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingSongs:
    """Cut a folder's music into excerpts as long as a song of `beats` beats at 125 beats a minute, on an absolute grid.

    Args:
        folder: searched recursively for audio.
        beats: length of an excerpt; one beat is 24 frames of 20 ms.
        seed: chooses the excerpts where there are more than MOST_EXCERPTS.
        cache: of what was worked out before.
        workers: processes that read; one a core if None, this process alone if 1. The result is the
            same.
        communicator: processes that share the files out; all see the same folder, and all get all
            excerpts.
        on_skip: called with a line for each file that can't be used, and at the end with their sum.
        progress: called with (files done, files in all); those that can't be used are done too.

    Raises:
        AudioError: if the folder holds nothing that can be used, or too little for two excerpts,
            which training needs.
    """
    skip = on_skip or (lambda line: None)
    tell = progress or (lambda done, of: None)
    reader = _Reader(folder, beats * FRAMES_PER_BEAT * ABSOLUTE_HOP_LENGTH, seed, cache)
    paths = find_audio(folder, on_skip=skip)
    if len(paths) > MOST_EXCERPTS:
        paths.sort(key=reader.lot)
    kept: list[tuple[Path, Place, np.ndarray]] = []
    done = short = broken = 0
    problem = ""
    workers = workers or max(1, available_cores() // communicator.local)
    readers = Readers(
        reader,
        (beats * STEPS_PER_BEAT, STEP_SIZE),
        workers=workers if len(paths) >= WORTH_A_PROCESS else 1,
        communicator=communicator,
    )
    with readers:
        while done < len(paths) and len(kept) < MOST_EXCERPTS:
            # A file's share depends on what those before it gave, so some are read ahead with one
            # that may be too large or too small.
            ahead = _share(len(kept), len(paths) - done) + (
                len(paths) < MOST_EXCERPTS and readers.at_once > 1
            )
            block = paths[
                done : done + min(readers.at_once, -(-(MOST_EXCERPTS - len(kept)) // ahead))
            ]
            for path, result in zip(block, readers.read(block, ahead), strict=True):
                share = _share(len(kept), len(paths) - done)
                if share == 0:
                    break
                done += 1
                problem = problem or result.problem
                if share > ahead == len(result.excerpts):
                    result = attempt(reader, path, share)
                excerpts = reader.fewer(path, result.excerpts, share)
                kept += [(path, place, steps) for place, steps in excerpts.items()]
                if result.error:
                    broken += 1
                    skip(result.error)
                elif not excerpts:
                    short += 1
                    skip(f"{shown(path)}: shorter than {SHORTEST_EXCERPT:g} seconds")
                tell(done, len(paths))
    if short or broken:
        skip(f"{shown(folder)}: {short + broken} of {done} files skipped")
    if done < len(paths):
        enough = f"{len(kept)} excerpts of {done - short - broken} files are enough"
        skip(f"{shown(folder)}: {enough}; the other {len(paths) - done} files were not opened")
        tell(len(paths), len(paths))
    if problem:
        skip(problem)
    if broken == len(paths):
        raise AudioError(
            f"{shown(folder)}: no audio in it that can be read; looked in all its folders for {LOOKED_FOR}"
        )
    if not kept:
        raise AudioError(
            f"{shown(folder)}: no music of at least {SHORTEST_EXCERPT:g} seconds in it"
        )
    if len(kept) == 1:
        kept = _two_of(reader, kept[0][0])
    return _training_songs(sorted(kept, key=lambda one: one[:2]))


def _share(kept: int, files: int) -> int:
    """Return how many excerpts the next of so many files may give."""
    return -(-(MOST_EXCERPTS - kept) // files)


def _two_of(reader: _Reader, path: Path) -> list[tuple[Path, Place, np.ndarray]]:
    """Return two overlapping excerpts of the only file that there is."""
    samples = read_audio(path, SAMPLE_RATE, max_seconds=PIECE)
    if len(samples) < 2 * SHORTEST_EXCERPT * SAMPLE_RATE:
        raise AudioError(
            f"{shown(reader.folder)}: only {len(samples) / SAMPLE_RATE:.1f} seconds of music in it; training needs one file of at least "
            f"{2 * SHORTEST_EXCERPT:g} seconds or two of at least {SHORTEST_EXCERPT:g}"
        )
    starts = (0, max(len(samples) // 4, len(samples) - reader.length))
    return [(path, Place(0, start), reader.steps_of(samples, start)) for start in starts]


def _training_songs(kept: list[tuple[Path, Place, np.ndarray]]) -> TrainingSongs:
    steps = np.empty((len(kept), *kept[0][2].shape), np.float32)
    for row, (_, _, excerpt) in zip(steps, kept, strict=True):
        row[:] = excerpt
    names = [
        f"{shown(path.name)} at {round(place.piece * PIECE) + place.start // SAMPLE_RATE} s"
        for path, place, _ in kept
    ]
    return TrainingSongs(steps, np.zeros((len(kept), 0), np.float32), names, "absolute")


def _starts(size: int, length: int) -> list[int]:
    """Return where the excerpts of a piece begin, in samples: side by side, in its middle."""
    if size < SHORTEST_EXCERPT * SAMPLE_RATE:
        return []
    count = max(1, size // length)
    slack = max(0, size - count * length)
    return [number * length + slack // 2 for number in range(count)]


def status_of(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is written to.

    Raises:
        AudioError: if the file isn't there.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise AudioError(f"{shown(path)}: {reason(error)}") from None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
