"""Songs whose sections return: the same latents again, varied, and exact gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.gradient_check import check_gradients
from neural_networks.vae.arrangement import (
    Arrangement,
    arranged,
    arranged_backward,
    arranged_latents,
    change,
    stretch,
)
from neural_networks.vae.sequence_vae import SequenceVAE

K, D, Z = 6, 4, 3
KINDS: dict[str, dict[str, Any]] = {
    "one Gaussian": {},
    "a mixture": {"mixtures": 3},
    "groups": {"groups": 2, "mixtures": 2, "detail_size": 2},
    "plan": {"beats": 3, "plan_size": 4, "position": True, "steps_per_beat": 2},
}
ONE = Arrangement(np.arange(1), np.array([0, 1]))  # a step, and its variation
# Sections of two steps: A B A' C A* and a step of B'; the second step of A* is new.
ABACAB = Arrangement(
    np.array([0, 1, 2, 3, 0, 1, 6, 7, 0, 1, 2]), np.array([0, 1, 2, 3, 11, 12, 6, 7, 11, 9, 13])
)

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def made(rng: np.random.Generator, dtype: type = np.float64, **kind: Any) -> FlatParameters:
    sizes = {"latent_size": D, "song_size": Z, "encoder_hidden": 5, "hidden": 7}
    sizes |= {"prior_hidden": 6, "embedding": 5}
    vae = SequenceVAE(K, values=20, **sizes, **kind, rng=rng)
    vae.generator.prior.head.weight.value *= 3
    return pack(vae, dtype)


def drawn(
    vae: SequenceVAE, songs: int, arrangement: Arrangement, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z (B, Z), innovations and their variation (S', B, I); the bounds of log p^2 are met."""
    shape = len(arrangement.places), songs, vae.generator.innovation_size
    z = 2 * rng.standard_normal((songs, Z))
    first = rng.standard_normal(shape)
    again = first + 0.5 * rng.standard_normal(shape)
    return z, first, again


@every_kind
@pytest.mark.parametrize(("songs", "arrangement"), [(1, ONE), (1, ABACAB), (3, ABACAB)])
def test_gradients(
    kind: dict, songs: int, arrangement: Arrangement, rng: np.random.Generator
) -> None:
    vae = made(rng, **kind).module
    vae.generator.calibration = rng.uniform(0.5, 2, K)
    check_gradients(
        vae,
        drawn(vae, songs, arrangement, rng),
        forward=lambda vae, z, *given: arranged(
            vae.generator, z, arranged_latents(vae.generator, z, *given, arrangement)
        ),
        backward=lambda vae, dy, cache: arranged_backward(vae.generator, dy, cache),
        rng=rng,
    ).require()


@every_kind
def test_in_their_own_order_songs_are_those_of_the_generator(
    kind: dict, rng: np.random.Generator
) -> None:
    vae, steps = made(rng, **kind).module, np.arange(9)
    generator = vae.generator
    z, first, again = drawn(vae, 2, Arrangement(steps, steps), rng)
    latents = arranged_latents(generator, z, first, again, Arrangement(steps, steps))
    songs, cache = arranged(generator, z, latents)
    plain, plain_cache = generator.generate(z, first)
    np.testing.assert_allclose(songs, plain, rtol=1e-12)
    dsongs = rng.standard_normal(songs.shape)
    dz, dfirst, dagain = arranged_backward(generator, dsongs, cache)
    expected = generator.generate_backward(dsongs, plain_cache)
    np.testing.assert_allclose(dz, expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dfirst, expected[1], rtol=1e-9, atol=1e-12)
    assert not dagain.any()


