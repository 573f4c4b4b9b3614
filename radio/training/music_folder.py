"""From a folder of music to training excerpts, on an absolute grid of 50 frames a second.

At most MOST_EXCERPTS are taken. Every file gives its share, so that long files don't crowd out
short ones; in a folder with more files than that, only as many as needed are opened, in an order
drawn by the seed. Files are read on all cores, long ones in pieces, and cached by their content:
the same training again only has to read the files' bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from audio_parsing.cache import Cache
from audio_parsing.decoding import AudioError, shown
from audio_parsing.finding import LOOKED_FOR, find_audio
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.pieces import available_cores
from radio.station import ABSOLUTE_HOP_LENGTH, FRAMES_PER_BEAT, STEP_SIZE, STEPS_PER_BEAT
from radio.training.dataset import TrainingSongs
from radio.training.excerpts import SHORTEST_EXCERPT, Excerpt, ExcerptReader, excerpt_name
from radio.training.parallel_reader import Readers, Result, attempt

MOST_EXCERPTS = 384  # half a gigabyte of songs of 64 beats
WORTH_A_PROCESS = 8  # files; fewer are read before another process has started


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
    """Cut a folder's music into excerpts as long as `beats` beats at 125 beats a minute.

    Args:
        folder: searched recursively for audio.
        beats: length of an excerpt; one beat is 24 frames of 20 ms.
        seed: chooses the excerpts if there are more than MOST_EXCERPTS.
        cache: of earlier results.
        workers: processes that read; one a core if None, this process alone if 1. The result is the
            same.
        communicator: processes that share the files; all see the same folder, and all get all
            excerpts.
        on_skip: called with a line for each file that can't be used, and a summary at the end.
        progress: called with (files done, files in total), unusable ones included.

    Raises:
        AudioError: if the folder holds too little music for two excerpts.
    """
    skip = on_skip or (lambda line: None)
    reader = ExcerptReader(folder, beats * FRAMES_PER_BEAT * ABSOLUTE_HOP_LENGTH, seed, cache)
    paths = find_audio(folder, on_skip=skip)
    if len(paths) > MOST_EXCERPTS:
        paths.sort(key=reader.lot)
    workers = workers or max(1, available_cores() // communicator.local)
    readers = Readers(
        reader,
        (beats * STEPS_PER_BEAT, STEP_SIZE),
        workers=workers if len(paths) >= WORTH_A_PROCESS else 1,
        communicator=communicator,
    )
    collector = _Collector(reader, paths, skip, progress or (lambda done, of: None))
    with readers:
        collector.collect(readers)
    collector.summarise()
    excerpts = collector.excerpts
    if len(excerpts) == 1:
        excerpts = reader.two_overlapping(excerpts[0][0])
    return _training_songs(sorted(excerpts, key=lambda one: one[:2]))


class _Collector:
    """Collects excerpts from the files of a folder, and counts what can't be used."""

    def __init__(
        self,
        reader: ExcerptReader,
        paths: list[Path],
        skip: Callable[[str], None],
        progress: Callable[[int, int], None],
    ) -> None:
        self.excerpts: list[Excerpt] = []
        self._reader, self._paths, self._skip, self._progress = reader, paths, skip, progress
        self._done = self._short = self._broken = 0
        self._problem = ""

    def collect(self, readers: Readers) -> None:
        """Read files until there are enough excerpts or no more files."""
        paths = self._paths
        while self._done < len(paths) and len(self.excerpts) < MOST_EXCERPTS:
            # A file's share depends on what the files before it gave, so files that are read ahead
            # get a share that may be too large or too small.
            ahead = self._share() + (len(paths) < MOST_EXCERPTS and readers.at_once > 1)
            enough = -(-(MOST_EXCERPTS - len(self.excerpts)) // ahead)
            block = paths[self._done :][: min(readers.at_once, enough)]
            for path, result in zip(block, readers.read(block, ahead), strict=True):
                share = self._share()
                if share == 0:
                    break
                if share > ahead == len(result.excerpts):
                    self._problem = self._problem or result.problem
                    result = attempt(self._reader, path, share)
                self._take(path, result, share)

    def summarise(self) -> None:
        """Report the files that were skipped or not opened.

        Raises:
            AudioError: if there are no excerpts.
        """
        folder = shown(self._reader.folder)
        done, total = self._done, len(self._paths)
        skipped = self._short + self._broken
        if skipped:
            self._skip(f"{folder}: {skipped} of {done} files skipped")
        if done < total:
            enough = f"{len(self.excerpts)} excerpts of {done - skipped} files are enough"
            self._skip(f"{folder}: {enough}; the other {total - done} files were not opened")
            self._progress(total, total)
        if self._problem:
            self._skip(self._problem)
        if self._broken == total:
            raise AudioError(
                f"{folder}: no audio in it that can be read; looked in all its folders for "
                f"{LOOKED_FOR}"
            )
        if not self.excerpts:
            raise AudioError(f"{folder}: no music of at least {SHORTEST_EXCERPT:g} seconds in it")

    def _share(self) -> int:
        """Return the number of excerpts that the next file may give."""
        return -(-(MOST_EXCERPTS - len(self.excerpts)) // (len(self._paths) - self._done))

    def _take(self, path: Path, result: Result, share: int) -> None:
        self._done += 1
        self._problem = self._problem or result.problem
        excerpts = self._reader.fewer(path, result.excerpts, share)
        self.excerpts += [(path, place, steps) for place, steps in excerpts.items()]
        if result.error:
            self._broken += 1
            self._skip(result.error)
        elif not excerpts:
            self._short += 1
            self._skip(f"{shown(path)}: shorter than {SHORTEST_EXCERPT:g} seconds")
        self._progress(self._done, len(self._paths))


def _training_songs(excerpts: list[Excerpt]) -> TrainingSongs:
    steps = np.empty((len(excerpts), *excerpts[0][2].shape), np.float32)
    for row, (_, _, excerpt) in zip(steps, excerpts, strict=True):
        row[:] = excerpt
    names = [excerpt_name(path, place) for path, place, _ in excerpts]
    return TrainingSongs(steps, np.zeros((len(excerpts), 0), np.float32), names, "absolute")
