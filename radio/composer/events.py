"""What a composer reports to its session: dataclasses, which cross from a worker as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radio.composer.song import Song


@dataclass
class Learned:
    """The taste has learned the current ratings of these plays.

    Attributes:
        keys: of the plays; none if another session of this listener wrote them.
        delay: seconds by which the listener's hand follows the ear.
    """

    keys: list[str]
    delay: float


@dataclass
class AdapterChanged:
    """The generator's adapter was trained, reset or loaded.

    Attributes:
        ratings: from how many it was trained; 0 for none.
        gain: by how much its songs are predicted to be liked more.
        news: whether that has just happened.
    """

    ratings: int
    gain: float
    news: bool


@dataclass(eq=False)
class FinalStep:
    """A step of the descent to the final song.

    Attributes:
        step: that was taken; 0 for the start.
        steps: in all.
        expected: cautious predicted rating of the best song so far.
        distance: Mahalanobis distance of that song from the station's mean.
        coordinates: (starts, D) of all songs of the descent.
    """

    step: int
    steps: int
    expected: float
    distance: float
    coordinates: np.ndarray


@dataclass
class FinalSong:
    """The final song is there."""

    song: Song


@dataclass
class NoFinal:
    """There is no final song; one line says why, an empty one that it was stopped."""

    text: str


@dataclass
class ReplayedSong:
    """A song was made again, as the same play of it."""

    song: Song


@dataclass
class NoReplay:
    """A song can't be made again; one line says why."""

    key: str
    text: str


@dataclass
class MendedSong:
    """A song was mended: `mended` in the description of the new one tells how.

    Attributes:
        key: of the play that was mended.
        song: the mended one, in a play of its own.
    """

    key: str
    song: Song


@dataclass
class NoMend:
    """A song can't be mended; one line says why, an empty one that it was stopped."""

    text: str


@dataclass
class Trouble:
    """A line for the listener about the composer itself."""

    text: str


Event = (
    Learned
    | AdapterChanged
    | FinalStep
    | FinalSong
    | NoFinal
    | ReplayedSong
    | NoReplay
    | MendedSong
    | NoMend
    | Trouble
)
