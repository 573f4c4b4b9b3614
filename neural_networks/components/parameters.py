"""Weights and their gradients, and the one flat vector per model that optimizers, checkpoints and threads work on.

Contract:

    pack(module, dtype) -> FlatParameters    every Parameter of the module becomes a view into .values and .grads
    FlatParameters.view(submodule)           the slices that belong to one part: "train the last layer only"
    FlatParameters.twin()                    a module that shares the values and has gradients of its own: one per thread
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

if TYPE_CHECKING:
    from neural_networks.components.module import Module


class Parameter:
    """Hold a weight and the gradient of the loss with respect to it.

    Args:
        value: array of any shape; kept, not copied.
    """

    value: np.ndarray
    grad: np.ndarray

    def __init__(self, value: np.ndarray) -> None:
        self.value = value
        self.grad = np.zeros_like(value)


class FlatParameters:
    """All parameters of a module as two vectors, `.values` and `.grads`, of shape (n,).

    Each Parameter's `value` and `grad` are views into the vectors, so a change of one is a change
    of the other.
    """

    def __init__(self, module: Module, values: np.ndarray, grads: np.ndarray) -> None:
        self.module = module
        self.values = values
        self.grads = grads

    def zero_grads(self) -> None:
        """Set every gradient to zero; the owner of a training step calls it at the start of its own step."""
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

        Two threads may then run `backward` at the same time on two halves of a mini-batch.
        """
        shared: dict[int, Any] = {id(p.value): p.value for p in self.module.parameters()}
        module = copy.deepcopy(self.module, shared)
        grads = np.zeros_like(self.grads)
        _bind(module, self.values, grads)
        return FlatParameters(module, self.values, grads)


def pack(module: Module, dtype: DTypeLike = np.float32) -> FlatParameters:
    """Move all parameters of a module into one flat vector of values and one of gradients.

    The dtype is decided here, once: the same module is checked in float64 and runs in float32.

    Args:
        module: whose `parameters()` are packed, depth first in attribute order.
        dtype: of both vectors.

    Returns:
        The vectors; the module's Parameters are views into them from now on. Gradients start at
        zero.
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
