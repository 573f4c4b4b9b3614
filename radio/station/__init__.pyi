from .changes import stacked as stacked
from .continuation import (
    continued as continued,
    morphed as morphed,
)
from .cover import cover as cover
from .forms import Form as Form, form_of as form_of, forms_of as forms_of
from .frame_grid import (
    PHRASE as PHRASE,
    UNKNOWN_KEY as UNKNOWN_KEY,
    FrameGrid as FrameGrid,
    find_grid as find_grid,
)
from .innovations import SEEDS as SEEDS, innovations as innovations
from .latent_map import (
    GENERATED as GENERATED,
    LEARNED as LEARNED,
    LIKING as LIKING,
    plot_latent_map as plot_latent_map,
    principal_directions as principal_directions,
)
from .learned_songs import (
    DEFAULT_NOVELTY as DEFAULT_NOVELTY,
    LearnedSongs as LearnedSongs,
    most_songs as most_songs,
    shares_at as shares_at,
)
from .limits import FASTEST_TEMPO as FASTEST_TEMPO, SLOWEST_TEMPO as SLOWEST_TEMPO
from .reconstruction import reconstruct_samples as reconstruct_samples
from .saved_songs import (
    SavedSong as SavedSong,
    delete_saved as delete_saved,
    saved_songs as saved_songs,
    write_playlist as write_playlist,
)
from .sequence_model import SequenceModel as SequenceModel
from .share_code import (
    ShareCodeError as ShareCodeError,
    SharedSong as SharedSong,
    is_share_code as is_share_code,
    read_share_code as read_share_code,
    share_code as share_code,
)
from .song_file import (
    ENCODINGS as ENCODINGS,
    check_fits as check_fits,
    description_of as description_of,
    file_name as file_name,
    read_description as read_description,
    save_song as save_song,
    station_fingerprint as station_fingerprint,
    tags_of as tags_of,
    write_sound as write_sound,
    write_wav as write_wav,
)
from .sound_grid import on_grid as on_grid
from .station import Station as Station
from .station_file import (
    STATION_FILE as STATION_FILE,
    TRAINING_FILE as TRAINING_FILE,
    StationError as StationError,
)
from .steps import (
    ABSOLUTE_HOP_LENGTH as ABSOLUTE_HOP_LENGTH,
    FRAMES_PER_BEAT as FRAMES_PER_BEAT,
    KEY_SCALE as KEY_SCALE,
    SAMPLE_RATE as SAMPLE_RATE,
    STEP_SIZE as STEP_SIZE,
    STEPS_PER_BEAT as STEPS_PER_BEAT,
    TEMPO_OCTAVE as TEMPO_OCTAVE,
    coordinate_key as coordinate_key,
    coordinate_tempo as coordinate_tempo,
    key_coordinate as key_coordinate,
    tempo_coordinate as tempo_coordinate,
    to_frames as to_frames,
    to_steps as to_steps,
)
