"""Measures of songs by what is heard of them, for kept_out.py: notes, beat, tunes, distances.

frame_f1(reference_notes, notes, seconds)          how much of the time the same pitches sound
beat_strength(samples) -> 0 to 1                   how well the onsets repeat after a beat
tune(samples, beat=0.5) -> (n, 12)                 chroma of every half beat
likeness(tune, tunes) -> -1 to 1                   to the most alike stretch, in any key
distance_over(new, learned, kept, rng=rng)         Fréchet distance over that of learned music
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from audio_parsing import analysis
from audio_parsing.frames import SAMPLE_RATE
from benchmarks.quality_measure import frechet

ROLL_RATE = 50  # frames a second of a piano roll
FASTEST, SLOWEST = 0.25, 1.5  # seconds of a beat
SMALLEST = 0.01  # of a value that real music hardly moves, but a new song may
DRAWS = 8  # of equally many vectors, over which a distance is the mean


def piano_roll(notes: np.ndarray, seconds: float) -> np.ndarray:
    """Return which of 128 pitches sound (frames, 128) bool, of notes (n, 4)."""
    roll = np.zeros((round(seconds * ROLL_RATE), 128), bool)
    for onset, offset, pitch, _ in notes:
        roll[round(onset * ROLL_RATE) : round(offset * ROLL_RATE), int(pitch)] = True
    return roll


def frame_f1(reference_notes: np.ndarray, notes: np.ndarray, seconds: float) -> float:
    """Return the harmonic mean of precision and recall of what sounds; 1 if both are silent."""
    first, second = (piano_roll(one, seconds) for one in (reference_notes, notes))
    total = int(first.sum() + second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def beat_strength(samples: np.ndarray) -> float:
    """Return how much the onsets of samples (n,) are those of a beat before; 0 for no beat."""
    return repetition(analysis.onset_envelope(samples))


def repetition(rise: np.ndarray) -> float:
    """Return the highest peak of an onset envelope's correlation with itself, a beat later.

    A peak is higher than its neighbours: what only decays from lag to lag is no beat.
    """
    rise = rise - rise.mean()
    power = float(rise @ rise)
    lags = range(round(FASTEST * analysis.ONSET_RATE) - 1, round(SLOWEST * analysis.ONSET_RATE) + 2)
    if power <= 0 or len(rise) <= lags[-1]:
        return 0.0
    own = np.array([rise[lag:] @ rise[:-lag] for lag in lags]) / power
    peaks = own[1:-1][(own[1:-1] > own[:-2]) & (own[1:-1] >= own[2:])]
    return float(max(peaks.max(initial=0), 0))


def tune(samples: np.ndarray, *, beat: float = 1.0) -> np.ndarray:
    """Return the mean chroma of each half beat, (n, 12).

    Args:
        samples: (n,) at 22,050 Hz.
        beat: its seconds.
    """
    chroma = analysis.chroma(samples)
    count = max(1, round(len(samples) / SAMPLE_RATE / beat * 2))
    edges = np.linspace(0, len(chroma), count + 1).round().astype(int)
    return np.stack([chroma[a : max(b, a + 1)].mean(axis=0) for a, b in pairwise(edges)])


def likeness(song: np.ndarray, tunes: Sequence[np.ndarray]) -> float:
    """Return the correlation of a tune (n, 12) with the most alike stretch of any, in any key.

    What a pitch class has on the whole is taken away: a key is no tune, and neither is a blur.
    """
    best = -1.0
    for other in tunes:
        length = min(len(song), len(other))
        keys = np.stack([np.roll(song[:length], key, axis=1) for key in range(12)])
        stretches = sliding_window_view(other, length, axis=0).transpose(0, 2, 1)
        best = max(best, float((_moves(stretches) @ _moves(keys).T).max()))
    return best


def _moves(tunes: np.ndarray) -> np.ndarray:
    """Return how tunes (m, n, 12) move around their means, as unit vectors (m, 12 n)."""
    centred = (tunes - tunes.mean(axis=1, keepdims=True)).reshape(len(tunes), -1)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)


def units(real: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each value of real vectors (n, K), not below SMALLEST."""
    return np.maximum(real.std(axis=0), SMALLEST)


def distance_over(
    new: np.ndarray, learned: np.ndarray, kept: np.ndarray, *, rng: np.random.Generator
) -> float:
    """Return how far new vectors (n, K) lie from kept ones over how far learned ones lie.

    Fréchet distances grow as there are fewer vectors: all three are as many, drawn a few times.
    Units are the standard deviation of learned and kept ones together.
    """
    unit = units(np.concatenate([learned, kept]))
    new, learned, kept = (one / unit for one in (new, learned, kept))
    count = min(len(new), len(learned), len(kept))
    far, near = 0.0, 0.0
    for _ in range(DRAWS):
        some = [one[rng.permutation(len(one))[:count]] for one in (new, learned, kept)]
        far += frechet(some[0], some[2])
        near += frechet(some[1], some[2])
    return far / near
