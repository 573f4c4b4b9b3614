"""Why a song is liked: what each of its moments did to the listener's expected rating and to the critic's score.

    effect_i = S sum_f (G_if - mean_i G_if) dr/dG_if        r the expected rating, or the critic's score; G_i moment i of a song of S

Since dL/dG_i = -dr/dG_i / 2, this is the gradient that the descent follows, read as an answer: to
first order, how much lower r were if this moment were replaced by the song's average one (times S,
so that it can be compared with a whole song's rating).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from radio.station.station import Station
    from radio.taste.taste import Taste

SHOWN = 3  # moments that are named
SPAN_SECONDS = 2.0  # how long a moment is that a person is told of


@dataclass(eq=False)
class Insight:
    """What is known of a song's moments, each (k,) and evenly spread over the song.

    Attributes:
        moments: the rating that is expected of each.
        taste: what each did to the expected rating.
        critic: what each did to the critic's score.
    """

    moments: np.ndarray
    taste: np.ndarray
    critic: np.ndarray


def insight(
    station: Station, taste: Taste, steps: np.ndarray, coordinate: np.ndarray, moments: np.ndarray
) -> Insight:
    """Return why a song is liked.

    Args:
        station: whose critic is asked.
        taste: of the listener.
        steps: (S, F) of the song.
        coordinate: P (D,).
        moments: (S,) expected ratings.
    """
    song = np.ascontiguousarray(steps[:, None])
    _, dtaste, _ = taste.value_and_gradient(
        song, coordinate[None, station.latent_size :], caution=0.0
    )
    _, cache = station.critic.forward(song)
    dcritic = station.critic.backward(np.ones(1, song.dtype), cache)
    return Insight(moments, effects(steps, dtaste[:, 0]), effects(steps, dcritic[:, 0]))


def effects(steps: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return what each moment did (S,), of a song's steps (S, F) and the gradient with respect to them (S, F)."""
    return len(steps) * np.einsum(
        "sf,sf->s", steps - steps.mean(axis=0), gradient, dtype=np.float64
    )


def highlights(effect: np.ndarray, duration: float) -> list[tuple[float, float]]:
    """Return the strongest stretches of a song, in their order of time: (seconds at which each begins, its mean effect).

    Args:
        effect: (k,) evenly spread over the song.
        duration: seconds the song lasts.
    """
    if not len(effect) or duration <= 0:
        return []
    stretches = np.array_split(effect, max(1, min(len(effect), round(duration / SPAN_SECONDS))))
    means = np.array([stretch.mean() for stretch in stretches])
    chosen = np.sort(np.argsort(-np.abs(means), kind="stable")[:SHOWN])
    return [(float(place * duration / len(means)), float(means[place])) for place in chosen]
