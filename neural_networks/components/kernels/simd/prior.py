"""What the two passes of a recurrent prior on register tiles share. This file may be skipped.

    Latents, Choices, Heads, Sizes    tuples of flat arrays and of sizes, as in kernels/prior.py
    unpack(..)                        the product of a matrix that belongs to no gates, as rows
    wide_space(..)                    the number of floats of its panels, or of such a product

Such a matrix has panels as one of a cell with one gate (RNN); blocks, panels:
kernels/simd/panels.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels.simd.cell import WIDE
from neural_networks.components.kernels.simd.copies import add_part
from neural_networks.components.kernels.simd.vector import LANES
from neural_networks.components.kernels.simd.workspace import WIDTH, block_count


class Latents(NamedTuple):
    """What is drawn, or the gradients of it."""

    innovations: np.ndarray  # (T, B, D)
    latents: np.ndarray  # (T+1, B, D)
    inputs: np.ndarray  # (T, B, E)
    statistics: np.ndarray  # (T, B, C)


class Choices(NamedTuple):
    """Which component of a mixture each step is drawn from."""

    levels: np.ndarray  # (T, B), float64
    chosen: np.ndarray  # (T, B), whole numbers


class Heads(NamedTuple):
    """The weights before and behind the GRU, and the bounds of the log-variance."""

    E: np.ndarray  # (D, E)
    F: np.ndarray  # (H, C)
    low: np.float32
    high: np.float32


class Sizes(NamedTuple):
    """The sizes that a GRU's Shape does not have."""

    latents: int  # D
    statistics: int  # C
    conditions: int  # T, or 1 for a condition that all steps share


@register_jitable
def unpack(out, product, batch, size):
    """Copy a product (blocks, batch, WIDTH) to rows of out (batch, size)."""
    for block in range(block_count(1, size)):
        for row in range(batch):
            place = (block * batch + row) * WIDTH
            for vector in range(WIDE):
                column = (block * WIDE + vector) * LANES
                if column < size:
                    count = min(LANES, size - column)
                    add_part(out, row * size + column, product, place + vector * LANES, count, 0)


@register_jitable
def wide_space(depth, size):
    """Return the floats of panels of a matrix (depth, size), or of a product of `depth` rows."""
    return depth * block_count(1, size) * WIDTH
