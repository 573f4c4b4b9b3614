"""A training step of a recurrent variational autoencoder in one call: vae.py's `loss`, its own backward pass included, on register tiles.

The same mathematics as the layers do one after the other, which a tiny network spends mostly in
Python, and a large one in writing what the next layer reads again: the outputs, and their gradient,
exist here only for some rows at a time.

    gru_vae_step(values, grads, x, target, noise, encoder_size, decoder_size, kl_weight, free_bits,
    workspace) -> loss lstm_vae_step(..), rnn_vae_step(..)
    vae_step_space(gates, ..)    how many floats the workspace needs

    T, T', B, F, O, Z = time steps of the input and of the output, batch, features, outputs, latent
    size; H = hidden size.
    values   (n,)        every weight: the encoder's cell, its Dense (H, 2Z) and bias, the decoder's cell, its Dense (H, O) and bias
    grads    (n,)        added to
    x        (T, B, F)   what is encoded
    target   (T', B, O)  what should come out
    noise    (B, Z)      epsilon, float64; zeros for z = mu
    loss     sum over time of mean((y - target)^2) + kl_weight * sum of KL, each latent coordinate's at least `free_bits`

A cell's part is (input size, H) -> W, U and its biases, as kernels/gru.py, kernels/lstm.py and
kernels/rnn.py have them.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import inner, kernel
from neural_networks.components.kernels.dense import dense, dense_backward, squared_error
from neural_networks.components.kernels.gru import gru_backward_tiles, gru_forward_tiles
from neural_networks.components.kernels.lstm import lstm_backward_tiles, lstm_forward_tiles
from neural_networks.components.kernels.rnn import rnn_backward_tiles, rnn_forward_tiles
from neural_networks.components.kernels.simd.vector import LANES, flush, unflush
from neural_networks.components.kernels.simd.workspace import (
    LINE,
    WIDE,
    backward_space,
    forward_space,
    product_space,
    take,
)

_ROWS = 256  # of the outputs at a time: they and the states they come from stay in the second cache


@register_jitable
def draw_latent(z, deviation, encoded, noise, batch, latent):
    """Write z = mu + deviation epsilon, deviation = exp(log_variance / 2), of encoded (B, 2Z) = [mu, log_variance]."""
    half = np.float32(0.5)
    for b in range(batch):
        for k in range(latent):
            spread = np.exp(half * encoded[(2 * b + 1) * latent + k])
            deviation[b * latent + k] = spread
            z[b * latent + k] = encoded[2 * b * latent + k] + spread * np.float32(
                noise[b * latent + k]
            )


@register_jitable
def through_latent(dencoded, dz, deviation, encoded, noise, batch, latent, kl_weight, free_bits):
    """Write the gradient (B, 2Z) of [mu, log_variance], through z and from the KL divergence, and return its weighted value."""
    half, one, scale = np.float32(0.5), np.float32(1), np.float32(kl_weight / batch)
    value = 0.0
    for k in range(latent):
        total = 0.0
        for b in range(batch):
            m, v, spread = (
                encoded[2 * b * latent + k],
                encoded[(2 * b + 1) * latent + k],
                deviation[b * latent + k],
            )
            total += half * (spread * spread - one - v + m * m)
        free = free_bits > 0 and total / batch <= free_bits
        value += free_bits if free else total / batch
        pull = np.float32(0) if free else scale
        for b in range(batch):
            error, spread = dz[b * latent + k], deviation[b * latent + k]
            dencoded[2 * b * latent + k] = error + pull * encoded[2 * b * latent + k]
            through_noise = error * spread * np.float32(noise[b * latent + k])
            dencoded[(2 * b + 1) * latent + k] = half * (
                through_noise + pull * (spread * spread - one)
            )
    return kl_weight * value


@register_jitable
def state_arrays(second, values, steps, batch, size, workspace):
    """Return states and second states (T+1, B, H), flat, whose first are zeros, and what the gates leave, `values` vectors each."""
    count, first = (steps + 1) * batch * size, batch * size
    hidden, workspace = take(workspace, count)
    cells, workspace = take(workspace, second * count)
    left, workspace = take(workspace, steps * batch * (size + LANES - 1) // LANES * LANES * values)
    hidden[:first] = 0
    cells[:first] = 0
    return hidden, cells, left, workspace


@register_jitable
def parts(weights, features, size, gates, second_bias):
    """Return W, U, a, b of a cell's weights; b is empty if there is no second bias."""
    width = gates * size
    W, U = weights[: features * width], weights[features * width : (features + size) * width]
    biases = weights[(features + size) * width :]
    return W, U, biases[:width], biases[width : (1 + second_bias) * width]


