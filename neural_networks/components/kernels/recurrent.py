"""The recurrence of `Recurrent` over a whole sequence, in plain NumPy, forward and backward.

Contract, outputs first:

    recurrent_forward(memory, x, weights, chains, slope)
    recurrent_backward(dx, dfirst, grads, dy, memory, x, weights, chains, slope)

    T, B, F, H = time steps, batch, input size, size of the state.
    memory         (chains.floats,)    what all layers compute, see `values_of`; the first state is
                                       given, recurrent_forward writes the rest
    x              (T, B, F)           or (1, B, F): one input that every step gets
    weights        of MLP_in and of MLP_out, a vector each
    dy             (out_steps, B, O)   the gradient of the loss with respect to the outputs
    dx             like x              out; the sum over time for an x that every step gets; or
                                       (0, B, F) if it is not needed
    dfirst         (B, H)              out: the gradient with respect to the first state
    grads          like weights, added to
    slope          of the leaky ReLU

In float32 the same runs several times faster on register tiles (kernels/simd/recurrent.py).
"""

from __future__ import annotations

import numpy as np

from neural_networks.components.kernels.chains import Chains, Layers, Values, layers_of, values_of
from neural_networks.components.kernels.simd.cell import on_tiles
from neural_networks.components.kernels.simd.recurrent import (
    recurrent_backward_on_tiles,
    recurrent_forward_on_tiles,
)

Pair = tuple[np.ndarray, np.ndarray]
Arrays = list[np.ndarray]


def recurrent_forward(
    memory: np.ndarray, x: np.ndarray, weights: Pair, chains: Chains, slope: float
) -> None:
    """Run h_t = chain_in([h_{t-1}; x_t]) and y_t = chain_out(h_t); see the contract above."""
    if on_tiles(memory.dtype):
        recurrent_forward_on_tiles(memory, x, weights, chains, memory.dtype.type(slope))
        return
    (hidden, outputs), (inner, outer) = values_of(memory, chains), both_layers(weights, chains)
    for t in range(chains.steps):
        joined = np.concatenate([hidden[t], x[min(t, len(x) - 1)]], axis=1)
        _chain_forward([output[t] for output in outputs[: len(inner)]], joined, inner, slope)
    _chain_forward(outputs[len(inner) :], hidden[-chains.out_steps :], outer, slope)


def recurrent_backward(
    dx: np.ndarray,
    dfirst: np.ndarray,
    grads: Pair,
    dy: np.ndarray,
    memory: np.ndarray,
    x: np.ndarray,
    weights: Pair,
    chains: Chains,
    slope: float,
) -> None:
    """Run backpropagation through time; see the contract above."""
    if on_tiles(memory.dtype):
        slope = memory.dtype.type(slope)
        recurrent_backward_on_tiles(dx, dfirst, grads, dy, memory, x, weights, chains, slope)
        return
    values, layers = values_of(memory, chains), both_layers(weights, chains)
    errors, through_x, dfirst[:] = recurrent_errors(dy, values, layers, slope)
    if len(dx):
        dx[:] = through_x.sum(axis=0) if len(x) < chains.steps else through_x
    add_products(both_layers(grads, chains), inputs_of(values, x, layers), errors)


def both_layers(weights: Pair, chains: Chains) -> tuple[Layers, Layers]:
    """Return the layers of both chains."""
    return layers_of(weights[0], chains.input_layers), layers_of(weights[1], chains.output_layers)


def recurrent_errors(
    dy: np.ndarray, values: Values, layers: tuple[Layers, Layers], slope: float
) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Return the gradients before the activation of each layer, of x at all steps and of h_0."""
    (hidden, outputs), (inner, outer) = values, layers
    errors, size = [np.empty_like(output) for output in outputs], hidden.shape[2]
    errors[-1][:] = dy
    dhidden = np.zeros_like(hidden)
    dhidden[-len(dy) :] = _chain_backward(errors[len(inner) :], outputs[len(inner) :], outer, slope)
    dx = np.empty((*outputs[0].shape[:2], len(inner[0][0]) - size), hidden.dtype)
    for t in range(len(hidden) - 2, -1, -1):
        now = [error[t] for error in errors[: len(inner)]]
        now[-1][:] = dhidden[t + 1]
        then = [output[t] for output in outputs[: len(inner)]]
        joined = _chain_backward(now, then, inner, slope)
        dhidden[t] += joined[:, :size]
        dx[t] = joined[:, size:]
    return errors, dx, dhidden[0]


def inputs_of(values: Values, x: np.ndarray, layers: tuple[Layers, Layers]) -> Arrays:
    """Return the inputs of each layer."""
    (hidden, outputs), inner = values, len(layers[0])
    x = np.broadcast_to(x, (len(hidden) - 1, *x.shape[1:]))
    joined = np.concatenate([hidden[:-1], x], axis=2)
    read = hidden[len(hidden) - len(outputs[-1]) :]
    return [joined, *outputs[: inner - 1], read, *outputs[inner:-1]]


def add_products(grads: tuple[Layers, Layers], inputs: Arrays, errors: Arrays) -> None:
    """Add dW = a^T e and db = sum of e of each layer, a its input, e its error."""
    for (dweight, dbias), value, error in zip(grads[0] + grads[1], inputs, errors, strict=True):
        error = error.reshape(-1, error.shape[2])
        dweight += value.reshape(-1, value.shape[2]).T @ error
        dbias += error.sum(axis=0)


def _chain_forward(outputs: Arrays, value: np.ndarray, layers: Layers, slope: float) -> None:
    for index, (weight, bias) in enumerate(layers):
        value = value @ weight + bias
        if index < len(layers) - 1:
            value = np.where(value > 0, value, slope * value)
        outputs[index][...] = value


def _chain_backward(errors: Arrays, outputs: Arrays, layers: Layers, slope: float) -> np.ndarray:
    """Return the gradient of a chain's input, from the last error; write the others."""
    for index in range(len(layers) - 1, 0, -1):
        through = errors[index] @ layers[index][0].T
        errors[index - 1][...] = np.where(outputs[index - 1] > 0, through, slope * through)
    return errors[0] @ layers[0][0].T
