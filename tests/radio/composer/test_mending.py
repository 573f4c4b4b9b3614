"""Mending: the gradient down to the innovations of a stretch, its bounds, and what stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audio_parsing.components import LappedComponents
from neural_networks.components.parameters import pack
from radio.composer import LocalComposer, correlation
from radio.composer.mended_song import mend, stretch_objective, worst_stretch
from radio.home import Home
from radio.station import Form, Station
from radio.station.changes import stretches_of
from radio.taste import Taste
from tests.support.tiny_station import remembering, tiny_station


def taught(station: Station, rng: np.random.Generator) -> Taste:
    taste = Taste.of(station)
    songs = station.sample(12, rng)
    features = taste.fit_pool(station.decode(songs), station.known(songs))
    for one in features[:8]:
        taste.observe(one, float(rng.uniform(-1, 1)))
    return taste


@pytest.mark.parametrize(("start", "count"), [(0, 1), (5, 1), (3, 7)])
def test_the_gradient_of_a_stretch_is_that_of_finite_differences(
    start: int, count: int, monkeypatch: pytest.MonkeyPatch
):
    rng = np.random.default_rng(3)
    station = tiny_station()
    songs = station.sample(12, rng)
    steps, model = station.decode(songs).astype(np.float64), station.model
    for part in (station.critic, model.vae):
        pack(part, np.float64)
    arrays = model.components.arrays()
    model.components = LappedComponents(
        **{name: array.astype(np.float64) for name, array in arrays.items()}
    )
    taste = Taste.of(station)
    for one in taste.fit_pool(steps, station.known(songs))[:8]:
        taste.observe(one, float(rng.uniform(-1, 1)))
    monkeypatch.setattr(
        Station, "_inputs", lambda self, p: (p[:, :6].astype(np.float64), p[:, self._course])
    )
    stretch = station.stretch(songs[0], start, start + count)
    starts = np.repeat(stretch.innovations, 2, axis=1)
    objective = stretch_objective(station, taste, songs[0], stretch, starts)
    position = rng.standard_normal((2, count * model.vae.generator.latent_size))
    gradient = objective(position)[1]
    for _ in range(3):
        way = rng.standard_normal(position.shape)
        up, down = (objective(position + side * way)[0] for side in (1e-6, -1e-6))
        np.testing.assert_allclose((gradient * way).sum(axis=1), (up - down) / 2e-6, rtol=1e-5)


@pytest.mark.parametrize("forms", [[], [Form(8, (0, 1, 0))]])
def test_only_the_stretch_changes_its_bounds_hold_and_it_is_expected_to_be_liked_more(
    forms: list[Form],
):
    rng = np.random.default_rng(4)
    station = remembering(tiny_station(beats=16), steps=64, forms=forms)
    taste = taught(station, rng)
    point = station.sample(1, rng)[0]
    found = mend(station, taste, point, 8, 20, beats=16, rng=rng)
    assert found is not None
    points = [point[None], found.coordinate[None]]
    before, after = (station.generate(one)[0] for one in points)
    frames = len(before) // 64
    assert correlation(before[: 6 * frames], after[: 6 * frames]) > 0.9999  # steps overlap
    rest = np.r_[0 : 8 * frames, 20 * frames : len(before)]
    assert found.facts["alike"] == pytest.approx(correlation(before[rest], after[rest]))
    assert found.facts["alike"] > 0.98
    assert correlation(before[8 * frames : 20 * frames], after[8 * frames : 20 * frames]) < 0.98
    assert found.facts["expected"][1] > found.facts["expected"][0]
    size = station.model.vae.generator.latent_size
    # Several innovations of a mixture give the same latents, so those of P are read, not inverted.
    ((_, mended),) = stretches_of(
        found.coordinate[station.size :], station.model.vae.generator.innovation_size
    )
    stretches = station.stretch(point, 8, 20, beats=16).innovations[:, 0], mended
    old, new = (np.square(one[:, :size]).sum(axis=1) for one in stretches)
    low, high = found.facts["bounds"]
    assert low < high and new.max() <= 1.001 * max(high, found.facts["norm"][0])
    np.testing.assert_allclose(found.facts["norm"], [old.max(), new.max()], rtol=1e-3)


def test_the_worst_stretch_is_the_lowest_of_the_slider_else_of_the_prediction():
    moments = np.ones(100)
    moments[60:80] = -1
    assert worst_stretch(moments, np.zeros((0, 2)), delay=0, seconds=40) == (60, 80)
    seconds = np.linspace(0, 40, 81)
    slider = np.where((seconds > 20) & (seconds < 28), -1.0, 0.5)
    start, stop = worst_stretch(moments, np.stack([seconds, slider], axis=1), delay=0, seconds=40)
    assert stop - start == 20 and abs(start - 50) <= 2


def test_a_composer_mends_plays_rates_and_replays_a_song(tmp_path: Path):
    station = tiny_station(beats=8, bpm=100)
    composer = LocalComposer(station, "me", home=Home(tmp_path), seed=0, background=False)
    try:
        song = composer.next_song()
        with pytest.raises(ValueError, match="rate a song first"):
            composer.mend(song.key, song.latent)
        for value in (-0.8, 0.9, 0.2):
            song = composer.next_song()
            composer.journal.rate(song, value)
            composer.changed(song.key)
        for start, stop in ((2.0, 1.0), (-1.0, 2.0), (0.0, 99.0), (1.0, 1.2)):
            with pytest.raises(ValueError, match="within the song|can't be mended"):
                composer.mend(song.key, song.latent, start, stop)
        composer.events()
        composer.start_mend(song.key, song.latent, 1.0, 3.0)
        mended = composer.mend(song.key, song.latent, 1.0, 3.0)
        assert mended.description["mended"]["start"] == pytest.approx(1.0, abs=0.2)
        assert mended.key != song.key and mended.latent.size > station.size
        composer.played(mended.key, mended.latent)
        composer.journal.rate(mended, 0.7)
        composer.changed(mended.key)
        assert composer.rated == 4
        composer.final_song(draw=False)
    finally:
        composer.close()
    again = LocalComposer(station, "me", home=Home(tmp_path), seed=1, background=False)
    try:
        kept = again.journal.ratings.get(mended.key)
        assert kept is not None
        again.replay(mended.key, kept.coordinate)
        (event,) = [one for one in again.events() if hasattr(one, "song")]
        np.testing.assert_array_equal(event.song.samples, mended.samples)
        assert again.predict(event.song) and again.rated == 4
    finally:
        again.close()
