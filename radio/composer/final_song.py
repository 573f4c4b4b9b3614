"""The final song: descent on its coordinate P through generator and taste to the best rating.

It starts from the best rated songs and from those with the best predicted ratings, minimises the
loss (1 - r) / 2 of a cautious rating r = mean - caution standard deviations, and stays where the
station's songs are. The caution is greater for a listener who may prefer a middle value: there, too
much is as bad as too little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gan.descent import descend
from gan.latent import LatentDistribution
from radio.composer.adapter import Adapter
from radio.composer.events import FinalStep
from radio.station import Station, stacked
from radio.taste import Taste, through

STEPS = 30  # chosen, not measured
# Standard deviations below the mean. After 30 ratings, final songs of quadratic listeners are at
# percentile 85 with 1.5 and at 78 with 0.5, those of others at 100 with both (docs/taste.md).
FINAL_CAUTION = 1.5
# Added for a listener who certainly prefers a middle value; percentile 99 instead of 97
# (docs/taste.md).
MIDDLE_CAUTION = 1.0
STARTS = 4  # half of them best rated, half best predicted; chosen, not measured
KNOWN_LOG_VARIANCE = -4.0  # of tempo and key, which are known of each song; chosen, not measured


def find_final(
    station: Station,
    taste: Taste,
    *,
    rated: np.ndarray,
    ratings: np.ndarray,
    candidates: np.ndarray,
    expected: np.ndarray,
    progress: Callable[[FinalStep], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    adapter: Adapter | None = None,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Descend to the final song.

    Args:
        station: whose decoder makes songs.
        taste: of the listener.
        rated: (n, D or more) coordinates of the songs that were rated, `stacked`.
        ratings: (n,).
        candidates: (m, D) coordinates of other songs.
        expected: (m,) their predicted ratings.
        progress: called at the start and after each step.
        should_stop: called before each step; once it returns True the best so far is returned.
        adapter: of the generator, through which the descent goes.

    Returns:
        The coordinate (D,) float32, and how it was found: path, losses and their caution, distances
        from the station's mean, for JSON.
    """
    movable = station.movable
    liked = rated[np.argsort(-ratings, kind="stable")[: STARTS // 2]]
    promising = candidates[np.argsort(-expected, kind="stable")[: STARTS - len(liked)]]
    starts = stacked([*liked, *promising], station.size)
    distribution = moving_distribution(station)
    decode = through(station)
    caution = FINAL_CAUTION + MIDDLE_CAUTION * taste.prefers_middle
    objective = taste.objective(
        decode if adapter is None else adapter.through(decode), caution=caution
    )

    at = np.zeros((0, 0), np.float32)  # where the descent is

    def traced(moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nonlocal at
        coordinates = starts.astype(np.float64)
        coordinates[:, movable] = moved
        at = coordinates.astype(np.float32)
        loss, gradient = objective(coordinates)
        return loss, gradient[:, movable]

    def report(step: int, lowest: float, distance: float) -> None:
        if progress is not None:
            progress(FinalStep(step, STEPS, 1 - 2 * lowest, distance, at))

    descent = descend(
        traced,
        starts[:, movable],
        steps=STEPS,
        distribution=distribution,
        scale=distribution.deviation,
        progress=report,
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
    best = starts[descent.best_start].astype(np.float64)
    best[movable] = descent.best
    if adapter is None:
        return station.trimmed(best.astype(np.float32)), found
    # A song of G' at P is the song of G at A(P), which is the coordinate to return.
    adapted = adapter.forward(best[None])[0][0].astype(np.float32)
    return station.trimmed(adapted), found | {"before_layers": best.tolist()}


def moving_distribution(station: Station) -> LatentDistribution:
    """Return the distribution of the values of P that move: z as encoded, then tempo and key."""
    known = np.full(station.coordinates.shape, KNOWN_LOG_VARIANCE)
    means = np.concatenate([station.means, station.coordinates], axis=1)
    return LatentDistribution(means, np.concatenate([station.log_variances, known], axis=1))
