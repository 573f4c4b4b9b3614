"""The generator of songs: a coordinate and innovations -> latents that move in time -> components.

    G(z, eps)   w_t = m_t + p_t eps_t, the prior fed with its own draws     recurrent_prior.py
                c = r g Decoder(w, z)                                        sequence_decoder.py
    P           (z, eps) of a song whose latents are known: eps_t = (w_t - m_t) / p_t, and G(P) is
                the decoder's song of w, but for r

The decoder's mean is smoother than music, and drawn songs more so: r (K,) is the calibration, by
which the components of drawn songs are multiplied, so that each moves as much as in the music.

A step may have V more latents that hold its *detail*: no prior runs through them, they are standard
normal, and only the decoder reads them. The decoder learned with and without them, and new songs
have none: what the prior must learn to go on with is little, and what can be given back is much.
They follow the D others in w, and in eps, where they are the same numbers; eps without them means
0. Where the prior is a mixture of M Gaussians eps has a choice for each group beside the D.

Letters: S steps, B songs, K components of a step, D latents of a step that the prior knows, V of
detail, Z values of z, I innovations of a step, D or D + G. Arrays are time-major.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neural_networks.components.checks import floats, of_shape
from neural_networks.components.kernels.prior import PriorRun
from neural_networks.components.module import Module
from neural_networks.vae.recurrent_prior import RecurrentPrior
from neural_networks.vae.sequence_decoder import SequenceDecoder
from neural_networks.vae.song_context import Conditioning

TINY = 1e-12  # scale of a component
STEPS_AT_ONCE = 64  # of songs that are drawn
CALIBRATION_BOUNDS = 0.5, 4.0  # a component that hardly moves must not become noise


class SongState(NamedTuple):
    """Where songs are after a step: all that going on with them needs beside z."""

    step: int  # steps made
    latents: np.ndarray  # (B, D / G), the last group
    prior: np.ndarray  # (B, H)
    decoder: np.ndarray  # (B, H)


class SongGenerator(Module):
    """Prior and decoder, and the conditioning of both on a song's coordinate z.

    Args:
        components: K.
        scales: g (K,), by which the decoder's outputs are multiplied; ones if not given.
        latent_size: D.
        detail_size: V.
        song_size: Z.
        hidden: of the decoder's GRU.
        prior_hidden: of the prior's GRU.
        groups: G, in which the prior draws the latents of a step, one after another.
        mixtures: M, Gaussians of which the prior is a mixture.
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
        latent_size: int = 32,
        detail_size: int = 0,
        song_size: int = 32,
        hidden: int = 256,
        prior_hidden: int = 192,
        groups: int = 1,
        mixtures: int = 1,
        embedding: int = 64,
        beats: int = 0,
        plan_size: int = 128,
        position: bool = False,
        steps_per_beat: int = 4,
        rng: np.random.Generator,
    ) -> None:
        self.scales = np.ones(components) if scales is None else np.array(scales, np.float64)
        if self.scales.shape != (components,) or not (self.scales > TINY).all():
            raise ValueError(f"scales are {components} positive numbers, not {scales}")
        self.calibration = np.ones(components)  # r, measured by `calibrate`
        self.components, self.latent_size, self.song_size = components, latent_size, song_size
        self.detail_size = detail_size
        self.conditioning = Conditioning(
            song_size,
            beats=beats,
            plan_size=plan_size,
            position=position,
            steps_per_beat=steps_per_beat,
            rng=rng,
        )
        self.decoder = SequenceDecoder(
            components,
            latent_size + detail_size,
            song_size,
            self.conditioning,
            embedding=embedding,
            hidden=hidden,
            rng=rng,
        )
        self.prior = RecurrentPrior(
            latent_size,
            song_size,
            self.conditioning,
            embedding=embedding,
            hidden=prior_hidden,
            groups=groups,
            mixtures=mixtures,
            rng=rng,
        )

    @property
    def innovation_size(self) -> int:
        """I, of a new song's step, without detail."""
        return self.prior.innovation_size

    def decode(self, w: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return songs (S, B, K) of w (S, B, D + V) and coordinates z (B, Z), and the cache."""
        context, conditioning = self.conditioning.forward(z, len(w))
        y, decoder = self.decoder.forward(w, context)
        return y * self.scales.astype(y.dtype), (conditioning, decoder)

    def decode_backward(self, dsongs: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return dw (S, B, D + V) and dz (B, Z); add the gradients of decoder and plan."""
        conditioning, decoder = cache
        of_shape(dsongs, (*dsongs.shape[:-1], self.components), "dsongs")
        dw, told = self.decoder.backward(dsongs * self.scales.astype(dsongs.dtype), decoder)
        return dw, self.conditioning.backward(told, conditioning)

    def innovations(self, w: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the innovations (S, B, I + V) of which `generate` makes the song of w and z."""
        of_shape(w, (len(w), len(z), self.latent_size + self.detail_size), "w")
        context, _ = self.conditioning.forward(z, len(w))
        innovations, _ = self.prior.innovations(w[..., : self.latent_size], context)
        return np.concatenate([innovations, w[..., self.latent_size :]], axis=-1)

    def generate(
        self,
        z: np.ndarray,
        innovations: np.ndarray,
        *,
        state: SongState | None = None,
        places: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Return songs G(z, eps) (S, B, K), and the cache.

        Args:
            z: (B, Z).
            innovations: (S, B, I), standard normal for a new song, or (S, B, I + V).
            state: of songs that go on, from `state_after` or `heard`; the beginning if not given.
            places: (S,) of the steps in the songs; one after the other if not given.

        Raises:
            ValueError: if the shapes don't belong together.
        """
        sizes = self.innovation_size, self.innovation_size + self.detail_size
        if innovations.shape[-1] not in sizes:
            raise ValueError(
                f"a step has {sizes[0]} innovations, or {sizes[1]} with detail, "
                f"not {innovations.shape[-1]}"
            )
        step, latents, prior, decoder = state or (0, None, None, None)
        context, conditioning = self.conditioning.forward(
            z, len(innovations), first_step=step, places=places
        )
        drawn, detail = np.split(innovations, [self.innovation_size], axis=-1)
        w, run = self.prior.sample(drawn, context, hidden=prior, latents=latents)
        y, decoded = self.decoder.forward(self.with_detail(w, detail), context, decoder)
        cache = step, context, conditioning, run, decoded, innovations.shape[-1]
        return y * self.drawn_scales(y.dtype), cache

    def draw(
        self, z: np.ndarray, innovations: np.ndarray, *, state: SongState | None = None
    ) -> tuple[np.ndarray, SongState]:
        """Return the songs (S, B, K) of `generate`, and the state they end in.

        A few steps are made at a time, and what only a gradient needs is forgotten: the memory is
        that of the songs, whose number and length may be large.

        Args:
            z: (B, Z).
            innovations: (S, B, I) or (S, B, I + V).
            state: of songs that go on.

        Raises:
            ValueError: if there is no step, or shapes don't belong together.
        """
        floats(innovations, "innovations")
        if not len(innovations):
            raise ValueError("a song has at least one step, but there are no innovations")
        songs = np.empty((*innovations.shape[:2], self.components), innovations.dtype)
        for begin in range(0, len(innovations), STEPS_AT_ONCE):
            piece = slice(begin, begin + STEPS_AT_ONCE)
            songs[piece], cache = self.generate(z, innovations[piece], state=state)
            state = self.state_after(cache)
        assert state is not None
        return songs, state

    def generate_backward(self, dsongs: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return dz (B, Z) and dinnovations, like the innovations, of what `generate` has made.

        Exact, through the prior's own draws; the parameters' gradients are added. A state that a
        song began with counts as given.
        """
        _, context, conditioning, run, decoded, given = cache
        of_shape(dsongs, (*dsongs.shape[:-1], self.components), "dsongs")
        dw, told = self.decoder.backward(dsongs * self.drawn_scales(dsongs.dtype), decoded)
        drawn, ddetail = np.split(dw, [self.latent_size], axis=-1)
        dinnovations, told_prior = self.prior.sample_backward(drawn, run, context)
        if given > self.innovation_size:
            dinnovations = np.concatenate([dinnovations, ddetail], axis=-1)
        return self.conditioning.backward(told.plus(told_prior), conditioning), dinnovations

    def calibrate(self, songs: np.ndarray, real: np.ndarray) -> None:
        """Measure the calibration r.

        Args:
            songs: drawn ones (S, B, K), under the calibration that was before.
            real: (S', B', K) of the music.

        Raises:
            ValueError: if one of them has no finite number for a component.
        """
        for part, name in ((songs, "songs"), (real, "real")):
            of_shape(part, (*part.shape[:2], self.components), name)
            if not (part.size and np.isfinite(part).all()):
                raise ValueError(f"a calibration needs finite numbers; {name} has none, or others")
        drawn, usual = (
            np.sqrt(np.mean(np.square(part, dtype=np.float64), axis=(0, 1)))
            for part in (songs, real)
        )
        ratio = usual / np.maximum(drawn / self.calibration, 1e-12)
        self.calibration = np.clip(ratio, *CALIBRATION_BOUNDS)

    def drawn_scales(self, dtype: np.dtype) -> np.ndarray:
        """Return r g (K,), by which the decoder's outputs are multiplied in drawn songs."""
        scales: np.ndarray = (self.scales * self.calibration).astype(dtype)
        return scales

    def state_after(self, cache: Any) -> SongState:
        """Return where the songs of `generate` are after their last step."""
        step, context, _, run, decoded, _ = cache
        return self._state(step + context.steps, run, decoded)

    def heard(self, w: np.ndarray, z: np.ndarray) -> SongState:
        """Return where songs of w (S, B, D + V) and coordinates z (B, Z) are after them."""
        context, _ = self.conditioning.forward(z, len(w))
        run = self.prior.innovations(w[..., : self.latent_size], context)[1]
        return self._state(len(w), run, self.decoder.forward(w, context)[1])

    def with_detail(self, w: np.ndarray, detail: np.ndarray | None = None) -> np.ndarray:
        """Return (S, B, D + V): w (S, B, D) and the detail (S, B, V), zeros if there is none."""
        if not self.detail_size:
            return w
        if detail is None or not detail.shape[-1]:
            detail = np.zeros((*w.shape[:-1], self.detail_size), w.dtype)
        return np.concatenate([w, detail], axis=-1)

    def _state(self, step: int, run: PriorRun, decoded: Any) -> SongState:
        # copies, or a state would hold on to all that a gradient needs
        last = self.decoder.last_state(decoded)
        return SongState(step, run.latents[-1].copy(), run.hidden[-1].copy(), last.copy())
