"""The whole radio: real keys in a real terminal, real sound, recorded and compared."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from radio.ratings import Ratings

pexpect = pytest.importorskip("pexpect")
ROOT = Path(__file__).parents[3]
RATE = 22050
WIDTH = RATE // 4  # samples of a piece of the recording that is looked for in the song


def places_of(song: np.ndarray, heard: np.ndarray, hop: int) -> np.ndarray:
    """Return (seconds into the song, correlation) of each piece of a recording; NaN is silence."""
    found = []
    energy = np.sqrt(np.convolve(np.square(song, dtype=np.float64), np.ones(WIDTH), "valid"))
    for start in range(0, heard.size - WIDTH, hop):
        piece = heard[start : start + WIDTH]
        if np.abs(piece).max() < 1e-4:
            found.append((np.nan, np.nan))
            continue
        likeness = correlate(song, piece, "valid") / np.maximum(
            energy * np.linalg.norm(piece), 1e-9
        )
        found.append((likeness.argmax() / RATE, likeness.max()))
    return np.array(found)


def test_start_hear_pause_seek_rate_skip_undo_final_quit(
    sound_server: subprocess.Popen, home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    record = [
        "parec",
        "-d",
        "test.monitor",
        f"--rate={RATE}",
        "--channels=1",
        "--format=float32le",
        "--raw",
        "--latency-msec=10",
    ]
    with (tmp_path / "heard").open("wb") as file:
        recorder = subprocess.Popen(record, stdout=file)
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
    }
    script = f"stty -g; {sys.executable} -m radio --seed 4; echo code $?; stty -g"
    radio: Any = pexpect.spawn(
        "sh",
        ["-c", script],
        env=environment,
        encoding="utf-8",
        timeout=60,
        dimensions=(30, 100),
        cwd=str(ROOT),
    )
    try:
        radio.expect(r"([0-9a-f:]+)\r\n")
        before = radio.match.group(1)
        for keys, wanted in (
            ("", "no prediction"),
            ("s", r"Saved.{0,200}?[/…]\S*\.wav"),  # its end, where a path is too long
            ("", "0:03"),
            (" ", "paused"),
            (None, 1.0),
            (" ", "0:04"),
            ("\x1b[D", "0:00"),
            ("", "0:02"),
            ("9", r"\+1\.00"),
            ("n", "know you: 1 of"),
            (None, 3.0),
            ("1n", "know you: 2 of"),
            (None, 3.0),
            ("u", r"\(-1\.0\) is taken back"),
            ("f", "✓ saved"),
        ):
            if keys is None:
                time.sleep(float(wanted))
                continue
            radio.send(keys)
            radio.expect(wanted)
        assert "no sound" not in radio.before
        radio.send("q")
        radio.expect(r"code 0\r\n([0-9a-f:]+)\r\n")
        assert radio.match.group(1) == before, "the terminal is as it was"
        radio.expect(pexpect.EOF)
    finally:
        radio.close(force=True)
        recorder.terminate()
        recorder.wait(10)
    assert [one.rating for one in Ratings(home / "ratings.db").of("me", "starter")] == [1.0]
    heard = np.fromfile(tmp_path / "heard", np.float32)
    first = min((home / "songs").glob("*.wav"), key=lambda path: path.stat().st_mtime)
    # the recording is within the beginning, and the search takes as long as the song
    song, _ = soundfile.read(first, frames=15 * RATE, dtype="float32")
    heard = heard[max(0, int(np.flatnonzero(np.abs(heard) > 1e-4)[0]) - 100) :]
    places = places_of(song, heard[: 14 * RATE], RATE // 20)
    clean = places[:, 1] > 0.99
    assert clean.sum() > 60, "3 s of pieces, and more, are the song and nothing else"
    silence = np.flatnonzero(np.isnan(places[:, 0]))
    silence = silence[silence > np.flatnonzero(clean)[0]]
    silence = silence[: np.flatnonzero(np.append(np.diff(silence) > 5, True))[0] + 1]  # the first
    assert 0.5 < silence.size / 20 < 3, "a pause is silence"
    went_on = np.flatnonzero(clean & (np.arange(len(places)) > silence[-1]))
    paused_at, resumed_at = (
        places[np.flatnonzero(clean[: silence[0]])[-1], 0],
        places[went_on[0], 0],
    )
    assert -0.1 < resumed_at - paused_at < 0.8, "nothing is lost over it"
    back = went_on[np.flatnonzero(np.diff(places[went_on, 0]) < -1)[0] + 1]
    assert places[back, 0] < 0.05 + 1 / 20, "a seek to the beginning lands within 50 ms of it"
    assert capfd.readouterr().err == ""


def answer(radio: subprocess.Popen, typed: str, wanted: str) -> str:
    """Type lines; return the first line of the radio that has a text in it.

    Raises:
        BrokenPipeError: if the radio ended.
    """
    assert radio.stdin is not None and radio.stdout is not None
    radio.stdin.write(f"{typed}\n")
    radio.stdin.flush()
    while wanted not in (line := radio.stdout.readline()):
        if not line:
            raise BrokenPipeError
    return line


def seconds_of_a_mend(command: list[str]) -> float:
    """Return the time from a rating until the first song of a radio is mended and kept."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as radio:
        assert radio.stdout is not None
        while not radio.stdout.readline().startswith("  1  "):
            assert radio.poll() is None, "it did not start"
        begun = time.monotonic()
        answer(radio, "0.5\nmend", "Mended ")
        answer(radio, "keep", "Kept")
        took = time.monotonic() - begun
        radio.communicate("q\n", timeout=60)
    return took


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("then", ["n", "mend"])
def test_killed_at_fifty_random_moments_it_loses_no_rating(
    home: Path, rng: np.random.Generator, then: str
) -> None:
    """Killed while songs are rated and saved; the other time also while they are mended."""
    from tiny_station import tiny_station

    tiny_station().save(home / "stations" / "tiny")
    station = (home / "stations" / "tiny" / "station.npz").read_bytes()
    # by sessions before; a song that is taken up again may be rated anew, which replaces its rating
    confirmed: list[float] = []
    command = [sys.executable, "-m", "radio", "--plain", "--station", "tiny", "--beats", "256"]
    # seconds until it is killed: while the first song is mended or the second is
    longest = 1.5 if then == "n" else 2 * seconds_of_a_mend(command)
    mended = 0
    for _ in range(50):
        said: list[float] = []
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as radio:
            assert radio.stdin is not None and radio.stdout is not None
            while not radio.stdout.readline().startswith("  1  "):
                assert radio.poll() is None, "it did not start after it was killed"
            found = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(radio.pid)], capture_output=True, text=True
            )
            learner = int(found.stdout.split()[0])
            killer = subprocess.Popen(
                ["sh", "-c", f"sleep {rng.uniform(0, longest):.3f}; kill -9 {radio.pid}"]
            )
            with contextlib.suppress(BrokenPipeError):
                while True:
                    value = round(float(rng.uniform(-1, 1)), 2)
                    # 'hello' is answered after the rating was taken
                    answer(radio, f"{value}\ns\nhello {value}", f"hello {value}")
                    said.append(value)
                    if then == "mend" and answer(radio, "mend", "ended").startswith("Mended"):
                        answer(radio, "keep", "Kept")
                        mended += 1
                    else:
                        radio.stdin.write("n\n")
            killer.wait()
            assert radio.wait() == -signal.SIGKILL
            with contextlib.suppress(BrokenPipeError):
                radio.stdin.close()
        until = time.monotonic() + 20
        while Path(f"/proc/{learner}").exists():
            assert time.monotonic() < until, "the learner outlives the radio"
            time.sleep(0.02)
        ratings = Ratings(home / "ratings.db")  # checks the file
        kept = [one.rating for one in ratings.of("me", "tiny")]
        ratings.close()
        for values in (said, confirmed):
            missing = [
                value for value in values if not any(abs(value - one) < 1e-9 for one in kept)
            ]
            assert not missing, (missing, kept)
        confirmed += said[:-1]
        for path in (home / "songs").glob("*.wav"):
            assert soundfile.info(path).frames > RATE
        assert (home / "stations" / "tiny" / "station.npz").read_bytes() == station
    assert len(confirmed) > 20 if then == "n" else mended > 2
