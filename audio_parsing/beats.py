"""The beat of music that keeps its tempo: where sounds begin -> beats a minute, and the first beat.

    find_beat(samples) -> Beat(tempo, first), or None
    onset_strength(samples) -> (T,), 100 a second

Most recorded music keeps its tempo to a thousandth from end to end, because a machine counted. So
the whole sound is asked at once: at the frequency f of its beat the Fourier transform of the onset
strength o has peaks at f and its multiples, which are the narrower the longer the sound is:
    X(f) = sum over t of o_t exp(-2 pi i f t),      P(f) = sum over h = 1 .. 4 of |X(h f)|^2
(a Fourier tempogram, Grosche and Mueller 2011, whose one window is the whole sound). Their phases
say where the beats lie. Music that slows down, or has no beat, has no such peak.

A beat is looked for in one octave of tempo, so it may be a quaver or a minim of the score: on a
grid of frames a beat, these differ by names alone. The first beat of a bar is a guess by the bass.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import fft
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from audio_parsing.analysis import band_rises
from audio_parsing.frames import SAMPLE_RATE

SLOWEST = 85.0  # beats a minute; the fastest is twice that: 34 to 68 frames a second of 24 a beat
RATE = 100  # onset strengths a second, about
HARMONICS = np.arange(1, 5)  # beats, and two, three and four notes a beat
BEATS_A_BAR = 4
# Noise of any length has a power of 20 at most, music with a beat of 30 s or more 40 to 8,000.
CERTAIN = 40.0
CHUNK = 4096  # onset strengths whose spectra are in memory at once: 17 MB
LOCAL, USUAL = 1.0, 8.0  # seconds, over which a strength is compared with its neighbours
WINDOW = 1024  # samples of a spectrum
MARGIN = 8  # onset strengths beside a chunk whose spectra see its samples
FLOOR = 0.1  # of the usual strength: what silence is compared with
SHIFTS = 96  # of the grid within a beat that are tried
NEAR = 2  # strengths around a beat in which an accent counts as on it
FINER = 16  # frequencies for each that the length tells apart
LATER = 0.01  # seconds by which a sound begins after its spectrum first moves, measured
BASS = 12  # of the 40 bands of the onset strength, up to 250 Hz


class Beat(NamedTuple):
    """The beat of a sound that keeps its tempo."""

    tempo: float  # beats a minute
    first: float  # seconds from the sound's beginning to the first beat that begins a bar


def find_beat(
    samples: np.ndarray, *, sample_rate: int = SAMPLE_RATE, tempo: float | None = None
) -> Beat | None:
    """Return the beat of samples (n,), or None if they have none, or not the same all along.

    Args:
        samples: one channel.
        sample_rate: in Hz.
        tempo: beats a minute where it is known, whatever the samples say; only the place of the
            beats is found then.

    Examples:
        >>> clicks = np.zeros(20 * 22050)
        >>> clicks[::11025] = 1  # two a second
        >>> round(find_beat(clicks).tempo)
        120
    """
    strength, bass = onset_strength(samples, sample_rate=sample_rate)
    minute = 60 * sample_rate / _hop(sample_rate)  # onset strengths in it
    beat = _beat_length(strength, minute) if tempo is None else minute / tempo
    if beat is None:
        return None
    first = _first_beat(strength, bass, beat) / minute * 60 + LATER
    return Beat(minute / beat, max(0.0, float(first)))


def _beat_length(strength: np.ndarray, minute: float) -> float | None:
    """Return how many onset strengths a beat lasts, of so many a minute, or None for no beat."""
    moved = strength - strength.mean()
    power = float(moved @ moved)
    if power <= 0:
        return None
    # finer than the peaks are wide, so that the highest does not lie between two frequencies
    size = fft.next_fast_len(FINER * len(moved), real=True)
    spectrum = np.square(np.abs(fft.rfft(moved, size))) / power
    bins = np.arange(round(SLOWEST * size / minute), round(2 * SLOWEST * size / minute))
    peaks = spectrum[HARMONICS[:, None] * bins].sum(axis=0)
    best = int(peaks.argmax())
    if peaks[best] < CERTAIN:
        return None
    place = float(bins[best])
    if 0 < best < len(peaks) - 1:  # the top of the parabola through three values
        below, top, above = peaks[best - 1 : best + 2]
        place += 0.5 * (below - above) / min(below - 2 * top + above, -1e-9)
    return float(size / place)


def onset_strength(
    samples: np.ndarray, *, sample_rate: int = SAMPLE_RATE
) -> tuple[np.ndarray, np.ndarray]:
    """Return how strongly sounds begin (T,), in all bands and in the bass.

    What is always there is taken away, and loud and soft passages count alike.

    Args:
        samples: (n,).
        sample_rate: in Hz.
    """
    hop = _hop(sample_rate)
    parts = []
    for start in range(0, len(samples), CHUNK * hop):
        before = min(start, MARGIN * hop)
        part = samples[start - before : start + (CHUNK + MARGIN) * hop]
        rises = band_rises(part, WINDOW, hop, sample_rate=sample_rate)[before // hop :][:CHUNK]
        parts.append(np.stack([rises.mean(axis=1), rises[:, :BASS].mean(axis=1)]))
    rises = np.concatenate(parts, axis=1)
    local, usual = (round(seconds * sample_rate / hop) for seconds in (LOCAL, USUAL))
    above = np.maximum(rises - uniform_filter1d(rises, local, axis=1), 0)
    level = np.sqrt(np.maximum(uniform_filter1d(np.square(above), usual, axis=1), 0))
    strength, bass = above / (
        level + FLOOR * np.sqrt(np.square(above).mean(axis=1, keepdims=True)) + 1e-9
    )
    return strength, bass


def _hop(sample_rate: int) -> int:
    return round(sample_rate / RATE)


def _first_beat(strength: np.ndarray, bass: np.ndarray, beat: float) -> float:
    """Return where the first beat that begins a bar lies, for a beat of so many strengths."""
    turns = np.exp(-2j * np.pi / beat * HARMONICS[:, None] * np.arange(len(strength)))
    shifts = np.linspace(0, 1, SHIFTS, endpoint=False)
    back = np.exp(2j * np.pi * HARMONICS[:, None] * shifts)
    offset = float(shifts[((turns @ strength) @ back).real.argmax()]) * beat
    beats = np.rint(np.arange(offset, len(bass), beat)).astype(int)
    near = maximum_filter1d(bass, 2 * NEAR + 1)[np.minimum(beats, len(bass) - 1)]
    accents = [near[k::BEATS_A_BAR].mean() if len(near) > k else 0.0 for k in range(BEATS_A_BAR)]
    return offset + beat * int(np.argmax(accents))
