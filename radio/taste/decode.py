"""The interface between a generator and a taste: decode coordinates, and go back to them.

decode(P (B, D)) -> steps (S, B, F), tempo and key (B, C), backward
backward(dsteps, dcoordinates) -> dP (B, D)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neural_networks.components.module import Module

Backward = Callable[[np.ndarray, np.ndarray], np.ndarray]
Decode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, Backward]]


def through(decoder: Module, latent_size: int, *, dtype: type = np.float32) -> Decode:
    """Return the `Decode` of a generator for P = [z (Z,), tempo, key], which decodes z only."""

    def decode(coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray, Backward]:
        steps, cache = decoder.forward(np.ascontiguousarray(coordinates[:, :latent_size], dtype))

        def backward(dsteps: np.ndarray, dcoordinates: np.ndarray) -> np.ndarray:
            dz = decoder.backward(dsteps.astype(dtype, copy=False), cache)
            return np.concatenate([dz.astype(np.float64), dcoordinates], axis=1)

        return steps, coordinates[:, latent_size:], backward

    return decode
