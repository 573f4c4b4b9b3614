"""`ai-radio play`: open the station, the ratings and the sound, and hand over to a face."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from radio.home import STARTER, Home, check_name


def play(options: argparse.Namespace) -> int:
    """Play a station until the listener quits."""
    home = Home(options.home)
    listener = check_name(options.listener or "me", "listener")
    folder = home.station(options.station or STARTER)

    # Heavy: only after everything that was typed is known to be usable.
    from audio_parsing.playback import open_player
    from radio.broadcast import Broadcast
    from radio.compiled import compile_once
    from radio.lines import play_on_lines
    from radio.session import RadioSession
    from radio.station import Station
    from radio.terminal import HINT, Terminated, play_on_terminal, stderr_to

    station = Station.load(folder)
    home.writable()
    compile_once()
    session = RadioSession(station, listener, home=home, seed=options.seed, explore=options.explore or "ucb", beats=options.beats)
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    player = None

    def open_broadcast(say: Callable[[str], None]) -> Broadcast:
        nonlocal player
        player, reason = open_player()
        say(f"AI Radio    {station.name} / {listener}    {session.rated} songs rated" + (f"    {HINT}" if on_terminal else ""))
        if reason:
            say(reason)
        return Broadcast(session, player, say=say)

    try:
        with stderr_to(home.path / "messages.log"):
            if on_terminal:
                play_on_terminal(open_broadcast)
            else:
                play_on_lines(open_broadcast)
    except Terminated as ended:
        return 128 + ended.number
    finally:
        session.close()
        if player is not None:
            player.close()
    return 0
