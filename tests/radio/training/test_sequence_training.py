"""Stations of recordings: a tiny folder trained end to end, stopped, resumed, on two threads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_recipe import small_recordings

from audio_parsing.files import AudioError
from neural_networks.training.checkpoint import load_arrays, save_arrays
from radio.station import (
    STATION_FILE,
    TRAINING_FILE,
    SequenceModel,
    Station,
    StationError,
    tempo_coordinate,
)
from radio.training import (
    TrainingOptions,
    component_excerpts,
    sequence_recipe,
    sequence_training,
    train_station,
)

BEATS = 16
RATE = 22050


def trained(folder: Path, music: Path, **asked) -> Station | None:
    """Train a station; hooks and options are given side by side."""
    hooks = {name: asked.pop(name) for name in ("report", "should_stop", "watch") if name in asked}
    options = TrainingOptions(**{"beats": BEATS, "threads": 1, **asked})
    return train_station(folder, music, options, **hooks)


def content(folder: Path) -> bytes:
    return (folder / STATION_FILE).read_bytes()


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files of chords, 9 to 21 seconds, 150 a minute."""
    folder = tmp_path_factory.mktemp("music")
    for number, seconds in enumerate((9, 15, 21)):
        time = np.arange(RATE * seconds) / RATE
        pitch = 110 * 2 ** (np.array([0, 4, 7]) / 12 + number / 8)
        chord = np.sin(2 * np.pi * pitch[:, None] * time).sum(axis=0)
        soundfile.write(folder / f"{number}.flac", 0.2 * chord * np.exp(-3 * (time % 0.4)), RATE)
    return folder


@pytest.fixture(autouse=True, scope="module")
def small():
    """The small recipe, and a critic that teaches."""
    with small_recordings(), pytest.MonkeyPatch.context() as patch:
        teaching = replace(sequence_recipe.GAN, adversarial_weight=0.3)
        patch.setattr(sequence_training, "GAN", teaching)
        yield


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, music: Path) -> tuple[Station, Path]:
    folder = tmp_path_factory.mktemp("stations") / "small"
    made = trained(folder, music, steps=120, plot=folder.parent / "training.png")
    assert made is not None
    return made, folder


def test_a_folder_becomes_a_station_that_makes_songs(station: tuple[Station, Path]) -> None:
    made, folder = station
    loaded = Station.load(folder)
    assert isinstance(loaded.model, SequenceModel) and loaded.grid == "beat"
    assert loaded.details == made.details
    assert loaded.details["vae_steps"] == 120 and loaded.details["gan_steps"] == 12
    assert loaded.details["explained_variance"] > 0.5
    assert loaded.latent.kind == "gaussian"
    assert loaded.means.shape == (84, 32)
    np.testing.assert_allclose(loaded.coordinates, [[tempo_coordinate(150), 0]] * 84, atol=0.01)
    names = loaded.details["songs"]
    assert len(names) == 84 and names[0] == "0.flac" and names[-1].startswith("2.flac + ")
    learned = loaded.model.learned
    assert learned is not None and loaded.follows
    assert learned.z.shape[1] == 32 and learned.innovations.shape[2] == 6
    assert len(learned.innovations) % 16 == 0  # whole bars
    np.testing.assert_array_equal(learned.innovations, made.model.learned.innovations)
    coordinate = loaded.sample(1, np.random.default_rng(0))[0]
    assert loaded.describe(coordinate).endswith(" bpm") and not loaded.keyed
    samples = loaded.render(coordinate)
    assert (
        len(samples) == loaded.beats_of(coordinate) * 24 * loaded.hop_length(coordinate)
        and np.sqrt(np.mean(samples**2)) > 0.03
    )
    np.testing.assert_array_equal(samples, made.render(coordinate))
    assert (folder.parent / "training.png").stat().st_size > 10_000
    assert [path.name for path in folder.iterdir()] == [STATION_FILE]


def test_critic_and_calibration_are_in_the_file(station: tuple[Station, Path]) -> None:
    made, folder = station
    loaded = Station.load(folder)
    calibration = made.model.vae.generator.calibration
    assert calibration.min() >= 0.5 and np.ptp(calibration) > 0.1
    x = made.decode(made.sample(3, np.random.default_rng(1)))
    np.testing.assert_array_equal(loaded.decode(made.sample(3, np.random.default_rng(1))), x)
    np.testing.assert_array_equal(loaded.critic.forward(x)[0], made.critic.forward(x)[0])
    np.testing.assert_allclose(made.critic.trunk.scale, 1 / made.model.components.scales)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, music: Path) -> bytes:
    """The station of 20 steps on one thread."""
    folder = tmp_path_factory.mktemp("plain") / "s"
    trained(folder, music, steps=20)
    return content(folder)


