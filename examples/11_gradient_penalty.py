"""Lesson 11: the gradient of a gradient, by hand, and how a famous NumPy version gets it wrong.

A critic D(x) = a . f(s), s = x W + b, has the slope g = dD/dx = (f'(s) a) W^T, and a penalty P =
mean (|g| - 1)^2 keeps it near 1 (Gulrajani et al. 2017, eq. 3). W acts on g twice: where it stands,
and inside f'(s).

    v = dP/dg = 2 (|g| - 1) g / (|g| B),      u = v W, what v becomes at the hidden layer
    dP/da = sum u f'(s)      dP/dW = v^T (f'(s) a) + x^T (u a f''(s))      dP/db = sum u a f''(s)

Without f'' this is right for ReLU, whose f'' is 0, and wrong for every activation that bends.
"""

from __future__ import annotations

import numpy as np
from lesson import BLUE, GREEN, GREY, RED, canvas, run

from gan.penalties import slope_penalty
from neural_networks.components.activations import LeakyReLU, Softplus, Tanh
from neural_networks.components.dense import Dense
from neural_networks.components.module import Sequential
from neural_networks.components.parameters import pack
from neural_networks.optimizers.optimizers import Adam

SLOPES = {  # f' and f''
    "tanh": (lambda s: 1 - np.tanh(s) ** 2, lambda s: -2 * np.tanh(s) * (1 - np.tanh(s) ** 2)),
    "softplus": (lambda s: 1 / (1 + np.exp(-s)), lambda s: np.exp(-s) / (1 + np.exp(-s)) ** 2),
    "leaky ReLU": (lambda s: np.where(s > 0, 1.0, 0.2), lambda s: np.zeros_like(s)),
}
LAYERS = {"tanh": Tanh(), "softplus": Softplus(), "leaky ReLU": LeakyReLU(0.2)}
INPUTS, HIDDEN, SONGS, STEPS = 6, 8, 30, 1500


def penalty(weights: np.ndarray, x: np.ndarray, kind: str, *, bends: bool = True) -> tuple:
    """Return P at x (B, I) and its gradient of W, b and a in a row; without f'' if not `bends`."""
    W, b, a = np.split(weights, [INPUTS * HIDDEN, -HIDDEN])
    W = W.reshape(INPUTS, HIDDEN)
    first, second = SLOPES[kind]
    s = x @ W + b
    g = (first(s) * a) @ W.T
    norm = np.linalg.norm(g, axis=1, keepdims=True)
    v = 2 * (norm - 1) * g / norm / len(x)
    u = v @ W
    bend = u * a * second(s) if bends else np.zeros_like(s)
    dW, db, da = v.T @ (first(s) * a) + x.T @ bend, bend.sum(axis=0), (u * first(s)).sum(axis=0)
    return float(((norm - 1) ** 2).mean()), np.concatenate([dW.ravel(), db, da])


def differences(weights: np.ndarray, x: np.ndarray, kind: str, step: float = 1e-6) -> np.ndarray:
    """Return the slope of P along every single weight, by trying."""
    moves = step * np.eye(len(weights))
    tried = [[penalty(weights + sign * move, x, kind)[0] for sign in (1, -1)] for move in moves]
    return np.array([(above - below) / (2 * step) for above, below in tried])


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random weights and songs."""
    normal = np.random.default_rng(seed).standard_normal
    return normal((INPUTS + 2) * HIDDEN), normal((SONGS, INPUTS))


def by_library(weights: np.ndarray, x: np.ndarray, kind: str) -> np.ndarray:
    """Return the same gradient by the tangents of the library's layers, for any depth."""
    rng = np.random.default_rng(0)
    critic = Sequential(Dense(INPUTS, HIDDEN, rng=rng), LAYERS[kind], Dense(HIDDEN, 1, rng=rng))
    flat = pack(critic, np.float64)
    flat.values[:-1] = weights
    slope_penalty(critic, x[None], weight=1.0)
    return flat.grads[:-1]  # the last bias has no slope


def main(fast: bool) -> tuple:
    """Compare with differences and the library; descend by the right and the wrong gradient."""
    cosines, curves, error = {}, {}, 0.0
    print(f"{'':12} by hand: largest error   without f'': cosine with the truth, median and worst")
    for kind in SLOPES:
        cosines[kind] = []
        for seed in range(20 if fast else 150):
            weights, x = draw(seed)
            truth = differences(weights, x, kind)
            hand, wrong = (penalty(weights, x, kind, bends=bends)[1] for bends in (True, False))
            size = np.linalg.norm(truth)
            for one in (hand, by_library(weights, x, kind)):
                error = max(error, float(np.linalg.norm(one - truth) / size))
            cosines[kind].append(wrong @ truth / np.linalg.norm(wrong) / size)
        middle, worst = np.median(cosines[kind]), min(cosines[kind])
        print(f"{kind:12} {error:22.0e}   {middle:24.3f} {worst:16.3f}")

    for name, bends in (("with f''", True), ("without f''", False)):
        (weights, x), adam, curve = draw(4), Adam(), curves.setdefault(name, [])
        for step in range(STEPS):
            value, gradient = penalty(weights, x, "tanh", bends=bends)
            curve.append(value)
            adam.step(weights, gradient, 0.01 * (1 - step / STEPS))
        print(f"{STEPS} steps of Adam, tanh, {name}: penalty {curve[0]:.3f} -> {curve[-1]:.2e}")
    print("Look at the picture: the wrong gradient goes down too, and stops early. No shape is")
    print("wrong, nothing complains: only differences tell.")
    found = {kind: float(np.median(some)) for kind, some in cosines.items()}
    found |= {name: curve[-1] for name, curve in curves.items()}
    return picture(cosines, curves), found | {"error": error}


def picture(cosines: dict, curves: dict):
    """Draw how far the wrong gradient points from the right one, and both descents."""
    figure = canvas(11, 4.4)
    angles, descent = figure.subplots(1, 2)
    for (kind, found), colour in zip(cosines.items(), (RED, BLUE, GREY), strict=True):
        angles.hist(found, bins=np.linspace(0, 1.0001, 40), color=colour, alpha=0.65, label=kind)
    angles.set(title="Gradient without f''", xlabel="cosine with the true one", ylabel="networks")
    for (name, curve), colour in zip(curves.items(), (GREEN, RED), strict=True):
        descent.semilogy(np.maximum(curve, 1e-16), color=colour, label=name)
    descent.set(xlabel="step", ylabel="penalty", title="Adam, a tanh critic")
    for axis in (angles, descent):
        axis.legend()
    return figure


if __name__ == "__main__":
    found = run(main)
