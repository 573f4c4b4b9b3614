"""The trainings of songs of sequence_beside.py in PyTorch, as its users write them.

    vae_step(sizes, x)       a step of the sequence VAE on songs x (S, B, K): teacher forcing
    gan_step(sizes, x)       one of generator and critic: new songs are sampled in a loop over time
    critic_step(sizes, x, y) one of the critic on real songs x and others y

each returns a function that makes the step. The layers are nn.GRU (also both ways) and nn.Linear,
the loop calls PyTorch's fused cell with the layer's weights, Adam is the fused one. Letters as in
neural_networks/vae/sequence_vae.py; E values of an embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import leaky_relu, relu
from torch.nn.utils.parametrizations import spectral_norm

from benchmarks.sequence_sizes import BETA, GAN_BETA, GAN_RECONSTRUCTION, SLOPE, WEIGHT, Sizes

Step = Callable[[], object]


class Encoder(nn.Module):
    """A song's posterior."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.embed = nn.Linear(s.components, s.encoder)
        self.cell = nn.GRU(s.encoder, s.encoder, bidirectional=True)
        self.head = nn.Linear(2 * s.encoder + s.components, 2 * s.latent)
        self.song_head = nn.Linear(2 * s.encoder, 2 * s.song)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """Return the statistics of steps and of songs."""
        states, _ = self.cell(torch.tanh(self.embed(x)))
        return self.head(torch.cat([states, x], -1)), self.song_head(states.mean(0))


class Told(nn.Module):
    """A GRU that is told latents and the song's z at every step, and what it reads of them."""

    def __init__(self, s: Sizes, hidden: int) -> None:
        super().__init__()
        self.embed = nn.Linear(s.latent + s.song, s.embedding)
        self.cell = nn.GRU(s.embedding, hidden)

    def embedded(self, w: Any, z: Any) -> Any:
        """Return what the GRU reads."""
        return torch.tanh(self.embed(torch.cat([w, z.expand(*w.shape[:-1], -1)], -1)))

    def one(self, w: Any, z: Any, h: Any) -> Any:
        """Return the state after one step."""
        cell = self.cell
        weights = cell.weight_ih_l0, cell.weight_hh_l0, cell.bias_ih_l0, cell.bias_hh_l0
        return torch.gru_cell(self.embedded(w, z), h, *weights)


class Generator(nn.Module):
    """Prior and decoder."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.sizes = s
        self.prior, self.decoder = Told(s, s.prior), Told(s, s.decoder)
        self.prior_head = nn.Linear(s.prior, 2 * s.latent)
        self.head = nn.Linear(s.decoder + s.embedding + s.latent, s.components)

    def decode(self, w: Any, z: Any) -> Any:
        """Return songs of latents."""
        a = self.decoder.embedded(w, z)
        states, _ = self.decoder.cell(a)
        return self.head(torch.cat([states, a, w], -1))

    def predict(self, w: Any, z: Any) -> Any:
        """Return the statistics of steps, of those before."""
        before = torch.cat([torch.zeros_like(w[:1]), w[:-1]])
        states, _ = self.prior.cell(self.prior.embedded(before, z))
        return self.prior_head(states)

    def generate(self, z: Any, innovations: Any) -> Any:
        """Return new songs."""
        w, h = torch.zeros_like(innovations[0]), z.new_zeros(len(z), self.sizes.prior)
        drawn = []
        for noise in innovations:
            h = self.prior.one(w, z, h)
            mean, raw = self.prior_head(h).chunk(2, -1)
            w = mean + torch.exp(0.5 * raw.clamp(-6, 2)) * noise
            drawn.append(w)
        return self.decode(torch.stack(drawn), z)


def _drawn(statistics: Any) -> tuple[Any, Any, Any]:
    mean, raw = statistics.chunk(2, -1)
    log_variance = raw.clamp(-8, 4)
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean), mean, log_variance


def _loss(encoder: Encoder, generator: Generator, x: Any, beta: float) -> Any:
    steps, song = encoder(x)
    w, mean, log_variance = _drawn(steps)
    z, song_mean, song_log_variance = _drawn(song)
    m, raw = generator.predict(w, z).chunk(2, -1)
    p = raw.clamp(-6, 2)
    nats = 0.5 * (p - log_variance + (log_variance.exp() + (mean - m).square()) * (-p).exp() - 1)
    song_nats = song_mean.square() + song_log_variance.exp() - song_log_variance - 1
    divergence = nats.sum(-1).mean() + 0.5 * song_nats.sum(-1).mean() / len(x)
    error = (generator.decode(w, z) - x).square().sum(-1).mean()
    return (error + beta * divergence) / generator.sizes.values


class Critic(nn.Module):
    """Score songs by a GRU both ways."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.embed = spectral_norm(nn.Linear(s.components, s.critic))
        self.cell = nn.GRU(s.critic, s.critic // 2, bidirectional=True)
        self.head = spectral_norm(nn.Linear(s.critic, 1))

    def forward(self, x: Any) -> Any:
        """Return scores (B, 1)."""
        states, _ = self.cell(leaky_relu(self.embed(x), SLOPE))
        return self.head(states.mean(0))


def _adam(*modules: nn.Module) -> torch.optim.Adam:
    parameters = [parameter for module in modules for parameter in module.parameters()]
    return torch.optim.Adam(parameters, lr=1e-4, fused=True)


def vae_step(sizes: Sizes, x: np.ndarray) -> Step:
    """Return a training step of encoder, prior and decoder."""
    torch.manual_seed(0)
    encoder, generator, songs = Encoder(sizes), Generator(sizes), torch.from_numpy(x)
    adam = _adam(encoder, generator)

    def step() -> None:
        adam.zero_grad(set_to_none=True)
        _loss(encoder, generator, songs, BETA).backward()
        adam.step()

    return step


def critic_step(sizes: Sizes, x: np.ndarray, y: np.ndarray) -> Step:
    """Return a training step of the critic alone."""
    torch.manual_seed(0)
    critic, real, fake = Critic(sizes), torch.from_numpy(x), torch.from_numpy(y)
    adam = _adam(critic)

    def step() -> None:
        adam.zero_grad(set_to_none=True)
        (relu(1 - critic(real)).mean() + relu(1 + critic(fake)).mean()).backward()
        adam.step()

    return step


def gan_step(sizes: Sizes, x: np.ndarray) -> Step:
    """Return a training step of the VAE against the critic, and one of the critic."""
    torch.manual_seed(0)
    encoder, generator, critic = Encoder(sizes), Generator(sizes), Critic(sizes)
    songs = torch.from_numpy(x)
    adam, critics_adam = _adam(encoder, generator), _adam(critic)
    shape = (*x.shape[:2], sizes.latent)

    def step() -> None:
        adam.zero_grad(set_to_none=True)
        own = GAN_RECONSTRUCTION * _loss(encoder, generator, songs, GAN_BETA)
        made = generator.generate(torch.randn(shape[1], sizes.song), torch.randn(shape))
        critic.requires_grad_(False)
        (own - WEIGHT * critic(made).mean()).backward()
        adam.step()
        critic.requires_grad_(True)
        critics_adam.zero_grad(set_to_none=True)
        judged = relu(1 - critic(songs)).mean() + relu(1 + critic(made.detach())).mean()
        judged.backward()
        critics_adam.step()

    return step
