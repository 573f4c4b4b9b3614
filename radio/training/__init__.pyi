from .dataset import (
    canonical_frames as canonical_frames,
    prepare_starter_songs as prepare_starter_songs,
)
from .music_cache import prepared_music as prepared_music
from .plan import TrainingOptions as TrainingOptions
from .recipes import (
    BATCH_SIZE as BATCH_SIZE,
    PIECE as PIECE,
    QUICK as QUICK,
    THOROUGH as THOROUGH,
    TrainingSongs as TrainingSongs,
    calibrate as calibrate,
    encode_songs as encode_songs,
    gan_trainer as gan_trainer,
    new_vae as new_vae,
    vae_trainer as vae_trainer,
)
from .recording_reader import SHORTEST_RECORDING as SHORTEST_RECORDING
from .recordings import (
    Recordings as Recordings,
    prepare_recordings as prepare_recordings,
)
from .sequence_recipe import GAN_SHARE as GAN_SHARE
from .train import train_station as train_station
