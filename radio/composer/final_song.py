"""The final song: descent on its coordinate P, through the generator and the taste, to where the listener should like it best.

It starts from the songs that were rated best and from those that the taste expects most of,
minimises the loss (1 - r) / 2 of a cautious rating r = mean - caution standard deviations, and
stays where the station's songs are. Who may like a middle best is led with more caution: there
going too far is as bad as not going at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gan.descent import descend
from gan.latent import LatentDistribution
from radio.composer.adapter import AddedLayers
from radio.station.station import Station
from radio.taste.taste import Taste, through

FinalProgress = Callable[[int, int, float, float], None]
Trace = Callable[[np.ndarray], None]
STEPS = 30
CAUTION = 1.5  # standard deviations
# more for who likes a middle best for certain; with few standard deviations they are led beyond it
MIDDLE_CAUTION = 1.0
STARTS = 4  # half of them best rated, half best predicted
KNOWN_LOG_VARIANCE = -4.0  # of tempo and key, which are known of each song


def find_final(
    station: Station,
    taste: Taste,
    *,
    rated: np.ndarray,
    ratings: np.ndarray,
    candidates: np.ndarray,
    expected: np.ndarray,
    progress: FinalProgress | None = None,
    trace: Trace | None = None,
    should_stop: Callable[[], bool] | None = None,
    layers: AddedLayers | None = None,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Descend to the final song.

    Args:
        station: whose decoder makes songs.
        taste: of the listener.
        rated: (n, D) coordinates of the songs that were rated.
        ratings: (n,).
        candidates: (m, D) coordinates of other songs.
        expected: (m,) the ratings that the taste expects of those.
        progress: called with (steps done, steps in all, cautious rating of the best so far, its
            distance from the station's middle).
        trace: called with the coordinates (starts, D) where the descent is, the starts first and
            then after each step.
        should_stop: asked before each step; the best so far is returned.
        layers: of the generator, through which the descent goes.

    Returns:
        The coordinate (D,) float32, and how it was found: path, losses and their caution, distances
        from the station's middle, for JSON.
    """
    liked = rated[np.argsort(-ratings, kind="stable")[: STARTS // 2]]
    promising = candidates[np.argsort(-expected, kind="stable")[: STARTS - len(liked)]]
    distribution = whole_distribution(station)
    decode = through(station.vae.decoder, station.latent_size)
    caution = CAUTION + MIDDLE_CAUTION * taste.middle
    objective = taste.objective(
        decode if layers is None else layers.through(decode), caution=caution
    )

    def traced(coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if trace is not None:
            trace(coordinates.astype(np.float32))
        return objective(coordinates)

    descent = descend(
        traced,
        np.concatenate([liked, promising]),
        steps=STEPS,
        distribution=distribution,
        scale=distribution.deviation,
        progress=None
        if progress is None
        else lambda step, lowest, distance: progress(step, STEPS, 1 - 2 * lowest, distance),
        should_stop=should_stop,
    )
    found = {
        "start": "best rated" if descent.best_start < len(liked) else "best predicted",
        "step": descent.best_step,
        "caution": caution,
        "losses": descent.values[:, descent.best_start].tolist(),
        "distances": descent.distances[:, descent.best_start].tolist(),
        "path": descent.path[:, descent.best_start].tolist(),
    }
    if layers is None:
        return descent.best.astype(np.float32), found
    # A song of G' at P is the song of G at A(P): that is what is kept of it.
    return layers.forward(descent.best[None])[0][0].astype(np.float32), found | {
        "before_layers": descent.best.tolist()
    }


def whole_distribution(station: Station) -> LatentDistribution:
    """Return the distribution of a station's whole coordinates P: z as it was encoded, tempo and key beside it."""
    known = np.full(station.coordinates.shape, KNOWN_LOG_VARIANCE)
    means = np.concatenate([station.means, station.coordinates], axis=1)
    return LatentDistribution(means, np.concatenate([station.log_variances, known], axis=1))
