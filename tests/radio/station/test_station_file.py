"""A malformed station file is refused in one line, before anything large is allocated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_station import tiny_station

from gan.choices import LATENTS
from gan.critic_bodies import BODIES
from neural_networks.training.checkpoint import load_arrays, save_arrays
from radio.errors import explain
from radio.home import Home
from radio.station import STATION_FILE, TRAINING_FILE, Station, StationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_station().save(tmp_path / "s")
    return tmp_path / "s"


def _change(
    folder: Path,
    *,
    arrays: dict[str, Any] | None = None,
    configuration: dict[str, Any] | None = None,
) -> None:
    old, facts = load_arrays(folder / STATION_FILE)
    save_arrays(folder / STATION_FILE, old | (arrays or {}), facts | (configuration or {}))


@pytest.mark.parametrize(
    "configuration",
    [
        {"details": []},
        {"kind": "training"},
        {"grid": "spiral"},
        {"beats": 0},
        {"beats": "64"},
        {"latent_size": 10**9},
        {"hidden": 4096},
        {"hidden": None},
        {"details": {"latent": "cube"}},
        {"critic": {"body": "convolutional"}},
        {"critic": {"body": "human", "hidden": 128}},
        {"critic": {"body": "mixed", "hidden": 128}},
        {"critic": {"body": "convolutional", "hidden": 4096}},
        {"critic": {"body": ["mixed"], "hidden": 128}},
    ],
)
def test_a_wrong_configuration(folder, configuration):
    _change(folder, configuration=configuration)
    with pytest.raises(StationError, match="station s is damaged"):
        Station.load(folder)


@pytest.mark.parametrize(
    "name", ["means", "log_variances", "coordinates", "vae", "critic", "critic_head_left"]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none(folder, name, value):
    array = load_arrays(folder / STATION_FILE)[0][name]
    array.ravel()[-1] = value
    _change(folder, arrays={name: array})
    with pytest.raises(StationError, match="station s is damaged"):
        Station.load(folder)


@pytest.mark.parametrize("name", ["means", "vae", "critic", "coordinates"])
def test_shapes_that_do_not_fit(folder, name):
    array = load_arrays(folder / STATION_FILE)[0][name]
    _change(folder, arrays={name: array[:-1]})
    with pytest.raises(StationError, match="station s is damaged"):
        Station.load(folder)


def test_absurd_variances(folder):
    shape = load_arrays(folder / STATION_FILE)[0]["log_variances"].shape
    _change(folder, arrays={"log_variances": np.full(shape, 1e4, np.float32)})
    with pytest.raises(StationError, match="station s is damaged"):
        Station.load(folder)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_station_keeps_a_critic_of_any_body(tmp_path, body):
    station = tiny_station(body=body)
    station.save(tmp_path / "s")
    loaded = Station.load(tmp_path / "s")
    songs = (
        np.random.default_rng(0)
        .uniform(0, 0.5, (16, 3, station.critic.features))
        .astype(np.float32)
    )
    np.testing.assert_array_equal(loaded.critic.forward(songs)[0], station.critic.forward(songs)[0])
    assert loaded.critic.body == body.__name__


@pytest.mark.parametrize("named", [True, False])
def test_a_station_of_the_first_versions_is_refused_with_what_to_do(folder, named):
    arrays, configuration = load_arrays(folder / STATION_FILE)
    del configuration["model"]
    save_arrays(
        folder / STATION_FILE, arrays, configuration | ({"model": "point"} if named else {})
    )
    with pytest.raises(StationError, match="ai-radio train MUSIC --station s") as caught:
        Station.load(folder)
    assert "\n" not in str(caught.value) and "earlier version" in str(caught.value)


@pytest.mark.parametrize("kind", LATENTS)
def test_a_station_draws_from_the_distribution_it_was_trained_for_or_another(tmp_path, kind):
    station = tiny_station()
    station.details["latent"] = kind
    station.save(tmp_path / "s")
    loaded = Station.load(tmp_path / "s")
    assert loaded.latent.kind == kind
    drawn = loaded.sample(5, np.random.default_rng(0))
    station.draw_from(kind)
    np.testing.assert_array_equal(drawn, station.sample(5, np.random.default_rng(0)))
    with pytest.raises(ValueError, match="cube"):
        station.draw_from("cube")


def test_an_unfinished_station_is_called_that(tmp_path):
    (tmp_path / "stations" / "mine").mkdir(parents=True)
    (tmp_path / "stations" / "mine" / TRAINING_FILE).write_bytes(b"")
    home = Home(tmp_path)
    with pytest.raises(StationError, match="not finished"):
        Station.load(home.station("mine"))


def test_an_unfinished_starter_does_not_hide_the_shipped_one(tmp_path):
    (tmp_path / "stations" / "starter").mkdir(parents=True)
    (tmp_path / "stations" / "starter" / TRAINING_FILE).write_bytes(b"")
    assert Station.load(Home(tmp_path).station("starter")).beats == 64
    assert Station.load(Home(tmp_path).stations()["starter"]).beats == 64


def test_diverged_training_and_lack_of_memory_are_explained():
    from neural_networks.training.trainer import TrainingDiverged

    assert "training diverged" in str(
        explain(TrainingDiverged("training diverged at step 3: the loss is nan"))
    )
    assert "memory" in str(explain(MemoryError()))
    assert explain(ZeroDivisionError("a fault of ours")) is None
