"""Distance of generated songs from real ones: window statistics and the Fréchet distance.

    statistics(frames (T, 202), rate) -> (windows, 94)      of each window of WINDOW seconds
    frechet(first (n, K), second (m, K)) -> distance        between Gaussians fitted to them

A window of a song in its own key and tempo is described by 12 + 5 + 7 values of its notes, 12 of
its onsets, 58 of its log-mel levels. Notes are spectral peaks that are no overtones
(`analysis.note_energy`), begun where one stands out of the three frames before and holds for four.
On the 96 starter songs they count 3.95 notes a second where the scores have 4.04; over the songs
the two correlate with 0.95. Distances are in units of the real songs' standard deviation of each
value: sqrt(mean_1 - mean_2)^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2)) (Fréchet 1957; Dowson and Landau
1982, eq. 4; of generated images Heusel et al. 2017, arXiv:1706.08500, eq. 6).
"""

from __future__ import annotations

import numpy as np

from audio_parsing.analysis import NOTE_BANDS, note_energy
from audio_parsing.filterbank import BANDS, LOWEST_PITCH
from audio_parsing.frames import EXPONENT

WINDOW = 2.5  # seconds
PITCHES = 88  # semitones of the frames' bands
LOWEST = int(LOWEST_PITCH)
AUDIBLE = 0.02  # amplitude of a note; a song has about 0.1 in all
RISE = 1.5  # times the amplitude of LOOK_BACK frames before
LOOK_BACK = 3  # frames, an eighth of a beat
SHORTEST = 4  # frames
OCTAVES = 5  # from MIDI 36 on; the few notes below and above count to the lowest and the highest
HIGH_GROUPS = 6  # above the highest note
MEL_BANDS = 23  # groups of the frames' bands: even below, wider above, as mel bands are
LOWEST_LEVEL = 1e-3  # amplitude, -60 dB of full scale
LAGS = 6  # of the onsets' own correlation, LAG seconds apart
LAG = 0.15


def statistics(frames: np.ndarray, rate: float) -> np.ndarray:
    """Return what describes each whole window of a song, (windows, K) float64.

    Args:
        frames: (T, 202) in the song's own key.
        rate: frames a second, which the song's tempo sets.
    """
    length = max(SHORTEST + 1, min(round(WINDOW * rate), len(frames)))
    amplitudes = salience(frames)
    begun = onsets(amplitudes)
    level = levels(frames)
    rise = np.zeros(len(frames))
    rise[1:] = np.maximum(np.diff(np.maximum(frames[:, :NOTE_BANDS], 0), axis=0), 0).mean(axis=1)
    windows = [slice(start, start + length) for start in range(0, len(frames) - length + 1, length)]
    return np.array(
        [
            np.concatenate(
                [
                    _of_notes(amplitudes[w], begun[w], rate),
                    _of_onsets(rise[w], rate, w.start),
                    _of_levels(level[w]),
                ]
            )
            for w in windows
        ]
    )


def salience(frames: np.ndarray) -> np.ndarray:
    """Return the amplitudes (T, 88) of semitones whose peak is not an overtone, 0 elsewhere."""
    energy, pitch = note_energy(frames)
    time, band = np.nonzero(energy)
    semitone = np.clip(np.rint(pitch[time, band]).astype(int) - LOWEST, 0, PITCHES - 1)
    strongest = np.zeros((len(frames), PITCHES))
    np.maximum.at(strongest, (time, semitone), energy[time, band])
    return np.sqrt(strongest)


def onsets(amplitudes: np.ndarray) -> np.ndarray:
    """Return where notes begin, (T, 88) bool, in amplitudes of semitones (T, 88)."""
    before = np.zeros_like(amplitudes)
    before[LOOK_BACK:] = amplitudes[:-LOOK_BACK]
    rising = (amplitudes > AUDIBLE) & (amplitudes > RISE * before)
    first = rising.copy()
    first[1:] &= ~rising[:-1]
    for later in range(1, SHORTEST):
        first[:-later] &= amplitudes[later:] > AUDIBLE
        first[-later:] = False
    return first


