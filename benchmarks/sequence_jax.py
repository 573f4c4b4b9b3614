"""The trainings of songs of sequence_beside.py in compiled JAX; see sequence_torch.py.

JAX has no recurrent layers: the cells are written by hand, with the product of the input before
lax.scan, and each step is one compiled function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import lax, nn, numpy as jnp

from benchmarks.sequence_sizes import BETA, GAN_BETA, GAN_RECONSTRUCTION, SLOPE, WEIGHT, Sizes

Step = Callable[[], object]
Tree = dict[str, Any]


def _dense(rng: np.random.Generator, inputs: int, outputs: int) -> Tree:
    weight = rng.uniform(-1, 1, (inputs, outputs)) / np.sqrt(inputs)
    return {"w": jnp.asarray(weight, jnp.float32), "b": jnp.zeros(outputs, jnp.float32)}


def _gru(rng: np.random.Generator, inputs: int, hidden: int) -> Tree:
    return {"input": _dense(rng, inputs, 3 * hidden), "state": _dense(rng, hidden, 3 * hidden)}


def _apply(layer: Tree, x: Any) -> Any:
    return x @ layer["w"] + layer["b"]


def _advance(cell: Tree, given: Any, h: Any) -> Any:
    size = h.shape[1]
    product = _apply(cell["state"], h)
    both = nn.sigmoid(given[:, : 2 * size] + product[:, : 2 * size])
    r, u = jnp.split(both, 2, 1)
    new = jnp.tanh(given[:, 2 * size :] + r * product[:, 2 * size :])
    return (1 - u) * new + u * h


def _run(cell: Tree, x: Any, reverse: bool = False) -> Any:
    def step(h: Any, given: Any) -> tuple[Any, Any]:
        h = _advance(cell, given, h)
        return h, h

    first = jnp.zeros((x.shape[1], cell["state"]["w"].shape[0]), x.dtype)
    return lax.scan(step, first, _apply(cell["input"], x), reverse=reverse)[1]


def _both_ways(cells: list[Tree], x: Any) -> Any:
    return jnp.concatenate([_run(cells[0], x), _run(cells[1], x, reverse=True)], -1)


def _embedded(layer: Tree, w: Any, z: Any) -> Any:
    told = jnp.broadcast_to(z, (*w.shape[:-1], z.shape[-1]))
    return jnp.tanh(_apply(layer, jnp.concatenate([w, told], -1)))


def _vae(s: Sizes) -> Tree:
    rng = np.random.default_rng(0)
    told = s.latent + s.song
    return {
        "embed": _dense(rng, s.components, s.encoder),
        "encoder": [_gru(rng, s.encoder, s.encoder) for _ in range(2)],
        "head": _dense(rng, 2 * s.encoder + s.components, 2 * s.latent),
        "song_head": _dense(rng, 2 * s.encoder, 2 * s.song),
        "prior_embed": _dense(rng, told, s.embedding),
        "prior": _gru(rng, s.embedding, s.prior),
        "prior_head": _dense(rng, s.prior, 2 * s.latent),
        "decoder_embed": _dense(rng, told, s.embedding),
        "decoder": _gru(rng, s.embedding, s.decoder),
        "out": _dense(rng, s.decoder + s.embedding + s.latent, s.components),
    }


def _decode(vae: Tree, w: Any, z: Any) -> Any:
    a = _embedded(vae["decoder_embed"], w, z)
    return _apply(vae["out"], jnp.concatenate([_run(vae["decoder"], a), a, w], -1))


def _generate(vae: Tree, z: Any, innovations: Any) -> Any:
    cell = vae["prior"]

    def step(state: Any, noise: Any) -> tuple[Any, Any]:
        w, h = state
        h = _advance(cell, _apply(cell["input"], _embedded(vae["prior_embed"], w, z)), h)
        mean, raw = jnp.split(_apply(vae["prior_head"], h), 2, -1)
        w = mean + jnp.exp(0.5 * jnp.clip(raw, -6, 2)) * noise
        return (w, h), w

    h = jnp.zeros((len(z), cell["state"]["w"].shape[0]), z.dtype)
    w = lax.scan(step, (jnp.zeros_like(innovations[0]), h), innovations)[1]
    return _decode(vae, w, z)


def _drawn(statistics: Any, key: Any) -> tuple[Any, Any, Any]:
    mean, raw = jnp.split(statistics, 2, -1)
    log_variance = jnp.clip(raw, -8, 4)
    noise = jax.random.normal(key, mean.shape, mean.dtype)
    return mean + jnp.exp(0.5 * log_variance) * noise, mean, log_variance


def _loss(vae: Tree, x: Any, key: Any, beta: float, values: int) -> Any:
    states = _both_ways(vae["encoder"], jnp.tanh(_apply(vae["embed"], x)))
    one, other = jax.random.split(key)
    w, mean, log_variance = _drawn(_apply(vae["head"], jnp.concatenate([states, x], -1)), one)
    z, song_mean, song_log_variance = _drawn(_apply(vae["song_head"], states.mean(0)), other)
    before = jnp.concatenate([jnp.zeros_like(w[:1]), w[:-1]])
    predicted = _apply(
        vae["prior_head"], _run(vae["prior"], _embedded(vae["prior_embed"], before, z))
    )
    m, raw = jnp.split(predicted, 2, -1)
    p = jnp.clip(raw, -6, 2)
    nats = 0.5 * (p - log_variance + (jnp.exp(log_variance) + (mean - m) ** 2) * jnp.exp(-p) - 1)
    song_nats = song_mean**2 + jnp.exp(song_log_variance) - song_log_variance - 1
    divergence = nats.sum(-1).mean() + 0.5 * song_nats.sum(-1).mean() / len(x)
    error = ((_decode(vae, w, z) - x) ** 2).sum(-1).mean()
    return (error + beta * divergence) / values


def _critic(s: Sizes) -> Tree:
    rng = np.random.default_rng(1)
    return {
        "embed": _dense(rng, s.components, s.critic),
        "cells": [_gru(rng, s.critic, s.critic // 2) for _ in range(2)],
        "head": _dense(rng, s.critic, 1),
    }


def _singular(critic: Tree) -> Tree:
    """Return the vectors of the power iterations."""
    return {name: jnp.ones(critic[name]["w"].shape[0]) for name in ("embed", "head")}


def _normalised(layer: Tree, left: Any, x: Any) -> tuple[Any, Any]:
    w = layer["w"]
    right = lax.stop_gradient(left @ w)
    right = right / (jnp.linalg.norm(right) + 1e-12)
    left = lax.stop_gradient(w @ right)
    left = left / (jnp.linalg.norm(left) + 1e-12)
    return x @ (w / (left @ w @ right)) + layer["b"], left


def _score(critic: Tree, singular: Tree, x: Any) -> tuple[Any, Tree]:
    embedded, embed = _normalised(critic["embed"], singular["embed"], x)
    states = _both_ways(critic["cells"], nn.leaky_relu(embedded, SLOPE))
    score, head = _normalised(critic["head"], singular["head"], states.mean(0))
    return score, {"embed": embed, "head": head}


def _hinge(critic: Tree, singular: Tree, real: Any, fake: Any) -> tuple[Any, Tree]:
    good, singular = _score(critic, singular, real)
    bad, singular = _score(critic, singular, fake)
    return nn.relu(1 - good).mean() + nn.relu(1 + bad).mean(), singular


def _first_moments(weights: Tree) -> tuple[Tree, Tree, Tree]:
    zeros = jax.tree.map(jnp.zeros_like, weights)
    return weights, zeros, jax.tree.map(jnp.copy, zeros)


def _adam(moments: tuple[Tree, Tree, Tree], grads: Tree, count: Any) -> tuple[Tree, Tree, Tree]:
    weights, first, second = moments
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grads)
    rate, correction = 1e-4 / (1 - 0.9**count), 1 / jnp.sqrt(1 - 0.999**count)
    weights = jax.tree.map(
        lambda w, m, v: w - rate * m / (jnp.sqrt(v) * correction + 1e-8), weights, first, second
    )
    return weights, first, second


def _stepping(update: Callable[..., Any], carry: Any, *arrays: np.ndarray) -> Step:
    """Return a function that makes compiled steps and waits for each."""
    compiled = jax.jit(update, donate_argnums=0)
    given = [jnp.asarray(array) for array in arrays]
    carry = (carry, jnp.float32(0), jax.random.key(0))

    def step() -> None:
        nonlocal carry
        carry = jax.block_until_ready(compiled(carry, *given))

    return step


def vae_step(sizes: Sizes, x: np.ndarray) -> Step:
    """Return a training step of encoder, prior and decoder."""

    def update(carry: Any, x: Any) -> Any:
        moments, count, key = carry
        key, now = jax.random.split(key)
        grads = jax.grad(_loss)(moments[0], x, now, BETA, sizes.values)
        return _adam(moments, grads, count + 1), count + 1, key

    return _stepping(update, _first_moments(_vae(sizes)), x)


def critic_step(sizes: Sizes, x: np.ndarray, y: np.ndarray) -> Step:
    """Return a training step of the critic alone."""

    def update(carry: Any, x: Any, y: Any) -> Any:
        (moments, singular), count, key = carry
        grads, singular = jax.grad(_hinge, has_aux=True)(moments[0], singular, x, y)
        return (_adam(moments, grads, count + 1), singular), count + 1, key

    critic = _critic(sizes)
    return _stepping(update, (_first_moments(critic), _singular(critic)), x, y)


def gan_step(sizes: Sizes, x: np.ndarray) -> Step:
    """Return a training step of the VAE against the critic, and one of the critic."""
    shape = (*x.shape[:2], sizes.latent)

    def loss(vae: Tree, critic: Tree, singular: Tree, x: Any, keys: Any) -> tuple[Any, Any]:
        own = GAN_RECONSTRUCTION * _loss(vae, x, keys[0], GAN_BETA, sizes.values)
        z = jax.random.normal(keys[1], (shape[1], sizes.song))
        made = _generate(vae, z, jax.random.normal(keys[2], shape))
        score, singular = _score(critic, singular, made)
        return own - WEIGHT * score.mean(), (made, singular)

    def update(carry: Any, x: Any) -> Any:
        (vae, critic, singular), count, key = carry
        key, *keys = jax.random.split(key, 4)
        grads, (made, singular) = jax.grad(loss, has_aux=True)(vae[0], critic[0], singular, x, keys)
        vae = _adam(vae, grads, count + 1)
        grads, singular = jax.grad(_hinge, has_aux=True)(critic[0], singular, x, made)
        return (vae, _adam(critic, grads, count + 1), singular), count + 1, key

    critic = _critic(sizes)
    carry = _first_moments(_vae(sizes)), _first_moments(critic), _singular(critic)
    return _stepping(update, carry, x)
