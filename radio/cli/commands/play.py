"""`ai-radio play`: open the station, the ratings and the sound, then start a user interface."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from radio.cli.progress import Progress
from radio.errors import explain
from radio.home import Home, HomeError, check_name, read_settings, temporary_home

if TYPE_CHECKING:
    from radio.composer import ComposerProcess
    from radio.home import Settings
    from radio.session import Session, Tuner


def play(options: argparse.Namespace) -> int:
    """Play a station until the listener quits."""
    home = Home(options.home)
    if options.station is not None:
        home.known_station(options.station)  # before anything that takes long
    from radio.session import read_last

    settings = read_settings(home.path / "config.toml")
    last = read_last(home.path / "session.json")
    listener = check_name(options.listener or last.listener, "listener")
    station = options.station or last.station
    first = None  # song
    if code := getattr(options, "code", None):
        from radio.cli.commands.sharing import station_of
        from radio.station import read_share_code

        shared = read_share_code(code)
        station, first = station_of(home, shared, options.station).name, shared.coordinate
    home.known_station(station)
    try:
        home.writable()
    except HomeError as error:
        home = temporary_home(home)
        print(f"{error}; nothing of this session will be saved", file=sys.stderr)

    # Heavy imports, only after the arguments were checked.
    from radio.remote import Remote
    from radio.session import Tuner

    progress = Progress()
    tuner = Tuner(
        home,
        settings,
        last,
        report=lambda busy: progress.show(str(busy)),
        seed=options.seed,
        explore=options.explore or "ucb",
        beats=options.beats,
        latent=options.latent,
        novelty=settings.novelty if options.novelty is None else options.novelty,
    )
    tuner.first = first
    composer = tuner.compose(station, listener)
    progress.clear()
    remote = Remote(home, settings)
    tuner.opened.append(remote.attach)
    tuner.overhear = remote.overhear
    try:
        title, log = f"{station} / {listener}", home.path / "messages.log"
        return _show(options, settings, tuner, composer, title=title, log=log)
    finally:
        remote.close()
        tuner.close()


def _show(
    options: argparse.Namespace,
    settings: Settings,
    tuner: Tuner,
    composer: ComposerProcess,
    *,
    title: str,
    log: Path,
) -> int:
    """Play on the screen, or on lines; return the exit code."""
    from radio.home import Terminated, stderr_to
    from radio.plain import play_on_lines

    on_screen = not options.plain and fit_for_a_screen()

    def open_session(say: Callable[[str], None]) -> Session:
        if not on_screen:
            rated = len(composer.journal.judged())
            say(f"AI Radio    {title}    {rated} song{'' if rated == 1 else 's'} rated")
        session = tuner.open(composer, say)
        if options.sleep is not None:
            session.sleep.set(options.sleep)
        # Later collections pass over all that is loaded: visiting it takes 50 ms in which the sound
        # device, whose buffer holds 100 ms, is given nothing.
        gc.collect()
        gc.freeze()
        # a fifth of the usual time until a thread that draws lets the sound device's thread go on
        sys.setswitchinterval(0.001)
        return session

    try:
        with stderr_to(log):
            if on_screen:
                from radio.screen import play_on_screen

                play_on_screen(open_session, settings, tuner=tuner, title=title)
            else:
                play_on_lines(open_session, settings)
    except Terminated as ended:
        return 128 + ended.number
    except Exception as error:
        if isinstance(error, BrokenPipeError) or explain(error) is not None:
            raise
        _log(error, log)
        return 1
    return 0


def _log(error: Exception, log: Path) -> None:
    """Write the traceback of a bug to a file, and say so in a line."""
    with open(log, "a", encoding="utf-8", errors="replace") as file:
        file.write(time.strftime("%Y-%m-%d %H:%M:%S\n"))
        traceback.print_exception(error, file=file)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    print(
        f"ai-radio: a bug in the program ({what}); no rating is lost, details are in {log}",
        file=sys.stderr,
    )


def fit_for_a_screen() -> bool:
    """Return whether this is a terminal that can show a screen."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    dumb = sys.platform != "win32" and os.environ.get("TERM", "") in ("", "dumb")
    return not dumb and "utf" in (sys.stdout.encoding or "").lower()
