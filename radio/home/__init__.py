"""The home: folders, settings, file locks, atomic files and signals."""

from radio.home.atomic import replace_file, write_json
from radio.home.file_lock import FileLock
from radio.home.folder import SHIPPED, Home, HomeError, check_name, temporary_home
from radio.home.settings import ACTIONS, Settings, SettingsError, read_settings
from radio.home.signals import Terminated, ending_signals, ignoring_interrupts, stderr_to

__all__ = [
    "ACTIONS",
    "SHIPPED",
    "FileLock",
    "Home",
    "HomeError",
    "Settings",
    "SettingsError",
    "Terminated",
    "check_name",
    "ending_signals",
    "ignoring_interrupts",
    "read_settings",
    "replace_file",
    "stderr_to",
    "temporary_home",
    "write_json",
]
