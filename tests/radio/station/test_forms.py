"""Forms that are found in songs, and songs that have one."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_station import remembering, tiny_station

from audio_parsing.frames import FRAME_SIZE
from neural_networks.training.checkpoint import load_arrays, save_arrays
from radio.station import STATION_FILE, Form, Station, StationError, form_of, forms_of
from radio.station.ending import HELD_BEATS, held_ending
from radio.station.forms import LONGEST, SHORTEST, VARIATION, from_array, to_array

SECTION = 16  # beats


def song(themes: str, *, beats: int = SECTION, seed: int = 0, noise: float = 0.1) -> np.ndarray:
    """Return frames (T, 202) of themes of random notes, each a little different when it returns."""
    rng = np.random.default_rng(seed)
    melodies = {theme: rng.integers(30, 110, 2 * beats) for theme in sorted(set(themes))}
    frames = np.zeros((len(themes) * beats * 24, FRAME_SIZE), np.float32)
    for section, theme in enumerate(themes):
        for note, band in enumerate(melodies[theme]):
            begin = (section * 2 * beats + note) * 12
            frames[begin : begin + 12, band] = 0.6
    return frames + noise * rng.random(frames.shape, np.float32)


@pytest.mark.parametrize("themes", ["AABA", "ABAC", "ABAB", "ABCABA", "AABBCA"])
def test_the_form_of_a_song_is_found(themes: str) -> None:
    for seed in range(3):
        found = form_of(song(themes, seed=seed), (SECTION,))
        assert found is not None
        assert (found.section, found.text(SECTION * len(themes))) == (4 * SECTION, themes)


def test_so_is_the_length_of_its_sections_and_a_beginning_off_the_grid() -> None:
    frames = song("ABACABA", beats=13)
    found = form_of(frames, range(12, 17))
    assert found is not None and found.section == 4 * 13
    late = np.concatenate([frames, np.zeros((24, FRAME_SIZE), np.float32)])[20:]
    found = form_of(late, (13,))
    assert found is not None and found.text(13 * 6) == "ABACAB"


@pytest.mark.parametrize("themes", ["ABCD", "AAAA", "ABC", "A"])
def test_songs_in_which_nothing_returns_or_nothing_else_comes_have_none(themes: str) -> None:
    assert form_of(song(themes), (SECTION,)) is None


def test_silence_and_songs_of_one_frame_have_none() -> None:
    for frames in (np.zeros((5000, FRAME_SIZE)), np.zeros((1, FRAME_SIZE))):
        assert form_of(frames, (16, 32)) is None


def test_a_station_lists_each_form_once_and_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    songs = [song(themes, seed=seed) for seed, themes in enumerate(["ABAB", "AABA", "AABA"])]
    songs.append(song("ABCD"))
    found, numbers = forms_of(songs, (SECTION,))
    assert [form.text(4 * SECTION) for form in found] == ["AABA", "ABAB"]  # the most frequent first
    np.testing.assert_array_equal(numbers, [2, 1, 1, 0])
    monkeypatch.setattr("radio.station.forms.MOST_FORMS", 3)
    many = [song("AABA", beats=beats) for beats in range(12, 17)]
    found, numbers = forms_of(many, range(12, 17))
    assert len(found) == 3 and numbers.tolist() == [1, 2, 3, 0, 0]


def test_a_form_is_repeated_until_a_song_is_long_enough() -> None:
    assert Form(64, (0, 0, 1, 0)).beats == SHORTEST
    assert Form(64, (0, 0, 1, 0)).text(SHORTEST) == "AABAAABA"
    assert Form(132, (0, 1, 0, 2)).beats == 132
    assert Form(64, (0, 0, 1, 0)).text(40) == "AAB"


def test_the_steps_of_a_form_stand_where_their_themes_do() -> None:
    places, order = Form(8, (0, 0, 1, 0)).arrangement(12)  # A A' B A' A' A', two beats each
    within = np.arange(8)
    np.testing.assert_array_equal(places.reshape(6, 8), np.add.outer([0, 0, 16, 0, 0, 0], within))
    sections = order.reshape(6, 8)
    np.testing.assert_array_equal(sections[:, :7] - sections[:, :1], np.tile(within[:7], (6, 1)))
    np.testing.assert_array_equal(sections[:, 0], [0, 48, 16, 48, 48, 48])
    # the last eighth of a section is new whenever it returns
    np.testing.assert_array_equal(sections[:, 7], [7, 15, 23, 31, 39, 47])
    np.testing.assert_array_equal(Form(8, (0, 1)).arrangement(3).order[8:], [8, 9, 10, 11])


def test_what_returns_follows_the_second_song_a_little_more(station: Station) -> None:
    learned = station.model.learned
    columns = np.array([[1, np.sqrt(0.5), 3, np.sqrt(0.5)]], np.float32)
    nothing = np.zeros((40, 1, station.model.vae.generator.innovation_size), np.float32)
    first, again = (learned.follow(columns, nothing, turn=turn) for turn in (0, VARIATION))
    one, other = (learned.innovations[:, int(columns[0, i]) - 1].ravel() for i in (0, 2))
    assert np.corrcoef(first.ravel(), again.ravel())[0, 1] == pytest.approx(0.95, abs=0.02)
    assert again.std() == pytest.approx(first.std(), rel=0.1)
    for song, more in ((one, -1), (other, 1)):
        gain = np.corrcoef(again.ravel(), song)[0, 1] - np.corrcoef(first.ravel(), song)[0, 1]
        assert gain * more > 0.1
    columns[0, 2] = 0  # who follows one song only has none to turn to
    alone = [learned.follow(columns, nothing, turn=turn) for turn in (0, VARIATION)]
    np.testing.assert_array_equal(*alone)


@pytest.fixture
def station() -> Station:
    return remembering(tiny_station(), steps=40, forms=[Form(16, (0, 1, 0, 1))])


def test_a_theme_returns_because_p_says_so(station: Station) -> None:
    coordinate = station.sample(1, np.random.default_rng(3))[0]
    assert coordinate[11] == 1 and station.form_of(coordinate, 16) == "ABAB"
    plain = coordinate.copy()
    plain[11] = 0
    first = slice(4, 16)
    again = slice(36, 48)
    for one, returns in ((coordinate, True), (plain, False)):
        steps = station.decode(one[None], beats=16)[:, 0]
        alike = np.corrcoef(steps[first].ravel(), steps[again].ravel())[0, 1]
        assert (alike > 0.9) == returns, alike
    assert station.form_of(plain) == "" and station.beats_of(plain) == SHORTEST


def test_songs_are_as_long_as_their_form_asks_for(station: Station) -> None:
    coordinate = station.sample(1, np.random.default_rng(0))[0]
    assert station.beats_of(coordinate) == SHORTEST
    samples = station.render(coordinate)
    assert len(samples) / station.sample_rate == pytest.approx(station.seconds(coordinate))
    assert station.beats_of(coordinate, 8) == 8
    assert len(station.decode(coordinate[None])) == 4 * station.beats  # as the taste judges it


def test_the_songs_that_were_learned_have_no_other_form(station: Station) -> None:
    station.novelty = 0.0
    assert not station.sample(20, np.random.default_rng(0))[:, 11].any()


def test_free_songs_have_the_form_of_the_nearest_song() -> None:
    station = remembering(tiny_station(), forms=[Form(16, (0, 1, 0, 1)), Form(16, (0, 0, 1))])
    station.novelty = 1.0
    songs, learned = station.sample(20, np.random.default_rng(0)), station.model.learned
    for song in songs:
        nearest = np.linalg.norm(learned.z - song[: station.latent_size], axis=1).argmin()
        assert song[station.latent_size + station.model.course_size - 1] == learned.forms[nearest]
    assert len(np.unique(songs[:, station.latent_size + station.model.course_size - 1])) == 2


def test_a_taste_is_told_the_form(station: Station, rng: np.random.Generator) -> None:
    songs = station.sample(2, rng)
    songs[:, station.latent_size + station.model.course_size - 1] = 1, 0
    told = station.known(songs)
    assert told.shape == (2, station.known_size)
    np.testing.assert_array_equal(told[:, :2], station.beside(songs))
    np.testing.assert_allclose(told[0, 2:], [0, 2, 0.5])  # ABAB, repeated to the shortest length
    np.testing.assert_allclose(told[1, 2:], [0, 1, 0])  # as long as the shortest


def test_forms_are_in_the_file(tmp_path, station: Station) -> None:
    station.save(tmp_path / "s", dtype=np.float16)
    assert Station.load(tmp_path / "s").model.forms == [Form(16, (0, 1, 0, 1))]
    assert from_array(to_array([])) == []


@pytest.mark.parametrize(
    "row",
    [
        [0, 0, 1, 0],
        [3, 0, 1, 0],
        [-16, 0, 1, 0],
        [16, 1, 0, 1],
        [16, 0, 2, 0],
        [16, 0, -1, 0],
        [16],
        [4 * LONGEST, 0, 1, 0],
    ],
)
def test_forms_that_are_none_are_refused(tmp_path, station: Station, row: list[int]) -> None:
    station.save(tmp_path / "s")
    arrays, configuration = load_arrays(tmp_path / "s" / STATION_FILE)
    arrays["learned_forms"] = np.array(row + [-1] * (13 - len(row)), np.int16)[None]
    save_arrays(tmp_path / "s" / STATION_FILE, arrays, configuration)
    with pytest.raises(StationError, match="station s is damaged"):
        Station.load(tmp_path / "s")


def test_a_song_ends_on_its_last_chord_which_dies_away() -> None:
    frames = song("AB", noise=0.02)
    frames[:, 180] = 0.3
    chord = len(frames) - (HELD_BEATS + 1) * 24
    frames[chord : chord + 24, [50, 58, 64]] = 1.2
    ended = held_ending(frames)
    assert ended.shape == frames.shape
    start = len(frames) - HELD_BEATS * 24
    np.testing.assert_array_equal(ended[:start], frames[:start])
    held = ended[start + 24 :]
    assert (np.sort(held[0].argsort()[-3:]) == [50, 58, 64]).all()
    assert (np.diff(held[:, [50, 58, 64, 180]], axis=0) < 0).all()
    level = 20 / 0.3 * np.log10(held[-1, 50] / frames[chord, 50])
    assert level == pytest.approx(-8 * HELD_BEATS, abs=1)


def test_a_short_song_has_no_such_ending() -> None:
    frames = song("A", beats=8)
    assert held_ending(frames) is frames
