"""Atomic file replacement: after a crash there is either the old or the new file, whole."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neural_networks.training.checkpoint import bring_to_disk


def write_json(path: Path, content: dict[str, Any]) -> Path:
    """Write a JSON file and return its path."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    return replace_file(path, lambda temporary: temporary.write_text(text, "utf-8"))


def replace_file(path: Path, write: Callable[[Path], Any]) -> Path:
    """Let `write` fill a temporary file, sync it, rename it to `path`, and return `path`.

    Raises:
        OSError: if it can't be written.
        FileExistsError: if `path` is a device or a pipe, which must not be replaced.
    """
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "exists and is not a file", str(path))
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        write(temporary)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp makes private files
        with temporary.open("rb+") as file:
            bring_to_disk(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path