def notes_a_second(frames: np.ndarray, rate: float) -> float:
    """Return how many notes of a song (T, 202) begin in a second of `rate` frames."""
    return float(onsets(salience(frames)).sum() / len(frames) * rate)


def levels(frames: np.ndarray) -> np.ndarray:
    """Return the levels (T, 29) of groups of bands, in bels of amplitude above LOWEST_LEVEL."""
    power = np.square(np.maximum(frames.astype(np.float64), 0) ** (1 / EXPONENT))
    hertz = 440 * 2 ** ((LOWEST_PITCH + np.arange(NOTE_BANDS) / 2 - 69) / 12)
    mel = np.log1p(hertz / 700)
    # Groups of even width in mel, but of at least one octave's quarter where bands are wider than
    # that.
    place = 0.5 * np.arange(NOTE_BANDS) / (NOTE_BANDS - 1)
    place += 0.5 * (mel - mel[0]) / (mel[-1] - mel[0])
    edges = np.searchsorted(place, np.arange(MEL_BANDS) / MEL_BANDS)
    high = np.linspace(NOTE_BANDS, BANDS, HIGH_GROUPS, endpoint=False).astype(int)
    grouped = np.sqrt(np.add.reduceat(power, np.concatenate([edges, high]), axis=1))
    return np.log10(grouped + LOWEST_LEVEL) - np.log10(LOWEST_LEVEL)


def _of_notes(amplitudes: np.ndarray, begun: np.ndarray, rate: float) -> np.ndarray:
    """Return (24,) figures of the notes: pitch classes, octaves, number, length, range, level."""
    heard = amplitudes > AUDIBLE
    weight = (amplitudes * heard).sum(axis=0)
    total = max(float(weight.sum()), 1e-9)
    pitch = LOWEST + np.arange(PITCHES)
    classes = np.bincount(pitch % 12, weight, 12) / total
    octaves = (
        np.bincount(np.clip(pitch // 12 - LOWEST // 12, 1, OCTAVES) - 1, weight, OCTAVES) / total
    )
    count, together = float(begun.sum()), heard.sum(axis=1)
    mean = float(weight @ pitch) / total
    return np.concatenate(
        [
            classes,
            octaves,
            [
                count / len(heard) * rate,
                np.log(max(float(heard.sum()), 1.0) / max(count, 1.0) / rate),
                together.mean(),
                together.std(),
                mean / 12,
                np.sqrt(max(float(weight @ (pitch - mean) ** 2) / total, 0.0)) / 12,
                np.log10(total / len(heard) + LOWEST_LEVEL),
            ],
        ]
    )


def _of_onsets(rise: np.ndarray, rate: float, start: int) -> np.ndarray:
    """Return (12,) figures of the rises: mean, spread, peak, shares by time, autocorrelation."""
    mean = max(float(rise.mean()), 1e-9)
    place = (np.arange(len(rise)) + start) % 6 // 2  # on the quarter, after it, before the next
    shares = np.bincount(place, rise, 3) / (mean * len(rise))
    centred = rise - rise.mean()
    power = max(float(centred @ centred), 1e-12)
    lags = [min(max(1, round(rate * LAG * k)), len(rise) - 1) for k in range(1, LAGS + 1)]
    own = [float(centred[lag:] @ centred[:-lag]) / power for lag in lags]
    return np.concatenate([[100 * mean, rise.std() / mean, rise.max() / mean / 10], shares, own])


def _of_levels(level: np.ndarray) -> np.ndarray:
    return np.concatenate([level.mean(axis=0), level.std(axis=0)])


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Return the squared Fréchet distance between Gaussians of vectors (n, K) and (m, K)."""
    difference = first.mean(axis=0) - second.mean(axis=0)
    one, two = (np.cov(x, rowvar=False) for x in (first, second))
    root = _root(one)
    # tr (C_1 C_2)^(1/2) = tr (C_1^(1/2) C_2 C_1^(1/2))^(1/2), whose matrix is symmetric.
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0)).sum()
    return float(difference @ difference + np.trace(one) + np.trace(two) - 2 * shared)


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