@every_kind
def test_a_variation_by_nothing_is_the_theme_again(kind: dict, rng: np.random.Generator) -> None:
    vae = made(rng, **kind).module
    z, first, again = drawn(vae, 2, ABACAB, rng)
    context, _ = vae.generator.conditioning.forward(z, places=ABACAB.places)
    w, run = vae.generator.prior.sample(first, context)
    np.testing.assert_allclose(vae.generator.prior.vary(first, run), w, rtol=1e-9, atol=1e-12)
    varied = vae.generator.prior.vary(again, run)
    assert np.abs(varied - w).max() > 1e-2
    # what is varied depends on its own step alone: the past stays that of the run
    again[0] += 1
    np.testing.assert_array_equal(vae.generator.prior.vary(again, run)[1:], varied[1:])


@every_kind
@pytest.mark.parametrize(("start", "stop"), [(0, 3), (5, 8), (10, 11)])
def test_a_stretch_has_the_innovations_that_make_it(
    kind: dict, start: int, stop: int, rng: np.random.Generator
) -> None:
    vae = made(rng, **kind).module
    z, first, again = drawn(vae, 2, ABACAB, rng)
    latents = arranged_latents(vae.generator, z, first, again, ABACAB)
    songs, _ = arranged(vae.generator, z, latents)
    found = stretch(vae.generator, z, latents, start, stop)
    part, _ = vae.generator.generate(z, found.innovations, state=found.state, places=found.places)
    np.testing.assert_allclose(part, songs[start:stop], rtol=1e-9, atol=1e-12)
    same = change(vae.generator, z, latents, start, found.innovations)
    np.testing.assert_allclose(same.w, latents.w, rtol=1e-9, atol=1e-12)


@every_kind
def test_what_lies_beside_a_changed_stretch_stays(kind: dict, rng: np.random.Generator) -> None:
    vae = made(rng, **kind).module
    z, first, again = drawn(vae, 2, ABACAB, rng)
    latents = arranged_latents(vae.generator, z, first, again, ABACAB)
    other = rng.standard_normal((3, 2, vae.generator.innovation_size))
    changed = change(vae.generator, z, latents, 5, other)
    assert np.abs(changed.w - latents.w).max(axis=(1, 2)).astype(bool).tolist() == [
        5 <= step < 8 for step in range(11)
    ]
    found = stretch(vae.generator, z, latents, 5, 8)
    part, _ = vae.generator.generate(z, other, state=found.state, places=found.places)
    songs, _ = arranged(vae.generator, z, changed)
    np.testing.assert_allclose(songs[5:8], part, rtol=1e-9, atol=1e-12)
    beyond = change(vae.generator, z, latents, 9, other)
    assert len(beyond.w) == 11 and (beyond.w[9:] != latents.w[9:]).any()
    assert change(vae.generator, z, latents, 11, other) is latents


def test_a_theme_keeps_the_place_where_it_stood_first(rng: np.random.Generator) -> None:
    vae = made(rng, **KINDS["plan"]).module
    z, first, again = drawn(vae, 2, ABACAB, rng)
    latents = arranged_latents(vae.generator, z, first, again, ABACAB)
    assert latents.places.tolist() == [0, 1, 2, 3, 0, 1, 6, 7, 0, 1, 2]
    songs, _ = arranged(vae.generator, z, latents)
    elsewhere, _ = arranged(vae.generator, z, latents._replace(places=np.arange(11)))
    same = np.abs(songs - elsewhere).max(axis=(1, 2)) < 1e-9
    assert same[:4].all() and not same[4:].any()


@pytest.mark.parametrize("kind", [KINDS["one Gaussian"], {"groups": 2}], ids=["one", "groups"])
def test_a_stretch_begins_in_the_state_before_it(kind: dict, rng: np.random.Generator) -> None:
    vae = made(rng, **kind).module
    z, first, again = drawn(vae, 2, ABACAB, rng)
    latents = arranged_latents(vae.generator, z, first, again, ABACAB)
    found = stretch(vae.generator, z, latents, 1, 4)  # of A and B, as they were drawn
    np.testing.assert_allclose(found.innovations, first[1:4], rtol=1e-9, atol=1e-9)
