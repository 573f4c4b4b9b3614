"""What every layer, cell and network is: something with parameters, a forward pass and a backward pass.

Contract:

    y, cache = module.forward(x)       reads the module, never writes it
    dx = module.backward(dy, cache)    adds into every Parameter.grad; twice on one cache adds the same again

The cache is returned, not stored, so a critic can run on real and on fake songs before either
backward pass, and `generator.backward(critic.backward(dscore, c), g)` is the chain rule as it is
written on paper. Inside networks arrays are time-major: (T, B, F) = (time steps, batch, features),
C-contiguous; one step is (B, F).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neural_networks.components.parameters import Parameter


class Module:
    """The base of everything that is trained. A subclass assigns Parameters and Modules as attributes."""

    def parameters(self) -> list[Parameter]:
        """Return every Parameter of this module and its parts, depth first in attribute order."""
        found: list[Parameter] = []
        for value in vars(self).values():
            for part in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(part, Parameter):
                    found.append(part)
                elif isinstance(part, Module):
                    found.extend(part.parameters())
        return found

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Yield (name, Parameter) in the order of `parameters`, the name a path such as 'cell.weight'."""
        for name, value in vars(self).items():
            several = isinstance(value, (list, tuple))
            for index, part in enumerate(value if several else (value,)):
                path = f"{prefix}{name}.{index}" if several else f"{prefix}{name}"
                if isinstance(part, Parameter):
                    yield path, part
                elif isinstance(part, Module):
                    yield from part.named_parameters(path + ".")

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return (y, cache)."""
        raise NotImplementedError

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx, the gradient of the loss with respect to x, and add those of the parameters."""
        raise NotImplementedError


class Sequential(Module):
    """Run modules one after the other; backward runs them in reverse, which is the chain rule."""

    def __init__(self, *layers: Module) -> None:
        self.layers = list(layers)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the last layer's output and the layers' caches."""
        caches = []
        for layer in self.layers:
            x, cache = layer.forward(x)
            caches.append(cache)
        return x, caches

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return the gradient with respect to the first layer's input."""
        for layer, layer_cache in zip(reversed(self.layers), reversed(cache), strict=True):
            dy = layer.backward(dy, layer_cache)
        return dy
