"""What a page can ask of a programme: each order is a method that takes what the page sent, checked, on the programme's thread.

An order carries an id; the same id again, as a page sends it that got no answer, is answered as it
was and not done twice.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from radio.ratings.database import Rating
from radio.session.actions import actions
from radio.session.session import Broadcast

if TYPE_CHECKING:
    from radio.web.live_session import Programme

REMEMBERED = 2000  # orders, by id
MOST_POINTS = 2000  # of a curve in one order
LONGEST = 36_000.0  # seconds: no song lasts so long
FAREST = 4.0  # of the map's middle, in units of the map


class OrderError(ValueError):
    """What was asked for makes no sense; the message is one line."""


class Later(Exception):
    """It can't be done yet: the page keeps the order and sends it again."""


class Orders:
    """See the module's contract.

    Args:
        broadcast: that is told.
        programme: whose songs and map are known.
    """

    def __init__(self, broadcast: Broadcast, programme: Programme) -> None:
        self.broadcast = broadcast
        self._programme = programme
        self._player = programme.player
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._actions = actions(broadcast)
        self._own: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "listen": self._listen,
            "pause": self._pause,
            "heard": self._heard,
            "leave": self._leave,
            "seek": self._seek,
            "volume": self._volume,
            "slide": self._slide,
            "release": self._release,
            "replay": self._replay,
            "change": self._change,
            "visit": self._visit,
        }

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what an order says and return the answer.

        Raises:
            OrderError: if it makes no sense.
            Later: if it can't be done yet.
        """
        number, action = _text(order, "id"), _text(order, "action")
        if number in self._answers:
            return self._answers[number]
        self._hear(order)
        if action in self._own:
            answer = self._own[action](order) or {}
        elif action in self._actions:
            self._actions[action]()
            answer = {}
        else:
            raise OrderError(f"a programme knows no {action!r}")
        self._answers[number] = answer = {"ok": True, **answer}
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return answer

    def _hear(self, order: dict[str, Any]) -> None:
        """Take over the clock of the face that sounds, if it still plays this song."""
        song = self.broadcast.song
        if order.get("at") is not None and self.broadcast.playing and order.get("play") == song.key:
            self._player.hear(_text(order, "face"), _number(order, "at", 0, LONGEST))

    def _heard(self, order: dict[str, Any]) -> None:
        pass

    def _listen(self, order: dict[str, Any]) -> None:
        self._player.listen(_text(order, "face"))

    def _pause(self, order: dict[str, Any]) -> None:
        if self._player.paused or self._player.speaker is None:
            self._player.listen(_text(order, "face"))
        else:
            self._player.pause()

    def _leave(self, order: dict[str, Any]) -> None:
        self._player.leave(_text(order, "face"))

    def _seek(self, order: dict[str, Any]) -> None:
        self._player.jump(_text(order, "face"), _number(order, "to", 0, LONGEST))

    def _volume(self, order: dict[str, Any]) -> None:
        self._player.volume = round(_number(order, "value", 0, 1), 2)

    def _slide(self, order: dict[str, Any]) -> dict[str, Any]:
        """Draw a piece of the curve of a play: the song that is on, one before it, or one before the server was started again."""
        play, points = _text(order, "play"), order.get("points")
        if not isinstance(points, list) or not 0 < len(points) <= MOST_POINTS:
            raise OrderError(f"a curve has 1 to {MOST_POINTS} points")
        curve = [_point(point) for point in points]
        broadcast = self.broadcast
        if broadcast.playing and broadcast.song.key == play:
            if not broadcast.draw(curve):
                raise Later("the ratings can't be written to just now")
            return {"kept": len(curve)}
        if broadcast.song is None:  # after a restart: the song comes back first
            raise Later("the programme is not on yet")
        if broadcast.session.add(play, np.array(curve)):
            return {"kept": len(curve)}
        song = self._programme.songs.get(play)
        if song is None:
            raise OrderError("nothing is known of that song any more")
        broadcast.session.rate(song, np.array(curve))
        return {"kept": len(curve)}

    def _release(self, order: dict[str, Any]) -> None:
        if self.broadcast.playing and self.broadcast.song.key == _text(order, "play"):
            self.broadcast.set_slider(None)

    def _replay(self, order: dict[str, Any]) -> None:
        """Play a dot of the map, or a row of the history, again."""
        key = _text(order, "key")
        session = self.broadcast.session
        rating = session.rating(key)
        if rating is None and key in self._programme.heard:
            name, coordinate = self._programme.heard[key]
            rating = Rating(
                session.listener, session.station, session.made_by, name, coordinate, 0.0, key=key
            )
        if rating is None:
            raise OrderError("that song is not in the history any more")
        self.broadcast.replay(rating)

    def _change(self, order: dict[str, Any]) -> None:
        """Change a rating of the history; without a value it is deleted."""
        rating = self.broadcast.session.rating(_text(order, "key"))
        if rating is None:
            raise OrderError("that rating is gone already")
        self.broadcast.change(
            rating, None if order.get("value") is None else round(_number(order, "value", -1, 1), 2)
        )

    def _visit(self, order: dict[str, Any]) -> None:
        """Play the song at a place of the map."""
        session = self.broadcast.session
        coordinate = self._programme.coordinate_at(
            _number(order, "x", -FAREST, FAREST), _number(order, "y", -FAREST, FAREST)
        )
        self.broadcast.replay(
            Rating(
                session.listener,
                session.station,
                session.made_by,
                "",
                coordinate,
                0.0,
                key=uuid.uuid4().hex,
            )
        )


def _text(order: dict[str, Any], name: str) -> str:
    value = order.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise OrderError(f"{name} has to be a short text")
    return value


def _number(order: dict[str, Any], name: str, low: float, high: float) -> float:
    value = order.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise OrderError(f"{name} has to be a number from {low:g} to {high:g}")
    return float(value)


def _point(point: Any) -> tuple[float, float]:
    if not isinstance(point, list) or len(point) != 2:
        raise OrderError("a point of a curve is [seconds, slider]")
    pair = {"seconds": point[0], "slider": point[1]}
    return _number(pair, "seconds", 0, LONGEST), _number(pair, "slider", -1, 1)
