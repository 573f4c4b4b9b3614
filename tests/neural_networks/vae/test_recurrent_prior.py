"""The recurrent prior: plain NumPy, gradients through its own draws, tiles beside loops."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from older_processor import needs_avx2, results_of_loops, results_on

from neural_networks.components.kernels.simd import cell as tile_cells
from neural_networks.components.kernels.simd.vector import TILE
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import GradientError, check_gradients
from neural_networks.vae.recurrent_prior import PRIOR_BOUNDS, RecurrentPrior
from neural_networks.vae.song_context import Conditioning, SongContext

# S, B, D, E, H, M: one of everything, odd sizes, whole vectors, all tiles, a long time, many
# songs; then mixtures
SHAPES = [
    (1, 1, 1, 1, 1, 1),
    (5, 3, 4, 7, 9, 1),
    (9, 1, 3, 17, 16, 1),
    (2, 15, 5, 33, 33, 1),
    (3, 8, 16, 32, 48, 1),
    (300, 2, 3, 5, 6, 1),
    (4, 37, 9, 20, 21, 1),
    (1, 1, 1, 1, 1, 3),
    (7, 1, 3, 5, 9, 2),
    (9, 5, 4, 7, 17, 8),
]
SONG, PLAN, BEATS = 3, 4, 2
SMALL = [shape for shape in SHAPES if shape[0] < 100]


def made(
    shape: tuple, rng: np.random.Generator, *, beats: int = BEATS, position: bool = True
) -> tuple[RecurrentPrior, SongContext, np.ndarray, np.ndarray]:
    """A prior whose log-variances pass both bounds, a context, innovations, a gradient."""
    steps, batch, width, embedding, hidden, mixtures = shape
    told = Conditioning(
        SONG, beats=beats, plan_size=PLAN, position=position, steps_per_beat=2, rng=rng
    )
    prior = RecurrentPrior(
        width, SONG, told, embedding=embedding, hidden=hidden, mixtures=mixtures, rng=rng
    )
    raws = slice(mixtures * width, 2 * mixtures * width)
    prior.head.bias.value[raws] = rng.uniform(-7, 3, mixtures * width)
    prior.head.weight.value *= 3
    context, _ = told.forward(rng.standard_normal((batch, SONG)), steps)
    innovations = rng.standard_normal((steps, batch, prior.innovation_size))
    return prior, context, innovations, rng.standard_normal((steps, batch, width))


def plain(prior: RecurrentPrior, innovations: np.ndarray, context: SongContext) -> np.ndarray:
    """The draws as the equations are written, one step after the other."""
    size, width = prior.hidden_size, prior.latent_size // prior.groups
    batch, count = innovations.shape[1], prior.mixtures
    h, w, drawn = np.zeros((batch, size)), np.zeros((batch, width)), []
    embed, cell, head = prior.input, prior.cell, prior.head
    for t, noise in enumerate(innovations):
        told = context.z @ embed.song_weight.value + embed.bias.value
        if context.plan is not None and embed.plan_weight is not None:
            told = told + context.plan[context.beats[t]] @ embed.plan_weight.value
        if context.position is not None and embed.position_weight is not None:
            told = told + context.position[t] @ embed.position_weight.value
        a = np.tanh(w @ embed.latent_weight.value + told)
        inputs = a @ cell.input_weight.value + cell.input_bias.value
        product = h @ cell.recurrent_weight.value + cell.recurrent_bias.value
        reset = 1 / (1 + np.exp(-(inputs[:, :size] + product[:, :size])))
        update = 1 / (1 + np.exp(-(inputs[:, size : 2 * size] + product[:, size : 2 * size])))
        candidate = np.tanh(inputs[:, 2 * size :] + reset * product[:, 2 * size :])
        h = (1 - update) * candidate + update * h
        statistics = h @ head.weight.value + head.bias.value
        w = np.empty((batch, width))
        for song, line in enumerate(statistics):
            means, raws = line[: 2 * count * width].reshape(2, count, width)
            k = 0
            if count > 1:
                weights = np.exp(line[2 * count * width :])
                level = NormalDist().cdf(noise[song, width])
                k = int(np.searchsorted(np.cumsum(weights / weights.sum()), level))
            deviation = np.exp(np.clip(raws[k], *PRIOR_BOUNDS) / 2)
            w[song] = means[k] + deviation * noise[song, :width]
        drawn.append(w)
    return np.array(drawn)


def single(prior: RecurrentPrior, context: SongContext) -> tuple[Any, SongContext]:
    """The same in float32."""
    rounded = (None if part is None else np.asarray(part, np.float32) for part in context[:3])
    return pack(copy.deepcopy(prior)), SongContext(*rounded, context.beats)  # type: ignore[arg-type]


@pytest.mark.parametrize("beats, position", [(BEATS, True), (0, True), (BEATS, False), (0, False)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equations(shape: tuple, beats: int, position: bool, rng: np.random.Generator) -> None:
    prior, context, innovations, _ = made(shape, rng, beats=beats, position=position)
    expected = plain(prior, innovations, context)
    w, run = prior.sample(innovations, context)
    np.testing.assert_allclose(w, expected, rtol=0, atol=1e-12)
    flat, rounded = single(prior, context)
    w, run = flat.module.sample(innovations.astype(np.float32), rounded)
    assert w.dtype == np.float32
    np.testing.assert_allclose(w, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fed_with_its_own_draws_it_predicts_the_same(
    shape: tuple, rng: np.random.Generator
) -> None:
    prior, context, innovations, _ = made(shape, rng)
    w, run = prior.sample(innovations, context)
    np.testing.assert_allclose(prior.predict(w, context)[0], run.statistics, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype, limit", [(np.float64, 1e-11), (np.float32, 2e-4)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_innovations_are_draws_backwards(
    shape: tuple, dtype: type, limit: float, rng: np.random.Generator
) -> None:
    prior, context, innovations, latents = made(shape, rng)
    if dtype == np.float32:
        flat, context = single(prior, context)
        prior = flat.module
    latents = latents.astype(dtype)
    found, _ = prior.innovations(latents, context)
    again, _ = prior.sample(found, context)
    assert again.dtype == dtype
    np.testing.assert_allclose(again, latents, rtol=0, atol=limit / 10)
    if prior.mixtures > 1:
        return  # which component made a draw is not known, only one that may have
    innovations = innovations.astype(dtype)
    found, _ = prior.innovations(prior.sample(innovations, context)[0], context)
    np.testing.assert_allclose(found, innovations, rtol=0, atol=limit)


def sampled(
    prior: RecurrentPrior, innovations: np.ndarray, z: np.ndarray, plan: np.ndarray
) -> tuple:
    context = SongContext(z, plan, POSITION["now"], np.arange(len(innovations)) // 2 % BEATS)
    w, run = prior.sample(innovations, context)
    return w, (run, context)


def sampled_backward(prior: RecurrentPrior, dw: np.ndarray, cache: tuple) -> tuple:
    dinnovations, told = prior.sample_backward(dw, *cache)
    return dinnovations, told.z, told.plan


POSITION: dict[str, Any] = {}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_through_the_draws(shape: tuple, rng: np.random.Generator) -> None:
    """Of every innovation, of z and the plan, and of all parameters."""
    prior, context, innovations, _ = made(shape, rng)
    POSITION["now"] = context.position
    assert context.plan is not None
    inputs = (innovations, context.z, context.plan)
    check_gradients(prior, inputs, rng=rng, forward=sampled, backward=sampled_backward).require()


def test_the_check_sees_a_small_error(rng: np.random.Generator) -> None:
    prior, context, innovations, _ = made((5, 3, 4, 7, 9, 1), rng)
    POSITION["now"] = context.position
    assert context.plan is not None
    inputs = (innovations, context.z, context.plan)

    def wrong(prior: RecurrentPrior, dw: np.ndarray, cache: tuple) -> tuple:
        dinnovations, *rest = sampled_backward(prior, dw, cache)
        return dinnovations * 1.001, *rest

    with pytest.raises(GradientError):
        check_gradients(prior, inputs, rng=rng, forward=sampled, backward=wrong).require()


@pytest.mark.parametrize("shape", SMALL, ids=str)
def test_gradients_of_predictions(shape: tuple, rng: np.random.Generator) -> None:
    prior, context, _, fed = made(shape, rng)
    assert context.plan is not None

    def forward(prior: RecurrentPrior, fed: np.ndarray, z: np.ndarray, plan: np.ndarray) -> tuple:
        return prior.predict(fed, context._replace(z=z, plan=plan))

    def backward(prior: RecurrentPrior, dy: np.ndarray, cache: Any) -> tuple:
        dfed, told = prior.predict_backward(dy, cache)
        return dfed, told.z, told.plan

    inputs = (fed, context.z, context.plan)
    check_gradients(prior, inputs, rng=rng, forward=forward, backward=backward).require()


@pytest.mark.skipif(TILE is None, reason="this processor runs the plain loops anyway")
@pytest.mark.parametrize(
    "shape",
    [*SHAPES, (128, 7, 20, 40, 250, 1), (40, 16, 32, 128, 64, 1), (40, 7, 5, 20, 35, 4)],
    ids=str,
)
def test_tiles_agree_with_loops(
    shape: tuple, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    prior, context, innovations, dw = made(shape, rng)
    flat, rounded = single(prior, context)
    innovations, dw = innovations.astype(np.float32), dw.astype(np.float32)
    results = []
    for tile in (TILE, None):
        monkeypatch.setattr(tile_cells, "TILE", tile)
        flat.zero_grads()
        w, run = flat.module.sample(innovations, rounded)
        assert (run.gates.ndim == 4) == (tile is not None)
        dinnovations, told = flat.module.sample_backward(dw, run, rounded)
        results.append([w, run.statistics, dinnovations, told.z, told.plan, flat.grads.copy()])
    for tiles, loops in zip(*results, strict=True):
        assert tiles.dtype == np.float32
        np.testing.assert_allclose(tiles, loops, rtol=0, atol=3e-5 * max(1.0, np.abs(loops).max()))


_PROGRAM = """
import numpy as np
from neural_networks.components.parameters import pack
from neural_networks.vae.recurrent_prior import RecurrentPrior
from neural_networks.vae.song_context import Conditioning

