"""Layers beside those of PyTorch, where it is installed: outputs and all gradients in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.conv import Conv1d
from neural_networks.components.gru import GRU
from neural_networks.components.layer_norm import LayerNorm
from neural_networks.components.lstm import LSTM
from neural_networks.components.parameters import Parameter, pack
from neural_networks.components.rnn import RNN
from neural_networks.components.stacked import Stacked

torch = pytest.importorskip("torch")

SHAPES = [(1, 1, 1, 1), (7, 3, 5, 4), (20, 2, 3, 17), (3, 40, 9, 33)]  # T, B, F, H
CELLS = {"GRU": GRU, "LSTM": LSTM, "RNN": RNN}


def same(ours: np.ndarray, theirs: Any) -> None:
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    assert ours.shape == theirs.shape and ours.dtype == np.float64
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * max(1.0, np.abs(theirs).max()))


def tensor(array: np.ndarray) -> Any:
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def pairs(cell: Any, peer: Any, suffix: str) -> list[tuple[Parameter, Any]]:
    """Our parameters of a cell beside PyTorch's: our bias is their first, their second is zero."""
    weights = [
        (cell.input_weight, getattr(peer, f"weight_ih_{suffix}")),
        (cell.recurrent_weight, getattr(peer, f"weight_hh_{suffix}")),
    ]
    first, second = getattr(peer, f"bias_ih_{suffix}"), getattr(peer, f"bias_hh_{suffix}")
    if isinstance(cell, GRU):
        return [*weights, (cell.input_bias, first), (cell.recurrent_bias, second)]
    second.data.zero_()
    return [*weights, (cell.bias, first)]


