"""The file of a station: weights, statistics of its songs and configuration, without pickle.

write_station(data, folder)      -> folder/station.npz
read_station(folder, Station)    -> Station, or a StationError of one line

A damaged file never allocates more than it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from gan.critic import Critic
from gan.critic_bodies import BODIES
from neural_networks.components.parameters import pack
from neural_networks.training.checkpoint import CheckpointError, load_arrays, part, save_arrays
from radio.station.limits import LARGEST_COORDINATE, whole_number
from radio.station.model_file import model_arrays, model_configuration, read_model
from radio.station.sequence_model import SequenceModel

STATION_FILE = "station.npz"
TRAINING_FILE = "training.npz"  # checkpoint of an unfinished training, in the same folder
LARGEST_FILE = 256 << 20  # bytes of arrays
LARGEST_LOG_VARIANCE = 50
LARGEST_VALUE = 1e4  # of any array; a trained station has none above 100
MOST_LETTERS = 300  # of the reason for which a file is refused
MODEL = "sequence-2"
# Of earlier versions: one point for a song, and other frames. Files of the first name none.
OLD_MODELS = ("point", "sequence")


class StationError(ValueError):
    """A station can't be used; the message says which and what to do."""


class _OldModelError(Exception):
    """The file holds a model of a kind that this version no longer has."""


@dataclass
class StationData:
    """A trained model and the statistics of its songs.

    Attributes:
        name: of the station.
        grid: 'beat' (tempo and key are coordinates) or 'absolute' (50 frames a second).
        beats: length of a song.
        model: makes songs of coordinates.
        critic: scores whole songs.
        means: (N, Z) of the encoded training songs.
        log_variances: (N, Z).
        coordinates: (N, 2) tempo and key of the training songs, or (N, 0).
        details: names of the songs, seed, steps, measured errors and the like.
    """

    name: str
    grid: str
    beats: int
    model: SequenceModel
    critic: Critic
    means: np.ndarray
    log_variances: np.ndarray
    coordinates: np.ndarray
    details: dict[str, Any] = field(default_factory=dict)


AnyStation = TypeVar("AnyStation", bound=StationData)


