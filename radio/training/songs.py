"""The songs of a training, and the model that is trained on them.

The starter collection's songs are points, those of recordings have latents that move.
"""

from __future__ import annotations

import numpy as np

from audio_parsing.starter import fresh_song, starter_songs
from neural_networks.parallel.communicator import Communicator
from neural_networks.training.streams import Stream
from radio.training.dataset import prepare_starter_songs
from radio.training.model_training import ModelTraining
from radio.training.music_cache import prepared_music
from radio.training.plan import Report, TrainingOptions
from radio.training.point_training import PointTraining
from radio.training.recordings import Music, prepare_recordings
from radio.training.sequence_training import SequenceTraining


def model_training(
    music: Music | None, options: TrainingOptions, report: Report, communicator: Communicator
) -> ModelTraining:
    """Read the songs, the same ones in every process, and return what trains a model on them.

    The arguments are those of train_station.
    """

    def progress(done: int, of: int) -> None:
        report({"phase": "prepare", "done": done, "of": of})

    cache = None if options.prepared is None else prepared_music(options.prepared)
    beats, seed = options.beats, options.seed
    if music is None:
        rng = np.random.default_rng((seed, Stream.STARTER_SONGS))
        fresh = [fresh_song(rng, beats=beats) for _ in range(options.fresh)]
        songs = prepare_starter_songs(
            starter_songs(beats=beats) + fresh,
            cache=cache,
            progress=progress,
            communicator=communicator,
        )
        return PointTraining(songs, options, communicator)
    SequenceTraining.check(options)
    recordings = prepare_recordings(
        music,
        seed=seed,
        cache=cache,
        progress=progress,
        communicator=communicator,
        on_skip=lambda line: report({"phase": "prepare", "skip": line}),
    )
    return SequenceTraining(recordings, options, communicator)
