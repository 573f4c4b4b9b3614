"""A training step of a VAE in one call of kernels/simd/vae.py, where that is possible.

It is for two GRUs, LSTMs or RNNs with one Dense layer behind each, in float32 and packed into one
vector. Elsewhere the layers compute the loss one after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.gru import GRU
from neural_networks.components.kernels.simd.vae import (
    gru_vae_step,
    lstm_vae_step,
    rnn_vae_step,
    vae_step_space,
)
from neural_networks.components.kernels.simd.vector import TILE
from neural_networks.components.kernels.simd.workspace import LINE
from neural_networks.components.lstm import LSTM
from neural_networks.components.rnn import RNN

_FLOAT = np.dtype(np.float32)
_GATES = {GRU: 3, LSTM: 4, RNN: 1}
_STEPS = {GRU: gru_vae_step, LSTM: lstm_vae_step, RNN: rnn_vae_step} if TILE is not None else {}


class Workspace:
    """The memory of a network's steps; allocating it takes up to a third of a step's time.

    A copy of the network begins with an empty one.

    Args:
        weight_count: of the whole network.
    """

    def __init__(self, weight_count: int) -> None:
        self.weight_count = weight_count
        self.sizes: tuple[int, ...] = ()
        self.floats = np.empty(0, np.float32)

    def __deepcopy__(self, memo: dict[int, Any]) -> Workspace:
        return Workspace(self.weight_count)

    def of(self, gates: int, sizes: tuple[int, ...]) -> np.ndarray:
        """Return a flat vector of floats for a step of these sizes, aligned with cache lines."""
        if sizes != self.sizes:
            needed = vae_step_space(gates, sizes)
            if needed > self.floats.size:
                memory = np.empty(needed + LINE, np.float32)
                skip = -(memory.ctypes.data // 4) % LINE
                self.floats = memory[skip : skip + needed]
            self.sizes = sizes
        return self.floats


def fused_loss(
    encoder: Any,
    decoder: Any,
    workspace: Workspace,
    x: np.ndarray,
    target: np.ndarray,
    *,
    latent_size: int,
    rng: np.random.Generator | None,
    beta: float,
    free_bits: float,
) -> float | None:
    """Return the loss, its gradients added, or None if the layers have to compute it.

    NOTE: for a network of a few units these tests take longer than its arithmetic, so they are few:
    each module that could have been packed on its own must still have its weights where the whole
    network has them.

    Args:
        encoder: of the VAE.
        decoder: of the VAE.
        workspace: of the VAE.
        x: (T, B, F), what is encoded.
        target: (T', B, O), what it should be decoded to.
        latent_size: Z.
        rng: see `VAE.loss`, as all that follow.
        beta: see there.
        free_bits: see there.
    """
    step = _STEPS.get(type(encoder))
    if step is None or type(decoder) is not type(encoder):
        return None
    if not (_is_plain(encoder) and _is_plain(decoder) and _packed(encoder, decoder, workspace)):
        return None
    if x.ndim != 3 or target.ndim != 3 or x.dtype != _FLOAT or target.dtype != _FLOAT:
        return None
    (steps, batch, features), (out_steps, _, outputs) = x.shape, target.shape
    if features != encoder.input_size or target.shape[1:] != (batch, decoder.output_size):
        return None
    if not (x.flags.c_contiguous and target.flags.c_contiguous):
        return None
    sizes = (
        steps,
        out_steps,
        batch,
        features,
        outputs,
        latent_size,
        encoder.hidden_size,
        decoder.hidden_size,
    )
    shape = (batch, latent_size)
    noise = np.zeros(shape) if rng is None else rng.standard_normal(shape)
    costs = (beta / latent_size, float(free_bits))
    weight = encoder.input_weight
    floats = workspace.of(_GATES[type(encoder)], sizes)
    return step(weight.value.base, weight.grad.base, x, target, noise, sizes, costs, floats)


def _is_plain(cell: Any) -> bool:
    """Return whether a cell has no network before it and one Dense layer behind it."""
    return cell.before is None and cell.after is not None and len(cell.after.layers) == 1


def _packed(encoder: Any, decoder: Any, workspace: Workspace) -> bool:
    """Return whether all weights are in one float32 vector, and all gradients in another."""
    weight = encoder.input_weight
    values, grads = weight.value.base, weight.grad.base
    if values is None or grads is None or values.dtype != _FLOAT:
        return False
    others = encoder.after.layers[0].bias, decoder.input_weight, decoder.after.layers[0].bias
    for parameter in others:
        if parameter.value.base is not values or parameter.grad.base is not grads:
            return False
    return values.size == workspace.weight_count