@register_jitable
def vae_step(
    forward,
    backward,
    gates,
    second_bias,
    second,
    left,
    values,
    grads,
    x,
    target,
    noise,
    steps,
    out_steps,
    batch,
    features,
    outputs,
    latent,
    encoder_size,
    decoder_size,
    kl_weight,
    free_bits,
    workspace,
):
    """Do what the contract says, on flat vectors, for a cell as kernels/simd/time.py knows them.

    forward, backward: its passes; gates; second_bias, second: 1 if it has a second bias, a second
    state, else 0; left: vectors of `values`
    """
    encoder_head = (features + encoder_size + 1 + second_bias) * gates * encoder_size
    decoder_cell = encoder_head + (encoder_size + 1) * 2 * latent
    decoder_head = decoder_cell + (latent + decoder_size + 1 + second_bias) * gates * decoder_size
    rows = out_steps * batch

    hidden, cells, given, workspace = state_arrays(
        second, left, steps, batch, encoder_size, workspace
    )
    W, U, a, b = parts(values, features, encoder_size, gates, second_bias)
    forward(
        hidden, cells, given, x, steps, steps, batch, features, encoder_size, W, U, a, b, workspace
    )
    last = hidden[steps * batch * encoder_size :]
    encoded, workspace = take(workspace, batch * 2 * latent)
    encoder_weight = values[encoder_head:]
    dense(
        encoded,
        last,
        batch,
        encoder_size,
        2 * latent,
        encoder_weight,
        encoder_weight[encoder_size * 2 * latent :],
        workspace,
    )
    z, workspace = take(workspace, batch * latent)
    deviation, workspace = take(workspace, batch * latent)
    draw_latent(z, deviation, encoded, noise, batch, latent)

    states, decoder_cells, decoder_given, workspace = state_arrays(
        second, left, out_steps, batch, decoder_size, workspace
    )
    W_z, U_z, a_z, b_z = parts(values[decoder_cell:], latent, decoder_size, gates, second_bias)
    forward(
        states,
        decoder_cells,
        decoder_given,
        z,
        1,
        out_steps,
        batch,
        latent,
        decoder_size,
        W_z,
        U_z,
        a_z,
        b_z,
        workspace,
    )
    dstates, workspace = take(workspace, rows * decoder_size)
    decoder_weight, dweight = values[decoder_head:], grads[decoder_head:]
    decoder_bias, dbias = (
        decoder_weight[decoder_size * outputs :],
        dweight[decoder_size * outputs :],
    )
    scale = np.float32(2 / (batch * outputs))
    error = 0.0
    y, room = take(workspace, min(rows, _ROWS) * outputs)
    for row in range(0, rows, _ROWS):
        count = min(_ROWS, rows - row)
        these = states[(batch + row) * decoder_size :]
        dense(y, these, count, decoder_size, outputs, decoder_weight, decoder_bias, room)
        error += squared_error(y, target[row * outputs :], count, outputs, scale, room)
        dense_backward(
            dstates[row * decoder_size :],
            dweight,
            dbias,
            y,
            these,
            count,
            decoder_size,
            outputs,
            decoder_weight,
            room,
        )
    dz, workspace = take(workspace, batch * latent)
    dfirst, workspace = take(workspace, batch * max(encoder_size, decoder_size))
    dcell, workspace = take(workspace, second * dfirst.size)
    dW, dU, da, db = parts(grads[decoder_cell:], latent, decoder_size, gates, second_bias)
    backward(
        dz,
        dfirst,
        dcell,
        dW,
        dU,
        da,
        db,
        dstates,
        1,
        out_steps,
        states,
        decoder_cells,
        decoder_given,
        z,
        out_steps,
        batch,
        latent,
        decoder_size,
        W_z,
        U_z,
        workspace,
    )

    dencoded, workspace = take(workspace, batch * 2 * latent)
    kl = through_latent(
        dencoded, dz, deviation, encoded, noise, batch, latent, kl_weight, free_bits
    )
    dlast, workspace = take(workspace, batch * encoder_size)
    dweight = grads[encoder_head:]
    dense_backward(
        dlast,
        dweight,
        dweight[encoder_size * 2 * latent :],
        dencoded,
        last,
        batch,
        encoder_size,
        2 * latent,
        encoder_weight,
        workspace,
    )
    dW, dU, da, db = parts(grads, features, encoder_size, gates, second_bias)
    backward(
        dz[:0],
        dfirst,
        dcell,
        dW,
        dU,
        da,
        db,
        dlast,
        steps,
        1,
        hidden,
        cells,
        given,
        x,
        steps,
        batch,
        features,
        encoder_size,
        W,
        U,
        workspace,
    )
    return error / (batch * outputs) + kl


