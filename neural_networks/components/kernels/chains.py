"""How the two chains of layers of `Recurrent` lie in memory, for its kernels.

    arrange(input_layers, output_layers, batch, steps, out_steps) -> Chains
    values_of(memory, chains) -> Values       what a forward pass has computed, as arrays
    layers_of(weights, sizes) -> Layers       of one chain

The weights of a chain are one vector: for each layer W (inputs, outputs), then b (outputs,). What
all layers compute is one vector too, so that a kernel takes chains of any length.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels.simd.vector import ROWS
from neural_networks.components.kernels.simd.workspace import LINE, WIDTH, block_count

Layers = list[tuple[np.ndarray, np.ndarray]]  # (W, b) of each, as views


class Layer(NamedTuple):
    """A layer, and where its arrays begin, in floats.

    The first layer has inputs of two kinds, the state and x: this is its part for the state.
    """

    inputs: int
    outputs: int
    weight: int  # in the weights of its chain
    bias: int
    source: int  # its inputs at its first step, in the memory
    values: int  # its outputs at its first step, in the memory
    blocks: int  # of WIDTH outputs
    first_block: int  # the blocks of the layers before
    panels: int  # W in panels
    turned: int  # W^T in panels
    sums: int  # the gradient of W in the order of the tiles


class Chains(NamedTuple):
    """Two chains over a sequence; T, B, H = time steps, batch, size of the state."""

    batch: int  # B
    steps: int  # T
    out_steps: int  # that the second chain reads: T, or 1 for the last state alone
    size: int  # H
    inner: int  # layers of the first chain
    widest: int  # the most inputs or outputs of a layer
    floats: int  # of the memory
    layers: tuple[Layer, ...]
    end: Layer  # where the arrays of all layers end
    table: np.ndarray  # (layers + 1, fields of Layer): the layers and the end, for kernels
    shapes: tuple[tuple[int, int, int], ...]  # of the layers' outputs
    input_layers: tuple[int, ...]
    output_layers: tuple[int, ...]


class Values(NamedTuple):
    """The states and the outputs of every layer, as views into the memory."""

    hidden: np.ndarray  # (T+1, B, H), [0] the first state
    # (T, B, outputs) in the first chain, whose last are hidden[1:]; then (out_steps, B, outputs)
    outputs: list[np.ndarray]


@lru_cache(maxsize=256)
def arrange(
    input_layers: tuple[int, ...],
    output_layers: tuple[int, ...],
    batch: int,
    steps: int,
    out_steps: int,
) -> Chains:
    """Place two chains of these sizes in memory, the states at its beginning."""
    inner, size = len(input_layers) - 1, input_layers[-1]
    pairs = [(size, input_layers[1]), *pairwise(input_layers[1:]), *pairwise(output_layers)]
    floats = (steps + 1) * batch * size
    at = Layer(*[0] * len(Layer._fields))  # the next layer's
    rows, shapes = [], []
    for index, (inputs, outputs) in enumerate(pairs):
        count = steps if index < inner else out_steps
        values, floats = floats, floats + count * batch * outputs
        if index == inner - 1:
            values, floats = batch * size, values
        if index == inner:
            at = at._replace(weight=0, source=batch * size * (1 + steps - out_steps))
        shapes.append((count, batch, outputs))
        bias = at.weight + (inputs if index else input_layers[0]) * outputs
        blocks = block_count(1, outputs)
        rows.append(
            at._replace(inputs=inputs, outputs=outputs, bias=bias, values=values, blocks=blocks)
        )
        at = at._replace(
            weight=bias + outputs,
            source=values,
            first_block=at.first_block + blocks,
            panels=at.panels + -(-inputs * blocks * WIDTH // LINE) * LINE,
            turned=at.turned + -(-inputs // WIDTH) * blocks * WIDTH * WIDTH,
            sums=at.sums + (inputs + ROWS) * blocks * WIDTH,
        )
    return Chains(
        batch,
        steps,
        out_steps,
        size,
        inner,
        max(*input_layers, *output_layers),
        floats,
        tuple(rows),
        at,
        np.array([*rows, at], np.int64),
        tuple(shapes),
        input_layers,
        output_layers,
    )


@register_jitable
def layer_at(table, index):
    """Return a row of the table as a Layer."""
    r = table[index]
    return Layer(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10])


def values_of(memory: np.ndarray, chains: Chains) -> Values:
    """Return what a forward pass has computed, as views into its memory."""
    hidden = memory[: (chains.steps + 1) * chains.batch * chains.size]
    return Values(
        hidden.reshape(chains.steps + 1, chains.batch, chains.size),
        [outputs_of(memory, chains, index) for index in range(len(chains.layers))],
    )


def outputs_of(memory: np.ndarray, chains: Chains, index: int) -> np.ndarray:
    """Return the outputs of one layer, as a view into the memory."""
    start, shape = chains.layers[index].values, chains.shapes[index]
    return memory[start : start + shape[0] * shape[1] * shape[2]].reshape(shape)


def layers_of(weights: np.ndarray, sizes: tuple[int, ...]) -> Layers:
    """Return W (inputs, outputs) and b (outputs,) of each layer of a chain."""
    found, start = [], 0
    for inputs, outputs in pairwise(sizes):
        middle, stop = start + inputs * outputs, start + (inputs + 1) * outputs
        found.append((weights[start:middle].reshape(inputs, outputs), weights[middle:stop]))
        start = stop
    return found
