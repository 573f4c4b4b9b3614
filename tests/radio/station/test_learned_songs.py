"""Songs that follow learned ones: what is remembered makes them again, and novelty is one axis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_station import remembering, tiny_station

from neural_networks.training.checkpoint import load_arrays, save_arrays
from radio.station import (
    STATION_FILE,
    Form,
    LearnedSongs,
    Station,
    StationError,
    shares_at,
    station_fingerprint,
)
from radio.station.forms import SHORTEST, VARIATION
from radio.station.innovations import innovations

STEPS, SONGS = 20, 5
INNOVATIONS = 6  # of three latents in three groups, of which each is a mixture


@pytest.fixture
def station() -> Station:
    return remembering(tiny_station(), songs=SONGS, steps=STEPS)


def learned_of(station: Station) -> LearnedSongs:
    found = station.model.learned
    assert isinstance(found, LearnedSongs)
    return found


def test_what_is_remembered_makes_the_songs_again() -> None:
    station, rng = tiny_station(), np.random.default_rng(1)
    generator = station.model.vae.generator
    z = rng.standard_normal((SONGS, 6)).astype(np.float32)
    songs, _ = generator.draw(
        z, rng.standard_normal((STEPS, SONGS, INNOVATIONS)).astype(np.float32)
    )
    learned = LearnedSongs.of(station.model.vae, songs, rng=np.random.default_rng(2))
    w, _ = station.model.vae.encode(songs, rng=np.random.default_rng(2))
    w[..., 3:] = 0  # new songs have no detail
    exact = generator.decode(w, learned.z)[0]
    columns = np.stack([np.arange(SONGS) + 1, np.ones(SONGS), *np.zeros((2, SONGS))], axis=1)
    followed = learned.follow(columns, np.full((STEPS, SONGS, INNOVATIONS), 9.0, np.float32))
    made, _ = generator.draw(learned.z, followed)
    assert np.corrcoef(made.ravel(), exact.ravel())[0, 1] > 0.99


def test_novelty_goes_from_one_song_over_two_to_none() -> None:
    shares = np.array([shares_at(novelty) for novelty in np.linspace(0, 1, 21)])
    np.testing.assert_allclose(shares[0], [1, 0])
    np.testing.assert_allclose(shares[8], [np.sqrt(0.5)] * 2)
    np.testing.assert_allclose(shares[-1], 0, atol=1e-9)
    assert (np.diff(shares[:, 0]) < 0).all()
    assert (np.diff(shares[:9, 1]) > 0).all() and (np.diff(shares[8:, 1]) < 0).all()
    new = 1 - np.square(shares).sum(axis=1)
    np.testing.assert_allclose(new[:9], 0, atol=1e-9)
    assert (np.diff(new[8:]) > 0).all()


@pytest.mark.parametrize("novelty", [0.0, 0.3, 0.7, 1.0])
def test_innovations_of_a_song_that_follows_are_standard_normal(
    station: Station, novelty: float
) -> None:
    learned = learned_of(station)
    rng = np.random.default_rng(3)
    z = rng.standard_normal((400, 6))
    nearer, columns = learned.choose(z, np.zeros(6), novelty=novelty, rng=rng)
    drawn = learned.follow(
        columns, rng.standard_normal((STEPS, 400, INNOVATIONS)).astype(np.float32)
    )
    assert drawn.dtype == np.float32
    assert abs(drawn.mean()) < 0.15 and drawn.std() == pytest.approx(1, abs=0.1)
    if novelty == 0:
        chosen = columns[:, 0].astype(int) - 1
        np.testing.assert_array_equal(nearer, learned.z[chosen])
        np.testing.assert_array_equal(drawn * 4096, learned.innovations[:, chosen])
    if novelty == 1:
        np.testing.assert_allclose(nearer, z, atol=1e-6)


@pytest.mark.parametrize("pairs", [True, False])
def test_a_song_lies_nearer_to_the_learned_ones_the_less_new_it_is(
    station: Station, pairs: bool
) -> None:
    learned, far = learned_of(station), []
    for novelty in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        rng = np.random.default_rng(4)
        z, mean = rng.standard_normal((200, 6)), np.zeros(6)
        z, columns = learned.choose(z, mean, novelty=novelty, pairs=pairs, rng=rng)
        distance = np.linalg.norm(z[:, None] - learned.z, axis=2).min(axis=1).mean()
        far.append(distance + 1 - np.abs(columns[:, [1, 3]]).max())
    assert far[0] == 0 and (np.diff(far) > 0).all()


def test_the_columns_are_those_of_the_coordinate(station: Station) -> None:
    station.novelty = 0.3
    drawn = station.sample(30, np.random.default_rng(0))
    assert station.follows and drawn.shape == (30, station.size) and station.size == 6 + 6 + 2
    assert len(station.movable) == station.size - 6
    np.testing.assert_array_equal(np.rint(drawn[:, [7, 9]]), drawn[:, [7, 9]])
    assert station.beside(drawn).shape == (30, 2)
    same = station.decode(drawn[:1])
    other = drawn[:1].copy()
    other[0, 7] = 1 + drawn[0, 7] % SONGS
    assert np.abs(station.decode(other) - same).max() > 1e-2
    assert np.isfinite(station.render(drawn[0])).all()


@pytest.mark.parametrize("columns", [[0, 1, 0, 1], [-3, 0.5, 0, 0], [2, 0, 3, -1], [0, 0, 0, 0]])
def test_a_song_that_follows_none_is_that_of_its_seed(
    station: Station, columns: list[float]
) -> None:
    course = np.array([[5, *columns, 0]], np.float32)
    drawn = station.model.innovations(course, np.arange(16))
    np.testing.assert_array_equal(drawn, innovations(np.array([5.0]), 16, INNOVATIONS))


@pytest.mark.parametrize("columns", [[1e9, 1, 1.4, 1], [3, 50, 2**24, 0.1]])
def test_any_numbers_make_a_song(station: Station, columns: list[float]) -> None:
    drawn = station.model.innovations(np.array([[5, *columns, 0]], np.float32), np.arange(160))
    assert np.isfinite(drawn).all() and np.abs(drawn).max() < 12


def test_a_song_longer_than_what_is_remembered_begins_it_again(station: Station) -> None:
    course = np.array([[0, 2, 1, 0, 0, 0]], np.float32)
    drawn = station.model.innovations(course, np.arange(60))
    np.testing.assert_array_equal(drawn[:STEPS], drawn[STEPS : 2 * STEPS])


def test_the_file_keeps_them_exactly(tmp_path, station: Station) -> None:
    for dtype in (np.float32, np.float16):
        station.save(tmp_path / "s", dtype=dtype)
        loaded = Station.load(tmp_path / "s")
        found = learned_of(loaded).innovations
        np.testing.assert_array_equal(found, learned_of(station).innovations)
        assert found.dtype == np.int16
    station.save(tmp_path / "s")
    loaded = Station.load(tmp_path / "s")
    coordinates = station.sample(2, np.random.default_rng(0))
    np.testing.assert_array_equal(loaded.decode(coordinates), station.decode(coordinates))
    assert station_fingerprint(loaded) == station_fingerprint(station)
    learned_of(loaded).innovations[3, 2, 1] += 1
    assert station_fingerprint(loaded) != station_fingerprint(station)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("z", lambda z: z[:, :-1]),
        ("z", lambda z: z[:-1]),
        ("z", lambda z: z * np.nan),
        ("innovations", lambda x: x.astype(np.float32)),
        ("innovations", lambda x: x[:0]),
        ("innovations", lambda x: x[..., :-1]),
        ("innovations", lambda x: x[0]),
        ("own_forms", lambda x: x[:-1]),
        ("own_forms", lambda x: x.astype(np.float32)),
    ],
)
def test_songs_that_do_not_fit_are_refused(tmp_path, station: Station, name, change) -> None:
    station.save(tmp_path / "s")
    arrays, configuration = load_arrays(tmp_path / "s" / STATION_FILE)
    arrays[f"learned_{name}"] = change(arrays[f"learned_{name}"])
    save_arrays(tmp_path / "s" / STATION_FILE, arrays, configuration)
    with pytest.raises(StationError, match="station s is damaged"):
        Station.load(tmp_path / "s")


@pytest.mark.parametrize("novelty", [0.0, 0.3, 0.4, 0.7, 1.0])
def test_where_innovations_choose_songs_follow_one(station: Station, novelty: float) -> None:
    learned, rng = learned_of(station), np.random.default_rng(3)
    z, mean = rng.standard_normal((400, 6)), np.full(6, 0.5)
    nearer, columns = learned.choose(z, mean, novelty=novelty, pairs=False, rng=rng)
    chosen = learned.z[columns[:, 0].astype(int) - 1]
    assert not columns[:, 2:].any()
    if novelty <= 0.4:
        np.testing.assert_allclose(nearer, chosen, atol=1e-6)
        assert columns[0, 1] == pytest.approx(np.cos(np.pi / 2 * novelty / 0.4), abs=1e-6)
    else:
        distances = np.square(learned.z[None] - z[:, None]).sum(axis=-1)
        np.testing.assert_array_equal(chosen, learned.z[distances.argmin(axis=1)])
        way = (novelty - 0.4) / 0.6
        np.testing.assert_allclose(nearer, (1 - way) * chosen + way * z, atol=1e-6)
        assert not columns[:, 1].any()


def test_a_song_without_innovations_is_followed_where_none_are_taken(
    tmp_path: Path, station: Station
) -> None:
    learned, rng = learned_of(station), np.random.default_rng(4)
    few = replace(learned, innovations=learned.innovations[:, :2])
    z, mean = rng.standard_normal((400, 6)), np.zeros(6)
    for novelty, pairs, known in ((0.39, False, 2), (0.4, False, SONGS), (0.4, True, 2)):
        _, columns = few.choose(z, mean, novelty=novelty, pairs=pairs, rng=rng)
        assert set(columns[:, 0]) == set(range(1, known + 1)), novelty
    new = rng.standard_normal((9, 400, few.innovations.shape[2])).astype(np.float32)
    _, columns = few.choose(z, mean, novelty=0.4, pairs=False, rng=rng)
    np.testing.assert_allclose(few.follow(columns, new), new, atol=1e-6)
    station.model.learned = few
    station.save(tmp_path / "s")
    again = Station.load(tmp_path / "s").model.learned
    assert again is not None and len(again) == 2 and len(again.z) == SONGS


def test_more_songs_with_innovations_than_songs_are_refused(station: Station) -> None:
    learned = learned_of(station)
    with pytest.raises(ValueError, match="don't fit"):
        replace(learned, z=learned.z[:-1], forms=learned.forms[:-1])


def test_a_section_that_returns_is_varied_where_songs_follow_one(station: Station) -> None:
    station.novelty = 0.4
    model = station.model
    course = station.sample(1, np.random.default_rng(0))[:, 6:12]
    drawn, varied = (model.innovations(course, np.arange(24), turn=t)[:, 0] for t in (0, VARIATION))
    assert 0.7 < np.corrcoef(drawn.ravel(), varied.ravel())[0, 1] < 0.999


def test_a_song_has_the_form_of_the_one_that_it_follows(station: Station) -> None:
    model, learned = station.model, learned_of(station)
    model.forms = [Form(8, (0, 1, 0)), Form(8, (0, 0, 1))]
    learned.forms[:3] = 1, 2, 1
    drawn = station.sample(300, np.random.default_rng(0))
    followed, form = drawn[:, 7].astype(int), drawn[:, 11]
    for song in range(1, SONGS + 1):
        found = set(form[followed == song])
        assert found == {learned.forms[song - 1]}
    lengths = {round(one[11]): station.beats_of(one) for one in drawn}
    assert lengths == {0: SHORTEST, 1: model.forms[0].beats, 2: model.forms[1].beats}
    model.forms = []
    assert station.beats_of(drawn[0]) == station.beats


def test_tempo_and_key_are_those_of_the_nearest_song(station: Station) -> None:
    station.coordinates[:, 1] = np.arange(len(station.coordinates))
    for one in station.sample(20, np.random.default_rng(0)):
        nearest = np.square(station.means - one[: station.latent_size]).sum(axis=1).argmin()
        assert one[-1] == nearest
        assert abs(one[-2] - station.coordinates[nearest, 0]) < 1
