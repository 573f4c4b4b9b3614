"""Networks that benchmarks/quality.py stores come back unchanged, for the same options only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.quality_kept import Kept
from gan.names import FRAMES_PER_STEP
from neural_networks.components.parameters import FlatParameters
from neural_networks.vae.calibration import Calibration
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.station import STEP_SIZE
from radio.training import THOROUGH, TrainingSongs, new_vae, vae_trainer


class Training:
    """Counts how often a network was trained; each has other weights."""

    def __init__(self, finish: bool = False) -> None:
        self.made = 0
        self.finish = finish

    def __call__(self) -> tuple[FlatParameters, dict[str, Any]]:
        self.made += 1
        rng = np.random.default_rng(self.made)
        network = new_vae(beats=3, rng=rng)
        if self.finish:
            taps = rng.standard_normal((3, FRAMES_PER_STEP, STEP_SIZE // FRAMES_PER_STEP))
            network.module.decoder.calibration = Calibration(
                taps, rng.random((STEP_SIZE, 5)), rng.random(STEP_SIZE)
            )
        return network, {"cpu": 1.5, "alarms": ["one"]}


def songs(network: FlatParameters) -> np.ndarray:
    z = np.random.default_rng(0).standard_normal((2, 64)).astype(np.float32)
    return network.module.decoder.forward(z)[0]


@pytest.mark.parametrize("finish", [False, True])
def test_a_network_comes_back_as_it_was(tmp_path: Path, finish: bool) -> None:
    train = Training(finish)
    first, facts = Kept(tmp_path / "new", {"seed": 0}).network("vae", train)
    second, again = Kept(tmp_path / "new", {"seed": 0}).network("vae", train)
    assert train.made == 1 and facts == again
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(songs(first), songs(second))
    assert (second.module.decoder.calibration is not None) == finish


def test_with_other_options_another_one_is_trained(tmp_path: Path) -> None:
    train = Training()
    Kept(tmp_path, {"seed": 0}).network("vae", train)
    Kept(tmp_path, {"seed": 1}).network("vae", train)
    Kept(tmp_path, {"seed": 0}).network("gan", train, weights={"a": 1.0})
    Kept(tmp_path, {"seed": 0}).network("gan", train, weights={"a": 2.0})
    assert train.made == 4
    found, _ = Kept(tmp_path, {"seed": 0}).network("vae", train)
    assert train.made == 4 and np.array_equal(
        found.values, new_vae(beats=3, rng=np.random.default_rng(1)).values
    )


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    train = Training()
    for _ in range(2):
        Kept(None, {"seed": 0}).network("vae", train)
    assert train.made == 2 and not list(tmp_path.iterdir())


def test_smoothness_rises_over_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A roughness from the first step on slows a training; at the end all of it counts."""
    asked: list[float] = []

    def loss(
        self: RecurrentVAE, x: np.ndarray, *, smoothness: float, **_: Any
    ) -> tuple[float, float, float]:
        asked.append(smoothness)
        return 1.0, 1.0, 0.0

    monkeypatch.setattr(RecurrentVAE, "loss", loss)
    songs = TrainingSongs(
        np.zeros((2, 12, STEP_SIZE), np.float32), np.zeros((2, 2), np.float32), ["a", "b"], "beat"
    )
    vae = new_vae(beats=3, rng=np.random.default_rng(0))
    vae_trainer(vae, songs, steps=10, seed=0, threads=1, recipe=THOROUGH, batch=1).run(2, 10)
    np.testing.assert_allclose(
        asked,
        [THOROUGH.gan.smoothness * (step / 10) ** THOROUGH.smoothness_power for step in range(10)],
    )
