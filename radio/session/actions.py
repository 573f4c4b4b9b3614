"""The actions of radio/home/settings.py on a session; the screen has those that open a window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from radio.composer import WISHED_SONGS, Wish
from radio.session.session import Session
from radio.taste import highlights, in_a_line

SEEK_SECONDS = 5.0
SLIDER_STEP = 0.1
VOLUME_STEP = 0.05


def love(session: Session) -> None:
    """Rate the song that plays +1."""
    if session.playing and session.song is not None:
        session.set_slider(1.0)
        session.say(f"{session.song.name}: loved; u undoes it.")


def ban(session: Session) -> None:
    """Rate the song that plays -1, and go on to the next."""
    if session.playing and session.song is not None:
        session.set_slider(-1.0)
        session.say(f"{session.song.name}: banned; u undoes it.")
        session.next()


def wish(session: Session, *, more: bool) -> None:
    """Let the next songs be more like the song that plays, or less."""
    song = session.song
    if song is None:
        session.say("Nothing plays yet.")
        return
    found = Wish(song.latent, song.name, more)
    session.composer.wish(found)
    when = "" if session.composer.busy is None else "Once the radio is ready: "
    session.say(f"{when}{WISHED_SONGS} songs {found} come next.")


def explain(session: Session) -> None:
    """Say which moments raise or lower the predicted rating of the song that plays, and by what."""
    view = session.view()
    if not len(view.taste):
        session.say("There is no explanation of this song yet.")
        return
    for seconds, mean, why in highlights(view.taste, view.duration, view.causes):
        at = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
        session.say(f"{at}  {in_a_line(mean, why)} {mean:+.2f}")


def session_actions(session: Session) -> dict[str, Callable[[], None]]:
    """Return the function of each action."""
    table: dict[str, Callable[[], None]] = {
        "pause": session.playback.toggle_pause,
        "next": session.next,
        "previous": session.previous,
        "back": lambda: session.playback.seek(-SEEK_SECONDS),
        "forward": lambda: session.playback.seek(SEEK_SECONDS),
        "louder": lambda: session.playback.change_volume(VOLUME_STEP),
        "softer": lambda: session.playback.change_volume(-VOLUME_STEP),
        "up": lambda: session.move_slider(SLIDER_STEP),
        "down": lambda: session.move_slider(-SLIDER_STEP),
        "untouched": lambda: session.set_slider(None),
        "love": partial(love, session),
        "ban": partial(ban, session),
        "undo": session.undo,
        "save": session.save,
        "share": session.share,
        "more-like-this": partial(wish, session, more=True),
        "less-like-this": partial(wish, session, more=False),
        "final": session.make_final,
        "mend": session.mends.request,
        "keep": session.mends.keep,
        "discard": session.mends.discard,
        "reset": session.reset,
        "explain": partial(explain, session),
        "sleep": session.sleep.change,
    }
    for digit in range(1, 10):
        table[f"rate{digit}"] = partial(session.set_slider, (digit - 5) / 4)
    return table
