"""Pictures of an adversarial training: their content, and that a file is never half written."""

from __future__ import annotations

import numpy as np
import pytest
from toy_gan import COMPONENTS, trainer

from gan import plots
from gan.plots import plot_training


def frames(song):
    return song.reshape(-1, COMPONENTS)


def drawn(monkeypatch, draw):
    """Return the figure that a function draws."""
    figures = []
    figure = plots._figure
    monkeypatch.setattr(plots, "_figure", lambda size: figures.append(figure(size)) or figures[-1])
    draw()
    return figures[0]


def test_a_training_is_drawn_with_its_losses_scores_and_songs(monkeypatch, tmp_path):
    gan = trainer()
    with pytest.raises(ValueError, match="before the first step"):
        plot_training(gan, tmp_path / "training.png", frames=frames)
    told = []
    gan.run(12, progress=lambda step, steps, log: told.append((step, steps, log)))
    assert told == [(step + 1, 12, log) for step, log in enumerate(gan.log)]
    figure = drawn(
        monkeypatch, lambda: plot_training(gan, tmp_path / "training.png", frames=frames)
    )
    assert (tmp_path / "training.png").stat().st_size > 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["training.png"]
    titles = " ".join(axes.get_title() for axes in figure.axes)
    assert "scores of the last 12 steps" in titles
    curve = (
        next(axes for axes in figure.axes if "mean scores" in axes.get_title()).lines[0].get_ydata()
    )
    np.testing.assert_allclose(curve, [log.real_score for log in gan.log])
    songs = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(songs) == plots.SONGS_SHOWN
    np.testing.assert_array_equal(songs[0].T, gan.shown[:, 0])


def test_a_long_training_is_drawn_with_few_points(monkeypatch, tmp_path):
    gan = trainer()
    gan.run(2)
    gan.log.extend([gan.log[-1]] * 9_000)
    figure = drawn(monkeypatch, lambda: plot_training(gan, tmp_path / "a.svg", frames=frames))
    assert 300 < len(figure.axes[0].lines[0].get_ydata()) < 900


def test_a_picture_that_cannot_be_finished_leaves_the_one_before(monkeypatch, tmp_path):
    gan = trainer()
    gan.run(2)
    with pytest.raises(ValueError, match="ends in .png, .svg or .pdf, not .*training.txt"):
        plot_training(gan, tmp_path / "training.txt", frames=frames)
    path = tmp_path / "training.png"
    plot_training(gan, path, frames=frames)
    before = path.read_bytes()

    def broken(self, unfinished, **options):
        unfinished.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", broken)
    with pytest.raises(OSError, match="no space"):
        plot_training(gan, path, frames=frames)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["training.png"]
