from .atomic import replace_file as replace_file, write_json as write_json
from .desktop import open_folder as open_folder
from .file_lock import FileLock as FileLock
from .folder import (
    SHIPPED as SHIPPED,
    STARTER as STARTER,
    Home as Home,
    HomeError as HomeError,
    check_name as check_name,
    normal as normal,
    temporary_home as temporary_home,
)
from .settings import (
    ACTIONS as ACTIONS,
    KINDS as KINDS,
    Settings as Settings,
    read_settings as read_settings,
)
from .signals import (
    Terminated as Terminated,
    ending_signals as ending_signals,
    ignoring_interrupts as ignoring_interrupts,
    stderr_to as stderr_to,
)
