"""A real station, very small and untrained: short tones that differ, to play, rate and save."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from gan.critic import Critic
from gan.critic_bodies import Body, convolutional
from neural_networks.components.parameters import pack
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.station import Station, steps as song_data


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
    vae = RecurrentVAE(song_data.STEP_SIZE, latent_size=6, beats=beats, hidden=16, rng=rng)
    # Weights far larger than for training: every coordinate makes a song of its own.
    vae.decoder.to_plan.weight.value *= 8
    vae.decoder.to_frames.weight.value[:] = (
        rng.standard_normal(vae.decoder.to_frames.weight.value.shape) * 0.25
    )
    critic = Critic(song_data.STEP_SIZE, body=body, rng=rng)
    pack(vae, np.float32)
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
        vae,
        critic,
        means,
        np.full((12, 6), -2, np.float32),
        coordinates,
        {"seed": seed},
    )


if __name__ == "__main__":  # python tests/tiny_station.py FOLDER: for the command line
    tiny_station().save(Path(sys.argv[1]))
