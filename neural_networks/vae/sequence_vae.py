"""A variational autoencoder of songs whose latents move in time, with a recurrent prior.

    posterior  u = c / g;  q(w_t | c) = N(mu_t, s_t^2),  q(z | c) = N(mu_z, s_z^2)  sequence_encoder
    prior      p(w_t | w_(<t), z) = N(m_t, p_t^2),  p(z) = N(0, 1)                  recurrent_prior
    decoder    c^ = g Decoder(w, z)                                                sequence_decoder
    loss       |c^ - c|^2 / N + beta / N KL(q(w_t) || p(w_t)) + beta_z / N KL(q(z) || p(z)) / S
               mean over steps and songs; w_t = mu_t + s_t eta_t, z = mu_z + s_z eta_z
    new song   G(z, eps): w_t = m_t + p_t eps_t, eps ~ N(0, 1), the prior fed with its own draws
    E(song)    P = (z, eps), eps_t = (w_t - m_t) / p_t: G(E(song)) is the decoder's song of w

Chung et al. 2015, arXiv:1506.02216 (a prior that is learned with the recurrence), with a coordinate
z of the whole song and a posterior that sees all of it.
Letters: S steps, B songs, K components of a step, D latents of a step, Z values of z; N values of
a step's frames, which K components stand for. Arrays are time-major.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neural_networks.components.gaussians import Bounds, divergence, draw, draw_gradient, moments
from neural_networks.components.module import Module
from neural_networks.vae.recurrent_prior import PRIOR_BOUNDS, RecurrentPrior
from neural_networks.vae.scheduled_sampling import normal, own_draws, shifted
from neural_networks.vae.sequence_decoder import SequenceDecoder
from neural_networks.vae.sequence_encoder import PosteriorEncoder
from neural_networks.vae.song_context import Conditioning

POSTERIOR_BOUNDS: Bounds = (-8.0, 4.0)  # of log s^2, of steps and of songs
STEPS_AT_ONCE = 64  # of songs that are drawn
STANDARD: Bounds = (0.0, 0.0)  # log-variance of N(0, 1)


class SequenceLoss(NamedTuple):
    """A loss and its parts, means over the mini-batch."""

    loss: float
    error: float  # squared error a value
    step_nats: float  # KL of a step's latents
    song_nats: float  # KL of z


class SongState(NamedTuple):
    """Where songs are after a step: all that going on with them needs beside z."""

    step: int  # steps made
    latents: np.ndarray  # (B, D)
    prior: np.ndarray  # (B, H)
    decoder: np.ndarray  # (B, H)


class SequenceVAE(Module):
    """Encoder, prior and decoder together.

    Args:
        components: K.
        scales: g (K,), by which components are divided before they are read; ones if not given.
        values: N; K if not given.
        latent_size: D.
        song_size: Z.
        encoder_hidden: of each direction of the encoder's GRU.
        hidden: of the decoder's GRU.
        prior_hidden: of the prior's GRU.
        embedding: what decoder and prior make of their inputs first.
        beats: length of the plan, one vector a beat made of z; 0 for none.
        plan_size: of such a vector.
        position: whether steps are told where they are in beat, bar and phrase.
        steps_per_beat: on a grid of beats.
        rng: draws the first weights.
    """

    def __init__(
        self,
        components: int,
        *,
        scales: np.ndarray | None = None,
        values: int | None = None,
        latent_size: int = 32,
        song_size: int = 32,
        encoder_hidden: int = 128,
        hidden: int = 256,
        prior_hidden: int = 256,
        embedding: int = 128,
        beats: int = 0,
        plan_size: int = 128,
        position: bool = False,
        steps_per_beat: int = 4,
        rng: np.random.Generator,
    ) -> None:
        self.scales = np.ones(components) if scales is None else np.array(scales, np.float64)
        if self.scales.shape != (components,) or not (self.scales > 0).all():
            raise ValueError(f"scales are {components} positive numbers, not {scales}")
        self.values = values or components
        self.components, self.latent_size, self.song_size = components, latent_size, song_size
        sizes = latent_size, song_size
        self.encoder = PosteriorEncoder(components, *sizes, hidden=encoder_hidden, rng=rng)
        self.conditioning = Conditioning(
            song_size,
            beats=beats,
            plan_size=plan_size,
            position=position,
            steps_per_beat=steps_per_beat,
            rng=rng,
        )
        self.decoder = SequenceDecoder(
            components, *sizes, self.conditioning, embedding=embedding, hidden=hidden, rng=rng
        )
        self.prior = RecurrentPrior(
            *sizes, self.conditioning, embedding=embedding, hidden=prior_hidden, rng=rng
        )

    def loss(
        self,
        x: np.ndarray,
        *,
        beta: float,
        song_beta: float | None = None,
        free_bits: float = 0.0,
        song_free_bits: float = 0.0,
        own_share: float = 0.0,
        passes: int = 2,
        first_beat: np.ndarray | None = None,
        rng: np.random.Generator,
    ) -> SequenceLoss:
        """Add the gradient of the loss of a mini-batch.

        Args:
            x: components c of songs (S, B, K).
            beta: weight of a step's KL divergence, in nats, beside the squared error of N values.
            song_beta: of the KL divergence of z, likewise; beta if not given.
            free_bits: nats that each of a step's D latents may hold free of charge.
            song_free_bits: nats that each of the Z values of z may.
            own_share: of the prior's inputs that are its own draws; see scheduled_sampling.py.
            passes: of the prior, in which those draws are made.
            first_beat: (B,), at which each excerpt begins; 0 if not given.
            rng: draws eta, and what is fed.

        Returns:
            The loss and its parts.
        """
        scales = self.scales.astype(x.dtype)
        u = x / scales
        (steps, songs), encoder = self.encoder.forward(u)
        noise = normal(rng, (*x.shape[:2], self.latent_size), x.dtype)
        song_noise = normal(rng, (x.shape[1], self.song_size), x.dtype)
        w = draw(steps, POSTERIOR_BOUNDS, noise)
        z = draw(songs, POSTERIOR_BOUNDS, song_noise)
        context, conditioning = self.conditioning.forward(z, len(x), first_beat=first_beat)
        y, decoder = self.decoder.forward(w, context)
        fed, replaced = shifted(w), None
        if own_share > 0:
            draws, replaced = own_draws(
                self.prior, w, context, share=own_share, passes=passes, rng=rng
            )
            fed = np.where(replaced, shifted(draws), fed)
        predicted, prior = self.prior.predict(fed, context)

        error, dy = self._error(y, u, scales)
        bounds: dict[str, Any] = {"posterior_bounds": POSTERIOR_BOUNDS}
        nats, dsteps, dpredicted = divergence(
            steps, predicted, prior_bounds=PRIOR_BOUNDS, free_bits=free_bits, **bounds
        )
        song_nats, dsongs, _ = divergence(
            songs, np.zeros_like(songs), prior_bounds=STANDARD, free_bits=song_free_bits, **bounds
        )
        weight = beta / self.values
        song_weight = (beta if song_beta is None else song_beta) / (self.values * len(x))
        dsteps *= x.dtype.type(weight)
        dpredicted *= x.dtype.type(weight)
        dsongs *= x.dtype.type(song_weight)

        dw, told = self.decoder.backward(dy, decoder)
        dfed, told_prior = self.prior.predict_backward(dpredicted, prior)
        if replaced is not None:
            dfed *= ~replaced
        dw[:-1] += dfed[1:]
        dz = self.conditioning.backward(told.plus(told_prior), conditioning)
        dsteps += draw_gradient(dw, steps, POSTERIOR_BOUNDS, noise)
        dsongs += draw_gradient(dz, songs, POSTERIOR_BOUNDS, song_noise)
        self.encoder.add_gradients((dsteps, dsongs), encoder)
        value = error + weight * nats + song_weight * song_nats
        return SequenceLoss(value, error, nats, song_nats)

    def encode(
        self, x: np.ndarray, *, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return latents w (S, B, D) and coordinates z (B, Z) of songs x (S, B, K).

        Args:
            x: components.
            rng: draws them from the posterior; their means without it.
        """
        statistics, _ = self.encoder.forward(x / self.scales.astype(x.dtype))
        if rng is None:
            w, z = (np.ascontiguousarray(moments(part, POSTERIOR_BOUNDS)[0]) for part in statistics)
        else:
            w, z = (
                draw(
                    part,
                    POSTERIOR_BOUNDS,
                    normal(rng, (*part.shape[:-1], part.shape[-1] // 2), x.dtype),
                )
                for part in statistics
            )
        return w, z

    def decode(self, w: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return songs (S, B, K) of latents w (S, B, D) and coordinates z (B, Z), and the cache."""
        context, conditioning = self.conditioning.forward(z, len(w))
        y, decoder = self.decoder.forward(w, context)
        return y * self.scales.astype(y.dtype), (conditioning, decoder)

    def decode_backward(self, dsongs: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return dw (S, B, D) and dz (B, Z); add the gradients of decoder and plan."""
        conditioning, decoder = cache
        dw, told = self.decoder.backward(dsongs * self.scales.astype(dsongs.dtype), decoder)
        return dw, self.conditioning.backward(told, conditioning)

    def innovations(self, w: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the innovations (S, B, D) of which `generate` makes the song of w and z."""
        return self.prior.innovations(w, self.conditioning.forward(z, len(w))[0])[0]

    def generate(
        self, z: np.ndarray, innovations: np.ndarray, *, state: SongState | None = None
    ) -> tuple[np.ndarray, Any]:
        """Return songs G(z, eps) (S, B, K), and the cache.

        Args:
            z: (B, Z).
            innovations: eps (S, B, D), standard normal for a new song.
            state: of songs that go on, from `state_after` or `listen`; the beginning if not given.
        """
        step, latents, prior, decoder = state or (0, None, None, None)
        context, conditioning = self.conditioning.forward(z, len(innovations), first_step=step)
        w, run = self.prior.sample(innovations, context, hidden=prior, latents=latents)
        y, decoded = self.decoder.forward(w, context, decoder)
        return y * self.scales.astype(y.dtype), (step, context, conditioning, run, decoded)

    def draw(
        self, z: np.ndarray, innovations: np.ndarray, *, state: SongState | None = None
    ) -> tuple[np.ndarray, SongState]:
        """Return the songs (S, B, K) of `generate`, and the state they end in.

        A few steps are made at a time, and what only a gradient needs is forgotten: the memory is
        that of the songs, whose number and length may be large.

        Args:
            z: (B, Z).
            innovations: eps (S, B, D).
            state: of songs that go on.
        """
        songs = np.empty((*innovations.shape[:2], self.components), innovations.dtype)
        for begin in range(0, len(innovations), STEPS_AT_ONCE):
            piece = slice(begin, begin + STEPS_AT_ONCE)
            songs[piece], cache = self.generate(z, innovations[piece], state=state)
            state = self.state_after(cache)
        assert state is not None
        return songs, state

    def generate_backward(self, dsongs: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return dz (B, Z) and dinnovations (S, B, D) of songs that `generate` has made.

        Exact, through the prior's own draws; the parameters' gradients are added, those of the
        encoder excepted. A state that a song began with counts as given.
        """
        _, context, conditioning, run, decoded = cache
        dw, told = self.decoder.backward(dsongs * self.scales.astype(dsongs.dtype), decoded)
        dinnovations, told_prior = self.prior.sample_backward(dw, run, context)
        return self.conditioning.backward(told.plus(told_prior), conditioning), dinnovations

    def state_after(self, cache: Any) -> SongState:
        """Return where the songs of `generate` are after their last step."""
        step, context, _, run, decoded = cache
        return SongState(
            step + context.steps, run.latents[-1], run.hidden[-1], self.decoder.last_state(decoded)
        )

    def listen(self, x: np.ndarray) -> tuple[np.ndarray, SongState]:
        """Return the coordinates z (B, Z) of songs x (S, B, K), and the state they end in."""
        w, z = self.encode(x)
        context, _ = self.conditioning.forward(z, len(x))
        run = self.prior.innovations(w, context)[1]
        decoded = self.decoder.forward(w, context)[1]
        return z, SongState(len(x), w[-1], run.hidden[-1], self.decoder.last_state(decoded))

    def _error(self, y: np.ndarray, u: np.ndarray, scales: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean over steps and songs of |g (y - u)|^2 / N, and dy."""
        dy = y - u
        dy *= scales
        flat = dy.reshape(-1)
        count = self.values * (y.size // self.components)
        error = float(np.dot(flat, flat)) / count
        dy *= scales * y.dtype.type(2 / count)
        return error, dy
