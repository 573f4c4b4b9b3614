"""Plots show the given data, are saved where requested, and cope with any length."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import audio_parsing.audio_parsing as audio
from audio_parsing import plots
from audio_parsing.frames import encode
from radio.station import plot_latent_map, principal_directions

RATE = 22050
TONE = 0.5 * np.sin(2 * np.pi * 440 / RATE * np.arange(2 * RATE))
SONGS = np.random.default_rng(0).standard_normal((20, 8))
PICTURES: dict[str, Callable[..., Path | None]] = {
    "waveform": lambda **options: plots.plot_waveform(TONE, **options),
    "spectrogram": lambda **options: plots.plot_spectrogram(TONE[:, None], **options),
    "frames": lambda **options: plots.plot_frames(
        encode(TONE, hop_length=441), hop_length=441, **options
    ),
    "side_by_side": lambda **options: plots.plot_side_by_side(TONE, TONE[:RATE], **options),
    "latent_map": lambda **options: plot_latent_map(
        SONGS, generated=SONGS[:5] + 1, rated=SONGS[:2], ratings=np.array([-1, 1]), **options
    ),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def axes() -> Axes:
    return Figure().subplots()


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_saved_where_they_are_asked_for(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib.pyplot as plt

    draw = PICTURES[name]
    assert draw(path="picture.png") == folder / "picture.png"
    assert draw(path=folder / "picture.SVG") == folder / "picture.SVG"
    assert draw() == folder / f"{name}.png"  # there is no display
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (folder / "picture.SVG").read_bytes()[:1000]
    with pytest.raises(ValueError, match="ends in .png, .svg, .pdf, not song.wav"):
        draw(path="song.wav")
    with pytest.raises(OSError):
        draw(path=folder / "nowhere" / "picture.png")
    before = set(folder.iterdir())
    theirs = axes()
    assert draw(ax=theirs) is None
    assert theirs.get_children() and set(folder.iterdir()) == before
    assert not plt.get_fignums()  # none is left open
    (folder / "file").write_text("")
    monkeypatch.setattr(
        plots,
        "Path",
        lambda *parts: Path(folder / "file", *parts) if parts == (f"{name}.png",) else Path(*parts),
    )
    elsewhere = draw()  # the current folder can't be written to
    assert (
        elsewhere is not None
        and elsewhere.name == f"{name}.png"
        and elsewhere.stat().st_size > 5000
    )


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_shown_where_there_is_a_display(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib.pyplot as plt

    shown: list[Any] = []
    monkeypatch.setattr(plt, "get_backend", lambda: "QtAgg")
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    assert PICTURES[name]() is None
    assert len(shown) == 1 and shown[0] and not plt.get_fignums()
    assert PICTURES[name](path="picture.png") is not None and len(shown) == 1


def test_a_waveform_is_the_samples(rng: np.random.Generator) -> None:
    place = axes()
    song = rng.standard_normal(1000)
    plots.plot_waveform(song, sample_rate=1000, ax=place)
    np.testing.assert_allclose(
        np.asarray(place.get_lines()[0].get_xydata()),
        np.stack([np.arange(1000) / 1000, song], axis=1),
        rtol=1e-6,
    )


def test_a_long_waveform_keeps_its_peaks() -> None:
    song = np.zeros(1_000_003, np.float32)
    song[123_456], song[-1] = 1, -0.5
    place = axes()
    plots.plot_waveform(song, sample_rate=1000, ax=place)
    corners = place.collections[0].get_paths()[0].vertices
    assert corners[:, 1].max() == 1 and corners[:, 1].min() == -0.5
    assert corners[np.argmax(corners[:, 1]), 0] == pytest.approx(123.456, abs=1.0)
    assert len(corners) < 5000


def test_a_spectrogram_is_loudest_where_the_tone_is() -> None:
    place = axes()
    plots.plot_spectrogram(np.concatenate([0 * TONE, TONE]), ax=place)
    mesh = place.collections[0]
    level = np.asarray(mesh.get_array()).reshape(-1, len(range(0, 4 * RATE + 1, plots.HOP)))
    corners = mesh.get_coordinates()  # type: ignore[attr-defined]
    row, column = np.unravel_index(np.argmax(level), level.shape)
    assert corners[row, 0, 1] < 440 < corners[row + 1, 0, 1]
    assert corners[0, column, 0] > 2
    assert level.max() == pytest.approx(0, abs=0.01)
    assert level[:, 10].max() == pytest.approx(-plots.RANGE, abs=0.01)  # silence


def test_frames_are_the_right_way_up() -> None:
    place = axes()
    frames = encode(TONE, hop_length=441)
    plots.plot_frames(frames, hop_length=441, ax=place)
    image = place.get_images()[0]
    drawn = np.asarray(image.get_array())
    np.testing.assert_allclose(drawn, frames.T)
    assert image.origin == "lower" and image.get_extent() == [0, 2, 0, 202]
    labels = dict(
        zip(
            [label.get_text() for label in place.get_yticklabels()], place.get_yticks(), strict=True
        )
    )
    a4 = (69 - 24) * 2 + 0.5
    assert labels["C4"] < a4 < labels["C5"] and int(np.argmax(drawn[:, 50])) == int(a4)
    plots.plot_frames(np.ones((3, 5)), hop_length=100, ax=axes())  # raw samples are frames, too


def test_songs_of_any_length_are_drawn_in_a_moment() -> None:
    song = np.random.default_rng(0).standard_normal(RATE * 1200).astype(np.float32)  # 20 minutes
    start = time.process_time()
    plots.plot_spectrogram(song, ax=axes())
    plots.plot_waveform(song, ax=axes())
    audio.plot_audio_comparison(song, song, ax=axes())
    plots.plot_frames(np.ones((60_000, 202), np.float32), hop_length=441, ax=axes())
    assert time.process_time() - start < 15
    for tiny in (np.zeros(1), np.zeros(5000), np.ones((1, 1))):
        plots.plot_waveform(tiny, path="tiny.png")
        plots.plot_spectrogram(tiny, path="tiny.png")
        plots.plot_side_by_side(tiny, TONE, path="tiny.png")


@pytest.mark.parametrize(
    "name", ["$100", "$$", "a_b^c", "\\frac{", "夜想曲", "two\nlines", "\udce9"]
)
def test_any_name_can_be_drawn(name: str) -> None:
    """Warnings, such as of letters that a font doesn't have, would be errors here."""
    plots.plot_waveform(TONE[:10], title=name, path="picture.png")
    plot_latent_map(SONGS, names=[name] * 20, title=name, path="picture.svg")


