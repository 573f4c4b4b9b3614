from .composer import Composer as Composer
from .events import (
    AdapterChanged as AdapterChanged,
    FinalSong as FinalSong,
    FinalStep as FinalStep,
    Learned as Learned,
    MendedSong as MendedSong,
    NoFinal as NoFinal,
    NoMend as NoMend,
    NoReplay as NoReplay,
    ReplayedSong as ReplayedSong,
    Trouble as Trouble,
)
from .first_songs import FirstSongs as FirstSongs, write_first_songs as write_first_songs
from .local_composer import LocalComposer as LocalComposer
from .mended_song import correlation as correlation, mend as mend
from .messages import Busy as Busy
from .novelty import sample_distinct as sample_distinct
from .process import ComposerProcess as ComposerProcess
from .song import (
    ENOUGH_RATINGS as ENOUGH_RATINGS,
    Draft as Draft,
    Song as Song,
    final_line as final_line,
    write_song as write_song,
)
from .song_maker import SongMaker as SongMaker
from .warm_up import (
    EVERYTHING as EVERYTHING,
    PLAYING as PLAYING,
    TRAINING as TRAINING,
    WAIT as WAIT,
    compile_once as compile_once,
    compiled_part as compiled_part,
    is_compiled as is_compiled,
    stamp as stamp,
)
from .wish import WISHED_SONGS as WISHED_SONGS, Wish as Wish
from .worker_process import PACKAGES as PACKAGES
