"""Trained networks that quality.py keeps in a folder, so that judging them again takes no training.

    Kept(folder, options).network(name, train) -> (network, facts)
    train() -> (network, facts), called if no stored network fits

A network is taken up only if it was trained with the same options. NOTE: not even then if what
trains it was changed; nothing tells that.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from neural_networks.components.parameters import FlatParameters
from neural_networks.training.checkpoint import load_arrays, part, save_arrays
from neural_networks.vae.calibration import Calibration
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.training import new_vae


class Kept:
    """A folder of trained networks.

    Args:
        folder: made if it isn't there; None keeps nothing.
        options: that all networks are trained with, of numbers and names.
    """

    def __init__(self, folder: Path | None, options: dict[str, Any]) -> None:
        self.folder, self.options = folder, options

    def network(
        self, name: str, train: Callable[[], tuple[FlatParameters, dict[str, Any]]], **options: Any
    ) -> tuple[FlatParameters, dict[str, Any]]:
        """Return a network and what is to be known of its training, from the folder or trained now.

        Args:
            name: 'vae' or the like.
            train: makes both.
            options: of this network alone.
        """
        if self.folder is None:
            return train()
        wanted = json.loads(json.dumps(self.options | options))
        path = self.folder / f"{name}-{crc32(json.dumps(wanted, sort_keys=True).encode()):08x}.npz"
        if path.exists():
            arrays, configuration = load_arrays(path)
            if configuration["options"] == wanted:
                return _unpacked(arrays, configuration["beats"]), configuration["facts"]
        network, facts = train()
        decoder = network.module.decoder  # type: ignore[attr-defined]
        arrays = {"values": network.values}
        if decoder.calibration is not None:
            arrays |= {
                f"finish_{key}": array for key, array in decoder.calibration.arrays().items()
            }
        self.folder.mkdir(parents=True, exist_ok=True)
        save_arrays(path, arrays, {"options": wanted, "facts": facts, "beats": decoder.beats})
        return network, facts


def _unpacked(arrays: dict[str, np.ndarray], beats: int) -> FlatParameters:
    network = new_vae(beats=beats, rng=np.random.default_rng(0))
    network.values[:] = arrays["values"]
    finish = part(arrays, "finish_")
    module: RecurrentVAE = network.module  # type: ignore[assignment]
    module.decoder.calibration = Calibration(**finish) if finish else None
    return network
