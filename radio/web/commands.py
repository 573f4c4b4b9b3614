"""The commands that a page can send to a session: a method each, called on the session's thread.

A command carries an id. A page that got no answer sends the same id again, and gets the first
answer; nothing is done twice.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from radio.ratings import Rating
from radio.session import session_actions
from radio.station import SavedSong, delete_saved
from radio.web.mending import sound_key
from radio.web.saved import find_saved
from radio.web.stage import Stage

MAX_REMEMBERED_COMMANDS = 2000
MAX_DELETED = 200  # ratings that can be restored
LONGEST_CODE = 4000  # characters
MAX_POINTS = 2000  # of a curve, in one command
MAX_SECONDS = 36_000.0  # seconds; no song is longer
FARTHEST = 4.0  # from the middle of the map, in its units


class CommandError(ValueError):
    """The command is invalid; the message is one line."""


class Later(Exception):
    """The command can't be executed yet; the page sends it again."""


class Commands:
    """Execute commands.

    Args:
        stage: to act on.
    """

    def __init__(self, stage: Stage) -> None:
        self.session = stage.session
        self._stage = stage
        self._player = stage.player
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._actions = session_actions(stage.session)
        self._own: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "listen": self._listen,
            "pause": self._pause,
            "ping": self._ping,
            "leave": self._leave,
            "seek": self._seek,
            "mend": self._mend,
            "volume": self._volume,
            "slide": self._slide,
            "release": self._release,
            "replay": self._replay,
            "change": self._change,
            "visit": self._visit,
            "ended": self._ended,
            "save": self._save,
            "play_saved": self._play_saved,
            "play_shared": self._play_shared,
            "delete_saved": self._delete_saved,
            "restore": self._restore,
            "clear_search": self._clear_search,
        }
        self._deleted: OrderedDict[str, Rating] = OrderedDict()  # ratings that can be restored

    def execute(self, command: dict[str, Any]) -> dict[str, Any]:
        """Execute a command and return the answer.

        Raises:
            CommandError: if it is invalid.
            Later: if it can't be executed yet.
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
            raise CommandError(f"there is no command {action!r}")
        self._answers[number] = answer = {"ok": True, **answer}
        while len(self._answers) > MAX_REMEMBERED_COMMANDS:
            self._answers.popitem(last=False)
        return answer

    def _take_clock(self, command: dict[str, Any]) -> None:
        """Take the position from a page that still plays this sound."""
        if (
            self._sounds(command.get("play"))
            and command.get("at") is not None
            and "page" in command
        ):
            self._player.set_clock(_text(command, "page"), number_of(command, "at", 0, MAX_SECONDS))

    def _ping(self, command: dict[str, Any]) -> None:
        """Take the position from a page that was cut off; of others `execute` has taken it."""
        if self._sounds(command.get("play")):
            self._player.regain(_text(command, "page"))
            self._take_clock(command)

    def _listen(self, command: dict[str, Any]) -> None:
        self._player.listen(_text(command, "page"))

    def _pause(self, command: dict[str, Any]) -> None:
        """Pause: a page that was cut off may not know that the session did so already."""
        self._player.pause()

    def _leave(self, command: dict[str, Any]) -> None:
        self._player.leave(_text(command, "page"))

    def _seek(self, command: dict[str, Any]) -> None:
        page, to = _text(command, "page"), number_of(command, "to", 0, MAX_SECONDS)
        self.session.playback.end_comparison()
        self._player.jump(page, to)

    def _mend(self, command: dict[str, Any]) -> None:
        """Mend a part of the song; without `start` the worst, or play both versions again."""
        if command.get("start") is None:
            self.session.mends.request()
            return
        start, stop = (number_of(command, name, 0, MAX_SECONDS) for name in ("start", "stop"))
        self.session.mends.request(start, stop)

    def _volume(self, command: dict[str, Any]) -> None:
        self._player.volume = round(number_of(command, "value", 0, 1), 2)

    def _slide(self, command: dict[str, Any]) -> dict[str, Any]:
        """Add points to the curve of a play, current or earlier, even before a restart."""
        play, points = _text(command, "play"), command.get("points")
        if not isinstance(points, list) or not 0 < len(points) <= MAX_POINTS:
            raise CommandError(f"a curve has 1 to {MAX_POINTS} points")
        curve = [_point(point) for point in points]
        session = self.session
        if self._plays(play):
            if not session.writer.draw(curve, session.playback.position):
                raise Later("the ratings can't be written at the moment")
            return {"kept": len(curve)}
        if session.song is None:  # after a restart: the song comes back first
            raise Later("the session has not started yet")
        if session.history.extend(play, np.array(curve)):
            return {"kept": len(curve)}
        song = self._stage.songs.get(play)
        if song is None:
            raise CommandError("that song is no longer known")
        session.rate(song, np.array(curve))
        return {"kept": len(curve)}

    def _release(self, command: dict[str, Any]) -> None:
        if self._plays(_text(command, "play")):
            self.session.set_slider(None)

    def _replay(self, command: dict[str, Any]) -> None:
        """Replay a dot of the map or a row of the history."""
        key = _text(command, "key")
        rating = self.session.journal.rating(key)
        if rating is None and key not in self._stage.played:
            raise CommandError("that song is no longer in the history")
        coordinate = self._stage.played[key][1] if rating is None else rating.coordinate
        self.session.replay(key, coordinate)

    def _change(self, command: dict[str, Any]) -> None:
        """Change a rating of the history, or delete it if there is no value."""
        key, value = _text(command, "key"), command.get("value")
        rating = self.session.journal.rating(key)
        if rating is None:
            raise CommandError("that rating was already deleted")
        value = None if value is None else round(number_of(command, "value", -1, 1), 2)
        self.session.history.change(key, value)
        if value is None:
            self._deleted[key] = rating
            while len(self._deleted) > MAX_DELETED:
                self._deleted.popitem(last=False)

    def _restore(self, command: dict[str, Any]) -> None:
        """Write a rating again that was deleted."""
        key = _text(command, "key")
        if key not in self._deleted:
            raise CommandError("that rating can't be restored any more")
        self.session.history.restore(self._deleted[key])
        del self._deleted[key]

    def _visit(self, command: dict[str, Any]) -> None:
        """Play the song at a place of the map."""
        coordinate = self._stage.coordinate_at(
            number_of(command, "x", -FARTHEST, FARTHEST),
            number_of(command, "y", -FARTHEST, FARTHEST),
        )
        self.session.replay(uuid.uuid4().hex, coordinate)

    def _ended(self, command: dict[str, Any]) -> None:
        """Go on at once: the sounding page has played this to its end, and may play another."""
        if self._sounds(_text(command, "play")):
            self._player.end(_text(command, "page"))
            self.session.tick(_text(command, "next") if command.get("next") else None)

    def _save(self, command: dict[str, Any]) -> dict[str, Any]:
        """Save the song that plays; the answer names its file, for a download."""
        self.session.save()
        song = self.session.song
        if song is None or not self.session.view().saved:
            return {}
        return {"file": self.session.folder.path_of(song).name}

    def _play_saved(self, command: dict[str, Any]) -> None:
        """Play a saved song again, if the station still makes it."""
        self.session.replays.start_saved(self._saved_song(command), self.session.journal)

    def _play_shared(self, command: dict[str, Any]) -> None:
        """Play the song of a share code, if the station makes it."""
        code = _text(command, "code", longest=LONGEST_CODE)
        self.session.replays.start_shared(code, self.session.journal)

    def _delete_saved(self, command: dict[str, Any]) -> None:
        song = self._saved_song(command)
        try:
            delete_saved(song)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CommandError(f"{song.name} can't be deleted: {reason}") from None

    def _saved_song(self, command: dict[str, Any]) -> SavedSong:
        song = find_saved(self.session.folder.path, _text(command, "file", longest=255))
        if song is None:
            raise CommandError("that song is no longer saved")
        return song

    def _clear_search(self, command: dict[str, Any]) -> None:
        """Take the path and the final song off the map."""
        self.session.finals.clear()

    def _plays(self, key: Any) -> bool:
        """Return whether the play of this key is on."""
        song = self.session.song
        return song is not None and self.session.playing and song.key == key

    def _sounds(self, key: Any) -> bool:
        """Return whether this is the key of what sounds, see radio/web/mending.py."""
        return key is not None and sound_key(self.session) == key


def _text(command: dict[str, Any], name: str, *, longest: int = 64) -> str:
    value = command.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise CommandError(f"{name} must be a short text")
    return value


def number_of(command: dict[str, Any], name: str, low: float, high: float) -> float:
    """Return a number of a command; raise CommandError unless it is within [low, high]."""
    value = command.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise CommandError(f"{name} must be a number from {low:g} to {high:g}")
    return float(value)


def _point(point: Any) -> tuple[float, float]:
    if not isinstance(point, list) or len(point) != 2:
        raise CommandError("a point of a curve must be [seconds, slider]")
    pair = {"seconds": point[0], "slider": point[1]}
    return number_of(pair, "seconds", 0, MAX_SECONDS), number_of(pair, "slider", -1, 1)