def test_same_seed_same_bytes_for_one_thread_and_two(
    tmp_path: Path, music: Path, plain: bytes
) -> None:
    trained(tmp_path / "two" / "s", music, steps=20, threads=2)
    assert content(tmp_path / "two" / "s") == plain
    trained(tmp_path / "other" / "s", music, steps=20, seed=1)
    assert content(tmp_path / "other" / "s") != plain


def test_a_stopped_training_goes_on_to_the_same_bytes(
    tmp_path: Path, music: Path, plain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the VAE's training and again in the critic's; components are not fitted again."""
    stops, reached = {"vae": 11, "gan": 1}, list[str]()

    def report(event: dict) -> None:
        if "done" in event and event["done"] == stops.get(event["phase"]):
            reached.append(event["phase"])

    folder = tmp_path / "s"
    for count in (1, 2):
        stopped = trained(
            folder,
            music,
            steps=20,
            report=report,
            should_stop=lambda c=count: len(reached) >= c,
        )
        assert stopped is None
        monkeypatch.setattr(component_excerpts.RandomExcerpts, "fit", None)
    assert reached == ["vae", "gan"]
    assert trained(folder, music, steps=20) is not None
    assert not (folder / TRAINING_FILE).exists()
    assert content(folder) == plain


def test_a_checkpoint_without_fitting_components_is_refused(tmp_path: Path, music: Path) -> None:
    assert trained(tmp_path / "s", music, steps=3, should_stop=lambda: True) is None
    path = tmp_path / "s" / TRAINING_FILE
    arrays, configuration = load_arrays(path)
    for changed in (
        {"components/basis": arrays["components/basis"][:-1]},
        {"components/mean": None},
        {"components/basis": np.zeros((2, 3))},
        {"calibration/ratios": np.ones(3)},
    ):
        kept = {name: array for name, array in {**arrays, **changed}.items() if array is not None}
        save_arrays(path, kept, configuration)
        with pytest.raises(StationError, match="can't be read .*; delete it to start again"):
            trained(tmp_path / "s", music, steps=3)
    save_arrays(path, arrays, configuration)
    with pytest.raises(StationError, match="other songs"):
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "a.flac").write_bytes((music / "0.flac").read_bytes())
        trained(tmp_path / "s", tmp_path / "other", steps=3)
    assert trained(tmp_path / "s", music, steps=3) is not None


def test_a_watcher_gets_a_station_that_plays_and_changes_nothing(
    tmp_path: Path, music: Path, plain: bytes
) -> None:
    seen: list[Station] = []

    def watch(station_now) -> None:
        if len(seen) < 3:
            seen.append(station_now())
            coordinate = seen[-1].sample(1, np.random.default_rng(0))[0]
            assert np.isfinite(seen[-1].render(coordinate)).all()

    trained(tmp_path / "s", music, steps=20, watch=watch)
    assert content(tmp_path / "s") == plain
    assert len(seen) == 3 and len(seen[0].means) == sequence_training.PREVIEWED


def test_by_the_products_recipe_the_critic_learns_and_the_vae_stays_as_it_is(
    tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence_training, "GAN", sequence_recipe.GAN)
    made = []
    for share in (0.1, 1.0):
        monkeypatch.setattr(sequence_training.SequenceTraining, "gan_steps", share)
        made.append(trained(tmp_path / str(share), music, steps=4))
    one, two = made
    assert one is not None and two is not None
    assert two.details["gan_steps"] == 4
    np.testing.assert_array_equal(one.means, two.means)
    x = one.decode(one.sample(2, np.random.default_rng(0)))
    assert not np.array_equal(one.critic.forward(x)[0], two.critic.forward(x)[0])


def test_minutes_become_steps(tmp_path: Path, music: Path) -> None:
    notes: list[str] = []
    made = trained(
        tmp_path / "s", music, minutes=0.03, report=lambda event: notes.append(event.get("note"))
    )
    assert made is not None and made.details["vae_steps"] >= 1
    assert any(note and "steps of the VAE, then" in note for note in notes)


def test_one_short_song_is_enough_and_less_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    (tmp_path / "music").mkdir()
    path = tmp_path / "music" / "song.wav"
    soundfile.write(path, 0.1 * rng.standard_normal(RATE * 5), RATE)
    assert trained(tmp_path / "one", tmp_path / "music", steps=2) is not None
    soundfile.write(path, 0.1 * rng.standard_normal(RATE * 3), RATE)
    with pytest.raises(AudioError, match="no music of at least 4 seconds") as caught:
        trained(tmp_path / "two", tmp_path / "music", steps=2)
    assert "\n" not in str(caught.value) and not (tmp_path / "two").exists()