@pytest.mark.parametrize(
    "wrong", [np.zeros(0), np.zeros((3, 2)), np.array([0, np.nan]), np.zeros((2, 2, 2))]
)
def test_what_is_no_song_is_refused(wrong: np.ndarray) -> None:
    for draw in (
        plots.plot_waveform,
        plots.plot_spectrogram,
        lambda song: plots.plot_side_by_side(song, TONE),
    ):
        with pytest.raises(ValueError, match="a song to draw"):
            draw(wrong)
    with pytest.raises(ValueError, match="frames to draw"):
        plots.plot_frames(wrong[:0], hop_length=441)


def test_a_map_turns_songs_and_stretches_nothing(rng: np.random.Generator) -> None:
    """Songs in a plane of eight dimensions keep all their distances on the map."""
    plane = np.linalg.qr(rng.standard_normal((8, 2)))[0]
    flat = rng.standard_normal((30, 2)) * (3, 1)
    songs = flat @ plane.T + rng.standard_normal(8)
    directions, shares = principal_directions(songs)
    assert shares.sum() == pytest.approx(1) and shares[0] > shares[1]
    np.testing.assert_allclose(directions.T @ directions, np.eye(2), atol=1e-12)
    place = axes()
    plot_latent_map(
        songs, generated=songs[:3], rated=songs[3:5], ratings=np.array([0.5, -1]), ax=place
    )
    learned, made, rated = (np.asarray(group.get_offsets()) for group in place.collections)
    distances = np.linalg.norm(flat[:, None] - flat, axis=2)
    np.testing.assert_allclose(
        np.linalg.norm(learned[:, None] - learned, axis=2), distances, atol=1e-9
    )
    np.testing.assert_allclose(made, learned[:3], atol=1e-9)
    np.testing.assert_allclose(rated, learned[3:5], atol=1e-9)
    assert place.collections[2].get_array().tolist() == [0.5, -1]  # type: ignore[union-attr]
    again, _ = principal_directions(songs[::-1])
    np.testing.assert_allclose(again, directions, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_maps_of_few_songs(count: int, size: int, rng: np.random.Generator) -> None:
    for songs in (np.zeros((count, size)), rng.standard_normal((count, size))):
        plot_latent_map(songs, generated=songs + 1, names=["a", "b", "c"][:count], path="map.png")


def test_what_is_no_map_is_refused() -> None:
    for wrong in (np.zeros((0, 3)), np.zeros(3), np.full((2, 3), np.inf)):
        with pytest.raises(ValueError, match="a map"):
            plot_latent_map(wrong)
    with pytest.raises(ValueError, match="a map"):
        plot_latent_map(SONGS, generated=np.zeros((2, 9)))
    for ratings in (None, np.zeros(2), np.array([2.0]), np.array([np.nan])):
        with pytest.raises(ValueError, match="ratings"):
            plot_latent_map(SONGS, rated=SONGS[:1], ratings=ratings)
