"""Reads the music of a training: enough to begin with at once, the rest while it trains.

    reading = MusicReading(music, seed=0, cache=cache)
    reading.read(FIRST_BLOCKS)           minutes of so many files; all there is if None
    reading.recordings() -> Recordings   of what was read
    reading.read_on()                    the rest, in a thread
    reading.wait(should_stop) -> bool    whether all was read

Half a gigabyte of frames is kept, eight hours of music. A folder with less is used whole. Of one
with more every file gives its share, so that long files don't crowd out short ones: some of its
minutes, drawn by the seed. A file is read in blocks of a minute on all cores, however long it is,
and what was worked out of it is kept in a cache by its content: the same training again only has to
read the files' bytes.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.cache import Cache
from audio_parsing.decoding import seconds_of
from audio_parsing.finding import LOOKED_FOR, find_music
from audio_parsing.opening import AudioError, shown
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.pieces import available_cores
from radio.station import ABSOLUTE_HOP_LENGTH, SAMPLE_RATE, STEP_SIZE
from radio.training.parallel_reader import Place, Readers
from radio.training.recording_reader import BLOCK, SHORTEST_RECORDING, RecordingReader
from radio.training.recordings import Recordings, joined

Music = Path | Sequence[Path]  # a folder, or files, folders and playlists
MOST_BLOCKS = 480  # half a gigabyte
# Of a library of more than MOST_BLOCKS files: two cores read them in half a minute.
FIRST_BLOCKS = 64
WORTH_A_PROCESS = 8  # files; fewer are read before another process has started
FILES_AT_ONCE = 64  # the share of the next files depends on what these gave
STOP_SECONDS = 0.2  # between two looks whether to stop


class MusicReading:
    """Reads music, whole or, where it is too much, a share of every file.

    Args:
        music: a folder, searched recursively for audio, or several files, folders and playlists.
        seed: chooses what is used where not all can be.
        soundfont: that plays scores; the synthesizer if None.
        cache: of what was worked out before.
        workers: processes that read; one a core if None, this process alone if 1. The result is the
            same.
        communicator: processes that share the files out; all see the same files, and all get all
            recordings.
        on_skip: called with a line for each file that can't be used, and at the end with their sum.
        progress: called with (files done, files in all); those that can't be used are done too.

    Attributes:
        paths: of all files, in the order in which they are read.

    Raises:
        AudioError: if a source does not exist.
    """

    def __init__(
        self,
        music: Music,
        *,
        seed: int = 0,
        soundfont: Path | None = None,
        cache: Cache | None = None,
        workers: int | None = None,
        communicator: Communicator = ALONE,
        on_skip: Callable[[str], None] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._skip = on_skip or (lambda line: None)
        self._tell = progress or (lambda done, of: None)
        self._sources = [music] if isinstance(music, Path) else list(music)
        self._name = shown(self._sources[0]) if len(self._sources) == 1 else "the music"
        self.paths = find_music(self._sources, on_skip=self._skip)
        self._reader = RecordingReader(_folder_of(self._sources), seed, BLOCK, cache, soundfont)
        if len(self.paths) > MOST_BLOCKS:
            self.paths.sort(key=self._reader.lot)
        self._communicator = communicator
        self._workers = workers or max(1, available_cores() // communicator.local)
        self._workers = self._workers if len(self.paths) >= WORTH_A_PROCESS else 1
        self._kept: dict[Path, dict[Place, np.ndarray]] = {}
        self._expected: dict[Path, int] = {}  # blocks of each file
        self._left, self._done, self._short, self._broken, self._problem = MOST_BLOCKS, 0, 0, 0, ""
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._readers: Readers | None = None
        self._lines: list[str] = []  # of the thread

    @property
    def over(self) -> bool:
        """Whether nothing is left to be read."""
        return not self._left or self._done == len(self.paths)

    @property
    def large(self) -> bool:
        """Whether the library has more files than are used."""
        return len(self.paths) > MOST_BLOCKS

    def order(self) -> str:
        """Return a short text that is the same for the same files, by their names, and seed."""
        lots = b"".join(self._reader.lot(path) for path in self.paths)
        return hashlib.sha256(lots).hexdigest()[:16]

    def read(self, most: int | None = None) -> None:
        """Read until so many blocks are kept.

        Args:
            most: blocks, some more or fewer; all that are used if None.

        Raises:
            AudioError: if there is nothing that can be used.
        """
        until = 0 if most is None else MOST_BLOCKS - most
        shape = BLOCK * audio_frames.FRAME_SIZE // STEP_SIZE, STEP_SIZE
        with Readers(
            self._reader, shape, workers=self._workers, communicator=self._communicator
        ) as self._readers:
            while self._left > until and not self.over:
                self._read_some(self._readers, until)
        if self.over:
            self._sum_up()

    def read_on(self) -> None:
        """Read the rest in a thread; several processes do so together, once they `wait`."""
        if self._communicator.size > 1 or self.over or self._thread is not None:
            return
        tell, skip = self._tell, self._skip
        self._tell, self._skip = (lambda done, of: None), self._lines.append

        def work() -> None:
            try:
                self.read()
            except BaseException as error:  # which `wait` raises
                self._failure = error
            self._tell, self._skip = tell, skip

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def wait(self, should_stop: Callable[[], bool]) -> bool:
        """Wait until all is read, and tell what was skipped; return False if stopped.

        Args:
            should_stop: asked again and again.
        """
        if self._thread is None:
            if not self.over:
                self.read()
            return True
        while self._thread.is_alive():
            if should_stop():
                return False
            self._thread.join(STOP_SECONDS)
        if self._failure is not None:
            raise self._failure
        while self._lines:
            self._skip(self._lines.pop(0))
        return True

    def stop(self) -> None:
        """Give up what is being read."""
        if self._thread is not None and self._thread.is_alive() and self._readers is not None:
            self._readers.cancel()
            self._thread.join()

    def recordings(self) -> Recordings:
        """Return what was read. Once all is, it is forgotten here."""
        kept = self._kept if self.over else dict(self._kept)
        return joined(kept, BLOCK)

    def _read_some(self, readers: Readers, until: int) -> None:
        """Read the next files."""
        count = min(FILES_AT_ONCE, self._left - until)
        some = self.paths[self._done : self._done + count]
        for path, result in zip(some, readers.read(some, self._share()), strict=True):
            if not self._left:  # some were longer than they said
                break
            self._done += 1
            self._problem = self._problem or result.problem
            if result.note:
                self._skip(result.note)
            if result.excerpts:
                self._kept[path] = self._reader.fewer(path, result.excerpts, self._left)
                self._left -= len(self._kept[path])
            elif result.error and self._sources == [path]:
                raise AudioError(result.error)
            elif result.error:
                self._broken += 1
                self._skip(result.error)
            else:
                self._short += 1
                self._skip(f"{shown(path)}: shorter than {SHORTEST_RECORDING:g} seconds")
            needed = self._done + max(0, self._left - until)
            self._tell(self._done, min(needed, len(self.paths)))

    def _share(self) -> int:
        """Return how many blocks each of the next files may give."""
        rest = self.paths[self._done :]
        if len(rest) > self._left:
            return 1
        for path in rest:
            if path not in self._expected:
                self._expected[path] = _expected_blocks(path)
        return _share([self._expected[path] for path in rest], self._left)

    def _sum_up(self) -> None:
        """Tell what was skipped and what was not opened.

        Raises:
            AudioError: if there is nothing that can be used.
        """
        bad, files = self._short + self._broken, len(self.paths)
        if bad:
            self._skip(f"{self._name}: {bad} of {self._done} files skipped")
        if self._done < files:
            enough = f"a minute of each of {self._done - bad} files is enough"
            rest = f"the other {files - self._done} files were not opened"
            self._skip(f"{self._name}: {enough}; {rest}")
            self._tell(files, files)
        if self._problem:
            self._skip(self._problem)
        if not self._kept:
            raise AudioError(f"{self._name}: {_lack(unreadable=self._broken == files)}")


def prepare_recordings(music: Music, **options: Any) -> Recordings:
    """Read all of the music that is used; the arguments are those of MusicReading.

    Raises:
        AudioError: if it holds nothing that can be used.
    """
    reading = MusicReading(music, **options)
    reading.read()
    return reading.recordings()


def _folder_of(sources: list[Path]) -> Path:
    """Return the folder that holds all music: what is drawn doesn't depend on where it lies."""
    try:
        shared = Path(os.path.commonpath([source.absolute() for source in sources]))
    except ValueError:  # several drives
        return Path(".")
    return shared.parent if shared.is_file() else shared


def _lack(*, unreadable: bool) -> str:
    """Return why a folder gave no recording."""
    if unreadable:
        return f"no audio in it that can be read; looked in all its folders for {LOOKED_FOR}"
    return f"no music of at least {SHORTEST_RECORDING:g} seconds in it"


def _share(blocks: list[int], left: int) -> int:
    """Return how many blocks a file may give, so that files of so many use up what is left."""
    rest = sorted(blocks)
    for index, size in enumerate(rest):
        even = left // (len(rest) - index)
        if size > even:
            return max(1, even)
        left -= size
    return MOST_BLOCKS


def _expected_blocks(path: Path) -> int:
    """Return how many blocks a file will probably give."""
    try:
        seconds = seconds_of(path)
    except AudioError:  # which is told when it is read
        return 1
    frames = seconds * SAMPLE_RATE / ABSOLUTE_HOP_LENGTH
    return min(max(1, -int(-frames // BLOCK)), MOST_BLOCKS)
