"""A composer alone: songs that differ, ratings that are learned, a final song that is liked."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from listening import change, delete, rate, undo
from matplotlib import image
from tiny_station import tiny_station

from radio.composer import LocalComposer, Song, shelf, write_song
from radio.composer.final_song import FINAL_CAUTION, MIDDLE_CAUTION
from radio.composer.novelty import MAX_CORRELATION, RememberedSongs
from radio.home import Home
from radio.ratings import Ratings
from radio.ratings.journal import SKIP_RATING, SKIP_WEIGHT
from radio.ratings.reaction_delay import TYPICAL
from radio.station import (
    Station,
    reconstruct_samples,
    song_file as saving,
)
from radio.taste import Taste

EMPTY = np.zeros((0, 2))


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge fewer songs than the radio does: these tests look at what is done with them."""
    monkeypatch.setattr(shelf, "CANDIDATES", 64)


@pytest.fixture(scope="module")
def station() -> Station:
    return tiny_station()


@pytest.fixture
def open_composer(station: Station, tmp_path: Path) -> Iterator[Callable[..., LocalComposer]]:
    """Open sessions in one home; they are closed at the end."""
    opened: list[LocalComposer] = []

    def make(
        listener: str = "me",
        *,
        of: Station = station,
        seed: int | None = 1,
        background: bool = False,
        **rest,
    ) -> LocalComposer:
        opened.append(
            LocalComposer(
                of, listener, home=Home(tmp_path), seed=seed, background=background, **rest
            )
        )
        return opened[-1]

    yield make
    for composer in opened:
        composer.close()


def brightness(song: Song) -> float:
    """Return the share of the sound above 1 kHz, from 0 to 1."""
    power = np.abs(np.fft.rfft(song.samples)) ** 2
    return float(
        power[np.fft.rfftfreq(song.samples.size, 1 / song.sample_rate) > 1000].sum() / power.sum()
    )


def steps(composer: LocalComposer, song: Song) -> np.ndarray:
    """Return a song's steps (S, F)."""
    return composer.maker.decode(song.latent)[:, 0]


def save(composer: LocalComposer, song: Song, home: Path) -> Path:
    """Write a song and return its path."""
    return write_song(song, Home(home).songs() / f"{song.key}.wav", composer.journal)


def test_a_song_is_sound_and_can_be_made_again_from_its_coordinate(
    open_composer: Callable[..., LocalComposer], station: Station
) -> None:
    song = open_composer().next_song()
    assert song.samples.dtype == np.float32 and song.samples.ndim == 1 and song.sample_rate == 22050
    assert 0.05 < np.abs(song.samples).max() <= 1
    assert song.samples.size / song.sample_rate == pytest.approx(station.seconds(song.latent))
    np.testing.assert_array_equal(station.render(song.latent), song.samples)
    assert song.name == station.song_name(song.latent)
    assert "bpm" in song.details


@pytest.mark.parametrize("background", [False, True])
def test_no_song_equals_an_earlier_one(
    open_composer: Callable[..., LocalComposer], background: bool
) -> None:
    composer = open_composer(background=background)
    songs = [composer.next_song() for _ in range(8)]
    for number, song in enumerate(songs):
        for earlier in songs[:number]:
            correlation = np.corrcoef(
                steps(composer, song).ravel(), steps(composer, earlier).ravel()
            )
            assert correlation[0, 1] < MAX_CORRELATION


def test_a_station_of_one_song_plays_on(open_composer: Callable[..., LocalComposer]) -> None:
    one = tiny_station(seed=3)
    one.model.vae.generator.decoder.head.weight.value[:] = 0
    composer = open_composer(of=one)
    first, second = composer.next_song(), composer.next_song()
    heard = RememberedSongs()
    heard.add(steps(composer, first))
    assert heard.max_correlation(steps(composer, second)) > 0.99


