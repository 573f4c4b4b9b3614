"""The cells' register tiles: other processors, float32 beside float64, two threads, extremes."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from older_processor import needs_avx2, results_of_loops, results_on
from recurrent_cells import MODES, every_cell, made, run

from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.gru import GRU
from neural_networks.components.kernels.simd import cell as tile_cells
from neural_networks.components.kernels.simd.vector import TILE
from neural_networks.components.lstm import LSTM
from neural_networks.components.parameters import pack
from neural_networks.components.rnn import RNN
from neural_networks.components.stacked import Stacked

CELLS = {"gru": GRU, "lstm": LSTM, "rnn": RNN}
every_kernel = pytest.mark.parametrize("name", CELLS)
on_tiles = pytest.mark.skipif(TILE is None, reason="this processor runs the plain loops anyway")

_PROGRAM = """
import numpy as np
from neural_networks.components.gru import GRU
from neural_networks.components.lstm import LSTM
from neural_networks.components.parameters import pack
from neural_networks.components.rnn import RNN

def results(rng):
    for cell in (GRU, LSTM, RNN):
        for steps, batch, inputs, size in ((3, 7, 5, 21), (2, 9, 3, 64), (4, 1, 1, 1)):
            module = cell(inputs, size, rng=rng)
            flat = pack(module)
            x = rng.standard_normal((steps, batch, inputs)).astype(np.float32)
            dy = rng.standard_normal((steps, batch, size)).astype(np.float32)
            first = rng.standard_normal((batch, module.state_size)).astype(np.float32)
            for given in (dict(), dict(steps=steps, last=True)):
                flat.zero_grads()
                states, cache = module.forward(x[0] if given else x, first, **given)
                yield states
                yield from module.backward_with_state(dy[0] if given else dy, cache)
                yield flat.grads.copy()
