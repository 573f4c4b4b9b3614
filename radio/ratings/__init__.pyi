from .connection import DamagedRatings as DamagedRatings, RatingsError as RatingsError
from .database import MAX_SOUNDS as MAX_SOUNDS, Ratings as Ratings
from .journal import Journal as Journal, Judged as Judged
from .rating import (
    MUSIC as MUSIC,
    OTHER_STATION as OTHER_STATION,
    Rating as Rating,
    rating_of_row as rating_of_row,
)
from .reaction_delay import (
    MAX_SONGS as MAX_SONGS,
    STILL as STILL,
    ReactionDelay as ReactionDelay,
    moments_of as moments_of,
    without_drift as without_drift,
)
from .repair import open_ratings as open_ratings
from .slider import Slider as Slider
from .sound_codec import pack as pack, unpack as unpack
