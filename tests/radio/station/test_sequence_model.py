"""A station whose latents move in time: its coordinates, its songs, their gradients, its file."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_station import remembering, sequence_model, tiny_station

from neural_networks.components.parameters import pack
from neural_networks.training.checkpoint import load_arrays, save_arrays
from radio.station import STATION_FILE, Form, Station, StationError, station_fingerprint
from radio.station.innovations import SEEDS, innovations
from radio.station.model_file import model_arrays, model_configuration, read_model
from radio.taste import Taste, through


def test_innovations_are_normal_and_those_of_a_short_song_begin_a_long_one():
    long = innovations(np.array([5.0, 6.0]), 2000, 7)
    assert (long.shape, long.dtype) == ((2000, 2, 7), np.float32)
    assert abs(long.mean()) < 0.02
    assert long.std() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(innovations(np.array([6.0]), 3, 7)[:, 0], long[:3, 1])
    assert not np.array_equal(long[:, 0], long[:, 1])


def test_innovations_are_the_same_for_ever():
    """The first of seed 1, as every machine and version must draw them."""
    first = innovations(np.array([1.0]), 1, 3)[0, 0]
    np.testing.assert_allclose(first, [-0.51416582, 1.03091109, -1.01047122], rtol=1e-6)


@pytest.mark.parametrize("seed", [0, SEEDS - 1, -3, 2.0**30, 0.4])
def test_any_number_is_a_seed(seed):
    assert np.isfinite(innovations(np.array([seed]), 4, 2)).all()


@pytest.mark.parametrize("grid", ["beat", "absolute"])
def test_a_coordinate_has_a_seed_before_tempo_and_key(grid):
    station = tiny_station(grid=grid)
    drawn = station.sample(50, np.random.default_rng(0))
    assert drawn.shape == (50, station.size)
    seeds = drawn[:, station.latent_size]
    assert len(set(seeds.tolist())) == 50
    assert ((seeds >= 0) & (seeds < SEEDS) & (seeds == np.rint(seeds))).all()
    assert station.beside(drawn).shape == (50, 2 if grid == "beat" else 0)
    assert station.latent_size not in station.movable
    assert len(station.movable) == station.size - 1
    again = station.at(
        drawn[:, : station.latent_size], station.beside(drawn), course=seeds[:, None]
    )
    np.testing.assert_array_equal(again, drawn)


def test_the_same_coordinate_makes_the_same_song_and_another_seed_another():
    station = tiny_station()
    coordinates = station.sample(2, np.random.default_rng(0))
    coordinates[1, :] = coordinates[0]
    coordinates[1, station.latent_size] += 1
    steps = station.decode(coordinates)
    np.testing.assert_allclose(station.decode(coordinates[:1]), steps[:, :1], rtol=1e-4, atol=1e-5)
    assert np.abs(steps[:, 0] - steps[:, 1]).max() > 1e-2
    assert np.isfinite(station.render(coordinates[0])).all()


def test_a_longer_song_begins_like_a_shorter_one():
    station = tiny_station()
    coordinates = station.sample(2, np.random.default_rng(0))
    long = station.decode(coordinates, beats=40)
    assert len(long) == 160
    np.testing.assert_array_equal(station.decode(coordinates, beats=3), long[:12])


@pytest.mark.parametrize(("count", "follows"), [(1, False), (3, True)])
def test_the_gradient_of_a_taste_reaches_every_value_but_the_course(count, follows, monkeypatch):
    """Through sound statistics, critic, frames, components and the sampled recurrence."""
    rng = np.random.default_rng(count)
    station = tiny_station()
    if follows:
        station = remembering(station, forms=[Form(4, (0, 1, 0))])
    size = station.latent_size
    monkeypatch.setattr(  # as it is, but in double precision
        Station, "_inputs", lambda self, p: (np.ascontiguousarray(p[:, :size]), p[:, self._course])
    )
    pack(station.model.module, np.float64)
    pack(station.critic, np.float64)
    station.model.components = type(station.model.components)(
        **{
            name: array.astype(np.float64)
            for name, array in station.model.components.arrays().items()
        }
    )
    taste = Taste.of(station)
    usual = station.sample(12, rng).astype(np.float64)
    features = taste.fit_pool(station.decode(usual), station.known(usual))
    for one, rating in zip(features, np.linspace(-1, 1, 12), strict=True):
        taste.observe(one, rating)
    objective = taste.objective(through(station))
    start = usual[:count]
    direction = np.zeros_like(start)
    direction[:, station.movable] = rng.standard_normal((count, len(station.movable)))
    step = 1e-7  # small, for bands that fall silent and leaky ReLUs bend the objective
    measured = objective(start + step * direction)[0] - objective(start - step * direction)[0]
    gradient = objective(start)[1]
    expected = np.sum(gradient * direction, axis=1)
    np.testing.assert_allclose(measured / (2 * step), expected, rtol=1e-5, atol=1e-6)
    assert (np.delete(gradient, station.movable, axis=1) == 0).all()


def test_a_station_is_the_same_after_its_file(tmp_path):
    station = tiny_station()
    generator = station.model.vae.generator
    # of numbers that a file holds exactly
    generator.calibration = np.linspace(0.5, 2, generator.components, dtype=np.float32).astype(
        float
    )
    station.save(tmp_path / "s")
    loaded = Station.load(tmp_path / "s")
    coordinates = station.sample(2, np.random.default_rng(0))
    np.testing.assert_array_equal(loaded.decode(coordinates), station.decode(coordinates))
    np.testing.assert_array_equal(loaded.render(coordinates[0]), station.render(coordinates[0]))
    assert station_fingerprint(loaded) == station_fingerprint(station)
    songs = station.decode(coordinates)
    np.testing.assert_array_equal(loaded.critic.forward(songs)[0], station.critic.forward(songs)[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "flow"),
        ("prior_hidden", 4096),
        ("encoder_hidden", 4096),
        ("step_latents", 4096),
        ("groups", 4096),
        ("mixtures", 4096),
        ("mixtures", 1),
        ("mixtures", 3),
        ("mixtures", 0),
        ("step_detail", 4096),
        ("embedding", 4096),
        ("plan_beats", 4096),
        ("plan_size", -1),
        ("position", None),
    ],
)
def test_a_file_of_wrong_sizes_is_refused_before_they_are_allocated(tmp_path, name, value):
    tiny_station().save(tmp_path / "s")
    arrays, configuration = load_arrays(tmp_path / "s" / STATION_FILE)
    if name == "plan_beats":
        configuration["plan_size"] = 4096
    save_arrays(tmp_path / "s" / STATION_FILE, arrays, configuration | {name: value})
    with pytest.raises(StationError, match="station s is damaged"):
        Station.load(tmp_path / "s")


def test_a_file_from_before_there_were_mixtures_has_none():
    model = sequence_model(np.random.default_rng(0), mixtures=1)
    arrays = model_arrays(model) | {"vae": pack(model.vae).values}
    configuration = model_configuration(model)
    del configuration["mixtures"]
    assert read_model(arrays, configuration, 4).vae.generator.prior.mixtures == 1


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0, 1e9])
def test_a_calibration_that_is_none_is_refused(tmp_path, value):
    station = tiny_station()
    station.model.vae.generator.calibration[2] = value
    station.save(tmp_path / "s")
    with pytest.raises(StationError, match="station s is damaged"):
        Station.load(tmp_path / "s")


@pytest.mark.parametrize("name", ["basis", "mean", "deviations", "variance", "synthesis"])
@pytest.mark.parametrize("value", [np.nan, 1e9])
def test_components_that_are_no_numbers_of_music_are_refused(tmp_path, name, value):
    tiny_station().save(tmp_path / "s")
    arrays, configuration = load_arrays(tmp_path / "s" / STATION_FILE)
    array = np.array(arrays[f"components_{name}"])
    array.reshape(-1)[-1] = value
    arrays[f"components_{name}"] = array
    save_arrays(tmp_path / "s" / STATION_FILE, arrays, configuration)
    with pytest.raises(StationError, match="station s is damaged"):
        Station.load(tmp_path / "s")
