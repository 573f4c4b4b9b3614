"""Other programs: the control socket and its commands, hooks, and the desktop over a real bus."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_session import Stage

from radio.cli import main as cli
from radio.cli.commands.send import formatted, line_of
from radio.errors import UsageError
from radio.home import Home, Settings
from radio.remote import Remote
from radio.remote.control_socket import NAME, ControlSocket, NoRadioError, ask

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets in files here")


class Controlled(Stage):
    """A session of fake songs that other programs reach; a thread ticks it."""

    def __init__(self, home: Path, settings: Settings) -> None:
        super().__init__()
        self.remote = Remote(Home(home), settings)
        self.remote.attach(self.session, self.said.append)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick)
        self._thread.start()

    def _tick(self) -> None:
        while not self._over.wait(0.01):
            self.session.tick()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.remote.close()
        self.session.finish()


@pytest.fixture
def controlled(home: Path) -> Iterator[Controlled]:
    home.mkdir(exist_ok=True)
    made = Controlled(home, Settings(mpris=False))
    yield made
    made.close()


def wait(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


def test_now_and_send_reach_the_radio(
    controlled: Controlled, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stat.S_IMODE((home / NAME).stat().st_mode) == 0o600
    assert cli.main(["now"]) == 0
    assert capsys.readouterr().out.startswith("Song 1   tiny / me   0:00 / 0:10")
    assert cli.main(["send", "rate", "0.5"]) == 0 and capsys.readouterr().out == ""
    assert cli.main(["now", "--format", "{title} {rating:+.1f} [{sleep}]"]) == 0
    assert capsys.readouterr().out == "Song 1 +0.5 []\n"
    controlled.session.set_slider(-0.25)
    assert cli.main(["now", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["title"], facts["rating"], facts["playing"]) == ("Song 1", -0.25, True)
    assert cli.main(["send", "next"]) == 0
    wait(lambda: controlled.session.view().name == "Song 2")
    assert controlled.journal.ratings == [("Song 1", -0.25, True)]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["send", "nxet"], "did you mean next?"),
        (["send", "rate", "2"], "-1 (dislike) to 1 (love)"),
        (["send", "quit"], "not for other programs"),
        (["now", "--format", "{tilte}"], "did you mean title?"),
        (["now", "--format", "{title"], "is not a format"),
        (["now", "--format", "{title.x}"], "no field"),
    ],
)
def test_a_wrong_command_is_one_line(
    controlled: Controlled, words: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    told = capsys.readouterr()
    assert part in told.err and told.err.count("\n") == 1 and told.out == ""


def test_without_a_radio_the_line_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["now"]) == 2
    assert f"no radio plays in {home}" in capsys.readouterr().err


def test_a_second_radio_leaves_the_socket_and_a_dead_one_loses_it(
    home: Path, tmp_path: Path
) -> None:
    home.mkdir(exist_ok=True)
    answer = {"now": {}, "said": []}
    first = ControlSocket(home, lambda line: answer)
    second = ControlSocket(home, lambda line: {"error": "the second"})
    assert "another radio" in second.trouble and not first.trouble
    second.close()
    assert ask(home, "") == answer
    first.close()
    assert not (home / NAME).exists()
    with pytest.raises(NoRadioError):
        ask(home, "")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(home / NAME))
    dead.close()  # as after a kill: the file stays
    third = ControlSocket(home, lambda line: answer)
    assert not third.trouble and ask(home, "") == answer
    third.close()


@pytest.mark.parametrize("sent", [b"\n", b"[]\n", b'{"line": 3}\n', b"\xff\n", b"x" * 100_000])
def test_whatever_is_sent_the_radio_goes_on(
    controlled: Controlled, home: Path, sent: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(home / NAME))
        try:
            client.sendall(sent)
            client.recv(1000)
        except OSError:
            pass  # it hung up on what is too long
    assert ask(home, "")["now"]["title"] == "Song 1"


def test_hooks_get_json_and_failures_are_told_once(home: Path, tmp_path: Path) -> None:
    home.mkdir(exist_ok=True)
    script, out = tmp_path / "hook.py", tmp_path / "events"
    script.write_text(
        "import os, sys\n"
        f"open({str(out)!r}, 'a').write(os.environ['AI_RADIO_EVENT'] + ' ' + sys.stdin.read())\n"
    )
    hooks = {
        "song": [sys.executable, "-S", str(script)],
        "rating": [sys.executable, "-S", str(script)],
        "final": [str(tmp_path / "missing")],
    }
    controlled = Controlled(home, Settings(mpris=False, socket=False, hooks=hooks))
    try:
        controlled.remote.call("rate 0.5")
        controlled.remote.call("next")
        wait(lambda: out.exists() and out.read_text().count("\n") == 2)
        events = dict(line.split(" ", 1) for line in out.read_text().splitlines())
        assert json.loads(events["song"])["title"] == "Song 2"
        rated = json.loads(events["rating"])
        assert (rated["title"], rated["rating"]) == ("Song 1", 0.5)
        controlled.remote.call("final")
        controlled.remote.call("final")
        wait(lambda: [line for line in controlled.said if "hook final" in line])
        wait(lambda: not controlled.remote._hooks._running)
        assert "No such file" in [line for line in controlled.said if "hook final" in line][0]
    finally:
        controlled.close()


def test_formats_leave_out_what_is_unknown() -> None:
    facts = {"title": "Dusk", "rating": None}
    assert formatted("{title:>6}|{rating:+.2f}|{{}}", facts) == "  Dusk||{}"
    with pytest.raises(UsageError):
        formatted("{}", facts)
    assert line_of({"duration": 0}) == "composing the next song"


@pytest.fixture
def bus() -> Iterator[str]:
    """The address of a bus of its own."""
    pytest.importorskip("jeepney")
    if shutil.which("dbus-daemon") is None:
        pytest.skip("no dbus-daemon here")
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE
    )
    assert daemon.stdout is not None
    yield daemon.stdout.readline().decode().strip()
    daemon.terminate()
    daemon.wait()
    daemon.stdout.close()


def test_the_desktop_controls_the_radio(
    controlled: Controlled, bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jeepney
    from jeepney.io.blocking import open_dbus_connection

    from radio.remote import mpris

    door = mpris.Mpris(controlled.remote, address=bus)
    client = open_dbus_connection(bus)

    def call(interface: str, method: str, signature: str = "", *body: Any) -> tuple[Any, ...]:
        address = jeepney.DBusAddress(mpris.PATH, mpris.NAME, interface)
        message = jeepney.new_method_call(address, method, signature or None, body)
        reply = client.send_and_get_reply(message, timeout=5)
        if reply.header.message_type is jeepney.MessageType.error:
            raise LookupError(reply.body[0])
        return reply.body

    def get(name: str, interface: str = mpris.PLAYER) -> Any:
        return call(mpris.PROPERTIES, "Get", "ss", interface, name)[0][1]

    try:
        assert door.connected and get("Identity", mpris.ROOT) == "AI Radio"
        wait(lambda: get("PlaybackStatus") == "Playing")
        call(mpris.PLAYER, "PlayPause")
        assert get("PlaybackStatus") == "Paused"
        call(mpris.PLAYER, "Pause")
        assert get("PlaybackStatus") == "Paused"
        call(mpris.PLAYER, "Play")
        assert get("PlaybackStatus") == "Playing"
        call(mpris.PLAYER, "Seek", "x", 3_000_000)
        assert get("Position") == 3_000_000
        facts = get("Metadata")
        assert facts["xesam:title"] == ("s", "Song 1") and facts["mpris:length"] == (
            "x",
            10_000_000,
        )
        assert facts["xesam:album"] == ("s", "tiny")
        cover = Path(facts["mpris:artUrl"][1].removeprefix("file://"))
        assert cover.read_bytes().startswith(b"\x89PNG")
        call(mpris.PLAYER, "SetPosition", "ox", facts["mpris:trackid"][1], 1_000_000)
        call(mpris.PLAYER, "SetPosition", "ox", "/another/song", 9_000_000)
        assert get("Position") == 1_000_000
        call(mpris.RATING, "Rate", "d", 0.5)
        assert get("Rating", mpris.RATING) == 0.5
        assert get("Metadata")["xesam:userRating"] == ("d", 0.75)
        call(mpris.RATING, "Love")
        assert controlled.session.view().slider == 1.0
        call(mpris.PROPERTIES, "Set", "ssv", mpris.PLAYER, "Volume", ("d", 0.4))
        assert get("Volume") == pytest.approx(0.4)
        for wrong in (
            lambda: call(mpris.RATING, "Rate", "d", 3.0),
            lambda: call(mpris.PLAYER, "Fly"),
            lambda: get("Colour"),
        ):
            with pytest.raises(LookupError):
                wrong()
        assert "PlayPause" in call("org.freedesktop.DBus.Introspectable", "Introspect")[0]
        if shutil.which("playerctl"):
            environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": bus}
            told = subprocess.run(
                ["playerctl", "metadata", "--format", "{{status}} {{title}} {{album}}"],
                env=environment,
                capture_output=True,
                text=True,
                timeout=10,
            )
            assert told.stdout.strip() == "Playing Song 1 tiny", told
            subprocess.run(["playerctl", "next"], env=environment, check=True, timeout=10)
        else:
            call(mpris.PLAYER, "Next")
        wait(lambda: get("Metadata").get("xesam:title") == ("s", "Song 2"))
        assert not cover.exists(), "only the cover of this song is stored"
    finally:
        door.close()
        client.close()
    assert not controlled.said or "failed" not in controlled.said[-1]


def test_without_a_bus_there_is_no_door(controlled: Controlled) -> None:
    mpris = pytest.importorskip("radio.remote.mpris")
    door = mpris.Mpris(controlled.remote, address="unix:path=/nowhere")
    assert not door.connected
    door.close()
