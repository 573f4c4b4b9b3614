"""Layer normalisation: mean 0 and variance 1 along the last axis, then a learned gain and shift."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.checks import floats, same_shape
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter


class LayerNorm(Module):
    """Apply y = gain (x - mean) / sqrt(variance + epsilon) + shift (Ba et al. 2016, equation 4).

    Args:
        features: F, length of the last axis; gain (F,) starts at 1 and shift (F,) at 0.
        epsilon: keeps a constant vector from a division by zero.

    Examples:
        >>> LayerNorm(4).forward(np.array([[1.0, 2.0, 3.0, 4.0]]))[0].round(2)
        array([[-1.34, -0.45,  0.45,  1.34]])
    """

    def __init__(self, features: int, *, epsilon: float = 1e-5) -> None:
        self.gain = Parameter(np.ones(features))
        self.shift = Parameter(np.zeros(features))
        self.epsilon = epsilon

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y (..., F) and the cache (normalised (..., F), scale (..., 1)).

        Raises:
            ValueError: if x has another size.
            TypeError: if it is not of floats.
        """
        if floats(x).shape[-1:] != self.gain.value.shape:
            raise ValueError(f"a LayerNorm of {self.gain.value.size} takes no x of shape {x.shape}")
        normalised = x - x.mean(axis=-1, keepdims=True)
        variance = np.einsum("...i,...i->...", normalised, normalised)[..., None] / x.dtype.type(
            x.shape[-1]
        )
        scale = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        normalised *= scale
        return normalised * self.gain.value + self.shift.value, (normalised, scale)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx = scale (d - mean(d) - n mean(d n)), d = dy gain, n = normalised x."""
        normalised, scale = cache
        same_shape(dy, normalised)
        features = dy.shape[-1]
        self.gain.grad += np.einsum(
            "ni,ni->i", dy.reshape(-1, features), normalised.reshape(-1, features)
        )
        self.shift.grad += dy.reshape(-1, features).sum(axis=0)
        dx = dy * self.gain.value
        along = np.einsum("...i,...i->...", dx, normalised)[..., None] / dy.dtype.type(features)
        dx -= dx.mean(axis=-1, keepdims=True)
        dx -= normalised * along
        dx *= scale
        return dx
