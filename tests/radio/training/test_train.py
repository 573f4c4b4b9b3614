"""Stations of starter songs: training, resuming, the file on disk, songs made of coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from audio_parsing.analysis import chroma_correlation
from audio_parsing.starter import render, starter_songs
from gan.sequence_losses import SequenceAdversarialLosses
from neural_networks.optimizers.optimizers import Adam
from neural_networks.parallel.communicator import ALONE
from neural_networks.training.checkpoint import load_arrays, save_arrays
from neural_networks.training.trainer import TrainingDiverged
from radio.composer import sample_distinct
from radio.composer.novelty import MAX_CORRELATION
from radio.station import (
    STATION_FILE,
    TRAINING_FILE,
    Station,
    StationError,
    reconstruct_samples,
    steps as song_data,
)
from radio.station.mastering import LOUDEST, master
from radio.station.song_names import song_name
from radio.training import (
    Recordings,
    TrainingOptions,
    prepare_starter_songs,
    resume,
    sequence_recipe,
    songs as songs_of_training,
    train_station,
)
from radio.training.component_excerpts import ON_BEATS, ComponentExcerpts
from radio.training.dataset import songs_to_learn

BEATS = 16


def trained(folder: Path, **asked) -> Station | None:
    """Train a station of short songs; hooks and options are given side by side."""
    hooks = {name: asked.pop(name) for name in ("report", "should_stop", "watch") if name in asked}
    return train_station(folder, None, TrainingOptions(**{"beats": BEATS, **asked}), **hooks)


@pytest.fixture(scope="module")
def few_songs() -> Recordings:
    """Twelve songs of which the first ten tell where songs lie."""
    return prepare_starter_songs(starter_songs(beats=BEATS)[::8], encoded=10, workers=1)


def test_all_arrangements_tell_where_songs_lie_but_invented_tunes_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict = {}

    def prepared(songs: list, **given) -> Recordings:
        asked.update(given, songs=songs)
        return Recordings([], [], "beat", np.zeros((0, 2), np.float32), keyed=True)

    monkeypatch.setattr(songs_of_training, "prepare_starter_songs", prepared)
    options = TrainingOptions(fresh=3, invented=2)
    songs_of_training.model_training(None, options, lambda _: None, ALONE)
    assert len(asked["songs"]) == 96 + 3 + 2 and asked["encoded"] == 96 + 3


def test_innovations_are_remembered_of_some_songs_and_z_of_all(few_songs: Recordings) -> None:
    """Songs that are remembered come first, each with the form of its own recording."""
    sizes = {"latent_size": 8, "song_size": 6, "beats": 4, "position": True}
    few = {"components": 24, "restored": 32, "steps": 16, "remembered": 2}
    recipe = replace(ON_BEATS, sizes=sizes, **few)
    songs = ComponentExcerpts.of(few_songs.frames[:5], recipe, seed=0)
    vae = sequence_recipe.new_vae(songs, rng=np.random.default_rng(0)).module
    forms = np.array([3, 1, 0, 4, 2])
    learned = sequence_recipe.remember(vae, songs, forms, seed=0)
    order = [0, 4, 1, 2, 3]
    assert len(learned) == 2 and learned.forms.tolist() == forms[order].tolist()
    steps = songs.to_be_encoded(64).draw(
        np.array(order), np.random.default_rng(0), songs.components
    )
    np.testing.assert_allclose(learned.z, vae.encode(steps.steps)[1], atol=1e-5)


@contextmanager
def small(few_songs: Recordings) -> Iterator[None]:
    """Train on few songs instead of preparing all of them, by a recipe with fewer numbers."""
    sizes = {"latent_size": 8, "detail_size": 8, "song_size": 6, "beats": 4, "position": True}
    sizes |= {"hidden": 32, "prior_hidden": 16, "encoder_hidden": 16, "plan_size": 16}
    recipe = replace(ON_BEATS, sizes=sizes, components=24, restored=32, steps=16, batch=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(songs_of_training, "songs_to_learn", lambda **_: [])
        patch.setattr(songs_of_training, "prepare_starter_songs", lambda songs, **_: few_songs)
        patch.setattr(songs_of_training, "ON_BEATS", recipe)
        yield


@pytest.fixture
def quick(few_songs: Recordings) -> Iterator[None]:
    with small(few_songs):
        yield


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, few_songs: Recordings) -> Station:
    with small(few_songs):
        made = trained(tmp_path_factory.mktemp("stations") / "small", steps=300)
    assert made is not None
    return made


def test_a_station_with_another_critic_is_trained_drawn_and_loaded(quick, tmp_path):
    options = {
        "steps": 8,
        "critic": "recurrent",
        "latent": "learned-prior",
        "plot": tmp_path / "training.png",
    }
    made = trained(tmp_path / "small", **options)
    assert made is not None
    loaded = Station.load(tmp_path / "small")
    assert (loaded.critic.body, loaded.latent.kind) == ("recurrent", "learned-prior")
    assert (tmp_path / "training.png").stat().st_size > 10_000
    with pytest.raises(StationError, match="human"):
        trained(tmp_path / "other", critic="human")
    with pytest.raises(StationError, match="cube"):
        trained(tmp_path / "other", latent="cube")


def test_an_unfinished_training_is_not_continued_with_another_critic(quick, tmp_path):
    assert trained(tmp_path / "small", steps=8, should_stop=lambda: True) is None
    with pytest.raises(StationError, match="critic convolutional"):
        trained(tmp_path / "small", steps=8, critic="mixed")


def test_frames_of_a_starter_song_are_canonical(few_songs):
    """All songs are in C major or A minor: most note energy lies on the white keys."""
    from audio_parsing.analysis import in_scale_share, scale

    both = scale(0, "major") | scale(9, "minor")
    shares = [in_scale_share(frames, both) for frames in few_songs.frames]
    assert np.mean(shares) > 0.9
    assert np.shape(few_songs.frames) == (12, 24 * BEATS, 202)


def test_tempo_and_key_are_coordinates_and_back():
    for bpm in (84, 110, 152):
        assert song_data.coordinate_tempo(song_data.tempo_coordinate(bpm)) == pytest.approx(bpm)
    for key in range(-5, 6):
        assert song_data.coordinate_key(song_data.key_coordinate(key)) == key
    assert song_data.coordinate_tempo(1e9) == pytest.approx(200)
    assert song_data.coordinate_key(-1e9) == -6


def test_training_learns_songs_with_harmony_and_rhythm(station, few_songs):
    assert station.details["explained_variance"] > 0.6
    assert station.details["songs"] == few_songs.names[:10]
    np.testing.assert_array_equal(station.coordinates, few_songs.coordinates[:10])
    song, other = starter_songs(beats=BEATS)[0], starter_songs(beats=BEATS)[40]
    original, unlike = (render(one, station.sample_rate) for one in (song, other))
    back = reconstruct_samples(station, original, bpm=song.bpm).samples
    assert len(back) == len(original)
    assert chroma_correlation(original, back) > 0.6
    assert chroma_correlation(original, back) > chroma_correlation(unlike, back) + 0.2


def test_starter_songs_are_not_calibrated(station):
    """Measured: with calibration they lie further from real ones (docs/songs.md)."""
    assert (station.model.vae.generator.calibration == 1).all()


def test_songs_are_sound(station, rng):
    for coordinate in station.sample(4, rng):
        samples = station.render(coordinate)
        assert samples.dtype == np.float32
        assert len(samples) == round(station.seconds(coordinate) * station.sample_rate)
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= LOUDEST
        assert np.sqrt(np.mean(samples**2)) > 0.05
        assert np.abs(samples[-50:]).max() < 1e-3
        np.testing.assert_array_equal(samples, station.render(coordinate))


@pytest.mark.parametrize("beats", [8, 16, 32, 40])
def test_songs_of_other_lengths(station, rng, beats):
    frames = station.generate(station.sample(2, rng), beats=beats)
    assert frames.shape == (2, 24 * beats, 202)


def test_saved_and_loaded_is_the_same(station, rng, tmp_path):
    station.save(tmp_path / "copy")
    loaded = Station.load(tmp_path / "copy")
    coordinates = station.sample(2, rng)
    np.testing.assert_array_equal(loaded.generate(coordinates), station.generate(coordinates))
    x = np.ascontiguousarray(station.decode(coordinates))
    np.testing.assert_array_equal(loaded.critic.forward(x)[0], station.critic.forward(x)[0])
    assert (loaded.name, loaded.grid, loaded.beats) == ("copy", "beat", BEATS)
    station.save(tmp_path / "half", dtype=np.float16)
    np.testing.assert_allclose(
        Station.load(tmp_path / "half").generate(coordinates),
        station.generate(coordinates),
        atol=0.02,
    )


def test_a_coordinate_of_another_station_is_refused(station):
    with pytest.raises(ValueError, match="has shape"):
        station.render(np.zeros(3))


def _bytes(folder: Path) -> bytes:
    return (folder / STATION_FILE).read_bytes()


@pytest.mark.usefixtures("quick")
def test_same_seed_same_bytes_for_one_thread_and_two(tmp_path):
    for name, options in {"a": {"threads": 1}, "b": {"threads": 2}, "c": {"seed": 1}}.items():
        (tmp_path / name).mkdir()
        trained(tmp_path / name / "station", steps=6, **options)
    assert _bytes(tmp_path / "a" / "station") == _bytes(tmp_path / "b" / "station")
    assert _bytes(tmp_path / "a" / "station") != _bytes(tmp_path / "c" / "station")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), TrainingDiverged("training diverged at step 3"), RuntimeError("a fault")],
)
@pytest.mark.parametrize("phase", ["vae", "gan"])
def test_an_exception_in_the_middle_of_a_step_leaves_the_last_checkpoint(
    tmp_path, monkeypatch, phase, error
):
    """A second Ctrl-C comes at once: a step is half made, or the critic lags the generator."""
    trained(tmp_path / "whole" / "station", steps=20, threads=1)
    critic_loss = SequenceAdversarialLosses.critic_loss

    class Interrupted(Adam):
        def step(self, *arguments, **options):
            super().step(*arguments, **options)
            if self.steps == 7:
                raise error

    def interrupted(self, critic, batch):
        if batch.step == 1:
            raise error
        return critic_loss(self, critic, batch)

    with monkeypatch.context() as patch:
        patch.setattr(resume, "CHECKPOINT_SECONDS", 0.0)
        if phase == "vae":
            patch.setattr(sequence_recipe, "Adam", Interrupted)
        else:
            patch.setattr(SequenceAdversarialLosses, "critic_loss", interrupted)
        with pytest.raises(type(error)):
            trained(tmp_path / "parts" / "station", steps=20, threads=1)
    arrays, _ = load_arrays(tmp_path / "parts" / "station" / TRAINING_FILE)
    assert int(arrays["vae/steps"]) == (6 if phase == "vae" else 20)
    assert (
        int(arrays.get("gan/critic/steps", 0))
        == int(arrays.get("gan/generator/steps", 0))
        == (1 if phase == "gan" else 0)
    )
    trained(tmp_path / "parts" / "station", steps=20, threads=1)
    assert _bytes(tmp_path / "whole" / "station") == _bytes(tmp_path / "parts" / "station")


@pytest.mark.usefixtures("quick")
def test_a_malformed_checkpoint_is_told_in_one_line(tmp_path):
    reached: list[int] = []

    def report(event):
        if event["phase"] == "gan" and event.get("done") == 1:
            reached.append(1)

    path = tmp_path / "s" / TRAINING_FILE
    assert (
        trained(tmp_path / "s", steps=20, report=report, should_stop=lambda: bool(reached)) is None
    )
    arrays, configuration = load_arrays(path)
    plan = configuration["plan"]
    lag = arrays["gan/critic/steps"] - 1
    for changed, says in (
        ({"vae/seed": None}, "no seed"),
        ({"vae/steps": None}, "no steps"),
        ({"vae/values": None}, "no values"),
        ({"vae/steps": np.zeros(3)}, ""),
        ({"vae/optimizer.first": np.zeros(3, np.float32)}, "first"),
        ({"gan/statistics": None}, ""),
        ({"gan/average/values": np.zeros(1, np.float32)}, "average"),
        ({"gan/generator/seed": None}, "no seed"),
        ({"gan/critic/steps": lag}, "middle of a step"),
        ({"calibration/ratios": arrays["calibration/ratios"] * np.nan}, "none of these components"),
    ):
        save_arrays(
            path,
            {name: array for name, array in {**arrays, **changed}.items() if array is not None},
            configuration,
        )
        with pytest.raises(
            StationError,
            match=rf"the checkpoint .* can't be read \(.*{says}.*\); delete it to start again",
        ):
            trained(tmp_path / "s", steps=20)
    for broken in ({"vae_steps": "many"}, {"gan_steps": None}, {"unknown": 1}):
        save_arrays(path, arrays, {**configuration, "plan": {**plan, **broken}})
        with pytest.raises(StationError, match="can't be read .*; delete it to start again"):
            trained(tmp_path / "s", steps=20)
    save_arrays(path, arrays, configuration)
    assert trained(tmp_path / "s", steps=20) is not None


@pytest.mark.usefixtures("quick")
def test_a_checkpoint_of_another_plan_is_not_continued(tmp_path):
    trained(tmp_path / "s", steps=5, should_stop=lambda: True)
    with pytest.raises(StationError, match="seed 0"):
        trained(tmp_path / "s", steps=5, seed=1)
    with pytest.raises(StationError, match="steps 5"):
        trained(tmp_path / "s", steps=6)
    (tmp_path / "s" / TRAINING_FILE).write_bytes(b"PK not really")
    with pytest.raises(StationError, match="can't be read"):
        trained(tmp_path / "s", steps=5)


def test_arrangements_and_invented_tunes_are_learned_beside_the_collection():
    first, again, other = (songs_to_learn(fresh=3, invented=2, seed=seed) for seed in (0, 0, 1))
    assert first == again and first[:96] == other[:96] == starter_songs()
    assert len(first) == 101 and first[96:] != other[96:]
    assert [song.name.endswith("fresh") for song in first[96:]] == [True] * 3 + [False] * 2
    assert [song.name for song in first[99:]] == ["Invented"] * 2


@pytest.mark.usefixtures("quick")
def test_minutes_become_steps(tmp_path):
    made = trained(tmp_path / "s", minutes=0.02)
    assert made is not None
    assert made.details["vae_steps"] >= 1
    with pytest.raises(StationError, match="trained already"):
        trained(tmp_path / "s", minutes=0.02)
    with pytest.raises(StationError, match="minutes"):
        trained(tmp_path / "t", minutes=-1)
    with pytest.raises(StationError, match="steps"):
        trained(tmp_path / "t", steps=0)


def test_missing_and_damaged_stations(station, tmp_path):
    with pytest.raises(StationError, match="no station"):
        Station.load(tmp_path / "nowhere")
    station.save(tmp_path / "s", dtype=np.float16)
    whole = _bytes(tmp_path / "s")
    for damaged in (b"", whole[:1000], whole[: len(whole) // 2], b"not a station at all"):
        (tmp_path / "s" / STATION_FILE).write_bytes(damaged)
        with pytest.raises(StationError, match="station s"):
            Station.load(tmp_path / "s")


def test_names_are_stable():
    """A literal, so that a listener's songs keep their names from version to version."""
    assert song_name(np.zeros(3, np.float32)) == song_name(-np.zeros(3))
    assert song_name(np.arange(4, dtype=np.float32)) == "Snow Fountain"
    assert len({song_name(np.random.default_rng(i).standard_normal(66)) for i in range(200)}) > 190


def test_mastering_levels_and_limits(rng):
    quiet = master(1e-3 * rng.standard_normal(44100).astype(np.float32), fade=1000)
    assert np.sqrt(np.mean(quiet**2)) == pytest.approx(0.1, rel=0.05)
    clicks = np.zeros(44100, np.float32)
    clicks[::4000] = 1
    assert np.abs(master(clicks, fade=1000)).max() <= LOUDEST
    assert not master(np.zeros(100, np.float32), fade=1000).any()


def test_different_songs_are_different(station):
    """No two correlate as much as MAX_CORRELATION, and the same seed gives the same ones."""
    drawn = list(islice(sample_distinct(station, np.random.default_rng(5)), 30))
    flat = np.stack([steps[:, 0].ravel() for _, steps in drawn]).astype(np.float64)
    correlation = np.corrcoef(flat)
    np.fill_diagonal(correlation, 0)
    assert correlation.max() < MAX_CORRELATION
    again, _ = next(sample_distinct(station, np.random.default_rng(5)))
    np.testing.assert_array_equal(again, drawn[0][0])
