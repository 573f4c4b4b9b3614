"""The database of ratings: written at once, exactly, through kill -9; foreign files are refused."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from radio.home import SHIPPED, Home, HomeError, check_name
from radio.ratings import Rating, Ratings, RatingsError, Slider
from radio.ratings.schema import APPLICATION
from radio.ratings.slider import checked_curve, rating_of


def rating(value: float = 0.5, *, listener: str = "me", station: str = "tiny", **rest) -> Rating:
    return Rating(
        listener, station, "ab12", "Amber Harbor", np.array([0.1, -1.5, 1e-7]), value, **rest
    )


@pytest.mark.parametrize("skipped", [False, True])
def test_a_rating_comes_back_exactly(
    tmp_path: Path, rng: np.random.Generator, skipped: bool
) -> None:
    coordinate = rng.standard_normal(66).astype(np.float32)
    curve = np.array([] if skipped else [[3.25, 0.1], [9.0, -0.7]]).reshape(-1, 2)
    with_all = Rating(
        "me",
        "tiny",
        "ab12",
        "Amber Harbor",
        coordinate,
        -0.3,
        weight=0.5,
        curve=curve,
        skipped=skipped,
    )
    ratings = Ratings(tmp_path / "ratings.db")
    ratings.write(with_all)
    ratings.close()
    (back,) = Ratings(tmp_path / "ratings.db").of("me", "tiny")
    np.testing.assert_array_equal(back.coordinate.astype(np.float32), coordinate)
    np.testing.assert_array_equal(back.curve, curve)
    for name in (
        "listener",
        "station",
        "made_by",
        "song",
        "rating",
        "weight",
        "skipped",
        "time",
        "key",
    ):
        assert getattr(back, name) == getattr(with_all, name), name


def test_a_song_rated_by_hand_is_not_skipped_whatever_an_earlier_version_wrote(
    tmp_path: Path,
) -> None:
    ratings = Ratings(tmp_path / "ratings.db")
    ratings.write(rating(0.5, curve=np.array([[3.0, 0.5]]), skipped=True))
    (back,) = ratings.all()
    assert not back.skipped
    ((_, _, _, skipped),) = ratings.judged("me", "tiny", "ab12")
    assert not skipped


def test_each_listener_and_station_has_its_own_and_the_order_is_kept(tmp_path: Path) -> None:
    ratings = Ratings(tmp_path / "ratings.db")
    for number in range(5):
        ratings.write(rating(number / 10, time=100.0 + number))
        ratings.write(rating(-number / 10, listener="you", time=100.0 + number))
        ratings.write(rating(0.9, station="other", time=50.0))
    assert [one.rating for one in ratings.of("me", "tiny")] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert ratings.total() == 15
    assert ratings.of("nobody", "tiny") == []


def test_the_same_key_is_written_over_and_undo_takes_back_the_latest(tmp_path: Path) -> None:
    ratings = Ratings(tmp_path / "ratings.db")
    ratings.write(rating(0.1, key="a", time=1.0))
    ratings.write(rating(0.2, key="b", time=2.0))
    ratings.write(rating(0.3, key="b", time=2.0))
    assert [one.rating for one in ratings.of("me", "tiny")] == [0.1, 0.3]
    for expected in (0.3, 0.1, None):
        undone = ratings.undo("me", "tiny", "ab12")
        assert (undone.rating if undone else None) == expected
    ratings.write(rating(0.4))
    assert ratings.undo("me", "tiny", "trained again") is None
    assert ratings.total() == 1


def test_it_is_durable_by_its_settings(tmp_path: Path) -> None:
    ratings = Ratings(tmp_path / "ratings.db")
    assert ratings._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ratings._database.execute("PRAGMA synchronous").fetchone() == (2,)


def test_killed_while_writing_it_loses_no_rating_it_confirmed(tmp_path: Path) -> None:
    code = """
import sys, numpy as np
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from radio.ratings import Ratings
from radio.ratings import Rating
ratings = Ratings(Path(sys.argv[1]))
for number in range(100_000):
    song = f"song {number}"
    ratings.write(Rating("me", "tiny", "ab12", song, np.ones(66), 0.5, time=float(number)))
    print(number, flush=True)
