"""From music to what a station is trained on: whole songs as steps, in one key and on one grid of beats where both are known.

The starter collection knows its tempo and key, so its songs are put on a grid of 24 frames a beat and moved to C major or A minor;
tempo and key become two coordinates beside z. Of other music they could only be guessed, so it keeps its time: 50 frames a second.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.starter import StarterSong, hop_length, render, starter_songs

SAMPLE_RATE = audio_frames.SAMPLE_RATE
FRAMES_PER_BEAT = 24
FRAMES_PER_STEP = 6
STEPS_PER_BEAT = FRAMES_PER_BEAT // FRAMES_PER_STEP
STEP_SIZE = FRAMES_PER_STEP * audio_frames.FRAME_SIZE
ABSOLUTE_HOP_LENGTH = 441  # samples: 50 frames a second
MOST_EXCERPTS = 384  # half a gigabyte of songs of 64 beats
SHORTEST_EXCERPT = 4.0  # seconds


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
    progress: Callable[[int, int], None] | None = None,
) -> TrainingSongs:
    """Render starter songs on all cores and return them as training songs.

    Args:
        songs: which; the 96 of the collection if None.
        beats: length of a song, where `songs` is None.
        workers: processes; one a core if None, no other process if 1.
        progress: called with (songs done, songs in all).
    """
    songs = starter_songs(beats=beats) if songs is None else songs
    steps = np.empty((len(songs), songs[0].beats * STEPS_PER_BEAT, STEP_SIZE), np.float32)
    for index, one in enumerate(_mapped(canonical_steps, songs, workers)):
        steps[index] = one
        if progress is not None:
            progress(index + 1, len(songs))
    coordinates = np.array([[tempo_coordinate(song.bpm), key_coordinate(song.transposition)] for song in songs], np.float32)
    return TrainingSongs(steps, coordinates, [song.name for song in songs], "beat")


def prepare_folder(
    folder: Path,
    *,
    beats: int = 64,
    seed: int = 0,
    on_skip: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingSongs:
    """Cut a folder's music into excerpts as long as a song of `beats` beats at 125 beats a minute, on an absolute grid.

    Args:
        folder: searched recursively for audio.
        beats: length of an excerpt; one beat is 24 frames of 20 ms.
        seed: chooses the excerpts where there are more than MOST_EXCERPTS.
        on_skip: called with a line for each file that can't be used.
        progress: called with (files done, files in all); those that can't be used are done too.

    Raises:
        AudioError: if the folder holds nothing that can be used, or too little for two excerpts, which training needs.
    """
    from audio_parsing.files import AudioError, find_audio, read_folder

    length = beats * FRAMES_PER_BEAT * ABSOLUTE_HOP_LENGTH
    files = find_audio(folder, on_skip=lambda line: None)  # read_folder looks again, and then tells what it passes over
    places = {path: place for place, path in enumerate(files, 1)}
    each = max(1, -(-MOST_EXCERPTS // max(len(files), 1)))
    rng = np.random.default_rng(seed)
    kept: list[tuple[int, np.ndarray, str]] = []
    found = done = 0
    only: tuple[Path, np.ndarray] | None = None  # the file of the only excerpt so far

    def excerpt_of(path: Path, samples: np.ndarray, start: int) -> tuple[int, np.ndarray, str]:
        excerpt = samples[start : start + length]
        frames = audio_frames.encode(np.pad(excerpt, (0, length - len(excerpt))), hop_length=ABSOLUTE_HOP_LENGTH)
        return found, to_steps(frames).astype(np.float16), f"{path.name} at {start // SAMPLE_RATE} s"

    for path, samples in read_folder(folder, sample_rate=SAMPLE_RATE, on_skip=on_skip):
        starts = _excerpt_starts(len(samples), length, each, rng)
        if not starts and on_skip is not None:
            on_skip(f"{path}: shorter than {SHORTEST_EXCERPT:g} seconds")
        for start in starts:
            # A reservoir: each excerpt of the folder is kept with the same probability, and no more than MOST_EXCERPTS are in memory.
            found += 1
            place = len(kept) if found <= MOST_EXCERPTS else int(rng.integers(found))
            if place < MOST_EXCERPTS:
                kept[place : place + 1] = [excerpt_of(path, samples, start)]
        if starts:
            only = (path, samples) if found == 1 else None
        done = places.get(path, done)
        if progress is not None:
            progress(done, len(files))
    if progress is not None and done < len(files):  # the last files were skipped
        progress(len(files), len(files))
    if not kept:
        raise AudioError(f"{folder}: no music of at least {SHORTEST_EXCERPT:g} seconds in it")
    if only is not None:
        path, samples = only
        if len(samples) < 2 * SHORTEST_EXCERPT * SAMPLE_RATE:
            raise AudioError(
                f"{folder}: only {len(samples) / SAMPLE_RATE:.1f} seconds of music in it; training needs one file of at least "
                f"{2 * SHORTEST_EXCERPT:g} seconds or two of at least {SHORTEST_EXCERPT:g}"
            )
        kept = [excerpt_of(path, samples, start) for start in (0, max(len(samples) // 4, len(samples) - length))]  # overlapping
    kept.sort(key=lambda one: one[0])
    steps = np.stack([one for _, one, _ in kept]).astype(np.float32)
    names = [name for _, _, name in kept]
    return TrainingSongs(steps, np.zeros((len(kept), 0), np.float32), names, "absolute")


def _excerpt_starts(size: int, length: int, most: int, rng: np.random.Generator) -> list[int]:
    """Return where excerpts begin, in samples: side by side, at most `most`, the choice seeded."""
    if size < SHORTEST_EXCERPT * SAMPLE_RATE:
        return []
    count = max(1, size // length)
    slack = max(0, size - count * length)
    chosen = np.sort(rng.permutation(count)[:most])
    return [int(i) * length + slack // 2 for i in chosen]


def _mapped(function: Callable, items: list, workers: int | None) -> Iterator:
    workers = os.cpu_count() or 1 if workers is None else workers
    if workers == 1 or len(items) < 8:
        yield from map(function, items)
        return
    # Spawned, not forked: forking a process that has threads (BLAS, Numba) can lock up.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, items, chunksize=2)
