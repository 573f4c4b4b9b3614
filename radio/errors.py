"""Errors that are told in one line: a `UsageError`, and which other errors are not the program's fault."""

from __future__ import annotations

# packages whose own ValueErrors are one clear line
OURS = ("radio", "gan", "compression", "audio_parsing", "neural_networks")


class UsageError(ValueError):
    """What was typed can't be done; the message is one line."""


def explain(error: Exception) -> str | None:
    """Return one line for errors that are not the program's fault, None for those that are."""
    line = _explained(error)
    # Names of files may hold what moves a terminal's cursor, or ends a line.
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
        return f"there is not enough memory ({' '.join(str(error).split()) or 'none left'}); close other programs or ask for less"
    if isinstance(error, OSError) and (error.strerror or error.filename):
        where = f"{error.filename}: " if error.filename else ""
        return (
            f"{where}{error.strerror or error}; check the path, the rights and the room on the disk"
        )
    if isinstance(error, OSError):
        return " ".join(str(error).split())
    return None
