"""The prior of a song's latents: what the next step will be, given all that came before.

    a_t = tanh(Dense([w_(t-1); context_t]))
    h_t = GRU(a_t, h_(t-1))
    [m_t; log p_t^2] = Dense(h_t)
    p(w_t | w_(<t), z) = N(m_t, p_t^2)

(Chung et al. 2015, arXiv:1506.02216, equation 5, with the coordinate z of the whole song beside the
past.)
It runs in two ways:

    predict(w, context)           fed with the true past, all steps at once (teacher forcing)
    sample(innovations, context)  fed with its own draws: w_t = m_t + p_t eps_t

and `innovations` is `sample` backwards. Backward through `sample` from dw_t, what the decoder and
the step after say together:

    deps_t = dw_t p_t,  dm_t = dw_t,  dlog p_t^2 = dw_t p_t eps_t / 2 within the bounds, else 0
    dh_t = [dm_t; dlog p_t^2] F^T + what the GRU's next step says
    dw_(t-1) += ((GRU's gradient of a_t) (1 - a_t^2)) E^T

Independent values can't agree on anything that the past doesn't tell, such as whether a note begins
now. With G groups the latents of a step are drawn one group after another, each given the ones
before it: to the network these are G S steps of D / G latents, told which group comes next.

Shapes: w, eps (S, B, D), statistics [m; raw of log p^2] (S, B, 2D); a (G S, B, E), h (G S, B, H).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.dense import Dense
from neural_networks.components.gaussians import Bounds
from neural_networks.components.gru import GRU
from neural_networks.components.kernels.prior import (
    PriorRun,
    PriorWeights,
    prior_backward,
    prior_forward,
    prior_run,
)
from neural_networks.components.module import Module
from neural_networks.vae.song_context import Conditioning, ContextGradient, SongContext
from neural_networks.vae.step_input import StepInput, shifted

PRIOR_BOUNDS: Bounds = (-6.0, 2.0)  # of log p^2


class RecurrentPrior(Module):
    """Predict, or draw, each step's latents from those before.

    Args:
        latent_size: D.
        song_size: Z.
        conditioning: makes the contexts.
        embedding: E.
        hidden: H.
        groups: G, a divisor of D.
        rng: draws the first weights.

    Raises:
        ValueError: if the latents can't be divided into the groups.
    """

    def __init__(
        self,
        latent_size: int,
        song_size: int,
        conditioning: Conditioning,
        *,
        embedding: int,
        hidden: int,
        groups: int = 1,
        rng: np.random.Generator,
    ) -> None:
        if groups < 1 or latent_size % groups:
            raise ValueError(f"{latent_size} latents can't be divided into {groups} groups")
        size = latent_size // groups
        self.input = StepInput(size, song_size, conditioning, embedding, groups=groups, rng=rng)
        self.cell = GRU(embedding, hidden, rng=rng)
        self.head = Dense(hidden, 2 * size, rng=rng)
        self.latent_size, self.hidden_size, self.groups = latent_size, hidden, groups

    def predict(self, w: np.ndarray, context: SongContext) -> tuple[np.ndarray, Any]:
        """Return the statistics (S, B, 2D) of all steps, and the cache.

        Args:
            w: latents (S, B, D), of which each step is given those before it.
            context: of the songs.
        """
        given, embed = self.input.forward(shifted(self._apart(w)), context.grouped(self.groups))
        states, cell = self.cell.forward(given)
        statistics, head = self.head.forward(states)
        return self._together(statistics, 2), (embed, cell, head)

    def predict_backward(
        self, dstatistics: np.ndarray, cache: Any
    ) -> tuple[np.ndarray, ContextGradient]:
        """Return the gradients of w (S, B, D), as later steps are given it, and of the context."""
        embed, cell, head = cache
        dstates = self.head.backward(self._apart(dstatistics, 2), head)
        dfed, told = self.input.backward(self.cell.backward(dstates, cell), embed)
        dw = np.zeros_like(dfed)
        dw[:-1] = dfed[1:]
        return self._together(dw), told

    def sample(
        self,
        innovations: np.ndarray,
        context: SongContext,
        *,
        hidden: np.ndarray | None = None,
        latents: np.ndarray | None = None,
    ) -> tuple[np.ndarray, PriorRun]:
        """Return latents w (S, B, D) drawn one after the other, and the run, which is the cache.

        Args:
            innovations: eps (S, B, D).
            context: of the songs.
            hidden: (B, H) before the first step; zeros if not given.
            latents: (B, D / G), the last group of the step before the first; zeros if not given.
        """
        run = self._run(len(innovations), context, hidden, latents)
        run.innovations[:] = self._apart(innovations)
        prior_forward(run, self._weights(), PRIOR_BOUNDS)
        return self._together(run.latents[1:]), run

    def innovations(self, w: np.ndarray, context: SongContext) -> tuple[np.ndarray, PriorRun]:
        """Return the eps (S, B, D) of which `sample` makes the latents w (S, B, D), and the run."""
        run = self._run(len(w), context, None, None)
        run.latents[1:] = self._apart(w)
        prior_forward(run, self._weights(), PRIOR_BOUNDS, inverse=True)
        return self._together(run.innovations), run

    def sample_backward(
        self, dw: np.ndarray, run: PriorRun, context: SongContext
    ) -> tuple[np.ndarray, ContextGradient]:
        """Return the gradients of the innovations and of the context; add the parameters'."""
        dlatents = np.zeros_like(run.latents)
        dlatents[1:] = self._apart(dw)
        dinnovations, dinputs = np.empty_like(run.innovations), np.empty_like(run.inputs)
        prior_backward(
            dinnovations,
            dinputs,
            np.empty_like(run.statistics),
            dlatents,
            np.empty_like(run.hidden[0]),
            self._weights(gradients=True),
            run,
            self._weights(),
            PRIOR_BOUNDS,
        )
        told = self.input.condition_backward(dinputs, context.grouped(self.groups))
        return self._together(dinnovations), told

    def _apart(self, values: np.ndarray, kinds: int = 1) -> np.ndarray:
        """Return the values (G S, B, n D / G) of each group, of (S, B, n D), n kinds of values."""
        if self.groups == 1:
            return values
        steps, songs, _ = values.shape
        parts = values.reshape(steps, songs, kinds, self.groups, -1).transpose(0, 3, 1, 2, 4)
        return np.ascontiguousarray(parts).reshape(steps * self.groups, songs, -1)

    def _together(self, values: np.ndarray, kinds: int = 1) -> np.ndarray:
        """Return what `_apart` was given."""
        if self.groups == 1:
            return values
        steps, songs = len(values) // self.groups, values.shape[1]
        parts = values.reshape(steps, self.groups, songs, kinds, -1).transpose(0, 2, 3, 1, 4)
        return np.ascontiguousarray(parts).reshape(steps, songs, -1)

    def _run(
        self,
        steps: int,
        context: SongContext,
        hidden: np.ndarray | None,
        latents: np.ndarray | None,
    ) -> PriorRun:
        dtype = self.input.bias.value.dtype
        groups = self.groups
        told = self.input.condition(context.grouped(groups))
        condition = np.ascontiguousarray(told, dtype)
        run = prior_run(condition, steps * groups, self.latent_size // groups, self.hidden_size)
        run.hidden[0] = 0 if hidden is None else hidden
        run.latents[0] = 0 if latents is None else latents
        return run

    def _weights(self, *, gradients: bool = False) -> PriorWeights:
        cell = self.cell
        parameters = (
            self.input.latent_weight,
            cell.input_weight,
            cell.recurrent_weight,
            cell.input_bias,
            cell.recurrent_bias,
            self.head.weight,
            self.head.bias,
        )
        return PriorWeights(*(p.grad if gradients else p.value for p in parameters))
