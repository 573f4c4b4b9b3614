"""Frames of sound: `encode` samples into (T, 202) non-negative numbers, `decode` them again.

A frame holds the amplitudes a of 202 bands, 24 an octave from MIDI 24 (32.7 Hz) to 124.5 (10,859
Hz), each as a^0.3: a full-scale sinusoid has a = 1. The hop length (samples a frame) is free, and
need not be whole: 441 is 50 frames a second, `sample_rate * 60 / bpm / 24` is 24 frames a beat.
Phases are not kept: `decode` continues them from peak to peak, or draws them where there is noise,
then makes the band signals consistent (fast Griffin-Lim: Perraudin, Balazs, Soendergaard 2013,
algorithm 2). The level is preserved.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from audio_parsing.filterbank import (
    BANDS,
    BANDS_PER_OCTAVE,
    LOWEST_PITCH,
    WIDTH,
    BandGroup,
    FilterBank,
    band_frequencies,
    filter_bank,
)
from audio_parsing.kernels import accelerate, continue_phases, match_frames, mean_power

__all__ = [
    "BANDS",
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

FRAME_SIZE = BANDS
SAMPLE_RATE = 22050
EXPONENT = 0.3
LOUDEST = 1.5  # decode clips values at this: an amplitude of 3.9, far over full scale
# of Griffin-Lim towards amplitudes interpolated between the frames: these find the phases
INTERPOLATED_STEPS = 1
FRAME_STEPS = 5  # towards the frames' own powers: these find attacks that interpolation smears
MOMENTUM = 1.3
FRAME_MOMENTUM = 0.4
NOISY_FROM = 1000.0  # Hz; below, neighbouring bands overlap so much that every peak is blunt
OVERLAP = 8  # bands of the next groups whose peaks are looked at, so that phases agree
FADE = 0.05  # seconds; beyond its ends the first and last frame fade to silence


def encode(
    samples: np.ndarray, *, hop_length: float, sample_rate: float = SAMPLE_RATE
) -> np.ndarray:
    """Return the frames (T, 202) float32 of samples (n,), with T = ceil(n / hop_length).

    Raises:
        ValueError: for samples that are not one finite, non-empty channel, or a hop length below 1.

    Examples:
        >>> tone = 0.1 * np.sin(2 * np.pi * 440 / 22050 * np.arange(22050))  # a second
        >>> frames = encode(tone, hop_length=441)
        >>> frames.shape, int(frames.mean(axis=0).argmax())  # band 90 is at 440 Hz
        ((50, 202), 90)
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
    for group, signals in zip(bank.groups, bank.analyse(spectrum), strict=True):
        for row, signal in zip(power[group.bands], signals, strict=True):
            squares = signal.real**2 + signal.imag**2
            mean_power(row, squares, hop_length * group.steps / bank.size)
    return np.ascontiguousarray(power.T) ** np.float32(EXPONENT / 2)


