"""The compiled loops of the frames: arrays in, preallocated arrays out.

Letters: N samples and N / 2 + 1 spectrum bins of a whole (padded) song, K bands, M baseband samples
of a band, T frames. A band's table is its slice `window[start[k]:start[k + 1]]`, which begins at
the spectrum bin `first[k]`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

BLUNT, SHARP = 0.3, 0.7  # of a sinusoid's sharpness: noise below, a partial above


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function with Numba at its first call, and cache the result on disk."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        compiled: Callable[..., Any] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder is writable: compile at each start
        compiled = numba.njit(**options)(function)
    return compiled


@kernel
def fold(out, spectrum, window, first, start):
    """out (K, M) = each band's windowed bins folded modulo M: its spectrum at M samples."""
    period = out.shape[1]
    for k in range(out.shape[0]):
        row = out[k]
        row[:] = 0
        bin_ = first[k]
        table = start[k]
        left = start[k + 1] - start[k]
        while left > 0:  # runs without a wrap, so that the inner loop vectorises
            place = bin_ % period
            count = min(left, period - place)
            target = row[place : place + count]
            values = spectrum[bin_ : bin_ + count]
            weights = window[table : table + count]
            for j in range(count):
                target[j] += values[j] * weights[j]
            bin_ += count
            table += count
            left -= count


@kernel
def unfold(spectrum, bands, window, first, start):
    """spectrum (N / 2 + 1,) += sum over the bands of their windowed bins: the adjoint of `fold`."""
    period = bands.shape[1]
    for k in range(bands.shape[0]):
        row = bands[k]
        bin_ = first[k]
        table = start[k]
        left = start[k + 1] - start[k]
        while left > 0:
            place = bin_ % period
            count = min(left, period - place)
            values = row[place : place + count]
            target = spectrum[bin_ : bin_ + count]
            weights = window[table : table + count]
            for j in range(count):
                target[j] += values[j] * weights[j]
            bin_ += count
            table += count
            left -= count


@kernel
def _round_the_circle(index, size):
    return index if index < size else index % size


@kernel
def mean_power(out, power, step):
    """out (T,) = mean of power (M,), |signal|^2, over each frame, `step` baseband samples long.

    Every sample covers half a sample on both sides of it, so a frame need not be a whole number of
    samples.
    """
    size = power.shape[0]
    edge = 0.5  # a frame begins here, counted from half a sample before sample 0
    for t in range(out.shape[0]):
        end = 0.5 + (t + 1) * step
        first, last = int(edge), int(end)  # the samples that it shares with its neighbours
        total = (
            np.float32(min(float(first + 1), end) - edge) * power[_round_the_circle(first, size)]
        )
        index = first + 1
        while index + 4 <= min(last, size):  # fours wait less for one another than ones
            total += (power[index] + power[index + 1]) + (power[index + 2] + power[index + 3])
            index += 4
        while index < last:
            total += power[_round_the_circle(index, size)]
            index += 1
        if last > first:
            total += np.float32(end - last) * power[_round_the_circle(last, size)]
        out[t] = total / np.float32(step)
        edge = end


