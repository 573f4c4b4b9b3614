"""The songs that a station is trained on; the starter collection, rendered on all cores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.cache import Cache
from audio_parsing.starter import StarterSong, hop_length, render, starter_songs
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.pieces import available_cores
from radio.station import (
    FRAMES_PER_BEAT,
    SAMPLE_RATE,
    STEP_SIZE,
    STEPS_PER_BEAT,
    key_coordinate,
    tempo_coordinate,
    to_steps,
)

LARGEST_SHARE_OF_CACHE = 0.5


@dataclass
class TrainingSongs:
    """The songs of a station, ready for training.

    Attributes:
        steps: (N, S, F) float32, FRAMES_PER_STEP frames v = a^0.3 a step.
        coordinates: (N, 2) float32 tempo and key coordinates, or (N, 0) on an absolute grid.
        names: N names.
        grid: 'beat' or 'absolute'.
    """

    steps: np.ndarray
    coordinates: np.ndarray
    names: list[str]
    grid: str

    def fingerprint(self) -> str:
        """Return a short text that is the same for the same songs."""
        digest = hashlib.sha256(repr((self.steps.shape, self.names)).encode())
        digest.update(np.ascontiguousarray(self.steps[:, ::16, ::8]).tobytes())
        return digest.hexdigest()[:16]


def canonical_steps(song: StarterSong) -> np.ndarray:
    """Render a starter song and return its steps (S, F) in C major or A minor."""
    frames = audio_frames.encode(
        render(song, SAMPLE_RATE), hop_length=hop_length(song.bpm), sample_rate=SAMPLE_RATE
    )
    frames = frames[: song.beats * FRAMES_PER_BEAT]
    return to_steps(audio_frames.transpose(frames, -song.transposition)).astype(np.float32)


def prepare_starter_songs(
    songs: list[StarterSong] | None = None,
    *,
    beats: int = 64,
    workers: int | None = None,
    cache: Cache | None = None,
    communicator: Communicator = ALONE,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingSongs:
    """Render starter songs on all cores and return them as training songs.

    Args:
        songs: to render; the 96 of the collection if None.
        beats: length of a song, if `songs` is None.
        workers: processes; one a core if None, no other process if 1.
        cache: of rendered songs; not used for a set that would fill more than half of it.
        communicator: processes that share the rendering; all get all songs.
        progress: called with (songs done, songs in total) of this process.
    """
    songs = starter_songs(beats=beats) if songs is None else songs
    steps = np.empty((len(songs), songs[0].beats * STEPS_PER_BEAT, STEP_SIZE), np.float32)
    if steps.nbytes > LARGEST_SHARE_OF_CACHE * (cache.most_bytes if cache else 0):
        cache = None
    mine, missing = range(communicator.rank, len(songs), communicator.size), []
    for index in mine:
        song = songs[index]
        cached = cache.get("starter", repr(song)) if cache else None
        if cached is None or cached.shape != steps[index].shape:
            missing.append(index)
        else:
            steps[index] = cached
    workers = workers or max(1, available_cores() // communicator.local)
    for done, (index, one) in enumerate(
        zip(missing, _mapped(canonical_steps, [songs[i] for i in missing], workers), strict=True), 1
    ):
        steps[index] = one
        if cache:
            cache.put(one, "starter", repr(songs[index]))
        if progress is not None:
            progress(len(mine) - len(missing) + done, len(mine))
    if communicator.size > 1:
        steps[communicator.gather(np.array(mine, np.int64))] = communicator.gather(steps[mine])
    coordinates = np.array(
        [[tempo_coordinate(song.bpm), key_coordinate(song.transposition)] for song in songs],
        np.float32,
    )
    return TrainingSongs(steps, coordinates, [song.name for song in songs], "beat")


def _mapped(function: Callable, items: list, workers: int) -> Iterator:
    if workers == 1 or len(items) < 8:
        yield from map(function, items)
        return
    # Spawned, not forked: forking a process that has threads (BLAS, Numba) can lock up.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, items, chunksize=2)
