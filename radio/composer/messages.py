"""What a session and its worker send each other: dataclasses, written by wire.py.

    session -> worker     Begin; then Played, Changed, Replay, StartFinal, StopFinal, StartMend,
                          StopMend, Hurry, ResetAdapter, Wish (see wish.py)
    worker -> session     Busy, then Opened or Refused; then Offer, Order, Insights, and what is
                          in events.py

Each message follows its length in 8 bytes. Both ends are this program. The database is what both
agree on: a rating is written by the session, and the worker is sent the key of the play, so that
a message that is lost with a process loses no rating.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, get_args

import numpy as np

from radio.composer.events import Event
from radio.composer.song import Song
from radio.composer.wire import LENGTH, decode, encode
from radio.composer.wish import Wish
from radio.taste import Insight


@dataclass
class Begin:
    """Open a composer; see `LocalComposer` for its arguments."""

    station: Path
    listener: str
    home: Path
    seed: int | None
    explore: str
    beats: int | None
    latent: str | None = None
    adapter: bool = True
    novelty: float | None = None


@dataclass(eq=False)
class Played:
    """A play has begun; if the worker never made the song, it is made from its coordinate."""

    key: str
    coordinate: np.ndarray


@dataclass
class Changed:
    """The rating of one play was written, changed or deleted."""

    key: str


@dataclass(eq=False)
class Replay:
    """Make a song again, as the same play of it."""

    key: str
    coordinate: np.ndarray


@dataclass
class StartFinal:
    """Descend to the final song."""


@dataclass
class StopFinal:
    """Give the final song up."""


@dataclass(eq=False)
class StartMend:
    """Mend a stretch of a song, in seconds; the worst one if it has no start or no stop."""

    key: str
    coordinate: np.ndarray
    start: float | None
    stop: float | None


@dataclass
class StopMend:
    """Give the mended song up."""


@dataclass
class Hurry:
    """The listener waits for the next song."""


@dataclass
class ResetAdapter:
    """Go back to the generator without an adapter."""


@dataclass
class End:
    """The session has ended: never sent, but read at the end of the stream."""


@dataclass
class Busy:
    """What takes long before the composer is open, and how much of it is done."""

    text: str
    done: int
    of: int

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{self.text} {self.done} of {self.of}" if self.of > 1 else self.text


@dataclass
class Refused:
    """The composer can't be opened; one line says why."""

    text: str


@dataclass
class Opened:
    """The composer is open."""

    station: str
    made_by: str


@dataclass
class Offer:
    """A song that can be played."""

    song: Song


@dataclass
class Order:
    """The keys of all offered songs, best first, and their predicted ratings.

    Songs that are not among them are withdrawn. The answer to a wish has no keys: no song that was
    offered before it is left.
    """

    keys: list[str]
    expected: list[tuple[float, float] | None]


@dataclass
class Insights:
    """What is known of the moments of the song that plays."""

    key: str
    insight: Insight


Command = (
    Begin
    | Played
    | Changed
    | Replay
    | StartFinal
    | StopFinal
    | StartMend
    | StopMend
    | Hurry
    | ResetAdapter
    | Wish
    | End
)
Report = Busy | Refused | Opened | Offer | Order | Insights | Event
KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (*get_args(Command), *get_args(Report), Song, Insight)
    if isinstance(kind, type)
}


def send(stream: BinaryIO, message: Command | Report) -> None:
    """Write one message.

    Raises:
        OSError: if nobody reads any more.
    """
    content = encode(message, KINDS)
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: BinaryIO) -> object:
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