@register_jitable
def step_space(
    vectors,
    row_vectors,
    gates,
    second,
    left,
    steps,
    out_steps,
    batch,
    features,
    outputs,
    latent,
    encoder_size,
    decoder_size,
):
    """Return the floats that `vae_step` takes."""
    states = 0
    for count, size in ((steps, encoder_size), (out_steps, decoder_size)):
        states += (1 + second) * (count + 1) * batch * size + count * batch * (size + LANES) * left
    between = batch * (
        8 * latent
        + encoder_size
        + (1 + second) * max(encoder_size, decoder_size)
        + out_steps * decoder_size
    )
    largest = (
        _ROWS * outputs
        + outputs
        + product_space(max(outputs, encoder_size, decoder_size, 2 * latent), _ROWS)
    )
    for inputs, size, count, given in (
        (features, encoder_size, steps, steps),
        (latent, decoder_size, out_steps, 1),
    ):
        largest = max(
            largest, forward_space(vectors, row_vectors, gates, given, batch, inputs, size)
        )
        largest = max(
            largest, backward_space(vectors, row_vectors, gates, given, count, batch, inputs, size)
        )
    return states + between + largest + 24 * LINE


@register_jitable
def gru_step(*arguments):
    """Make the step of a GRU."""
    return vae_step(gru_forward_tiles, gru_backward_tiles, 3, 1, 0, 4, *arguments)


@register_jitable
def lstm_step(*arguments):
    """Make the step of an LSTM."""
    return vae_step(lstm_forward_tiles, lstm_backward_tiles, 4, 0, 1, 4, *arguments)


@register_jitable
def rnn_step(*arguments):
    """Make the step of an RNN."""
    return vae_step(rnn_forward_tiles, rnn_backward_tiles, 1, 0, 0, 0, *arguments)


_gru_inner, _lstm_inner, _rnn_inner = inner(gru_step), inner(lstm_step), inner(rnn_step)


@kernel
def vae_step_space(
    gates, steps, out_steps, batch, features, outputs, latent, encoder_size, decoder_size
):
    """Return the floats that the workspace needs for a cell of 1 (RNN), 3 (GRU) or 4 gates (LSTM)."""
    sizes = (steps, out_steps, batch, features, outputs, latent, encoder_size, decoder_size)
    if gates == 1:
        return step_space(WIDE, WIDE, 1, 0, 0, *sizes)
    return step_space(3, 4, 3, 0, 4, *sizes) if gates == 3 else step_space(4, 4, 4, 1, 4, *sizes)


@kernel
def gru_vae_step(
    values, grads, x, target, noise, encoder_size, decoder_size, kl_weight, free_bits, workspace
):
    """Do what the contract says."""
    mode = flush()
    loss = _gru_inner(
        values,
        grads,
        x.reshape(-1),
        target.reshape(-1),
        noise.reshape(-1),
        x.shape[0],
        target.shape[0],
        x.shape[1],
        x.shape[2],
        target.shape[2],
        noise.shape[1],
        encoder_size,
        decoder_size,
        kl_weight,
        free_bits,
        workspace,
    )
    unflush(mode)
    return loss


@kernel
def lstm_vae_step(
    values, grads, x, target, noise, encoder_size, decoder_size, kl_weight, free_bits, workspace
):
    """Do what the contract says."""
    mode = flush()
    loss = _lstm_inner(
        values,
        grads,
        x.reshape(-1),
        target.reshape(-1),
        noise.reshape(-1),
        x.shape[0],
        target.shape[0],
        x.shape[1],
        x.shape[2],
        target.shape[2],
        noise.shape[1],
        encoder_size,
        decoder_size,
        kl_weight,
        free_bits,
        workspace,
    )
    unflush(mode)
    return loss


@kernel
def rnn_vae_step(
    values, grads, x, target, noise, encoder_size, decoder_size, kl_weight, free_bits, workspace
):
    """Do what the contract says."""
    mode = flush()
    loss = _rnn_inner(
        values,
        grads,
        x.reshape(-1),
        target.reshape(-1),
        noise.reshape(-1),
        x.shape[0],
        target.shape[0],
        x.shape[1],
        x.shape[2],
        target.shape[2],
        noise.shape[1],
        encoder_size,
        decoder_size,
        kl_weight,
        free_bits,
        workspace,
    )
    unflush(mode)
    return loss
