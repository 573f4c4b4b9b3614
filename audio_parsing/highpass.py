"""A high-pass filter that removes DC from a stream of blocks.

H(s) = s^2 / (s^2 + sqrt(2) s + 1), the Butterworth filter of second order, by the bilinear
transform, in transposed direct form II:

    y = b x + s1,   s1 <- -2 b x - a1 y + s2,   s2 <- b x - a2 y

(Oppenheim and Schafer, Discrete-Time Signal Processing, sections 6.3 and 7.1). It is written here
since importing SciPy's takes longer than all else that reading a file needs.
"""

from __future__ import annotations

import math

import numpy as np

from audio_parsing.kernels import kernel


class HighPass:
    """A filter of one channel, which begins as if the mean of its first block had always been.

    Args:
        cutoff: -3 dB, in Hz.
        sample_rate: Hz.
    """

    def __init__(self, cutoff: float, sample_rate: float) -> None:
        k = math.tan(math.pi * cutoff / sample_rate)
        scale = 1 / (1 + math.sqrt(2) * k + k * k)
        self._b = scale
        self._a = (2 * (k * k - 1) * scale, (1 - math.sqrt(2) * k + k * k) * scale)
        self._state: np.ndarray | None = None

    def filter(self, block: np.ndarray) -> np.ndarray:
        """Return the filtered samples (n,) of the next block (n,), as float32."""
        if self._state is None:
            mean = block.mean(dtype=np.float64)
            self._state = np.array([-self._b * mean, self._b * mean])
        out = np.empty(block.shape, np.float32)
        filter_block(out, self._state, block, self._b, *self._a)
        return out


@kernel
def filter_block(out, state, block, b, a1, a2):
    """out (n,) = block (n,) filtered; `state` (2,) holds s1 and s2, and is overwritten."""
    first, second = state[0], state[1]
    for n in range(block.shape[0]):
        x = float(block[n])
        y = b * x + first
        first = second - 2 * b * x - a1 * y
        second = b * x - a2 * y
        out[n] = y
    state[0], state[1] = first, second
