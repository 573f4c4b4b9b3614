"""The tuples of arguments in the register-tile passes of all gated cells, and their constants.

T, B, F, H, G = time steps, batch, input size, hidden size, gates. Arrays are flat float32.

Numba takes tuples apart when it compiles a call. Measured against single arguments, a step takes
the same time (0.4 us more for the smallest networks) and so does compilation. Only a call from
Python takes longer: 2.5 us with nine arrays, 9 us with two named tuples for eight of them. So the
kernels that Python calls have single arguments, and plain tuples of numbers at most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_networks.components.kernels.simd.vector import LANES, TILE

WIDE = 2  # vectors in a block of a cell with one gate


class Cell(NamedTuple):
    """How a cell's gates lie in vectors of LANES floats; the same for all sizes."""

    gates: int  # G
    biases: int  # of the gates: 1, or 2 where the input and the state have their own
    states: int  # that go from step to step: 1, or 2 with the LSTM's c
    vectors: int  # in a row of a block of weights
    row_vectors: int  # in a row of a block of gate gradients
    value_vectors: int  # that a block leaves for the backward pass
    turn: int  # the gate of the first vector in the gradient of the state's products
    input_start: int  # where the gradient of the input's products begins in a row, in floats
    carries: int  # 1 if the gates' gradients leave in dfirst what passes around the gates


GRU = Cell(3, 2, 1, vectors=3, row_vectors=4, value_vectors=4, turn=2, input_start=LANES, carries=1)
LSTM = Cell(4, 1, 2, vectors=4, row_vectors=4, value_vectors=4, turn=0, input_start=0, carries=0)
RNN = Cell(
    1, 1, 1, vectors=WIDE, row_vectors=WIDE, value_vectors=0, turn=0, input_start=0, carries=0
)


class Shape(NamedTuple):
    """The sizes of one pass over a sequence."""

    steps: int  # T
    given_steps: int  # of x: T, or 1 for an input that every step gets
    above_steps: int  # of dhidden: T, or 1 for the gradient of the last state alone
    batch: int  # B
    features: int  # F
    size: int  # H
    blocks: int  # see `block_count`


class Weights(NamedTuple):
    """The weights of a cell, or their gradients."""

    W: np.ndarray  # (F, G H), of the input
    U: np.ndarray  # (H, G H), of the state
    a: np.ndarray  # (G H,), the bias
    b: np.ndarray  # (G H,), the second bias; empty in a cell with one


class States(NamedTuple):
    """What a forward pass reads and writes."""

    hidden: np.ndarray  # (T+1, B, H), [0] is given
    cells: np.ndarray  # likewise; empty in a cell with one state
    values: np.ndarray  # (T, blocks, B, value_vectors, LANES), of the gates, for the backward pass
    x: np.ndarray  # (given_steps, B, F)


class Errors(NamedTuple):
    """The gradients of the loss with respect to what goes through a cell."""

    dx: np.ndarray  # like x; empty if it is not needed
    dfirst: np.ndarray  # (B, H), of hidden[0]
    dcell: np.ndarray  # (B, H), of cells[0]; empty in a cell with one state
    dhidden: np.ndarray  # (above_steps, B, H), given


class Rows(NamedTuple):
    """The gate gradients of some rows: (blocks, rows, row_vectors, LANES), not contiguous."""

    values: np.ndarray  # from the first of the floats on
    rows: int
    row_step: int  # floats between two rows
    block_step: int  # floats between two blocks


class Sums(NamedTuple):
    """Gradients on their way to a cell's weights, in the order of the tiles."""

    U: np.ndarray  # as `add_gradient_two`, `_three` or `_four` makes them
    W: np.ndarray  # likewise
    biases: np.ndarray  # (blocks, row_vectors, LANES)
    over_time: np.ndarray  # (blocks, B, row_vectors, LANES), for an input that every step gets
    packed: np.ndarray  # room for the rows that they are multiplied by


def on_tiles(dtype: np.dtype) -> bool:
    """Return whether arrays of a dtype are worked on by register tiles."""
    return TILE is not None and dtype == np.float32


def gate_values(steps: int, batch: int, size: int) -> np.ndarray:
    """Return (steps, blocks, batch, 4 LANES): four vectors of gate values for LANES units each."""
    return np.empty((steps, -(-size // LANES), batch, 4 * LANES), np.float32)


def gru_tile_cache(steps: int, batch: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return arrays of the gates in blocks, and of the candidate's product, (0, batch, size)."""
    return gate_values(steps, batch, size), np.empty((0, batch, size), np.float32)


def gru_values(gates: np.ndarray, candidate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gates (T, B, 3H) and candidate (T, B, H) from the cache of either forward pass."""
    if gates.ndim == 3:
        return gates, candidate
    steps, blocks, batch, _ = gates.shape
    size = candidate.shape[2]
    values = gates.reshape(steps, blocks, batch, 4, LANES).transpose(0, 2, 3, 1, 4)
    values = values.reshape(steps, batch, 4, -1)[..., :size]
    found = np.ascontiguousarray(values[:, :, :3]).reshape(steps, batch, 3 * size)
    return found, np.ascontiguousarray(values[:, :, 3])
