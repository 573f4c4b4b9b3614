"""Songs, latents and innovations that don't belong together are refused, not broadcast."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from neural_networks.components.parameters import pack
from neural_networks.vae.arrangement import (
    Arrangement,
    arranged,
    arranged_backward,
    arranged_latents,
    change,
    stretch,
)
from neural_networks.vae.sequence_vae import SequenceVAE

S, B, K, D, Z = 7, 3, 6, 4, 3
KINDS: dict[str, dict[str, Any]] = {
    "one Gaussian": {},
    "a mixture": {"groups": 2, "mixtures": 2, "detail_size": 2},
    "plan": {"beats": 3, "plan_size": 4, "position": True, "steps_per_beat": 2},
}
# Two sections of three steps that are drawn, and the second one again, varied.
AGAIN = Arrangement(np.array([0, 1, 2]), np.array([0, 1, 2, 3, 4, 2, 5]))


def cut(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield arrays of other shapes that NumPy would broadcast, or that a loop could overrun."""
    yield array[..., :1]
    yield array[..., :-1]
    yield array[:, :1]
    yield array[:, :0]
    yield array[0]
    yield np.concatenate([array, array], -1)
    yield array.astype(complex)


def made(kind: dict[str, Any]) -> SequenceVAE:
    sizes = {"latent_size": D, "song_size": Z, "encoder_hidden": 5, "hidden": 7}
    sizes |= {"prior_hidden": 6, "embedding": 5}
    vae = SequenceVAE(K, rng=np.random.default_rng(1), **sizes, **kind)
    pack(vae)
    return vae


def refused(call: Callable[..., Any], *arguments: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        call(*arguments)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.filterwarnings("error")
def test_what_does_not_belong_together_is_refused(kind: dict, rng: np.random.Generator) -> None:
    """Under NUMBA_BOUNDSCHECK=1 an access out of bounds would be an IndexError here."""
    vae = made(kind)
    generator, prior = vae.generator, vae.generator.prior
    x = rng.standard_normal((S, B, K), np.float32)
    eps = rng.standard_normal((S, B, generator.innovation_size), np.float32)
    w, z = vae.encode(x)
    songs, cache = generator.generate(z, eps)
    decoded, decoder = generator.decode(w, z)
    for bad in [x[..., :1], x[..., :-1], x[:, :0], x[:0], x[0], x.astype(complex), x.astype(int)]:
        refused(vae.encode, bad)
        refused(lambda bad: vae.loss(bad, beta=1.0, rng=rng), bad)
    for bad in cut(w):
        for call in (generator.decode, generator.innovations, generator.heard):
            refused(call, bad, z)
    for bad in (z[:1], z[:, :-1], z[0]):
        for call in (generator.decode, generator.innovations, generator.heard):
            refused(call, w, bad)
        refused(generator.generate, bad, eps)
    for bad in cut(eps):
        refused(generator.generate, z, bad)
        refused(generator.draw, z, bad)
    for bad in [*cut(songs), songs[:-1]]:
        if bad.dtype == songs.dtype:
            refused(generator.generate_backward, bad, cache)
            refused(generator.decode_backward, bad, decoder)
    for places in (np.arange(S - 1), np.arange(S + 1), np.arange(S) + 0.5):
        refused(lambda places: generator.generate(z, eps, places=places), places)
    state = generator.state_after(cache)
    for name in ("latents", "prior", "decoder"):
        for bad in cut(getattr(state, name)):
            if bad.dtype == songs.dtype:
                other = state._replace(**{name: bad})
                refused(lambda other: generator.generate(z, eps, state=other), other)

    known = np.ascontiguousarray(w[..., :D])
    context, _ = generator.conditioning.forward(z, S)
    _, run = prior.sample(eps, context)
    for bad in [*cut(known), known[:-1]]:
        refused(prior.sample_backward, bad, run, context)
    for bad in [*cut(eps), eps[:-1]]:
        refused(prior.vary, bad, run)
    for given, steps in ((z, S - 1), (z, S + 1), (z[:1], S)):
        other, _ = generator.conditioning.forward(given, steps)
        for call, array in ((prior.sample, eps), (prior.predict, known)):
            refused(call, array, other)
        refused(prior.innovations, known, other)


def test_arrangements_that_cannot_be_are_refused(rng: np.random.Generator) -> None:
    generator = made({"mixtures": 2}).generator
    z = rng.standard_normal((B, Z), np.float32)
    first, again = rng.standard_normal((2, 3, B, generator.innovation_size), np.float32)
    latents = arranged_latents(generator, z, first, again, AGAIN)
    songs, cache = arranged(generator, z, latents)
    for arrangement in (
        AGAIN._replace(order=np.array([0, 6])),
        AGAIN._replace(order=np.array([0, -1])),
        AGAIN._replace(order=np.zeros(0, int)),
        AGAIN._replace(places=np.arange(2), order=np.arange(2)),
    ):
        refused(arranged_latents, generator, z, first, again, arrangement)
    refused(arranged_latents, generator, z, first, again[:, :1], AGAIN)
    for bad in cut(songs):
        if bad.dtype == songs.dtype:
            refused(arranged_backward, generator, bad, cache)
    refused(change, generator, z, latents, -1, first)
    for bad in cut(first):
        refused(change, generator, z, latents, 1, bad)
    for start, stop in ((-1, 2), (3, 3), (5, 3), (5, 8)):
        refused(stretch, generator, z, latents, start, stop)


def test_a_draw_of_whole_numbers_is_refused(rng: np.random.Generator) -> None:
    generator = made({}).generator
    z = rng.standard_normal((B, Z), np.float32)
    with pytest.raises(TypeError, match="innovations is of int64"):  # the songs would be too
        generator.draw(z, np.ones((S, B, D), int))


def test_a_calibration_needs_numbers(rng: np.random.Generator) -> None:
    generator, songs = made({}).generator, rng.standard_normal((S, B, K))
    for bad in (songs[:0], songs * np.nan, songs[..., :1]):
        refused(generator.calibrate, bad, songs)
        refused(generator.calibrate, songs, bad)
    assert (generator.calibration == 1).all()
