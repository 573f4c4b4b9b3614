"""The decoder's network: estimates coefficients from their rounded values and neighbours.

    coefficient = sign(level) (|level| - h(neighbourhood)) step       where level is not 0

A level only gives the interval of a coefficient. Among large neighbours it may lie anywhere in it,
among small ones it probably lies near the lower end: the network h learned how near from the 5 x 3
levels around it and its frequency.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

import numpy as np

from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.parameters import pack
from neural_networks.training.checkpoint import CheckpointError, load_arrays, save_arrays

SHIPPED = Path(__file__).parent / "models" / "restoring.npz"
REACH = 2  # coefficients on either side
FEATURES = 3 * (2 * REACH + 1) + 2
HIDDEN = (24, 24)


class Restorer:
    """The network and its file."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.network = FeedForward((FEATURES, *HIDDEN, 1), rng=rng)
        pack(self.network)

    @classmethod
    def load(cls, path: str | os.PathLike[str] = SHIPPED) -> Restorer:
        """Return the restorer that `save` wrote.

        Raises:
            CheckpointError: if the file is not one.
        """
        arrays, configuration = load_arrays(path, largest=1 << 24)
        restorer = cls(rng=np.random.default_rng(0))
        for name, parameter in restorer.network.named_parameters():
            if (
                configuration.get("kind") != "restorer"
                or name not in arrays
                or arrays[name].shape != parameter.value.shape
            ):
                raise CheckpointError(f"{os.fspath(path)} does not hold a restorer")
            parameter.value[...] = arrays[name]
        return restorer

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the weights to a file."""
        save_arrays(
            path,
            {name: parameter.value for name, parameter in self.network.named_parameters()},
            {"kind": "restorer"},
        )

    def fingerprint(self) -> bytes:
        """Return four bytes that identify the weights."""
        digest = hashlib.sha256()
        for parameter in self.network.parameters():
            digest.update(np.ascontiguousarray(parameter.value, "<f4").tobytes())
        return digest.digest()[:4]

    def restore(self, levels: np.ndarray) -> np.ndarray:
        """Return the coefficients (C, T, N) float32, in steps, of levels (C, T, N)."""
        restored = np.zeros(levels.shape, np.float32)
        places = np.nonzero(levels)
        if len(places[0]):
            level = levels[places].astype(np.float32)
            shift = self.network.forward(neighbourhoods(levels, places))[0][:, 0]
            restored[places] = level - np.sign(level) * np.clip(shift, -0.5, 0.5)
        return restored


@functools.cache
def shipped() -> Restorer:
    """Return the restorer that is shipped with the package."""
    return Restorer.load()


def neighbourhoods(levels: np.ndarray, places: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return (M, FEATURES): log levels around M places in levels (C, T, N), and frequencies."""
    size = levels.shape[2]
    sizes = np.log1p(np.abs(np.pad(levels, ((0, 0), (1, 1), (REACH, REACH)))).astype(np.float32))
    channel, chunk, place = places
    around = [
        sizes[channel, chunk + row, place + column]
        for row in range(3)
        for column in range(2 * REACH + 1)
    ]
    frequency = (place + 0.5) / size
    return np.stack([*around, frequency, np.log(frequency)], axis=1).astype(np.float32)
