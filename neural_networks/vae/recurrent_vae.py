"""The recurrent VAE of whole songs: sequence -> coordinate -> plan (a vector a beat) -> sequence.

    encoder   x (S, B, F) -> (B, 2 Z) = [mean; log-variance]
    decoder   z (B, Z)    -> (S, B, F)
    loss      mean squared error + smoothness roughness + beta KL(N(mean, variance) || N(0, 1))
              z = mean + exp(log_variance / 2) epsilon
              roughness: of the error, from row to row (components/losses.py)

Letters: S steps, B batch, F features of a step, Z latent size, H hidden size. A step is a quarter
of a beat. Sources: Kingma and Welling 2014 (the loss, the reparameterised gradient); Roberts et al.
2018, MusicVAE (a plan above the notes); Cho et al. 2014 (the GRU); Dauphin et al. 2017 (the gated
convolution).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.activations import GatedLinearUnit, LeakyReLU, Tanh
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.gru import GRU
from neural_networks.components.losses import gaussian_kl, sequence_error
from neural_networks.components.module import Module
from neural_networks.vae.calibration import Calibration

STEPS_PER_BEAT = 4
PLAN_SIZE = 128  # values of a beat's vector
# In steps: half a beat, a beat and its parts of a bar, phrases of 4, 8 and 16 beats, and 32 beats.
POSITION_PERIODS = (2, 4, 6, 8, 12, 16, 32, 64, 128)


def position_features(steps: int, stride: int = 1) -> np.ndarray:
    """Return the place of each step in beat, bar and phrase: sines and cosines (steps, 18).

    Args:
        steps: how many rows.
        stride: steps of a quarter beat from one row to the next; 4 gives a row a beat.
    """
    time = np.arange(steps)[:, None] * stride * 2 * np.pi / np.array(POSITION_PERIODS)
    return np.concatenate([np.sin(time), np.cos(time)], axis=1)


class SequenceEncoder(Module):
    """Encode a whole song as the parameters of a Gaussian.

    Each step is embedded; a GRU reads them; its mean and last state give the parameters.

    Args:
        features: F, values of a step.
        latent_size: Z.
        hidden: H, of the embedding and of the GRU.
        rng: draws the initial weights.
    """

    def __init__(
        self, features: int, latent_size: int, *, hidden: int = 128, rng: np.random.Generator
    ) -> None:
        self.embed = Dense(features, hidden, rng=rng)
        self.squash = Tanh()
        self.cell = GRU(hidden, hidden, rng=rng)
        self.head = Dense(2 * hidden, 2 * latent_size, rng=rng)
        # a small variance at first, so that the first gradients come from the songs, not from noise
        self.head.bias.value[latent_size:] = -3

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return ([mean; log-variance] (B, 2 Z), cache) of songs x (S, B, F)."""
        centred = 4 * x - x.dtype.type(0.5)  # frames lie in 0 to about 1, most near 0
        embedded, embed = self.embed.forward(centred)
        squashed, squash = self.squash.forward(embedded)
        states, cell = self.cell.forward(squashed)
        summary = np.concatenate([states.mean(axis=0), states[-1]], axis=1)
        statistics, head = self.head.forward(summary)
        return statistics, (states.shape, embed, squash, cell, head)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (S, B, F) for the gradient of the statistics (B, 2 Z)."""
        dembedded, embed = self._backward_to_embedding(dy, cache)
        return 4 * self.embed.backward(dembedded, embed)

    def add_gradients(self, dy: np.ndarray, cache: Any) -> None:
        """Add the gradients of the parameters."""
        self.embed.add_gradients(*self._backward_to_embedding(dy, cache))

    def _backward_to_embedding(self, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        shape, embed, squash, cell, head = cache
        dsummary = self.head.backward(dy, head)
        hidden = shape[2]
        dstates = np.empty(shape, dy.dtype)
        dstates[:] = dsummary[:, :hidden] / dy.dtype.type(shape[0])
        dstates[-1] += dsummary[:, hidden:]
        return self.squash.backward(self.cell.backward(dstates, cell), squash), embed


class PlanDecoder(Module):
    """Decode a song from a coordinate.

    A plan of one vector a beat is refined by a gated convolution and read by a GRU step by step.
    Both also read their position in beat, bar and phrase.

    Args:
        latent_size: Z.
        features: F, values of a step.
        beats: length of the plan; the song has 4 steps a beat.
        plan_size: values of a beat's vector.
        hidden: H of the GRU.
        rng: draws the initial weights.
    """

    def __init__(
        self,
        latent_size: int,
        features: int,
        *,
        beats: int,
        plan_size: int = PLAN_SIZE,
        hidden: int = 256,
        rng: np.random.Generator,
    ) -> None:
        self.beats = beats
        self.plan_size = plan_size
        positions = 2 * len(POSITION_PERIODS)
        self.to_plan = Dense(latent_size, beats * plan_size, rng=rng)
        self.squash = Tanh()
        self.refine = Conv1d(plan_size + positions, 2 * plan_size, 5, padding=2, rng=rng)
        self.gate = GatedLinearUnit()
        self.cell = GRU(plan_size + positions, hidden, rng=rng)
        self.to_frames = Dense(hidden, features, rng=rng)
        self.to_frames.bias.value[:] = 0.08  # about the mean of a frame's values
        self.rectify = LeakyReLU(0.02)
        self.calibration: Calibration | None = None  # measured when the songs are learned

    def forward(self, z: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return (songs (S, B, F), cache) of coordinates z (B, Z)."""
        plan, planned = self._plan(z)
        song, written = self.forward_plan(plan)
        return song, (planned, written)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dz (B, Z) for the gradient of the songs (S, B, F)."""
        (to_plan, squash), written = cache
        dplan = self.backward_plan(dy, written)
        dflat = np.ascontiguousarray(dplan.transpose(1, 0, 2)).reshape(dplan.shape[1], -1)
        return self.to_plan.backward(self.squash.backward(dflat, squash), to_plan)

    def plan(self, z: np.ndarray) -> np.ndarray:
        """Return the plans (beats, B, plan_size) of coordinates z (B, Z)."""
        return self._plan(z)[0]

    def _plan(self, z: np.ndarray) -> tuple[np.ndarray, Any]:
        flat, to_plan = self.to_plan.forward(z)
        squashed, squash = self.squash.forward(flat)
        plan = squashed.reshape(len(z), self.beats, self.plan_size).transpose(1, 0, 2)
        return np.ascontiguousarray(plan), (to_plan, squash)

    def forward_plan(self, plan: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return (songs (4 beats, B, F), cache) of plans (beats, B, plan_size) of any length."""
        beats = len(plan)
        refined, refine = self.refine.forward(_with_positions(plan, STEPS_PER_BEAT))
        gated, gate = self.gate.forward(refined)
        steps = _with_positions(np.repeat(gated, STEPS_PER_BEAT, axis=0), 1)
        states, cell = self.cell.forward(steps)
        linear, to_frames = self.to_frames.forward(states)
        song, rectify = self.rectify.forward(linear)
        calibration = None
        if self.calibration is not None:
            song, calibration = self.calibration.forward(song)
        return song, (beats, refine, gate, cell, to_frames, rectify, calibration)

    def backward_plan(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return the gradient of the plans (beats, B, plan_size)."""
        beats, refine, gate, cell, to_frames, rectify, calibration = cache
        if self.calibration is not None:
            dy = self.calibration.backward(dy, calibration)
        dstates = self.to_frames.backward(self.rectify.backward(dy, rectify), to_frames)
        dsteps = self.cell.backward(dstates, cell)[:, :, : self.plan_size]
        dgated = dsteps.reshape(beats, STEPS_PER_BEAT, -1, self.plan_size).sum(axis=1)
        return self.refine.backward(self.gate.backward(dgated, gate), refine)[
            :, :, : self.plan_size
        ]


class RecurrentVAE(Module):
    """The encoder and the decoder together.

    Args:
        features: F, values of a step.
        latent_size: Z.
        beats: length of a song; S = 4 beats.
        hidden: of the decoder's GRU.
        rng: draws the initial weights.
    """

    def __init__(
        self,
        features: int,
        *,
        latent_size: int = 64,
        beats: int = 64,
        hidden: int = 256,
        rng: np.random.Generator,
    ) -> None:
        self.encoder = SequenceEncoder(features, latent_size, rng=rng)
        self.decoder = PlanDecoder(latent_size, features, beats=beats, hidden=hidden, rng=rng)
        self.latent_size = latent_size

    def loss(
        self,
        x: np.ndarray,
        *,
        beta: float,
        smoothness: float = 0.0,
        rows: int = 1,
        rng: np.random.Generator,
    ) -> tuple[float, float, float]:
        """Add the gradient of the loss of a mini-batch; the mean over the batch.

        Args:
            x: songs (S, B, F).
            beta: weight of the KL divergence (nats a song) beside the mean squared error (a value).
            smoothness: weight of the error's roughness from row to row.
            rows: that a step holds, F / rows values each.
            rng: draws epsilon.

        Returns:
            (loss, mean squared error, KL in nats a song).
        """
        statistics, encoder = self.encoder.forward(x)
        mean, log_variance = np.split(statistics, 2, axis=1)
        epsilon = rng.standard_normal(mean.shape).astype(x.dtype)
        deviation = np.exp(log_variance / 2)
        song, decoder = self.decoder.forward(mean + deviation * epsilon)
        error, roughness, dsong = sequence_error(song, x, smoothness=smoothness, rows=rows)
        kl, dmean_kl, dlog_variance_kl = gaussian_kl(mean, log_variance)
        dz = self.decoder.backward(dsong, decoder)
        # z = mean + exp(log_variance / 2) epsilon, so dz/dlog_variance = deviation epsilon / 2.
        dmean = dz + beta * dmean_kl
        dlog_variance = dz * epsilon * deviation / 2 + beta * dlog_variance_kl
        self.encoder.add_gradients(
            np.concatenate([dmean, dlog_variance], axis=1).astype(x.dtype), encoder
        )
        return error + smoothness * roughness + beta * kl, error, kl


def _with_positions(x: np.ndarray, stride: int) -> np.ndarray:
    positions = position_features(len(x), stride).astype(x.dtype)[:, None]
    return np.concatenate(
        [x, np.broadcast_to(positions, (*x.shape[:2], positions.shape[2]))], axis=2
    )
