"""A station: a trained model on disk that turns coordinates into songs.

    P (D,) = [z; tempo; key]     z (Z,) the latent coordinate, the last two only on a beat grid
    sample(count, rng) -> P      generate(P) -> frames (B, T, 181)      render(P) -> samples

A station is a folder with one file, station.npz: weights, statistics of its songs, configuration;
no pickle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.starter import hop_length
from gan.critic import Critic
from gan.critic_bodies import BODIES
from gan.latent import DEFAULT_KIND, Kind, LatentDistribution
from neural_networks.components.parameters import pack
from neural_networks.training.checkpoint import CheckpointError, load_arrays, part, save_arrays
from neural_networks.vae.calibration import Finish
from neural_networks.vae.recurrent_vae import PLAN_SIZE, RecurrentVAE
from radio.station import steps as song_data
from radio.station.names import song_name

STATION_FILE = "station.npz"
# beside the station's file, or before there is one, while the training is unfinished
TRAINING_FILE = "training.npz"
LARGEST_FILE = 256 << 20  # bytes of arrays
LOUDNESS = 0.1  # root mean square of a rendered song
LOUDEST = 0.97  # no sample is above
MAJOR_KEYS = "C Db D Eb E F F# G Ab A Bb B".split()
MINOR_KEYS = "A Bb B C C# D Eb E F F# G G#".split()  # relative to those above


class StationError(ValueError):
    """A station can't be used; the message says which and what to do."""


