"""Songs whose sections return: latents are drawn once for each theme, and stand where it returns.

    w = prior, fed with its own draws, theme after theme         (S', B, D)
    w' = the same draws with other innovations                   (S', B, D), variations
    song = decoder of [w; w'] in the song's order                (S, B, K)

    songs, cache = arranged(generator, z, innovations, varied, arrangement)
    dz, dinnovations, dvaried = arranged_backward(generator, dsongs, cache)

To repeat the innovations alone does not bring a theme back where the prior chooses among several
Gaussians: another past changes the weights, a choice falls otherwise, and all that follows differs.
Letters: S steps of a song, S' steps that are drawn, B songs, D latents, V of detail, K components,
Z values of z, I innovations of a step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neural_networks.vae.song_generator import SongGenerator


class Arrangement(NamedTuple):
    """Where in a song drawn steps stand.

    Attributes:
        places: (S',) of the song's steps at which each drawn step stands first. Its position and
            its part of the plan are those of that place, whenever it returns.
        order: (S,) of each step of the song, the drawn step that it is; S' more for its variation.
    """

    places: np.ndarray
    order: np.ndarray


def arranged(
    generator: SongGenerator,
    z: np.ndarray,
    innovations: np.ndarray,
    varied: np.ndarray,
    arrangement: Arrangement,
) -> tuple[np.ndarray, Any]:
    """Return songs (S, B, K), and the cache.

    Args:
        generator: of the songs.
        z: (B, Z).
        innovations: (S', B, I) of the themes, without detail.
        varied: (S', B, I) of the themes when they return, whose choices are not read.
        arrangement: of all of the songs.
    """
    places, order = arrangement
    context, conditioning = generator.conditioning.forward(z, places=places)
    w, run = generator.prior.sample(innovations, context)
    both = np.concatenate([w, generator.prior.vary(varied, run)])[order]
    told, _ = generator.conditioning.forward(z, places=places[order % len(places)])
    y, decoded = generator.decoder.forward(generator.with_detail(both), told)
    cache = context, conditioning, run, decoded, varied, order
    return y * generator.drawn_scales(y.dtype), cache


def arranged_backward(
    generator: SongGenerator, dsongs: np.ndarray, cache: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dz (B, Z), dinnovations and dvaried (S', B, I); add the parameters' gradients.

    Exact but for the choices, whose gradient is zero.
    """
    context, conditioning, run, decoded, varied, order = cache
    prior = generator.prior
    dw, told = generator.decoder.backward(dsongs * generator.drawn_scales(dsongs.dtype), decoded)
    dboth = np.zeros((2 * len(varied), *dw.shape[1:]), dw.dtype)
    np.add.at(dboth, order, dw)
    dfirst, dagain = np.split(dboth[..., : generator.latent_size], 2)
    dvaried, dstatistics = prior.vary_backward(dagain, varied, run)
    dinnovations, told_prior = prior.sample_backward(dfirst, run, context, dstatistics)
    dz = generator.conditioning.backward(told.plus(told_prior), conditioning)
    return dz, dinnovations, dvaried