@kernel
def continue_phases(out, log_amplitude, frequency, phase, rate, sharpness, seed):
    """out (M, K) = phases of bands with these log amplitudes (M, K), continued from peak to peak.

    `phase` (K,) holds the initial phases and is overwritten.

    At each step the local maxima over the bands are peaks, their frequency found by a parabola; a
    peak's phase is that of the previous step at its band, advanced by the mean of the two
    frequencies. All bands between two valleys take their peak's phase: every filter has a real,
    symmetric window, so a sinusoid has one phase in all bands that respond to it.

    `sharpness` (K,) is the curvature of log_amplitude at the peak of a sinusoid, or 0 where it
    tells nothing. Noise has blunt peaks: below BLUNT of the sharpness a phase is random, above
    SHARP it is continued, and between them it is the more random the blunter the peak.
    """
    steps, bands = log_amplitude.shape
    turn = 2 * math.pi
    previous_phase = phase
    previous_frequency = frequency.copy()
    next_phase = np.empty_like(phase)
    next_frequency = np.empty_like(frequency)
    state = np.uint64(2 * seed + 1)
    for m in range(steps):
        level = log_amplitude[m]
        begin = 0
        while begin < bands:
            peak = begin
            while peak + 1 < bands and level[peak + 1] >= level[peak]:
                peak += 1
            end = peak + 1
            while end < bands and level[end] < level[end - 1]:
                end += 1
            hertz = frequency[peak]
            noise = 0.0
            if 0 < peak < bands - 1:
                left, centre, right = level[peak - 1], level[peak], level[peak + 1]
                curvature = 2 * centre - left - right
                if curvature > 1e-6:
                    offset = 0.5 * (right - left) / curvature
                    x = min(max(offset, -0.5), 0.5) * (math.log(2.0) / 24)
                    hertz *= 1 + x * (1 + x * (0.5 + x / 6))  # e^x to 2e-9, and much quicker
                if sharpness[peak] > 0:
                    noise = (SHARP - curvature / sharpness[peak]) / (SHARP - BLUNT)
            angle = previous_phase[peak] + math.pi * (previous_frequency[peak] + hertz) / rate
            if noise > 0:
                # xorshift (Marsaglia 2003), a number from -1/2 to 1/2
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                angle += min(noise, 1.0) * turn * (state * 2.0**-64 - 0.5)
            angle -= turn * math.floor(angle * (1 / turn))
            for k in range(begin, end):
                out[m, k] = angle
                next_phase[k] = angle
                next_frequency[k] = hertz
            begin = end
        previous_phase, next_phase = next_phase, previous_phase
        previous_frequency, next_frequency = next_frequency, previous_frequency


@kernel
def accelerate(out, projected, previous, amplitude, momentum):
    """out = amplitude u / |u|, u = projected + momentum (projected - previous): fast Griffin-Lim.

    `projected`, `previous` and `out` are (K, 2 M): complex numbers seen as pairs of floats;
    `amplitude` is (K, M).
    """
    tiny = np.float32(1e-30)
    for k in range(amplitude.shape[0]):
        row, now, before, target = out[k], projected[k], previous[k], amplitude[k]
        for m in range(target.shape[0]):
            real = now[2 * m] + momentum * (now[2 * m] - before[2 * m])
            imaginary = now[2 * m + 1] + momentum * (now[2 * m + 1] - before[2 * m + 1])
            scale = target[m] / np.sqrt(real * real + imaginary * imaginary + tiny)
            row[2 * m] = real * scale
            row[2 * m + 1] = imaginary * scale


@kernel
def match_frames(out, gain, power, projected, previous, target, step, places, momentum):
    """out (K, M) = g u, u = projected + momentum (projected - previous); g sets each frame's power.

    Where a frame is too loud g is the square of what would set it: projections spread an attack
    into the frame before it again and again.

    The target powers are (K, T). g (`gain`, (T,), is its workspace) belongs to the middle of the
    frames; `places` (lower, weight, fade), each (M,), interpolate it. `power` (M,) is the workspace
    of |u|^2. The envelope within a frame is left as it is: unlike `accelerate`, this asks for no
    more than the frames hold.
    """
    lower, weight, fade = places
    tiny = np.float32(1e-20)
    one = np.float32(1)
    highest = np.float32(4)
    last = gain.shape[0] - 1
    for k in range(out.shape[0]):
        row, wanted = out[k], target[k]
        # pairs of floats: a complex number times a real one would take four products
        pairs, now, before = (
            row.view(np.float32),
            projected[k].view(np.float32),
            previous[k].view(np.float32),
        )
        for m in range(row.shape[0]):
            real = now[2 * m] + momentum * (now[2 * m] - before[2 * m])
            imaginary = now[2 * m + 1] + momentum * (now[2 * m + 1] - before[2 * m + 1])
            pairs[2 * m], pairs[2 * m + 1] = real, imaginary
            power[m] = real * real + imaginary * imaginary
        mean_power(gain, power, step)
        for t in range(last + 1):
            ratio = wanted[t] / (gain[t] + tiny)
            gain[t] = min(np.sqrt(ratio), highest) if ratio > one else ratio
        for m in range(row.shape[0]):
            i = lower[m]
            factor = fade[m] * (gain[i] * (one - weight[m]) + gain[min(i + 1, last)] * weight[m])
            pairs[2 * m] *= factor
            pairs[2 * m + 1] *= factor
