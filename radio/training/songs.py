"""The songs of a training: the starter collection, or excerpts of a folder of music."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audio_parsing.starter import fresh_song, starter_songs
from neural_networks.parallel.communicator import Communicator
from neural_networks.training.streams import Stream
from radio.training.dataset import TrainingSongs, prepare_starter_songs
from radio.training.music_cache import prepared_music
from radio.training.music_folder import prepare_folder
from radio.training.plan import Report, TrainingOptions


def training_songs(
    music: Path | None, options: TrainingOptions, report: Report, communicator: Communicator
) -> TrainingSongs:
    """Return the songs to train on, the same ones in every process; see train_station."""

    def progress(done: int, of: int) -> None:
        report({"phase": "prepare", "done": done, "of": of})

    cache = None if options.prepared is None else prepared_music(options.prepared)
    beats, seed = options.beats, options.seed
    if music is None:
        rng = np.random.default_rng((seed, Stream.STARTER_SONGS))
        fresh = [fresh_song(rng, beats=beats) for _ in range(options.fresh)]
        return prepare_starter_songs(
            starter_songs(beats=beats) + fresh,
            cache=cache,
            progress=progress,
            communicator=communicator,
        )
    return prepare_folder(
        music,
        beats=beats,
        seed=seed,
        cache=cache,
        progress=progress,
        communicator=communicator,
        on_skip=lambda line: report({"phase": "prepare", "skip": line}),
    )
