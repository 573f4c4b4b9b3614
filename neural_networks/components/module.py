"""The base of every layer, cell and network: parameters, a forward pass and a backward pass.

Contract:

    y, cache = module.forward(x)       reads the module, never writes it
    dx = module.backward(dy, cache)    adds to every Parameter.grad; a second call on one cache adds
                                       the same again
    module.add_gradients(dy, cache)    the same without dx, for a first layer: its input needs none

The cache is returned, not stored, so a critic can run on real and on fake songs before either
backward pass, and `generator.backward(critic.backward(dscore, c), g)` is the chain rule as it is
written on paper. Inside networks arrays are time-major: (T, B, F) = (time steps, batch, features),
C-contiguous; one step is (B, F).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


class Parameter:
    """Hold a weight and the gradient of the loss with respect to it.

    Args:
        value: array of any shape; not copied.

    Examples:
        >>> weight = Parameter(np.ones((2, 3)))
        >>> weight.grad
        array([[0., 0., 0.],
               [0., 0., 0.]])
    """

    value: np.ndarray
    grad: np.ndarray

    def __init__(self, value: np.ndarray) -> None:
        self.value = value
        self.grad = np.zeros_like(value)


class Module:
    """The base of everything that is trained; a subclass assigns Parameters and Modules.

    They are found in its attributes, and in lists, tuples and dicts of them.

    Examples:
        >>> class Double(Module):
        ...     def forward(self, x):
        ...         return 2 * x, None
        ...
        ...     def backward(self, dy, cache):
        ...         return 2 * dy
        >>> y, cache = Double().forward(np.ones(3))
        >>> Double().backward(y, cache)
        array([4., 4., 4.])
    """

    def parameters(self) -> list[Parameter]:
        """Return every Parameter of this module and its parts, depth first in attribute order.

        One that several parts share is in the list once.
        """
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Yield (name, Parameter) in the order of `parameters`; a name is like 'cell.weight'."""
        found: set[int] = set()
        for name, parameter in self._named(prefix):
            if id(parameter) not in found:
                found.add(id(parameter))
                yield name, parameter

    def _named(self, prefix: str) -> Iterator[tuple[str, Parameter]]:
        for path, part in named_parts(self):
            if isinstance(part, Parameter):
                yield f"{prefix}{path}", part
            else:
                yield from part._named(f"{prefix}{path}.")

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return (y, cache)."""
        raise NotImplementedError

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx, the gradient of the loss with respect to x; add those of the parameters."""
        raise NotImplementedError

    def add_gradients(self, dy: np.ndarray, cache: Any) -> None:
        """Add the gradients of the parameters; layers override it to save the work for dx."""
        self.backward(dy, cache)


class Sequential(Module):
    """Run modules one after the other, and in reverse in backward, which is the chain rule.

    Examples:
        >>> from neural_networks.components.activations import Tanh
        >>> from neural_networks.components.dense import Dense
        >>> rng = np.random.default_rng(0)
        >>> network = Sequential(Dense(3, 8, rng=rng), Tanh(), Dense(8, 1, rng=rng))
        >>> y, cache = network.forward(np.ones((5, 3)))
        >>> dx = network.backward(np.ones_like(y), cache)
        >>> y.shape, dx.shape
        ((5, 1), (5, 3))
    """

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

    def add_gradients(self, dy: np.ndarray, cache: Any) -> None:
        """Add the gradients of the parameters; go back no further than the first layer with any."""
        first = next((i for i, layer in enumerate(self.layers) if layer.parameters()), 0)
        for layer, layer_cache in reversed(
            list(zip(self.layers[first + 1 :], cache[first + 1 :], strict=True))
        ):
            dy = layer.backward(dy, layer_cache)
        self.layers[first].add_gradients(dy, cache[first])


def named_parts(module: Module) -> Iterator[tuple[str, Parameter | Module]]:
    """Yield (name, part) of the Parameters and Modules that a module holds, not of their parts.

    They are its attributes, or in lists, tuples and dicts that are, to any depth: 'layers.0'.
    """
    for name, value in vars(module).items():
        yield from _inside(name, value)


def _inside(name: str, value: Any) -> Iterator[tuple[str, Parameter | Module]]:
    if isinstance(value, (Parameter, Module)):
        yield name, value
    elif isinstance(value, (list, tuple, dict)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in items:
            yield from _inside(f"{name}.{key}", part)
