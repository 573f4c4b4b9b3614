"""Songs that come rendered with a station: they play while its composer still opens.

    python -m radio.composer.first_songs    draws those of the shipped station anew, and writes them

    first = FirstSongs(folder, memory)      of a station's folder; none if they are not its own
    first.next                              the next one that did not play before, or None
    first.take() -> Song                    takes it
    first.at(P) -> Song | None              plays one again

They lie in folder/songs, beside a list with the digest of the station's file: songs of what the
station was before it was trained anew count as none. The home remembers which of them were played,
so that no start repeats them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from radio.composer.song import Song
from radio.home import SHIPPED, STARTER, write_json

COUNT = 6  # songs of about a minute; a slow machine compiles for one
SEED = 0
LIST = "songs.json"
KIND = "ogg"
STATION_FILE = "station.npz"  # as in radio/station/station_file.py, which imports the networks


class FirstSongs:
    """See the module's contract.

    Args:
        folder: of the station.
        memory: file in the home that names the songs that were played.

    Attributes:
        made_by: fingerprint of the station; empty without songs.
        next: the song to be played next, or None.
    """

    def __init__(self, folder: Path, memory: Path) -> None:
        self._folder, self._memory = folder / "songs", memory
        self.made_by, self._songs = _listed(folder)
        self._played = _names(memory) if self._songs else set()
        self.next: Song | None = None
        self._advance()

    def take(self) -> Song:
        """Return the next song, and remember that it was played."""
        song = self.next
        assert song is not None
        self._played.add(self._file)
        with contextlib.suppress(OSError, ValueError):  # on a full disk it is played once more
            write_json(self._memory, {"played": sorted(self._played)})
        self._advance()
        return song

    def at(self, coordinate: np.ndarray) -> Song | None:
        """Return the song of P (D,), played or not; None if it is none of these."""
        for facts in self._songs:
            if np.array_equal(np.array(facts["coordinate"], np.float32), coordinate):
                return self._read(facts)
        return None

    def close(self) -> None:
        """Offer none from now on."""
        self._songs, self.next = [], None

    def _advance(self) -> None:
        """Find the next song; a damaged one is passed over."""
        self.next = None
        for facts in self._songs:
            if self.next is None and facts["file"] not in self._played:
                self._file, self.next = facts["file"], self._read(facts)

    def _read(self, facts: dict[str, Any]) -> Song | None:
        import soundfile

        try:
            samples, rate = soundfile.read(self._folder / facts["file"], dtype="float32")
        except (OSError, soundfile.SoundFileError):
            return None
        coordinate = np.array(facts["coordinate"], np.float32)
        facts = {name: value for name, value in facts.items() if name != "file"}
        return Song(samples, rate, coordinate, facts["song"], facts["description"], facts)


def _listed(folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return the station's fingerprint and the descriptions of its songs, if they are its own."""
    try:
        found = json.loads((folder / "songs" / LIST).read_text("utf-8"))
        if found["station_file"] != _digest(folder):
            return "", []
        songs = [
            {**one, "file": str(one["file"]), "song": str(one["song"]), "form": str(one["form"])}
            for one in found["songs"]
            if Path(one["file"]).name == one["file"] and np.isfinite(one["coordinate"]).all()
        ]
        return str(found["made_by"]), songs
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "", []


def _names(memory: Path) -> set[str]:
    try:
        return {str(name) for name in json.loads(memory.read_text("utf-8"))["played"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


def _digest(folder: Path) -> str:
    with (folder / STATION_FILE).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_first_songs(folder: Path, *, count: int = COUNT, seed: int = SEED) -> list[Path]:
    """Draw songs of the station in a folder, write them beside it, and return their paths.

    Raises:
        StationError: if there is no station.
        OSError: if they can't be written.
    """
    from radio.composer.novelty import sample_distinct
    from radio.station import (
        Station,
        description_of,
        file_name,
        station_fingerprint,
        tags_of,
        write_sound,
    )

    station = Station.load(folder)
    place = folder / "songs"
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        if old.suffix in (f".{KIND}", ".json"):
            old.unlink()
    drawn = sample_distinct(station, np.random.default_rng(seed))
    songs, written = [], []
    for _, (coordinate, steps) in zip(range(count), drawn, strict=False):
        facts = description_of(station, coordinate)
        frames = station.frames_of(steps, coordinate[None])[0]
        samples = station.render(coordinate, frames=frames)
        path = place / f"{file_name(facts['song'], coordinate)}.{KIND}"
        written.append(write_sound(path, samples, station.sample_rate, tags=tags_of(facts)))
        songs.append({"file": path.name, **facts})
    made_by = station_fingerprint(station)
    content = {"station_file": _digest(folder), "made_by": made_by, "songs": songs}
    return [*written, write_json(place / LIST, content)]


if __name__ == "__main__":
    for path in write_first_songs(SHIPPED / STARTER):
        print(f"{path}  {path.stat().st_size / 1024:.0f} kB")
