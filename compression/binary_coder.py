"""Code one yes-or-no answer: an arithmetic coder's range and the probabilities that narrow it.

    put(out, state, answer, chances, ages, shares, first, second)    state: see `put`, `get`
    get(data, state, chances, ages, shares, first, second) -> answer
    flush(out, state)                                                the bytes left in state

`first` and `second` are the places in `chances` (of 2^16, of a 'no') of a question's two contexts,
whose mean is used; negative for even odds that are not learned.
"""

from __future__ import annotations

import numpy as np

from neural_networks.components.kernels import kernel

CERTAIN = 48  # of 2^16: the closest that a probability comes to 0 and 1
MEMORY = 255  # most answers that a running probability remembers
TOP = 1 << 24  # the range stays above this
BITS = 32


@kernel
def put(out, state, answer, chances, ages, shares, first, second):
    """Narrow the range to the part that means an answer.

    state: low, width, pending byte, count of pending 255s, place in out.
    """
    if first < 0:
        bound = state[1] >> 1
    else:
        bound = _bound(state[1], chances, first, second)
        _learn(chances, ages, shares, first, answer)
        _learn(chances, ages, shares, second, answer)
    if answer:
        state[0] += bound
        state[1] -= bound
    else:
        state[1] = bound
    while state[1] < TOP << 8:
        state[1] <<= 8
        _shift(out, state)


@kernel
def _shift(out, state):
    """Output the highest byte of low; it waits while a carry may still reach it."""
    low = state[0]
    if low < 0xFF << BITS or low >= 1 << (BITS + 8):
        carry = low >> (BITS + 8)
        if state[2] >= 0:
            out[state[4]] = (state[2] + carry) & 0xFF
            state[4] += 1
        for _ in range(state[3]):
            out[state[4]] = (0xFF + carry) & 0xFF
            state[4] += 1
        state[3] = 0
        state[2] = (low >> BITS) & 0xFF
    else:
        state[3] += 1
    state[0] = (low & ((1 << BITS) - 1)) << 8


@kernel
def get(data, state, chances, ages, shares, first, second):
    """Return the next answer (state: code minus low, width, place in data)."""
    bound = state[1] >> 1 if first < 0 else _bound(state[1], chances, first, second)
    answer = 0
    if state[0] >= bound:
        state[0] -= bound
        state[1] -= bound
        answer = 1
    else:
        state[1] = bound
    if first >= 0:
        _learn(chances, ages, shares, first, answer)
        _learn(chances, ages, shares, second, answer)
    while state[1] < TOP << 8:
        state[1] <<= 8
        state[0] = (state[0] << 8) | next_byte(data, state)
    return answer


@kernel
def next_byte(data, state):
    """Return the next byte, 0 after the end."""
    place = state[2]
    state[2] += 1
    return np.int64(data[place]) if place < data.size else np.int64(0)


@kernel
def _bound(width, chances, first, second):
    """Return the part of the range that means 'no'."""
    chance = min(max((chances[first] + chances[second]) >> 1, CERTAIN), 65536 - CERTAIN)
    return (width >> 16) * chance


@kernel
def _learn(chances, ages, shares, place, answer):
    target = 0 if answer else 65536
    chances[place] += ((target - chances[place]) * shares[ages[place]]) >> 16
    if ages[place] < MEMORY:
        ages[place] += 1


@kernel
def flush(out, state):
    """Output the bytes that are left."""
    for _ in range(6):
        _shift(out, state)