@pytest.mark.parametrize("explore", ["random", "greedy", "thompson", "ucb"])
def test_the_same_seed_and_ratings_give_the_same_songs(
    tmp_path: Path, station: Station, explore: str
) -> None:
    def play(folder: str, seed: int) -> list[str]:
        composer = LocalComposer(
            station,
            "me",
            home=Home(tmp_path / folder),
            seed=seed,
            explore=explore,
            background=False,
        )  # type: ignore[arg-type]
        names = []
        for number in range(7):
            song = composer.next_song()
            rate(composer, song, np.sin(number))
            names.append(song.name)
        composer.close()
        return names

    first = play("a", 5)
    assert first == play("b", 5)
    assert first != play("c", 6)


def test_a_rating_is_in_the_database_at_once(
    open_composer: Callable[..., LocalComposer], tmp_path: Path
) -> None:
    composer = open_composer(of=tiny_station(beats=32))
    song = composer.next_song()
    curve = np.array([[5.0, 0.2], [7.0, 0.6], [9.0, 0.6]])
    assert rate(composer, song, curve) == pytest.approx(0.4)
    # As another program sees it, while the composer is open.
    database = sqlite3.connect(tmp_path / "ratings.db")
    row = database.execute(
        "SELECT listener, station, song, rating, weight, skipped, curve FROM ratings"
    ).fetchone()
    database.close()
    assert row[:3] == ("me", "tiny", song.name) and row[3:6] == (pytest.approx(0.4), 1.0, 0)
    assert json.loads(row[6]) == curve.tolist()
    assert composer.rated == 1


def test_what_is_not_said_is_not_learned(
    open_composer: Callable[..., LocalComposer], tmp_path: Path
) -> None:
    composer = open_composer()
    assert rate(composer, composer.next_song(), EMPTY) is None
    assert composer.rated == 0
    skipped = composer.next_song()
    assert rate(composer, skipped, EMPTY, skipped=True) == SKIP_RATING
    (kept,) = Ratings(tmp_path / "ratings.db").of("me", "tiny")
    assert (kept.rating, kept.weight, kept.skipped) == (SKIP_RATING, SKIP_WEIGHT, True)
    assert composer.predict(skipped)[0] < 0


def test_a_note_is_kept_but_learned_only_when_the_song_is_over(
    open_composer: Callable[..., LocalComposer], tmp_path: Path
) -> None:
    composer = open_composer(of=tiny_station(beats=32))
    song = composer.next_song()
    composer.played(song.key, song.latent)
    composer.journal.note(song, np.array([[4.0, 0.9]]))
    again = composer.next_song()
    database = Ratings(tmp_path / "ratings.db")
    assert [one.rating for one in database.of("me", "tiny")] == [0.9]
    assert composer.rated == 0 and composer.predict(song)[0] == 0
    rate(composer, song, np.array([[5.0, 0.9], [6.0, 0.5], [8.0, 0.5]]))
    assert [one.rating for one in database.of("me", "tiny")] == [
        pytest.approx(0.9 / 3 + 0.5 * 2 / 3)
    ]
    composer.journal.note(again, np.array([[4.0, 0.9]]))
    composer.journal.note(again, EMPTY)
    assert database.total() == 1, "a slider put back to untouched said nothing"


def test_a_rating_is_learned_and_undo_unlearns_it(
    open_composer: Callable[..., LocalComposer],
) -> None:
    composer = open_composer()
    songs = [composer.next_song() for _ in range(4)]
    for song in songs[:3]:
        rate(composer, song, -0.5)
    before = [composer.predict(song) for song in songs]
    rate(composer, songs[3], 1.0)
    mean, deviation = composer.predict(songs[3])
    assert mean > before[3][0] + 0.2 and deviation < before[3][1]
    undone = undo(composer)
    assert undone is not None and undone.song == songs[3].name and composer.rated == 3
    np.testing.assert_allclose([composer.predict(song) for song in songs], before, atol=1e-9)
    assert [undo(composer) is None for _ in range(4)] == [False, False, False, True]
    assert composer.predict(songs[0])[0] == 0


