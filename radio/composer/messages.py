"""What the radio and its learner tell each other: dataclasses, as radio/composer/wire.py writes them, each after its length in 8 bytes.

    radio -> learner      Begin, then Played, Changed, Again, Final, StopFinal, Hurry, ResetLayers
    learner -> radio      Telling, then Opened or Refused; then Offer, Order, Learned, Insights, Layers, FinalStep, FinalPlaces,
                          FinalSong, NoFinal

Both ends are this program: nothing comes from elsewhere. The database is what both agree on: a
rating is written by the radio, and the learner is told the key of the play that changed, so that a
message that is lost with a process loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from radio.composer.wire import LENGTH, decode, encode
from radio.taste.insight import Insight


@dataclass(eq=False)
class HeardSong:
    """What of a song crosses to the process that plays it.

    Attributes:
        samples: (n,) float32.
        sample_rate: Hz.
        latent: P (D,), from which it can be made again.
        name: the same for the same coordinate.
        details: tempo and key as a listener reads them.
        key: names this play of the song in the database.
        expected: (mean, standard deviation) of the rating that was expected when it was chosen.
        descent: how a final song was found; empty for others.
        description: everything needed to make it again, ready for JSON.
        picture: of how a final song was found, the bytes of a PNG (n,) uint8; empty for others.
    """

    samples: np.ndarray
    sample_rate: int
    latent: np.ndarray
    name: str
    details: str
    key: str
    expected: tuple[float, float] | None = None
    descent: dict[str, Any] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)
    picture: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8))


@dataclass
class Begin:
    """Open a session with a station."""

    station: Path
    listener: str
    home: Path
    seed: int | None
    explore: str
    beats: int | None
    latent: str | None = None
    added_layers: bool = True


@dataclass
class Played:
    """A song is on now; where the learner never made it, its coordinate says what it is."""

    key: str
    coordinate: np.ndarray


@dataclass
class Changed:
    """The database says something else of one play of a song."""

    key: str


@dataclass
class Again:
    """Make a song again, as the same play of it."""

    key: str
    coordinate: np.ndarray


@dataclass
class Final:
    """Descend to the final song."""


@dataclass
class StopFinal:
    """Give the final song up."""


@dataclass
class Hurry:
    """Somebody waits for the next song."""


@dataclass
class ResetLayers:
    """Let the generator be the station's own again."""


@dataclass
class End:
    """The radio is gone: never sent, but what a learner takes the end of its input for."""


@dataclass
class Telling:
    """What takes long just now; empty once it is over."""

    text: str


@dataclass
class Refused:
    """The session can't be opened, or not gone on with; one line says why."""

    text: str


@dataclass
class Opened:
    """The session is open."""

    station: str
    made_by: str


@dataclass
class Offer:
    """A song that can be played, or one that was to be made again."""

    song: HeardSong
    again: bool = False


@dataclass
class Order:
    """The keys of all offered songs, best first by the newest taste, and what is expected of each; others are withdrawn."""

    keys: list[str]
    expected: list[tuple[float, float] | None]


@dataclass
class Learned:
    """The taste has learned what the database says of these plays; so many batches since the session began; the hand's delay, seconds.

    No plays are those that another radio of the same listener wrote.
    """

    keys: list[str]
    batches: int
    delay: float


@dataclass
class Insights:
    """What is known of the moments of one play of a song."""

    key: str
    insight: Insight


@dataclass
class Layers:
    """The generator's added layers: after how many ratings they were trained, 0 for none, and how much more their songs should be liked."""

    ratings: int
    gain: float
    news: bool  # whether they have just become what they are


@dataclass
class FinalStep:
    """How far the descent is, the cautious rating of its best song, and how far that is from the station's middle."""

    step: int
    steps: int
    expected: float
    distance: float


@dataclass(eq=False)
class FinalPlaces:
    """Where the descent is: the coordinates (starts, D) of all its songs."""

    coordinates: np.ndarray


@dataclass
class FinalSong:
    """The final song was found."""

    song: HeardSong


@dataclass
class NoFinal:
    """There is no final song; one line says why, or nothing if it was given up."""

    text: str


KINDS: dict[str, type] = {
    name: kind for name, kind in globals().items() if isinstance(kind, type) and is_dataclass(kind)
}


def send(stream: BinaryIO, message: object) -> None:
    """Write one message.

    Raises:
        OSError: if nobody reads any more.
    """
    content = encode(message, KINDS)
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Return the next message.

    Raises:
        EOFError: if there are no more.
    """
    length = _exactly(stream, LENGTH.size)
    return decode(_exactly(stream, LENGTH.unpack(length)[0]), KINDS)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    try:
        content = stream.read(count)
    except (OSError, ValueError) as error:  # ValueError: the stream was closed while we waited
        raise EOFError from error
    if len(content) < count:
        raise EOFError
    return content
