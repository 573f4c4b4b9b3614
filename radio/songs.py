"""From music to what a station is trained on: whole songs as steps, in one key and on one grid of beats where both are known.

The starter collection knows its tempo and key, so its songs are put on a grid of 24 frames a beat and moved to C major or A minor;
tempo and key become two coordinates beside z. Of other music they could only be guessed, so it keeps its time: 50 frames a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.cache import Cache
from audio_parsing.starter import StarterSong, hop_length, render, starter_songs
from neural_networks.communicator import ALONE, Communicator
from neural_networks.halves import available_cores

SAMPLE_RATE = audio_frames.SAMPLE_RATE
FRAMES_PER_BEAT = 24
FRAMES_PER_STEP = 6
STEPS_PER_BEAT = FRAMES_PER_BEAT // FRAMES_PER_STEP
STEP_SIZE = FRAMES_PER_STEP * audio_frames.FRAME_SIZE
MOST_OF_CACHE = 0.5
ABSOLUTE_HOP_LENGTH = 441  # samples: 50 frames a second


@dataclass
class TrainingSongs:
    """The songs of a station, ready for training.

    Attributes:
        steps: (N, S, F) float32, frames v = a^0.3 of FRAMES_PER_STEP frames a step.
        coordinates: (N, 2) float32 tempo and key coordinates, or (N, 0) on an absolute grid.
        names: N names.
        grid: 'beat' or 'absolute'.
    """

    steps: np.ndarray
    coordinates: np.ndarray
    names: list[str]
    grid: str


def tempo_coordinate(bpm: float) -> float:
    """Return the tempo as a coordinate of about unit spread: 0 at 110 beats a minute, 1 at 131, 4 octaves of tempo to 16."""
    return 4 * float(np.log2(bpm / 110))


def coordinate_tempo(coordinate: float) -> float:
    """Return beats a minute for a tempo coordinate, held between 60 and 200."""
    return float(110 * 2 ** np.clip(coordinate / 4, np.log2(60 / 110), np.log2(200 / 110)))


def key_coordinate(semitones: float) -> float:
    """Return the transposition from C major or A minor as a coordinate of about unit spread."""
    return semitones / 3


def coordinate_key(coordinate: float) -> int:
    """Return the transposition in whole semitones for a key coordinate, held between -6 and 6."""
    return round(float(np.clip(3 * coordinate, -6, 6)))


def to_steps(frames: np.ndarray) -> np.ndarray:
    """Return steps (T / 6, 6 * 181) of frames (T, 181)."""
    return frames.reshape(-1, STEP_SIZE)


def to_frames(steps: np.ndarray) -> np.ndarray:
    """Return frames (..., T, 181) of steps (..., T / 6, 6 * 181)."""
    return steps.reshape(*steps.shape[:-2], -1, audio_frames.FRAME_SIZE)


def in_a_row(steps: np.ndarray) -> np.ndarray:
    """Return the frames (B T, 181) of time-major steps (S, B, F), song after song."""
    return to_frames(np.ascontiguousarray(steps.transpose(1, 0, 2))).reshape(-1, audio_frames.FRAME_SIZE)


def canonical_steps(song: StarterSong) -> np.ndarray:
    """Render a starter song and return its steps (S, F) in C major or A minor."""
    frames = audio_frames.encode(render(song, SAMPLE_RATE), hop_length=hop_length(song.bpm), sample_rate=SAMPLE_RATE)
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
        songs: which; the 96 of the collection if None.
        beats: length of a song, where `songs` is None.
        workers: processes; one a core if None, no other process if 1.
        cache: what was rendered before; a set of songs that would fill most of it is not kept.
        communicator: processes that share the songs out; all get all of them.
        progress: called with (songs done, songs in all) of this process.
    """
    songs = starter_songs(beats=beats) if songs is None else songs
    steps = np.empty((len(songs), songs[0].beats * STEPS_PER_BEAT, STEP_SIZE), np.float32)
    if steps.nbytes > MOST_OF_CACHE * (cache.most_bytes if cache else 0):
        cache = None
    mine, missing = range(communicator.rank, len(songs), communicator.size), []
    for index in mine:
        song = songs[index]
        kept = cache.get("starter", repr(song)) if cache else None
        if kept is None or kept.shape != steps[index].shape:
            missing.append(index)
        else:
            steps[index] = kept
    workers = workers or max(1, available_cores() // communicator.local)
    for done, (index, one) in enumerate(zip(missing, _mapped(canonical_steps, [songs[i] for i in missing], workers), strict=True), 1):
        steps[index] = one
        if cache:
            cache.put(one, "starter", repr(songs[index]))
        if progress is not None:
            progress(len(mine) - len(missing) + done, len(mine))
    if communicator.size > 1:
        steps[communicator.gather(np.array(mine, np.int64))] = communicator.gather(steps[mine])
    coordinates = np.array([[tempo_coordinate(song.bpm), key_coordinate(song.transposition)] for song in songs], np.float32)
    return TrainingSongs(steps, coordinates, [song.name for song in songs], "beat")


def _mapped(function: Callable, items: list, workers: int) -> Iterator:
    if workers == 1 or len(items) < 8:
        yield from map(function, items)
        return
    # Spawned, not forked: forking a process that has threads (BLAS, Numba) can lock up.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, items, chunksize=2)
