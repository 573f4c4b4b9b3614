"""`Recurrent`: finite differences, its equations in plain NumPy, purity, refusals."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

from neural_networks.components.kernels import recurrent as kernels_recurrent
from neural_networks.components.parameters import pack
from neural_networks.components.recurrent import Recurrent
from neural_networks.gradient_check import check_gradients

RNG = np.random.default_rng(0)
# input_size, input_layers, output_layers
CELLS = [
    (5, (9, 4), (4, 6)),  # the owner's encoder
    (3, (7, 4), (4, 5)),  # and decoder
    (1, (2, 1), (1, 1)),
    (3, (8, 9, 6, 5), (5, 7, 4, 3)),
    (2, (19, 17), (17, 11, 1)),
]
SHAPES = [(1, 1), (3, 5), (7, 1), (40, 3), (5, 70)]


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("steps, batch", SHAPES)
def test_gradients(cell: tuple, steps: int, batch: int, rng: np.random.Generator) -> None:
    module = Recurrent(*cell, rng=rng)
    x, first = (
        rng.standard_normal((steps, batch, cell[0])),
        rng.standard_normal((batch, module.hidden_size)),
    )
    check_gradients(module, x, rng=rng).require()
    check_gradients(
        module,
        (x, first),
        rng=rng,
        forward=lambda module, x, first: module.forward(x, first=first),
        backward=lambda module, dy, cache: module.backward_with_state(dy, cache),
    ).require()
    check_gradients(
        module, x[0], rng=rng, forward=lambda module, x: module.forward(x, steps=steps)
    ).require()


def test_gradients_over_a_long_time(rng: np.random.Generator) -> None:
    module = Recurrent(2, (6, 5, 4), (4, 3), rng=rng)
    for weight, _ in module.layers()[0]:
        weight *= 1.3  # so that the state is still felt after many steps
    check_gradients(module, rng.standard_normal((300, 2, 2)), rng=rng).require()


def plain(module: Recurrent, x: np.ndarray, state: np.ndarray) -> np.ndarray:
    """The cell as its equations are written."""

    def network(value: np.ndarray, layers: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        for index, (weight, bias) in enumerate(layers):
            value = value @ weight + bias
            if index < len(layers) - 1:
                value = np.where(value > 0, value, module.slope * value)
        return value

    inner, outer = module.layers()
    outputs = []
    for step in x:
        state = network(np.concatenate([state, step], axis=1), inner)
        outputs.append(network(state, outer))
    return np.stack(outputs)


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_forward_is_what_the_equations_say(
    cell: tuple, dtype: type, tolerance: float, rng: np.random.Generator
) -> None:
    module = Recurrent(*cell, rng=rng)
    pack(module, dtype)
    x = rng.standard_normal((6, 7, cell[0])).astype(dtype)
    first = rng.standard_normal((7, module.hidden_size)).astype(dtype)
    y, _ = module.forward(x)
    assert y.dtype == dtype and y.flags.c_contiguous
    np.testing.assert_allclose(
        y, plain(module, x, np.zeros_like(first)), rtol=tolerance, atol=tolerance
    )
    np.testing.assert_allclose(
        module.forward(x, first=first)[0], plain(module, x, first), rtol=tolerance, atol=tolerance
    )
    np.testing.assert_allclose(
        module.forward(x[0], steps=4)[0],
        module.forward(np.repeat(x[:1], 4, axis=0))[0],
        rtol=tolerance,
        atol=tolerance,
    )


def test_forward_is_pure_and_backward_repeats(rng: np.random.Generator) -> None:
    module = Recurrent(*CELLS[3], rng=rng)
    flat = pack(module)
    x = rng.standard_normal((4, 3, 3)).astype(np.float32)
    kept, before = x.copy(), flat.values.copy()
    y, cache = module.forward(x)
    parts = [part.copy() for part in (cache.x, cache.memory)]
    dy = rng.standard_normal(y.shape).astype(np.float32)
    first = module.backward(dy, cache)
    grads = flat.grads.copy()
    np.testing.assert_array_equal(module.backward(dy, cache), first)
    np.testing.assert_allclose(flat.grads, 2 * grads, rtol=1e-4, atol=1e-6)
    for now, then in (
        (x, kept),
        (flat.values, before),
        (cache.x, parts[0]),
        (cache.memory, parts[1]),
        (module.forward(x)[0], y),
    ):
        np.testing.assert_array_equal(now, then)


def test_float32_gradients_are_near_float64(rng: np.random.Generator) -> None:
    module = Recurrent(9, (41, 32), (32, 9), rng=rng)
    x, dy = rng.standard_normal((2, 64, 16, 9))
    grads = {}
    for dtype in (np.float64, np.float32):
        flat = pack(module, dtype)
        y, cache = module.forward(x.astype(dtype))
        module.backward(dy.astype(dtype), cache)
        grads[dtype] = flat.grads.astype(np.float64)
    error = np.abs(grads[np.float32] - grads[np.float64]).max() / np.abs(grads[np.float64]).max()
    assert error < 4e-6


@pytest.mark.parametrize("cell", [CELLS[0], CELLS[2], CELLS[3], (40, (73, 50, 33), (33, 65, 9))])
@pytest.mark.parametrize("steps, batch", [(1, 1), (3, 7), (40, 9), (5, 300)])
def test_tiles_agree_with_plain_numpy(
    cell: tuple, steps: int, batch: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Recurrent(*cell, rng=rng)
    flat = pack(module)
    x, first, dy = (
        rng.standard_normal(shape, np.float32)
        for shape in (
            (steps, batch, cell[0]),
            (batch, module.hidden_size),
            (steps, batch, module.output_size),
        )
    )
    for repeated, last in ((False, False), (True, False), (False, True), (True, True)):
        results = []
        for on_tiles in (True, False):
            if not on_tiles:
                monkeypatch.setattr(kernels_recurrent, "on_tiles", lambda dtype: False)
            flat.zero_grads()
            given, count = (x[0], steps) if repeated else (x, None)
            y, cache = module.forward(given, first, steps=count, last=last)
            above = dy[-1] if last else dy
            pair = module.backward_with_state(above, cache)
            kept = flat.grads.copy()
            flat.zero_grads()
            module.add_gradients(above, cache)
            np.testing.assert_array_equal(flat.grads, kept)
            results.append((y, *pair, kept))
            monkeypatch.undo()
        for one, other in zip(*results, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=2e-6 * max(1, np.abs(other).max()))


def test_layers_are_views(rng: np.random.Generator) -> None:
    module = Recurrent(*CELLS[3], rng=rng)
    pack(module)
    for layers, sizes in zip(module.layers(), CELLS[3][1:], strict=True):
        assert [weight.shape for weight, _ in layers] == list(pairwise(sizes))
        assert all(
            np.abs(weight).max() <= 1 / np.sqrt(len(weight)) and bias.any()
            for weight, bias in layers
        )
    module.layers()[0][1][0][2, 3] = 7.0
    assert (module.input_weights.value == 7.0).sum() == 1


@pytest.mark.parametrize(
    "cell, words",
    [
        ((5, (8, 4), (4, 6)), r"4 \+ 5 = 9, not with 8"),
        ((5, (9, 4), (3, 6)), "last of input_layers, 4, not with 3"),
        ((5, (4,), (4, 6)), "at least two sizes"),
        ((0, (4, 4), (4, 6)), "all positive"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(cell: tuple, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Recurrent(*cell, rng=RNG)


def test_inputs_that_do_not_fit_are_refused(rng: np.random.Generator) -> None:
    module = Recurrent(*CELLS[0], rng=rng)
    with pytest.raises(ValueError, match=r"\(T, B, 5\), not \(2, 3, 4\)"):
        module.forward(np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match=r"\(B, 5\), not \(2, 3, 5\)"):
        module.forward(np.zeros((2, 3, 5)), steps=4)
    with pytest.raises(ValueError, match=r"must have the shape \(3, 4\)"):
        module.forward(np.zeros((2, 3, 5)), first=np.zeros((2, 4)))
    with pytest.raises(ValueError, match="at least one time step, not 0"):
        module.forward(np.zeros((3, 5)), steps=0)


def test_gradients_that_do_not_fit_are_refused(rng: np.random.Generator) -> None:
    module = Recurrent(*CELLS[0], rng=rng)
    for last, right, wrong in (
        (False, (2, 3, 6), (2, 3, 5)),
        (False, (2, 3, 6), (1, 3, 6)),
        (True, (3, 6), (6,)),
    ):
        _, cache = module.forward(np.zeros((2, 3, 5)), last=last)
        with pytest.raises(
            ValueError, match=re.escape(f"the shape {right} of the outputs, not {wrong}")
        ):
            module.backward(np.zeros(wrong), cache)


def test_numbers_that_fade_out_leave_the_processor_as_it_was(rng: np.random.Generator) -> None:
    module = Recurrent(*CELLS[0], rng=rng)
    flat = pack(module)
    flat.values *= 0.1
    y, cache = module.forward(rng.standard_normal((300, 2, 5)).astype(np.float32), last=True)
    dx = module.backward(np.ones_like(y), cache)
    smallest = np.finfo(np.float32).tiny
    assert (
        not ((np.abs(dx) > 0) & (np.abs(dx) < smallest)).any() and (dx == 0).any() and dx[-1].any()
    )
    assert np.float32(1e-30) * np.float32(1e-10) > 0
