"""Settings read from config.toml in the home: keys, file format of saved songs, adaptation.

    [keys]
    next = "l"                      one key, or a list of keys; other actions keep their defaults
    pause = ["space", "p"]

    [save]
    kind = "flac"                   or "wav"

    [learning]
    added_layers = false            don't adapt the generator to the listener; default: true

    [songs]
    novelty = 0.6                   0: as learned, 1: free; default: 0.4

A key is a character, or one of NAMED_KEYS. Any mistake in the file is an error of one line.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    "undo": (("u",), "undo the last rating"),
    "save": (("s",), "save the song"),
    "final": (("f",), "compose your final song"),
    "reset": (("x",), "reset the generator"),
    "explain": (("e",), "explain this song"),
    "history": (("h",), "history: replay, change, delete"),
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
KINDS = ("wav", "flac")
KNOWN = ("keys", "save", "learning", "songs")


class SettingsError(ValueError):
    """The file can't be used; the message is one line."""


@dataclass(frozen=True)
class Settings:
    """The settings.

    Attributes:
        keys: the action of each key, by name.
        kind: of saved songs, 'wav' or 'flac'.
        added_layers: whether the generator adapts to the listener.
        novelty: of new songs, 0 to 1; the default if None.
    """

    keys: dict[str, str] = field(
        default_factory=lambda: {
            key: action for action, (keys, _) in ACTIONS.items() for key in keys
        }
    )
    kind: str = "wav"
    added_layers: bool = True
    novelty: float | None = None

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
    for name in content:
        if name not in KNOWN:
            raise SettingsError(
                f"{path} has an unknown section {name!r}; there are [keys], [save], [learning]"
                " and [songs]"
            )
    keys, save, learning, songs = (_table(content, name, path) for name in KNOWN)
    for part, given, setting in (
        ("save", save, "kind"),
        ("learning", learning, "added_layers"),
        ("songs", songs, "novelty"),
    ):
        for name in given:
            if name != setting:
                raise SettingsError(
                    f"{path} has an unknown setting {name!r} in [{part}]; there is {setting}"
                )
    added_layers = learning.get("added_layers", True)
    if not isinstance(added_layers, bool):
        raise SettingsError(
            f"{path} says added_layers = {added_layers!r} in [learning]; choose true or false"
        )
    kind = save.get("kind", "wav")
    if kind not in KINDS:
        raise SettingsError(
            f"{path} says kind = {kind!r} in [save]; choose one of {', '.join(KINDS)}"
        )
    novelty = songs.get("novelty")
    if novelty is not None and not (
        isinstance(novelty, int | float) and not isinstance(novelty, bool) and 0 <= novelty <= 1
    ):
        raise SettingsError(
            f"{path} says novelty = {novelty!r} in [songs]; choose a number from 0 to 1"
        )
    return Settings(_keys(keys, path), kind, added_layers, novelty)


def _table(content: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {name} is not a section; write [{name}]")
    return table


def _keys(given: dict[str, Any], path: Path) -> dict[str, str]:
    """Return the action of each key. A key that the file assigns loses its default action."""
    mapped: dict[str, str] = {}
    for action, value in given.items():
        if action not in ACTIONS:
            raise SettingsError(
                f"{path} names an unknown action {action!r} in [keys]; there are"
                f" {', '.join(ACTIONS)}"
            )
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
