from .decode import Decode as Decode, through as through
from .exploration import DEFAULT_WAY as DEFAULT_WAY, WAYS as WAYS, Explore as Explore
from .insight import Insight as Insight, highlights as highlights, insight_of as insight_of
from .taste import CHUNK as CHUNK, Taste as Taste
