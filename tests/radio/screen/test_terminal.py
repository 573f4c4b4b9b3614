"""The screen in a real terminal: real keys; the terminal is restored, however the program ends."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pexpect = pytest.importorskip("pexpect")
ROOT = Path(__file__).parents[3]

FACE = """
import os, sys
sys.path.insert(0, {tests!r})
from fake_session import FakeSession
from audio_parsing.playback import SilentDevice
from radio.home import Terminated
from radio.screen.app import play_on_screen
from radio.home import Settings
class Failing(FakeSession):
    def undo(self):
        raise RuntimeError("a fault")
print("pid", os.getpid(), flush=True)
try:
    play_on_screen(lambda say: Failing(SilentDevice(), say=say), Settings())
except Terminated as ended:
    sys.exit(128 + ended.number)
except RuntimeError:
    sys.exit(1)
"""


@pytest.fixture
def face(tmp_path: Path) -> Any:
    """The face alone, in a real terminal between two looks at the terminal's settings."""
    if sys.platform == "win32":
        pytest.skip("no pseudo-terminals here")
    (tmp_path / "face.py").write_text(FACE.format(tests=str(ROOT / "tests" / "support")))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }
    # The shell outlives Ctrl-C, and after Ctrl-Z it looks at the terminal before it lets the face
    # go on.
    stopped = "while [ $code -gt 145 ]; do echo stopped; stty -g; fg >/dev/null; code=$?; done"
    run = f"{sys.executable} {tmp_path}/face.py"
    script = f"set -m; trap : INT; stty -g; {run}; code=$?; {stopped}; echo code $code; stty -g"
    child = pexpect.spawn(
        "bash",
        ["-c", script],
        env=environment,
        encoding="utf-8",
        timeout=20,
        dimensions=(24, 100),
        cwd=str(ROOT),
    )
    child.expect(r"([0-9a-f:]+)\r\n")
    child.before_settings = child.match.group(1)
    child.expect(r"pid (\d+)")
    child.process = int(child.match.group(1))
    child.expect("unrated")
    yield child
    child.close(force=True)


def assert_restored(child: Any, code: int) -> None:
    """The program ended so, said nothing over the screen, and the terminal is what it was."""
    child.expect(rf"(.*)code {code}\r\n([0-9a-f:]+)\r\n")
    assert "Traceback" not in child.before + child.match.group(1)
    assert child.match.group(2) == child.before_settings
    child.expect(pexpect.EOF)


def test_real_keys_in_a_real_terminal(face: Any) -> None:
    face.send("\x1b[A")
    face.expect(r"\+0\.10")
    face.send("kk")
    face.expect(r"\+0\.30")
    face.send("1")
    face.expect(r"-1\.00")
    face.send(" ")
    face.expect("paused")
    face.send("\x1b[C")
    face.expect("0:0[5-9]")
    face.setwinsize(40, 132)
    face.send("9")
    face.expect(r"\+1\.00")
    face.send("?")
    face.expect("compose your final song")
    face.send("?")
    face.expect("Song 1")
    face.send("n")
    face.expect(r"\x1b\]2;Song 2 - AI Radio\x07")
    face.send("q")
    face.expect(r"\x1b\[23;2t")
    face.expect("1 song rated; ai-radio resumes where you left off.")
    assert_restored(face, 0)


@pytest.mark.parametrize(
    ("how", "code"), [("\x03", 0), ("q", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129), ("u", 1)]
)
def test_the_terminal_is_put_back_whatever_ends_it(face: Any, how: str | int, code: int) -> None:
    if isinstance(how, str):
        face.send(how)
    else:
        os.kill(face.process, how)
    assert_restored(face, code)


def test_it_ends_when_the_terminal_is_closed(face: Any) -> None:
    face.ptyproc.fileobj.close()
    face.closed = face.ptyproc.closed = True
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(face.process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("it still runs")


def test_suspended_it_gives_the_terminal_back_and_takes_it_again(face: Any) -> None:
    face.send("\x1a")
    face.expect(r"stopped\r\n([0-9a-f:]+)\r\n")
    assert face.match.group(1) == face.before_settings
    face.send("9")
    face.expect(r"\+1\.00")
    face.send("q")
    assert_restored(face, 0)


def test_a_terminal_that_is_gone_without_a_signal_ends_it_too(face: Any) -> None:
    """As under nohup: nothing tells the program, it finds that what it draws goes nowhere."""
    face.send("9")
    face.expect(r"\+1\.00")
    os.kill(face.process, signal.SIGSTOP)
    os.kill(face.pid, signal.SIGKILL)  # the shell, so that nobody hands the hang-up on
    face.ptyproc.fileobj.close()
    face.closed = face.ptyproc.closed = True
    os.kill(face.process, signal.SIGCONT)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        status = Path(f"/proc/{face.process}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    os.kill(face.process, signal.SIGKILL)
    pytest.fail("it still runs")
