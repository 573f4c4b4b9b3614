"""A filter bank over a whole song, in the frequency domain: samples, spectrum, band signals.

The spectrum of a song of N samples is 2 / N times its real FFT, so that a sinusoid of amplitude A
is one line of height A. A band is a window over some of its bins; its signal, the band's analytic
signal at M samples for the whole song, is the inverse FFT of the bins folded modulo M. Folding by
the absolute bin keeps the absolute phase: no demodulation is needed anywhere. Bands are wider the
higher they lie, and a wide band needs more samples: each group of neighbours has its own M.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft

from audio_parsing.kernels import fold, unfold

BANDS = 202
BANDS_PER_OCTAVE = 24
LOWEST_PITCH = 24.0  # MIDI number of band 0; band k is half a semitone above band k - 1
# Deviation of a band's window, as a share of the distance to the next band. Half a semitone is
# (2^(1/24) - 1) f wide; narrower than 4 Hz would smear bass notes in time.
WIDTH = 0.7
NARROWEST = 4.0  # Hz
# of each group: the widest deviation in Hz, and the samples a second of a signal, at least
GROUPS = ((23.0, 110.0), (45.0, 220.0), (95.0, 450.0), (240.0, 1000.0))
# seconds of padding: an FFT is circular, the filters at the end would meet those at the beginning
PADDING = 0.5


def band_frequencies() -> np.ndarray:
    """Return the centre frequencies of the bands in Hz, shape (BANDS,).

    Examples:
        >>> band_frequencies()[[0, 90]].round(1)
        array([ 32.7, 440. ])
    """
    pitch = LOWEST_PITCH + np.arange(BANDS) * 12 / BANDS_PER_OCTAVE
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


@dataclass(frozen=True)
class BandGroup:
    """The tables of neighbouring bands whose signals have the same number of samples."""

    bands: slice
    steps: int  # M, samples of a band signal
    window: np.ndarray  # the bands' windows, one after the other
    first: np.ndarray  # (bands,) the first spectrum bin of each window
    start: np.ndarray  # (bands + 1,) where each window starts in `window`


@dataclass(frozen=True)
class FilterBank:
    """The tables of one song length; make it with `filter_bank`."""

    size: int  # N, samples of the padded song
    groups: tuple[BandGroup, ...]
    inverse: np.ndarray  # (bins,) 1 / sum of squared windows, bounded

    def spectrum(self, samples: np.ndarray) -> np.ndarray:
        """Return the spectrum (N / 2 + 1,) complex64 of at most N samples."""
        return fft.rfft(samples, self.size, norm="forward") * np.float32(2)

    def samples(self, spectrum: np.ndarray) -> np.ndarray:
        """Return the samples (N,) of a spectrum (N / 2 + 1,)."""
        return fft.irfft(spectrum * np.float32(0.5), self.size, norm="forward")

    def analyse(self, spectrum: np.ndarray) -> list[np.ndarray]:
        """Return the band signals of each group, (bands, M) complex64."""
        signals = []
        for group in self.groups:
            folded = np.empty((len(group.first), group.steps), np.complex64)
            fold(folded, spectrum, group.window, group.first, group.start)
            signals.append(fft.ifft(folded, axis=1, norm="forward", overwrite_x=True))
        return signals

    def synthesise(self, signals: list[np.ndarray]) -> np.ndarray:
        """Return the spectrum (N / 2 + 1,) whose band signals are nearest to those of each group.

        Nearest in least squares, bounded where no band responds well.
        """
        spectrum = np.zeros(self.size // 2 + 1, np.complex64)
        for group, bands in zip(self.groups, signals, strict=True):
            folded = fft.fft(bands, axis=1, norm="forward")
            unfold(spectrum, folded, group.window, group.first, group.start)
        spectrum *= self.inverse
        return spectrum


def filter_bank(length: int, sample_rate: float) -> FilterBank:
    """Return the filters for songs of `length` samples at a rate in Hz, shared by similar ones.

    Examples:
        >>> bank, tone = filter_bank(22050, 22050), np.sin(0.1 * np.arange(22050))
        >>> again = bank.samples(bank.spectrum(tone))[:22050]
        >>> bool(np.allclose(again, tone, atol=1e-4))
        True
    """
    half = fft.next_fast_len(-(-(length + int(PADDING * sample_rate)) // 2), real=True)
    return _filter_bank(2 * half, float(sample_rate))


@lru_cache(maxsize=2)  # 19 MB for a song of two minutes; hardly two songs have one size
def _filter_bank(size: int, sample_rate: float) -> FilterBank:
    bins = size // 2 + 1
    frequency = band_frequencies()
    sigma = np.maximum(WIDTH * (2 ** (1 / BANDS_PER_OCTAVE) - 1) * frequency, NARROWEST)
    groups, overlap = [], np.zeros(bins)
    for narrower, (widest, rate) in zip((0.0, *(w for w, _ in GROUPS)), GROUPS, strict=False):
        bands = slice(*np.searchsorted(sigma, (narrower, widest)).tolist())
        groups.append(
            _group(bands, frequency[bands], sigma[bands], overlap, size / sample_rate, rate)
        )
    covered = overlap[overlap > 0]
    floor = 0.05 * float(np.median(covered)) if len(covered) else 1.0
    inverse = np.where(overlap > 0, 1 / np.maximum(overlap, floor), 0).astype(np.float32)
    return FilterBank(size, tuple(groups), inverse)


def _group(
    bands: slice,
    frequency: np.ndarray,
    sigma: np.ndarray,
    overlap: np.ndarray,
    seconds: float,
    rate: float,
) -> BandGroup:
    """Return the group of some bands, and add their squared windows to `overlap` (bins,)."""
    bins = len(overlap)
    first = np.minimum(np.ceil((frequency - 3 * sigma) * seconds), bins).astype(np.int64)
    last = np.minimum(np.floor((frequency + 3 * sigma) * seconds), bins - 1).astype(np.int64)
    counts = np.maximum(last + 1 - first, 0)
    start = np.concatenate([[0], np.cumsum(counts)])
    window = np.empty(start[-1], np.float32)
    for k in range(len(frequency)):
        distance = np.arange(first[k], first[k] + counts[k]) / seconds - frequency[k]
        values = np.exp(-0.5 * (distance / sigma[k]) ** 2)
        window[start[k] : start[k + 1]] = values
        overlap[first[k] : first[k] + counts[k]] += values**2
    # factors of 2, 3 and 5 alone: complex FFTs with others are allowed, and slower
    steps = fft.next_fast_len(int(np.ceil(rate * seconds)), real=True)
    return BandGroup(bands, steps, window, first, start)
