"""Lesson 16: a model that runs free drifts, and a critic brings it back.

A network learns to predict a recording's next value from the last eight, x_t = m(x_{t-8} ...
x_{t-1}) + noise: teacher forcing. When it makes something new it is fed with what it has made
itself, and small errors lead it to where it has never been. A critic sees pieces of the free run;
its gradient goes back through all steps: dx_{t-k} += dm_t/dx_{t-k} dx_t, k = 1 ... 8.
"""

from __future__ import annotations

import copy

import numpy as np
from lesson import BLUE, ORANGE, canvas, critic_step, run

from gan import losses
from neural_networks.components.activations import Tanh
from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.module import Sequential
from neural_networks.components.parameters import pack
from neural_networks.optimizers.optimizers import Adam, clip_by_global_norm

PAST, PERIOD, NOISE, BATCH, PIECE = 8, 25.3, 0.02, 64, 64  # in samples but for noise and batch


def tone(phase: np.ndarray, length: int) -> np.ndarray:
    """Return a tone of three partials (length, B) from each phase (B,)."""
    turn = phase + 2 * np.pi / PERIOD * np.arange(length)[:, None]
    return 0.5 * np.sin(turn) + 0.3 * np.sin(2 * turn + 1) + 0.15 * np.sin(3 * turn)


def pieces(x: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Return random pieces (length, BATCH) of recordings x (T, N)."""
    first, which = rng.integers(len(x) - length, size=BATCH), rng.integers(x.shape[1], size=BATCH)
    return x[first + np.arange(length)[:, None], which]


def distance(x: np.ndarray) -> float:
    """Return how far pieces (PIECE, B) are from the tone at its best phase, root mean square."""
    clean = tone(np.linspace(0, 2 * np.pi, 256, endpoint=False), PIECE)
    return float(np.sqrt(((x[:, :, None] - clean[:, None]) ** 2).mean(axis=0).min(axis=1)).mean())


def run_free(network: Sequential, start: np.ndarray, noise: np.ndarray) -> tuple:
    """Return x (PAST + T, B), which begins with `start`, and the caches of its T steps."""
    x, caches = np.concatenate([start, noise]), []
    for t in range(len(noise)):
        mean, cache = network.forward(np.ascontiguousarray(x[t : t + PAST].T))
        x[t + PAST] = mean[:, 0] + NOISE * noise[t]
        caches.append(cache)
    return x, caches


def backward(network: Sequential, dx: np.ndarray, caches: list) -> np.ndarray:
    """Go back through a free run with dx (PAST + T, B), in place, and return dstart (PAST, B)."""
    for t in reversed(range(len(caches))):
        dx[t : t + PAST] += network.backward(dx[t + PAST][:, None].copy(), caches[t]).T
    return dx[:PAST]


def train(network: Sequential, recordings: np.ndarray, steps: int, rng, critic=None) -> Sequential:
    """Return a copy, trained on by teacher forcing, and against the critic if there is one."""
    network = copy.deepcopy(network)
    flat, optimizer, judging = pack(network), Adam(0.5, 0.9), Adam(0.5, 0.9)
    for step in range(steps):
        flat.zero_grads()
        if critic:
            noise = rng.standard_normal((128, BATCH), "f")
            x, caches = run_free(network, pieces(recordings, PAST, rng), noise)
            seen = rng.integers(len(x) - PIECE) + np.arange(PIECE)
            real, fake = pieces(recordings, PIECE, rng).T[None].copy(), x[seen].T[None].copy()
            critic_step(critic, judging, real, fake, rng)
            (scores, cache), dx = critic.forward(fake), np.zeros_like(x)
            dx[seen] = critic.backward(losses.non_saturating(scores)[1], cache)[0].T
            backward(network, dx, caches)
            clip_by_global_norm(flat.grads, 1.0)
        x = pieces(recordings, PAST + 1, rng)
        mean, cache = network.forward(x[:PAST].T.copy())
        network.backward((20 if critic else 2) * (mean - x[PAST][:, None]) / BATCH, cache)
        optimizer.step(flat.values, flat.grads, 1e-3 * (1.01 - step / steps))
    return network


def main(fast: bool) -> tuple:
    """Teach a network, train on in two ways, and let all three run free."""
    rng = np.random.default_rng(2)
    network = Sequential(*FeedForward((PAST, 32, 1), slope=0.2, rng=rng).layers, Tanh())
    critic = FeedForward((PIECE, 64, 64, 1), slope=0.2, rng=rng)
    clean = tone(rng.uniform(0, 2 * np.pi, 16), 80)  # all there is to learn from
    recordings = (clean + NOISE * rng.standard_normal(clean.shape)).astype("f")
    first, more, few, steps = (1000, 600, 250, 600) if fast else (2000, 15500, 500, 8000)
    networks = {
        f"{first} steps of teacher forcing": (taught := train(network, recordings, first, rng)),
        f"{more} more": train(taught, recordings, more, rng),
        f"{few} more, with a critic": train(taught, recordings, few, rng, critic),
    }
    runs, noise = {"the tone": recordings}, rng.standard_normal((steps, 16), "f")
    runs |= {name: run_free(each, recordings[:PAST], noise)[0] for name, each in networks.items()}
    found = {name: distance(x[-PIECE:]) for name, x in runs.items()}
    print(f"distance from the tone after {steps} steps of a free run:")
    print(*(f"  {name:30}{value:8.3f}" for name, value in found.items()), sep="\n")
    print("\nLook at the picture, and listen to the tone and the free runs in this order: training")
    print("on the next value does not ask where it leads; the critic sees it.")
    runs["the tone"] = tone(np.zeros(1), steps)  # as long as the others
    sound = [np.repeat(x[-8000:, 0], 2) for x in runs.values()]  # at half speed, 436 Hz
    return picture(runs), {"distances": [*found.values()]}, np.concatenate(sound)


def picture(runs: dict[str, np.ndarray]):
    """Draw the last 250 values of the tone and of each free run."""
    axes = (figure := canvas(10, 5.6)).subplots(4, 1)
    for axis, (name, x) in zip(axes, runs.items(), strict=True):
        axis.plot(x[-250:, 0], color=ORANGE if "critic" in name else BLUE)
        axis.set(ylim=(-1.05, 1.05), xticks=[], title=name)
    return figure


if __name__ == "__main__":
    found = run(main)
