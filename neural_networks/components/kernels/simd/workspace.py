"""The workspace of a kernel: one array, made at its start, from which everything that it calls takes what it needs.

    workspace = aligned(..)                       by the kernel, as large as forward_space(..) or backward_space(..) say
    panels, workspace = take(workspace, count)    what is left is the workspace of whatever is called next
    sums, workspace = take_zeros(workspace, count)

Letters and blocks as in kernels/simd/panels.py; row_vectors = vectors that a row of a block has in
the gates' gradients.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels.simd.vector import LANES, ROWS

LINE = 16  # floats of a cache line
WIDTH = 2 * LANES  # columns of a panel
GROUP = 64  # rows whose sums stay in the nearest cache
AHEAD = 128  # rows of an input's products that are made at a time
CHUNK = 256  # rows of gates' gradients that stay in the second cache
WIDE = 2  # vectors of a block of a cell with one gate


@register_jitable
def aligned(count):
    """Return (count,) float32 that starts at a multiple of 64 bytes, a cache line."""
    memory = np.empty(count + LINE, np.float32)
    skip = (-(memory.ctypes.data // 4)) % LINE
    return memory[skip : skip + count]


@register_jitable
def take(workspace, count):
    """Return (count,) floats, whose values are whatever they were, and the workspace that is left; MemoryError if it is too small."""
    end = (count + LINE - 1) // LINE * LINE
    if end > workspace.size:
        raise MemoryError("a kernel's workspace is too small")
    return workspace[:count], workspace[end:]


@register_jitable
def take_zeros(workspace, count):
    """Return (count,) zeros and the workspace that is left."""
    vector, workspace = take(workspace, count)
    vector[:] = 0
    return vector, workspace


@register_jitable
def block_count(gates, size):
    """Return how many blocks the units of a cell make."""
    units = WIDE * LANES if gates == 1 else LANES
    return (size + units - 1) // units


@register_jitable
def steps_ahead(given_steps, batch):
    """Return of how many time steps the input's products are made at a time."""
    return min(given_steps, max(1, AHEAD // batch))


@register_jitable
def chunk_steps(steps, batch):
    """Return how many time steps a chunk of the backward pass has."""
    return min(steps, max(1, CHUNK // batch))


@register_jitable
def forward_space(vectors, row_vectors, gates, given_steps, batch, features, size):
    """Return the floats that a cell's forward pass takes."""
    rows = steps_ahead(given_steps, batch) * batch
    floats = vectors * (features + size + rows + batch) + row_vectors
    return block_count(gates, size) * floats * LANES + 5 * LINE


@register_jitable
def backward_space(vectors, row_vectors, gates, given_steps, steps, batch, features, size):
    """Return the floats that a cell's backward pass takes."""
    blocks, rows = block_count(gates, size), chunk_steps(steps, batch) * batch
    panels = (size + features + 2 * WIDTH) * vectors
    sums = (size + features + 2 * ROWS) * vectors
    floats = blocks * (panels + sums + row_vectors * (rows + batch + 2) + vectors * batch) * LANES
    return floats + (max(size, features) + ROWS) * rows + GROUP * WIDTH + size + 12 * LINE


@register_jitable
def product_space(width, depth):
    """Return the floats that a matrix product takes, of so many columns and so many summed products."""
    return (min(depth, DEPTH) + ROWS) * (min(width, COLUMNS) + WIDTH) + 2 * LINE


# of the summed index at a time: rows of a tile stay in the nearest cache, and sums of sums lose
# fewer digits
DEPTH = 256
COLUMNS = 256  # of the right matrix at a time, whose panels stay in the second cache
