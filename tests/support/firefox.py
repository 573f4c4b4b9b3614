"""Support for tests of the page in Firefox: WebDriver BiDi over its own socket, without a driver.

with Firefox(folder) as firefox:
    firefox.open("http://127.0.0.1:8017/")
    firefox.evaluate("document.title")       a value that JSON has
    firefox.until("document.title === 'AI Radio'")
    firefox.click(".play"); firefox.press("n")
    firefox.said                              errors and warnings of scripts and the policy
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60.0
# Nothing is fetched from Mozilla, and there is no sound to be heard.
PREFERENCES = {
    "app.update.enabled": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.volume_scale": "0.0",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.prefs.recommended": True,
}


class Firefox:
    """Firefox without a window.

    Args:
        folder: of its profile.
    """

    def __init__(self, folder: Path) -> None:
        path = shutil.which("firefox-esr") or shutil.which("firefox")
        if path is None:
            pytest.skip("Firefox is not installed (Debian: firefox-esr)")
        client = pytest.importorskip("websockets.sync.client", reason="the extra `web`")
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        (folder / "user.js").write_text("\n".join(lines))
        self.said: list[str] = []
        self._count = 0
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(path, "--headless", "--no-remote", "--profile", str(folder)),
                    *("--width", "1440", "--height", "1000", "--remote-debugging-port", "0"),
                ],
                stdout=log,
                stderr=log,
            )
        self._open = contextlib.ExitStack()
        self._socket = self._open.enter_context(
            client.connect(f"{self._address()}/session", max_size=1 << 26)
        )
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded"])
        self._page = self.send("browsingContext.getTree")["contexts"][0]["context"]

    def __enter__(self) -> Firefox:
        return self

    def __exit__(self, *details: object) -> None:
        self._open.close()
        self._process.terminate()
        self._process.wait(SECONDS)

    def send(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result."""
        self._count += 1
        call = {"id": self._count, "method": method, "params": parameters}
        self._socket.send(json.dumps(call))
        while True:
            told = json.loads(self._socket.recv(timeout=SECONDS))
            if told.get("id") == self._count:
                assert told["type"] == "success", told
                return told["result"]
            entry = told.get("params", {})
            if told.get("method") == "log.entryAdded" and entry["level"] in ("warn", "error"):
                self.said.append(entry["text"])

    def open(self, address: str) -> None:
        """Open a page, and wait until it has loaded."""
        self.send("browsingContext.navigate", context=self._page, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        done = self.send(
            "script.evaluate",
            expression=f"JSON.stringify([{expression}])",
            target={"context": self._page},
            awaitPromise=True,
        )
        assert done["type"] == "success", done
        return json.loads(done["result"]["value"])[0]

    def until(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + SECONDS
        while not self.evaluate(condition):
            assert time.monotonic() < end, (condition, self.said)
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """Click the middle of an element with the mouse."""
        x, y = self.evaluate(
            f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        down_up = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        self.act({"type": "pointer", "id": "mouse", "actions": [move, *down_up]})

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        kinds = ("keyDown", "keyUp")
        actions = [{"type": kind, "value": key} for key in keys for kind in kinds]
        self.act({"type": "key", "id": "keyboard", "actions": actions})

    def act(self, source: dict[str, Any]) -> None:
        """Perform the actions of a pointer or of a keyboard."""
        self.send("input.performActions", context=self._page, actions=[source])

    def _address(self) -> str:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            found = re.search(r"BiDi listening on (ws://\S+)", self._log.read_text())
            if found:
                return found[1]
            time.sleep(0.1)
        self._process.kill()
        pytest.fail(f"Firefox did not start: {self._log.read_text()}")
