"""The workspace of a kernel: one array, made at its start, that its parts take their arrays from.

    workspace = aligned(..)                       as large as forward_space or backward_space say
    panels, workspace = take(workspace, count)    the rest is the workspace of what is called next
    sums, workspace = take_zeros(workspace, count)

Letters and blocks as in kernels/simd/panels.py.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels.simd.cell import WIDE
from neural_networks.components.kernels.simd.vector import LANES, ROWS

LINE = 16  # floats of a cache line
WIDTH = 2 * LANES  # columns of a panel
GROUP = 64  # rows whose sums fit into the first-level cache
AHEAD = 128  # rows of the input's products that are computed at a time
CHUNK = 131072  # floats of gate gradients, half a megabyte of the second-level cache
CHUNK_ROWS = 128, 256  # of a chunk: fewer would read the sums too often

# of the summed index at a time: rows of a tile fit into the first-level cache, and sums of sums
# lose fewer digits
DEPTH = 256
COLUMNS = 256  # of the right matrix at a time, whose panels fit into the second-level cache


@register_jitable
def aligned(count):
    """Return (count,) float32 that starts at a multiple of 64 bytes, a cache line."""
    memory = np.empty(count + LINE, np.float32)
    skip = (-(memory.ctypes.data // 4)) % LINE
    return memory[skip : skip + count]


@register_jitable
def take(workspace, count):
    """Return (count,) floats of any value, and the workspace that is left.

    Raises:
        MemoryError: if the workspace is too small.
    """
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
    """Return the number of blocks that the units of a cell are divided into."""
    units = WIDE * LANES if gates == 1 else LANES
    return (size + units - 1) // units


@register_jitable
def steps_ahead(shape):
    """Return the number of time steps whose input products are computed at a time."""
    return min(shape.given_steps, max(1, AHEAD // shape.batch))


@register_jitable
def chunk_steps(cell, shape):
    """Return the number of time steps in a chunk of the backward pass."""
    rows = CHUNK // (shape.blocks * cell.row_vectors * LANES)
    rows = max(CHUNK_ROWS[0], min(CHUNK_ROWS[1], rows))
    return min(shape.steps, max(1, rows // shape.batch))


@register_jitable
def forward_space(cell, shape):
    """Return the number of floats that a cell's forward pass takes."""
    rows = steps_ahead(shape) * shape.batch
    floats = cell.vectors * (shape.features + shape.size + rows + shape.batch) + cell.row_vectors
    return shape.blocks * floats * LANES + 5 * LINE


@register_jitable
def backward_space(cell, shape):
    """Return the number of floats that a cell's backward pass takes."""
    rows = chunk_steps(cell, shape) * shape.batch
    panels = (shape.size + shape.features + 2 * WIDTH) * cell.vectors
    sums = (shape.size + shape.features + 2 * ROWS) * cell.vectors
    gradients = cell.row_vectors * (rows + shape.batch + 2) + cell.vectors * shape.batch
    floats = shape.blocks * (panels + sums + gradients) * LANES
    packed = (max(shape.size, shape.features) + ROWS) * rows
    return floats + packed + GROUP * WIDTH + shape.batch * shape.size + 12 * LINE


@register_jitable
def product_space(width, depth):
    """Return the number of floats that a product with `width` columns and `depth` terms takes."""
    return (min(depth, DEPTH) + ROWS) * (min(width, COLUMNS) + WIDTH) + 2 * LINE
