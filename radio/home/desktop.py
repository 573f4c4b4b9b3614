"""Show a folder in the file manager of the desktop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def open_folder(folder: Path) -> str:
    """Open a folder, made if needed, and return a line about it.

    Raises:
        OSError: if it can't be made, or there is no file manager.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        os.startfile(folder)  # noqa: S606
        return f"Opened {folder}"
    program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if program is None:
        raise OSError(f"there is no file manager here; the folder is {folder}")
    null = subprocess.DEVNULL
    subprocess.Popen([program, str(folder)], stdin=null, stdout=null, stderr=null)
    return f"Opened {folder}"
