"""Lesson 4: backpropagation through time, by a loop and by the library's kernel.

A recurrent layer passes its state h on: h_t = tanh(x_t W + h_{t-1} U + b), with the same weights at
every step. Unrolled, it is a deep network whose layers share weights, so the chain rule runs back
through time, and each step adds to the same dW, dU, db:

    ds_t = dh_t (1 - h_t^2),   dW = sum x_t^T ds_t,   dU = sum h_{t-1}^T ds_t
    dh_{t-1} = ds_t U^T + the loss's own gradient at h_{t-1}
"""

from __future__ import annotations

import time

import numpy as np
from lesson import BLUE, GREEN, ORANGE, RED, canvas, run

from neural_networks.components.parameters import pack
from neural_networks.components.rnn import RNN
from neural_networks.gradient_check import check_gradients

STEPS, BATCH, FEATURES, HIDDEN = 100, 16, 12, 32


def forward(x: np.ndarray, W: np.ndarray, U: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the states h (T + 1, B, H) for inputs x (T, B, F); the first is zero."""
    h = np.zeros((len(x) + 1, x.shape[1], len(U)), x.dtype)
    for t in range(len(x)):
        h[t + 1] = np.tanh(x[t] @ W + h[t] @ U + b)
    return h


def backward(dh: np.ndarray, x: np.ndarray, h: np.ndarray, W: np.ndarray, U: np.ndarray) -> tuple:
    """Return dx, dW, dU, db and the gradient at every state (T, B, H), from dh (T, B, H)."""
    dx, dW, dU, db = np.empty_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros(len(U), x.dtype)
    later, at_states = np.zeros_like(h[0]), np.empty_like(dh)
    for t in reversed(range(len(x))):
        # h_t affects the loss directly, and through the next step
        at_states[t] = dh[t] + later
        ds = at_states[t] * (1 - h[t + 1] ** 2)
        dW += x[t].T @ ds
        dU += h[t].T @ ds
        db += ds.sum(axis=0)
        dx[t] = ds @ W.T
        later = ds @ U.T
    return dx, dW, dU, db, at_states


def seconds(call, repeats: int) -> float:
    """Return the median CPU time of a call."""
    starts = []
    for _ in range(repeats + 1):
        starts.append(time.thread_time())
        call()
    return float(np.median(np.diff(starts)))


def main(fast: bool) -> tuple:
    """Check the loop against the kernel and differences; then see how far back gradients reach."""
    rng = np.random.default_rng(4)
    layer = RNN(FEATURES, HIDDEN, rng=rng)
    pack(layer, np.float64)
    W, U, b = layer.input_weight.value, layer.recurrent_weight.value, layer.bias.value
    x = rng.standard_normal((STEPS, BATCH, FEATURES))
    dh = rng.standard_normal((STEPS, BATCH, HIDDEN))
    dx = layer.backward(dh, layer.forward(x)[1])
    hand = backward(dh, x, forward(x, W, U, b), W, U)
    library = dx, layer.input_weight.grad, layer.recurrent_weight.grad, layer.bias.grad
    pairs = zip(hand[:4], library, strict=True)
    apart = max(float(np.abs(one - other).max() / np.abs(other).max()) for one, other in pairs)
    print(f"{STEPS} steps: loop and kernel differ by {apart:.0e} of the largest gradient.\n")
    report = check_gradients(layer, x[:20, :3], rng=rng)
    print(report)

    pack(layer, np.float32)
    x32, dh32 = x.astype(np.float32), dh.astype(np.float32)
    W, U, b = layer.input_weight.value, layer.recurrent_weight.value, layer.bias.value
    repeats = 10 if fast else 60
    loop = seconds(lambda: backward(dh32, x32, forward(x32, W, U, b), W, U), repeats)
    kernel = seconds(lambda: layer.backward(dh32, layer.forward(x32)[1]), repeats)
    ratio = loop / kernel
    print(f"\nloop {1000 * loop:.2f} ms, kernel {1000 * kernel:.2f} ms, {ratio:.1f} times faster")

    # The loss is at the last step only; each step back multiplies by U^T and by tanh' <= 1.
    last = np.zeros_like(dh)
    last[-1] = rng.standard_normal((BATCH, HIDDEN))
    rotation = np.linalg.qr(rng.standard_normal((HIDDEN, HIDDEN)))[0]  # keeps lengths
    x, W, reach = 0.02 * x, W.astype(np.float64), {}
    for size in (0.5, 0.9, 1.0, 1.1, 1.3):
        states = forward(x, W, size * rotation, 0 * hand[3])
        norms = np.linalg.norm(backward(last, x, states, W, size * rotation)[4], axis=(1, 2))
        reach[size] = norms / norms[-1]
    print("\nsize of the gradient 99 steps before the loss, if U stretches by")
    for size, norms in reach.items():
        print(f"  {size}: {norms[0]:9.2e}    (at most {size}^99 = {size**99:.2e})")
    print("\nLook at the picture: gradients shrink or grow exponentially, until tanh' is small.")
    print("Clipping limits those that explode; nothing restores those that have vanished. So")
    print("lesson 5 has gates.")
    found = {"apart": apart, "check": report.error, "faded": reach[0.5][0]}
    return picture(reach), found | {"exploded": reach[1.3][0], "kept": reach[1.0][0]}


def picture(reach: dict[float, np.ndarray]):
    """Draw the gradient's size against the distance from the loss."""
    axes = (figure := canvas(8.5, 4.8)).subplots()
    steps, colours = np.arange(STEPS), (BLUE, "#7fb0d8", GREEN, ORANGE, RED)
    for (size, norms), colour in zip(reach.items(), colours, strict=True):
        label = f"U stretches by {size}"
        axes.semilogy(steps[::-1], norms, color=colour, linewidth=2, label=label)
        axes.semilogy(steps, size**steps, ":", color=colour, linewidth=1)
    axes.set(xlabel="steps before the loss", ylabel="size of the gradient", ylim=(1e-30, 1e14))
    axes.set_title("Gradient by distance in time (dotted: the bound, stretch^distance)")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    return figure


if __name__ == "__main__":
    found = run(main)
