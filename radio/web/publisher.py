"""Looks at a session, and publishes what has changed of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from radio.ratings import Rating, RatingsError
from radio.web import parts
from radio.web.map import LatentView
from radio.web.mending import mend_part, sound_of
from radio.web.published import Published
from radio.web.saved import SavedList, saved_part
from radio.web.stage import Stage

# least interval at which the ratings are read again: some process may have changed them
LOOK_SECONDS = 1.0


class Publisher:
    """See the module's sentence.

    Args:
        stage: the session, and what its pages know of it.
        published: takes the contents.
        ready: returns the keys of the songs that may be next.
    """

    def __init__(self, stage: Stage, published: Published, ready: Callable[[], list[str]]) -> None:
        self._stage, self._ready = stage, ready
        self._parts, self._tell = published.parts, published.tell
        self._saved = SavedList(stage.session.folder.path)
        self._mark: tuple[int, int] | None = None
        self._learned: Any = None  # the state of learning last published
        self._looked = 0.0

    def show_map(self, places: LatentView) -> None:
        """Publish the map from now on."""
        self._stage.places = places
        self._mark = None  # so that the ratings are shown on it

    def look(self, *, closely: bool = True) -> None:
        """Publish what changed; if not `closely`, only the effect of a key."""
        session, player = self._stage.session, self._stage.player
        view = session.view()
        song = session.song if session.playing else None
        key = None if song is None else song.key
        before = self._parts.get("song")
        if key != (before and before["key"]) or "song" not in self._parts:
            self._tell("song", parts.song_part(song, view.duration))
        if (sound := sound_of(session, player)) is not None:
            self._stage.songs.setdefault(sound.key, sound)
        after = session.playback.history.following
        following = self._ready() if after is None else [after.key]
        now = parts.now_part(view, player, key, following)
        now["mend"] = mend_part(session)
        now["replaying"] = session.replays.running
        shown = self._parts.get("now", {})
        if {**now, "position": 0} != {**shown, "position": 0}:
            self._tell("now", now)
        self._parts["now"] = now
        if not closely:
            return
        self._tell("drawn", parts.drawn_part(view))
        self._tell("expected", parts.expected_part(view))
        if view.judged is not self._learned:
            self._learned = view.judged
            self._tell("learning", parts.learning_part(view))
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._look_at_ratings()
            saved = self._saved.changed()
            if saved is not None:
                self._tell("saved", saved_part(saved, session.journal.made_by))
        if view.final is not None or self._map_is_old(key):
            self._tell_map(None)

    def _map_is_old(self, key: str | None) -> bool:
        """Return whether another song plays than the map shows, or another search is on it."""
        shown, finals = self._parts.get("map", {}), self._stage.session.finals
        now = key, finals.running, bool(finals.descent), finals.song and finals.song.key
        final = shown.get("final")
        before = shown.get("running"), bool(shown.get("paths")), final and final["key"]
        return (shown.get("now"), *before) != now

    def _look_at_ratings(self) -> None:
        session = self._stage.session
        try:
            mark = session.journal.mark()
            if mark == self._mark:
                return
            ratings = session.journal.history()
        except RatingsError:
            return
        self._mark = mark
        session.history.read()
        self._tell("history", parts.history_part(ratings))
        self._tell_map(ratings)

    def _tell_map(self, ratings: list[Rating] | None) -> None:
        session, places = self._stage.session, self._stage.places
        if places is None:
            return
        song = session.song if session.playing else None
        place = places.dot(song.key, song.name, song.latent, None) if song else None
        played = (
            self._parts.get("map", {}).get("played", [])
            if ratings is None
            else places.dots(ratings, self._stage.played)
        )
        self._tell("map", places.part(session, played, place))
