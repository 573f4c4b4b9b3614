"""Killed at random moments in training, saving and descent: all resumes, to the same bytes.

The long form (`python -m pytest -m slow tests/radio/test_faults.py`) kills each of them 50 times.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_recipe import small_recordings
from tiny_station import tiny_station

from neural_networks.training.checkpoint import load_arrays
from radio.cli.main import main
from radio.ratings import Rating, Ratings
from radio.station import STATION_FILE, TRAINING_FILE, Station, station_fingerprint
from radio.training import TrainingOptions, resume, train_station
from radio.training.checkpoint import BEFORE, TrainingCheckpoint

ROOT = Path(__file__).parents[2]
MANY = pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])
# The command line with a checkpoint at every step instead of every minute. It says when it has
# imported everything and begins.
SCRIPT = """
import sys
from radio.training import resume
from radio.cli.main import main
import radio.cli.commands.generate, radio.cli.commands.train
import radio.composer.local_composer, radio.composer.novelty
resume.CHECKPOINT_SECONDS = 0.0
print("begun", flush=True)
sys.exit(main(sys.argv[1:]))
"""


class Process:
    """The command line in a process of its own, which has begun to work."""

    def __init__(self, home: Path, *arguments: str) -> None:
        command = [sys.executable, "-c", SCRIPT, *arguments, "--home", str(home)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None and self._process.stdout.readline() == "begun\n"
        self._start = time.monotonic()

    def kill(self, seconds: float, number: signal.Signals) -> tuple[int, str]:
        """Send a signal after so many seconds; return the exit code and what was complained of."""
        time.sleep(seconds)
        self._process.send_signal(number)
        errors = self._process.communicate(timeout=120)[1]
        return self._process.returncode, errors

    def end(self) -> float:
        """Return how many seconds it took to end well."""
        errors = self._process.communicate(timeout=120)[1]
        assert self._process.returncode == 0, errors
        return time.monotonic() - self._start


def moments(count: int, seconds: float) -> list[tuple[float, signal.Signals]]:
    """Draw moments within a command's run, and whether it is killed or asked to end at each."""
    rng = np.random.default_rng(count)
    return [
        (float(rng.uniform(0, seconds)), (signal.SIGKILL, signal.SIGTERM)[i % 2])
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for number in range(5):
        tone = np.sin(np.arange(22050 * 5) * (0.02 + 0.01 * number)) * np.exp(
            -np.arange(22050 * 5) % 9000 / 3000
        )
        soundfile.write(folder / f"{number}.flac", 0.3 * tone, 22050)
    return folder


@pytest.mark.parametrize("count", [2, MANY])
def test_a_training_killed_again_and_again_ends_in_the_same_bytes(
    tmp_path: Path, music: Path, count: int
) -> None:
    def command(steps: int) -> list[str]:
        return [
            "train",
            str(music),
            "--station",
            "s",
            "--beats",
            "16",
            "--steps",
            str(steps),
            "--threads",
            "1",
        ]

    steps = 80 if count < 10 else 400
    station = Path("stations") / "s"
    whole = Process(tmp_path / "whole", *command(steps)).end()
    lost, before = 0, 0
    for seconds, number in moments(count, whole / (1 if count < 10 else 12)):
        process = Process(tmp_path / "killed", *command(steps))
        code, errors = process.kill(seconds, number)
        assert "Traceback" not in errors, errors
        found = (
            TrainingCheckpoint(tmp_path / "killed" / station).load()
            if (tmp_path / "killed" / station).is_dir()
            else None
        )
        if (tmp_path / "killed" / station / STATION_FILE).exists():
            assert found is None or number is signal.SIGKILL
            break
        made = (
            sum(int(found[0].get(name, 0)) for name in ("vae/steps", "gan/critic/steps"))
            if found
            else 0
        )
        assert made >= before and code in (-signal.SIGKILL, -signal.SIGTERM, 130)
        lost += made == before
        before = made
    if not (tmp_path / "killed" / station / STATION_FILE).exists():
        Process(tmp_path / "killed", *command(steps)).end()
    assert lost < count
    files = [
        (tmp_path / name / station / STATION_FILE).read_bytes() for name in ("whole", "killed")
    ]
    assert files[0] == files[1]
    assert os.listdir(tmp_path / "killed" / station) == [STATION_FILE]


@pytest.mark.parametrize("count", [1, MANY])
def test_songs_that_are_written_when_it_is_killed_are_whole_or_not_there(
    tmp_path: Path, count: int
) -> None:
    tiny_station().save(tmp_path / "stations" / "tiny")
    command = ["generate", "--station", "tiny", "--count", "25", "--seed", "3", "--output"]
    whole = Process(tmp_path, *command, str(tmp_path / "whole")).end()
    expected = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert len(expected) == 25
    for index, (seconds, number) in enumerate(moments(count, whole)):
        output = tmp_path / str(index)
        Process(tmp_path, *command, str(output)).kill(seconds, number)
        found = (
            {path.name: path.read_bytes() for path in output.glob("*.wav")}
            if output.is_dir()
            else {}
        )
        assert all(expected[name] == content for name, content in found.items())


def rated_home(home: Path) -> None:
    """A station, and a listener who has rated six of its songs."""
    station = tiny_station()
    station.save(home / "stations" / "tiny")
    station = Station.load(home / "stations" / "tiny")
    ratings = Ratings(home / "ratings.db")
    for number, coordinate in enumerate(station.sample(6, np.random.default_rng(1))):
        one = Rating(
            "me",
            "tiny",
            station_fingerprint(station),
            f"song {number}",
            coordinate,
            number / 5 - 0.5,
            time=float(number),
        )
        ratings.write(one)
    ratings.close()


@pytest.mark.parametrize("count", [1, MANY])
def test_a_descent_that_is_killed_leaves_the_ratings_and_can_be_made_again(
    tmp_path: Path, count: int
) -> None:
    rated_home(tmp_path)
    command = ["final", "--station", "tiny", "--seed", "3", "--output"]
    whole = Process(tmp_path, *command, str(tmp_path / "whole.wav")).end()
    expected = (tmp_path / "whole.wav").read_bytes()
    for index, (seconds, number) in enumerate(moments(count, whole)):
        output = tmp_path / f"{index}.wav"
        Process(tmp_path, *command, str(output)).kill(seconds, number)
        assert not output.exists() or output.read_bytes() == expected
        assert len(Ratings(tmp_path / "ratings.db").of("me", "tiny")) == 6
    Process(tmp_path, *command, str(tmp_path / "again.wav")).end()
    assert (tmp_path / "again.wav").read_bytes() == expected


@pytest.fixture
def small() -> Iterator[None]:
    with small_recordings():
        yield


@pytest.fixture(scope="module")
def stopped(music: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, bytes]:
    """A home with a training that was stopped, its two checkpoints."""
    home = tmp_path_factory.mktemp("stopped")
    with small_recordings(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume, "CHECKPOINT_SECONDS", 0.0)
        done: list[int] = []

        def report(event: dict) -> None:
            done.append(event.get("done", 0) if event["phase"] == "vae" else 0)

        assert (
            train_station(
                home / "s",
                music,
                TrainingOptions(beats=16, steps=20, threads=1),
                report=report,
                should_stop=lambda: max(done) >= 7,
            )
            is None
        )
    return home / "s", (home / "s" / TRAINING_FILE).read_bytes(), (home / "s" / BEFORE).read_bytes()


def test_a_checkpoint_cut_anywhere_costs_what_came_after_the_one_before(
    stopped: tuple[Path, bytes, bytes],
) -> None:
    """As after a power cut or on a failing disk: 50 cuts, 50 bit flips, then both files damaged."""
    folder, last, before = stopped
    checkpoint = TrainingCheckpoint(folder)
    rng = np.random.default_rng(0)
    whole, _ = load_arrays(folder / BEFORE)
    went_on = 0
    for index in range(100):
        damaged = bytearray(last[: rng.integers(len(last))] if index % 2 else last)
        if not index % 2:
            damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        (folder / TRAINING_FILE).write_bytes(damaged)
        found = checkpoint.load()
        assert found is not None
        arrays, _, note = found
        went_on += bool(note)
        if note:
            assert "resuming from the one before" in note and "\n" not in note
            assert all(arrays[name].tobytes() == array.tobytes() for name, array in whole.items())
    assert went_on > 90
    (folder / TRAINING_FILE).unlink()  # killed between two renames
    found = checkpoint.load()
    assert found is not None and "is gone" in found[2]
    (folder / TRAINING_FILE).write_bytes(last)


def test_the_training_that_goes_on_from_the_one_before_ends_in_the_same_bytes(
    stopped: tuple[Path, bytes, bytes], music: Path, tmp_path: Path, small: None
) -> None:
    folder, last, before = stopped
    assert (
        train_station(
            tmp_path / "whole" / "s", music, TrainingOptions(beats=16, steps=20, threads=1)
        )
        is not None
    )
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / TRAINING_FILE).write_bytes(last[:-1])
    (tmp_path / "s" / BEFORE).write_bytes(before)
    (tmp_path / "s" / f".{TRAINING_FILE}.abc.tmp").write_bytes(b"what a kill left")
    notes: list[str] = []
    report = lambda event: notes.append(event.get("note", ""))  # noqa: E731
    assert (
        train_station(
            tmp_path / "s", music, TrainingOptions(beats=16, steps=20, threads=1), report=report
        )
        is not None
    )
    assert any("resuming from the one before" in note for note in notes)
    assert (tmp_path / "s" / STATION_FILE).read_bytes() == (
        tmp_path / "whole" / "s" / STATION_FILE
    ).read_bytes()
    assert os.listdir(tmp_path / "s") == [STATION_FILE]


def test_sigterm_saves_before_it_ends(
    tmp_path: Path, music: Path, small: None, capfd: pytest.CaptureFixture[str], monkeypatch
) -> None:
    """As Ctrl-C does: the step is finished and saved, even right after a checkpoint."""
    options = [
        "train",
        str(music),
        "--station",
        "s",
        "--beats",
        "16",
        "--steps",
        "100000",
        "--home",
        str(tmp_path),
    ]
    make = resume.Checkpoints.save_if_due
    seen: list[int] = []

    def counted(self, states) -> None:
        make(self, states)
        seen.append(1)
        if len(seen) == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(resume.Checkpoints, "save_if_due", counted)
    assert main(options) == 130
    assert "the progress is saved" in capfd.readouterr().err
    assert int(load_arrays(tmp_path / "stations" / "s" / TRAINING_FILE)[0]["vae/steps"]) == 4
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
