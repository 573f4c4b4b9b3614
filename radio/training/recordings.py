"""From a folder of music to frames of whole recordings, on an absolute grid of 50 frames a second.

    recordings = prepare_recordings(folder, seed=0, cache=cache)
    recordings.frames -> [(T, 181) float16, ...]      recordings.names -> ["song.ogg", ...]

Half a gigabyte of frames is kept, eight hours of music. A folder with less is used whole. Of one
with more every file gives its share, so that long files don't crowd out short ones: some of its
minutes, drawn by the seed. A file is read in blocks of a minute on all cores, however long it is,
and what was worked out of it is kept in a cache by its content: the same training again only has to
read the files' bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.cache import Cache, digest_of
from audio_parsing.decoding import AudioError, seconds_of, shown
from audio_parsing.files import read_pieces
from audio_parsing.finding import LOOKED_FOR, find_audio
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.pieces import available_cores
from radio.station import ABSOLUTE_HOP_LENGTH, SAMPLE_RATE, STEP_SIZE, to_frames, to_steps
from radio.training.dataset import TrainingSongs
from radio.training.excerpts import PIECE, SHORTEST_EXCERPT, status_of
from radio.training.music_folder import WORTH_A_PROCESS
from radio.training.parallel_reader import Place, Readers, Result

MOST_BLOCKS = 480  # half a gigabyte
BLOCK = 3000  # frames: a minute
MARGIN = 50  # frames before and after a block that are encoded with it: the filters ring
FILES_AT_ONCE = 64  # the share of the next files depends on what these gave


@dataclass
class Recordings:
    """Music ready for excerpts to be drawn from.

    Attributes:
        frames: (T, 181) float16 of each recording.
        names: of each.
        grid: 'beat' or 'absolute'.
        coordinates: (N, 2) float32 tempo and key of each, or (N, 0) on an absolute grid.
    """

    frames: list[np.ndarray]
    names: list[str]
    grid: str
    coordinates: np.ndarray

    @property
    def hours(self) -> float:
        """How long the music lasts, at 50 frames a second."""
        return sum(map(len, self.frames)) * ABSOLUTE_HOP_LENGTH / SAMPLE_RATE / 3600

    def fingerprint(self) -> str:
        """Return a short text that is the same for the same music."""
        digest = hashlib.sha256(repr((self.names, [len(one) for one in self.frames])).encode())
        for one in self.frames:
            digest.update(np.ascontiguousarray(one[::96, ::8]).tobytes())
        return digest.hexdigest()[:16]


def whole_songs(songs: TrainingSongs) -> Recordings:
    """Return training songs, such as the starter collection's, as recordings; nothing is copied."""
    return Recordings(list(to_frames(songs.steps)), songs.names, songs.grid, songs.coordinates)


@dataclass
class _Reader:
    """What is the same for all files of a folder: the seed of the choice, frames a block, cache."""

    folder: Path
    seed: int
    block: int
    cache: Cache | None

    def lot(self, path: Path, place: Place | None = None) -> bytes:
        """Draw a lot for a file or a block of it; those with the lowest are taken."""
        name = os.fsencode(path.relative_to(self.folder))
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
            return Result(self._work_out(path, share)[1])
        before = status_of(path)
        content = digest_of(path)
        lengths = self.cache.get("lengths", content)
        if lengths is not None and lengths.ndim == 1:
            chosen = self.choose(path, lengths.tolist(), share)
            kept = {place: self.cache.get("block", content, self.block, *place) for place in chosen}
            sound = {place: block for place, block in kept.items() if block is not None}
            if len(sound) == len(kept):
                return Result(sound)
        counted, blocks = self._work_out(path, share)
        if status_of(path) == before:  # else it is being written, and was not what was digested
            for place, block in blocks.items():
                self.cache.put(block, "block", content, self.block, *place)
            self.cache.put(np.array(counted, np.int64), "lengths", content)
        return Result(blocks, problem=self.cache.problem or "")

    def fewer(
        self, path: Path, blocks: dict[Place, np.ndarray], share: int
    ) -> dict[Place, np.ndarray]:
        """Return those of a file's blocks that a smaller share would have been."""
        chosen = sorted(blocks, key=lambda place: self.lot(path, place))[:share]
        return {place: blocks[place] for place in sorted(chosen)}

    def _work_out(self, path: Path, share: int) -> tuple[list[int], dict[Place, np.ndarray]]:
        """Return the samples of each piece of a file, and its blocks."""
        lengths: list[int] = []
        kept: dict[Place, np.ndarray] = {}
        for samples in read_pieces(path, SAMPLE_RATE, seconds=PIECE):
            lengths.append(len(samples))
            # Of the pieces before, those stay whose lots are still among the lowest.
            chosen = self.choose(path, lengths, share)
            kept = {
                place: kept[place] if place in kept else _block(samples, place.start, self.block)
                for place in chosen
            }
        return lengths, kept


