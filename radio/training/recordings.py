"""From music to frames of whole recordings, 24 a beat, or 50 a second where there is no beat.

    recordings = prepare_recordings(music, seed=0, cache=cache)
    recordings.frames -> [(T, 202) float16, ...]      recordings.names -> ["song.ogg", ...]

Half a gigabyte of frames is kept, eight hours of music. A folder with less is used whole. Of one
with more every file gives its share, so that long files don't crowd out short ones: some of its
minutes, drawn by the seed. A file is read in blocks of a minute on all cores, however long it is,
and what was worked out of it is kept in a cache by its content: the same training again only has to
read the files' bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.cache import Cache
from audio_parsing.decoding import seconds_of
from audio_parsing.finding import LOOKED_FOR, find_music
from audio_parsing.opening import AudioError, shown
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.pieces import available_cores
from radio.station import (
    ABSOLUTE_HOP_LENGTH,
    FRAMES_PER_BEAT,
    SAMPLE_RATE,
    STEP_SIZE,
    UNKNOWN_KEY,
    FrameGrid,
    coordinate_tempo,
    key_coordinate,
    tempo_coordinate,
    to_frames,
)
from radio.training.parallel_reader import Place, Readers
from radio.training.recording_reader import BLOCK, PIECE, SHORTEST_RECORDING, RecordingReader

Music = Path | Sequence[Path]  # a folder, or files, folders and playlists
MOST_BLOCKS = 480  # half a gigabyte
WORTH_A_PROCESS = 8  # files; fewer are read before another process has started
FILES_AT_ONCE = 64  # the share of the next files depends on what these gave


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


def prepare_recordings(
    music: Music,
    *,
    seed: int = 0,
    soundfont: Path | None = None,
    cache: Cache | None = None,
    workers: int | None = None,
    communicator: Communicator = ALONE,
    on_skip: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Recordings:
    """Read music, whole or, where it is too much, a share of every file.

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

    Raises:
        AudioError: if it holds nothing that can be used.
    """
    skip = on_skip or (lambda line: None)
    tell = progress or (lambda done, of: None)
    sources = [music] if isinstance(music, Path) else list(music)
    name = shown(sources[0]) if len(sources) == 1 else "the music"
    paths = find_music(sources, on_skip=skip)
    reader = RecordingReader(_folder_of(sources), seed, BLOCK, cache, soundfont)
    if len(paths) > MOST_BLOCKS:
        paths.sort(key=reader.lot)
    blocks = {path: _expected_blocks(path) for path in paths[: 2 * MOST_BLOCKS]}
    kept: dict[Path, dict[Place, np.ndarray]] = {}
    left, done, short, broken, problem = MOST_BLOCKS, 0, 0, 0, ""
    workers = workers or max(1, available_cores() // communicator.local)
    workers = workers if len(paths) >= WORTH_A_PROCESS else 1
    shape = BLOCK * audio_frames.FRAME_SIZE // STEP_SIZE, STEP_SIZE
    with Readers(reader, shape, workers=workers, communicator=communicator) as readers:
        while done < len(paths) and left:
            share = _share([blocks.get(path, 1) for path in paths[done:]], left)
            some = paths[done : done + min(FILES_AT_ONCE, left)]
            for path, result in zip(some, readers.read(some, share), strict=True):
                if not left:  # some were longer than they said
                    break
                done += 1
                problem = problem or result.problem
                if result.note:
                    skip(result.note)
                if result.excerpts:
                    kept[path] = reader.fewer(path, result.excerpts, left)
                    left -= len(kept[path])
                elif result.error and sources == [path]:
                    raise AudioError(result.error)
                elif result.error:
                    broken += 1
                    skip(result.error)
                else:
                    short += 1
                    skip(f"{shown(path)}: shorter than {SHORTEST_RECORDING:g} seconds")
                tell(done, len(paths))
    if short or broken:
        skip(f"{name}: {short + broken} of {done} files skipped")
    if done < len(paths):
        enough = f"a minute of each of {done - short - broken} files is enough"
        skip(f"{name}: {enough}; the other {len(paths) - done} files were not opened")
        tell(len(paths), len(paths))
    if problem:
        skip(problem)
    if not kept:
        raise AudioError(f"{name}: {_lack(unreadable=broken == len(paths))}")
    return _joined(kept, BLOCK)


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


def _joined(kept: dict[Path, dict[Place, np.ndarray]], block: int) -> Recordings:
    """Join blocks that lie side by side in a file; others become recordings of their own."""
    frames: list[np.ndarray] = []
    names: list[str] = []
    grids: list[FrameGrid] = []
    for path in sorted(kept):
        blocks = sorted(kept[path].items())
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
