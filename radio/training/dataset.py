"""The starter collection as recordings on a grid of beats, and what is learned beside it.

A few dozen tunes teach a network these tunes. So it also learns other arrangements of them, and
tunes invented of their bars (audio_parsing/invention.py), all in C major or A minor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.cache import Cache
from audio_parsing.starter import (
    StarterSong,
    fresh_song,
    hop_length,
    invented_song,
    render,
    starter_songs,
)
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.pieces import available_cores
from neural_networks.training.streams import Stream
from radio.station import FRAMES_PER_BEAT, SAMPLE_RATE, key_coordinate, tempo_coordinate
from radio.training.recordings import Recordings

LARGEST_SHARE_OF_CACHE = 0.5


def songs_to_learn(*, fresh: int, invented: int, seed: int) -> list[StarterSong]:
    """Return the songs of the collection, then new arrangements, then invented tunes."""
    rng = np.random.default_rng((seed, Stream.STARTER_SONGS))
    more = [fresh_song(rng) for _ in range(fresh)] + [invented_song(rng) for _ in range(invented)]
    return starter_songs() + more


def canonical_frames(song: StarterSong) -> np.ndarray:
    """Render a starter song and return its frames (T, 202) float32 in C major or A minor."""
    frames = audio_frames.encode(
        render(song, SAMPLE_RATE), hop_length=hop_length(song.bpm), sample_rate=SAMPLE_RATE
    )
    frames = frames[: song.beats * FRAMES_PER_BEAT]
    return audio_frames.transpose(frames, -song.transposition).astype(np.float32)


def prepare_starter_songs(
    songs: list[StarterSong] | None = None,
    *,
    encoded: int | None = None,
    workers: int | None = None,
    cache: Cache | None = None,
    communicator: Communicator = ALONE,
    progress: Callable[[int, int], None] | None = None,
) -> Recordings:
    """Render starter songs on all cores.

    Args:
        songs: to render, all of the same number of beats; the 96 of the collection if None.
        encoded: see Recordings.
        workers: processes; one a core if None, no other process if 1.
        cache: of rendered songs; not used for a set that would fill more than half of it.
        communicator: processes that share the rendering; all get all songs.
        progress: called with (songs done, songs in total) of this process.
    """
    songs = starter_songs() if songs is None else songs
    shape = len(songs), songs[0].beats * FRAMES_PER_BEAT, audio_frames.FRAME_SIZE
    frames = np.empty(shape, np.float16)
    if frames.nbytes > LARGEST_SHARE_OF_CACHE * (cache.most_bytes if cache else 0):
        cache = None
    mine, missing = range(communicator.rank, len(songs), communicator.size), []
    for index in mine:
        cached = cache.get("starter", repr(songs[index])) if cache else None
        if cached is None or cached.shape != shape[1:]:
            missing.append(index)
        else:
            frames[index] = cached
    workers = workers or max(1, available_cores() // communicator.local)
    made = _mapped(canonical_frames, [songs[index] for index in missing], workers)
    for done, (index, one) in enumerate(zip(missing, made, strict=True), 1):
        frames[index] = one
        if cache:
            cache.put(frames[index], "starter", repr(songs[index]))
        if progress is not None:
            progress(len(mine) - len(missing) + done, len(mine))
    if communicator.size > 1:
        frames[communicator.gather(np.array(mine, np.int64))] = communicator.gather(frames[mine])
    coordinates = [[tempo_coordinate(one.bpm), key_coordinate(one.transposition)] for one in songs]
    names = [song.name for song in songs]
    return Recordings(
        list(frames), names, "beat", np.array(coordinates, np.float32), encoded, keyed=True
    )


def _mapped(function: Callable, items: list, workers: int) -> Iterator:
    if workers == 1 or len(items) < 8:
        yield from map(function, items)
        return
    # Spawned, not forked: forking a process that has threads (BLAS, Numba) can lock up.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, items, chunksize=2)
