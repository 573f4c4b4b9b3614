"""What a page can ask of a session: each command is a method that takes what the page sent, checked, on the session's thread.

A command carries an id; the same id again, as a page sends it that got no answer, is answered as it
was and not done twice.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from radio.session.actions import actions
from radio.web.stage import Stage

MAX_REMEMBERED_COMMANDS = 2000  # commands, by id
MAX_POINTS = 2000  # of a curve in one command
LONGEST = 36_000.0  # seconds: no song lasts so long
FARTHEST = 4.0  # of the map's middle, in units of the map


class CommandError(ValueError):
    """What was asked for makes no sense; the message is one line."""


class Later(Exception):
    """It can't be done yet: the page keeps the command and sends it again."""


class Commands:
    """See the module's contract.

    Args:
        stage: what they act on.
    """

    def __init__(self, stage: Stage) -> None:
        self.session = stage.session
        self._stage = stage
        self._player = stage.player
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._actions = actions(stage.session)
        self._own: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "listen": self._listen,
            "pause": self._pause,
            "ping": self._ping,
            "leave": self._leave,
            "seek": self._seek,
            "volume": self._volume,
            "slide": self._slide,
            "release": self._release,
            "replay": self._replay,
            "change": self._change,
            "visit": self._visit,
        }

    def execute(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what a command says and return the answer.

        Raises:
            CommandError: if it makes no sense.
            Later: if it can't be done yet.
        """
        number, action = _text(command, "id"), _text(command, "action")
        if number in self._answers:
            return self._answers[number]
        self._take_clock(command)
        if action in self._own:
            answer = self._own[action](command) or {}
        elif action in self._actions:
            self._actions[action]()
            answer = {}
        else:
            raise CommandError(f"a session knows no {action!r}")
        self._answers[number] = answer = {"ok": True, **answer}
        while len(self._answers) > MAX_REMEMBERED_COMMANDS:
            self._answers.popitem(last=False)
        return answer

    def _take_clock(self, command: dict[str, Any]) -> None:
        """Take over the clock of the page that sounds, if it still plays this song."""
        if self._plays(command.get("play")) and command.get("at") is not None and "page" in command:
            self._player.set_clock(_text(command, "page"), _number(command, "at", 0, LONGEST))

    def _ping(self, command: dict[str, Any]) -> None:
        """Do nothing: the clock that every command may carry was all that it brought."""

    def _listen(self, command: dict[str, Any]) -> None:
        self._player.listen(_text(command, "page"))

    def _pause(self, command: dict[str, Any]) -> None:
        if self._player.paused or self._player.speaker is None:
            self._player.listen(_text(command, "page"))
        else:
            self._player.pause()

    def _leave(self, command: dict[str, Any]) -> None:
        self._player.leave(_text(command, "page"))

    def _seek(self, command: dict[str, Any]) -> None:
        self._player.jump(_text(command, "page"), _number(command, "to", 0, LONGEST))

    def _volume(self, command: dict[str, Any]) -> None:
        self._player.volume = round(_number(command, "value", 0, 1), 2)

    def _slide(self, command: dict[str, Any]) -> dict[str, Any]:
        """Draw a piece of the curve of a play: the song that is on, one before it, or one before the server was started again."""
        play, points = _text(command, "play"), command.get("points")
        if not isinstance(points, list) or not 0 < len(points) <= MAX_POINTS:
            raise CommandError(f"a curve has 1 to {MAX_POINTS} points")
        curve = [_point(point) for point in points]
        session = self.session
        if self._plays(play):
            if not session.writer.draw(curve, self._player.position):
                raise Later("the ratings can't be written to just now")
            return {"kept": len(curve)}
        if session.song is None:  # after a restart: the song comes back first
            raise Later("the session is not on yet")
        if session.history.extend(play, np.array(curve)):
            return {"kept": len(curve)}
        song = self._stage.songs.get(play)
        if song is None:
            raise CommandError("nothing is known of that song any more")
        session.rate(song, np.array(curve))
        return {"kept": len(curve)}

    def _release(self, command: dict[str, Any]) -> None:
        if self._plays(_text(command, "play")):
            self.session.set_slider(None)

    def _replay(self, command: dict[str, Any]) -> None:
        """Play a dot of the map, or a row of the history, again."""
        key = _text(command, "key")
        rating = self.session.journal.rating(key)
        if rating is None and key not in self._stage.played:
            raise CommandError("that song is not in the history any more")
        coordinate = self._stage.played[key][1] if rating is None else rating.coordinate
        self.session.replay(key, coordinate)

    def _change(self, command: dict[str, Any]) -> None:
        """Change a rating of the history; without a value it is deleted."""
        key, value = _text(command, "key"), command.get("value")
        if self.session.journal.rating(key) is None:
            raise CommandError("that rating is gone already")
        self.session.history.change(
            key, None if value is None else round(_number(command, "value", -1, 1), 2)
        )

    def _visit(self, command: dict[str, Any]) -> None:
        """Play the song at a place of the map."""
        coordinate = self._stage.coordinate_at(
            _number(command, "x", -FARTHEST, FARTHEST), _number(command, "y", -FARTHEST, FARTHEST)
        )
        self.session.replay(uuid.uuid4().hex, coordinate)

    def _plays(self, key: Any) -> bool:
        """Return whether the play of this key is on."""
        song = self.session.song
        return song is not None and self.session.playing and song.key == key


def _text(command: dict[str, Any], name: str) -> str:
    value = command.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise CommandError(f"{name} has to be a short text")
    return value


def _number(command: dict[str, Any], name: str, low: float, high: float) -> float:
    value = command.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise CommandError(f"{name} has to be a number from {low:g} to {high:g}")
    return float(value)


def _point(point: Any) -> tuple[float, float]:
    if not isinstance(point, list) or len(point) != 2:
        raise CommandError("a point of a curve is [seconds, slider]")
    pair = {"seconds": point[0], "slider": point[1]}
    return _number(pair, "seconds", 0, LONGEST), _number(pair, "slider", -1, 1)
