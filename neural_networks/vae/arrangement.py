"""Songs whose sections return: where one does, the latents of its first time stand again.

    w = prior, fed with its own draws                            (S, B, D)
    w' = the same draws with other innovations                   (S, B, D), variations
    song = decoder of [w; w'] in the song's order                (S, B, K)

    latents = arranged_latents(generator, z, innovations, varied, arrangement)
    latents = change(generator, z, latents, start, innovations)      a stretch, drawn otherwise
    songs, cache = arranged(generator, z, latents)
    dz, dinnovations, dvaried = arranged_backward(generator, dsongs, cache)

To repeat the innovations alone does not bring a theme back where the prior chooses among several
Gaussians: another past changes the weights, a choice falls otherwise, and all that follows differs.
Letters: S steps, B songs, D latents, V of detail, K components,
Z values of z, I innovations of a step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neural_networks.components.checks import of_shape
from neural_networks.components.kernels.prior import PriorRun
from neural_networks.vae.song_generator import SongGenerator, SongState


class Arrangement(NamedTuple):
    """Which of the drawn steps a song consists of.

    Attributes:
        places: (S,) of the song at which prior and decoder are told that each step is. In a section
            that returns these are those of its first time, with their part of the plan.
        order: (S,) of each step of the song, the drawn step that it is; S more for its variation.
    """

    places: np.ndarray
    order: np.ndarray


class ArrangedLatents(NamedTuple):
    """The latents of songs, and what made them.

    Attributes:
        w: (S, B, D).
        places: (S,) that each step is told.
        drawn: (S,) of each step, the drawn step from whose state it comes.
        run: of the prior.
        cache: for the gradient.
    """

    w: np.ndarray
    places: np.ndarray
    drawn: np.ndarray
    run: PriorRun
    cache: Any


class Stretch(NamedTuple):
    """A part of a song, to be drawn otherwise by `SongGenerator.generate`.

    Attributes:
        state: of prior and decoder before it.
        places: (N,) that its steps are told.
        innovations: (N, B, I) that make it as it is.
    """

    state: SongState
    places: np.ndarray
    innovations: np.ndarray


def arranged_latents(
    generator: SongGenerator,
    z: np.ndarray,
    innovations: np.ndarray,
    varied: np.ndarray,
    arrangement: Arrangement,
) -> ArrangedLatents:
    """Return the latents of songs.

    Args:
        generator: of the songs.
        z: (B, Z).
        innovations: (S, B, I), without detail.
        varied: (S, B, I) of what returns, whose choices are not read.
        arrangement: of all of the songs.

    Raises:
        ValueError: if the shapes don't belong together, or the order has a step that isn't drawn.
    """
    places, order = arrangement
    of_shape(varied, innovations.shape, "varied")
    if not len(order) or order.min() < 0 or order.max() >= 2 * len(places):
        raise ValueError(f"an order has steps of 0 to {2 * len(places) - 1}, not {order}")
    context, conditioning = generator.conditioning.forward(z, places=places)
    w, run = generator.prior.sample(innovations, context)
    both = np.concatenate([w, generator.prior.vary(varied, run)])
    drawn = order % len(places)
    cache = context, conditioning, varied, order
    return ArrangedLatents(both[order], places[drawn], drawn, run, cache)


def change(
    generator: SongGenerator,
    z: np.ndarray,
    latents: ArrangedLatents,
    start: int,
    innovations: np.ndarray,
) -> ArrangedLatents:
    """Return latents of which a stretch is drawn with other innovations (N, B, I).

    It is drawn from the prior's state before it. Behind it all is as it was, and only the decoder
    still hears it. What lies beyond the song's end is left out. No gradient goes through it.

    Raises:
        ValueError: if the stretch starts before the song, or the innovations don't fit it.
    """
    if start < 0:
        raise ValueError(f"a stretch starts at step 0 or later, not at {start}")
    given = innovations[: max(0, len(latents.w) - start)]
    if not len(given):
        return latents
    span = slice(start, start + len(given))
    context, _ = generator.conditioning.forward(z, places=latents.places[span])
    hidden, before = _before(generator, latents, start)
    w = latents.w.copy()
    w[span] = generator.prior.sample(given, context, hidden=hidden, latents=before)[0]
    return latents._replace(w=w)


def stretch(
    generator: SongGenerator, z: np.ndarray, latents: ArrangedLatents, start: int, stop: int
) -> Stretch:
    """Return a stretch of songs, from one step to before another.

    Raises:
        ValueError: if it has no step, or is not within the songs.
    """
    places = latents.places
    if not 0 <= start < stop <= len(places):
        raise ValueError(f"steps {start} to {stop} are no stretch of a song of {len(places)}")
    hidden, before = _before(generator, latents, start)
    decoder = np.zeros((len(z), generator.decoder.cell.hidden_size), z.dtype)
    if start:
        told, _ = generator.conditioning.forward(z, places=places[:start])
        decoded = generator.decoder.forward(generator.with_detail(latents.w[:start]), told)[1]
        decoder = generator.decoder.last_state(decoded)
    context, _ = generator.conditioning.forward(z, places=places[start:stop])
    innovations, _ = generator.prior.innovations(
        latents.w[start:stop], context, hidden=hidden, latents=before
    )
    return Stretch(SongState(start, before, hidden, decoder), places[start:stop], innovations)


def arranged(
    generator: SongGenerator, z: np.ndarray, latents: ArrangedLatents
) -> tuple[np.ndarray, Any]:
    """Return songs (S, B, K) of their latents, and the cache."""
    told, _ = generator.conditioning.forward(z, places=latents.places)
    y, decoded = generator.decoder.forward(generator.with_detail(latents.w), told)
    return y * generator.drawn_scales(y.dtype), (latents, decoded)


def arranged_backward(
    generator: SongGenerator, dsongs: np.ndarray, cache: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dz (B, Z), dinnovations and dvaried (S, B, I); add the parameters' gradients.

    Exact but for the choices, whose gradient is zero, for songs without changes.
    """
    of_shape(dsongs, (*dsongs.shape[:-1], generator.components), "dsongs")
    latents, decoded = cache
    run, (context, conditioning, varied, order) = latents.run, latents.cache
    prior = generator.prior
    dw, told = generator.decoder.backward(dsongs * generator.drawn_scales(dsongs.dtype), decoded)
    dboth = np.zeros((2 * len(varied), *dw.shape[1:]), dw.dtype)
    np.add.at(dboth, order, dw)
    dfirst, dagain = np.split(dboth[..., : generator.latent_size], 2)
    dvaried, dstatistics = prior.vary_backward(dagain, varied, run)
    dinnovations, told_prior = prior.sample_backward(dfirst, run, context, dstatistics)
    dz = generator.conditioning.backward(told.plus(told_prior), conditioning)
    return dz, dinnovations, dvaried


def _before(
    generator: SongGenerator, latents: ArrangedLatents, start: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the prior's state (B, H), and the latents (B, D / G), before a step."""
    place = int(latents.drawn[start]) * generator.prior.groups
    return latents.run.hidden[place], latents.run.latents[place]
