"""Share codes: exact, checked to the last letter, and clear about what they need."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_station import tiny_station

from radio.cli import main as cli
from radio.composer import LocalComposer
from radio.home import Home
from radio.session.requests import ReplayRequest
from radio.station import (
    ShareCodeError,
    Station,
    description_of,
    is_share_code,
    read_share_code,
    share_code,
    station_fingerprint,
)

MADE_BY = "0123456789abcdef"


@pytest.mark.parametrize("size", [1, 7, 72, 512])
def test_a_song_comes_back_exactly(size: int) -> None:
    values = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    values[0] = 16_777_215.0  # a seed
    code = share_code("müsik", MADE_BY, values)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", code) and is_share_code(code)
    found = read_share_code(f" {code[:9]}\n{code[9:]} ")
    assert (found.station, found.made_by) == ("müsik", MADE_BY)
    assert found.coordinate.dtype == np.float32 and found.coordinate.tobytes() == values.tobytes()


def test_no_mistyped_letter_passes() -> None:
    code = share_code("tiny", MADE_BY, np.linspace(-1, 1, 9))
    for place in range(5, len(code)):
        other = "A" if code[place] != "A" else "B"
        for wrong in (code[:place] + other + code[place + 1 :], code[:place]):
            with pytest.raises(ShareCodeError, match=r"mistyped or incomplete; copy it again"):
                read_share_code(wrong)


def test_what_is_no_code_of_this_version_says_so() -> None:
    with pytest.raises(ShareCodeError, match="is not a share code, which begins with air1"):
        read_share_code("hello")
    with pytest.raises(ShareCodeError, match="newer AI Radio; update"):
        read_share_code("air2.abc")
    assert not is_share_code("songs/air1.json") and not is_share_code("air1")


@pytest.mark.parametrize("content", [b"", b"\x04tiny", b"\xff", bytes(1) + bytes(8_000_000)])
def test_a_forged_code_is_refused(content: bytes) -> None:
    packed = bytes(8) + zlib.compress(content)
    check = struct.pack(">I", zlib.crc32(b"air1." + packed))
    with pytest.raises(ShareCodeError):
        read_share_code("air1." + base64.urlsafe_b64encode(packed + check).decode())


def test_a_song_that_no_code_can_hold_has_none() -> None:
    assert share_code("tiny", MADE_BY, np.zeros(513)) == ""
    assert share_code("tiny", "unknown", np.zeros(3)) == ""


def test_a_code_makes_the_same_song_with_the_same_station_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    station = tiny_station("mine")
    coordinate = station.sample(1, np.random.default_rng(1))[0]
    code = description_of(station, coordinate)["code"]
    home, out = tmp_path / "home", tmp_path / "song.wav"
    make = ["generate", "--like", code, "--home", str(home), "--output", str(out)]
    assert cli.main(make) == 2
    assert "needs station mine of fingerprint" in capsys.readouterr().err

    tiny_station("mine", seed=3).save(home / "stations" / "mine")
    assert cli.main(make) == 2
    assert "the station of that name here was trained otherwise" in capsys.readouterr().err
    assert cli.main(["play", code, "--home", str(home)]) == 2
    assert "trained otherwise" in capsys.readouterr().err

    station.save(home / "stations" / "annas")  # the same one by another name
    assert cli.main(make) == 0
    assert station.song_name(coordinate) in capsys.readouterr().out
    np.testing.assert_allclose(soundfile.read(out)[0], station.render(coordinate), atol=2e-4)

    size = station.model.vae.generator.innovation_size
    mended = station.changed(coordinate, 3, np.ones((2, size), np.float32))
    make[2] = description_of(station, mended)["code"]
    assert cli.main(make) == 0
    np.testing.assert_allclose(soundfile.read(out)[0], station.render(mended), atol=2e-4)


def forged(station: Station) -> list[np.ndarray]:
    """Coordinates that no song of a station has."""
    coordinate = station.sample(1, np.random.default_rng(1))[0]
    size = station.model.vae.generator.innovation_size
    huge = coordinate.copy()
    huge[[0, -1]] = 3e38
    return [
        coordinate[:1],
        coordinate[:-1],
        np.append(coordinate, 1.0),
        huge,
        np.concatenate([coordinate, [0, 1], np.full(size, 3e38)]),
        np.concatenate([coordinate, [5, 1], np.ones(size)]),
        np.concatenate([coordinate, [0, 3e38], np.ones(size)]),
        np.concatenate([coordinate, [0.5, 1.5], np.ones(size)]),
    ]


def test_a_forged_coordinate_is_no_song_of_its_station(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    station, home = tiny_station("mine"), tmp_path / "home"
    station.save(home / "stations" / "mine")
    for coordinate in forged(station):
        assert not station.makes(coordinate.astype(np.float32))
        code = share_code("mine", station_fingerprint(station), coordinate)
        assert cli.main(["generate", "--like", code, "--home", str(home)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "needs station mine" in line


def test_a_composer_survives_a_forged_code(tmp_path: Path) -> None:
    station = tiny_station("mine")
    composer = LocalComposer(station, "anna", home=Home(tmp_path), seed=1, background=False)
    for coordinate in forged(station):
        composer.replay("key", coordinate.astype(np.float32))
    found = list(composer.events())
    composer.close()
    assert len(found) == 8 and all(
        "no song of station mine" in getattr(one, "text", "") for one in found
    )


class Journal:
    def __init__(self, made_by: str) -> None:
        self.made_by = made_by


def test_a_session_plays_the_codes_of_its_station() -> None:
    asked: list[np.ndarray] = []
    said: list[str] = []

    class Composer:
        def replay(self, key: str, coordinate: np.ndarray) -> None:
            asked.append(coordinate)

    replays = ReplayRequest(Composer(), said.append)  # type: ignore[arg-type]
    code = share_code("tiny", MADE_BY, np.arange(3.0))
    replays.start_shared(code, Journal("ab12"))  # type: ignore[arg-type]
    replays.start_shared(code[:-1], Journal(MADE_BY))  # type: ignore[arg-type]
    assert not asked and f"needs station tiny of fingerprint {MADE_BY}" in said[0]
    assert "mistyped" in said[1]
    replays.start_shared(code, Journal(MADE_BY))  # type: ignore[arg-type]
    np.testing.assert_array_equal(asked, [np.arange(3.0)])


def test_the_fingerprint_fits_a_code() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", station_fingerprint(tiny_station()))
