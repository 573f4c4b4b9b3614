"""Simple generators that quality.py compares with stations.

A maker is a function (count, rng) -> canonical steps (count, S, F). Letters: N songs, S steps, F
values of a step.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from radio.station import steps as song_data

Maker = Callable[[int, np.random.Generator], np.ndarray]

COMPONENTS = 64  # of principal components of frames
STATES = 256  # of the Markov chain
CLUSTERING_ROUNDS = 8


def copies(songs: np.ndarray) -> Maker:
    """Return a maker that copies songs (N, S, F)."""
    return lambda count, rng: songs[_chosen(len(songs), count, rng)]


def two_at_once(songs: np.ndarray) -> Maker:
    """Return a generator of two songs at once, half as loud: the mean of their frames."""
    return lambda count, rng: (
        (songs[_chosen(len(songs), count, rng)] + songs[_chosen(len(songs), count, rng)]) / 2
    )


def shuffled_frames(songs: np.ndarray) -> Maker:
    """Return a maker that plays the frames of a song in any order."""

    def make(count: int, rng: np.random.Generator) -> np.ndarray:
        made = song_data.to_frames(songs[_chosen(len(songs), count, rng)])
        return np.stack([song_data.to_steps(rng.permutation(frames)) for frames in made])

    return make


def gaussian_frames(songs: np.ndarray) -> Maker:
    """Return a maker of frames drawn one by one from a Gaussian on their principal components."""
    frames = song_data.to_frames(songs).reshape(
        -1, song_data.STEP_SIZE // song_data.FRAMES_PER_STEP
    )
    mean = frames.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(np.cov(frames.astype(np.float64), rowvar=False))
    factor = (vectors[:, -COMPONENTS:] * np.sqrt(np.maximum(values[-COMPONENTS:], 0))).T
    length = song_data.to_frames(songs[:1]).shape[1]

    def make(count: int, rng: np.random.Generator) -> np.ndarray:
        drawn = mean + rng.standard_normal((count * length, COMPONENTS)) @ factor
        return song_data.to_steps(drawn.astype(np.float32)).reshape(count, -1, song_data.STEP_SIZE)

    return make


def gaussian_songs(songs: np.ndarray) -> Maker:
    """Return a maker of whole songs drawn from a Gaussian on all their principal components."""
    flat = songs.reshape(len(songs), -1)
    mean = flat.mean(axis=0)

    def make(count: int, rng: np.random.Generator) -> np.ndarray:
        # A Gaussian with the songs' own covariance is a mix of all songs with normal weights.
        weights = rng.standard_normal((count, len(songs))).astype(np.float32) / np.float32(
            np.sqrt(len(songs))
        )
        return (mean + weights @ (flat - mean)).reshape(count, *songs.shape[1:])

    return make


def markov_chain(songs: np.ndarray, *, seed: int = 0) -> Maker:
    """Return a generator that chains clusters of steps as songs do, each by one of its steps."""
    rng = np.random.default_rng(seed)
    steps = songs.reshape(-1, songs.shape[2])
    centres = steps[rng.permutation(len(steps))[:STATES]].copy()
    for _ in range(CLUSTERING_ROUNDS):  # Lloyd's algorithm
        states = (np.square(centres).sum(axis=1) - 2 * steps @ centres.T).argmin(axis=1)
        for state in range(len(centres)):
            if (states == state).any():
                centres[state] = steps[states == state].mean(axis=0)
    by_song = states.reshape(songs.shape[:2])
    follow = np.zeros((len(centres), len(centres)))
    np.add.at(follow, (by_song[:, :-1].ravel(), by_song[:, 1:].ravel()), 1)
    first = by_song[:, 0]
    members = [np.flatnonzero(states == state) for state in range(len(centres))]

    def make(count: int, rng: np.random.Generator) -> np.ndarray:
        made = np.empty((count, *songs.shape[1:]), np.float32)
        for song in made:
            state = int(rng.choice(first))
            for step in song:
                step[:] = steps[rng.choice(members[state])]
                total = follow[state].sum()
                state = (
                    int(rng.choice(len(centres), p=follow[state] / total))
                    if total
                    else int(rng.choice(first))
                )
        return made

    return make


def _chosen(songs: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return indices (count,) of songs, none twice before each was chosen."""
    return np.concatenate([rng.permutation(songs) for _ in range(-(-count // songs))])[:count]
