"""Services, containers and launchers: closed streams, no place that can be written to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from radio.cli import surroundings
from radio.cli.progress import padded
from radio.cli.surroundings import place_kernels
from radio.home import Home


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    """The database that is opened first must not get the number of a stream."""
    command = f'"{sys.executable}" -m radio --home {tmp_path} listeners {closed}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Nobody") or ">&-" in closed.split()


def test_files_get_none_of_the_numbers_of_streams() -> None:
    script = (
        "from radio.cli.surroundings import open_streams; open_streams();"
        "import os, sys; number = os.open(os.devnull, os.O_RDONLY);"
        "print(1); print(2, file=sys.stderr); sys.exit(number if sys.stdin.read() == '' else 99)"
    )
    command = f'"{sys.executable}" -c "{script}" <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", command]).returncode >= 3


@pytest.mark.parametrize(
    ("writable", "kept"),
    [(("neural_networks", "user"), False), (("user",), False), ((), True)],
)
def test_kernels_are_kept_in_the_home_if_there_is_no_other_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: tuple[str, ...], kept: bool
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    monkeypatch.setattr(
        surroundings.os, "access", lambda path, mode: Path(path).name in writable, raising=True
    )
    place_kernels(Home(tmp_path / "home"))
    wanted = str(tmp_path / "home" / "kernels") if kept else None
    assert os.environ.get("NUMBA_CACHE_DIR") == wanted
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)


def test_without_any_place_kernels_are_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(surroundings.os, "access", lambda path, mode: False)
    (tmp_path / "home").write_text("a file")
    place_kernels(Home(tmp_path / "home"))
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_columns_of_wide_and_combining_letters() -> None:
    assert padded("ab", 4) == "ab  "
    assert padded("さく", 6) == "さく  "
    assert padded("e\u0301", 3) == "e\u0301  "
