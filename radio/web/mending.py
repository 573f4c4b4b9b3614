"""Mending on a page: what sounds meanwhile, and what the page shows of it.

While the old and the new version of a part are played, they are a sound of their own with its own
key, which pages load and whose position they report, as they do with a song.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from radio.composer import Song
from radio.session import Session
from radio.web.browser_player import BrowserPlayer


def sound_key(session: Session) -> str | None:
    """Return the key of what sounds: of the song's play, or of old and new; None for nothing."""
    song, offer = session.song, session.mends.offer
    if song is None or not session.playing:
        return None
    if session.playback.comparing is None or offer is None:
        return song.key
    return f"{offer.key}-compared"


def sound_of(session: Session, player: BrowserPlayer) -> Song | None:
    """Return what sounds as a song under its own key; None for nothing."""
    song, key = session.song, sound_key(session)
    if song is None or key is None or key == song.key:
        return song if key else None
    return replace(song, key=key, samples=player.samples)


def mend_part(session: Session) -> dict[str, Any]:
    """Return whether a song is being mended, and the version that waits for the choice."""
    facts, key = session.mends.facts, sound_key(session)
    shown: dict[str, Any] = {"running": session.mends.running, "offer": None, "sound": None}
    if facts is not None:
        before, after = facts["expected"]
        shown["offer"] = {
            "start": round(facts["start"], 2),
            "stop": round(facts["stop"], 2),
            "gain": round(after - before, 2),
        }
    if session.song is not None and key != session.song.key:
        shown["sound"] = key
    return shown
