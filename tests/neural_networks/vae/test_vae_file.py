"""A VAE comes back from its file; other files are refused; what its data can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_networks.autoencoder.autoencoder import AutoEncoder
from neural_networks.components.gru import GRU
from neural_networks.components.lstm import LSTM
from neural_networks.components.recurrent import Recurrent
from neural_networks.training.checkpoint import CheckpointError, load_arrays, save_arrays
from neural_networks.vae.vae import VAE

SIZES = (
    {"input_size": 5, "input_layers": (9, 4), "output_layers": (4, 6)},
    {"input_size": 3, "input_layers": (7, 4), "output_layers": (4, 5)},
)


def data(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, 3, 5)).astype(np.float32)


@pytest.mark.parametrize("kind", [Recurrent, GRU, pytest.param(LSTM, marks=pytest.mark.slow)])
def test_it_comes_back_from_its_file(kind: Any, tmp_path: Path) -> None:
    vae = VAE(*SIZES, 3, kind)
    vae.save(tmp_path / "vae.npz")
    loaded = VAE.load(tmp_path / "vae.npz")
    np.testing.assert_array_equal(loaded.feedforward(data()), vae.feedforward(data()))
    history = [
        one.train(data(), max_epochs=3, batch_size=2, print_epochs=False).losses
        for one in (vae, loaded)
    ]
    assert history[0] and np.isfinite(history[0]).all()


def test_other_files_are_refused(tmp_path: Path) -> None:
    AutoEncoder((15, 6, 15)).save(tmp_path / "autoencoder.npz")
    with pytest.raises(CheckpointError, match="does not hold a VAE"):
        VAE.load(tmp_path / "autoencoder.npz")
    VAE(*SIZES, 3).save(tmp_path / "vae.npz")
    arrays, about = load_arrays(tmp_path / "vae.npz")
    for change in (
        {"latent_size": 4},
        {"network": "Transformer"},
        {"encoder": {**about["encoder"], "input_layers": [1000005, 1000000]}},
        {"decoder": {"input_size": 3, "hidden_size": 1000000}},
        {"decoder": 3},
    ):
        save_arrays(tmp_path / "bad.npz", arrays, about | change)
        with pytest.raises(CheckpointError, match="does not hold a VAE"):
            VAE.load(tmp_path / "bad.npz")


def test_networks_of_ones_own_are_not_saved(tmp_path: Path) -> None:
    class Own(Recurrent):
        pass

    with pytest.raises(ValueError, match="can be saved"):
        VAE(*SIZES, 3, Own).save(tmp_path / "vae.npz")


def test_time_steps_of_one_value(tmp_path: Path) -> None:
    vae = VAE(
        {"input_size": 1, "input_layers": (5, 4), "output_layers": (4, 6)},
        {"input_size": 3, "input_layers": (7, 4), "output_layers": (4, 1)},
        3,
    )
    sounds = [np.random.default_rng(i).standard_normal(8) for i in range(5)]
    separated = vae.get_time_seperated_data(sounds)
    assert separated.shape == (5, 8, 1)
    vae.train(separated, max_epochs=1, print_epochs=False)
    assert vae.encode(separated)[0].shape == (5, 3)
    assert vae.feedforward(separated).shape == (5, 8, 1)


def test_what_would_be_misread_is_refused() -> None:
    vae = VAE(*SIZES, 3)
    with pytest.raises(ValueError, match="one channel"):
        vae.get_time_seperated_data([np.ones((15, 2))])
    for options, words in (
        ({"learning_rate": -0.001}, "learning rate"),
        ({"learning_rate": float("nan")}, "learning rate"),
        ({"max_epochs": 1.5}, "whole number"),
    ):
        with pytest.raises(ValueError, match=words):
            vae.train(data(), **{"max_epochs": 1, "print_epochs": False, **options})
    with pytest.raises(ValueError, match="6 values"):
        AutoEncoder((15, 6, 15)).decode(np.zeros((3, 4)))