"""
    path = tmp_path / "ratings.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert writer.stdout is not None
    confirmed = -1
    for _ in range(40):
        confirmed = int(writer.stdout.readline())
    os.kill(writer.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    rest = writer.communicate()[0].split()
    confirmed = int(rest[-1]) if rest else confirmed
    kept = Ratings(path).of("me", "tiny")
    assert [one.time for one in kept[: confirmed + 1]] == list(range(confirmed + 1))
    assert len(kept) <= confirmed + 2


def test_two_programs_may_write_at_once(tmp_path: Path) -> None:
    first, second = Ratings(tmp_path / "ratings.db"), Ratings(tmp_path / "ratings.db")
    for number in range(20):
        (first, second)[number % 2].write(rating(number / 100))
    assert first.total() == second.total() == 20


def test_programs_may_create_it_at_the_same_moment(tmp_path: Path) -> None:
    """Shows a header read twice, and a change to the write-ahead log that fails at once."""
    together = threading.Barrier(4)

    def opened(path: Path) -> int:
        together.wait()
        ratings = Ratings(path)
        ratings.write(rating())
        return ratings.total()

    with ThreadPoolExecutor(4) as pool:
        for number in range(25):
            totals = list(pool.map(opened, [tmp_path / f"{number}.db"] * 4))
            assert max(totals) == 4


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("noise", "damaged"),
        ("newer", "newer AI Radio"),
        ("foreign", "another program"),
        ("folder", "can't be used"),
    ],
)
def test_a_bad_database_is_one_line_and_left_as_it_was(
    tmp_path: Path, what: str, message: str, rng: np.random.Generator
) -> None:
    path = tmp_path / "ratings.db"
    if what == "noise":
        path.write_bytes(rng.bytes(20_000))
    elif what == "newer":
        Ratings(path).close()
        sqlite3.connect(path).execute("PRAGMA user_version = 99").connection.close()
    elif what == "foreign":
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE recipes (name TEXT)")
        database.close()
    else:
        path.mkdir()
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(RatingsError, match=message) as caught:
        Ratings(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_database_held_by_another_program_is_told_soon(tmp_path: Path) -> None:
    ratings = Ratings(tmp_path / "ratings.db")
    other = sqlite3.connect(tmp_path / "ratings.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    with pytest.raises(RatingsError, match="another program holds the ratings") as caught:
        ratings.write(rating())
    assert time.monotonic() - start < 5, "a listener's keys wait for this"
    assert "\n" not in str(caught.value)
    other.execute("ROLLBACK")
    ratings.write(rating())
    assert ratings.total() == 1


def test_the_file_says_whose_it_is(tmp_path: Path) -> None:
    Ratings(tmp_path / "ratings.db").close()
    header = (tmp_path / "ratings.db").read_bytes()[:100]
    assert int.from_bytes(header[68:72], "big") == APPLICATION == int.from_bytes(b"AiRd", "big")


def test_the_home_is_made_when_something_is_written(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "b")
    assert not home.path.exists() and home.stations().keys() == Home(tmp_path).stations().keys()
    assert home.songs() == tmp_path / "a" / "b" / "songs"
    assert home.songs().is_dir()


def test_where_the_home_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_RADIO_HOME", str(tmp_path / "by variable"))
    assert Home().path == tmp_path / "by variable"
    assert Home(tmp_path / "by option").path == tmp_path / "by option"
    monkeypatch.delenv("AI_RADIO_HOME")
    assert "ai-radio" in str(Home().path)
    monkeypatch.chdir(tmp_path)
    assert Home("here").path == tmp_path / "here"
    with pytest.raises(HomeError, match="needs a folder"):
        Home("")


@pytest.mark.parametrize("place", ["file/home", "/proc/home", "a\0b"])
def test_an_impossible_home_is_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(HomeError) as caught:
        Home(tmp_path / place).writable()
    assert "\n" not in str(caught.value) and "--home" in str(caught.value)


def test_own_stations_come_before_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "home" / "stations"
    for folder in (
        shipped / "starter",
        shipped / "other",
        own / "starter",
        own / "mine",
        own / "empty",
    ):
        folder.mkdir(parents=True)
        if folder.name != "empty":
            (folder / "station.npz").write_bytes(b"")
    monkeypatch.setattr("radio.home.folder.SHIPPED", shipped)
    home = Home(tmp_path / "home")
    assert home.station("starter") == own / "starter"
    assert home.station("other") == shipped / "other"
    assert home.station("new") == own / "new"
    assert list(home.stations()) == ["mine", "other", "starter"]
    assert home.stations()["starter"] == own / "starter"
    assert SHIPPED.parent.name == "radio"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "a/b",
        "-x",
        "a b",
        "x" * 65,
        "\u0301a",
        "a\u2028",
        "a\n",
        "con",
        "NUL.1",
        "a.",
        "字" * 64 + "x",
    ],
)
def test_names_that_could_be_paths_are_refused(name: str) -> None:
    with pytest.raises(HomeError):
        check_name(name, "station")


@pytest.mark.parametrize("name", ["Jürgen", "Юрий", "さくら", "नमस्ते", "محمد", "α-1.2_b", "字" * 64])
def test_names_in_any_alphabet(name: str, tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", name)
    assert check_name(decomposed, "listener") == unicodedata.normalize("NFC", name)
    home = Home(tmp_path)
    folder = home.station(decomposed)
    folder.mkdir(parents=True)
    (folder / "station.npz").write_bytes(b"")
    assert home.stations()[unicodedata.normalize("NFC", name)] == folder


def test_a_slider_says_nothing_until_it_is_touched() -> None:
    slider = Slider()
    for second in range(10):
        slider.record(float(second))
    assert slider.curve().shape == (0, 2)
    assert rating_of(slider.curve()) is None
    slider.set((slider.value or 0.0) + 0.1)
    slider.record(10.0)
    slider.release()
    slider.record(11.0)
    assert slider.value is None and rating_of(slider.curve()) is None


def test_a_rating_is_the_mean_over_the_time_the_slider_was_held() -> None:
    slider = Slider()
    for tick in range(301):
        seconds = tick / 10
        if seconds == 10.0:
            slider.set(0.2)
        if seconds == 20.0:
            slider.set(0.8)
        slider.record(seconds)
    assert len(slider.curve()) <= 4, "a curve keeps where something changed, not every tick"
    assert rating_of(slider.curve()) == pytest.approx(0.5, abs=0.01)


def test_the_first_seconds_do_not_count_unless_they_are_all() -> None:
    assert rating_of(np.array([[0.5, -1.0], [3.0, 1.0], [6.0, 1.0]])) == 1.0
    assert rating_of(np.array([[0.0, -1.0], [6.0, 0.0]])) == -1.0
    assert rating_of(np.array([[0.5, 0.3], [1.5, -0.4]])) == -0.4


def test_a_pause_adds_no_time_and_a_jump_back_none() -> None:
    paused = np.array([[5.0, 0.0], [10.0, 1.0], [10.0, 1.0], [10.0, 1.0], [15.0, 1.0]])
    assert rating_of(paused) == 0.5
    back = np.array([[5.0, 0.0], [10.0, 1.0], [4.0, 1.0], [9.0, 1.0]])
    assert rating_of(back) == pytest.approx(0.5)


def test_the_slider_stays_between_its_ends() -> None:
    slider = Slider()
    for _ in range(30):
        slider.set((slider.value or 0.0) + 0.1)
    assert slider.value == 1
    for _ in range(10):
        slider.set((slider.value or 0.0) - 0.1)
    assert slider.value == 0 and str(slider.value) == "0.0"


def test_curves_are_checked_at_the_border() -> None:
    assert rating_of(checked_curve(0.25)) == 0.25
    assert checked_curve([]).shape == (0, 2)
    assert rating_of(checked_curve([[4, 0.5], [np.nan, 0.1], [8, np.nan]])) == 0.5
    for bad in ([[4, 1.5]], 2.0, [1, 2, 3], [[[1]]]):
        with pytest.raises(ValueError, match="rating|slider"):
            checked_curve(bad)
