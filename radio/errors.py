"""One-line messages for errors that are not bugs, `UsageError`, what was meant, what is missing."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable

SIMILAR = 0.6  # ratio of difflib from which a word counts as misspelt; chosen, not measured
# packages whose own ValueErrors are one clear line
OURS = ("radio", "gan", "compression", "audio_parsing", "neural_networks")


def meant(typed: str, known: Iterable[str]) -> str:
    """Return '; did you mean X?' for what is nearly one of the known words; else nothing."""
    close = difflib.get_close_matches(typed.lower(), list(known), 1, SIMILAR)
    return f"; did you mean {close[0]}?" if close else ""


class UsageError(ValueError):
    """The command can't be carried out; the message is one line."""


def need(extra: str, who: str, *modules: str) -> None:
    """Check that the modules of an extra are installed.

    Raises:
        UsageError: if one is not; it says what installs them.
    """
    if any(importlib.util.find_spec(name) is None for name in modules):
        raise UsageError(
            f"{who} needs more packages; install them with pip install 'ai-radio[{extra}]'"
        )


def explain(error: Exception) -> str | None:
    """Return one line for an error that is not a bug, None for a bug."""
    line = _explained(error)
    # File names may hold control characters and line ends.
    return (
        None
        if line is None
        else "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)
    )


def _explained(error: Exception) -> str | None:
    if isinstance(error, ValueError) and type(error).__module__.partition(".")[0] in OURS:
        return " ".join(str(error).split())
    if isinstance(error, ArithmeticError) and type(error).__module__.partition(".")[0] in OURS:
        return f"{' '.join(str(error).split())}; try another seed"
    if isinstance(error, MemoryError):
        details = " ".join(str(error).split()) or "none left"
        return f"there is not enough memory ({details}); close other programs or ask for less"
    if isinstance(error, OSError) and (error.strerror or error.filename):
        where = f"{error.filename}: " if error.filename else ""
        what = error.strerror or error
        return f"{where}{what}; check the path, the permissions and the free disk space"
    if isinstance(error, OSError):
        return " ".join(str(error).split())
    return None
