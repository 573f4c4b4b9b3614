"""Compare two sounds by harmony, rhythm, spectrum and scale, to judge reconstructions and songs.

Every measure takes samples (n,) at a sample rate in Hz, or frames (T, 202) of `frames.encode`; a
comparison takes two sounds of one kind and uses the time that both have.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

from audio_parsing.filterbank import BANDS_PER_OCTAVE, LOWEST_PITCH
from audio_parsing.frames import EXPONENT, SAMPLE_RATE

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10, 11),  # natural, and the raised seventh of the dominant chord
}
HARMONICS = np.arange(2, 9)
NOTE_BANDS = 175  # up to MIDI 111, 4,978 Hz: above lie overtones
ONSET_RATE = 50  # steps a second of the onset envelope of samples
ONSET_BANDS = 40


def chroma(sound: np.ndarray, *, sample_rate: float = SAMPLE_RATE) -> np.ndarray:
    """Return the amplitudes of the 12 pitch classes over time, (steps, 12).

    One step is a frame; for samples at 22,050 Hz there are 21.5 steps a second.

    Examples:
        >>> tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
        >>> int(chroma(tone).mean(axis=0).argmax())  # A, 9 semitones above C
        9
    """
    sound = np.asarray(sound)
    if sound.ndim == 2:
        power = _amplitudes(sound) ** 2
        pitch = LOWEST_PITCH + np.arange(NOTE_BANDS) * 12 / BANDS_PER_OCTAVE
    else:
        magnitude = _spectrogram(sound, 4096, 1024)
        hertz = np.arange(magnitude.shape[1]) * sample_rate / 4096
        audible = (hertz > 55) & (hertz < 5000)
        power = magnitude[:, audible] ** 2
        pitch = 69 + 12 * np.log2(hertz[audible] / 440)
    distance = np.abs((pitch[:, None] - np.arange(12) + 6) % 12 - 6)
    return np.sqrt(power @ np.maximum(1 - distance, 0))  # between two classes it is shared


def chroma_correlation(
    first: np.ndarray, second: np.ndarray, *, sample_rate: float = SAMPLE_RATE
) -> float:
    """Return the correlation of two chromas: 1 for the same harmony at the same time.

    Examples:
        >>> tone, other = np.sin(2 * np.pi * np.outer([440, 523], np.arange(22050)) / 22050)
        >>> bool(chroma_correlation(tone, 0.1 * tone) > 0.9 > chroma_correlation(tone, other))
        True
    """
    return _correlation(
        chroma(first, sample_rate=sample_rate), chroma(second, sample_rate=sample_rate)
    )


def onset_envelope(sound: np.ndarray, *, sample_rate: float = SAMPLE_RATE) -> np.ndarray:
    """Return how much louder the bands become per step, (steps,): a frame, or 1/50 s of samples."""
    sound = np.asarray(sound)
    if sound.ndim == 2:
        return _rises(np.maximum(sound, 0)).mean(axis=1)
    hop_length = round(sample_rate / ONSET_RATE)
    return band_rises(sound, 2048, hop_length, sample_rate=sample_rate).mean(axis=1)


def band_rises(
    samples: np.ndarray, size: int, hop_length: int, *, sample_rate: float = SAMPLE_RATE
) -> np.ndarray:
    """Return how much louder each band becomes from one spectrum to the next, (steps, 40).

    Args:
        samples: (n,).
        size: of the window of a spectrum.
        hop_length: samples from one spectrum to the next.
        sample_rate: in Hz.
    """
    power = _bands(_spectrogram(samples, size, hop_length), ONSET_BANDS, sample_rate)
    return _rises(power ** (EXPONENT / 2))


def _rises(level: np.ndarray) -> np.ndarray:
    rises = np.zeros(level.shape)
    rises[1:] = np.maximum(np.diff(level, axis=0), 0)
    return rises


def onset_correlation(
    first: np.ndarray, second: np.ndarray, *, sample_rate: float = SAMPLE_RATE
) -> float:
    """Return the correlation of two onset envelopes: 1 for the same rhythm."""
    return _correlation(
        onset_envelope(first, sample_rate=sample_rate),
        onset_envelope(second, sample_rate=sample_rate),
    )


def log_spectral_distance(
    first: np.ndarray, second: np.ndarray, *, sample_rate: float = SAMPLE_RATE
) -> float:
    """Return the mean distance of two spectra in dB; levels end 60 dB below the peak.

    It is the root mean square over bands, averaged over time.

    Examples:
        >>> tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
        >>> round(log_spectral_distance(tone, tone**3), 1)
        8.2
    """
    levels = []
    for sound in (np.asarray(first), np.asarray(second)):
        power = (
            _amplitudes(sound) ** 2
            if sound.ndim == 2
            else _bands(_spectrogram(sound, 2048, 512), 64, sample_rate)
        )
        levels.append(power)
    floor = 1e-6 * max(float(levels[0].max()), 1e-12)
    steps = min(len(level) for level in levels)
    decibel = [10 * np.log10(level[:steps] + floor) for level in levels]
    return float(np.sqrt(np.mean((decibel[0] - decibel[1]) ** 2, axis=1)).mean())


def scale(tonic: int, mode: str) -> frozenset[int]:
    """Return the pitch classes (C = 0) of the 'major' or 'minor' scale on a tonic.

    Raises:
        ValueError: for another mode.

    Examples:
        >>> scale(7, "major") == frozenset({7, 9, 11, 0, 2, 4, 6})  # G major has an F sharp
        True
    """
    if mode not in SCALES:
        raise ValueError(f"mode must be one of {', '.join(SCALES)}, not {mode!r}")
    return frozenset((tonic + step) % 12 for step in SCALES[mode])


def in_scale_share(sound: np.ndarray, pitch_classes: frozenset[int]) -> float:
    """Return the share of note energy in `pitch_classes`; 7 random classes get 7 / 12.

    Args:
        sound: frames (T, 202), whose notes are estimated, or notes (n, 4) of onset and offset in
            seconds, pitch and amplitude.
        pitch_classes: for example `scale(0, "major")`.
    """
    sound = np.asarray(sound)
    if sound.shape[1] == 4:
        pitch = np.rint(sound[:, 2]).astype(int)
        energy = (sound[:, 1] - sound[:, 0]) * sound[:, 3] ** 2
        energies = np.bincount(pitch % 12, energy, 12)
    else:
        energy, pitches = note_energy(sound)
        energies = np.bincount(np.rint(pitches).astype(int).ravel() % 12, energy.ravel(), 12)
    total = energies.sum()
    return float(energies[sorted(pitch_classes)].sum() / total) if total > 0 else 1.0


def note_energy(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (energy, pitch), both (T, 175): spectral peaks of frames that are no overtones.

    Energy is 0 everywhere else. A peak counts as an overtone if a peak at least as loud lies where
    its fundamental would be. So the louder note of an octave or a twelfth is found; the softer one
    is lost, which a share of energy can bear.
    """
    amplitude = _amplitudes(frames)
    level = np.log(amplitude + 1e-7)
    inner = level[:, 1:-1]
    peak = np.zeros(level.shape, bool)
    peak[:, 1:-1] = (
        (inner > level[:, :-2])
        & (inner >= level[:, 2:])
        & (amplitude[:, 1:-1] > 0.02 * amplitude.max(axis=1, keepdims=True))
    )
    curvature = level[:, :-2] - 2 * inner + level[:, 2:]
    offset = np.zeros(level.shape)
    offset[:, 1:-1] = np.clip(
        0.5 * (level[:, :-2] - level[:, 2:]) / np.minimum(curvature, -1e-6), -0.5, 0.5
    )
    pitch = LOWEST_PITCH + (np.arange(NOTE_BANDS) + offset) * 12 / BANDS_PER_OCTAVE
    loudest_near = np.maximum(
        np.maximum(amplitude, np.roll(amplitude, 1, axis=1)), np.roll(amplitude, -1, axis=1)
    )
    for shift in np.rint(BANDS_PER_OCTAVE * np.log2(HARMONICS)).astype(int):
        peak[:, shift:] &= amplitude[:, shift:] > loudest_near[:, :-shift]
    return np.where(peak, amplitude**2, 0), pitch


