"""The songs of a training, and the recipe by which a model is trained on them."""

from __future__ import annotations

from audio_parsing.starter import ARRANGEMENTS, TUNES
from neural_networks.parallel.communicator import Communicator
from radio.training.component_excerpts import ON_BEATS, RECORDINGS
from radio.training.dataset import prepare_starter_songs, songs_to_learn
from radio.training.music_cache import prepared_music
from radio.training.music_reading import FIRST_BLOCKS, Music, MusicReading
from radio.training.plan import Report, TrainingOptions
from radio.training.sequence_training import SequenceTraining


def model_training(
    music: Music | None, options: TrainingOptions, report: Report, communicator: Communicator
) -> SequenceTraining:
    """Read the songs, the same ones in every process, and return what trains a model on them.

    The arguments are those of train_station.
    """

    def progress(done: int, of: int) -> None:
        report({"phase": "prepare", "done": done, "of": of})

    cache = None if options.prepared is None else prepared_music(options.prepared)
    if music is None:
        recordings = prepare_starter_songs(
            songs_to_learn(fresh=options.fresh, invented=options.invented, seed=options.seed),
            encoded=ARRANGEMENTS * len(TUNES) + options.fresh,
            cache=cache,
            progress=progress,
            communicator=communicator,
        )
        options = options.complete(keyed=True, starter=True)
        return SequenceTraining(recordings, options, communicator, ON_BEATS)
    reading = MusicReading(
        music,
        seed=options.seed,
        soundfont=options.soundfont,
        cache=cache,
        progress=progress,
        communicator=communicator,
        on_skip=lambda line: report({"phase": "prepare", "skip": line}),
    )
    reading.read(FIRST_BLOCKS if reading.large else None)
    recordings = reading.recordings()
    options = options.complete(keyed=recordings.keyed, starter=False)
    # Scores alone are learned as the starter collection is.
    recipe = ON_BEATS if recordings.keyed else RECORDINGS
    return SequenceTraining(recordings, options, communicator, recipe, reading)
