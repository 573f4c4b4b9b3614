"""Loudness in LUFS, and a song brought to a loudness without its peaks overflowing.

loudness(samples, sample_rate) -> LUFS                  ITU-R BS.1770-4, gated, mono
true_peak(samples) -> dB                                of the signal between its samples
at_loudness(samples, sample_rate, -16.0) -> samples     peaks below PEAK

The filters of BS.1770 are given for 48 kHz; for other rates they are made from the analogue ones
with the same response (De Man, "Evaluation of implementations of the EBU R128 loudness
measurement", 2018).
"""

from __future__ import annotations

import numpy as np

PEAK = -1.0  # dB, of the true peak
BLOCK_SECONDS, HOPS = 0.4, 4  # a block, and how many begin in its time
SILENT, GATE = -70.0, -10.0  # LUFS of a block that is silence; LU below the mean of the others
OVERSAMPLING = 4
LOOK_SECONDS = 0.005  # before a peak in which the limiter turns down
ROUNDS = 4  # of gain and limiter, as the limiter takes loudness away


def loudness(samples: np.ndarray, sample_rate: int) -> float:
    """Return the loudness of samples (n,) in LUFS; minus infinity for silence.

    Args:
        samples: mono.
        sample_rate: Hz.

    Examples:
        >>> tone = np.sin(2 * np.pi * 997 / 48000 * np.arange(96000))  # full scale: -3 LUFS
        >>> round(loudness(tone, 48000), 1)
        -3.0
    """
    if not len(samples):
        return -np.inf
    size = round(BLOCK_SECONDS * sample_rate)
    power = np.square(_weighted(samples, sample_rate))
    power = np.pad(power, (0, max(0, size - len(power))))
    sums = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, len(power) - size + 1, max(1, size // HOPS))
    blocks = (sums[starts + size] - sums[starts]) / size
    for gate in (SILENT, None):
        if gate is None:
            gate = _lufs(blocks.mean()) + GATE
        blocks = blocks[blocks > 10 ** ((gate + 0.691) / 10)]
        if not len(blocks):
            return -np.inf
    return _lufs(blocks.mean())


def true_peak(samples: np.ndarray) -> float:
    """Return the highest level of samples (n,) in dB, also between them.

    Examples:
        >>> round(true_peak(0.5 * np.sin(0.1 * np.arange(22050))), 1)
        -6.0
    """
    return 20 * float(np.log10(max(_envelope(samples).max(initial=0.0), 1e-9)))


def at_loudness(samples: np.ndarray, sample_rate: int, target: float) -> np.ndarray:
    """Return samples (n,) float32 at a loudness in LUFS, with true peaks below PEAK.

    Silence stays silence.

    Args:
        samples: mono.
        sample_rate: Hz.
        target: LUFS.

    Examples:
        >>> tone = 0.01 * np.sin(0.1 * np.arange(44100))
        >>> round(loudness(at_loudness(tone, 22050, -23.0), 22050), 1)
        -23.0
    """
    reached, gain = loudness(samples, sample_rate), 0.0
    found = np.asarray(samples, np.float32)
    if not np.isfinite(reached):
        return found
    for _ in range(ROUNDS):
        gain += target - reached
        found = _limited(samples * np.float32(10 ** (gain / 20)), sample_rate)
        reached = loudness(found, sample_rate)
        if abs(target - reached) < 0.1:
            break
    return found


def _lufs(power: float) -> float:
    return -0.691 + 10 * float(np.log10(max(power, 1e-12)))


def _weighted(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return samples (n,) float64 through the two filters of K-weighting."""
    from scipy.signal import sosfilt

    shelf_gain = 10 ** (3.999843853973347 / 20)
    sections = []
    for hertz, quality, (high, middle, low) in (
        (1681.974450955533, 0.7071752369554196, (shelf_gain, shelf_gain**0.4996667741545416, 1.0)),
        (38.13547087602444, 0.5003270373238773, (1.0, 0.0, 0.0)),
    ):
        k = np.tan(np.pi * hertz / sample_rate)
        scale = 1 + k / quality + k * k
        numerator = (
            high + middle * k / quality + low * k * k,
            2 * (low * k * k - high),
            high - middle * k / quality + low * k * k,
        )
        if not middle:  # the second filter of the recommendation is not normalised
            numerator = tuple(value * scale for value in (1.0, -2.0, 1.0))
        denominator = (1.0, 2 * (k * k - 1) / scale, (1 - k / quality + k * k) / scale)
        sections.append([*(value / scale for value in numerator), *denominator])
    return np.asarray(sosfilt(np.array(sections), np.asarray(samples, np.float64)))


def _envelope(samples: np.ndarray) -> np.ndarray:
    """Return the highest absolute value at and after each sample (n,), up to the next one."""
    from scipy.signal import resample_poly

    if not len(samples):
        return np.zeros(0)
    between = np.abs(resample_poly(samples, OVERSAMPLING, 1))
    return between.reshape(len(samples), OVERSAMPLING).max(axis=1)


def _limited(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return samples (n,) whose true peaks are at PEAK; the gain falls and rises smoothly."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    ceiling = 10 ** (
        (PEAK - 0.1) / 20
    )  # a little less, as the gain changes what is between samples
    wanted = np.minimum(1.0, ceiling / np.maximum(_envelope(samples), 1e-9))
    if wanted.min(initial=1.0) >= 1.0:
        return samples.astype(np.float32)
    # The minimum over a window, then its mean over the same window, is never above `wanted`.
    window = 2 * max(1, round(LOOK_SECONDS * sample_rate)) + 1
    gain = uniform_filter1d(minimum_filter1d(wanted, window), window)
    return (samples * gain).astype(np.float32)
