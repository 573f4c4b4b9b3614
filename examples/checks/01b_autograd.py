"""The exercises of lesson 1b: more operations, and the walk back through the graph."""

from __future__ import annotations

import numpy as np

from checks import Wrong, differences, same


def _operation(function, formula, count, theirs, rng):
    """Compare value and local derivatives of an operation with a formula of arrays."""
    for _ in range(3):
        x = rng.uniform(0.4, 2, count)
        values = [theirs.Value(each) for each in x]
        result = function(*values)
        if result is None:
            raise Wrong("returns nothing yet")
        same("the value", result.data, formula(x))
        parents = dict(zip([id(each) for each in values], range(count), strict=True))
        found = np.zeros(count)
        for parent, slope in result.parents:
            if id(parent) not in parents:
                raise Wrong("has a parent that is none of its operands")
            found[parents[id(parent)]] += slope
        differences(lambda: formula(x), derivative=(found, x))


def exponential(theirs, rng):
    """Check exp(a)."""
    _operation(theirs.exponential, lambda x: np.exp(x[0]), 1, theirs, rng)


def quotient(theirs, rng):
    """Check a / b."""
    _operation(theirs.quotient, lambda x: x[0] / x[1], 2, theirs, rng)


def backward(theirs, rng):
    """Check the walk back on graphs in which numbers are used more than once."""
    x = rng.uniform(0.4, 2, 2)

    def chain(a, b):
        return a * b + a

    def twice(a, b):
        c = a * b
        return c * c + c

    def crossed(a, b):
        c = a + b
        d = c * a
        return (d + c) * (d * b) + c * c * a

    def short_and_long(a, b):
        c = a * b
        return c + (c * a) * (c * b) * (c + c)

    for graph in (chain, twice, crossed, short_and_long):
        a, b = (theirs.Value(each) for each in x)
        theirs.backward(graph(a, b))
        gradient = np.array([a.grad, b.grad])
        differences(lambda: graph(*x), **{f"in {graph.__name__}, a gradient": (gradient, x)})
