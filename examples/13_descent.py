"""Lesson 13: descent in latent space: change the song, not the network.

The weights stay. The chain rule goes one step further than in lesson 10, to the generator's input:

    dL/dP = sum over moments i of dL/dG_i dG_i/dP

and P, here the z of a song, takes steps of Adam. Alone it would leave all songs and fool the
critic, so a hinge on the Mahalanobis distance from the station's songs pulls it back: L + w
max(0, distance(P)^2 / D - 1). The weight w is 10, as scores of songs differ by some units.
"""

from __future__ import annotations

import numpy as np
from lesson import BLUE, GREEN, ORANGE, RED, canvas, run, shortened

from gan.descent import descend
from gan.latent import LatentDistribution
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_loss
from radio.home import SHIPPED, STARTER
from radio.station import Station


def known_minimum(rng: np.random.Generator) -> float:
    """Return how far descent ends from a minimum known on paper, of L = -a . P with the hinge."""
    size, wish = 4, np.array([1.5, -1.0, 0.5, 1.0])
    means = rng.normal(1, 0.5, (300, size))
    latent = LatentDistribution(means, np.full((300, size), -1.0), "total")
    # where -a deviation + 2 u / D = 0, u = (P - mean) / deviation
    minimum = latent.mean + latent.deviation**2 * size * wish / 2
    loss = lambda P: (-(P @ wish), np.broadcast_to(-wish, P.shape))  # noqa: E731
    found = descend(loss, latent.sample(2, rng), steps=600, learning_rate=0.03, distribution=latent)
    return float(np.linalg.norm((found.best - minimum) / latent.deviation))


def main(fast: bool) -> tuple:
    """Find a minimum that is known, then the song that the starter station's critic likes best."""
    rng = np.random.default_rng(13)
    print(f"minimum known on paper: found to {(away := known_minimum(rng)):.0e} deviations\n")
    station = shortened(Station.load(SHIPPED / STARTER), 8 if fast else 16)
    generator, critic, latent = station.model.vae.generator, station.critic.folded(), station.latent
    for network in (generator, critic):
        pack(network, np.float64)
    # what happens in the songs stays the same: P alone tells them apart
    events = rng.standard_normal((4 * station.beats, 1, generator.innovation_size))

    def loss(P: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return L = -D(G(P)) (B,) and dL/dP (B, D); kinks ask for small steps."""
        songs, generated = generator.generate(P.astype(np.float64), events.repeat(len(P), axis=1))
        scores, judged = critic.forward(songs)
        dsongs = critic.backward(np.full_like(scores, -1), judged)  # dL/dG_i of every moment
        return -scores, generator.generate_backward(dsongs, generated)[0]  # and from there dL/dP

    some = latent.sample(4, rng)
    report = check_loss(lambda P: (loss(P)[0].sum(), loss(P)[1]), some, rng=rng, step=1e-8)
    print(f"dL/dP against differences: relative error {report.error:.0e}")
    random = latent.sample(64 if fast else 400, rng)
    scores = np.concatenate([-loss(P)[0] for P in np.array_split(random, len(random) // 32)])
    starts = np.concatenate([random[:2], random[[scores.argmax()]]])  # some songs, and the best
    options = dict(steps=40 if fast else 80, scale=latent.deviation)
    held = descend(loss, starts, distribution=latent, distance_weight=10.0, **options)
    free = descend(loss, starts, **options)
    distances, at = latent.distance(random), (held.best_step, held.best_start)
    print(f"\n{'':34}score    distance from the songs (hinge: {np.sqrt(latent.size):.1f})")
    rows = {
        f"mean of {len(random)} random songs": (scores.mean(), distances.mean()),
        "the best of them": (scores.max(), distances[scores.argmax()]),
        "descent": (-held.values[at], held.distances[at]),
        "descent without the hinge": (-free.values.min(), latent.distance(free.best[None])[0]),
    }
    for name, (score, distance) in rows.items():
        print(f"  {name:30} {score:+7.3f}   {distance:6.1f}")
    print("\nLook at the picture, and listen to start, held end and free end: free of the hinge, P")
    print("goes where the critic was never trained.")
    ends = np.stack([held.path[0, held.best_start], held.best, free.path[-1, held.best_start]])
    songs, other = generator.generate(ends, events.repeat(3, axis=1))[0], station.sample(1, rng)[0]
    frames = station.frames_of(songs, [other] * 3)  # which has the tempo and the key
    sound = np.concatenate([station.render(other, frames=each) for each in frames])
    found = {"away": away, "check": report.error, "hinge": np.sqrt(latent.size)}
    found |= zip(("random", "best", "held", "free"), rows.values(), strict=True)
    return picture(held, free, ends, loss, latent), found, sound


def picture(held, free, ends, loss, latent: LatentDistribution):
    """Draw the loss on the plane through start, held end and free end, and the values by step."""
    start, one, two = ends
    across = (two - start) / np.linalg.norm(two - start)
    up = (one - start) - ((one - start) @ across) * across
    up /= np.linalg.norm(up)
    place = lambda P: np.stack([(P - start) @ across, (P - start) @ up])  # noqa: E731
    paths = [held.path[:, held.best_start], free.path[:, held.best_start]]
    places = np.concatenate([place(path) for path in paths], axis=1)
    (left, low), (right, high) = places.min(axis=1) - 1, places.max(axis=1) + 1
    a, b = np.meshgrid(np.linspace(left, right, 24), np.linspace(low, high, 20))
    plane = start + a.reshape(-1, 1) * across + b.reshape(-1, 1) * up
    score = np.concatenate([-loss(part)[0] for part in np.array_split(plane, 15)])
    figure = canvas(12, 4.8)
    hill, curve = figure.subplots(1, 2, width_ratios=[1.3, 1])
    shades = hill.contourf(a, b, score.reshape(a.shape), 24, cmap="viridis")
    figure.colorbar(shades, ax=hill, label="score D(G(P))")
    hinge, away = np.sqrt(latent.size), latent.distance(plane).reshape(a.shape)
    hill.clabel(hill.contour(a, b, away, [hinge], colors="white"), fmt="the hinge")
    for descent, colour, name in ((held, ORANGE, "held by the hinge"), (free, RED, "free")):
        path = descent.path[:, held.best_start]
        hill.plot(*place(path), ".-", color=colour, label=name)
        curve.plot(-descent.values[:, held.best_start], color=colour, label=f"score, {name}")
        curve.plot(latent.distance(path) / hinge, ":", color=colour, label=f"distance, {name}")
    hill.plot(0, 0, "o", color=BLUE, label="start")
    hill.set(xlabel="to the free end", ylabel="to the held end", title="A plane in latent space")
    hill.legend()
    curve.axhline(1, color=GREEN, linewidth=0.6)
    curve.set(xlabel="step", title="score, and distance over the hinge's")
    curve.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    found = run(main)
