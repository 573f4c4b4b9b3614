from .dataset import (
    TrainingSongs as TrainingSongs,
    canonical_steps as canonical_steps,
    prepare_starter_songs as prepare_starter_songs,
)
from .excerpts import SHORTEST_EXCERPT as SHORTEST_EXCERPT
from .music_cache import prepared_music as prepared_music
from .music_folder import prepare_folder as prepare_folder
from .plan import TrainingOptions as TrainingOptions
from .recipes import (
    BATCH_SIZE as BATCH_SIZE,
    PIECE as PIECE,
    QUICK as QUICK,
    THOROUGH as THOROUGH,
    calibrate as calibrate,
    encode_songs as encode_songs,
    gan_trainer as gan_trainer,
    new_vae as new_vae,
    vae_trainer as vae_trainer,
)
from .train import train_station as train_station
