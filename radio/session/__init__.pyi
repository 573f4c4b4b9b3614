from .actions import session_actions as session_actions
from .commands import execute as execute, help_lines as help_lines
from .resume import LastSession as LastSession, Resume as Resume, read_last as read_last
from .session import Session as Session
from .tuner import Tuner as Tuner
from .view import View as View, share_line as share_line
