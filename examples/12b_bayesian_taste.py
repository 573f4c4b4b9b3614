"""Lesson 12b: a Bayesian taste: what a few ratings tell, what they don't, and what to play next.

A song is a vector f of features, a listener a vector w, a rating f w + noise of deviation s. Before
any rating w ~ N(0, 1). Bayes' rule multiplies densities, so their logarithms add: after ratings r
of songs F, -log p(w) = |F w - r|^2 / 2 s^2 + |w|^2 / 2 + a constant. This is a parabola, so w is
Gaussian. Its mean is the minimum, its precision (inverse covariance) the second derivative:

    precision A = 1 + F^T F / s^2,  mean m = A^-1 F^T r / s^2,  rating of f ~ N(f m, f A^-1 f + s^2)

Descent would find m too, but not how sure it is, and so not when to try something new.
"""

from __future__ import annotations

import numpy as np
from lesson import BLUE, GREEN, GREY, ORANGE, RED, canvas, run

FEATURES, SONGS, RATINGS, NOISE = 8, 60, 25, 0.5


def posterior(F: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (D,) and covariance (D, D) of w, after ratings r (N,) of songs F (N, D)."""
    covariance = np.linalg.inv(np.eye(F.shape[1]) + F.T @ F / NOISE**2)
    return covariance @ F.T @ r / NOISE**2, covariance


def loss(w: np.ndarray, F: np.ndarray, r: np.ndarray) -> tuple[float, np.ndarray]:
    """Return |F w - r|^2 / 2 s^2 + |w|^2 / 2 and its gradient."""
    error = F @ w - r
    return error @ error / (2 * NOISE**2) + w @ w / 2, F.T @ error / NOISE**2 + w


def scores(kind: str, songs: np.ndarray, mean: np.ndarray, covariance: np.ndarray, rng):
    """Return how much the radio wants to play each of the songs (SONGS, D), by a way to choose."""
    if kind == "random":
        return rng.random(len(songs))
    if kind == "greedy":  # what is expected to be liked most
        return songs @ mean
    if kind == "Thompson":  # what would be liked most by one of the listeners that it may be
        return songs @ rng.multivariate_normal(mean, covariance)
    # upper confidence bound: expected, and a bonus for what is not known
    return songs @ mean + np.sqrt(np.einsum("nd,de,ne->n", songs, covariance, songs))


def listen(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Return the true liking (RATINGS,) of the songs that a listener is played."""
    w, liked, F, r = rng.standard_normal(FEATURES), [], np.empty((0, FEATURES)), np.empty(0)
    for _ in range(RATINGS):
        songs = rng.standard_normal((SONGS, FEATURES)) / np.sqrt(FEATURES)
        song = songs[np.argmax(scores(kind, songs, *posterior(F, r), rng))]
        liked.append(song @ w)
        F, r = np.vstack([F, song]), np.append(r, song @ w + NOISE * rng.standard_normal())
    return np.array(liked)


def main(fast: bool) -> tuple:
    """Check the mean and the uncertainty, then compare four ways to choose the next song."""
    rng = np.random.default_rng(12)
    F, w = rng.standard_normal((6, FEATURES)), rng.standard_normal(FEATURES)
    r = F @ w + NOISE * rng.standard_normal(6)
    mean, covariance = posterior(F, r)
    slope = float(np.abs(loss(mean, F, r)[1]).max())
    descended = np.zeros(FEATURES)
    for _ in range(3000):
        descended -= 0.01 * loss(descended, F, r)[1]
    apart = float(np.abs(descended - mean).max())
    print(f"The gradient of the loss at the mean is {slope:.0e}; descent ends {apart:.0e} from it.")

    inside, listeners = [], 300 if fast else 2000
    for _ in range(listeners):
        F, w = rng.standard_normal((6, FEATURES)), rng.standard_normal(FEATURES)
        mean, covariance = posterior(F, F @ w + NOISE * rng.standard_normal(6))
        new = rng.standard_normal(FEATURES)
        inside.append(abs(new @ (mean - w)) < np.sqrt(new @ covariance @ new))
    share = float(np.mean(inside))
    print(
        f"After 6 ratings of {FEATURES} features, {share:.1%} of true likings are within a standard"
    )
    print("deviation of the prediction; 68.3% would be perfect.\n")
    curves = {}
    print("mean true liking of songs     1 to 5   6 to 10   21 to 25")
    for kind in ("random", "greedy", "Thompson", "upper bound"):
        rng = np.random.default_rng(1)
        curves[kind] = np.mean([listen(kind, rng) for _ in range(40 if fast else 300)], axis=0)
        parts = (curves[kind][part].mean() for part in (slice(5), slice(5, 10), slice(20, 25)))
        print(f"{kind:24}" + "".join(f"{part:10.2f}" for part in parts))
    print("\nLook at the picture: each rating narrows the listeners that are possible, across one")
    print(
        "direction. Curiosity (the upper bound) pays a little; greed learns too, as songs differ."
    )
    last = {kind: float(curve[-10:].mean()) for kind, curve in curves.items()}
    return picture(curves), {"slope": slope, "apart": apart, "share": share} | last


def picture(curves: dict[str, np.ndarray]):
    """Draw possible listeners after a few ratings, and the liking of songs by four choices."""
    rng, w = np.random.default_rng(3), np.array([1.0, -0.6])
    F = rng.standard_normal((6, 2))
    r = F @ w + NOISE * rng.standard_normal(6)
    figure = canvas(11, 4.6)
    cloud, time = figure.subplots(1, 2)
    for count, colour in ((0, GREY), (1, BLUE), (2, GREEN), (6, ORANGE)):
        some = rng.multivariate_normal(*posterior(F[:count], r[:count]), 400)
        cloud.plot(*some.T, ".", color=colour, markersize=3, label=f"{count} ratings")
    cloud.plot(*w, "*", color=RED, markersize=14, label="the listener")
    cloud.set(xlabel="w1", ylabel="w2", title="Who the listener may be", aspect="equal")
    for (kind, curve), colour in zip(curves.items(), (GREY, BLUE, GREEN, ORANGE), strict=True):
        time.plot(np.arange(1, RATINGS + 1), curve, color=colour, label=kind)
    time.set(xlabel="rating", ylabel="true liking", title="Songs that are played")
    cloud.legend(fontsize=8)
    time.legend()
    return figure


if __name__ == "__main__":
    found = run(main)
