"""An immutable snapshot of a session: every user interface is a function of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from radio.ratings import Judged


def nothing() -> np.ndarray:
    """Return an empty curve (0, 2)."""
    return np.zeros((0, 2))


@dataclass(frozen=True, eq=False)
class View:
    """What a user interface may show.

    Attributes:
        number: of the song in this session, from 1; 0 before the first.
        name: of the song.
        details: tempo and key, or nothing.
        position: seconds into the song.
        duration: seconds the song lasts.
        paused: whether the player is.
        slider: -1 to 1, None while untouched.
        rated: songs of this station that the listener has rated.
        expected: predicted rating and its uncertainty; None before anything was learned.
        volume: 0 to 1.
        busy: what the listener waits for, or nothing.
        silent: whether there is no sound device.
        curve: (k, 2) as it was drawn: seconds into the song and slider.
        predicted: (m,) predicted rating of each moment, evenly spread over the song; empty while
            unknown.
        taste: (m,) effect of each moment on the predicted rating.
        critic: (m,) effect of each moment on the critic's score.
        device: name of the sound device.
        underruns: how often its buffer ran empty.
        queue: changed ratings that are not learned yet.
        batches: mini-batches that were learned in this session.
        judged: predicted and given ratings, the latest first.
        agreement: their correlation; None for fewer than three.
        final: (step, steps, cautious rating, distance from the station's mean) of the descent that
            runs.
        adapter: ratings from which the generator's adapter was trained, 0 for none, and its
            predicted gain.
        form: letters of the song's sections, which are equally long, such as AABA; empty without.
    """

    number: int
    name: str
    details: str
    position: float
    duration: float
    paused: bool
    slider: float | None
    rated: int
    expected: tuple[float, float] | None
    volume: float
    busy: str
    silent: bool
    curve: np.ndarray = field(default_factory=nothing)
    predicted: np.ndarray = field(default_factory=lambda: np.zeros(0))
    taste: np.ndarray = field(default_factory=lambda: np.zeros(0))
    critic: np.ndarray = field(default_factory=lambda: np.zeros(0))
    device: str = ""
    underruns: int = 0
    queue: int = 0
    batches: int = 0
    judged: tuple[Judged, ...] = ()
    agreement: float | None = None
    final: tuple[int, int, float, float] | None = None
    adapter: tuple[int, float] = (0, 0.0)
    form: str = ""


def agreement(judged: tuple[Judged, ...]) -> float | None:
    """Return the correlation of predicted and given ratings; None if it is undefined."""
    pairs = np.array([(one.expected, one.given) for one in judged if one.expected is not None])
    if len(pairs) < 3 or pairs.std(axis=0).min() < 1e-9:
        return None
    return float(np.corrcoef(pairs.T)[0, 1])


def adapter_line(ratings: int, gain: float) -> str:
    """Return a line for the listener about the generator's adapter."""
    if not ratings:
        return "Reset. The generator will adapt again after ten more ratings."
    return (
        f"The generator has learned from {ratings} ratings: "
        f"you should like its songs by {gain:+.2f} more."
    )
