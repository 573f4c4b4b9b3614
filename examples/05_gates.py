"""Lesson 5: why gates. The adding problem (Hochreiter and Schmidhuber 1997).

The input is a long sequence of numbers, two of them marked, one in each half; the answer is the sum
of these two. So the network has to remember. Always answering 1 has the error 1/6, the variance of
such a sum. A simple recurrent layer multiplies its state by U at each step; a gated one adds to it:

    GRU: h_t = (1 - z) n + z h_{t-1}        LSTM: c_t = f c_{t-1} + i g,   h_t = o tanh(c_t)

Gates z, f, i, o are sigmoids and n, g tanh of such sums as an RNN makes; they multiply value by
value. So dh_{t-1} = z dh_t + ..., dc_{t-1} = f dc_t, and z and f may stay near 1.
"""

from __future__ import annotations

import numpy as np
from lesson import BLUE, GREEN, ORANGE, canvas, run

from neural_networks.components.dense import Dense
from neural_networks.components.gru import GRU
from neural_networks.components.losses import mean_squared_error
from neural_networks.components.lstm import LSTM
from neural_networks.components.module import Module
from neural_networks.components.parameters import pack
from neural_networks.components.rnn import RNN
from neural_networks.optimizers.optimizers import Adam, clip_by_global_norm

HIDDEN, BATCH = 48, 64
CELLS = {"RNN": (RNN, BLUE), "GRU": (GRU, ORANGE), "LSTM": (LSTM, GREEN)}


class Adder(Module):
    """Read a sequence (T, B, 2) recurrently and predict the sum (B, 1) from the last state."""

    def __init__(self, cell: type, rng: np.random.Generator) -> None:
        self.cell = cell(2, HIDDEN, rng=rng)
        self.output = Dense(HIDDEN, 1, rng=rng)
        # a forget gate of sigmoid(3) = 0.95 halves a value in 14 steps, one of sigmoid(1) in 2
        if cell is LSTM:
            self.cell.bias.value[HIDDEN : 2 * HIDDEN] += 2

    def forward(self, x: np.ndarray) -> tuple:
        """Return the sums and the caches."""
        state, cell = self.cell.forward(x, last=True)
        y, output = self.output.forward(state)
        return y, (cell, output)

    def backward(self, dy: np.ndarray, cache: tuple) -> np.ndarray:
        """Return dx (T, B, 2)."""
        return self.cell.backward(self.output.backward(dy, cache[1]), cache[0])


def task(steps: int, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences of (number, mark) (T, B, 2) and the sums of the marked numbers (B, 1)."""
    x = np.zeros((steps, count, 2), np.float32)
    x[..., 0] = rng.random((steps, count))
    marks = np.stack([rng.integers(0, steps // 2, count), rng.integers(steps // 2, steps, count)])
    x[marks, np.arange(count), 1] = 1
    return x, x[marks, np.arange(count), 0].sum(axis=0)[:, None]


def learn(cell: type, steps: int, updates: int) -> tuple[list[float], float, np.ndarray]:
    """Return training losses, the error on new sequences, and the relative size of dL/dx (T,)."""
    network = Adder(cell, np.random.default_rng(5))
    flat, rng, optimizer, losses = pack(network), np.random.default_rng(50), Adam(), []
    for _ in range(updates):
        x, target = task(steps, BATCH, rng)
        y, cache = network.forward(x)
        loss, dy = mean_squared_error(y, target)
        losses.append(loss)
        flat.zero_grads()
        network.backward(dy, cache)
        clip_by_global_norm(flat.grads, 1.0)
        optimizer.step(flat.values, flat.grads, 5e-3)
    x, target = task(steps, 512, rng)
    y, cache = network.forward(x)
    reach = np.linalg.norm(network.backward(np.ones_like(y), cache), axis=(1, 2))
    return losses, mean_squared_error(y, target)[0], reach / reach.max()


def main(fast: bool) -> tuple:
    """Train the three layers on the same sequences."""
    steps, updates = (24, 500) if fast else (100, 1500)
    print(f"sequences of {steps} numbers, {updates} updates with {BATCH} sequences each;")
    print(f"always answering 1 has the error {1 / 6:.4f}\n")
    found = {}
    for name, (cell, _) in CELLS.items():
        found[name] = losses, error, reach = learn(cell, steps, updates)
        print(f"{name:5} error on new sequences {error:.5f}, typically {np.sqrt(error):.3f} off")
    print("\nLook at the left picture: the simple layer never does better than guessing; the gated")
    print(
        "ones suddenly solve the task. The right picture shows dL/dx_t after training: the answer"
    )
    print(
        "of the gated layers depends on all steps, that of the simple layer only on the last ones."
    )
    return picture(found), {name: error for name, (_, error, _) in found.items()}


def picture(found: dict):
    """Draw the losses and the reach of the gradients."""
    figure = canvas(12, 4.6)
    losses, reach = figure.subplots(1, 2)
    for name, (_, colour) in CELLS.items():
        smooth = np.convolve(found[name][0], np.ones(20) / 20, "valid")
        losses.semilogy(np.arange(20, 20 + len(smooth)), smooth, color=colour, label=name)
        reach.semilogy(found[name][2], color=colour, label=name)
    losses.axhline(1 / 6, color="black", linestyle=":", label="always answering 1")
    losses.set(xlabel="update", ylabel="mean squared error", title="Learning to add two numbers")
    reach.set(xlabel="step of the sequence", ylabel="size of dL/dx, largest 1", ylim=(1e-6, 2))
    reach.set_title("Dependence of the answer on each step")
    losses.legend()
    reach.legend()
    return figure


if __name__ == "__main__":
    found = run(main)
