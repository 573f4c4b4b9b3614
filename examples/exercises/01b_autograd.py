"""Exercises of lesson 1b: more operations, and the walk back.

Edit this file, and check it: python examples/check.py 1b
"""

from __future__ import annotations


class Value:
    """A number that knows its parents, and its derivative with respect to each."""

    def __init__(self, data: float, *parents: tuple[Value, float]) -> None:
        self.data, self.grad, self.parents = float(data), 0.0, parents

    def __add__(self, other: Value) -> Value:
        return Value(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other: Value) -> Value:
        return Value(self.data * other.data, (self, other.data), (other, self.data))


def exponential(a: Value) -> Value:
    """Return exp(a) as a Value; `import math`, and math.exp computes it."""


def quotient(a: Value, b: Value) -> Value:
    """Return a / b as a Value with two parents."""


def backward(loss: Value) -> None:
    """Set the gradients of all numbers that led to the loss; they are 0 before.

    It is right for the neuron of lesson 1, and wrong for most other formulas: find out which.
    You may change Value, too.
    """
    loss.grad = 1.0
    waiting = [loss]
    while waiting:
        value = waiting.pop()
        for parent, slope in value.parents:
            parent.grad += slope * value.grad
            waiting.append(parent)
