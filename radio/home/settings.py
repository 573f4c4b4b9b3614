"""Settings read from config.toml in the home: keys, screen, sound, saved songs, hooks, adaptation.

    [keys]
    next = "l"                      one key, or a list of keys; other actions keep their defaults
    pause = ["space", "p"]

    [screen]
    theme = "terminal"              the terminal's colours; or "dark" or "light"
    title = true                    show the song in the terminal's title

    [sound]
    loudness = -16                  in LUFS; without it songs stay as they are composed, about -20

    [save]
    kind = "flac"                   one of KINDS

    [hooks]
    song = "notify-song --now"      started when a song begins, with JSON on its standard input;
    rating = "..."                  likewise when one is rated,
    final = "..."                   and when a final song is there

    [remote]
    socket = true                   let `ai-radio now` and `ai-radio send` reach this radio
    mpris = true                    let the desktop's media keys reach it

    [learning]
    added_layers = false            don't adapt the generator to the listener; default: true

    [songs]
    novelty = 0.6                   0: as learned, 1: free; default: 0.4

A key is a character, or one of NAMED_KEYS. Any mistake in the file is an error of one line.
"""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radio.errors import meant

# action: default keys, and text of the help
ACTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "pause": (("space",), "pause, continue"),
    "next": (("n",), "next song"),
    "previous": (("p",), "previous song"),
    "back": (("left",), "back 5 seconds"),
    "forward": (("right",), "forward 5 seconds"),
    "louder": (("+", "="), "louder"),
    "softer": (("-", "_"), "quieter"),
    "up": (("up", "k"), "like it more"),
    "down": (("down", "j"), "like it less"),
    "untouched": (("0",), "unrate it"),
    **{
        f"rate{digit}": ((str(digit),), f"rate it {(digit - 5) / 4:+.2f}") for digit in range(1, 10)
    },
    "love": (("l",), "love it: +1"),
    "ban": (("b",), "ban it: -1, next song"),
    "undo": (("u",), "undo the last rating"),
    "save": (("s",), "save the song"),
    "share": (("c",), "share code of the song"),
    "more-like-this": (("g",), "next songs more like it"),
    "less-like-this": (("G",), "next songs less like it"),
    "final": (("f",), "compose your final song"),
    "mend": (("m",), "mend the worst part"),
    "keep": (("y",), "keep the mended version"),
    "discard": (("r",), "stay with the old one"),
    "reset": (("x",), "reset the generator"),
    "explain": (("e",), "explain this song"),
    "history": (("h",), "history of your ratings"),
    "saved": (("o",), "list of saved songs"),
    "station": (("t",), "change the station"),
    "listener": (("w",), "change who listens"),
    "sleep": (("z",), "sleep timer"),
    "devices": (("d",), "choose a sound device"),
    "visualiser": (("v",), "spectrum, waveform, off"),
    "help": (("?",), "help"),
    "quit": (("q", "ctrl+c"), "quit"),
}
NAMED_KEYS = (
    "space",
    "enter",
    "escape",
    "tab",
    "backspace",
    "delete",
    "insert",
    "home",
    "end",
    "pageup",
    "pagedown",
    "up",
    "down",
    "left",
    "right",
    *(f"f{number}" for number in range(1, 13)),
    *(f"ctrl+{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
)
KINDS = ("wav", "flac", "ogg", "opus", "mp3")
THEMES = ("terminal", "dark", "light")
HOOKS = ("song", "rating", "final")
LOUDNESS = (-30.0, -10.0)  # LUFS
KNOWN = {
    "keys": tuple(ACTIONS),
    "screen": ("theme", "title"),
    "sound": ("loudness",),
    "save": ("kind",),
    "hooks": HOOKS,
    "remote": ("socket", "mpris"),
    "learning": ("added_layers",),
    "songs": ("novelty",),
}


class SettingsError(ValueError):
    """The file can't be used; the message is one line."""


@dataclass(frozen=True)
class Settings:
    """The settings.

    Attributes:
        keys: the action of each key, by name.
        kind: of saved songs, one of KINDS.
        added_layers: whether the generator adapts to the listener.
        novelty: of new songs, 0 to 1; the default if None.
        theme: one of THEMES.
        title: whether the terminal's title shows the song.
        loudness: of songs in LUFS; None to leave them as they are.
        hooks: the program and its arguments for each of HOOKS that has one.
        socket: whether other programs may control the radio.
        mpris: whether the desktop may.
    """

    keys: dict[str, str] = field(
        default_factory=lambda: {
            key: action for action, (keys, _) in ACTIONS.items() for key in keys
        }
    )
    kind: str = "wav"
    added_layers: bool = True
    novelty: float | None = None
    theme: str = "terminal"
    title: bool = True
    loudness: float | None = None
    hooks: dict[str, list[str]] = field(default_factory=dict)
    socket: bool = True
    mpris: bool = True

    def keys_of(self, action: str) -> list[str]:
        """Return the keys of an action, in the order of the file."""
        return [key for key, done in self.keys.items() if done == action]


def read_settings(path: Path) -> Settings:
    """Read a config.toml; without one return the defaults.

    Raises:
        SettingsError: if it is not TOML, or has an invalid setting.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise SettingsError(f"{path} can't be read: {why}; correct it, or move it away") from error
    for section, table in content.items():
        if section not in KNOWN:
            raise SettingsError(
                f"{path} has an unknown section {section!r}{meant(section, KNOWN)}; there are "
                + ", ".join(f"[{name}]" for name in KNOWN)
            )
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {section} is not a section; write [{section}]")
        for name in table:
            if name not in KNOWN[section]:
                what = "action" if section == "keys" else "setting"
                raise SettingsError(
                    f"{path} has an unknown {what} {name!r} in [{section}]"
                    f"{meant(name, KNOWN[section])}; there is {', '.join(KNOWN[section])}"
                )
    given = _Given(path, content)
    return Settings(
        _keys(content.get("keys", {}), path),
        given.one_of("save", "kind", KINDS),
        given.switch("learning", "added_layers"),
        given.number("songs", "novelty", (0.0, 1.0)),
        given.one_of("screen", "theme", THEMES),
        given.switch("screen", "title"),
        given.number("sound", "loudness", LOUDNESS, " of LUFS"),
        {name: command for name in HOOKS if (command := given.command(name))},
        given.switch("remote", "socket"),
        given.switch("remote", "mpris"),
    )


class _Given:
    """The sections of the file; every method returns a checked setting, or its default."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self._path = path
        self._content = content

    def one_of(self, section: str, name: str, choices: tuple[str, ...]) -> str:
        value = self._value(section, name, choices[0])
        if value not in choices:
            raise self._error(section, name, value, f"choose one of {', '.join(choices)}")
        return value

    def switch(self, section: str, name: str) -> bool:
        value = self._value(section, name, True)
        if not isinstance(value, bool):
            raise self._error(section, name, value, "choose true or false")
        return value

    def number(
        self, section: str, name: str, bounds: tuple[float, float], unit: str = ""
    ) -> float | None:
        value = self._value(section, name, None)
        low, high = bounds
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (number and low <= value <= high):
            how = f"choose a number{unit} from {low:g} to {high:g}"
            raise self._error(section, name, value, how)
        return None if value is None else float(value)

    def command(self, name: str) -> list[str]:
        value = self._value("hooks", name, "")
        try:
            return (
                shlex.split(value) if isinstance(value, str) else [str(part) for part in [*value]]
            )
        except (TypeError, ValueError) as error:
            how = f"give a program and its arguments ({error})"
            raise self._error("hooks", name, value, how) from error

    def _value(self, section: str, name: str, default: Any) -> Any:
        return self._content.get(section, {}).get(name, default)

    def _error(self, section: str, name: str, value: Any, how: str) -> SettingsError:
        return SettingsError(f"{self._path} says {name} = {value!r} in [{section}]; {how}")


def _keys(given: dict[str, Any], path: Path) -> dict[str, str]:
    """Return the action of each key. A key that the file assigns loses its default action."""
    mapped: dict[str, str] = {}
    for action, value in given.items():
        for key in value if isinstance(value, list) else [value]:
            if not isinstance(key, str) or not (
                key in NAMED_KEYS or (len(key) == 1 and key.isprintable() and key != " ")
            ):
                raise SettingsError(
                    f"{path} gives {action} the unknown key {key!r}; there are characters and"
                    f" {', '.join(NAMED_KEYS)}"
                )
            if mapped.get(key, action) != action:
                raise SettingsError(
                    f"{path} gives the key {key!r} to both {mapped[key]} and {action}"
                )
            mapped[key] = action
    for action, (keys, _) in ACTIONS.items():
        if action not in given:
            mapped.update({key: action for key in keys if key not in mapped})
    if "quit" not in mapped.values():
        raise SettingsError(f"{path} leaves no key to quit; give quit a key")
    return mapped
