"""A variational autoencoder of songs whose latents move in time, with a recurrent prior.

    posterior  u = c / g;  q(w_t | c) = N(mu_t, s_t^2),  q(z | c) = N(mu_z, s_z^2)  sequence_encoder
    prior      p(w_t | w_(<t), z) = N(m_t, p_t^2),  p(z) = N(0, 1)                  song_generator
               or a mixture of M such Gaussians
    decoder    c^ = g Decoder(w, z)                                                song_generator
    loss       |c^ - c|^2 / N + beta / N KL(q(w_t) || p(w_t)) + beta_z / N KL(q(z) || p(z)) / S
               mean over steps and songs; w_t = mu_t + s_t eta_t, z = mu_z + s_z eta_z
    new song   G(z, eps): w_t = m_t + p_t eps_t, eps ~ N(0, 1), the prior fed with its own draws
    E(song)    P = (z, eps), eps_t = (w_t - m_t) / p_t: G(E(song)) is the decoder's song of w

Chung et al. 2015, arXiv:1506.02216 (a prior that is learned with the recurrence), with a coordinate
z of the whole song and a posterior that sees all of it.
A step may have V latents of detail besides, which no prior runs through (song_generator.py). The
posterior's detail is given for a share of the songs of a mini-batch and costs KL(q(v_t) || N(0, 1))
there; the other songs are learned from w and z alone.
Letters: S steps, B songs, K components of a step, D latents of a step that the prior knows, V of
detail, Z values of z; N values of a step's frames, which K components stand for. Arrays are
time-major, and w is (S, B, D + V).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neural_networks.components.checks import floats, of_shape
from neural_networks.components.gaussians import (
    Bounds,
    divergence,
    draw,
    draw_gradient,
    joined,
    moments,
    parted,
)
from neural_networks.components.mixtures import mixture_divergence
from neural_networks.components.module import Module
from neural_networks.vae.recurrent_prior import PRIOR_BOUNDS
from neural_networks.vae.scheduled_sampling import normal, own_draws
from neural_networks.vae.sequence_encoder import PosteriorEncoder
from neural_networks.vae.song_generator import SongGenerator, SongState

POSTERIOR_BOUNDS: Bounds = (-8.0, 4.0)  # of log s^2, of steps and of songs
STANDARD: Bounds = (0.0, 0.0)  # log-variance of N(0, 1)


class SequenceLoss(NamedTuple):
    """A loss and its parts, means over the mini-batch; and what was encoded."""

    loss: float
    error: float  # squared error a value
    step_nats: float  # KL of a step's latents
    song_nats: float  # KL of z
    songs: np.ndarray  # (B, 2Z), statistics of z
    detail_nats: float  # KL of a step's detail, of songs that it is given for


class SequenceVAE(Module):
    """Encoder and generator together.

    Args:
        components: K.
        scales: g (K,), by which components are divided before they are read; ones if not given.
        values: N; K if not given.
        encoder_hidden: of each direction of the encoder's GRU.
        rng: draws the first weights.
        **options: of the generator; see SongGenerator.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> vae = SequenceVAE(4, encoder_hidden=8, rng=rng)
        >>> songs = rng.standard_normal((6, 3, 4)).astype(np.float32)  # six steps of three songs
        >>> w, z = vae.encode(songs)
        >>> vae.generator.decode(w, z)[0].shape
        (6, 3, 4)
    """

    def __init__(
        self,
        components: int,
        *,
        scales: np.ndarray | None = None,
        values: int | None = None,
        encoder_hidden: int = 64,
        rng: np.random.Generator,
        **options: Any,
    ) -> None:
        generator = SongGenerator(components, scales=scales, rng=rng, **options)
        self.encoder = PosteriorEncoder(
            components,
            generator.latent_size + generator.detail_size,
            generator.song_size,
            hidden=encoder_hidden,
            rng=rng,
        )
        self.generator = generator
        self.values = values or components

    def loss(
        self,
        x: np.ndarray,
        *,
        beta: float,
        song_beta: float | None = None,
        scale: float = 1.0,
        free_bits: float = 0.0,
        song_free_bits: float = 0.0,
        detail_beta: float | None = None,
        detail_share: float = 0.5,
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
            scale: of the whole loss, where it is one of several.
            free_bits: nats that each of a step's D latents may hold free of charge; with a
                mixture those of a group together.
            song_free_bits: nats that each of the Z values of z may.
            detail_beta: as beta, of the detail; beta if not given.
            detail_share: of the songs, those that come first, that are given detail.
            own_share: of the steps that the prior is given as it drew them; see
                scheduled_sampling.py.
            passes: of the prior, in which those draws are made.
            first_beat: (B,), at which each excerpt begins; 0 if not given.
            rng: draws eta, and what is fed.

        Returns:
            The loss and its parts.
        """
        generator, scales = self.generator, self._scales(x)
        u = x / scales
        (steps, songs), encoder = self.encoder.forward(u)
        noise = normal(rng, (*x.shape[:2], steps.shape[-1] // 2), x.dtype)
        song_noise = normal(rng, (x.shape[1], generator.song_size), x.dtype)
        given, size = round(detail_share * x.shape[1]), generator.latent_size
        w = draw(steps, POSTERIOR_BOUNDS, noise)
        w[:, given:, size:] = 0
        known = np.ascontiguousarray(w[..., :size])
        z = draw(songs, POSTERIOR_BOUNDS, song_noise)
        context, conditioning = generator.conditioning.forward(z, len(x), first_beat=first_beat)
        y, decoder = generator.decoder.forward(w, context)
        told, replaced = known, None
        if own_share > 0:
            draws, replaced = own_draws(
                generator.prior, known, context, share=own_share, passes=passes, rng=rng
            )
            told = np.where(replaced, draws, known)
        predicted, prior = generator.prior.predict(told, context)

        error, dy = self._error(y, u, scales)
        bounds: dict[str, Any] = {"posterior_bounds": POSTERIOR_BOUNDS}
        steps_known, detail = parted(steps, size)
        nats, dknown, dpredicted = mixture_divergence(
            steps_known,
            predicted,
            groups=generator.prior.groups,
            prior_bounds=PRIOR_BOUNDS,
            free_bits=free_bits,
            **bounds,
        )
        detail_nats, ddetail = 0.0, np.zeros_like(detail)
        if detail[:, :given].size:
            detail_nats, ddetail[:, :given], _ = divergence(
                detail[:, :given],
                np.zeros_like(detail[:, :given]),
                prior_bounds=STANDARD,
                **bounds,
            )
        song_nats, dsongs, _ = divergence(
            songs, np.zeros_like(songs), prior_bounds=STANDARD, free_bits=song_free_bits, **bounds
        )
        weight = scale * beta / self.values
        song_weight = scale * (beta if song_beta is None else song_beta) / (self.values * len(x))
        detail_weight = scale * (beta if detail_beta is None else detail_beta) / self.values
        detail_weight *= given / x.shape[1]
        dy *= x.dtype.type(scale)
        dknown *= x.dtype.type(weight)
        ddetail *= x.dtype.type(detail_weight)
        dsteps = joined(dknown, ddetail)
        dpredicted *= x.dtype.type(weight)
        dsongs *= x.dtype.type(song_weight)

        dw, dcontext = generator.decoder.backward(dy, decoder)
        dtold, dcontext_prior = generator.prior.predict_backward(dpredicted, prior)
        if replaced is not None:
            dtold *= ~replaced
        dw[..., :size] += dtold
        dw[:, given:, size:] = 0
        dz = generator.conditioning.backward(dcontext.plus(dcontext_prior), conditioning)
        dsteps += draw_gradient(dw, steps, POSTERIOR_BOUNDS, noise)
        dsongs += draw_gradient(dz, songs, POSTERIOR_BOUNDS, song_noise)
        self.encoder.add_gradients((dsteps, dsongs), encoder)
        value = scale * error + weight * nats + song_weight * song_nats
        value += detail_weight * detail_nats
        return SequenceLoss(value, error, nats, song_nats, songs, detail_nats)

    def encode(
        self, x: np.ndarray, *, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return latents w (S, B, D + V) and coordinates z (B, Z) of songs x (S, B, K).

        Args:
            x: components.
            rng: draws them from the posterior; their means without it.
        """
        statistics = self.posterior(x)
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

    def posterior(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the statistics of steps (S, B, 2 (D + V)) and songs (B, 2Z) of x (S, B, K)."""
        statistics, _ = self.encoder.forward(x / self._scales(x))
        return statistics

    def coordinates(
        self, x: np.ndarray, *, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return E(songs) = P = (z (B, Z), innovations (S, B, I + V)) of songs x (S, B, K).

        Args:
            x: components.
            rng: draws w and z from the posterior; their means without it.
        """
        w, z = self.encode(x, rng=rng)
        return z, self.generator.innovations(w, z)

    def listen(self, x: np.ndarray) -> tuple[np.ndarray, SongState]:
        """Return the coordinates z (B, Z) of songs x (S, B, K), and the state they end in."""
        w, z = self.encode(x)
        return z, self.generator.heard(w, z)

    def _scales(self, x: np.ndarray) -> np.ndarray:
        """Return the components' scales g (K,) for songs x, which are checked."""
        generator = self.generator
        floats(of_shape(x, (*x.shape[:2], generator.components)))
        scales: np.ndarray = generator.scales.astype(x.dtype)
        return scales

    def _error(self, y: np.ndarray, u: np.ndarray, scales: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean over steps and songs of |g (y - u)|^2 / N, and dy."""
        dy = y - u
        dy *= scales
        flat = dy.reshape(-1)
        count = self.values * (y.size // self.generator.components)
        error = float(np.dot(flat, flat)) / count
        dy *= scales * y.dtype.type(2 / count)
        return error, dy