def decode(
    frames: np.ndarray, *, hop_length: float, sample_rate: float = SAMPLE_RATE, seed: int = 0
) -> np.ndarray:
    """Return the samples (n,) float32 of frames (T, 202), n = T * hop_length, rounded.

    They are the same for one seed. Negative values count as 0. The level is that of the encoded
    sound; it is not limited to [-1, 1].

    Raises:
        ValueError: for frames that are not (T, 202) finite numbers with T > 0, or a hop length
            below 1.

    Examples:
        >>> decode(np.zeros((50, 202)), hop_length=441).shape
        (22050,)
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
    spectrum = _spectrum(amplitude, bank, hop_length, sample_rate, rng)
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


class _Aim(NamedTuple):
    """What the band signals of a group (K, M) come to have: arrays, and samples a frame."""

    fine: np.ndarray  # (K, M) amplitudes, interpolated between the frames
    power: np.ndarray  # (K, T) of the frames
    step: float
    places: _Places


def _spectrum(
    amplitude: np.ndarray,
    bank: FilterBank,
    hop_length: float,
    sample_rate: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Find phases for the band amplitudes (T, BANDS); return the spectrum of the summed bands."""
    signals, aims = [], []
    phase = rng.uniform(0, 2 * np.pi, BANDS)
    seed = int(rng.integers(2**62))
    for group in bank.groups:
        places = _places(len(amplitude), group.steps, bank.size, hop_length, sample_rate)
        signal, fine = _first_signals(
            amplitude, group, places, phase, bank.size / sample_rate, seed
        )
        signals.append(signal)
        power = np.ascontiguousarray(amplitude[:, group.bands].T) ** 2
        aims.append(_Aim(fine, power, hop_length * group.steps / bank.size, places))
    gain = np.empty(len(amplitude), np.float32)
    squares = np.empty(max(group.steps for group in bank.groups), np.float32)
    previous = None
    for number in range(INTERPOLATED_STEPS + FRAME_STEPS):
        projected = bank.analyse(bank.synthesise(signals))
        before = projected if previous is None else previous
        for signal, now, last, aim in zip(signals, projected, before, aims, strict=True):
            if number < INTERPOLATED_STEPS:
                accelerate(
                    signal.view(np.float32),
                    now.view(np.float32),
                    last.view(np.float32),
                    aim.fine,
                    np.float32(MOMENTUM),
                )
            else:
                momentum = np.float32(FRAME_MOMENTUM)
                match_frames(
                    signal,
                    gain,
                    squares[: signal.shape[1]],
                    now,
                    last,
                    aim.power,
                    aim.step,
                    aim.places,
                    momentum,
                )
        previous = projected
    return bank.synthesise(signals)


def _first_signals(
    amplitude: np.ndarray,
    group: BandGroup,
    places: _Places,
    phase: np.ndarray,
    seconds: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the signals (K, M) of a group with continued phases, and their amplitudes.

    Args:
        amplitude: (T, BANDS).
        group: K bands.
        places: M of them.
        phase: (BANDS,) to begin with.
        seconds: that M samples last.
        seed: of the phases of noise.
    """
    low, high = max(0, group.bands.start - OVERLAP), min(BANDS, group.bands.stop + OVERLAP)
    fine = _between_frames(amplitude[:, low:high], places)
    frequency = band_frequencies()[low:high]
    angles = np.empty_like(fine)
    continue_phases(
        angles,
        np.log(fine + np.float32(1e-7)),
        frequency,
        phase[low:high].copy(),
        group.steps / seconds,
        np.where(frequency < NOISY_FROM, 0.0, WIDTH**-2),
        seed,
    )
    own = slice(group.bands.start - low, group.bands.stop - low)
    fine, angles = (np.ascontiguousarray(values[:, own].T) for values in (fine, angles))
    signals = np.empty(fine.shape, np.complex64)
    np.multiply(fine, np.cos(angles), out=signals.real)
    np.multiply(fine, np.sin(angles), out=signals.imag)
    return signals, fine


def transpose(frames: np.ndarray, semitones: int) -> np.ndarray:
    """Shift frames (..., 202) by semitones; bands shifted out are lost.

    The highest bands, which nothing is shifted into, stay: without them a song would be dull.

    Examples:
        >>> frames = np.zeros((1, 202))
        >>> frames[0, 90] = 1  # A, 440 Hz
        >>> int(transpose(frames, 12)[0].argmax())  # two bands a semitone
        114
    """
    shift = int(semitones) * BANDS_PER_OCTAVE // 12
    moved = np.zeros_like(frames)
    shift_bands(moved, frames, shift)
    return moved


def shift_bands(target: np.ndarray, source: np.ndarray, shift: int) -> None:
    """Fill target (..., 202), which is zero, with source moved up by `shift` bands."""
    if abs(shift) < BANDS:
        low, high = max(shift, 0), min(BANDS + shift, BANDS)
        target[..., low:high] = source[..., low - shift : high - shift]
        target[..., high:] = source[..., high:]


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
    """Return the samples (T * size,) of raw frames (T, size).

    Examples:
        >>> join(np.arange(6).reshape(3, 2))
        array([0, 1, 2, 3, 4, 5])
    """
    return np.asarray(frames).reshape(-1)
