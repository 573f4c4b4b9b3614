"""What differs between systems, with the part of the other system played."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from neural_networks.training.checkpoint import bring_to_disk
from radio.cli.commands.play import fit_for_a_screen
from radio.home import FileLock, Home, file_lock


class Windows:
    """The locks of Microsoft's C library: one descriptor may lock a region, others get an error."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        self.locked: dict[tuple[int, int], int] = {}

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (self.LK_NBLCK, 1)
        status = os.fstat(descriptor)
        if self.locked.setdefault((status.st_dev, status.st_ino), descriptor) != descriptor:
            raise PermissionError(13, "Permission denied")


def test_a_lock_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msvcrt", Windows())
    monkeypatch.setitem(sys.modules, "fcntl", None)  # there is none
    calls = {name: getattr(os, name) for name in ("open", "close", "O_RDWR", "O_CREAT")}
    monkeypatch.setattr(file_lock, "os", SimpleNamespace(name="nt", **calls))
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.held and not second.held and not second.take()
    other = FileLock(tmp_path / "other")
    assert other.held
    for lock in (first, second, other):
        lock.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs fcntl")
@pytest.mark.parametrize("supported", [True, False])
def test_a_file_reaches_the_disk_of_a_mac(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supported: bool
) -> None:
    """macOS's fsync ends at the drive's own memory; a network drive may have nothing better."""
    import fcntl

    asked: list[int] = []

    def control(descriptor: int, command: int) -> None:
        asked.append(command)
        if not supported:
            raise OSError("not supported")

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", control)
    with (tmp_path / "file").open("wb") as file:
        bring_to_disk(file.fileno())
    assert asked == [51]


@pytest.mark.parametrize(
    "system, terminal, encoding, fit",
    [
        ("linux", "xterm-256color", "utf-8", True),
        ("linux", "dumb", "utf-8", False),
        ("linux", "", "utf-8", False),
        ("linux", "xterm", "ascii", False),
        ("win32", "", "utf-8", True),  # TERM is not set there
        ("win32", "", "cp1252", False),
    ],
)
def test_which_terminals_show_a_screen(
    monkeypatch: pytest.MonkeyPatch, system: str, terminal: str, encoding: str, fit: bool
) -> None:
    stream = SimpleNamespace(isatty=lambda: True, encoding=encoding)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv("TERM", terminal)
    monkeypatch.setattr(sys, "stdin", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    found = fit_for_a_screen()
    monkeypatch.undo()
    assert found == fit


def test_the_home_is_where_the_system_keeps_data(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs
    from platformdirs import macos, unix, windows

    monkeypatch.delenv("AI_RADIO_HOME")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(windows, "get_win_folder", lambda name: f"/Users/me/{name}")
    for system, ending in (
        (unix.Unix, ".local/share/ai-radio"),
        (macos.MacOS, "Library/Application Support/ai-radio"),
        (windows.Windows, "CSIDL_LOCAL_APPDATA/ai-radio"),
    ):
        monkeypatch.setattr(platformdirs, "PlatformDirs", system)
        assert Home().path.as_posix().endswith(ending)