def prepare_recordings(
    folder: Path,
    *,
    seed: int = 0,
    cache: Cache | None = None,
    workers: int | None = None,
    communicator: Communicator = ALONE,
    on_skip: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Recordings:
    """Read a folder's music, whole or, where it is too much, a share of every file.

    Args:
        folder: searched recursively for audio.
        seed: chooses what is used where not all can be.
        cache: of what was worked out before.
        workers: processes that read; one a core if None, this process alone if 1. The result is the
            same.
        communicator: processes that share the files out; all see the same folder, and all get all
            recordings.
        on_skip: called with a line for each file that can't be used, and at the end with their sum.
        progress: called with (files done, files in all); those that can't be used are done too.

    Raises:
        AudioError: if the folder holds nothing that can be used.
    """
    skip = on_skip or (lambda line: None)
    tell = progress or (lambda done, of: None)
    reader = _Reader(folder, seed, BLOCK, cache)
    paths = find_audio(folder, on_skip=skip)
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
                if result.excerpts:
                    kept[path] = reader.fewer(path, result.excerpts, left)
                    left -= len(kept[path])
                elif result.error:
                    broken += 1
                    skip(result.error)
                else:
                    short += 1
                    skip(f"{shown(path)}: shorter than {SHORTEST_EXCERPT:g} seconds")
                tell(done, len(paths))
    if short or broken:
        skip(f"{shown(folder)}: {short + broken} of {done} files skipped")
    if done < len(paths):
        enough = f"a minute of each of {done - short - broken} files is enough"
        skip(f"{shown(folder)}: {enough}; the other {len(paths) - done} files were not opened")
        tell(len(paths), len(paths))
    if problem:
        skip(problem)
    if not kept:
        raise AudioError(f"{shown(folder)}: {_lack(unreadable=broken == len(paths))}")
    return _joined(kept, BLOCK)


def _lack(*, unreadable: bool) -> str:
    """Return why a folder gave no recording."""
    if unreadable:
        return f"no audio in it that can be read; looked in all its folders for {LOOKED_FOR}"
    return f"no music of at least {SHORTEST_EXCERPT:g} seconds in it"


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


def _starts(size: int, block: int) -> list[int]:
    """Return where a piece's blocks begin, in samples: side by side, the last one at its end."""
    if size < SHORTEST_EXCERPT * SAMPLE_RATE:
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


def _joined(kept: dict[Path, dict[Place, np.ndarray]], block: int) -> Recordings:
    """Join blocks that lie side by side in a file; others become recordings of their own."""
    frames: list[np.ndarray] = []
    names: list[str] = []
    for path in sorted(kept):
        blocks = sorted(kept[path].items())
        borders = [
            index
            for index, ((a, _), (b, _)) in enumerate(pairwise(blocks), 1)
            if a.piece != b.piece or b.start > a.start + block * ABSOLUTE_HOP_LENGTH
        ]
        for begin, end in pairwise([0, *borders, len(blocks)]):
            first = blocks[begin][0]
            recording = np.concatenate(
                [
                    to_frames(one)[: (after.start - place.start) // ABSOLUTE_HOP_LENGTH]
                    for (place, one), (after, _) in pairwise(blocks[begin:end])
                ]
                + [to_frames(blocks[end - 1][1])]
            )
            heard = np.flatnonzero(recording.any(axis=1))
            frames.append(recording[: heard[-1] + 1] if heard.size else recording)
            second = round(first.piece * PIECE) + first.start // SAMPLE_RATE
            names.append(shown(path.name) + (f" at {second} s" if begin or second else ""))
    return Recordings(frames, names, "absolute", np.zeros((len(frames), 0), np.float32))
