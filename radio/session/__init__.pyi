from .actions import session_actions as session_actions
from .resume import LastSession as LastSession, Resume as Resume, read_last as read_last
from .session import Session as Session
from .view import View as View