def test_a_song_rated_twice_counts_once(open_composer: Callable[..., LocalComposer]) -> None:
    composer = open_composer()
    song = composer.next_song()
    rate(composer, song, 1.0)
    once = composer.predict(song)
    rate(composer, song, -1.0)
    rate(composer, song, 1.0)
    assert composer.rated == 1
    np.testing.assert_allclose(composer.predict(song), once, atol=1e-9)


def test_the_next_session_knows_what_was_said_in_the_last(
    open_composer: Callable[..., LocalComposer],
) -> None:
    first = open_composer()
    songs = [first.next_song() for _ in range(6)]
    for number, song in enumerate(songs):
        rate(first, song, number / 6)
    expected = [first.predict(song) for song in songs]
    first.close()
    second = open_composer(seed=9, background=True)
    assert second.rated == 6
    second.next_song()
    np.testing.assert_allclose([second.predict(song) for song in songs], expected, atol=1e-4)
    other = open_composer("you")
    assert other.rated == 0


def test_ratings_of_songs_the_station_no_longer_makes_are_left_alone(
    open_composer: Callable[..., LocalComposer], tmp_path: Path
) -> None:
    composer = open_composer()
    rate(composer, composer.next_song(), 0.7)
    composer.close()
    trained_again = open_composer(of=tiny_station(seed=8))
    trained_again.next_song()
    assert trained_again.rated == 0 and undo(trained_again) is None
    assert Ratings(tmp_path / "ratings.db").total() == 1


def test_it_learns_to_play_what_is_liked_and_the_final_song_is_liked(
    open_composer: Callable[..., LocalComposer], station: Station, tmp_path: Path
) -> None:
    chance = open_composer("nobody", explore="random", seed=4)
    random_songs = [brightness(chance.next_song()) for _ in range(30)]
    middle, spread = np.mean(random_songs), np.std(random_songs)
    composer = open_composer(seed=2)
    liking = []
    for _ in range(20):
        song = composer.next_song()
        liking.append((brightness(song) - middle) / spread)
        rate(composer, song, float(np.tanh(liking[-1])))
    assert np.mean(liking[10:]) > 0.5, "the listener likes bright songs"
    final = composer.final_song()
    assert (brightness(final) - middle) / spread > 0.5
    assert final.expected is not None and final.expected[0] > 0.2
    assert min(final.descent["losses"]) < final.descent["losses"][0]
    assert station.render(final.latent).size == final.samples.size
    drawn = save(composer, final, tmp_path).with_suffix(".png")
    height, width, colours = image.imread(drawn).shape
    assert width > height > 400 and colours == 4, "how it was found is drawn beside it"
    assert not save(composer, song, tmp_path).with_suffix(".png").exists()


def test_a_saved_song_can_be_made_again(
    open_composer: Callable[..., LocalComposer], station: Station, tmp_path: Path
) -> None:
    composer = open_composer()
    song = composer.next_song()
    rate(composer, song, 0.5)
    path = save(composer, song, tmp_path)
    assert path.parent == tmp_path / "songs" and path.suffix == ".wav"
    samples, sample_rate = soundfile.read(path, dtype="float32")
    assert sample_rate == song.sample_rate
    np.testing.assert_allclose(samples, song.samples, atol=1 / 32000)
    description = saving.read_description(path.with_suffix(".json"))
    assert description["rating"] == 0.5 and description["listener"] == "me"
    saving.check_fits(description, station, path)
    np.testing.assert_array_equal(description["coordinate"], song.latent)
    np.testing.assert_array_equal(station.render(description["coordinate"]), song.samples)
    with pytest.raises(saving.SongFileError, match="another training"):
        saving.check_fits(description, tiny_station(seed=7), path)
    assert not [name for name in path.parent.iterdir() if name.name.startswith(".")], (
        "no half files are left"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"coordinate": [NaN], "beats": 4, "station": "s"}',
        '{"coordinate": 1, "beats": 4}',
    ],
)
def test_a_description_that_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "song.json").write_text(text)
    with pytest.raises(saving.SongFileError) as caught:
        saving.read_description(tmp_path / "song.json")
    assert "\n" not in str(caught.value)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saving.write_wav(tmp_path / "song.wav", np.zeros(100), 22050)
    before = path.read_bytes()

    def fail(*arguments: object, **named: object) -> None:
        raise soundfile.LibsndfileError(1)

    monkeypatch.setattr(soundfile.SoundFile, "write", fail)
    with pytest.raises(OSError, match="song.wav"):
        saving.write_wav(path, np.ones(100), 22050)
    assert path.read_bytes() == before and [one.name for one in tmp_path.iterdir()] == ["song.wav"]


