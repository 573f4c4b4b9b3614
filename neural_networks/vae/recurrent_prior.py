"""The prior of a song's latents: what the next step will be, given all that came before.

    a_t = tanh(Dense([w_(t-1); context_t]))
    h_t = GRU(a_t, h_(t-1))
    [m_t; log p_t^2] = Dense(h_t)
    p(w_t | w_(<t), z) = N(m_t, p_t^2)

(Chung et al. 2015, arXiv:1506.02216, equation 5, with the coordinate z of the whole song beside the
past.)
It runs in two ways:

    predict(fed, context)         fed with the true past, all steps at once (teacher forcing)
    sample(innovations, context)  fed with its own draws: w_t = m_t + p_t eps_t

and `innovations` is `sample` backwards. Backward through `sample` from dw_t, what the decoder and
the step
after say together:

    deps_t = dw_t p_t,  dm_t = dw_t,  dlog p_t^2 = dw_t p_t eps_t / 2 within the bounds, else 0
    dh_t = [dm_t; dlog p_t^2] F^T + what the GRU's next step says
    dw_(t-1) += ((GRU's gradient of a_t) (1 - a_t^2)) E^T

Shapes: w, eps (S, B, D), a (S, B, E), h (S, B, H), statistics [m; raw of log p^2] (S, B, 2D).
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
from neural_networks.vae.step_input import StepInput

PRIOR_BOUNDS: Bounds = (-6.0, 2.0)  # of log p^2


class RecurrentPrior(Module):
    """Predict, or draw, each step's latents from those before.

    Args:
        latent_size: D.
        song_size: Z.
        conditioning: makes the contexts.
        embedding: E.
        hidden: H.
        rng: draws the first weights.
    """

    def __init__(
        self,
        latent_size: int,
        song_size: int,
        conditioning: Conditioning,
        *,
        embedding: int,
        hidden: int,
        rng: np.random.Generator,
    ) -> None:
        self.input = StepInput(latent_size, song_size, conditioning, embedding, rng=rng)
        self.cell = GRU(embedding, hidden, rng=rng)
        self.head = Dense(hidden, 2 * latent_size, rng=rng)
        self.latent_size, self.hidden_size = latent_size, hidden

    def predict(self, fed: np.ndarray, context: SongContext) -> tuple[np.ndarray, Any]:
        """Return the statistics (S, B, 2D) of all steps, and the cache.

        Args:
            fed: w_(t-1) at each step (S, B, D); zeros before the first.
            context: of the songs.
        """
        given, embed = self.input.forward(fed, context)
        states, cell = self.cell.forward(given)
        statistics, head = self.head.forward(states)
        return statistics, (embed, cell, head)

    def predict_backward(
        self, dstatistics: np.ndarray, cache: Any
    ) -> tuple[np.ndarray, ContextGradient]:
        """Return the gradients of `fed` (S, B, D) and of the context."""
        embed, cell, head = cache
        return self.input.backward(
            self.cell.backward(self.head.backward(dstatistics, head), cell), embed
        )

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
            latents: (B, D) of the step before the first; zeros if not given.
        """
        run = self._run(innovations.shape, context, hidden, latents)
        run.innovations[:] = innovations
        prior_forward(run, self._weights(), PRIOR_BOUNDS)
        return run.latents[1:], run

    def innovations(self, w: np.ndarray, context: SongContext) -> tuple[np.ndarray, PriorRun]:
        """Return the eps (S, B, D) of which `sample` makes the latents w (S, B, D), and the run."""
        run = self._run(w.shape, context, None, None)
        run.latents[1:] = w
        prior_forward(run, self._weights(), PRIOR_BOUNDS, inverse=True)
        return run.innovations, run

    def sample_backward(
        self, dw: np.ndarray, run: PriorRun, context: SongContext
    ) -> tuple[np.ndarray, ContextGradient]:
        """Return the gradients of the innovations and of the context; add the parameters'."""
        dlatents = np.zeros_like(run.latents)
        dlatents[1:] = dw
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
        return dinnovations, self.input.condition_backward(dinputs, context)

    def _run(
        self,
        shape: tuple[int, ...],
        context: SongContext,
        hidden: np.ndarray | None,
        latents: np.ndarray | None,
    ) -> PriorRun:
        dtype = self.input.bias.value.dtype
        condition = np.ascontiguousarray(self.input.condition(context), dtype)
        run = prior_run(condition, shape[0], self.latent_size, self.hidden_size)
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
