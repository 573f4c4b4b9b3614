"""Lesson 1b: build the autograd, and see why this library does without one.

To differentiate any formula, let every number remember its parents, from which it was computed, and
its derivative with respect to each. The chain rule is then a walk back from the loss: a number's
gradient goes to its parents, times these derivatives, and is added to what came on other ways.
The library writes each layer's backward pass by hand instead, and finds the same gradients.
"""

from __future__ import annotations

from time import thread_time
from timeit import timeit

import numpy as np
from lesson import BLUE, ORANGE, canvas, run

from neural_networks.components.activations import Tanh
from neural_networks.components.dense import Dense
from neural_networks.components.losses import mean_squared_error
from neural_networks.components.module import Sequential
from neural_networks.components.parameters import pack

HIDDEN, BATCH, RATE = 8, 40, 0.1


class Value:
    """A number that knows its parents, and its derivative with respect to each."""

    def __init__(self, data: float, *parents: tuple[Value, float]) -> None:
        self.data, self.grad, self.parents = float(data), 0.0, parents
        self.depth = 1 + max((parent.depth for parent, _ in parents), default=0)

    def __add__(self, other: Value) -> Value:
        return Value(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other: Value) -> Value:
        return Value(self.data * other.data, (self, other.data), (other, self.data))

    def tanh(self) -> Value:
        """Return the hyperbolic tangent y, whose derivative is 1 - y^2."""
        y = float(np.tanh(self.data))
        return Value(y, (self, 1 - y * y))

    def backward(self) -> list[Value]:
        """Set the gradients of all numbers that led to this one, and return them."""
        reached, waiting = {self: None}, [self]  # a dict, for a set has no order
        while waiting:
            for parent, _ in waiting.pop().parents:
                if parent not in reached:
                    reached[parent], parent.grad = None, 0.0
                    waiting.append(parent)
        self.grad = 1.0  # dL/dL
        # the deepest first: a gradient is passed on when all of it has arrived
        for value in sorted(reached, key=lambda value: -value.depth):
            for parent, slope in value.parents:
                parent.grad += slope * value.grad
        return list(reached)


def by_numbers(weights: np.ndarray, x: np.ndarray, target: np.ndarray) -> tuple:
    """Return the size of the graph of mean (tanh(x W + b) V + c - target)^2, loss and gradient."""
    numbers = [Value(each) for each in weights]  # W, b, V, c one after the other
    loss = Value(0)
    for (first, second), wanted in zip(x, target[:, 0], strict=True):
        x1, x2, y = Value(first), Value(second), numbers[-1]
        for i in range(HIDDEN):
            s = x1 * numbers[i] + x2 * numbers[HIDDEN + i] + numbers[2 * HIDDEN + i]
            y += s.tanh() * numbers[3 * HIDDEN + i]
        error = y + Value(-wanted)
        loss += error * error * Value(1 / len(x))
    return len(loss.backward()), loss.data, np.array([each.grad for each in numbers])


def main(fast: bool) -> tuple:
    """Train one network by numbers and by layers, and measure what a gradient costs."""
    rng = np.random.default_rng(1)
    network = Sequential(Dense(2, HIDDEN, rng=rng), Tanh(), Dense(HIDDEN, 1, rng=rng))
    flat = pack(network, np.float64)
    x = rng.uniform(-1, 1, (1000, 2))
    target = np.sign(x[:, :1] * x[:, 1:])  # four fields, like those of a chessboard

    def by_layers(count: int) -> None:
        y, cache = network.forward(x[:count])
        flat.zero_grads()
        network.backward(mean_squared_error(y, target[:count])[1], cache)

    weights, apart, losses = flat.values.copy(), 0.0, []
    for _ in range(20 if fast else 150):
        size, loss, gradient = by_numbers(weights, x[:BATCH], target[:BATCH])
        losses.append(loss)
        by_layers(BATCH)
        apart = max(apart, float(np.abs(gradient - flat.grads).max()))
        weights -= RATE * gradient
        flat.values -= RATE * flat.grads
    first, last = losses[0], losses[-1]
    print(f"{BATCH} points: a graph of {size:,} numbers. Training: loss {first:.4f} -> {last:.4f};")
    print(f"the gradients by numbers and by layers never differ by more than {apart:.0e}.")
    costs, clock = [], {"timer": thread_time}
    for n in (1, 10, 100) if fast else (1, 10, 100, 1000):
        slow = timeit(lambda n=n: by_numbers(weights, x[:n], target[:n]), number=1, **clock)
        costs.append((n, slow, timeit(lambda n=n: by_layers(n), number=100, **clock) / 100))
    print(f"With {n} points a gradient by layers is {slow / costs[-1][2]:.0f} times as fast.\n")
    print("Look at the picture: each point costs a graph as much as the one before. A product of")
    print("matrices takes a hundred points in about the time of one.")
    return picture(np.array(costs)), {"apart": apart, "first": first, "last": last}


def picture(costs: np.ndarray):
    """Draw the time of a gradient by the number of points."""
    axes = (figure := canvas(8, 4.6)).subplots()
    for i, name, colour in ((1, "a graph of numbers", ORANGE), (2, "layers, by hand", BLUE)):
        axes.loglog(costs[:, 0], 1000 * costs[:, i], "o-", color=colour, label=name)
    axes.set(title="Time of one gradient", xlabel="points in a batch", ylabel="milliseconds")
    axes.legend()
    return figure


if __name__ == "__main__":
    found = run(main)