def test_the_next_song_is_made_while_one_plays(open_composer: Callable[..., LocalComposer]) -> None:
    composer = open_composer(background=True)
    composer.next_song()
    until = time.monotonic() + 20
    while not composer.ready:
        assert time.monotonic() < until
        time.sleep(0.01)
    start = time.monotonic()
    composer.next_song()
    assert time.monotonic() - start < 0.15


def test_songs_ratings_and_the_final_song_go_on_at_the_same_time(
    open_composer: Callable[..., LocalComposer],
) -> None:
    composer = open_composer(background=True)
    rate(composer, composer.next_song(), 0.5)
    found: list[Song] = []
    thread = threading.Thread(target=lambda: found.append(composer.final_song()))
    thread.start()
    while thread.is_alive():
        rate(composer, composer.next_song(), 0.1)
        thread.join(0.05)
    assert len(found) == 1 and found[0].expected is not None


def test_a_rating_taken_back_with_an_empty_curve_is_unlearned(
    open_composer: Callable[..., LocalComposer], tmp_path: Path
) -> None:
    composer = open_composer()
    for take_back in (composer.journal.rate, composer.journal.note):
        song = composer.next_song()
        rate(composer, song, 1.0)
        assert composer.predict(song)[0] > 0
        take_back(song, EMPTY)
        composer.changed(song.key)
        assert Ratings(tmp_path / "ratings.db").total() == composer.rated == 0
        assert composer.predict(song)[0] == 0


