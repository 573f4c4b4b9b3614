"""A training step of a recurrent VAE in one call on register tiles; this file may be skipped.

The mathematics is that of `VAE.loss` with its backward pass, layer after layer. A small network
spends that mostly in Python, and a large one in writing what the next layer reads again: here the
outputs and their gradient exist for some rows at a time only.

    gru_vae_step(values, grads, x, target, noise, sizes, costs, workspace) -> loss
    lstm_vae_step(..), rnn_vae_step(..)
    vae_step_space(gates, sizes)    floats that the workspace needs

    values   (n,)        every weight: the encoder's cell, its Dense (H, 2Z) and bias, the decoder's
                         cell, its Dense (H, O) and bias
    grads    (n,)        added to
    x        (T, B, F)   the input
    target   (T', B, O)  the output that it should have
    noise    (B, Z)      epsilon, float64; zeros for z = mu
    sizes    of ints, see `Sizes`
    costs    (kl_weight, free_bits), floats
    loss     sum over time of mean((y - target)^2) + kl_weight * sum of KL, each latent coordinate's
             at least `free_bits`

The weights of a cell are W (inputs, G H), U (H, G H) and its biases, see kernels/gru.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import inner, kernel
from neural_networks.components.kernels.dense import (
    dense,
    dense_backward,
    layer_of,
    squared_error,
)
from neural_networks.components.kernels.simd.cell import (
    GRU,
    LSTM,
    RNN,
    Errors,
    Shape,
    States,
    Weights,
)
from neural_networks.components.kernels.simd.gru import gru_backward_tiles, gru_forward_tiles
from neural_networks.components.kernels.simd.lstm import lstm_backward_tiles, lstm_forward_tiles
from neural_networks.components.kernels.simd.rnn import rnn_backward_tiles, rnn_forward_tiles
from neural_networks.components.kernels.simd.vector import LANES, flush, unflush
from neural_networks.components.kernels.simd.workspace import (
    LINE,
    backward_space,
    block_count,
    forward_space,
    product_space,
    take,
)
from neural_networks.components.kernels.vae import draw_latent, latent_backward

_ROWS = 256  # of the outputs at a time: they and their states fit into the second-level cache


class Sizes(NamedTuple):
    """The sizes of a step."""

    steps: int  # T, of the input
    out_steps: int  # T', of the output
    batch: int  # B
    features: int  # F
    outputs: int  # O
    latent: int  # Z
    encoder_size: int  # H of the encoder
    decoder_size: int  # H of the decoder


class Example(NamedTuple):
    """A mini-batch, flat."""

    x: np.ndarray
    target: np.ndarray
    noise: np.ndarray


class Network(NamedTuple):
    """Where the parts of a VAE begin in its weights, or in their gradients."""

    encoder: Weights
    encoder_dense: np.ndarray
    decoder: Weights
    decoder_dense: np.ndarray


@register_jitable
def _shapes(cell, sizes):
    """Return the shapes of the encoder's and the decoder's pass."""
    blocks = block_count(cell.gates, sizes.encoder_size)
    encoder = Shape(
        sizes.steps, sizes.steps, 1, sizes.batch, sizes.features, sizes.encoder_size, blocks
    )
    blocks = block_count(cell.gates, sizes.decoder_size)
    decoder = Shape(
        sizes.out_steps, 1, sizes.out_steps, sizes.batch, sizes.latent, sizes.decoder_size, blocks
    )
    return encoder, decoder


@register_jitable
def _cell_weights(weights, cell, features, size):
    """Return the weights of a cell that begin a vector."""
    width = cell.gates * size
    biases = weights[(features + size) * width :]
    return Weights(
        weights[: features * width],
        weights[features * width : (features + size) * width],
        biases[:width],
        biases[width : cell.biases * width],
    )


@register_jitable
def _network(weights, cell, sizes):
    size, other, latent = sizes.encoder_size, sizes.decoder_size, sizes.latent
    encoder_dense = (sizes.features + size + cell.biases) * cell.gates * size
    decoder = encoder_dense + (size + 1) * 2 * latent
    decoder_dense = decoder + (latent + other + cell.biases) * cell.gates * other
    return Network(
        _cell_weights(weights, cell, sizes.features, size),
        weights[encoder_dense:],
        _cell_weights(weights[decoder:], cell, latent, other),
        weights[decoder_dense:],
    )


@register_jitable
def _states(cell, shape, x, workspace):
    """Return the states of a pass that begins with zeros, and the workspace that is left."""
    count, first = (shape.steps + 1) * shape.batch * shape.size, shape.batch * shape.size
    hidden, workspace = take(workspace, count)
    cells, workspace = take(workspace, (cell.states - 1) * count)
    units = shape.steps * shape.batch * (shape.size + LANES - 1) // LANES * LANES
    values, workspace = take(workspace, units * cell.value_vectors)
    hidden[:first] = 0
    cells[:first] = 0
    return States(hidden, cells, values, x), workspace


@register_jitable
def _reconstruct(dhidden, network, grads, hidden, target, sizes, workspace):
    """Return the sum of squared errors of the outputs; write the gradient of the states."""
    size, outputs, rows = sizes.decoder_size, sizes.outputs, sizes.out_steps * sizes.batch
    layer = layer_of(network.decoder_dense, size, outputs)
    dlayer = layer_of(grads.decoder_dense, size, outputs)
    scale = np.float32(2 / (sizes.batch * outputs))
    error = 0.0
    y, room = take(workspace, min(rows, _ROWS) * outputs)
    for row in range(0, rows, _ROWS):
        count = min(_ROWS, rows - row)
        these = hidden[(sizes.batch + row) * size :]
        dense(y, these, count, layer, room)
        error += squared_error(y, target[row * outputs :], count, outputs, scale, room)
        dense_backward(dhidden[row * size :], dlayer, y, these, count, layer, room)
    return error


@register_jitable
def vae_step(forward, backward, cell, parameters, example, sizes, costs, workspace):
    """Return the loss of a network of one kind of cell and add its gradients.

    `forward` and `backward` are the cell's passes, `parameters` its values and grads.
    """
    encoder, decoder = _shapes(cell, sizes)
    values, grads = parameters
    network, dnetwork = _network(values, cell, sizes), _network(grads, cell, sizes)
    batch, latent, size = sizes.batch, sizes.latent, sizes.encoder_size

    states, workspace = _states(cell, encoder, example.x, workspace)
    forward(encoder, states, network.encoder, workspace)
    last = states.hidden[sizes.steps * batch * size :]
    encoded, workspace = take(workspace, batch * 2 * latent)
    layer = layer_of(network.encoder_dense, size, 2 * latent)
    dense(encoded, last, batch, layer, workspace)
    z, workspace = take(workspace, batch * latent)
    deviation, workspace = take(workspace, batch * latent)
    draw_latent(z, deviation, encoded, example.noise, batch, latent)

    decoded, workspace = _states(cell, decoder, z, workspace)
    forward(decoder, decoded, network.decoder, workspace)
    dhidden, workspace = take(workspace, sizes.out_steps * batch * sizes.decoder_size)
    error = _reconstruct(
        dhidden, network, dnetwork, decoded.hidden, example.target, sizes, workspace
    )

    dz, workspace = take(workspace, batch * latent)
    dfirst, workspace = take(workspace, batch * max(size, sizes.decoder_size))
    dcell, workspace = take(workspace, (cell.states - 1) * dfirst.size)
    errors = Errors(dz, dfirst, dcell, dhidden)
    backward(decoder, errors, dnetwork.decoder, decoded, network.decoder, workspace)

    dencoded, workspace = take(workspace, batch * 2 * latent)
    kl = latent_backward(dencoded, dz, deviation, encoded, example.noise, batch, latent, costs)
    dlast, workspace = take(workspace, batch * size)
    dlayer = layer_of(dnetwork.encoder_dense, size, 2 * latent)
    dense_backward(dlast, dlayer, dencoded, last, batch, layer, workspace)
    errors = Errors(dz[:0], dfirst, dcell, dlast)
    backward(encoder, errors, dnetwork.encoder, states, network.encoder, workspace)
    return error / (batch * sizes.outputs) + kl


@register_jitable
def step_space(cell, sizes):
    """Return the number of floats that `vae_step` takes."""
    batch, latent, outputs = sizes.batch, sizes.latent, sizes.outputs
    larger = max(sizes.encoder_size, sizes.decoder_size)
    between = 8 * latent + sizes.encoder_size + sizes.out_steps * sizes.decoder_size
    floats = batch * (between + cell.states * larger)
    largest = _ROWS * outputs + outputs + product_space(max(outputs, larger, 2 * latent), _ROWS)
    for shape in _shapes(cell, sizes):
        floats += cell.states * (shape.steps + 1) * batch * shape.size
        floats += shape.steps * batch * (shape.size + LANES) * cell.value_vectors
        largest = max(largest, forward_space(cell, shape), backward_space(cell, shape))
    return floats + largest + 24 * LINE


@register_jitable
def _gru_step(*arguments):
    return vae_step(gru_forward_tiles, gru_backward_tiles, GRU, *arguments)


@register_jitable
def _lstm_step(*arguments):
    return vae_step(lstm_forward_tiles, lstm_backward_tiles, LSTM, *arguments)


@register_jitable
def _rnn_step(*arguments):
    return vae_step(rnn_forward_tiles, rnn_backward_tiles, RNN, *arguments)


_gru_inner, _lstm_inner, _rnn_inner = inner(_gru_step), inner(_lstm_step), inner(_rnn_step)


@kernel
def vae_step_space(gates, sizes):
    """Return the floats of a workspace for a cell of 1 (RNN), 3 (GRU) or 4 gates (LSTM)."""
    sizes = Sizes(*sizes)
    if gates == 1:
        return step_space(RNN, sizes)
    return step_space(GRU, sizes) if gates == 3 else step_space(LSTM, sizes)


@kernel
def gru_vae_step(values, grads, x, target, noise, sizes, costs, workspace):
    """Make a step of two GRUs."""
    example = Example(x.reshape(-1), target.reshape(-1), noise.reshape(-1))
    mode = flush()
    loss = _gru_inner((values, grads), example, Sizes(*sizes), costs, workspace)
    unflush(mode)
    return loss


@kernel
def lstm_vae_step(values, grads, x, target, noise, sizes, costs, workspace):
    """Make a step of two LSTMs."""
    example = Example(x.reshape(-1), target.reshape(-1), noise.reshape(-1))
    mode = flush()
    loss = _lstm_inner((values, grads), example, Sizes(*sizes), costs, workspace)
    unflush(mode)
    return loss


@kernel
def rnn_vae_step(values, grads, x, target, noise, sizes, costs, workspace):
    """Make a step of two RNNs."""
    example = Example(x.reshape(-1), target.reshape(-1), noise.reshape(-1))
    mode = flush()
    loss = _rnn_inner((values, grads), example, Sizes(*sizes), costs, workspace)
    unflush(mode)
    return loss
