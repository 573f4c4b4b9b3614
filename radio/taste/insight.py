"""Explains a rating: the effect of each moment on the expected rating and on the critic's score.

    effect_i = S sum_f (G_if - mean_i G_if) dr/dG_if

r is the expected rating, or the critic's score, and G_i moment i of a song of S. To first order the
effect is how much lower r would be with the song's average moment in place of this one, times S, so
that it compares with a whole song's rating. Since dL/dG_i = -dr/dG_i / 2, it is the gradient that
the descent follows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from radio.taste.causes import QUALITIES, in_words

if TYPE_CHECKING:
    from radio.station import Station
    from radio.taste.taste import Taste

SHOWN = 3  # moments
SPAN_SECONDS = 2.0  # duration of a moment that is shown


def no_causes() -> np.ndarray:
    """Return the causes (0, Q, 2) of no moments."""
    return np.zeros((0, len(QUALITIES), 2))


@dataclass(eq=False)
class Insight:
    """Figures of a song's k moments, evenly spread over the song.

    Attributes:
        moments: (k,) expected rating of each.
        taste: (k,) effect of each on the expected rating.
        critic: (k,) effect of each on the critic's score.
        causes: (k, Q, 2) of the effect on the expected rating, see causes.py; or none.
    """

    moments: np.ndarray
    taste: np.ndarray
    critic: np.ndarray
    causes: np.ndarray = field(default_factory=no_causes)


def insight_of(
    station: Station, taste: Taste, steps: np.ndarray, coordinate: np.ndarray, moments: np.ndarray
) -> Insight:
    """Return the effect of each moment of a song.

    Args:
        station: its critic gives the score.
        taste: of the listener.
        steps: (S, F) of the song.
        coordinate: P (D,).
        moments: (S,) expected ratings.
    """
    song = np.ascontiguousarray(steps[:, None])
    beside = station.known(coordinate[None])
    _, dtaste, _ = taste.value_and_gradient(song, beside, caution=0.0)
    _, cache = station.critic.forward(song)
    dcritic = station.critic.backward(np.ones(1, song.dtype), cache)
    return Insight(
        moments,
        effects(steps, dtaste[:, 0]),
        effects(steps, dcritic[:, 0]),
        taste.causes(song, beside)[:, 0],
    )


def effects(steps: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the effects (S,) of a song's steps (S, F), given the gradient at them (S, F)."""
    return len(steps) * np.einsum(
        "sf,sf->s", steps - steps.mean(axis=0), gradient, dtype=np.float64
    )


def in_a_line(mean: float, why: str) -> str:
    """Return what a span does to the predicted rating, such as 'lowers it: dark'."""
    word = "raises it" if mean > 0 else "lowers it"
    return f"{word}: {why}" if why else word


def highlights(
    effect: np.ndarray, duration: float, causes: np.ndarray | None = None
) -> list[tuple[float, float, str]]:
    """Return start in seconds, mean effect and causes of the strongest spans, in order of time.

    Both signs are among them, if there are both: what is best in a song that is disliked, too.

    Args:
        effect: (k,) evenly spread over the song.
        duration: of the song in seconds.
        causes: (k, Q, 2) of the effect; without them each span's text is empty.
    """
    if not len(effect) or duration <= 0:
        return []
    count = max(1, min(len(effect), round(duration / SPAN_SECONDS)))
    spans = np.array_split(effect, count)
    means = np.array([span.mean() for span in spans])
    strongest = np.argsort(-np.abs(means), kind="stable")
    chosen, side = strongest[:SHOWN].copy(), means[strongest[0]]
    others = [place for place in strongest if means[place] * side < 0]
    if others and len(chosen) > 1 and (means[chosen] * side > 0).all():
        chosen[-1] = others[0]
    chosen.sort()
    known = causes is not None and len(causes) == len(effect)
    parts = np.array_split(causes, count) if causes is not None and known else []
    return [
        (
            float(place * duration / count),
            float(means[place]),
            in_words(parts[place].mean(axis=0), means[place]) if known else "",
        )
        for place in chosen
    ]