"""


@pytest.mark.timeout(400)
@needs_avx2
@pytest.mark.parametrize("processor, tile", [("haswell", "(8, 3, 4)"), ("x86-64", "None")])
def test_the_tiles_of_older_processors(
    processor: str, tile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, results = results_on(processor, _PROGRAM, tmp_path)
    assert chosen == tile
    for ours, loops in zip(results, results_of_loops(_PROGRAM, monkeypatch), strict=True):
        np.testing.assert_allclose(ours, loops, rtol=0, atol=1e-5)


@on_tiles
@every_kernel
@pytest.mark.parametrize(
    "shape",
    [(1, 1, 1, 1), (3, 7, 5, 21), (2, 40, 20, 65), (70, 9, 3, 48), (9, 300, 2, 17)],
    ids=str,
)
def test_tiles_agree_with_loops(
    name: str, shape: tuple, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = CELLS[name]
    steps, batch, inputs, size = shape
    module = cell(inputs, size, rng=rng)
    flat = pack(module)
    x, dy = (rng.standard_normal((steps, batch, n)).astype(np.float32) for n in (inputs, size))
    first = rng.standard_normal((batch, module.state_size)).astype(np.float32)
    for given in (dict(), dict(steps=steps), dict(last=True), dict(steps=steps, last=True)):
        results = []
        for tile in (TILE, None):
            monkeypatch.setattr(tile_cells, "TILE", tile)
            flat.zero_grads()
            y, cache = module.forward(x[0] if "steps" in given else x, first, **given)
            results.append(
                [
                    y,
                    *module.backward_with_state(dy[0] if "last" in given else dy, cache),
                    flat.grads.copy(),
                ]
            )
        for tiles, loops in zip(*results, strict=True):
            np.testing.assert_allclose(
                tiles, loops, rtol=0, atol=4e-6 * max(1.0, np.abs(loops).max())
            )


@every_cell
@pytest.mark.parametrize(
    "shape",
    [
        (3, 5, 5, 4),
        (20, 16, 32, 32),
        (4, 3, 7, 17),
        (5, 9, 33, 48),
        (2, 40, 20, 65),
        (30, 32, 20, 40),
    ],
    ids=str,
)
def test_single_precision(kind: str, shape: tuple, rng: np.random.Generator) -> None:
    single, x, first, dy = made(kind, shape, rng)
    pack(single)
    exact = copy.deepcopy(single)
    pack(exact, np.float64)
    for mode in MODES:
        results = []
        for module, dtype in ((single, np.float32), (exact, np.float64)):
            for parameter in module.parameters():
                parameter.grad[:] = 0
            y, cache = run(module, x.astype(dtype), first.astype(dtype), mode)
            dx, dfirst = module.backward_with_state((dy[0] if mode[1] else dy).astype(dtype), cache)
            results.append(
                {"y": y, "dx": dx, "dfirst": dfirst}
                | {name: p.grad for name, p in module.named_parameters()}
            )
        for name, reference in results[1].items():
            assert results[0][name].dtype == np.float32
            error = np.abs(results[0][name] - reference).max() / np.abs(reference).max()
            assert error <= 4e-6, f"{name} with repeated, last = {mode}: {error}"


@every_cell
def test_two_threads_give_the_bytes_of_one(kind: str, rng: np.random.Generator) -> None:
    module, x, first, dy = made(kind, (40, 8, 6, 35), rng)
    twins = [pack(module)]
    twins.append(twins[0].twin())

    def half(index: int) -> list[bytes]:
        flat, songs = twins[index], slice(4 * index, 4 * index + 4)
        flat.zero_grads()
        y, cache = run(flat.module, x[:, songs], first[songs], (False, False))
        cell: Any = flat.module
        gradients = cell.backward_with_state(dy[:, songs], cache)
        return [array.tobytes() for array in (y, *gradients, flat.grads)]

    one_by_one = [half(0), half(1)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            assert list(pool.map(half, (0, 1))) == one_by_one


@every_kernel
@pytest.mark.parametrize("scale", [1e4, 1e30])
def test_large_values_saturate(name: str, scale: float, rng: np.random.Generator) -> None:
    module = CELLS[name](4, 18, rng=rng)
    flat = pack(module)
    x, dy = (rng.standard_normal((10, 3, n)).astype(np.float32) for n in (4, 18))
    y, cache = module.forward(np.float32(scale) * x)
    assert np.abs(y).max() <= 1 + 1e-6 and np.abs(y).max() > 0.5
    dx, dfirst = module.backward_with_state(dy, cache)
    for array in (dx, dfirst, flat.grads):
        assert np.isfinite(array).all()


def denormal() -> np.float32:
    """A product that is zero where denormal numbers count as zero."""
    tiny = np.full(1, 1e-30, np.float32)
    return (tiny * np.float32(1e-10))[0]


def vanishing(rng: np.random.Generator) -> dict[str, Any]:
    cells = {name: cell(3, 20, rng=rng) for name, cell in CELLS.items()}
    cells["stacked"] = Stacked(GRU(3, 8, rng=rng), RNN(8, 20, rng=rng))
    cells["bidirectional"] = Bidirectional(LSTM(3, 10, rng=rng), RNN(3, 10, rng=rng))
    for module in cells.values():
        pack(module).values[:] *= 0.05
    return cells


@pytest.mark.parametrize("name", [*CELLS, "stacked", "bidirectional"])
def test_gradients_that_vanish(name: str, rng: np.random.Generator) -> None:
    """Denormal numbers are off within a kernel alone: whoever called it finds them as they were."""
    module = vanishing(rng)[name]
    x, first = (
        rng.standard_normal((400, 4, 3)).astype(np.float32),
        rng.standard_normal((4, module.state_size)).astype(np.float32),
    )
    assert denormal() != 0
    y, cache = module.forward(x, first, last=True)
    assert denormal() != 0
    dx, dfirst = module.backward_with_state(rng.standard_normal(y.shape).astype(np.float32), cache)
    assert denormal() != 0
    for array in (y, dx, dfirst, *(p.grad for p in module.parameters())):
        assert np.isfinite(array).all()
    ends = dx[-1] if name != "bidirectional" else dx[[0, -1]]
    assert np.abs(ends).max() > 1e-6 and np.abs(dx[200]).max() < 1e-25
