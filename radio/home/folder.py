"""The home: one folder for stations, songs and ratings, made when something is first written.

--home DIR, else the environment variable AI_RADIO_HOME, else the platform's data folder

home/ratings.db            the ratings of all listeners and stations
home/stations/NAME/        trained stations (the starter station ships with the package)
home/songs/                saved songs
home/prepared/             cached frames of music, for quick restarts: at most 1 GiB, safe to delete
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
import unicodedata
from pathlib import Path

from radio.errors import meant

VARIABLE = "AI_RADIO_HOME"
SHIPPED = Path(__file__).parents[1] / "stations"  # stations that come with the package
STARTER = "starter"
LONGEST_NAME = 64  # characters
LONGEST_FILE_NAME = 200  # bytes of it; file systems allow 255
_DEVICES = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10)),
}


class HomeError(ValueError):
    """The home or a name in it can't be used; the message is one line."""


class Home:
    """The folder of all data.

    Args:
        path: of the folder; AI_RADIO_HOME or the platform's data folder if None.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        chosen = path if path is not None else os.environ.get(VARIABLE) or None
        if chosen is None:
            import platformdirs

            chosen = platformdirs.user_data_dir("ai-radio", appauthor=False)
        if not os.fspath(chosen) or "\0" in os.fspath(chosen):
            raise HomeError("the home needs a folder; give one with --home DIR")
        self.path = Path(chosen).expanduser().absolute()

    @property
    def ratings(self) -> Path:
        """Path of the ratings database; its folder is made."""
        return self.writable() / "ratings.db"

    def songs(self) -> Path:
        """Return the folder of saved songs, made if needed."""
        return self.writable("songs")

    @property
    def prepared(self) -> Path:
        """Path of the folder of cached frames; it may not exist."""
        return self.path / "prepared"

    def writable(self, name: str = "") -> Path:
        """Return the home, or a folder in it, made if needed and checked to be writable.

        Raises:
            HomeError: if it can't be made or written to.
        """
        folder = self.path / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Permissions are not enough: root passes them, and read-only mounts don't show.
            with tempfile.TemporaryFile(dir=folder):
                pass
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise HomeError(
                f"can't write to the home {folder}: {why}; choose another with --home DIR or"
                f" {VARIABLE}"
            ) from error
        return folder

    def station(self, name: str) -> Path:
        """Return a station's folder: in the home, else shipped, else where it would be made."""
        name = check_name(name, "station")
        own = self.path / "stations" / name
        shipped = SHIPPED / name
        return shipped if not (own / "station.npz").exists() and shipped.is_dir() else own

    def known_station(self, name: str) -> Path:
        """Return the folder of a station that exists.

        Raises:
            HomeError: if there is none of this name; the message lists those that there are.
        """
        known = self.stations()
        if check_name(name, "station") not in known:
            there = f"stations here: {', '.join(known) or 'none yet'}"
            raise HomeError(
                f"there is no station {name!r}{meant(name, known)}; {there}; "
                "ai-radio train FOLDER --station NAME makes one"
            )
        return known[name]

    def stations(self) -> dict[str, Path]:
        """Return the folders of all stations, sorted by name; the home takes precedence."""
        found: dict[str, Path] = {}
        for parent in (SHIPPED, self.path / "stations"):
            if parent.is_dir():
                names = [normal(p.name) for p in parent.iterdir() if _holds_something(p)]
                found.update({name: self.station(name) for name in names if _is_name(name)})
        return dict(sorted(found.items()))


def temporary_home(home: Home) -> Home:
    """Return a temporary home with the ratings of one that can't be written to."""
    folder = Path(tempfile.mkdtemp(prefix="ai-radio-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("ratings.db", "ratings.db-wal"):
        with contextlib.suppress(OSError):
            shutil.copyfile(home.path / name, folder / name)
    with contextlib.suppress(OSError):
        (folder / "stations").symlink_to(home.path / "stations")
    return Home(folder)


def _holds_something(folder: Path) -> bool:
    """Return whether a folder holds a station or an unfinished training."""
    return folder.is_dir() and any(path.suffix == ".npz" for path in folder.iterdir())


def check_name(name: str, what: str) -> str:
    """Return the name of a station or listener, in NFC, if it can be a folder's name.

    Names that Windows refuses are refused everywhere, so that a home can move between systems.

    Raises:
        HomeError: if it can't.
    """
    name = normal(name)
    if name.partition(".")[0].upper() in _DEVICES or name.endswith("."):
        raise HomeError(
            f"{name!r} can't be the name of a {what}: Windows reserves that name; choose another"
        )
    if not _is_name(name):
        allowed = (
            f"letters, digits, '-', '_' and '.', at most {LONGEST_NAME}, a letter or digit first"
        )
        raise HomeError(f"{name!r} can't be the name of a {what}; use {allowed}")
    return name


def normal(name: str) -> str:
    """Return a name with each letter written in one way (NFC), for some keyboards write two."""
    return unicodedata.normalize("NFC", name)


def _is_name(name: str) -> bool:
    """Return whether a name holds letters, digits and signs of any alphabet that folders allow."""
    return (
        0 < len(name) <= LONGEST_NAME
        and len(name.encode("utf-8", "replace")) <= LONGEST_FILE_NAME
        and name[0].isalnum()
        and all(
            letter in "-_." or letter.isalnum() or unicodedata.category(letter) in ("Mn", "Mc")
            for letter in name
        )
    )
