"""An adaptive binary range coder for rows of integers, whose model learns sizes from neighbours.

Contract:

    encode(levels) -> bytes           levels (C, T, N) int32: channels, chunks, coefficients
    decode(data, shape) -> levels     any bytes give some levels; a checksum must detect damage

A level is coded as yes-or-no questions (is it 0? its sign? is its size 1? 2? ...), sizes from SIZES
on by an exponential Golomb code. Each question has two running probabilities, in two contexts of
neighbours that are already coded: the coefficients before it, the chunk before, and the channel
before. Their mean narrows the coder's range (Martin 1979; carries as in Schindler's and Pavlov's
coders). All arithmetic is in integers, so that every machine decodes the same.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compression.binary_coder import BITS, MEMORY, flush, get, next_byte, put
from neural_networks.components.kernels import kernel

SIZES = 14  # sizes that are counted; larger ones take an exponential Golomb code
PREFIXES = 24  # bits of the largest number that the Golomb code holds
LARGEST = (1 << PREFIXES) - 1  # level
QUESTIONS = SIZES + PREFIXES + 1
# contexts: sizes of the wide neighbourhood in zones of the spectrum; the three nearest neighbours
WIDE, ZONES, NEAR = 24, 8, 216
ONE_HALF = 1 << 15  # of 2^16, the initial probability


def encode(levels: np.ndarray) -> bytes:
    """Return the bytes of levels (C, T, N), whole numbers from -LARGEST to LARGEST.

    Examples:
        >>> levels = np.array([[[0, 3, -1], [0, 0, 2]]])
        >>> data = encode(levels)
        >>> decode(data, levels.shape).tolist()
        [[[0, 3, -1], [0, 0, 2]]]
    """
    levels = np.ascontiguousarray(levels, np.int32)
    size = levels.size // 2 + 256
    while True:
        out = np.empty(size, np.uint8)
        used = _encode(out, levels, *_model())
        if used >= 0:
            # The decoder reads zeros after the end, so trailing ones need not be stored.
            return out[:used].tobytes().rstrip(b"\0")
        size *= 4


def decode(data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """Return the levels (C, T, N) int32 that `encode` was given.

    Examples:
        >>> levels = np.array([[[0, 3, -1]]])
        >>> decode(encode(levels), (1, 1, 3))
        array([[[ 0,  3, -1]]], dtype=int32)
    """
    levels = np.zeros(shape, np.int32)
    _decode(levels, np.frombuffer(data, np.uint8), *_model())
    return levels


def is_compiled() -> bool:
    """Return whether Numba has compiled the coder on this machine."""
    folder = getattr(getattr(_decode, "stats", None), "cache_path", None)
    return folder is not None and any(Path(folder).glob("range_coder._decode-*.nbc"))


def _model() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities of 'no' (both kinds of context), their ages, and shares of an answer."""
    count = (WIDE * ZONES + NEAR) * QUESTIONS
    shares = (65536 / (np.arange(MEMORY + 1) + 1.6)).astype(np.int64)
    return np.full(count, ONE_HALF, np.int64), np.zeros(count, np.int64), shares


@kernel
def _contexts(levels, channel, chunk, place):
    """Return the two places in the model where a level's questions begin."""
    near = before = 0
    if place > 0:
        near = abs(levels[channel, chunk, place - 1])
    if place > 1:
        before = abs(levels[channel, chunk, place - 2])
    wide = 2 * near + before
    last = 0
    size = levels.shape[2]
    if chunk > 0:
        row = levels[channel, chunk - 1]
        last = 2 * abs(row[place])
        for step in (-1, 1):
            if 0 <= place + step < size:
                last += abs(row[place + step])
        wide += last
        for step in (-2, 2):
            if 0 <= place + step < size:
                wide += abs(row[place + step])
    other = 0
    if chunk > 1:
        row = levels[channel, chunk - 2]
        wide += abs(row[place])
        if channel == 0:  # there is no channel before: the chunk before the last replaces it
            other = 2 * abs(row[place])
            for step in (-1, 1):
                if 0 <= place + step < size:
                    other += abs(row[place + step])
    if channel > 0:
        row = levels[channel - 1, chunk]
        other = 2 * abs(row[place])
        for step in (-1, 1):
            if 0 <= place + step < size:
                other += abs(row[place + step])
    first = _coarse(wide, WIDE)
    zone = 0
    while zone < ZONES - 1 and place >> (zone + 2) > 0:
        zone += 1
    second = (_coarse(2 * near + before, 6) * 6 + _coarse(last, 6)) * 6 + _coarse(other, 6)
    return (first * ZONES + zone) * QUESTIONS, (WIDE * ZONES + second) * QUESTIONS


