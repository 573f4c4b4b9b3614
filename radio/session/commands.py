"""Commands as they are typed: the lines of `ai-radio --plain` and the words of `ai-radio send`.

    execute(session, "rate 0.5", settings)
    execute(session, "n", settings)

A line is a key of the screen, the name of an action, a rating from -1 to 1 that is written with a
sign or a point (`1` is a key), or a word with a number.
"""

from __future__ import annotations

from collections.abc import Callable

from radio.errors import UsageError, meant
from radio.home import ACTIONS, Settings
from radio.session.actions import session_actions
from radio.session.session import Session
from radio.station import is_share_code

MEND = "mend"  # alone, or with start and stop in seconds
INSTEAD = {name: f"; ai-radio {name} lists them" for name in ("history", "saved")} | {
    "station": "; ai-radio play --station NAME plays another",
    "listener": "; ai-radio play --listener NAME plays for another",
}
NUMBERS: dict[str, tuple[float, float, str]] = {
    "rate": (-1.0, 1.0, "-1 (dislike) to 1 (love)"),
    "volume": (0.0, 100.0, "0 to 100"),
    "seek": (0.0, 36_000.0, "0, in seconds, to the end of the song"),
    "sleep": (0.0, 1440.0, "0 (off) to 1440, in minutes"),
}


def execute(session: Session, line: str, settings: Settings) -> None:
    """Execute a line.

    Raises:
        UsageError: if it is not a command; the message says what there is.
    """
    words = line.split()
    if not words:
        return
    word = words[0] if len(words[0]) == 1 else words[0].lower()
    if len(words) == 2 and word in NUMBERS:
        _set(session, word, words[1])
        return
    if len(words) == 2 and word == "play" and is_share_code(words[1]):
        session.replays.start_shared(words[1], session.journal)
        return
    if len(words) == 3 and word == MEND:
        session.mends.request(*(_number("seek", text) for text in words[1:]))
        return
    if len(words) == 1 and _is_rating(word):
        _set(session, "rate", word)
        return
    action = settings.keys.get(word, word)
    known = session_actions(session)
    if len(words) > 1 or (action not in known and action not in ACTIONS):
        names = [*NUMBERS, *command_names()]
        raise UsageError(f"{line!r} is not a command{meant(word, names)}; {summary()}")
    if action not in known:
        instead = INSTEAD.get(action, "")
        raise UsageError(f"only the screen has {action}{instead}")
    known[action]()


def command_names() -> list[str]:
    """Return the words that need no number."""
    # the screen has the other actions
    inside = ("history", "saved", "station", "listener", "devices", "visualiser", "help")
    left = [name for name in ACTIONS if not name.startswith("rate") and name not in inside]
    return left


def summary() -> str:
    """Return in one line what can be typed."""
    numbers = ", ".join([*(f"{name} N" for name in NUMBERS), f"{MEND} START STOP"])
    return f"commands are {', '.join(command_names())}, {numbers}"


def help_lines(settings: Settings) -> list[str]:
    """Return a line for each command, with its keys."""
    lines = []
    for name in command_names():
        keys = " ".join(
            key for key in settings.keys_of(name) if key != "space" and not key.startswith("ctrl+")
        )
        lines.append(f"  {name:14} {keys:6} {ACTIONS[name][1]}")
    lines.append(f"  {'1 to 9':21} rate it, from -1 to +1 as on the screen")
    lines.append(f"  {'-0.3 or rate -0.3':21} rate it {NUMBERS['rate'][2]}")
    lines.append(f"  {'play CODE':21} play the song of a share code")
    lines.append(f"  {f'{MEND} START STOP':21} mend this part of the song, in seconds")
    lines += [f"  {f'{name} N':21} {NUMBERS[name][2]}" for name in NUMBERS if name != "rate"]
    return lines


def _number(name: str, text: str) -> float:
    """Return a number of a command that has a place in NUMBERS."""
    low, high, what = NUMBERS[name]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise UsageError(f"{text!r} is not a number for {name}; give one from {what}")
    return value


def _is_rating(word: str) -> bool:
    """Return whether a word is a number with a sign or a point; without them it is a key."""
    try:
        float(word)
    except ValueError:
        return False
    return len(word) > 1


def _set(session: Session, name: str, text: str) -> None:
    value = _number(name, text)
    setters: dict[str, Callable[[], None]] = {
        "rate": lambda: session.set_slider(value),
        "volume": lambda: setattr(session.playback.player, "volume", round(value / 100, 2)),
        "seek": lambda: session.playback.seek(value - session.playback.player.position),
        "sleep": lambda: session.sleep.set(value or None),
    }
    setters[name]()