def _amplitudes(frames: np.ndarray) -> np.ndarray:
    return np.maximum(np.asarray(frames, np.float64)[:, :NOTE_BANDS], 0) ** (1 / EXPONENT)


def _spectrogram(samples: np.ndarray, size: int, hop_length: int) -> np.ndarray:
    """Return magnitudes (1 + n // hop, size / 2 + 1) of Hann windows centred on every hop."""
    padded = np.pad(np.asarray(samples, np.float32), size // 2)
    if len(padded) < size:
        padded = np.pad(padded, (0, size - len(padded)))
    windows = sliding_window_view(padded, size)[::hop_length]
    hann = np.hanning(size + 1)[:-1].astype(np.float32)  # periodic
    return np.abs(fft.rfft(windows * hann, axis=1)) * np.float32(4 / size)


def _bands(magnitude: np.ndarray, count: int, sample_rate: float) -> np.ndarray:
    """Return the power (steps, count) in even log-frequency bands from 50 Hz to 10.9 kHz."""
    bins = magnitude.shape[1]
    edges = (
        np.geomspace(50, min(10900, sample_rate / 2), count + 1) / (sample_rate / 2) * (bins - 1)
    )
    total = np.concatenate(
        [np.zeros((len(magnitude), 1)), np.cumsum(magnitude.astype(np.float64) ** 2, axis=1)],
        axis=1,
    )
    whole = np.floor(edges).astype(int)
    at_edges = total[:, whole] + (edges - whole) * (
        total[:, np.minimum(whole + 1, bins)] - total[:, whole]
    )
    return np.diff(at_edges, axis=1)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    steps = min(len(first), len(second))
    x, y = (
        np.asarray(part[:steps], np.float64) - np.mean(part[:steps]) for part in (first, second)
    )
    norm = np.sqrt(np.sum(x**2) * np.sum(y**2))
    return float(np.sum(x * y) / norm) if norm > 0 else 0.0
