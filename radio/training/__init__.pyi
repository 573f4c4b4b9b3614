from .dataset import (
    canonical_frames as canonical_frames,
    prepare_starter_songs as prepare_starter_songs,
)
from .music_cache import prepared_music as prepared_music
from .music_reading import prepare_recordings as prepare_recordings
from .plan import TrainingOptions as TrainingOptions
from .recording_reader import SHORTEST_RECORDING as SHORTEST_RECORDING
from .recordings import Recordings as Recordings
from .sequence_recipe import GAN_SHARE as GAN_SHARE
from .train import train_station as train_station
