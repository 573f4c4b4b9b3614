"""The desktop's door: MPRIS 2.2 on the session bus, for media keys, playerctl and applets.

Beside the standard interfaces there is org.ai_radio.Rating: Rate(d), Love(), Ban(), and the
property Rating (d, NaN while unrated). Specification: specifications.freedesktop.org/mpris-spec.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any, Protocol

from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

NAME = "org.mpris.MediaPlayer2.ai_radio"
PATH = "/org/mpris/MediaPlayer2"
ROOT, PLAYER = "org.mpris.MediaPlayer2", "org.mpris.MediaPlayer2.Player"
RATING, PROPERTIES = "org.ai_radio.Rating", "org.freedesktop.DBus.Properties"
POLL_SECONDS = 0.2
SEEK_SECONDS = 1.0  # by which a position differs from the expected one if it was sought
DO_NOT_QUEUE = 4
MICROSECONDS = 1_000_000
METHODS = {
    (PLAYER, "Next"): "next",
    (PLAYER, "Previous"): "previous",
    (RATING, "Love"): "love",
    (RATING, "Ban"): "ban",
}
INTROSPECTION = """<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node><interface name="org.mpris.MediaPlayer2"><method name="Raise"/><method name="Quit"/>
</interface><interface name="org.mpris.MediaPlayer2.Player"><method name="Next"/>
<method name="Previous"/><method name="Pause"/><method name="PlayPause"/><method name="Stop"/>
<method name="Play"/><method name="Seek"><arg type="x" direction="in"/></method>
<method name="SetPosition"><arg type="o" direction="in"/><arg type="x" direction="in"/></method>
<signal name="Seeked"><arg type="x"/></signal></interface>
<interface name="org.ai_radio.Rating"><method name="Rate"><arg type="d" direction="in"/></method>
<method name="Love"/><method name="Ban"/><property name="Rating" type="d" access="readwrite"/>
</interface></node>"""


class Asked(Protocol):
    """What the door needs of the remote."""

    now: dict[str, Any]

    def call(self, line: str) -> dict[str, Any]:
        """Have a line executed."""


class Mpris:
    """Serves the session bus on a thread of its own; without a bus it does nothing.

    Args:
        remote: executes what the desktop asks for.
        address: of the bus; that of the session if None.
    """

    def __init__(self, remote: Asked, *, address: str | None = None) -> None:
        self._remote = remote
        self._covers = Path()
        self._over = threading.Event()
        self._sent: dict[str, tuple[str, Any]] = {}
        self._position = 0.0
        self._thread: threading.Thread | None = None
        try:
            connection = open_dbus_connection(address or "SESSION")
            reply = connection.send_and_get_reply(message_bus.RequestName(NAME, DO_NOT_QUEUE))
            if reply.body[0] != 1:  # another radio has the name
                name = f"{NAME}.instance{id(self)}"
                connection.send_and_get_reply(message_bus.RequestName(name, DO_NOT_QUEUE))
        except (OSError, KeyError, ValueError, EOFError, TimeoutError):
            return
        self._covers = Path(tempfile.mkdtemp(prefix="ai-radio-cover-"))
        self._thread = threading.Thread(
            target=self._serve, args=(connection,), name="mpris", daemon=True
        )
        self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether it serves a bus."""
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Leave the bus."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(2)
            shutil.rmtree(self._covers, ignore_errors=True)

    def _serve(self, connection: DBusConnection) -> None:
        try:
            while not self._over.is_set():
                try:
                    message = connection.receive(timeout=POLL_SECONDS)
                except TimeoutError:
                    pass
                else:
                    if message.header.message_type is MessageType.method_call:
                        connection.send(self._answer(message))
                self._tell_changes(connection)
        except (OSError, EOFError):
            return  # the bus has gone
        finally:
            connection.close()

    def _answer(self, message: Message) -> Message:
        """Execute a call and return its reply."""
        fields = message.header.fields
        interface = fields.get(HeaderFields.interface, "")
        member = fields.get(HeaderFields.member, "")
        try:
            if member == "Introspect":
                return new_method_return(message, "s", (INTROSPECTION,))
            if interface == PROPERTIES:
                return self._property(message, member)
            if not self._execute(interface, member, message.body):
                raise LookupError(f"there is no method {member}")
        except (LookupError, TypeError, ValueError) as error:
            name = "org.freedesktop.DBus.Error.Failed"
            return new_error(message, name, "s", (str(error),))
        return new_method_return(message)

    def _execute(self, interface: str, member: str, body: tuple[Any, ...]) -> bool:
        """Execute a method; return whether there is such a method."""
        now = self._remote.now
        line = METHODS.get((interface, member), "")
        if interface == PLAYER and member in ("PlayPause", "Play", "Pause", "Stop"):
            wanted = {"Play": False, "Pause": True, "Stop": True}.get(member, not now["paused"])
            line = "pause" if wanted != now["paused"] else ""
        elif interface == PLAYER and member == "Seek":
            line = _seek(now["position"] + body[0] / MICROSECONDS)
        elif interface == PLAYER and member == "SetPosition":
            # a position of a song that plays no longer is ignored, as the specification asks
            line = _seek(body[1] / MICROSECONDS) if body[0] == _track(now) else ""
        elif interface == RATING and member == "Rate":
            line = f"rate {float(body[0])}"
        elif not line:
            return (interface, member) in ((ROOT, "Raise"), (ROOT, "Quit"))
        if line:
            self._call(line)
        return True

    def _call(self, line: str) -> None:
        answer = self._remote.call(line)
        if "error" in answer:
            raise ValueError(answer["error"])

    def _property(self, message: Message, member: str) -> Message:
        interface = message.body[0]
        known = self._properties().get(interface)
        if known is None:
            raise LookupError(f"there is no interface {interface}")
        if member == "GetAll":
            return new_method_return(message, "a{sv}", (known,))
        name = message.body[1]
        if name not in known:
            raise LookupError(f"there is no property {name}")
        if member == "Get":
            return new_method_return(message, "v", (known[name],))
        value = message.body[2][1]
        if (interface, name) == (PLAYER, "Volume"):
            self._call(f"volume {100 * min(1.0, max(0.0, float(value)))}")
        elif (interface, name) == (RATING, "Rating"):
            self._call(f"rate {float(value)}")
        else:
            raise LookupError(f"{name} can't be set")
        return new_method_return(message)

    def _properties(self) -> dict[str, dict[str, tuple[str, Any]]]:
        """Return every property with its type, by interface."""
        now = self._remote.now
        playing = now["duration"] > 0
        status = "Stopped" if not playing else "Paused" if now["paused"] else "Playing"
        rating = math.nan if now["rating"] is None else float(now["rating"])
        yes, no = ("b", True), ("b", False)
        return {
            ROOT: {
                "CanQuit": no,
                "CanRaise": no,
                "HasTrackList": no,
                "Identity": ("s", "AI Radio"),
                "SupportedUriSchemes": ("as", []),
                "SupportedMimeTypes": ("as", []),
            },
            PLAYER: {
                "PlaybackStatus": ("s", status),
                "Rate": ("d", 1.0),
                "MinimumRate": ("d", 1.0),
                "MaximumRate": ("d", 1.0),
                "Metadata": ("a{sv}", self._metadata(now)),
                "Volume": ("d", now["volume"] / 100),
                "Position": ("x", round(now["position"] * MICROSECONDS)),
                "CanGoNext": yes,
                "CanGoPrevious": yes,
                "CanPlay": yes,
                "CanPause": yes,
                "CanSeek": yes,
                "CanControl": yes,
            },
            RATING: {"Rating": ("d", rating)},
        }

    def _metadata(self, now: dict[str, Any]) -> dict[str, tuple[str, Any]]:
        if not now["duration"]:
            return {"mpris:trackid": ("o", "/org/mpris/MediaPlayer2/TrackList/NoTrack")}
        found = {
            "mpris:trackid": ("o", _track(now)),
            "mpris:length": ("x", round(now["duration"] * MICROSECONDS)),
            "xesam:title": ("s", now["title"]),
            "xesam:artist": ("as", ["AI Radio"]),
            "xesam:album": ("s", now["station"]),
            "xesam:comment": ("as", [now["details"]]),
        }
        if now["rating"] is not None:
            found["xesam:userRating"] = ("d", (now["rating"] + 1) / 2)
        if now["coordinate"]:
            found["mpris:artUrl"] = ("s", self._cover(now).as_uri())
        return found

    def _cover(self, now: dict[str, Any]) -> Path:
        """Return the file with the cover of the song that plays."""
        from radio.station import cover

        path = self._covers / f"{_track(now).rpartition('/')[2]}.png"
        if not path.exists():
            for old in self._covers.glob("*.png"):
                old.unlink(missing_ok=True)
            path.write_bytes(cover(now["coordinate"]))
        return path

    def _tell_changes(self, connection: DBusConnection) -> None:
        """Send the signals of what has changed since the last time."""
        properties = self._properties()
        player = {name: value for name, value in properties[PLAYER].items() if name != "Position"}
        changed = {name: value for name, value in player.items() if value != self._sent.get(name)}
        address = DBusAddress(PATH, interface=PROPERTIES)
        if changed:
            self._sent = player
            body: tuple[str, dict[str, Any], list[str]] = (PLAYER, changed, [])
            connection.send(new_signal(address, "PropertiesChanged", "sa{sv}as", body))
        position = self._remote.now["position"]
        moved = position - self._position
        if "Metadata" not in changed and not -0.01 <= moved <= SEEK_SECONDS:
            seeked = DBusAddress(PATH, interface=PLAYER)
            connection.send(new_signal(seeked, "Seeked", "x", (round(position * MICROSECONDS),)))
        self._position = position


def _track(now: dict[str, Any]) -> str:
    """Return the object path of the play of a song."""
    return "/org/ai_radio/play/" + (re.sub("[^A-Za-z0-9]", "_", now["key"]) or "none")


def _seek(seconds: float) -> str:
    return f"seek {max(0.0, seconds):.3f}"