def test_undo_while_the_session_begins(
    open_composer: Callable[..., LocalComposer], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_composer()
    for value in (0.1, 0.2, 0.3):
        rate(first, first.next_song(), value)
    first.close()
    learning, undone = threading.Event(), threading.Event()
    observe = Taste.observe

    def slow(taste: Taste, *arguments: Any) -> None:
        observe(taste, *arguments)
        if not learning.is_set():
            learning.set()
            undone.wait(0.5)

    monkeypatch.setattr(Taste, "observe", slow)
    second = open_composer(background=True)
    assert learning.wait(20)
    rating = undo(second)
    undone.set()
    assert rating is not None and rating.rating == pytest.approx(0.3)
    assert second.next_song().expected is not None
    assert second.rated == second.taste.count == 2


def test_a_final_song_can_be_given_up(open_composer: Callable[..., LocalComposer]) -> None:
    composer = open_composer()
    rate(composer, composer.next_song(), 0.5)
    taken: list[int] = []
    with pytest.raises(CancelledError):
        composer.final_song(
            progress=lambda at: taken.append(at.step), should_stop=lambda: len(taken) == 3
        )
    assert taken == [0, 1, 2]
    with pytest.raises(CancelledError):
        composer.final_song(should_stop=lambda: True)


@pytest.mark.parametrize("factor", [0.5, 1, 2])
def test_the_final_song_is_judged_as_songs_are_at_any_length(
    open_composer: Callable[..., LocalComposer], station: Station, factor: float
) -> None:
    composer = open_composer(beats=round(factor * station.beats))
    for value in (0.9, -0.8, 0.4):
        rate(composer, composer.next_song(), value)
    final = composer.final_song()
    mean, deviation = composer.predict(final)
    caution = final.descent["caution"]
    assert (
        caution == pytest.approx(FINAL_CAUTION + MIDDLE_CAUTION * composer.taste.prefers_middle)
        and FINAL_CAUTION < caution < FINAL_CAUTION + MIDDLE_CAUTION
    )
    assert final.descent["losses"][final.descent["step"]] == pytest.approx(
        (1 - (mean - caution * deviation)) / 2, abs=1e-4
    )


def test_songs_of_another_length(
    open_composer: Callable[..., LocalComposer], station: Station
) -> None:
    composer = open_composer(beats=2 * station.beats)
    song = composer.next_song()
    assert song.samples.size / song.sample_rate == pytest.approx(2 * station.seconds(song.latent))
    rate(composer, song, 0.5)
    final = composer.final_song()
    assert final.samples.size / final.sample_rate == pytest.approx(
        2 * station.seconds(final.latent)
    )


def test_a_station_on_an_absolute_grid(open_composer: Callable[..., LocalComposer]) -> None:
    composer = open_composer(of=tiny_station("real", grid="absolute"))
    songs = [composer.next_song() for _ in range(3)]
    assert songs[0].details == "" and songs[0].latent.shape == (7,)
    assert songs[0].samples.size == songs[1].samples.size
    for song, rating in zip(songs, (0.9, -0.9, 0.1), strict=True):
        rate(composer, song, rating)
    assert composer.final_song().latent.shape == (7,)


@pytest.mark.parametrize("seconds", [0.5, 2.0, 4.5])
def test_a_file_of_any_length_goes_through_a_station_on_an_absolute_grid(
    seconds: float, rng: np.random.Generator
) -> None:
    station = tiny_station("real", grid="absolute")
    samples = rng.standard_normal(round(seconds * station.sample_rate)).astype(np.float32) * 0.1
    result = reconstruct_samples(station, samples)
    assert result.samples.size == samples.size
    assert result.coordinates.shape == (1, station.size)
    assert np.isfinite(result.samples).all() and result.error > 0


def test_the_listener_needs_a_name_that_can_be_one(
    open_composer: Callable[..., LocalComposer],
) -> None:
    with pytest.raises(ValueError, match="name of a listener"):
        open_composer("../me")


def test_a_session_that_never_ends_remembers_its_latest_songs(rng: np.random.Generator) -> None:
    heard = RememberedSongs(5)
    songs = rng.uniform(size=(8, 24, 6 * 202)).astype(np.float32)
    for song in songs:
        heard.add(song)
    assert len(heard) == 5
    assert [round(heard.max_correlation(song), 3) == 1 for song in songs] == [False] * 3 + [
        True
    ] * 5


def test_what_another_session_said_is_learned_before_the_next_song(
    open_composer: Callable[..., LocalComposer],
) -> None:
    """Also if only a value differs: as many rows, none newer than the latest."""
    composer, other = open_composer(background=False), open_composer(background=False)
    song = composer.next_song()
    rate(composer, song, 0.5)
    change(other, song.key, -0.75)
    composer.next_song()
    assert composer.predict(song)[0] < 0
    delete(other, song.key)
    composer.next_song()
    assert composer.rated == 0


def test_how_late_a_hand_is_is_found_again_after_a_restart(
    open_composer: Callable[..., LocalComposer],
) -> None:
    late = 2.8  # seconds
    composer = open_composer(beats=64)
    for number in range(10):
        song = composer.next_song()
        # one number for the whole song, so that there is a taste whose moments a hand can follow
        if number < 5:
            rate(composer, song, 2 * brightness(song) - 1)
            continue
        expected = composer.moments(song)
        seconds = song.samples.size / song.sample_rate
        moments = (np.arange(len(expected)) + 0.5) * seconds / len(expected)
        heard = np.arange(3 + late, seconds, 0.25)
        told = expected.mean() + 0.5 * (
            np.interp(heard - late, moments, expected) - expected.mean()
        ) / np.ptp(expected)
        rate(composer, song, np.column_stack([heard, np.clip(told, -1, 1)]))
    composer.close()
    again = open_composer(beats=64)
    assert again.delay == pytest.approx(TYPICAL)  # nothing is known before the first song
    again.next_song()
    assert again.delay == pytest.approx(late, abs=0.4)
