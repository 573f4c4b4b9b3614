"""The prior of a song's latents: what the next step will be, given all that came before.

    a_t = tanh(Dense([w_(t-1); context_t]))
    h_t = GRU(a_t, h_(t-1))
    [m_t; log p_t^2; l_t] = Dense(h_t)
    p(w_t | w_(<t), z) = sum over k of softmax(l_t)_k N(m_tk, p_tk^2), k from 1 to M

(Chung et al. 2015, arXiv:1506.02216, equation 5, with the coordinate z of the whole song beside the
past.)
It runs in two ways:

    predict(w, context)           fed with the true past, all steps at once (teacher forcing)
    sample(innovations, context)  fed with its own draws: w_t = m_tk + p_tk eps_t

and `innovations` is `sample` backwards. With M = 1 there are no l_t, and k is 1. Else a step has
one more innovation e_t, also standard normal: Phi(e_t) chooses k, the first component whose
cumulative weight is above it (`mixture.py` of the kernels). Backward through `sample` from dw_t,
what the decoder and the step after say together:

    deps_t = dw_t p_tk,  dm_tk = dw_t,  dlog p_tk^2 = dw_t p_tk eps_t / 2 within the bounds, else 0
    dh_t = [dm_t; dlog p_t^2; 0] F^T + what the GRU's next step says
    dw_(t-1) += ((GRU's gradient of a_t) (1 - a_t^2)) E^T

Independent values can't agree on anything that the past doesn't tell, such as whether a note begins
now. With G groups the latents of a step are drawn one group after another, each given the ones
before it: to the network these are G S steps of D / G latents, told which group comes next.

The song is a step function of e_t: almost everywhere its gradient is zero, as is that of l_t, and
the rest is exact. What lies beyond the steps, a change of the choices, no gradient tells.

Independent values can't choose between two notes either. M components can: each is one of the
things that might come, and a draw is one of them and no mean.

Shapes: w, eps (S, B, D), e (S, B, G); innovations (S, B, I), [eps; e], I = D + G, or D with M = 1;
statistics [m (M, D); raw of log p^2 (M, D); l (M, G)] (S, B, C), or [m; raw] (S, B, 2D);
a (G S, B, E), h (G S, B, H).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from neural_networks.components.checks import of_shape
from neural_networks.components.dense import Dense
from neural_networks.components.gaussians import Bounds, draw, draw_gradient, moments
from neural_networks.components.gru import GRU
from neural_networks.components.kernels.prior import (
    PriorRun,
    PriorWeights,
    prior_backward,
    prior_forward,
    prior_run,
)
from neural_networks.components.module import Module
from neural_networks.vae.latent_groups import LatentGroups
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
        mixtures: M, components of what a group of a step is drawn from.
        rng: draws the first weights.

    Raises:
        ValueError: if the latents can't be divided into the groups, or there is no component.
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
        mixtures: int = 1,
        rng: np.random.Generator,
    ) -> None:
        self._groups = LatentGroups(latent_size, groups, mixtures)
        size = self._groups.size
        self.input = StepInput(size, song_size, conditioning, embedding, groups=groups, rng=rng)
        self.cell = GRU(embedding, hidden, rng=rng)
        weighed = mixtures if mixtures > 1 else 0
        self.head = Dense(hidden, 2 * size * mixtures + weighed, rng=rng)
        self.latent_size, self.hidden_size, self.groups = latent_size, hidden, groups
        self.mixtures = mixtures
        self.innovation_size = latent_size + (groups if weighed else 0)

    def predict(self, w: np.ndarray, context: SongContext) -> tuple[np.ndarray, Any]:
        """Return the statistics (S, B, C) of all steps, and the cache.

        Args:
            w: latents (S, B, D), of which each step is given those before it.
            context: of the songs.
        """
        of_shape(w, (context.steps, context.songs, self.latent_size), "w")
        given, embed = self.input.forward(
            shifted(self._groups.apart(w)), context.grouped(self.groups)
        )
        states, cell = self.cell.forward(given)
        statistics, head = self.head.forward(states)
        return self._groups.statistics_together(statistics), (embed, cell, head)

    def predict_backward(
        self, dstatistics: np.ndarray, cache: Any
    ) -> tuple[np.ndarray, ContextGradient]:
        """Return the gradients of w (S, B, D), as later steps are given it, and of the context."""
        embed, cell, head = cache
        dstates = self.head.backward(self._groups.statistics_apart(dstatistics), head)
        dfed, told = self.input.backward(self.cell.backward(dstates, cell), embed)
        dw = np.zeros_like(dfed)
        dw[:-1] = dfed[1:]
        return self._groups.together(dw), told

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
            innovations: (S, B, I).
            context: of the songs.
            hidden: (B, H) before the first step; zeros if not given.
            latents: (B, D / G), the last group of the step before the first; zeros if not given.
        """
        of_shape(innovations, (context.steps, context.songs, self.innovation_size), "innovations")
        run = self._run(context, hidden, latents)
        run.innovations[:] = self._groups.apart(innovations[..., : self.latent_size])
        if self.mixtures > 1:
            choices = self._groups.apart(innovations[..., self.latent_size :])[..., 0]
            run.levels[:] = ndtr(choices.astype(np.float64))
        prior_forward(run, self._weights(), PRIOR_BOUNDS)
        return self._groups.together(run.latents[1:]), run

    def innovations(
        self,
        w: np.ndarray,
        context: SongContext,
        *,
        hidden: np.ndarray | None = None,
        latents: np.ndarray | None = None,
    ) -> tuple[np.ndarray, PriorRun]:
        """Return innovations (S, B, I) of which `sample` makes w (S, B, D), and the run.

        Of the components that may have made a step's latents the likeliest is chosen, by an
        innovation in the middle of those that choose it.
        """
        of_shape(w, (context.steps, context.songs, self.latent_size), "w")
        run = self._run(context, hidden, latents)
        run.latents[1:] = self._groups.apart(w)
        prior_forward(run, self._weights(), PRIOR_BOUNDS, inverse=True)
        return self._with_choices(self._groups.together(run.innovations), ndtri(run.levels)), run

    def sample_backward(
        self,
        dw: np.ndarray,
        run: PriorRun,
        context: SongContext,
        dstatistics: np.ndarray | None = None,
    ) -> tuple[np.ndarray, ContextGradient]:
        """Return the gradients of the innovations and of the context; add the parameters'.

        Those of the choices are zero.

        Args:
            dw: (S, B, D).
            run: of `sample`.
            context: of the songs.
            dstatistics: from `vary_backward`, if latents were drawn again; it is overwritten.
        """
        of_shape(dw, (context.steps, context.songs, self.latent_size), "dw")
        dlatents = np.zeros_like(run.latents)
        dlatents[1:] = self._groups.apart(dw)
        dinnovations, dinputs = np.empty_like(run.innovations), np.empty_like(run.inputs)
        prior_backward(
            dinnovations,
            dinputs,
            np.zeros_like(run.statistics) if dstatistics is None else dstatistics,
            dlatents,
            np.empty_like(run.hidden[0]),
            self._weights(gradients=True),
            run,
            self._weights(),
            PRIOR_BOUNDS,
        )
        told = self.input.condition_backward(dinputs, context.grouped(self.groups))
        return self._with_choices(
            self._groups.together(dinnovations), np.zeros_like(run.levels)
        ), told

    def vary(self, innovations: np.ndarray, run: PriorRun) -> np.ndarray:
        """Return latents (S, B, D) drawn again, each step as in its run: w'_t = m_tk + p_tk eps'_t.

        The past is that of the run, and so is the choice k.

        Args:
            innovations: (S, B, I), of which only eps' (S, B, D) is read.
            run: of `sample`.
        """
        steps, songs = len(run.statistics) // self.groups, run.statistics.shape[1]
        of_shape(innovations, (steps, songs, self.innovation_size), "innovations")
        eps = self._groups.apart(innovations[..., : self.latent_size])
        return self._groups.together(draw(self._of_chosen(run.statistics, run), PRIOR_BOUNDS, eps))

    def vary_backward(
        self, dw: np.ndarray, innovations: np.ndarray, run: PriorRun
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradients of `vary`'s innovations and of the run's statistics."""
        statistics, dw = self._of_chosen(run.statistics, run), self._groups.apart(dw)
        eps = self._groups.apart(innovations[..., : self.latent_size])
        dstatistics = np.zeros_like(run.statistics)
        self._of_chosen(dstatistics, run, draw_gradient(dw, statistics, PRIOR_BOUNDS, eps))
        deps = dw * np.exp(moments(statistics, PRIOR_BOUNDS)[1] / 2)
        return self._with_choices(
            self._groups.together(deps), np.zeros_like(run.levels)
        ), dstatistics

    def _of_chosen(
        self, statistics: np.ndarray, run: PriorRun, given: np.ndarray | None = None
    ) -> np.ndarray:
        """Return [m; raw] (G S, B, 2 D / G) of the chosen components, or write them there."""
        size = run.latents.shape[2]
        parts = statistics[..., : 2 * self.mixtures * size]
        parts = parts.reshape(*parts.shape[:-1], 2, self.mixtures, size)
        chosen = run.chosen[..., None, None, None]
        if given is None:
            return np.take_along_axis(parts, chosen, axis=-2).reshape(*run.chosen.shape, 2 * size)
        np.put_along_axis(parts, chosen, given.reshape(*run.chosen.shape, 2, 1, size), axis=-2)
        return given

    def _with_choices(self, eps: np.ndarray, e: np.ndarray) -> np.ndarray:
        """Return innovations (S, B, I) of eps (S, B, D) and e (G S, B)."""
        if self.mixtures == 1:
            return eps
        return np.concatenate([eps, self._groups.together(e[..., None].astype(eps.dtype))], axis=-1)

    def _run(
        self,
        context: SongContext,
        hidden: np.ndarray | None,
        latents: np.ndarray | None,
    ) -> PriorRun:
        dtype = self.input.bias.value.dtype
        groups, size = self.groups, self._groups.size
        songs, steps = context.songs, context.steps
        if hidden is not None:
            of_shape(hidden, (songs, self.hidden_size), "hidden")
        if latents is not None:
            of_shape(latents, (songs, size), "latents")
        told = self.input.condition(context.grouped(groups))
        condition = np.ascontiguousarray(told, dtype)
        columns = len(self.head.bias.value)
        run = prior_run(condition, steps * groups, size, self.hidden_size, columns)
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
