"""Looks at a running programme: everything a face may show, as it is at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audio_parsing.playback import SilentDevice
from radio.session.view import View, agreement

if TYPE_CHECKING:
    from radio.session.session import Broadcast


def view_of(broadcast: Broadcast) -> View:
    """Return what there is to see of a programme now."""
    song, player, session, playing = (
        broadcast.song,
        broadcast.player,
        broadcast.session,
        broadcast.playing,
    )
    known = session.insight(song) if song is not None else None
    seen = (
        {}
        if known is None
        else {"predicted": known.moments, "taste": known.taste, "critic": known.critic}
    )
    return View(
        number=broadcast.number,
        name=song.name if song else "",
        details=song.details if song else "",
        position=player.position if playing else 0.0,
        duration=player.duration if playing else 0.0,
        paused=player.paused,
        slider=broadcast.slider.value,
        rated=session.rated,
        expected=song.expected if song else None,
        volume=player.volume,
        busy="making the final song"
        if broadcast.making_final
        else ""
        if playing
        else "making the next song",
        silent=isinstance(player, SilentDevice),
        curve=broadcast.slider.curve(),
        device=player.name,
        underruns=broadcast.lost_underruns + player.underruns,
        queue=session.queue,
        batches=session.batches,
        judged=broadcast.judged,
        agreement=agreement(broadcast.judged),
        final=broadcast.making.progress,
        layers=session.learned_layers,
        **seen,
    )
