"""This library's recurrent VAE for recurrent_speed.py: sizes, training step, arithmetic, peak.

    training_step(cell, size, x, threads) -> a function that makes one step
    operations(cell, size) -> the floating-point operations that the step's matrix products need
    peak() -> a function that works on the register tile alone, and its operations

T, B, F, H, Z, G = time steps, batch, features, hidden size, latent size, gates.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from typing import Any

import numba
import numpy as np

from neural_networks.components.gru import GRU
from neural_networks.components.kernels.simd.tile import tile
from neural_networks.components.kernels.simd.vector import LANES, ROWS, TILE, VECTORS
from neural_networks.components.kernels.simd.workspace import aligned
from neural_networks.components.lstm import LSTM
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.components.recurrent import Recurrent
from neural_networks.components.rnn import RNN
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.batches import Piece
from neural_networks.training.pieces import GradientPieces
from neural_networks.vae.vae import VAE

Size = tuple[int, int, int, int, int]

# name: batch, time steps, features, hidden, latent
SIZES: dict[str, Size] = {
    "S0": (5, 3, 5, 4, 3),
    "S1": (16, 64, 32, 32, 8),
    "S2": (32, 256, 96, 128, 32),
    "S3": (32, 256, 128, 384, 64),
}
CELLS: dict[str, Any] = {"GRU": GRU, "LSTM": LSTM, "RNN": RNN, "Recurrent": Recurrent}
_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
# values that backward needs of a unit and a time step, its state among them
_KEPT = {"GRU": 5, "LSTM": 6, "RNN": 1}
_DEPTH = 128  # of the tile's product, whose weights then stay in the nearest cache
_TILES = 2000


def network(cell: str, size: Size) -> VAE:
    """Return a VAE with its first weights.

    `Recurrent` has one layer more in each of its networks, or it would have no leaky ReLU.
    """
    _, _, features, hidden, latent = size
    more = (hidden,) if cell == "Recurrent" else ()
    return VAE(
        encoder_args=dict(
            input_size=features,
            input_layers=(hidden + features, *more, hidden),
            output_layers=(hidden, *more, 2 * latent),
        ),
        decoder_args=dict(
            input_size=latent,
            input_layers=(hidden + latent, *more, hidden),
            output_layers=(hidden, *more, features),
        ),
        latent_size=latent,
        sub_network=CELLS[cell],
    )


def frames(size: Size) -> np.ndarray:
    """Return x (T, B, F) float32."""
    batch, steps, features, _, _ = size
    return np.random.default_rng(0).standard_normal((steps, batch, features), np.float32)


def training_step(cell: str, size: Size, x: np.ndarray, threads: int = 1) -> Callable[[], object]:
    """Return a function that makes one step, with two threads in two pieces as the Trainer does."""
    flat = pack(network(cell, size))
    adam = Adam()
    rng = np.random.default_rng(0)

    def step() -> None:
        flat.zero_grads()
        flat.module.loss(x, x, rng=rng)  # type: ignore[attr-defined]
        adam.step(flat.values, flat.grads, 1e-3)

    if threads == 1:
        return step
    batch = x.shape[1]
    middle = (batch + 1) // 2
    parts = np.ascontiguousarray(x[:, :middle]), np.ascontiguousarray(x[:, middle:])

    def loss(module: VAE, piece: Piece) -> float:
        part = parts[piece.piece]
        return module.loss(part, part, rng=piece.rng)

    pieces = GradientPieces(flat, loss, seed=0, stream=0, threads=threads)
    indices, steps = np.arange(batch), count()

    def step_of_pieces() -> None:
        pieces.gradient(indices, next(steps))
        adam.step(flat.values, flat.grads, 1e-3)

    return step_of_pieces


def song(cell: str, size: Size, steps: int) -> Callable[[], object]:
    """Return a function that decodes `steps` time steps of one song from a latent vector."""
    model = network(cell, size)
    pack(model)
    z = np.random.default_rng(0).standard_normal((1, size[4]), np.float32)
    return lambda: model.decoder.forward(z, steps=steps)


def operations(cell: str, size: Size) -> int:
    """Return the operations of the step's matrix products.

    Backward has twice those of forward, without dx, which is not needed.

    A latent that every step gets is multiplied once, and the encoder's states are read out once: a
    library that does more has the same count.
    """
    batch, steps, features, hidden, latent = size
    if cell == "Recurrent":
        once = latent * hidden + hidden * (hidden + 2 * latent)
        each = (
            features * hidden
            + 2 * hidden * hidden
            + 2 * hidden * hidden
            + hidden * (hidden + features)
        )
    else:
        gates = _GATES[cell] * hidden
        once = latent * gates + hidden * 2 * latent
        each = (features + hidden) * gates + hidden * gates + hidden * features
    unwanted = steps * features * _GATES.get(cell, 1) * hidden
    return 2 * batch * (3 * (once + steps * each) - unwanted)


@lru_cache
def peak() -> tuple[Callable[[], object], int] | None:
    """Return a function that only runs the register tile, and its operations, if there is one."""
    if TILE is None:
        return None
    width, rows, vectors = VECTORS * LANES, ROWS, VECTORS

    @numba.njit(nogil=True, error_model="numpy")
    def work(count, out, left, panel):
        for _ in range(count):
            tile(vectors, rows, out, left, 0, _DEPTH, 1, panel, 0, width, _DEPTH, 1, 0, 0, 0)

    out, left, panel = aligned(rows * width), aligned(rows * _DEPTH), aligned(_DEPTH * width)
    left[:] = panel[:] = 0.5
    return lambda: work(_TILES, out, left, panel), 2 * rows * width * _DEPTH * _TILES


def accuracy(cell: str, size: Size) -> tuple[float, float]:
    """Return the relative errors of gradient and loss in float32, against float64."""
    results: list[tuple[float, np.ndarray]] = []
    flats: list[FlatParameters] = []
    x = frames(size)
    for dtype in (np.float32, np.float64):
        model = network(cell, size)
        flat = pack(model, dtype)
        if flats:
            flat.values[:] = flats[0].values
        flats.append(flat)
        data = x.astype(dtype)
        value = model.loss(data, data, rng=np.random.default_rng(1))
        results.append((value, flat.grads.astype(np.float64)))
    (value, grads), (right_value, right) = results
    return float(np.abs(grads - right).max() / np.abs(right).max()), abs(value - right_value) / abs(
        right_value
    )


def memory(cell: str, size: Size) -> dict[str, float]:
    """Return a step's memory in MB: needed, in its cache, in all arrays, and in the process.

    NOTE: call it in a new process, whose largest size so far is that of a step at S0.
    """
    import resource  # Windows has none

    batch, steps, features, hidden, _ = size
    needed = {**_KEPT, "Recurrent": 4}[cell] * 2 * hidden + features
    training_step(cell, SIZES["S0"], frames(SIZES["S0"]))()
    x = frames(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step = training_step(cell, size, x)
    step()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    model = network(cell, size)
    pack(model)
    y, cache = model.forward(x, rng=np.random.default_rng(0))
    kept = {id(array): array.nbytes for array in _arrays((y, cache)) if array is not x}
    tracemalloc.start()
    step()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    found = {
        "needed": 4 * batch * steps * needed,
        "cache": sum(kept.values()),
        "arrays": most,
        "process": 1024 * grown,
    }
    return {key: value / 1e6 for key, value in found.items()}


def _arrays(tree: Any) -> list[np.ndarray]:
    """Return the arrays in nested tuples and lists, each as the array whose memory it is."""
    if isinstance(tree, np.ndarray):
        while isinstance(tree.base, np.ndarray):
            tree = tree.base
        return [tree]
    return (
        [array for part in tree for array in _arrays(part)]
        if isinstance(tree, tuple | list)
        else []
    )


def first_step(cell: str, size: Size) -> float:
    """Return the seconds of a process's first step: compiled, or read from Numba's cache."""
    step = training_step(cell, size, frames(size))
    start = time.perf_counter()
    step()
    return time.perf_counter() - start