def write_station(data: StationData, folder: Path, *, dtype: Any = np.float32) -> None:
    """Write a station into a folder, atomically.

    Args:
        data: of the station.
        folder: created if it does not exist.
        dtype: of the weights on disk; float16 halves the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "vae": _weights(data.model.module).astype(dtype),
        "critic": _weights(data.critic).astype(dtype),
        "means": data.means.astype(dtype),
        "log_variances": data.log_variances.astype(dtype),
        "coordinates": data.coordinates.astype(np.float32),
        **{f"critic_{key}": value for key, value in data.critic.state().items()},
        **{
            key: array.astype(dtype) if array.dtype.kind == "f" else array
            for key, array in model_arrays(data.model).items()
        },
    }
    configuration = {
        "kind": "station",
        "model": MODEL,
        "grid": data.grid,
        "beats": data.beats,
        **model_configuration(data.model),
        "critic": {"body": data.critic.body, "hidden": data.critic.hidden},
        "details": data.details,
    }
    save_arrays(folder / STATION_FILE, arrays, configuration)


def read_station(folder: Path, kind: type[AnyStation]) -> AnyStation:
    """Read a station.

    Args:
        folder: of the station.
        kind: StationData or a subclass; called with the fields, so its errors are reported too.

    Raises:
        StationError: if it does not exist, is damaged, of another kind or of a newer version.
    """
    name, path = folder.name, folder / STATION_FILE
    if not path.is_file() and (folder / TRAINING_FILE).is_file():
        raise StationError(
            f"the training of station {name} is not finished; the same ai-radio train command "
            "resumes it"
        )
    if not path.is_file():
        raise StationError(
            f"no station in {folder}; `ai-radio stations` lists those that exist, `ai-radio train` "
            "makes one"
        )
    todo = f"train it again or delete {folder}"
    try:
        return _read(kind, name, *load_arrays(path, largest=LARGEST_FILE))
    except _OldModelError:
        raise StationError(
            f"station {name} is from an earlier version, whose stations can't be used any more; "
            f"train it again (ai-radio train MUSIC --station {name}) or delete {folder}"
        ) from None
    except CheckpointError as error:
        raise StationError(f"station {name} can't be read: {error}; {todo}") from error
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
        MemoryError,
    ) as error:
        why = " ".join(str(error).split())[:MOST_LETTERS] or type(error).__name__
        raise StationError(f"station {name} is damaged ({why}); {todo}") from error


def _read(
    kind: type[AnyStation],
    name: str,
    arrays: dict[str, np.ndarray],
    configuration: dict[str, Any],
) -> AnyStation:
    if not all(map(_is_sound, arrays.values())):
        raise ValueError("it holds something else than the numbers of a station")
    if configuration.get("kind") != "station":
        raise ValueError("the file holds something else")
    beats = whole_number(configuration, "beats")
    model, critic = _networks(arrays, configuration, beats)
    grid, details = configuration["grid"], configuration["details"]
    if grid not in ("beat", "absolute"):
        raise ValueError(f"unknown grid {grid!r}")
    means, log_variances, coordinates = (
        arrays[key].astype(np.float32) for key in ("means", "log_variances", "coordinates")
    )
    if (
        means.shape != log_variances.shape
        or means.shape[1:] != (model.latent_size,)
        or coordinates.shape != (len(means), 2 if grid == "beat" else 0)
    ):
        raise ValueError("the statistics of its songs don't fit")
    if (
        not len(means)
        or not all(np.isfinite(a).all() for a in (means, log_variances, coordinates))
        or np.abs(log_variances).max() > LARGEST_LOG_VARIANCE
        or max(np.abs(a).max(initial=0) for a in (means, coordinates)) > LARGEST_COORDINATE
    ):
        raise ValueError("the statistics of its songs are not numbers of a trained station")
    if not isinstance(details, dict):
        raise ValueError(f"details are {type(details).__name__}")
    return kind(name, grid, beats, model, critic, means, log_variances, coordinates, details)


def _is_sound(array: np.ndarray) -> bool:
    """Return whether an array holds numbers with which a network can compute."""
    floats = array.dtype.kind == "f" and bool((np.abs(array) < LARGEST_VALUE).all())
    return floats or array.dtype.kind in "biu"


def _networks(
    arrays: dict[str, np.ndarray], configuration: dict[str, Any], beats: int
) -> tuple[SequenceModel, Critic]:
    """Return model and critic; nothing is allocated before the file is known to hold its weights.

    Raises:
        ValueError: if something does not fit.
    """
    kind = configuration.get("model", OLD_MODELS[0])
    if kind in OLD_MODELS:
        raise _OldModelError
    if kind != MODEL:
        raise ValueError(f"unknown model {kind!r}")
    model = read_model(arrays, configuration, beats)
    critic = _critic(configuration, model, arrays["critic"].size)
    for module, key in ((model.module, "vae"), (critic, "critic")):
        flat = pack(module, np.float32)
        if arrays[key].shape != flat.values.shape or not np.isfinite(arrays[key]).all():
            raise ValueError(f"the weights of the {key} don't fit")
        flat.values[:] = arrays[key]
    critic.restore(part(arrays, "critic_"))
    return model, critic


def _critic(configuration: dict[str, Any], model: SequenceModel, size: int) -> Critic:
    """Return the critic that a station's configuration describes, with random weights."""
    found = configuration["critic"]
    if found["body"] not in BODIES:
        raise ValueError(f"unknown critic {found['body']!r}")
    hidden = whole_number(found, "hidden")
    if hidden * model.features > size:  # before it is allocated
        raise ValueError("the weights of the critic don't fit")
    rng = np.random.default_rng(0)
    return model.new_critic(hidden=hidden, body=BODIES[found["body"]], rng=rng)


def _weights(module: Any) -> np.ndarray:
    """Return a copy of all weights of a module as one vector."""
    return np.concatenate([p.value.ravel() for p in module.parameters()])
