"""The recurrent cells, one by one, surrounded by layers and in containers, for tests to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.gru import GRU
from neural_networks.components.lstm import LSTM
from neural_networks.components.recurrent import Recurrent
from neural_networks.components.rnn import RNN
from neural_networks.components.stacked import Stacked

# from the input size, the hidden size and the generator
CELLS: dict[str, Callable[[int, int, np.random.Generator], Any]] = {
    "GRU": lambda f, h, rng: GRU(f, h, rng=rng),
    "LSTM": lambda f, h, rng: LSTM(f, h, rng=rng),
    "RNN": lambda f, h, rng: RNN(f, h, rng=rng),
    "GRU of layers": lambda f, h, rng: GRU(
        f, input_layers=(h + f, 6, h), output_layers=(h, 5, 3), rng=rng
    ),
    "LSTM of layers": lambda f, h, rng: LSTM(
        f, input_layers=(h + f, 3, 4, h), output_layers=(h, 6), rng=rng
    ),
    "RNN of layers": lambda f, h, rng: RNN(
        f, input_layers=(h + f, h), output_layers=(h, 1), rng=rng
    ),
    "Recurrent": lambda f, h, rng: Recurrent(f, (h + f, h), (h, h), rng=rng),
    "Stacked": lambda f, h, rng: Stacked(
        GRU(f, h, rng=rng), LSTM(h, 5, rng=rng), RNN(5, h, rng=rng)
    ),
    "Bidirectional": lambda f, h, rng: Bidirectional(LSTM(f, h, rng=rng), RNN(f, 4, rng=rng)),
    "both": lambda f, h, rng: Stacked(
        Bidirectional(GRU(f, h, rng=rng), Recurrent(f, (h + f, h), (h, 3), rng=rng)),
        GRU(h + 3, h, rng=rng),
    ),
}
every_cell = pytest.mark.parametrize("kind", CELLS)
MODES = [(repeated, last) for repeated in (False, True) for last in (False, True)]


def run(
    module: Any, x: np.ndarray, first: np.ndarray | None, mode: tuple[bool, bool]
) -> tuple[np.ndarray, Any]:
    """Forward in one of four ways; an input for all steps is the first of x."""
    repeated, last = mode
    return module.forward(
        x[0] if repeated else x, first, steps=len(x) if repeated else None, last=last
    )


def made(
    kind: str, shape: tuple[int, int, int, int], rng: np.random.Generator
) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """A cell, its input, its first state and the gradient of its outputs, arrays in float32."""
    steps, batch, inputs, size = shape
    module = CELLS[kind](inputs, size, rng)
    shapes = (steps, batch, inputs), (batch, module.state_size), (steps, batch, module.output_size)
    return module, *(rng.standard_normal(s).astype(np.float32) for s in shapes)
