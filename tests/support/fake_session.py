"""A composer of sine songs, a journal that remembers its calls, and a session of both."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from audio_parsing.playback import SilentDevice
from radio.composer import Busy, FinalSong, FinalStep, MendedSong, NoFinal, ReplayedSong, Song, Wish
from radio.composer.events import Event
from radio.home import Settings
from radio.ratings import Judged, Rating
from radio.session import Session, session_actions
from radio.taste import Insight


class FakeJournal:
    """Remembers ratings in the order in which they were given."""

    listener, station, made_by, delay = "me", "tiny", "ab12", 0.0

    def __init__(self) -> None:
        self.ratings: list[tuple[str, float | None, bool]] = []
        self.notes: list[int] = []
        self.extended: list[tuple[str, list[list[float]]]] = []

    def history(self) -> list[Rating]:
        return [
            Rating("me", "tiny", "ab12", name, np.arange(3.0), value or 0.0, key=name, expected=0.1)
            for name, value, _ in self.ratings
        ]

    def judged(self) -> tuple[Judged, ...]:
        return tuple(Judged(one.song, one.expected, one.rating) for one in self.history()[::-1])

    def relearned(self) -> tuple[int, int]:
        return 0, 0

    def rating(self, key: str) -> Rating | None:
        return next((one for one in self.history() if one.key == key), None)

    def change(self, key: str, value: float) -> None:
        self.ratings = [
            (name, value if name == key else before, skipped)
            for name, before, skipped in self.ratings
        ]

    def delete(self, key: str) -> None:
        self.ratings = [one for one in self.ratings if one[0] != key]

    def extend(self, key: str, points: np.ndarray) -> bool:
        self.extended.append((key, points.tolist()))
        return key.startswith("old")

    def note(self, song: Song, curve: np.ndarray) -> bool:
        self.notes.append(len(curve))
        return True

    def rate(self, song: Song, curve: np.ndarray, *, skipped: bool = False) -> bool:
        self.ratings = [one for one in self.ratings if one[0] != song.name]
        self.ratings.append((song.name, float(curve[-1, 1]) if len(curve) else None, skipped))
        return True

    def undo(self) -> Any:
        if not self.ratings:
            return None
        name, value, _ = self.ratings.pop()
        return types.SimpleNamespace(song=name, rating=value or 0.0, key=name)


class FakeComposer:
    """Sine songs of ten seconds, made at once."""

    def __init__(self) -> None:
        self.journal: Any = FakeJournal()
        self.ready = True
        self.busy: Busy | None = None
        self.pending = 0
        self.count = 0
        self.hurried = 0
        self.asked: list[str] = []  # songs, by their keys
        self.known: dict[str, Insight] = {}
        self.changes: list[str] = []
        self.replayed: list[str] = []
        self.resets = 0
        self.wishes: list[Wish] = []
        self.saved: list[str] = []
        self.failing = False  # whether songs can't be saved
        self.may_end = threading.Event()  # the final song
        self.may_end.set()
        self.reported: list[Event] = []
        self._final = ""  # where the final song is

    def next_song(self, key: str | None = None) -> Song:
        self.asked += [key] if key else []
        self.count += 1
        return self._song(f"Song {self.count}")

    def _song(self, name: str) -> Song:
        samples = np.sin(np.arange(220_500) / 20).astype(np.float32)
        latent = np.arange(3, dtype=np.float32)
        return Song(samples, 22050, latent, name, "C major", expected=(0.1, 0.2), key=name)

    def hurry(self) -> None:
        self.hurried += 1

    def upcoming(self) -> list[Song]:
        return [self._song(f"Song {self.count + 1}")] if self.ready else []

    def played(self, key: str, coordinate: np.ndarray) -> None:
        pass

    def changed(self, key: str) -> None:
        self.changes.append(key)

    def replay(self, key: str, coordinate: np.ndarray) -> None:
        self.replayed.append(key)
        self.reported.append(ReplayedSong(self._song(key)))

    def wish(self, wish: Wish) -> None:
        self.wishes.append(wish)

    def start_final(self) -> None:
        self._final = "begun"

    def stop_final(self) -> None:
        if self._final:
            self._final = ""
            self.reported.append(NoFinal(""))

    def start_mend(
        self,
        key: str,
        coordinate: np.ndarray,
        start: float | None = None,
        stop: float | None = None,
    ) -> None:
        song = self._song(f"{key} mended")
        song.samples = -song.samples
        song.description["mended"] = {
            "start": 2.0 if start is None else start,
            "stop": 4.0 if stop is None else stop,
            "expected": [-0.5, 0.25],
            "critic": [-1.0, -1.25],
        }
        self.reported.append(MendedSong(key, song))

    def stop_mend(self) -> None:
        self.reported = [one for one in self.reported if not isinstance(one, MendedSong)]

    def reset_adapter(self) -> None:
        self.resets += 1

    def insight(self, key: str) -> Insight | None:
        return self.known.get(key)

    def events(self) -> list[Event]:
        found, self.reported = self.reported, []
        if self._final == "begun":
            self._final = "descending"
            found.append(FinalStep(3, 30, 0.25, 7.5, np.zeros((2, 3))))
        elif self._final == "descending" and self.may_end.is_set():
            self._final = ""
            found.append(FinalSong(self._song("Final Song")))
        return found

    def close(self) -> None:
        pass


class FakeSession(Session):
    """A session of fake songs, which are saved nowhere."""

    def __init__(
        self,
        player: Any,
        *,
        say: Callable[[str], None] = lambda line: None,
        composer: FakeComposer | None = None,
    ) -> None:
        self.fake = FakeComposer() if composer is None else composer
        super().__init__(self.fake, player, say=say)
        self.folder.write = self._write  # type: ignore[method-assign]

    def _write(self, song: Song) -> Path:
        if self.fake.failing:
            raise OSError("no room")
        self.fake.saved.append(song.name)
        self.folder.saved.add(song.key)
        return Path(f"/songs/{song.name}.wav")


class Stage:
    """A session of fake songs on a clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.player = SilentDevice(lambda: self.now)
        self.said: list[str] = []
        self.session = FakeSession(self.player, say=self.said.append)
        self.composer, self.journal = self.session.fake, self.session.fake.journal
        does = session_actions(self.session)
        self.keys = {key: does[action] for key, action in Settings().keys.items() if action in does}
        self.session.tick()

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.session.tick()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.keys[key]()
