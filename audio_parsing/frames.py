"""Frames of sound: `encode` samples into (T, 181) non-negative numbers, `decode` them again.

A frame holds the amplitudes a of 175 bands, 24 an octave from MIDI 24 (32.7 Hz) to 111 (4,978 Hz),
and of 6 noise bands from 5.05 to 10.9 kHz, each as a^0.3: a full-scale sinusoid has a = 1. The hop
length (samples a frame) is free, and need not be whole: 441 is 50 frames a second, `sample_rate *
60 / bpm / 24` is 24 frames a beat. Phases are not kept: `decode` continues them from peak to peak,
then makes the band signals consistent (fast Griffin-Lim: Perraudin, Balazs, Soendergaard 2013,
algorithm 2). The level is preserved.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import fft

from audio_parsing.filterbank import (
    BANDS,
    LOWEST_PITCH,
    NOISE_BANDS,
    FilterBank,
    band_frequencies,
    filter_bank,
)
from audio_parsing.kernels import accelerate, continue_phases, match_frames, mean_power

__all__ = [
    "BANDS",
    "NOISE_BANDS",
    "FRAME_SIZE",
    "SAMPLE_RATE",
    "LOWEST_PITCH",
    "EXPONENT",
    "encode",
    "decode",
    "transpose",
    "raw_frames",
    "join",
]

FRAME_SIZE = BANDS + NOISE_BANDS
SAMPLE_RATE = 22050
EXPONENT = 0.3
LOUDEST = 1.5  # decode clips values at this: an amplitude of 3.9, far over full scale
# of Griffin-Lim towards amplitudes interpolated between the frames: these find the phases
INTERPOLATED_STEPS = 3
FRAME_STEPS = 3  # towards the frames' own powers: these find attacks that interpolation smears
MOMENTUM = 1.3
FRAME_MOMENTUM = 1.0
FADE = 0.05  # seconds; beyond its ends the first and last frame fade to silence


def encode(
    samples: np.ndarray, *, hop_length: float, sample_rate: float = SAMPLE_RATE
) -> np.ndarray:
    """Return the frames (T, 181) float32 of samples (n,), with T = ceil(n / hop_length).

    Raises:
        ValueError: for samples that are not one finite, non-empty channel, or a hop length below 1.
    """
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 1 or len(samples) == 0:
        raise ValueError(f"samples must be one non-empty channel, shape (n,), not {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("samples must be finite numbers")
    _check_rates(hop_length, sample_rate)
    count = math.ceil(len(samples) / hop_length)
    bank = filter_bank(math.ceil(count * hop_length), sample_rate)
    spectrum = bank.spectrum(samples)
    power = np.zeros((FRAME_SIZE, count), np.float32)
    for k, signal in enumerate(bank.analyse(spectrum)):
        mean_power(power[k], signal, hop_length * bank.steps / bank.size)
    for k in range(NOISE_BANDS):
        band = spectrum[bank.noise_bins[k] : bank.noise_bins[k + 1]]
        if len(band):
            signal = fft.ifft(band, fft.next_fast_len(len(band)), norm="forward")
            mean_power(power[BANDS + k], signal, hop_length * len(signal) / bank.size)
    return np.ascontiguousarray(power.T) ** np.float32(EXPONENT / 2)


def decode(
    frames: np.ndarray, *, hop_length: float, sample_rate: float = SAMPLE_RATE, seed: int = 0
) -> np.ndarray:
    """Return the samples (n,) float32 of frames (T, 181), n = T * hop_length, rounded.

    They are the same for one seed. Negative values count as 0. The level is that of the encoded
    sound; it is not limited to [-1, 1].

    Raises:
        ValueError: for frames that are not (T, 181) finite numbers with T > 0, or a hop length
            below 1.
    """
    frames = np.asarray(frames, np.float32)
    if frames.ndim != 2 or frames.shape[1] != FRAME_SIZE or len(frames) == 0:
        raise ValueError(
            f"frames must have the shape (T, {FRAME_SIZE}) with T > 0, not {frames.shape}"
        )
    if not np.isfinite(frames).all():
        raise ValueError("frames must be finite numbers")
    _check_rates(hop_length, sample_rate)
    rng = np.random.default_rng(seed)
    length = round(len(frames) * hop_length)
    bank = filter_bank(length, sample_rate)
    amplitude = np.clip(frames, 0, LOUDEST) ** np.float32(1 / EXPONENT)
    spectrum = _tonal_spectrum(amplitude[:, :BANDS], bank, hop_length, sample_rate, rng)
    _add_noise(spectrum, amplitude[:, BANDS:], bank, hop_length, sample_rate, rng)
    return bank.samples(spectrum)[:length]


def _check_rates(hop_length: float, sample_rate: float) -> None:
    if not 1 <= hop_length < math.inf:
        raise ValueError(f"hop_length must be a number of samples from 1, not {hop_length}")
    if not 1000 <= sample_rate <= 1_000_000:
        raise ValueError(f"sample_rate must lie between 1000 and 1000000 Hz, not {sample_rate}")


class _Places(NamedTuple):
    """How to interpolate T frames at M even positions of a circle: each array is (M,)."""

    lower: np.ndarray  # the frame before
    weight: np.ndarray  # of the frame after
    fade: np.ndarray  # 1 within the song, 0 soon after its ends


def _places(count: int, steps: int, size: int, hop_length: float, sample_rate: float) -> _Places:
    """Return the positions of `steps` baseband samples in frames padded to `size` samples."""
    length = count * hop_length
    position = np.arange(steps) * (size / steps)  # samples
    # the circle's end lies before the beginning
    position[position > (length + size) / 2] -= size
    place = np.clip(position / hop_length - 0.5, 0, count - 1)
    lower = np.minimum(place.astype(np.int64), max(count - 2, 0))
    outside = np.maximum(position - length, 0) + np.maximum(-position, 0)
    fade = np.maximum(1 - outside / (FADE * sample_rate), 0)
    return _Places(lower, (place - lower).astype(np.float32), fade.astype(np.float32))


def _between_frames(values: np.ndarray, places: _Places) -> np.ndarray:
    """Return values (T, K) of frames at M places, (M, K)."""
    weight, fade = places.weight[:, None], places.fade[:, None]
    upper = np.minimum(places.lower + 1, len(values) - 1)
    return values[places.lower] * (fade * (1 - weight)) + values[upper] * (fade * weight)


def _tonal_spectrum(
    amplitude: np.ndarray,
    bank: FilterBank,
    hop_length: float,
    sample_rate: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Find phases for the band amplitudes (T, BANDS); return the spectrum of the summed bands."""
    places = _places(len(amplitude), bank.steps, bank.size, hop_length, sample_rate)
    fine = _between_frames(amplitude, places)
    signals = np.empty(fine.shape, np.complex64)
    phase = rng.uniform(0, 2 * np.pi, BANDS)
    continue_phases(
        signals,
        fine,
        np.log(fine + np.float32(1e-7)),
        band_frequencies(),
        phase,
        bank.steps / bank.size * sample_rate,
    )
    signals, fine = np.ascontiguousarray(signals.T), np.ascontiguousarray(fine.T)
    power = np.ascontiguousarray(amplitude.T) ** 2
    step = hop_length * bank.steps / bank.size
    gain = np.empty(len(amplitude), np.float32)
    previous = None
    for number in range(INTERPOLATED_STEPS + FRAME_STEPS):
        projected = bank.analyse(bank.synthesise(signals))
        before = projected if previous is None else previous
        if number < INTERPOLATED_STEPS:
            accelerate(
                signals.view(np.float32),
                projected.view(np.float32),
                before.view(np.float32),
                fine,
                np.float32(MOMENTUM),
            )
        else:
            match_frames(
                signals, gain, projected, before, power, step, places, np.float32(FRAME_MOMENTUM)
            )
        previous = projected
    return bank.synthesise(signals)


