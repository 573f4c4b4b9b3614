"""`ai-radio play`: open the station, the ratings and the sound, and hand over to a face."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from radio.errors import explain
from radio.home.folder import Home, HomeError, check_name, without_keeping
from radio.home.settings import read_settings
from radio.session.resume import recall


def play(options: argparse.Namespace) -> int:
    """Play a station until the listener quits."""
    home = Home(options.home)
    settings = read_settings(home.path / "config.toml")
    last = recall(home.path / "session.json")
    listener = check_name(options.listener or last.listener, "listener")
    folder = home.station(options.station or last.station)
    try:
        home.writable()
    except HomeError as error:
        home = without_keeping(home)
        print(f"{error}; nothing of this session will be kept", file=sys.stderr)

    # Heavy: only after everything that was typed is known to be usable.
    from audio_parsing.playback import open_player
    from radio.composer.remote import RemoteSession
    from radio.home.signals import Terminated, stderr_to
    from radio.plain.app import play_on_lines
    from radio.session.session import Broadcast
    from radio.session.taking_up import TakingUp

    session = RemoteSession(
        folder,
        listener,
        home=home,
        seed=options.seed,
        explore=options.explore or "ucb",
        beats=options.beats,
        latent=options.latent,
        added_layers=settings.added_layers,
        telling=_tell,
    )
    on_screen = not options.plain and fit_for_a_screen()
    taking_up = TakingUp(home.path / "session.json", last, session, fresh=options.seed is not None)

    def open_broadcast(say: Callable[[str], None]) -> Broadcast:
        player, reason = open_player()
        if not on_screen:
            say(
                f"AI Radio    {session.station} / {listener}    {session.rated} song{'' if session.rated == 1 else 's'} rated"
            )
        if reason:
            say(reason)
        broadcast = Broadcast(
            session,
            player,
            say=say,
            started=taking_up.started,
            attend=session.attend,
            leaving=taking_up.leaving,
            kind=settings.kind,
        )
        taking_up.begin(broadcast)
        return broadcast

    log = home.path / "messages.log"
    try:
        with stderr_to(log):
            if on_screen:
                from radio.screen.app import play_on_screen

                play_on_screen(open_broadcast, settings, title=f"{session.station} / {listener}")
            else:
                play_on_lines(open_broadcast)
    except Terminated as ended:
        return 128 + ended.number
    except Exception as error:
        if isinstance(error, BrokenPipeError) or explain(error) is not None:
            raise
        with open(log, "a", encoding="utf-8", errors="replace") as file:
            file.write(time.strftime("%Y-%m-%d %H:%M:%S\n"))
            traceback.print_exception(error, file=file)
        what = " ".join(f"{type(error).__name__}: {error}".split())
        print(
            f"ai-radio: a fault of the program ({what}); nothing that was rated is lost, and {log} has the details",
            file=sys.stderr,
        )
        return 1
    finally:
        session.close()
    return 0


def fit_for_a_screen() -> bool:
    """Return whether this is a terminal that can be drawn on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    dumb = sys.platform != "win32" and os.environ.get("TERM", "") in ("", "dumb")
    return not dumb and "utf" in (sys.stdout.encoding or "").lower()


def _tell(text: Any) -> None:
    if text:
        print(text, file=sys.stderr, flush=True)
