"""The control socket in the home: another process of the same user asks, the radio answers.

One line of JSON each way: {"line": "rate 0.5"} or {"line": ""} for nothing but the state;
{"now": {...}, "said": [...]} or {"error": "..."}.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from radio.errors import UsageError

NAME = "control.sock"
MAX_BYTES = 1 << 16  # of a line
CLIENT_SECONDS = 10.0  # to wait for an answer
SERVER_SECONDS = 2.0  # to wait for the question of whoever has connected


class NoRadioError(UsageError):
    """No radio plays in this home; the message is one line."""


def ask(home: Path, line: str) -> dict[str, Any]:
    """Send a command to the radio that plays in a home and return its answer.

    Raises:
        NoRadioError: if there is none.
        UsageError: if it refuses the command.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise UsageError("this system has no sockets in the file system")
    nobody = f"no radio plays in {home}; start one with ai-radio"
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(CLIENT_SECONDS)
            client.connect(str(home / NAME))
            client.sendall(json.dumps({"line": line}).encode() + b"\n")
            answer = json.loads(_line(client))
    except TimeoutError as error:
        raise UsageError("the radio does not answer") from error
    except (OSError, ValueError) as error:
        raise NoRadioError(nobody) from error
    if "error" in answer:
        raise UsageError(answer["error"])
    return answer


class ControlSocket:
    """Listens in a home, unless another radio does already.

    Args:
        home: folder that has the socket; it exists.
        call: executes a line and returns the answer; called on this socket's thread.

    Attributes:
        trouble: why it does not listen, or nothing.
    """

    def __init__(self, home: Path, call: Callable[[str], dict[str, Any]]) -> None:
        self._path = home / NAME
        self._call = call
        self._server: socket.socket | None = None
        self.trouble = ""
        if not hasattr(socket, "AF_UNIX"):
            self.trouble = "this system has no sockets in the file system"
            return
        try:
            ask(home, "")
            self.trouble = "another radio that plays in this home is controlled"
            return
        except UsageError:
            pass  # nobody is there; a radio that was killed leaves its socket behind
        try:
            self._server = self._listen(home)
        except OSError as error:
            self.trouble = f"{self._path} can't be made: {error.strerror or error}"
            return
        threading.Thread(target=self._serve, name="control-socket", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            server, self._server = self._server, None
            self._path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()

    def _listen(self, home: Path) -> socket.socket:
        """Return a socket that listens; only this user may connect, from its first moment."""
        server = socket.socket(socket.AF_UNIX)
        try:
            # a folder of 0700, from which the socket is moved into place once it has its mode
            with tempfile.TemporaryDirectory(prefix=".s", dir=home) as private:
                place = os.path.join(private, "s")
                server.bind(place)
                os.chmod(place, 0o600)
                server.listen(8)
                os.replace(place, self._path)
        except BaseException:
            server.close()
            raise
        return server

    def _serve(self) -> None:
        while (server := self._server) is not None:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                client.settimeout(SERVER_SECONDS)
                client.sendall(json.dumps(self._answer(client)).encode() + b"\n")

    def _answer(self, client: socket.socket) -> dict[str, Any]:
        try:
            line = json.loads(_line(client))["line"]
            if not isinstance(line, str):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            return {"error": "not a line of JSON with a command"}
        return self._call(line)


def _line(stream: socket.socket) -> bytes:
    """Return a line, without its end.

    Raises:
        ValueError: if it is longer than MAX_BYTES.
        OSError: if the other side has gone.
    """
    found = b""
    while b"\n" not in found:
        part = stream.recv(4096)
        if not part:
            raise ConnectionResetError
        found += part
        if len(found) > MAX_BYTES:
            raise ValueError("too long")
    return found.partition(b"\n")[0]
