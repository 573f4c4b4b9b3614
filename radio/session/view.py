"""What there is to see of a running programme at a moment: every face is a function of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from radio.ratings.journal import Judged


def nothing() -> np.ndarray:
    """Return an empty curve (0, 2)."""
    return np.zeros((0, 2))


@dataclass(frozen=True, eq=False)
class View:
    """What there is to see.

    Attributes:
        number: of the song in this session, from 1; 0 before the first.
        name: of the song.
        details: tempo and key, or nothing.
        position: seconds heard.
        duration: seconds the song lasts.
        paused: whether it waits.
        slider: -1 to 1, None while untouched.
        rated: songs rated by this listener on this station.
        expected: the rating the radio expects and its uncertainty, None before it learned anything.
        volume: 0 to 1.
        busy: what is waited for, or nothing.
        silent: whether there is no sound device.
        curve: (k, 2) what the listener drew: seconds into the song and slider.
        predicted: (m,) the rating expected of each moment, evenly spread over the song; empty while
            unknown.
        taste: (m,) what each moment did to the expected rating.
        critic: (m,) what each moment did to the critic's score.
        device: name of the sound device.
        underruns: how often it ran dry.
        queue: ratings that are not learned yet.
        batches: mini-batches that were learned in this session.
        judged: songs with what was expected and what was given, the latest first.
        agreement: correlation of the two over all of them, None for fewer than three.
        final: (step, steps, cautious rating, distance from the station's middle) of the descent
            that runs.
        layers: ratings from which the generator's added layers were trained, 0 for none, and how
            much more their songs should be liked.
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
    layers: tuple[int, float] = (0, 0.0)


def agreement(judged: tuple[Judged, ...]) -> float | None:
    """Return the correlation of expected and given ratings; None where there are fewer than three, or all are the same."""
    pairs = np.array([(one.expected, one.given) for one in judged if one.expected is not None])
    if len(pairs) < 3 or pairs.std(axis=0).min() < 1e-9:
        return None
    return float(np.corrcoef(pairs.T)[0, 1])