def results(rng):
    for steps, batch, width, embedding, hidden, mixtures in (
        (5, 7, 5, 9, 21, 1), (3, 1, 16, 32, 16, 1), (5, 7, 5, 9, 21, 3)
    ):
        told = Conditioning(3, rng=rng)
        prior = RecurrentPrior(
            width, 3, told, embedding=embedding, hidden=hidden, mixtures=mixtures, rng=rng
        )
        flat = pack(prior)
        context, _ = told.forward(rng.standard_normal((batch, 3), np.float32), steps)
        innovations = rng.standard_normal((steps, batch, prior.innovation_size), np.float32)
        dw = rng.standard_normal((steps, batch, width), np.float32)
        w, run = prior.sample(innovations, context)
        yield w
        yield prior.sample_backward(dw, run, context)[0]
        yield flat.grads
"""


@pytest.mark.timeout(400)
@needs_avx2
def test_the_tiles_of_an_older_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, results = results_on("haswell", _PROGRAM, tmp_path)
    assert chosen == "(8, 3, 4)"
    for tiles, loops in zip(results, results_of_loops(_PROGRAM, monkeypatch), strict=True):
        np.testing.assert_allclose(tiles, loops, rtol=0, atol=1e-4)


def test_backward_twice_is_twice_the_gradient(rng: np.random.Generator) -> None:
    prior, context, innovations, dw = made((6, 5, 4, 9, 19, 3), rng)
    flat, rounded = single(prior, context)
    _, run = flat.module.sample(innovations.astype(np.float32), rounded)
    kept = [array.copy() for array in run]
    first = flat.module.sample_backward(dw.astype(np.float32), run, rounded)[0]
    once = flat.grads.copy()
    np.testing.assert_array_equal(
        flat.module.sample_backward(dw.astype(np.float32), run, rounded)[0], first
    )
    np.testing.assert_allclose(flat.grads, 2 * once, rtol=1e-5, atol=1e-5)
    for before, after in zip(kept, run, strict=True):
        np.testing.assert_array_equal(before, after)


def test_two_threads_give_the_bytes_of_one(rng: np.random.Generator) -> None:
    prior, context, innovations, dw = made((40, 8, 6, 20, 35, 2), rng)
    flat, rounded = single(prior, context)
    twins = [flat, flat.twin()]

    def half(index: int) -> list[bytes]:
        songs, mine = slice(4 * index, 4 * index + 4), twins[index]
        mine.zero_grads()
        some = rounded._replace(
            z=rounded.z[songs], plan=np.ascontiguousarray(rounded.plan[:, songs])
        )  # type: ignore[index]
        w, run = mine.module.sample(innovations[:, songs].astype(np.float32), some)
        dinnovations, told = mine.module.sample_backward(dw[:, songs].astype(np.float32), run, some)
        return [array.tobytes() for array in (w, dinnovations, told.z, mine.grads)]

    one_by_one = [half(0), half(1)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            assert list(pool.map(half, (0, 1))) == one_by_one


def test_a_song_does_not_depend_on_its_neighbours(rng: np.random.Generator) -> None:
    prior, context, innovations, _ = made((50, 7, 6, 20, 40, 1), rng, beats=0, position=False)
    flat, rounded = single(prior, context)
    together, _ = flat.module.sample(innovations.astype(np.float32), rounded)
    for song in range(7):
        alone = rounded._replace(z=rounded.z[song : song + 1])
        w, _ = flat.module.sample(innovations[:, song : song + 1].astype(np.float32), alone)
        np.testing.assert_allclose(w[:, 0], together[:, song], rtol=0, atol=1e-4)


def test_songs_go_on(rng: np.random.Generator) -> None:
    prior, context, innovations, _ = made((9, 3, 4, 7, 20, 3), rng)
    flat, rounded = single(prior, context)
    innovations = innovations.astype(np.float32)
    whole, _ = flat.module.sample(innovations, rounded)

    def part(steps: slice) -> SongContext:
        return rounded._replace(position=rounded.position[steps], beats=rounded.beats[steps])  # type: ignore[index]

    start, run = flat.module.sample(innovations[:4], part(slice(0, 4)))
    end, _ = flat.module.sample(
        innovations[4:], part(slice(4, 9)), hidden=run.hidden[-1], latents=run.latents[-1]
    )
    np.testing.assert_array_equal(np.concatenate([start, end]), whole)


def test_not_a_number_is_not_hidden(rng: np.random.Generator) -> None:
    prior, context, innovations, _ = made((4, 2, 3, 5, 20, 1), rng)
    flat, rounded = single(prior, context)
    innovations[1, 0, 0] = np.nan
    w, _ = flat.module.sample(innovations.astype(np.float32), rounded)
    assert np.isfinite(w[:, 1]).all() and np.isfinite(w[0]).all()
    assert np.isnan(w[2:, 0]).all()


def test_each_group_is_given_the_ones_before_it(rng: np.random.Generator) -> None:
    """And so is the next step, but nothing is given of what comes later."""
    told = Conditioning(SONG, rng=rng)
    prior = RecurrentPrior(6, SONG, told, embedding=5, hidden=7, groups=3, rng=rng)
    context, _ = told.forward(rng.standard_normal((2, SONG)), 4)
    w = rng.standard_normal((4, 2, 6))
    before = prior.predict(w, context)[0].reshape(4, 2, 2, 3, 2)  # mean or raw, group, latent
    w[1, :, 2:4] += 1  # the second group of the second step
    after = prior.predict(w, context)[0].reshape(4, 2, 2, 3, 2)
    changed = (before != after).all(axis=(1, 2, 4))  # (step, group)
    assert not (before != after).any(axis=(1, 2, 4))[~changed].any()
    np.testing.assert_array_equal(changed.ravel(), [False] * 5 + [True] * 7)


@pytest.mark.parametrize("mixtures", [1, 3])
@pytest.mark.parametrize("position", [False, True])
def test_groups_are_shorter_steps(position: bool, mixtures: int, rng: np.random.Generator) -> None:
    """Of the same network, told which group comes next beside all else it is told."""
    steps, batch, groups = 4, 2, 3
    told = Conditioning(
        SONG, beats=BEATS, plan_size=PLAN, position=position, steps_per_beat=2, rng=rng
    )
    prior = RecurrentPrior(
        6, SONG, told, embedding=5, hidden=7, groups=groups, mixtures=mixtures, rng=rng
    )
    prior.head.weight.value *= 3
    context, _ = told.forward(rng.standard_normal((batch, SONG)), steps)
    innovations = rng.standard_normal((steps, batch, prior.innovation_size))
    parts = np.split(innovations, [6], axis=2)
    apart = np.concatenate(
        [
            part.reshape(steps, batch, groups, -1).transpose(0, 2, 1, 3)
            for part in parts
            if part.size
        ],
        axis=3,
    )
    number = np.tile(np.eye(groups), (steps, 1))[:, None]
    if context.position is not None:
        number = np.concatenate([context.position.repeat(groups, axis=0), number], axis=2)
    longer = SongContext(context.z, context.plan, number, context.beats.repeat(groups))
    expected = plain(prior, apart.reshape(steps * groups, batch, -1), longer)
    w, run = prior.sample(innovations, context)
    got = w.reshape(steps, batch, groups, 2).transpose(0, 2, 1, 3).reshape(-1, batch, 2)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(run.latents[-1], w[-1, :, 4:])
    found, _ = prior.innovations(w, context)
    np.testing.assert_allclose(prior.sample(found, context)[0], w, rtol=0, atol=1e-12)


def test_components_come_as_often_as_their_weights_say(rng: np.random.Generator) -> None:
    told = Conditioning(SONG, rng=rng)
    prior = RecurrentPrior(1, SONG, told, embedding=2, hidden=3, mixtures=4, rng=rng)
    prior.head.weight.value[:] = 0
    weights = np.array([0.5, 0.02, 0.3, 0.18])
    prior.head.bias.value[:] = [*range(4), *[-20] * 4, *np.log(weights)]
    context, _ = told.forward(np.zeros((1, SONG)), 20_000)
    w, run = prior.sample(rng.standard_normal((20_000, 1, 2)), context)
    found = np.bincount(run.chosen.ravel(), minlength=4) / 20_000
    np.testing.assert_allclose(found, weights, rtol=0, atol=0.012)
    assert np.abs(w[..., 0] - run.chosen).max() < 0.5
    again = prior.innovations(w, context)[1]
    np.testing.assert_array_equal(again.chosen, run.chosen)
    middle = np.cumsum(weights) - weights / 2
    np.testing.assert_allclose(again.levels, middle[run.chosen], rtol=0, atol=1e-12)


def test_a_component_of_no_weight_is_not_chosen_backwards(rng: np.random.Generator) -> None:
    """A rounded innovation would not lead to it; another gives the same latents back."""
    told = Conditioning(SONG, rng=rng)
    prior = RecurrentPrior(1, SONG, told, embedding=2, hidden=3, mixtures=3, rng=rng)
    prior.head.weight.value[:] = 0
    prior.head.bias.value[:] = [0, 5, 0, 0, 0, 0, -6, -8, 0]
    flat = pack(prior)
    context, _ = told.forward(np.zeros((2, SONG), np.float32), 3)
    w = np.full((3, 2, 1), 5, np.float32)
    found, run = flat.module.innovations(w, context)
    assert set(run.chosen.ravel()) <= {0, 2}
    np.testing.assert_array_equal(flat.module.sample(found, context)[0], w)
    rounded = np.rint(found * 4096) / np.float32(4096)  # as a station keeps them
    again, run_again = flat.module.sample(rounded, context)
    np.testing.assert_array_equal(run_again.chosen, run.chosen)
    np.testing.assert_allclose(again, w, rtol=0, atol=1e-3)


def test_a_prior_has_a_component(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="a mixture has 1 component or more, not 0"):
        RecurrentPrior(
            6, SONG, Conditioning(SONG, rng=rng), embedding=5, hidden=7, mixtures=0, rng=rng
        )


@pytest.mark.parametrize("groups", [0, 4])
def test_latents_are_divided_evenly(groups: int, rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=f"6 latents can't be divided into {groups} groups"):
        RecurrentPrior(
            6, SONG, Conditioning(SONG, rng=rng), embedding=5, hidden=7, groups=groups, rng=rng
        )
