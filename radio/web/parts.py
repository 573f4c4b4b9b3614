"""The content of a page as numbers, texts and lists for JSON: a function for each part."""

from __future__ import annotations

from typing import Any

import numpy as np

from radio.composer import ENOUGH_RATINGS, Song
from radio.ratings import Rating
from radio.session import View
from radio.taste import highlights
from radio.web.browser_player import BrowserPlayer
from radio.web.sounds import peaks_of

CLOCK_SECONDS = 5.0  # interval at which silent pages get the position
MOMENTS = 120  # points of a curve, as many as fit on a page
MOST_ROWS = 400  # of the history


def song_part(song: Song | None, duration: float) -> dict[str, Any] | None:
    """Return what is constant while a song of `duration` seconds plays."""
    if song is None:
        return None
    return {
        "key": song.key,
        "name": song.name,
        "details": song.details,
        "duration": round(duration, 3),
        "peaks": peaks_of(song.samples),
        "final": bool(song.descent),
        "form": song.description.get("form", ""),
        "code": song.description.get("code", ""),
    }


def now_part(
    view: View, player: BrowserPlayer, key: str | None, following: list[str]
) -> dict[str, Any]:
    """Return the state that any key may change, the position, and the keys of plays.

    Args:
        view: of the session.
        player: of the session.
        key: of the play that is on; None if none is.
        following: of the songs that may follow, the likeliest first, so that pages can load them.
    """
    return {
        "key": key,
        "clock": int(view.position // CLOCK_SECONDS),
        "paused": view.paused,
        "speaker": player.speaker,
        "lost": player.lost,
        "jumps": player.jumps,
        "jumper": player.jumper,
        "position": round(view.position, 2),
        "slider": view.slider,
        "volume": view.volume,
        "busy": view.busy,
        "opening": view.opening,
        "rated": view.rated,
        "final": None if view.final is None else [round(float(value), 3) for value in view.final],
        "next": following,
        "sleep": None if view.sleep is None else int(-(-view.sleep // 60)),
    }


def drawn_part(view: View) -> list[list[float]]:
    """Return the drawn curve as [seconds, slider] at each of its changes."""
    points = [[round(float(seconds), 2), round(float(value), 2)] for seconds, value in view.curve]
    return [
        point
        for place, point in enumerate(points)
        if not place or point[1] != points[place - 1][1] or point[0] < points[place - 1][0]
    ]


def expected_part(view: View) -> dict[str, Any]:
    """Return the predicted rating of the song and of its moments, and the strongest moments.

    The rating is the mean of the moments, once these are known; before, it is what was predicted
    when the song was chosen. So whatever shows one agrees with whatever shows the other.
    """
    if not view.rated and view.expected is None:  # the taste has learned nothing
        return {"rating": None, "predicted": [], "liked": []}
    moments = np.clip(np.nan_to_num(thinned(view.predicted)), -1, 1)
    rating = None if view.expected is None else clipped(view.expected[0])
    return {
        "rating": clipped(float(moments.mean())) if len(moments) else rating,
        "predicted": np.round(moments, 3).tolist(),
        "liked": [
            [round(seconds, 2), round(mean, 3), why]
            for seconds, mean, why in highlights(view.taste, view.duration, view.causes)
        ],
    }


def learning_part(view: View) -> dict[str, Any]:
    """Return how well the predictions match the listener's ratings."""
    pairs = [
        [one.song, clipped(one.expected), clipped(one.given)]
        for one in view.judged
        if one.expected is not None and not one.skipped
    ]
    return {"rated": view.rated, "enough": ENOUGH_RATINGS, "pairs": pairs[:60]}


def history_part(ratings: list[Rating]) -> list[dict[str, Any]]:
    """Return the latest of `ratings`, which begin with the oldest, as rows in reverse."""
    return [
        {
            "key": one.key,
            "song": one.song,
            "time": round(one.time, 2),
            "rating": round(one.rating, 2),
            "skipped": one.skipped and not len(one.curve),
        }
        for one in ratings[::-1][:MOST_ROWS]
    ]


def clipped(value: float | None) -> float:
    """Return a rating clipped to [-1, 1] for display."""
    return round(float(np.clip(np.nan_to_num(0.0 if value is None else value), -1, 1)), 3)


def thinned(values: np.ndarray) -> np.ndarray:
    """Return the means of values (m,) over at most MOMENTS equal intervals."""
    return (
        np.array([part.mean() for part in np.array_split(values, min(MOMENTS, len(values)))])
        if len(values)
        else values
    )