def compare(
    module: Any, cells: dict[str, Any], peer: Any, shape: tuple, rng: np.random.Generator
) -> None:
    """Run both with the same weights; `cells` has our cells by the suffixes of PyTorch's names."""
    steps, batch, inputs, _ = shape
    flat = pack(module, np.float64)
    matches = [pair for suffix, cell in cells.items() for pair in pairs(cell, peer, suffix)]
    assert sum(ours.value.size for ours, _ in matches) == flat.values.size
    for ours, theirs in matches:
        theirs.data.copy_(torch.tensor(ours.value.T))
    x, first = (
        rng.standard_normal((steps, batch, inputs)),
        rng.standard_normal((batch, module.state_size)),
    )
    dy = rng.standard_normal((steps, batch, module.output_size))

    y, cache = module.forward(x, first)
    dx, dfirst = module.backward_with_state(dy, cache)

    given = tensor(x)
    states = np.split(first, len(cells), axis=1)  # one a cell, [h] or [h; c]
    parts = (
        [np.split(state, 2, axis=1) for state in states]
        if isinstance(peer, torch.nn.LSTM)
        else [[state] for state in states]
    )
    begin = [tensor(np.stack(part)) for part in zip(*parts, strict=True)]
    output, _ = peer(given, tuple(begin) if len(begin) == 2 else begin[0])
    output.backward(torch.tensor(dy))

    same(y, output)
    same(dx, given.grad)
    dstates = [
        np.split(state, len(begin), axis=1) for state in np.split(dfirst, len(cells), axis=1)
    ]
    for ours, theirs in zip(zip(*dstates, strict=True), begin, strict=True):
        same(np.stack(ours), theirs.grad)
    for ours, theirs in matches:
        same(ours.grad.T, theirs.grad)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_a_cell(name: str, shape: tuple, rng: np.random.Generator) -> None:
    _, _, inputs, size = shape
    module = CELLS[name](inputs, size, rng=rng)
    compare(
        module,
        {"l0": module},
        getattr(torch.nn, name)(inputs, size, dtype=torch.float64),
        shape,
        rng,
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_two_layers_both_ways(name: str, shape: tuple, rng: np.random.Generator) -> None:
    _, _, inputs, size = shape
    sizes = {"l0": inputs, "l0_reverse": inputs, "l1": 2 * size, "l1_reverse": 2 * size}
    cells = {suffix: CELLS[name](count, size, rng=rng) for suffix, count in sizes.items()}
    module = Stacked(
        Bidirectional(cells["l0"], cells["l0_reverse"]),
        Bidirectional(cells["l1"], cells["l1_reverse"]),
    )
    peer = getattr(torch.nn, name)(
        inputs, size, num_layers=2, bidirectional=True, dtype=torch.float64
    )
    compare(module, cells, peer, shape, rng)


@pytest.mark.parametrize("name", CELLS)
def test_two_layers_one_way(name: str, rng: np.random.Generator) -> None:
    cells = {"l0": CELLS[name](5, 9, rng=rng), "l1": CELLS[name](9, 9, rng=rng)}
    peer = getattr(torch.nn, name)(5, 9, num_layers=2, dtype=torch.float64)
    compare(Stacked(*cells.values()), cells, peer, (6, 3, 5, 9), rng)


@pytest.mark.parametrize("name", CELLS)
def test_the_last_output_of_one_input_for_all_steps(name: str, rng: np.random.Generator) -> None:
    module = CELLS[name](5, 9, rng=rng)
    pack(module, np.float64)
    peer = getattr(torch.nn, name)(5, 9, dtype=torch.float64)
    matches = pairs(module, peer, "l0")
    for ours, theirs in matches:
        theirs.data.copy_(torch.tensor(ours.value.T))
    x, dy = rng.standard_normal((3, 5)), rng.standard_normal((3, 9))
    y, cache = module.forward(x, steps=8, last=True)
    dx = module.backward(dy, cache)
    given = tensor(x)
    output = peer(given[None].expand(8, 3, 5))[0][-1]
    output.backward(torch.tensor(dy))
    for ours, theirs in [
        (y, output),
        (dx, given.grad),
        *((ours.grad.T, theirs.grad) for ours, theirs in matches),
    ]:
        same(ours, theirs)


@pytest.mark.parametrize(
    "kernel_size, stride, padding",
    [(1, 1, 0), (3, 1, 1), (4, 2, 0), (5, 3, 2), (2, 5, 3), (9, 2, 6)],
)
@pytest.mark.parametrize("steps, batch", [(9, 3), (16, 1)])
def test_convolution(
    kernel_size: int, stride: int, padding: int, steps: int, batch: int, rng: np.random.Generator
) -> None:
    module = Conv1d(3, 5, kernel_size, stride=stride, padding=padding, rng=rng)
    pack(module, np.float64)
    x = rng.standard_normal((steps, batch, 3))
    y, cache = module.forward(x)
    dy = rng.standard_normal(y.shape)
    dx = module.backward(dy, cache)

    given, weight, bias = (tensor(array) for array in (x, module.weight.value, module.bias.value))
    # theirs is (B, I, T), their weight (O, I, K)
    output = torch.nn.functional.conv1d(
        given.permute(1, 2, 0), weight.permute(2, 1, 0), bias, stride, padding
    ).permute(2, 0, 1)
    output.backward(torch.tensor(dy))
    for ours, theirs in (
        (y, output),
        (dx, given.grad),
        (module.weight.grad, weight.grad),
        (module.bias.grad, bias.grad),
    ):
        same(ours, theirs)


@pytest.mark.parametrize("shape", [(7, 3, 5), (1, 1, 2), (40, 33)], ids=str)
@pytest.mark.parametrize("epsilon", [1e-5, 0.1])
def test_layer_norm(shape: tuple, epsilon: float, rng: np.random.Generator) -> None:
    module = LayerNorm(shape[-1], epsilon=epsilon)
    pack(module, np.float64)
    for parameter in module.parameters():
        parameter.value[:] = rng.standard_normal(parameter.value.shape)
    x, dy = rng.standard_normal((2, *shape))
    y, cache = module.forward(x)
    dx = module.backward(dy, cache)
    given, gain, shift = (tensor(array) for array in (x, module.gain.value, module.shift.value))
    output = torch.nn.functional.layer_norm(given, shape[-1:], gain, shift, epsilon)
    output.backward(torch.tensor(dy))
    for ours, theirs in (
        (y, output),
        (dx, given.grad),
        (module.gain.grad, gain.grad),
        (module.shift.grad, shift.grad),
    ):
        same(ours, theirs)
