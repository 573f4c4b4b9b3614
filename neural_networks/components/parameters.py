"""The flat vectors of all weights of a model, and of their gradients.

Optimizers, checkpoints and threads work on these. Contract:

    pack(module, dtype) -> FlatParameters    every Parameter becomes a view into .values and .grads
    FlatParameters.view(submodule)           the slices of one part, to train the last layer only
    FlatParameters.twin()                    a module with the same values and gradients of its own,
                                             one for each thread
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from neural_networks.components.module import Module, Parameter

__all__ = ["FlatParameters", "Parameter", "pack"]


class FlatParameters:
    """All parameters of a module as two vectors, `.values` and `.grads`, of shape (n,).

    Each Parameter's `value` and `grad` are views into the vectors, so a change of one is a change
    of the other.

    Examples:
        >>> from neural_networks.components.feed_forward import FeedForward
        >>> network = FeedForward((3, 4, 1), rng=np.random.default_rng(0))
        >>> flat = pack(network)
        >>> flat.values.shape, flat.view(network.layers[-1]).values.shape  # all, the last
        ((21,), (5,))
    """

    def __init__(self, module: Module, values: np.ndarray, grads: np.ndarray) -> None:
        self.module = module
        self.values = values
        self.grads = grads

    def zero_grads(self) -> None:
        """Set every gradient to zero, as a training step does when it starts."""
        self.grads.fill(0)

    def view(self, submodule: Module) -> FlatParameters:
        """Return the slices of the vectors that belong to one part of the module.

        Raises:
            ValueError: if the part's parameters are not all in this module, or are not next to each
                other.
        """
        parameters = submodule.parameters()
        if not parameters:
            return FlatParameters(submodule, self.values[:0], self.grads[:0])
        itemsize = self.values.itemsize
        base = self.values.__array_interface__["data"][0]
        start = (parameters[0].value.__array_interface__["data"][0] - base) // itemsize
        stop = start
        for parameter in parameters:
            if (parameter.value.__array_interface__["data"][0] - base) // itemsize != stop:
                raise ValueError(
                    "the submodule's parameters are not one slice of this module's flat vector"
                )
            stop += parameter.value.size
        if start < 0 or stop > self.values.size:
            raise ValueError("the submodule is not a part of this module")
        return FlatParameters(submodule, self.values[start:stop], self.grads[start:stop])

    def twin(self) -> FlatParameters:
        """Return a copy of the module that shares the values but adds into gradients of its own.

        Two threads may then run `backward` at the same time on two parts of a mini-batch.
        """
        shared: dict[int, Any] = {id(p.value): p.value for p in self.module.parameters()}
        module = copy.deepcopy(self.module, shared)
        grads = np.zeros_like(self.grads)
        _bind(module, self.values, grads)
        return FlatParameters(module, self.values, grads)


def pack(module: Module, dtype: DTypeLike = np.float32) -> FlatParameters:
    """Move all parameters of a module into one flat vector of values and one of gradients.

    The dtype is chosen here: the same module is checked in float64 and runs in float32.

    Args:
        module: whose `parameters()` are packed, depth first in attribute order.
        dtype: of both vectors.

    Returns:
        The vectors, into which the module's Parameters are views from now on. Gradients are zero.

    Examples:
        >>> from neural_networks.components.dense import Dense
        >>> layer = Dense(3, 2, rng=np.random.default_rng(0))
        >>> flat = pack(layer, np.float64)
        >>> flat.values[:] = 0.5
        >>> layer.weight.value.shape, layer.weight.value.max(), flat.grads.shape
        ((3, 2), np.float64(0.5), (8,))
    """
    parameters = module.parameters()
    size = sum(p.value.size for p in parameters)
    values = np.empty(size, dtype)
    start = 0
    for parameter in parameters:
        values[start : start + parameter.value.size] = parameter.value.ravel()
        start += parameter.value.size
    grads = np.zeros(size, dtype)
    _bind(module, values, grads)
    return FlatParameters(module, values, grads)


def _bind(module: Module, values: np.ndarray, grads: np.ndarray) -> None:
    start = 0
    for parameter in module.parameters():
        stop = start + parameter.value.size
        shape = parameter.value.shape
        parameter.value = values[start:stop].reshape(shape)
        parameter.grad = grads[start:stop].reshape(shape)
        start = stop
