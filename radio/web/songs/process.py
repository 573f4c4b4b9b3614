"""The process that makes a song: a command of the command line, which ends with the server.

python -m radio.web.songs.process continue FILE ...
"""

from __future__ import annotations

import os
import runpy
import threading

from radio.web.background import lower_priority, wait_for_server

CANCELLED = 130  # the exit code of Ctrl-C


def end_with_server() -> None:
    """End this process at once when the server ends."""
    wait_for_server()
    os._exit(CANCELLED)


if __name__ == "__main__":
    lower_priority()
    threading.Thread(target=end_with_server, name="input", daemon=True).start()
    runpy.run_module("radio", run_name="__main__", alter_sys=True)
