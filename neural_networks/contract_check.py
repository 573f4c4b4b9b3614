"""The contract of a Module beside its gradients: what `forward` and `backward` may write to.

check = ContractCheck(module, inputs)       before a forward pass
check.after_forward()                       it writes neither to inputs nor to the module
check.after_same_forward(made, y, again)    the same input gives the same output, which it leaves
check.after_backward(dy, weights)           backward only reads dy
check.after_second_backward(dx, go_back)    a second one on the same cache adds the same again
check.problem                               what was found first, in a line; empty if nothing
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter

RELATIVE, ABSOLUTE = 1e-9, 1e-12  # sums may be added in another order


class GradientError(AssertionError):
    """A gradient is wrong, or the contract is broken; the message is the report."""


class ContractCheck:
    """See the module's contract.

    Args:
        module: that is checked, with gradients of zero.
        inputs: of its forward pass.
    """

    def __init__(self, module: Module, inputs: Sequence[np.ndarray]) -> None:
        self._problem = ""
        self._module, self._inputs = module, inputs
        self._copies = [array.copy() for array in inputs]
        self._numbers = list(_numbers(module))

    def after_forward(self) -> None:
        """Look for inputs and arrays of the module that have changed."""
        if not all(map(np.array_equal, self._copies, self._inputs)):
            self._found("forward has changed its input, which it may only read")
        now = list(_numbers(self._module))
        if len(now) != len(self._numbers) or not all(map(np.array_equal, self._numbers, now)):
            self._found(
                "forward has changed a number that the module holds; it may only read the module, "
                "and returns what backward needs as the cache"
            )

    def after_same_forward(
        self, made: Sequence[np.ndarray], y: Sequence[np.ndarray], again: Sequence[np.ndarray]
    ) -> None:
        """Compare outputs, as they were made, with what is left of them and with those made again.

        NaN is the same as NaN.
        """
        if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(made, y, strict=True)):
            self._found(
                "another forward pass has changed an earlier output: it needs its own array"
            )
        if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(made, again, strict=True)):
            self._found(
                "forward gives another output for the same input: what it draws comes from an "
                "argument, with the same seed each time"
            )

    def after_backward(self, dy: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> None:
        """Look for a gradient that was given and has changed."""
        if not all(map(np.array_equal, dy, weights)):
            self._found("backward has changed dy, which it may only read")

    def after_second_backward(
        self, dx: Sequence[np.ndarray], go_back: Callable[[], Sequence[np.ndarray]]
    ) -> None:
        """Go back once more: the gradients are then twice those of the first time."""
        first = [(name, p.grad.copy()) for name, p in self._module.named_parameters()]
        kept = [array.copy() for array in dx]
        again = go_back()
        grads = [parameter.grad for parameter in self._module.parameters()]
        for (name, once), grad in zip(first, grads, strict=True):
            if not np.allclose(grad, 2 * once, RELATIVE, ABSOLUTE):
                self._found(
                    f"a second backward on one cache does not add the same gradient of {name} "
                    "again: gradients are added to, not overwritten, and a cache is only read"
                )
        if not all(np.allclose(a, b, RELATIVE, ABSOLUTE) for a, b in zip(kept, again, strict=True)):
            self._found("a second backward on one cache returns another dx: a cache is only read")

    def require(self) -> None:
        """Raise a GradientError with the first problem, if there is one."""
        if self._problem:
            raise GradientError(self._problem)

    def _found(self, problem: str) -> None:
        self._problem = self._problem or problem


def _numbers(value: Any) -> Any:
    """Yield copies of all arrays and numbers that a module and its parts hold, but gradients."""
    if isinstance(value, np.ndarray | int | float):
        yield np.array(value)
    elif isinstance(value, Parameter):
        yield value.value.copy()
    elif isinstance(value, Module):
        yield from _numbers(vars(value))
    elif isinstance(value, list | tuple | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _numbers(part)
