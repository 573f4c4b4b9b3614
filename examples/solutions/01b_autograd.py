"""Answers to the exercises of lesson 1b."""

from __future__ import annotations

import math


class Value:
    """A number that knows its parents, and its derivative with respect to each."""

    def __init__(self, data: float, *parents: tuple[Value, float]) -> None:
        self.data, self.grad, self.parents = float(data), 0.0, parents

    def __add__(self, other: Value) -> Value:
        return Value(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other: Value) -> Value:
        return Value(self.data * other.data, (self, other.data), (other, self.data))


def exponential(a: Value) -> Value:
    """Return exp(a), which is its own derivative."""
    y = math.exp(a.data)
    return Value(y, (a, y))


def quotient(a: Value, b: Value) -> Value:
    """Return a / b, whose derivatives are 1 / b and -a / b^2."""
    y = a.data / b.data
    return Value(y, (a, 1 / b.data), (b, -y / b.data))


def backward(loss: Value) -> None:
    """Set the gradients of all numbers that led to the loss.

    A number used twice was passed on twice, the second time with the first part again. It has to
    wait until all of its gradient has arrived: the numbers are sorted so that parents come last.
    """
    order, seen = [], set()

    def visit(value: Value) -> None:
        if value not in seen:
            seen.add(value)
            for parent, _ in value.parents:
                visit(parent)
            order.append(value)

    visit(loss)
    loss.grad = 1.0
    for value in reversed(order):
        for parent, slope in value.parents:
            parent.grad += slope * value.grad
