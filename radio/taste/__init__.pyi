from .decode import Decode as Decode, through as through
from .exploration import DEFAULT_WAY as DEFAULT_WAY, WAYS as WAYS, Explore as Explore
from .insight import (
    Insight as Insight,
    highlights as highlights,
    in_a_line as in_a_line,
    insight_of as insight_of,
)
from .taste import CHUNK as CHUNK, Taste as Taste
