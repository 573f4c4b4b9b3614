"""A filter bank over a whole song, in the frequency domain: samples, spectrum, band signals.

The spectrum of a song of N samples is 2 / N times its real FFT, so that a sinusoid of amplitude A
is one line of height A. A band is a window over some of its bins; its signal, the band's analytic
signal at M samples for the whole song, is the inverse FFT of the bins folded modulo M. Folding by
the absolute bin keeps the absolute phase: no demodulation is needed anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft

from audio_parsing.kernels import fold, unfold

BANDS = 175
BANDS_PER_OCTAVE = 24
LOWEST_PITCH = 24.0  # MIDI number of band 0; band k is half a semitone above band k - 1
NOISE_BANDS = 6
NOISE_EDGES = np.geomspace(5050.0, 10900.0, NOISE_BANDS + 1)  # Hz
BASEBAND_RATE = 150.0  # samples a second of a band signal, at least
# seconds of padding: an FFT is circular, the filters at the end would meet those at the beginning
PADDING = 0.5


def band_frequencies() -> np.ndarray:
    """Return the centre frequencies of the bands in Hz, shape (BANDS,)."""
    pitch = LOWEST_PITCH + np.arange(BANDS) * 12 / BANDS_PER_OCTAVE
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


@dataclass(frozen=True)
class FilterBank:
    """The tables of one song length; make it with `filter_bank`."""

    size: int  # N, samples of the padded song
    steps: int  # M, samples of a band signal
    window: np.ndarray  # all bands' windows, one after the other
    first: np.ndarray  # (BANDS,) the first spectrum bin of each window
    start: np.ndarray  # (BANDS + 1,) where each window starts in `window`
    inverse: np.ndarray  # (bins,) 1 / sum of squared windows, bounded
    noise_bins: np.ndarray  # (NOISE_BANDS + 1,) the bins where the noise bands begin and end

    def spectrum(self, samples: np.ndarray) -> np.ndarray:
        """Return the spectrum (N / 2 + 1,) complex64 of at most N samples."""
        return fft.rfft(samples, self.size, norm="forward") * np.float32(2)

    def samples(self, spectrum: np.ndarray) -> np.ndarray:
        """Return the samples (N,) of a spectrum (N / 2 + 1,)."""
        return fft.irfft(spectrum * np.float32(0.5), self.size, norm="forward")

    def analyse(self, spectrum: np.ndarray) -> np.ndarray:
        """Return the band signals (BANDS, M) complex64."""
        bands = np.empty((BANDS, self.steps), np.complex64)
        fold(bands, spectrum, self.window, self.first, self.start)
        return fft.ifft(bands, axis=1, norm="forward", overwrite_x=True)

    def synthesise(self, signals: np.ndarray) -> np.ndarray:
        """Return the spectrum (N / 2 + 1,) whose band signals are nearest to `signals` (BANDS, M).

        Nearest in least squares, bounded where no band responds well.
        """
        bands = fft.fft(signals, axis=1, norm="forward")
        spectrum = np.empty(self.size // 2 + 1, np.complex64)
        unfold(spectrum, bands, self.window, self.first, self.start)
        spectrum *= self.inverse
        return spectrum


def filter_bank(length: int, sample_rate: float) -> FilterBank:
    """Return the filters for songs of `length` samples at a rate in Hz, shared by similar ones."""
    half = fft.next_fast_len(-(-(length + int(PADDING * sample_rate)) // 2), real=True)
    return _filter_bank(2 * half, float(sample_rate))


@lru_cache(maxsize=8)
def _filter_bank(size: int, sample_rate: float) -> FilterBank:
    bins_per_hertz = size / sample_rate
    bins = size // 2 + 1
    frequency = band_frequencies()
    # Half a semitone is (2^(1/24) - 1) f wide. Narrower than 2 Hz would smear bass notes in time,
    # wider than 30 Hz needs a higher rate.
    sigma = np.clip(0.7 * (2 ** (1 / BANDS_PER_OCTAVE) - 1) * frequency, 2.0, 30.0)
    first = np.minimum(np.ceil((frequency - 3 * sigma) * bins_per_hertz), bins).astype(np.int64)
    last = np.minimum(np.floor((frequency + 3 * sigma) * bins_per_hertz), bins - 1).astype(np.int64)
    counts = np.maximum(last + 1 - first, 0)
    start = np.concatenate([[0], np.cumsum(counts)])
    window = np.empty(start[-1], np.float32)
    overlap = np.zeros(bins)
    for k in range(BANDS):
        distance = np.arange(first[k], first[k] + counts[k]) / bins_per_hertz - frequency[k]
        values = np.exp(-0.5 * (distance / sigma[k]) ** 2)
        window[start[k] : start[k + 1]] = values
        overlap[first[k] : first[k] + counts[k]] += values**2
    covered = overlap[overlap > 0]
    floor = 0.05 * float(np.median(covered)) if len(covered) else 1.0
    inverse = np.where(overlap > 0, 1 / np.maximum(overlap, floor), 0).astype(np.float32)
    steps = fft.next_fast_len(int(np.ceil(BASEBAND_RATE * size / sample_rate)))
    noise_bins = np.minimum(np.rint(NOISE_EDGES * bins_per_hertz), bins - 1).astype(np.int64)
    return FilterBank(size, steps, window, first, start, inverse, noise_bins)
