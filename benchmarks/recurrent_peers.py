"""The recurrent VAE of recurrent_speed.py in PyTorch, as its users write it, and in compiled JAX.

    torch_step(cell, size, x) -> a function that makes one step
    torch_song(cell, size, steps) -> one that plays one song through the decoder alone
    jax_step(cell, size, x) -> as torch_step, for GRU, LSTM and RNN

Both are optional, and imported where they are used. PyTorch's layers are nn.GRU, nn.LSTM and
nn.RNN, and its Adam is the fused one; `Recurrent` is a loop over time steps, since PyTorch has no
such layer. JAX has no recurrent layers: here are the cells written by hand, with the product of the
input before lax.scan and the whole step as one compiled function. The loss is that of this library:
sum over time of mean((y - x)^2) + KL / latent_size. So are the first weights, uniform in +-1 /
sqrt(hidden). Two cells differ slightly: PyTorch's RNN and LSTM have two biases, and this library's
LSTM begins with 1 at the forget gate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Size = tuple[int, int, int, int, int]  # batch, time steps, features, hidden, latent
Step = Callable[[], object]


def torch_step(cell: str, size: Size, x: np.ndarray) -> Step:
    """Return a function that makes one training step of PyTorch's on x (T, B, F)."""
    import torch

    _, steps, _, _, latent = size
    torch.manual_seed(0)
    encoder, decoder = _torch_networks(cell, size)
    optimizer = torch.optim.Adam(
        [*encoder.parameters(), *decoder.parameters()], lr=1e-3, fused=True
    )
    target = torch.from_numpy(x)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        mean, log_variance = encoder(target, last=True).chunk(2, dim=-1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        y = decoder(z.expand(steps, *z.shape))
        kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(-1).mean()
        loss = torch.nn.functional.mse_loss(y, target) * steps + kl / latent
        loss.backward()
        optimizer.step()

    return step


def torch_song(cell: str, size: Size, steps: int) -> Step:
    """Return a function that gives `steps` time steps of one song from a latent vector."""
    import torch

    torch.manual_seed(0)
    _, decoder = _torch_networks(cell, size)
    z = torch.randn(1, size[4])

    def play() -> Any:
        with torch.no_grad():
            return decoder(z.expand(steps, *z.shape))

    return play


def _torch_networks(cell: str, size: Size) -> tuple[Any, Any]:
    """Return encoder and decoder: modules from x (T, B, I) to (T, B, O), or (B, O) if `last`."""
    import torch
    from torch import nn

    _, _, features, hidden, latent = size

    class Layer(nn.Module):
        """A cell of PyTorch's own with a linear layer behind it."""

        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.cell = getattr(nn, cell)(inputs, hidden)
            self.after = nn.Linear(hidden, outputs)

        def forward(self, x: Any, last: bool = False) -> Any:
            y, _ = self.cell(x)
            return self.after(y[-1] if last else y)

    class Owners(nn.Module):
        """`Recurrent` with two layers in each of its networks and a leaky ReLU between them."""

        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(hidden + inputs, hidden), nn.Linear(hidden, hidden)
            self.third, self.fourth = nn.Linear(hidden, hidden), nn.Linear(hidden, outputs)

        def forward(self, x: Any, last: bool = False) -> Any:
            linear, leaky_relu = nn.functional.linear, nn.functional.leaky_relu
            state = x.new_zeros(x.shape[1], hidden)
            states = []
            for frame in x:
                between = leaky_relu(
                    linear(torch.cat([state, frame], 1), self.first.weight, self.first.bias)
                )
                state = linear(between, self.second.weight, self.second.bias)
                states.append(state)
            between = leaky_relu(self.third(state if last else torch.stack(states)))
            return self.fourth(between)

    make = Owners if cell == "Recurrent" else Layer
    return make(features, 2 * latent), make(latent, features)


def jax_step(cell: str, size: Size, x: np.ndarray) -> Step:
    """Return a compiled function that makes one training step on x (T, B, F) and waits for it."""
    import jax
    from jax import lax, nn, numpy as jnp

    batch, steps, features, hidden, latent = size
    gates = {"GRU": 3, "LSTM": 4, "RNN": 1}[cell]

    def advance(state: Any, projected: Any, recurrent: Any, bias: Any) -> Any:
        """Return the next state, (2, B, H) [h; c] of an LSTM and (1, B, H) of the others."""
        h = state[0]
        product = h @ recurrent
        if cell == "RNN":
            return jnp.tanh(projected + product)[None]
        if cell == "GRU":
            r, z = jnp.split(
                nn.sigmoid(
                    projected[:, : 2 * hidden] + product[:, : 2 * hidden] + bias[: 2 * hidden]
                ),
                2,
                axis=1,
            )
            n = jnp.tanh(
                projected[:, 2 * hidden :] + r * (product[:, 2 * hidden :] + bias[2 * hidden :])
            )
            return ((1 - z) * n + z * h)[None]
        i, f, g, o = jnp.split(projected + product, 4, axis=1)
        c = nn.sigmoid(f) * state[1] + nn.sigmoid(i) * jnp.tanh(g)
        return jnp.stack([nn.sigmoid(o) * jnp.tanh(c), c])

    def first_weights(inputs: int, outputs: int, rng: np.random.Generator) -> dict[str, Any]:
        shapes = {
            "input": (inputs, gates * hidden),
            "recurrent": (hidden, gates * hidden),
            "bias": (gates * hidden,),
            "other": (gates * hidden,),
            "after": (hidden, outputs),
            "after_bias": (outputs,),
        }
        return {
            key: jnp.asarray(rng.uniform(-1, 1, shape) / np.sqrt(hidden), jnp.float32)
            for key, shape in shapes.items()
        }

    zeros = jnp.zeros((2 if cell == "LSTM" else 1, batch, hidden), jnp.float32)

    def loss(weights: dict[str, Any], x: Any, key: Any) -> Any:
        encoder, decoder = weights["encoder"], weights["decoder"]
        projected = x @ encoder["input"] + encoder["bias"]
        state, _ = lax.scan(
            lambda s, p: (advance(s, p, encoder["recurrent"], encoder["other"]), None),
            zeros,
            projected,
        )
        mean, log_variance = jnp.split(
            state[0] @ encoder["after"] + encoder["after_bias"], 2, axis=1
        )
        z = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape, jnp.float32)
        same = z @ decoder["input"] + decoder["bias"]

        def decode(state: Any, _: Any) -> tuple[Any, Any]:
            state = advance(state, same, decoder["recurrent"], decoder["other"])
            return state, state[0]

        _, hiddens = lax.scan(decode, zeros, None, length=steps)
        y = hiddens @ decoder["after"] + decoder["after_bias"]
        kl = -0.5 * (1 + log_variance - mean**2 - jnp.exp(log_variance)).sum(-1).mean()
        return ((y - x) ** 2).mean() * steps + kl / latent

    def update(carry: Any, x: Any) -> tuple[Any, Any]:
        weights, first, second, count, key = carry
        key, now = jax.random.split(key)
        value, grads = jax.value_and_grad(loss)(weights, x, now)
        count = count + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grads)
        rate, correction = 1e-3 / (1 - 0.9**count), 1 / jnp.sqrt(1 - 0.999**count)
        weights = jax.tree.map(
            lambda w, m, v: w - rate * m / (jnp.sqrt(v) * correction + 1e-8), weights, first, second
        )
        return (weights, first, second, count, key), value

    rng = np.random.default_rng(0)
    weights = {
        "encoder": first_weights(features, 2 * latent, rng),
        "decoder": first_weights(latent, features, rng),
    }
    none = jax.tree.map(jnp.zeros_like, weights)
    carry = (weights, none, jax.tree.map(jnp.copy, none), jnp.float32(0), jax.random.key(0))
    compiled = jax.jit(update, donate_argnums=0)
    target = jnp.asarray(x)

    def step() -> None:
        nonlocal carry
        carry, _ = jax.block_until_ready(compiled(carry, target))

    return step