@kernel
def _coarse(value, steps):
    """Return a size in ever coarser steps: 0, 1, 2, 3, 4-5, 6-7, 8-11, ..., below `steps`."""
    if value < 4:
        return min(value, steps - 1)
    bits = 2
    while value >> (bits + 1) > 0:
        bits += 1
    return min(2 * bits + ((value >> (bits - 1)) & 1), steps - 1)


@kernel
def _encode(out, levels, chances, ages, shares):
    """Return the bytes used, or -1 if `out` is too small."""
    state = np.array([0, 1 << (BITS + 8), -1, 0, 0], np.int64)
    channels, chunks, size = levels.shape
    for chunk in range(chunks):
        for channel in range(channels):
            for place in range(size):
                if state[4] + state[3] + 128 > out.size:
                    return -1
                first, second = _contexts(levels, channel, chunk, place)
                level = levels[channel, chunk, place]
                if level == 0:
                    put(out, state, 0, chances, ages, shares, first, second)
                    continue
                put(out, state, 1, chances, ages, shares, first, second)
                put(out, state, 1 if level < 0 else 0, chances, ages, shares, -1, -1)
                rest = abs(level) - 1
                counted = min(rest, SIZES)
                for number in range(counted):
                    put(
                        out,
                        state,
                        1,
                        chances,
                        ages,
                        shares,
                        first + 1 + number,
                        second + 1 + number,
                    )
                if counted < SIZES:
                    put(
                        out,
                        state,
                        0,
                        chances,
                        ages,
                        shares,
                        first + 1 + counted,
                        second + 1 + counted,
                    )
                    continue
                rest -= SIZES - 1  # 1 or more
                bits = 0
                while rest >> (bits + 1) > 0:
                    bits += 1
                for number in range(min(bits + 1, PREFIXES)):
                    answer = 1 if number < bits else 0
                    put(
                        out,
                        state,
                        answer,
                        chances,
                        ages,
                        shares,
                        first + SIZES + 1 + number,
                        second + SIZES + 1 + number,
                    )
                for number in range(bits - 1, -1, -1):
                    put(out, state, (rest >> number) & 1, chances, ages, shares, -1, -1)
    flush(out, state)
    return state[4]


@kernel
def _decode(levels, data, chances, ages, shares):
    """Fill the levels (C, T, N)."""
    state = np.array([0, 1 << (BITS + 8), 0], np.int64)
    for _ in range(5):
        state[0] = (state[0] << 8) | next_byte(data, state)
    channels, chunks, size = levels.shape
    for chunk in range(chunks):
        for channel in range(channels):
            for place in range(size):
                first, second = _contexts(levels, channel, chunk, place)
                if not get(data, state, chances, ages, shares, first, second):
                    continue
                negative = get(data, state, chances, ages, shares, -1, -1)
                magnitude = 1
                while magnitude <= SIZES and get(
                    data, state, chances, ages, shares, first + magnitude, second + magnitude
                ):
                    magnitude += 1
                if magnitude > SIZES:
                    bits = 0
                    while bits < PREFIXES and get(
                        data,
                        state,
                        chances,
                        ages,
                        shares,
                        first + SIZES + 1 + bits,
                        second + SIZES + 1 + bits,
                    ):
                        bits += 1
                    rest = 1
                    for _ in range(bits):
                        rest = (rest << 1) | get(data, state, chances, ages, shares, -1, -1)
                    magnitude = min(rest + SIZES, LARGEST)
                levels[channel, chunk, place] = -magnitude if negative else magnitude
