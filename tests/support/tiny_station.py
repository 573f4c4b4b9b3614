"""A real station, very small and untrained: short tones that differ, to play, rate and save."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audio_parsing.components import LappedComponents
from audio_parsing.frames import FRAME_SIZE
from gan.critic_bodies import Body, convolutional
from neural_networks.components.parameters import pack
from neural_networks.vae.sequence_vae import SequenceVAE
from radio.station import Form, LearnedSongs, SequenceModel, Station, steps as song_data


def tiny_station(
    name: str = "tiny",
    *,
    beats: int = 4,
    bpm: float = 150.0,
    seed: int = 0,
    grid: str = "beat",
    body: Body = convolutional,
) -> Station:
    """Return a station with songs of `beats` beats, about 60 beats / bpm seconds each."""
    rng = np.random.default_rng(seed)
    model = sequence_model(rng)
    critic = model.new_critic(hidden=128, body=body, rng=rng)
    pack(critic, np.float32)
    coordinates = np.stack(
        [np.full(12, song_data.tempo_coordinate(bpm)), np.linspace(-1, 1, 12)], axis=1
    ).astype(np.float32)
    means = rng.standard_normal((12, 6)).astype(np.float32)
    if grid == "absolute":
        coordinates = coordinates[:, :0]
    return Station(
        name,
        grid,
        beats,
        model,
        critic,
        means,
        np.full((12, 6), -2, np.float32),
        coordinates,
        {"seed": seed},
    )


def sequence_model(rng: np.random.Generator, *, mixtures: int = 2) -> SequenceModel:
    """Return a model of music that is noise, untrained."""
    excerpts = rng.uniform(0, 0.6, (6, 60, FRAME_SIZE)) ** 3
    wide = _fitted(excerpts.astype(np.float32).tobytes())
    taps = 0.1 * rng.standard_normal((3, 12, 15), np.float32)
    taps[1, :, :12] += np.eye(12, dtype=np.float32)
    components = wide.first(12).restoring(taps, wide)
    vae = SequenceVAE(
        components.count,
        scales=components.scales,
        encoder_hidden=8,
        latent_size=3,
        detail_size=2,
        song_size=6,
        hidden=16,
        prior_hidden=8,
        groups=3,
        mixtures=mixtures,
        embedding=8,
        rng=rng,
    )
    vae.generator.decoder.input.song_weight.value *= 8
    vae.generator.decoder.head.weight.value *= 20
    pack(vae, np.float32)
    return SequenceModel(vae, components)


@functools.cache  # they take longer than all else of a station
def _fitted(excerpts: bytes) -> LappedComponents:
    """Fit the components of some excerpts (6, 60, FRAME_SIZE), float32."""
    return LappedComponents.fit(np.frombuffer(excerpts, np.float32).reshape(6, 60, FRAME_SIZE), 15)


def remembering(
    station: Station, *, songs: int = 5, steps: int = 16, forms: Sequence[Form] = ()
) -> Station:
    """Return the station, which remembers some songs of noise, each with one of the forms."""
    rng = np.random.default_rng(1)
    shape = steps, songs, station.model.vae.generator.innovation_size
    exact = rng.standard_normal(shape)
    z = rng.standard_normal((songs, station.latent_size)).astype(np.float32)
    station.model.forms = list(forms)
    own = 1 + np.arange(songs) % len(forms) if forms else np.zeros(songs)
    station.model.learned = LearnedSongs(
        z, np.rint(exact * 4096).astype(np.int16), own.astype(np.int16)
    )
    return station


if __name__ == "__main__":  # python tests/tiny_station.py FOLDER: for the command line
    tiny_station().save(Path(sys.argv[1]))