@dataclass
class Station:
    """A trained model and what is known of its songs.

    Attributes:
        name: of the station.
        grid: 'beat' (tempo and key are coordinates) or 'absolute' (50 frames a second).
        beats: length of a song.
        vae: encoder and decoder.
        critic: judges whole songs.
        means: (N, Z) of the encoded training songs.
        log_variances: (N, Z).
        coordinates: (N, 2) tempo and key of the training songs, or (N, 0).
        details: what else is known: names of the songs, seed, steps, measured errors.
    """

    name: str
    grid: str
    beats: int
    vae: RecurrentVAE
    critic: Critic
    means: np.ndarray
    log_variances: np.ndarray
    coordinates: np.ndarray
    details: dict[str, Any] = field(default_factory=dict)

    sample_rate = song_data.SAMPLE_RATE

    def __post_init__(self) -> None:
        self.draw_from(self.details.get("latent", DEFAULT_KIND))

    def draw_from(self, kind: Kind) -> None:
        """Draw new coordinates from another distribution of the station's songs; see gan/latent.py."""
        self.latent = LatentDistribution(self.means, self.log_variances, kind)

    @property
    def latent_size(self) -> int:
        """Z, the size of z."""
        return self.means.shape[1]

    @property
    def size(self) -> int:
        """D, the size of a coordinate P."""
        return self.latent_size + self.coordinates.shape[1]

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw coordinates (count, D) from the station's distribution; tempo and key from those of its songs."""
        z = self.latent.sample(count, rng)
        if not self.coordinates.shape[1]:
            return z.astype(np.float32)
        chosen = self.coordinates[rng.integers(len(self.coordinates), size=count)].astype(
            np.float64
        )
        chosen[:, 0] += 0.15 * rng.standard_normal(count)
        return np.concatenate([z, chosen], axis=1).astype(np.float32)

    def decode(self, coordinates: np.ndarray, *, beats: int | None = None) -> np.ndarray:
        """Return canonical steps (S, B, F) of coordinates (B, D): what encoder and critic see, tempo and key apart.

        Args:
            coordinates: P.
            beats: length of the songs; the station's if None. Shorter songs are its beginning; in
                longer ones the plan goes on from its middle again, which the recurrent network
                reads in a state of its own.
        """
        z = np.ascontiguousarray(coordinates[:, : self.latent_size], np.float32)
        if beats is None or beats == self.beats:
            return self.vae.decoder.forward(z)[0]
        plan = self.vae.decoder.plan(z)
        while len(plan) < beats:
            plan = np.concatenate([plan[: -self.beats // 4], plan[self.beats // 4 :]])
        return self.vae.decoder.forward_plan(np.ascontiguousarray(plan[:beats]))[0]

    def generate(self, coordinates: np.ndarray, *, beats: int | None = None) -> np.ndarray:
        """Return frames (B, T, 181), transposed to each song's key, of coordinates P (B, D)."""
        return self.frames_of(self.decode(coordinates, beats=beats), coordinates)

    def frames_of(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return frames (B, T, 181) in each song's key of canonical steps (S, B, F)."""
        frames = song_data.to_frames(np.ascontiguousarray(steps.transpose(1, 0, 2)))
        frames = np.maximum(frames, 0)
        if self.grid == "beat":
            keys = [song_data.coordinate_key(p[-1]) for p in coordinates]
            frames = np.stack(
                [audio_frames.transpose(f, key) for f, key in zip(frames, keys, strict=True)]
            )
        return frames.astype(np.float32)

    def hop_length(self, coordinate: np.ndarray) -> int:
        """Return samples a frame for a coordinate P (D,)."""
        if self.grid == "absolute":
            return song_data.ABSOLUTE_HOP_LENGTH
        return hop_length(song_data.coordinate_tempo(float(coordinate[-2])))

    def render(
        self, coordinate: np.ndarray, *, frames: np.ndarray | None = None, beats: int | None = None
    ) -> np.ndarray:
        """Return the song of a coordinate P (D,) as samples (n,) float32 at `sample_rate`, levelled, its end faded.

        Args:
            coordinate: P.
            frames: (T, 181) if they were generated before.
            beats: length, as in `decode`.

        Raises:
            ValueError: if the coordinate is none of this station's.
        """
        coordinate = np.asarray(coordinate)
        if coordinate.shape != (self.size,):
            raise ValueError(
                f"a coordinate of station {self.name} has shape ({self.size},), not {coordinate.shape}"
            )
        if frames is None:
            frames = self.generate(coordinate[None], beats=beats)[0]
        hop = self.hop_length(coordinate)
        samples = audio_frames.decode(frames, hop_length=hop, sample_rate=self.sample_rate)
        return finish(samples, fade=2 * song_data.FRAMES_PER_BEAT * hop)

    def seconds(self, coordinate: np.ndarray) -> float:
        """Return how long the song of a coordinate lasts."""
        return (
            self.beats * song_data.FRAMES_PER_BEAT * self.hop_length(coordinate) / self.sample_rate
        )

    def song_name(self, coordinate: np.ndarray) -> str:
        """Return a name that is always the same for the same coordinate."""
        return song_name(coordinate)

    def describe(self, coordinate: np.ndarray) -> str:
        """Return tempo and key of a coordinate as a listener reads them; empty on an absolute grid."""
        if self.grid == "absolute":
            return ""
        key = song_data.coordinate_key(float(coordinate[-1])) % 12
        return f"{MAJOR_KEYS[key]} major / {MINOR_KEYS[key]} minor, {song_data.coordinate_tempo(float(coordinate[-2])):.0f} bpm"

    def save(self, folder: Path, *, dtype: Any = np.float32) -> None:
        """Write the station into a folder, atomically.

        Args:
            folder: made if it is not there.
            dtype: of the weights on disk; float16 halves the file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {
            "vae": pack_values(self.vae).astype(dtype),
            "critic": pack_values(self.critic).astype(dtype),
            "means": self.means.astype(np.float32),
            "log_variances": self.log_variances.astype(np.float32),
            "coordinates": self.coordinates.astype(np.float32),
            **{f"critic_{key}": value for key, value in self.critic.state().items()},
        }
        if self.vae.decoder.finish is not None:
            arrays |= {
                f"finish_{name}": array.astype(dtype)
                for name, array in self.vae.decoder.finish.arrays().items()
            }
        configuration = {
            "kind": "station",
            "grid": self.grid,
            "beats": self.beats,
            "latent_size": self.latent_size,
            "hidden": self.vae.decoder.cell.hidden_size,
            "critic": {
                "body": self.critic.body,
                "hidden": self.critic.hidden,
                "centre": self.critic.trunk.centre,
            },
            "details": self.details,
        }
        save_arrays(folder / STATION_FILE, arrays, configuration)

    @classmethod
    def load(cls, folder: Path) -> Station:
        """Read a station.

        Raises:
            StationError: if it is not there, damaged, of another kind or of a newer version.
        """
        path = folder / STATION_FILE
        if not path.is_file() and (folder / TRAINING_FILE).is_file():
            raise StationError(
                f"the training of station {folder.name} is not finished; the same ai-radio train command goes on with it"
            )
        if not path.is_file():
            raise StationError(
                f"no station in {folder}; `ai-radio stations` lists those there are, `ai-radio train` makes one"
            )
        try:
            arrays, configuration = load_arrays(path, largest=LARGEST_FILE)
            return cls._build(folder.name, arrays, configuration)
        except CheckpointError as error:
            raise StationError(
                f"station {folder.name} can't be read: {error}; train it again or delete {folder}"
            ) from error
        except (
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            OverflowError,
            MemoryError,
        ) as error:
            raise StationError(
                f"station {folder.name} is damaged ({error}); train it again or delete {folder}"
            ) from error

    @classmethod
    def _build(
        cls, name: str, arrays: dict[str, np.ndarray], configuration: dict[str, Any]
    ) -> Station:
        if configuration.get("kind") != "station":
            raise ValueError("the file holds something else")
        beats, latent_size, hidden = (
            _whole(configuration, key) for key in ("beats", "latent_size", "hidden")
        )
        # Before anything is allocated: the largest matrices of such a model have to be in the file.
        if latent_size * beats * PLAN_SIZE + hidden * song_data.STEP_SIZE > arrays["vae"].size:
            raise ValueError("the weights of the vae don't fit")
        rng = np.random.default_rng(0)
        vae = RecurrentVAE(
            song_data.STEP_SIZE, latent_size=latent_size, beats=beats, hidden=hidden, rng=rng
        )
        critic = _critic(configuration, arrays["critic"].size, rng)
        for module, key in ((vae, "vae"), (critic, "critic")):
            flat = pack(module, np.float32)
            if arrays[key].shape != flat.values.shape or not np.isfinite(arrays[key]).all():
                raise ValueError(f"the weights of the {key} don't fit")
            flat.values[:] = arrays[key]
        vae.decoder.finish = _finish(arrays)
        critic.restore(
            {
                key.removeprefix("critic_"): value
                for key, value in arrays.items()
                if key.startswith("critic_")
            }
        )
        if configuration["grid"] not in ("beat", "absolute"):
            raise ValueError(f"unknown grid {configuration['grid']!r}")
        means, log_variances, coordinates = (
            arrays[key] for key in ("means", "log_variances", "coordinates")
        )
        extra = 2 if configuration["grid"] == "beat" else 0
        if (
            means.shape != log_variances.shape
            or means.shape[1:] != (vae.latent_size,)
            or coordinates.shape != (len(means), extra)
        ):
            raise ValueError("the statistics of its songs don't fit")
        if (
            not len(means)
            or not all(np.isfinite(a).all() for a in (means, log_variances, coordinates))
            or np.abs(log_variances).max() > 50
        ):
            raise ValueError("the statistics of its songs are not numbers of a trained station")
        details = configuration["details"]
        if not isinstance(details, dict):
            raise ValueError(f"details are {type(details).__name__}")
        return cls(
            name,
            configuration["grid"],
            beats,
            vae,
            critic,
            means,
            log_variances,
            coordinates,
            details,
        )


def _critic(configuration: dict[str, Any], size: int, rng: np.random.Generator) -> Critic:
    """Return the critic that a station's configuration describes, its weights still random."""
    # of stations that could have no other
    kept = configuration.get("critic", {"body": "convolutional", "hidden": 128, "centre": 0.0})
    if kept["body"] not in BODIES:
        raise ValueError(f"unknown critic {kept['body']!r}")
    hidden = _whole(kept, "hidden")
    if hidden * song_data.STEP_SIZE > size:  # before it is allocated
        raise ValueError("the weights of the critic don't fit")
    centre = kept["centre"]
    if not isinstance(centre, (int, float)) or not abs(centre) < 1:
        raise ValueError(f"the critic's centre is {centre!r}")
    return Critic(song_data.STEP_SIZE, hidden, body=BODIES[kept["body"]], centre=centre, rng=rng)


def pack_values(module: Any) -> np.ndarray:
    """Return a copy of all weights of a module as one vector."""
    return np.concatenate([p.value.ravel() for p in module.parameters()])


def finish(samples: np.ndarray, *, fade: int) -> np.ndarray:
    """Level a song to LOUDNESS, bend what is above LOUDEST under it, fade its first 5 ms and its last `fade` samples."""
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    if level > 1e-6:
        samples = samples * np.float32(LOUDNESS / level)
    knee = 0.7
    over = np.abs(samples) - knee
    bent = np.sign(samples) * (knee + (LOUDEST - knee) * np.tanh(over / (LOUDEST - knee)))
    samples = np.where(over > 0, bent, samples).astype(np.float32)
    fade = min(fade, len(samples))
    samples[len(samples) - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    attack = min(110, len(samples))
    samples[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
    return samples


def _finish(arrays: dict[str, np.ndarray]) -> Finish | None:
    """Return the finish that a station's file holds; those from before hold none."""
    kept = part(arrays, "finish_")
    if not kept:
        return None
    if any(array.size and np.abs(array).max() > 10 for array in kept.values()):
        raise ValueError("the numbers of its finish are out of range")
    if kept["taps"].shape[1:] != (song_data.FRAMES_PER_STEP, audio_frames.FRAME_SIZE):
        raise ValueError("its finish is not one of songs")
    return Finish(**kept)


def _whole(configuration: dict[str, Any], key: str) -> int:
    value = configuration[key]
    if not isinstance(value, int) or not 1 <= value <= 4096:
        raise ValueError(f"{key} is {value!r}")
    return value
