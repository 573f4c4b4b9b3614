"""When a training step of a VAE can be made in one call: kernels/vae.py is told here what it needs of the modules.

    fused_loss(vae, x, target, rng, beta, free_bits) -> the loss, its gradients added; None if the
    layers have to do it one after the other

It can for a GRU, LSTM or RNN on either side, each with one Dense layer behind it, in float32,
packed into one vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neural_networks.components.gru import GRU
from neural_networks.components.kernels.simd.vector import TILE
from neural_networks.components.kernels.simd.workspace import LINE
from neural_networks.components.kernels.vae import (
    gru_vae_step,
    lstm_vae_step,
    rnn_vae_step,
    vae_step_space,
)
from neural_networks.components.lstm import LSTM
from neural_networks.components.rnn import RNN

if TYPE_CHECKING:
    from neural_networks.vae.vae import VAE

_FLOAT = np.dtype(np.float32)
_GATES = {GRU: 3, LSTM: 4, RNN: 1}
_STEPS = {GRU: gru_vae_step, LSTM: lstm_vae_step, RNN: rnn_vae_step} if TILE is not None else {}


class Workspace:
    """The memory of a network's steps, used again by each: to get a large one from the system takes up to a third of a step.

    A copy of the network begins with none.
    """

    def __init__(self) -> None:
        self.sizes: tuple[int, ...] = ()
        self.floats = np.empty(0, np.float32)

    def __deepcopy__(self, memo: dict[int, Any]) -> Workspace:
        return Workspace()

    def of(self, gates: int, sizes: tuple[int, ...]) -> np.ndarray:
        """Return floats for a step of these sizes, from the beginning of a cache line on."""
        if sizes != self.sizes:
            needed = vae_step_space(gates, *sizes)
            if needed > self.floats.size:
                memory = np.empty(needed + LINE, np.float32)
                skip = -(memory.ctypes.data // 4) % LINE
                self.floats = memory[skip : skip + needed]
            self.sizes = sizes
        return self.floats


def fused_loss(
    vae: VAE,
    x: np.ndarray,
    target: np.ndarray,
    rng: np.random.Generator | None,
    beta: float,
    free_bits: float,
) -> float | None:
    """See the module's contract; what x and target may be says `VAE.loss`.

    NOTE: for a network of a few units the tests here take longer than its arithmetic, so they are
    few: each module that could have been packed on its own is asked whether its weights still lie
    where the whole network's do.
    """
    encoder, decoder = vae.encoder, vae.decoder
    step = _STEPS.get(type(encoder))
    if (
        step is None
        or type(decoder) is not type(encoder)
        or encoder.before is not None
        or decoder.before is not None
    ):
        return None
    if (
        encoder.after is None
        or decoder.after is None
        or len(encoder.after.layers) > 1
        or len(decoder.after.layers) > 1
    ):
        return None
    weight = encoder.input_weight
    values, grads = weight.value.base, weight.grad.base
    if values is None or grads is None or values.size != vae.weight_count or values.dtype != _FLOAT:
        return None
    for parameter in (
        encoder.after.layers[0].bias,
        decoder.input_weight,
        decoder.after.layers[0].bias,
    ):
        if parameter.value.base is not values or parameter.grad.base is not grads:
            return None
    if (
        x.ndim != 3
        or target.ndim != 3
        or x.shape[2] != encoder.input_size
        or target.shape[1:] != (x.shape[1], decoder.output_size)
    ):
        return None
    if (
        x.dtype != _FLOAT
        or target.dtype != _FLOAT
        or not (x.flags.c_contiguous and target.flags.c_contiguous)
    ):
        return None
    (steps, batch, features), latent = x.shape, vae.latent_size
    noise = rng.standard_normal((batch, latent)) if rng is not None else np.zeros((batch, latent))
    sizes = (
        steps,
        target.shape[0],
        batch,
        features,
        target.shape[2],
        latent,
        encoder.hidden_size,
        decoder.hidden_size,
    )
    workspace = vae.workspace.of(_GATES[type(encoder)], sizes)
    return step(
        values,
        grads,
        x,
        target,
        noise,
        encoder.hidden_size,
        decoder.hidden_size,
        beta / latent,
        free_bits,
        workspace,
    )
