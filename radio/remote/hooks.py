"""Hooks: programs of the listener that are started when a song begins, is rated, or is composed.

Each gets the event as JSON on its standard input, and its name in AI_RADIO_EVENT. It is started
without a shell, and nothing waits for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

LAST_SECONDS = 1.0  # to wait for programs when the radio quits
MOST = 8  # that run at a time; further events start none


class Hooks:
    """Start programs, and report the first failure of each.

    Args:
        commands: program and arguments by the kind of event.
        say: takes a line for the listener.
    """

    def __init__(self, commands: dict[str, list[str]], say: Callable[[str], None]) -> None:
        self._commands = commands
        self._say = say
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._failed: set[str] = set()

    def start(self, kind: str, facts: dict[str, Any]) -> None:
        """Start the program for an event, if there is one."""
        command = self._commands.get(kind)
        if not command or len(self._running) >= MOST:
            return
        try:
            process = subprocess.Popen(
                [os.path.expanduser(command[0]), *command[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "AI_RADIO_EVENT": kind},
                start_new_session=True,  # Ctrl-C is for the radio
            )
        except (OSError, ValueError) as error:
            self._fail(kind, getattr(error, "strerror", None) or str(error))
            return
        self._running.append((kind, process))
        assert process.stdin is not None
        try:
            # fits into a pipe, so that this does not wait for the program
            process.stdin.write(json.dumps({"event": kind, **facts}).encode() + b"\n")
            process.stdin.close()
        except OSError:
            pass  # it has ended already, or does not read

    def poll(self) -> None:
        """Take leave of the programs that have ended."""
        for kind, process in list(self._running):
            code = process.poll()
            if code is not None:
                self._running.remove((kind, process))
                if code:
                    self._fail(kind, f"it ended with code {code}")

    def close(self) -> None:
        """Wait a moment for the programs that run; longer ones go on without the radio."""
        end = time.monotonic() + LAST_SECONDS
        for _, process in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - time.monotonic()))

    def _fail(self, kind: str, why: str) -> None:
        if kind not in self._failed:
            self._failed.add(kind)
            self._say(f"The hook {kind} ({self._commands[kind][0]}) failed: {why}")
