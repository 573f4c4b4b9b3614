"""The GRU: plain NumPy, finite differences, float32 beside float64, threads, purity, refusals."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from neural_networks.components.gru import GRU
from neural_networks.components.kernels.simd import cell as tile_cells
from neural_networks.components.kernels.simd.vector import TILE
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import GradientError, check_gradients

# T, B, F, H: one of everything, odd sizes, whole vectors, rows of all tiles, a long time
SHAPES = [
    (1, 1, 1, 1),
    (5, 3, 4, 7),
    (9, 1, 3, 17),
    (2, 15, 5, 33),
    (3, 8, 7, 48),
    (1, 4, 2, 16),
    (400, 2, 3, 5),
]


def plain(gru: GRU, x: np.ndarray, state: np.ndarray) -> np.ndarray:
    """The layer as its equations are written."""
    size = gru.hidden_size
    states = []
    for step in x:
        inputs = step @ gru.input_weight.value + gru.input_bias.value
        product = state @ gru.recurrent_weight.value + gru.recurrent_bias.value
        reset = 1 / (1 + np.exp(-(inputs[:, :size] + product[:, :size])))
        update = 1 / (1 + np.exp(-(inputs[:, size : 2 * size] + product[:, size : 2 * size])))
        candidate = np.tanh(inputs[:, 2 * size :] + reset * product[:, 2 * size :])
        state = (1 - update) * candidate + update * state
        states.append(state)
    return np.array(states)


def made(
    shape: tuple[int, int, int, int], rng: np.random.Generator
) -> tuple[GRU, np.ndarray, np.ndarray, np.ndarray]:
    """A layer, its input, its first state and a gradient from above."""
    steps, batch, inputs, size = shape
    gru = GRU(inputs, size, rng=rng)
    for bias in (gru.input_bias, gru.recurrent_bias):
        bias.value[:] = rng.standard_normal(bias.value.shape)
    x, first, dy = (
        rng.standard_normal(s)
        for s in ((steps, batch, inputs), (batch, size), (steps, batch, size))
    )
    return gru, x, first, dy


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equations(shape: tuple, rng: np.random.Generator) -> None:
    gru, x, first, _ = made(shape, rng)
    expected = plain(gru, x, first)
    np.testing.assert_allclose(gru.forward(x, first)[0], expected, rtol=0, atol=1e-13)
    zero = gru.forward(x)[0]
    np.testing.assert_array_equal(zero, gru.forward(x, np.zeros_like(first))[0])
    pack(gru)
    states = gru.forward(x.astype(np.float32), first.astype(np.float32))[0]
    assert states.dtype == np.float32
    np.testing.assert_allclose(states, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients(shape: tuple, rng: np.random.Generator) -> None:
    gru, x, first, _ = made(shape, rng)
    check_gradients(gru, x, rng=rng).require()
    check_gradients(
        gru,
        (x, first),
        rng=rng,
        forward=lambda module, x, first: module.forward(x, first),
        backward=lambda module, dy, cache: module.backward_with_state(dy, cache),
    ).require()


def test_the_check_sees_a_small_error(rng: np.random.Generator) -> None:
    class Wrong(GRU):
        def backward(self, dy: np.ndarray, cache: object) -> np.ndarray:
            return super().backward(dy, cache) * 1.001  # type: ignore[arg-type]

    with pytest.raises(GradientError):
        check_gradients(Wrong(3, 4, rng=rng), rng.standard_normal((5, 2, 3)), rng=rng).require()


@pytest.mark.parametrize(
    "shape",
    [*SHAPES, (256, 4, 146, 128), (64, 16, 32, 32), (128, 7, 20, 250), (300, 1, 64, 96)],
    ids=str,
)
def test_single_precision(shape: tuple, rng: np.random.Generator) -> None:
    exact, x, first, dy = made(shape, rng)
    single = copy.deepcopy(exact)
    pack(single)
    for ours, reference in zip(single.parameters(), exact.parameters(), strict=True):
        reference.value[:] = ours.value  # the rounded weights
    x, first, dy = (array.astype(np.float32) for array in (x, first, dy))
    states, cache = single.forward(x, first)
    results = [
        states,
        *single.backward_with_state(dy, cache),
        *(p.grad for p in single.parameters()),
    ]
    states, cache = exact.forward(x.astype(np.float64), first.astype(np.float64))
    expected = [
        states,
        *exact.backward_with_state(dy.astype(np.float64), cache),
        *(p.grad for p in exact.parameters()),
    ]
    for value, reference in zip(results, expected, strict=True):
        assert value.dtype == np.float32
        # of the largest; where only a handful of sums of size 1 nearly cancel, of one
        assert np.abs(value - reference).max() <= 4e-6 * max(np.abs(reference).max(), 1.0)


@pytest.mark.skipif(TILE is None, reason="this processor runs the plain loops anyway")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tiles_agree_with_loops(
    shape: tuple, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gru, x, first, dy = made(shape, rng)
    flat = pack(gru)
    x, first, dy = (array.astype(np.float32) for array in (x, first, dy))
    results = []
    for tile in (TILE, None):
        monkeypatch.setattr(tile_cells, "TILE", tile)
        flat.zero_grads()
        states, cache = gru.forward(x, first)
        results.append([states, *gru.backward_with_state(dy, cache), flat.grads.copy()])
    for tiles, loops in zip(*results, strict=True):
        np.testing.assert_allclose(tiles, loops, rtol=0, atol=4e-6 * max(1.0, np.abs(loops).max()))


def test_backward_twice_is_twice_the_gradient_and_nothing_is_written(
    rng: np.random.Generator,
) -> None:
    gru, x, first, dy = made((6, 5, 4, 19), rng)
    flat = pack(gru)
    x, first, dy = (array.astype(np.float32) for array in (x, first, dy))
    before = (
        {name: id(value) for name, value in vars(gru).items()},
        flat.values.copy(),
        x.copy(),
        first.copy(),
        dy.copy(),
    )
    _, cache = gru.forward(x, first)
    assert not flat.grads.any()
    arrays = [cache.x, cache.hidden, *cache.kept]
    kept = [array.copy() for array in arrays]
    dx, dfirst = gru.backward_with_state(dy, cache)
    once = flat.grads.copy()
    again = gru.backward_with_state(dy, cache)
    np.testing.assert_array_equal(again[0], dx)
    np.testing.assert_array_equal(again[1], dfirst)
    np.testing.assert_allclose(flat.grads, 2 * once, rtol=1e-5, atol=1e-6)
    after = {name: id(value) for name, value in vars(gru).items()}, flat.values, x, first, dy
    assert before[0] == after[0]
    for old, new in zip([*before[1:], *kept], [*after[1:], *arrays], strict=True):
        np.testing.assert_array_equal(old, new)


def test_two_threads_give_the_bytes_of_one(rng: np.random.Generator) -> None:
    gru, x, first, dy = made((50, 8, 12, 70), rng)
    twins = [pack(gru)]
    twins.append(twins[0].twin())
    halves = [
        [np.ascontiguousarray(a[:, h : h + 4], np.float32) for a in (x, dy)] + [first[h : h + 4]]
        for h in (0, 4)
    ]

    def run(half: int) -> list[bytes]:
        flat, (inputs, gradient, state) = twins[half], halves[half]
        flat.zero_grads()
        states, cache = flat.module.forward(inputs, state)  # type: ignore[call-arg]
        dx = flat.module.backward(gradient, cache)
        return [states.tobytes(), dx.tobytes(), flat.grads.tobytes()]

    one_by_one = [run(0), run(1)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            assert list(pool.map(run, (0, 1))) == one_by_one


def test_a_song_does_not_depend_on_its_neighbours(rng: np.random.Generator) -> None:
    gru, x, first, _ = made((20, 7, 3, 40), rng)
    pack(gru)
    together = gru.forward(x, first)[0]
    for song in range(7):
        alone = gru.forward(x[:, song : song + 1], first[song : song + 1])[0]
        np.testing.assert_allclose(alone[:, 0], together[:, song], rtol=0, atol=1e-6)


def test_not_a_number_is_not_hidden(rng: np.random.Generator) -> None:
    gru, x, _, _ = made((4, 2, 3, 20), rng)
    pack(gru)
    x[1, 0, 0] = np.nan
    states = gru.forward(x)[0]
    assert np.isfinite(states[:, 1]).all() and np.isfinite(states[0]).all()
    assert np.isnan(states[1:, 0]).all()


def test_large_values_saturate(rng: np.random.Generator) -> None:
    gru, x, first, dy = made((10, 3, 4, 18), rng)
    flat = pack(gru)
    states, cache = gru.forward(1e4 * x, first)
    assert np.abs(states).max() <= max(1.0, np.abs(first).max())
    gru.backward(dy, cache)
    assert np.isfinite(flat.grads).all()


def test_refusals(rng: np.random.Generator) -> None:
    gru = GRU(3, 4, rng=rng)
    for shape in ((5, 2), (5, 2, 4), (3,)):
        with pytest.raises(ValueError, match="takes x of shape"):
            gru.forward(np.zeros(shape))
    with pytest.raises(ValueError, match=r"first state must have the shape \(2, 4\), not \(4,\)"):
        gru.forward(np.zeros((5, 2, 3)), np.zeros(4))
    cache = gru.forward(np.zeros((5, 2, 3)))[1]
    with pytest.raises(ValueError, match=r"\(5, 2, 4\) of the outputs, not \(5, 2, 3\)"):
        gru.backward(np.zeros((5, 2, 3)), cache)
    with pytest.raises(ValueError, match="at least one"):
        GRU(0, 4, rng=rng)
