from .security.guard import Guard as Guard
from .security.origin import is_loopback as is_loopback, origin_of as origin_of
from .security.password import given_password as given_password, kept_secret as kept_secret
from .server import build as build, serve as serve, show as show
from .sessions import LiveSessions as LiveSessions
from .songs.job import SongJob as SongJob
from .training.job import TrainJob as TrainJob
