"""What other programs can know of a session: one flat dictionary, ready for JSON."""

from __future__ import annotations

from typing import Any

from radio.session import Session

# what `now` returns before there is a session
NOTHING: dict[str, Any] = {
    "title": "",
    "station": "",
    "listener": "",
    "details": "",
    "key": "",
    "coordinate": [],
    "code": "",
    "position": 0.0,
    "duration": 0.0,
    "playing": False,
    "paused": False,
    "volume": 0.0,
    "rating": None,
    "predicted": None,
    "uncertainty": None,
    "saved": False,
    "final": False,
    "rated": 0,
    "sleep": None,
    "busy": "",
    "mended": None,
    "comparing": False,
}


def state_of(session: Session) -> dict[str, Any]:
    """Return what a session plays: times in seconds, volume from 0 to 100, ratings from -1 to 1."""
    view, song = session.view(), session.song
    mean, deviation = view.expected or (None, None)
    return {
        "title": view.name,
        "station": session.journal.station,
        "listener": session.journal.listener,
        "details": view.details,
        "key": song.key if song is not None else "",
        "coordinate": [] if song is None else [float(value) for value in song.latent],
        "code": view.code,
        "position": round(view.position, 2),
        "duration": round(view.duration, 2),
        "playing": view.duration > 0 and not view.paused,
        "paused": view.paused,
        "volume": round(100 * view.volume),
        "rating": view.slider,
        "predicted": None if mean is None else round(min(1.0, max(-1.0, mean)), 3),
        "uncertainty": None if deviation is None else round(deviation, 3),
        "saved": view.saved,
        "final": view.final_song,
        "rated": view.rated,
        "sleep": None if view.sleep is None else round(view.sleep),
        "busy": view.busy,
        "mended": view.mended,
        "comparing": view.comparing,
    }
