"""A full disk, a read-only home, a changed clock, two processes: one line, and nothing is lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_recipe import small_recordings
from tiny_station import tiny_station

from radio.cli.main import main
from radio.home import Home, temporary_home
from radio.ratings import Rating, Ratings, RatingsError
from radio.station import STATION_FILE, StationError, write_wav
from radio.training import TrainingOptions, resume, train_station
from radio.training.checkpoint import TrainingCheckpoint
from radio.training.station_lock import station_lock
from tests.radio.cli.test_cli import _made_read_only, run

ROOT = Path(__file__).parents[3]


def rating(number: int, **rest: float) -> Rating:
    place = np.full(60, float(number))
    return Rating("me", "tiny", "ab12", f"song {number}", place, 0.5, **rest)  # type: ignore


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for number in range(3):
        soundfile.write(
            folder / f"{number}.wav",
            0.3 * np.sin(np.arange(22050 * 5) * (0.02 + 0.01 * number)),
            22050,
        )
    return folder


@pytest.fixture
def small() -> Iterator[None]:
    with small_recordings():
        yield


def test_a_database_on_a_full_disk_takes_ratings_again_when_there_is_room(tmp_path: Path) -> None:
    """SQLite is told that there are no more pages, and says what it says of a full disk."""
    ratings = Ratings(tmp_path / "ratings.db")
    (pages,) = ratings._database.execute("PRAGMA page_count").fetchone()
    ratings._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(RatingsError, match="full") as caught:
        for number in range(100):
            ratings.write(rating(number))
    assert "\n" not in str(caught.value)
    kept = ratings.total()
    ratings._database.execute("PRAGMA max_page_count = 1000000")
    ratings.write(rating(100))
    assert ratings.total() == kept + 1 == len(ratings.of("me", "tiny"))


def test_a_training_whose_checkpoints_find_no_room_goes_on_and_says_so(
    tmp_path: Path, music: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "CHECKPOINT_SECONDS", 0.0)
    save, tries = TrainingCheckpoint.save, []

    def full(self: TrainingCheckpoint, *arguments: object) -> None:
        tries.append(1)
        if len(tries) < 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingCheckpoint, "save", full)
    notes: list[str] = []
    made = train_station(
        tmp_path / "s",
        music,
        TrainingOptions(beats=16, steps=10),
        report=lambda event: notes.append(event.get("note", "")),
    )
    assert made is not None and os.listdir(tmp_path / "s") == [STATION_FILE]
    told = [note for note in notes if "can't be saved" in note]
    assert (
        len(told) == 8
        and told[0]
        == "the checkpoint can't be saved (No space left on device); the training continues"
    )
    # Where it is stopped, what was learned would be lost: that is no success.
    tries.clear()
    with pytest.raises(OSError, match="No space left"):
        train_station(
            tmp_path / "t",
            music,
            TrainingOptions(beats=16, steps=10),
            should_stop=lambda: len(tries) > 2,
        )


def small_disk(folder: Path, size: str) -> bool:
    """Mount a disk of a size at a folder; that needs root."""
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid():
        return False
    return (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], capture_output=True
        ).returncode
        == 0
    )


def test_a_disk_that_is_really_full(
    tmp_path: Path, music: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk"
    if not small_disk(disk, "5m"):
        pytest.skip("a small disk can't be mounted here")
    try:
        options = ["--station", "s", "--beats", "16", "--steps", "2", "--home", str(disk)]
        assert main(["train", str(music), *options]) == 2
        errors = capsys.readouterr().err.strip().splitlines()
        assert "No space left on device" in errors[-1] and errors[-1].startswith("ai-radio: ")
        ratings = Ratings(disk / "ratings.db")
        with pytest.raises(RatingsError, match="full|disk"):
            for number in range(20_000):
                ratings.write(rating(number))
        kept = ratings.total()
        with pytest.raises(OSError, match="No space|full|space|rror"):
            write_wav(disk / "song.wav", np.zeros(4_000_000, np.float32), 22050)
        ratings.close()
        left = {path.name for path in disk.iterdir()}
        assert "song.wav" not in left and not [
            name for name in left if name.endswith((".part", ".tmp"))
        ]
        assert Ratings(disk / "ratings.db").total() == kept > 100
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_session_temporary_home_knows_what_was_said_before(tmp_path: Path) -> None:
    tiny_station().save(tmp_path / "stations" / "tiny")
    ratings = Ratings(tmp_path / "ratings.db")
    ratings.write(rating(1))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    home = temporary_home(Home(tmp_path))
    copy = Ratings(home.ratings)
    assert copy.total() == 1 and home.station("tiny").joinpath(STATION_FILE).is_file()
    copy.write(rating(2))
    copy.close()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_clock_that_is_set_back_or_ahead(tmp_path: Path) -> None:
    """What was said last is what is taken back, whatever the clock said."""
    ratings = Ratings(tmp_path / "ratings.db")
    for number, when in enumerate((2e9, 1e9, 4e9, 0.0, 1.5e9)):
        ratings.write(rating(number, time=when))
    undone = [ratings.undo("me", "tiny", "ab12") for _ in range(5)]
    assert [one.song for one in undone if one] == ["song 4", "song 3", "song 2", "song 1", "song 0"]


def test_checkpoints_do_not_wait_for_the_clock_on_the_wall(
    tmp_path: Path, music: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = iter(np.random.default_rng(0).uniform(-1e9, 1e9, 100_000))
    monkeypatch.setattr("time.time", lambda: float(next(jumps)))
    monkeypatch.setattr(resume, "CHECKPOINT_SECONDS", 0.0)
    saved: list[int] = []
    save = TrainingCheckpoint.save
    monkeypatch.setattr(
        TrainingCheckpoint,
        "save",
        lambda self, *arguments: (saved.append(1), save(self, *arguments)),
    )
    assert train_station(tmp_path / "s", music, TrainingOptions(beats=16, steps=4)) is not None
    assert len(saved) >= 5


def test_two_processes_do_not_train_one_station(
    tmp_path: Path, music: Path, small: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "stations" / "s"
    folder.mkdir(parents=True)
    options = [
        "train",
        str(music),
        "--station",
        "s",
        "--beats",
        "16",
        "--steps",
        "1",
        "--home",
        str(tmp_path),
    ]
    with station_lock(folder):
        with pytest.raises(StationError, match="another process"), station_lock(folder):
            pass
        assert main(options) == 2
        assert (
            capsys.readouterr()
            .err.strip()
            .splitlines()[-1]
            .startswith("ai-radio: another process is training station s; wait for it")
        )
    assert main(options) == 0


def test_where_folders_can_not_be_locked_a_file_in_them_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""
    monkeypatch.setattr("radio.training.station_lock.FOLDERS_LOCK", False)
    with station_lock(tmp_path):
        for _ in range(2):
            with pytest.raises(StationError, match="another process"), station_lock(tmp_path):
                pass
        assert os.listdir(tmp_path) == ["training.lock"]
    assert os.listdir(tmp_path) == []
    with station_lock(tmp_path):
        pass


TWO = """
import sys
import numpy as np
from pathlib import Path
from radio.ratings import Ratings
from radio.ratings import Rating
ratings = Ratings(Path(sys.argv[1]))
for number in range(60):
    key = f"{sys.argv[2]} {number}"
    ratings.write(Rating("me", "tiny", "ab12", sys.argv[2], np.ones(66), 0.5, key=key))
    if number % 5 == 4:
        assert ratings.undo("me", "tiny", "ab12") is not None
    ratings.of("me", "tiny")
"""


def test_two_processes_with_one_listener(tmp_path: Path) -> None:
    """Both write, undo and read at the same time; the database then holds what they left."""
    command = [sys.executable, "-c", TWO, str(tmp_path / "ratings.db")]
    both = [
        subprocess.Popen([*command, name], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    for process in both:
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 0, errors
    assert Ratings(tmp_path / "ratings.db").total() == 2 * 60 - 2 * 12


def test_the_radio_plays_on_a_home_that_cannot_be_written_to(tmp_path: Path) -> None:
    tiny_station().save(tmp_path / "home" / "stations" / "tiny")
    if not _made_read_only(tmp_path / "home"):
        pytest.skip("a read-only folder can't be made here")
    try:
        done = run(
            "--home", tmp_path / "home", "--station", "tiny", "--seed", "3", given="0.5\nn\nq\n"
        )
    finally:
        _made_read_only(tmp_path / "home", undo=True)
    assert done.returncode == 0, done.stderr
    told = [
        line for line in done.stderr.splitlines() if "nothing of this session will be saved" in line
    ]
    assert len(told) == 1 and "can't write to the home" in told[0]
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["stations"]
