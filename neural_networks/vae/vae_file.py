"""The file of a VAE of recurrent cells: the arguments of its networks and their weights."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

from neural_networks.components.gru import GRU
from neural_networks.components.lstm import LSTM
from neural_networks.components.recurrent import Recurrent
from neural_networks.components.rnn import RNN
from neural_networks.training.checkpoint import CheckpointError, load_arrays, save_arrays

AnyVAE = TypeVar("AnyVAE")
CELLS: dict[str, Callable[..., Any]] = {kind.__name__: kind for kind in (Recurrent, RNN, GRU, LSTM)}


def save_vae(vae: Any, path: str | os.PathLike[str]) -> None:
    """Write a VAE.

    Raises:
        ValueError: if its arguments or its cells are none that a file can hold.
    """
    kind = next((name for name, known in CELLS.items() if known is vae.sub_network), None)
    sizes = dict(zip(("encoder", "decoder"), vae.arguments, strict=True))
    try:
        json.dumps(sizes)
    except TypeError as error:
        raise ValueError(f"this VAE's arguments can't be saved: {error}") from None
    if kind is None:
        raise ValueError(f"only a VAE of {', '.join(CELLS)} can be saved")
    arrays = {name: parameter.value for name, parameter in vae.named_parameters()}
    about = {"kind": "vae", "network": kind, "latent_size": vae.latent_size, **sizes}
    save_arrays(path, arrays, about)


def load_vae(kind: Callable[..., AnyVAE], path: str | os.PathLike[str]) -> AnyVAE:
    """Read a VAE.

    Raises:
        CheckpointError: if the file does not hold one.
    """
    arrays, about = load_arrays(path)
    try:
        if about["kind"] != "vae":
            raise ValueError("another kind of network")
        sizes = about["encoder"], about["decoder"]
        # Checked first, so that no file makes the program allocate more than it holds.
        if max(map(_largest_weight, sizes)) > sum(array.size for array in arrays.values()):
            raise ValueError("sizes that do not fit")
        vae: Any = kind(*sizes, about["latent_size"], CELLS[about["network"]])
        for name, parameter in vae.named_parameters():
            if arrays[name].shape != parameter.value.shape:
                raise ValueError("shapes that do not fit")
            parameter.value[...] = arrays[name]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{os.fspath(path)} does not hold a VAE ({error})") from None
    return vae


def _largest_weight(arguments: dict[str, Any]) -> int:
    """Return the number of values of the largest matrix that a cell of these arguments has."""
    largest = int(arguments.get("hidden_size") or 0) ** 2
    for layers in arguments.values():
        if isinstance(layers, list):
            largest = max(largest, *(int(a) * int(b) for a, b in pairwise(layers)), 0)
    return largest
