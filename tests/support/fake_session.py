"""A session that makes sine songs at once and remembers what it was told, and a stage on which it is broadcast."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from audio_parsing.playback import SilentDevice
from radio.home.settings import Settings
from radio.ratings.database import Rating
from radio.ratings.journal import Judged
from radio.session.actions import actions
from radio.session.session import Broadcast
from radio.taste.insight import Insight


class FakeSession:
    """Sine songs of ten seconds, made at once; remembers what it was told."""

    def __init__(self) -> None:
        self.ready = True
        self.ratings: list[tuple[str, float | None, bool]] = []
        self.notes: list[int] = []
        self.saved: list[str] = []
        self.count = 0
        self.failing = False
        self.hurried = 0
        self.queue = self.batches = 0
        self.known: dict[str, Any] = {}
        self.played_again: list[str] = []
        self.learned_layers = (0, 0.0)
        self.resets = 0
        self.may_end = threading.Event()
        self.may_end.set()

    @property
    def rated(self) -> int:
        return len(self.ratings)

    def next_song(self) -> Any:
        self.count += 1
        return self._song(f"Song {self.count}")

    def _song(self, name: str) -> Any:
        samples = np.sin(np.arange(220_500) / 20).astype(np.float32)
        latent = np.arange(3, dtype=np.float32)
        return types.SimpleNamespace(
            samples=samples,
            sample_rate=22050,
            name=name,
            details="C major",
            expected=(0.1, 0.2),
            key=name,
            latent=latent,
        )

    def reset_layers(self) -> None:
        self.resets += 1

    def began(self, song: Any) -> None:
        pass

    def insight(self, song: Any) -> Insight | None:
        return self.known.get(song.name)

    def history(self) -> list[Rating]:
        return [
            Rating("me", "tiny", "ab12", name, np.arange(3.0), value or 0.0, key=name, expected=0.1)
            for name, value, _ in self.ratings
        ]

    def judged(self) -> tuple[Judged, ...]:
        return tuple(Judged(one.song, one.expected, one.rating) for one in self.history()[::-1])

    def change(self, key: str, value: float) -> None:
        self.ratings = [
            (name, value if name == key else before, skipped)
            for name, before, skipped in self.ratings
        ]

    def delete(self, key: str) -> None:
        self.ratings = [one for one in self.ratings if one[0] != key]

    def again(self, coordinate: np.ndarray, *, key: str) -> Any:
        self.played_again.append(key)
        return self._song(key)

    def hurry(self) -> None:
        self.hurried += 1

    def note(self, song: Any, curve: np.ndarray) -> None:
        self.notes.append(len(curve))

    def rate(self, song: Any, curve: np.ndarray, *, skipped: bool = False) -> None:
        self.ratings = [one for one in self.ratings if one[0] != song.name]
        self.ratings.append((song.name, float(curve[-1, 1]) if len(curve) else None, skipped))

    def undo(self) -> Any:
        if not self.ratings:
            return None
        name, value, _ = self.ratings.pop()
        return types.SimpleNamespace(song=name, rating=value or 0.0)

    def save(self, song: Any, *, kind: str = "wav") -> str:
        if self.failing:
            raise OSError("no room")
        self.saved.append(song.name)
        return f"/songs/{song.name}.{kind}"

    def final_song(self, *, progress: Callable[..., None], should_stop: Callable[[], bool]) -> Any:
        progress(3, 30, 0.25, 7.5)
        self.may_end.wait(20)
        song = self.next_song()
        song.name = "Final Song"
        return song


class Stage:
    """A broadcast of fake songs on a clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.session, self.player = FakeSession(), SilentDevice(lambda: self.now)
        self.said: list[str] = []
        self.broadcast = Broadcast(self.session, self.player, say=self.said.append)  # type: ignore[arg-type]
        settings = Settings()
        does = actions(self.broadcast)
        self.keys = {key: does[action] for key, action in settings.keys.items() if action in does}
        self.broadcast.tick()

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.broadcast.tick()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.keys[key]()