def _add_noise(
    spectrum: np.ndarray,
    amplitude: np.ndarray,
    bank: FilterBank,
    hop_length: float,
    sample_rate: float,
    rng: np.random.Generator,
) -> None:
    """Add noise of the given amplitudes (T, NOISE_BANDS) to the spectrum, band by band."""
    for k in range(NOISE_BANDS):
        begin, end = bank.noise_bins[k], bank.noise_bins[k + 1]
        if end > begin and amplitude[:, k].any():
            steps = fft.next_fast_len(int(end - begin))
            noise = rng.standard_normal(2 * steps, np.float32).view(np.complex64) * np.float32(
                np.sqrt(0.5)
            )
            noise *= _between_frames(
                amplitude[:, k : k + 1],
                _places(len(amplitude), steps, bank.size, hop_length, sample_rate),
            )[:, 0]
            spectrum[begin:end] += fft.fft(noise, norm="forward")[: end - begin] * np.float32(
                np.sqrt(steps / (end - begin))
            )


def transpose(frames: np.ndarray, semitones: int) -> np.ndarray:
    """Shift frames (..., 181) by semitones; bands shifted out are lost, noise bands stay."""
    shift = 2 * int(semitones)
    moved = np.zeros_like(frames)
    if abs(shift) < BANDS:
        moved[..., max(shift, 0) : min(BANDS + shift, BANDS)] = frames[
            ..., max(-shift, 0) : min(BANDS - shift, BANDS)
        ]
    moved[..., BANDS:] = frames[..., BANDS:]
    return moved


def raw_frames(samples: np.ndarray, size: int) -> np.ndarray:
    """Cut samples (n,) into raw frames (ceil(n / size), size), padded with zeros.

    Raises:
        ValueError: for a size below 1, or samples that are not one channel.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")
    samples = np.asarray(samples)
    if samples.ndim != 1:
        raise ValueError(f"samples must be one channel, shape (n,), not {samples.shape}")
    return np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)


def join(frames: np.ndarray) -> np.ndarray:
    """Return the samples (T * size,) of raw frames (T, size)."""
    return np.asarray(frames).reshape(-1)
