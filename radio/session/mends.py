"""Mends the song that plays: asks for another version, plays old and new, keeps one of them.

mends.request(start, stop)      a stretch in seconds, or none for the worst one
mends.take(event)               plays the old stretch, a pause, the new one
mends.offer                     the version that waits for the choice: keep() or discard()
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from radio.composer import Composer, MendedSong, NoMend, Song
from radio.session.playback import Playback
from radio.session.rating_writer import RatingWriter

PAUSE_SECONDS = 0.7  # between the two versions
FADE_SECONDS = 0.05
CHOICE = "keep takes the new one, discard stays with the old one, mend plays both again"


class MendRequest:
    """See the module's contract.

    Args:
        composer: that mends.
        playback: of the songs.
        writer: of the slider of the song that plays.
        take_place: plays a song in the place of the one that plays.
        say: takes a line for the listener.

    Attributes:
        running: whether a song is being mended.
        offer: the mended song; None if nothing waits for a choice.
    """

    def __init__(
        self,
        composer: Composer,
        playback: Playback,
        writer: RatingWriter,
        take_place: Callable[[Song], None],
        say: Callable[[str], None],
    ) -> None:
        self.running = False
        self.offer: Song | None = None
        self._composer, self._playback, self._writer = composer, playback, writer
        self._take_place, self._say = take_place, say
        self._key = ""  # of the play that is mended

    @property
    def facts(self) -> dict[str, Any] | None:
        """Facts of the offer, see `radio.composer.mended_song.Mend`."""
        return None if self.offer is None else self.offer.description["mended"]

    def request(self, start: float | None = None, stop: float | None = None) -> None:
        """Mend the song that plays, or play both versions again if one waits to be kept.

        Args:
            start: of the stretch in seconds; with `stop`, None for the worst stretch.
            stop: of the stretch.
        """
        song = self._playback.song
        if song is None or not self._playback.playing:
            self._say("Nothing plays yet.")
        elif self.running:
            self._say("The song is being mended already.")
        elif self.offer is not None and start is None:
            self.compare()
        else:
            self._playback.end_comparison()
            self.drop("")
            self._say(f"Mending {song.name} ...")
            self._writer.rate_now(self._playback.position)
            self.running, self._key = True, song.key
            self._composer.start_mend(song.key, song.latent, start, stop)

    def take(self, event: MendedSong | NoMend) -> None:
        """Take the mended song and play both versions of the stretch, or say why there is none."""
        if isinstance(event, NoMend) and not event.text:
            return  # `drop` gave it up, and another one may be running by now
        song, wanted, self.running = self._playback.song, self.running, False
        if isinstance(event, NoMend):
            if wanted:
                self._say(f"Not mended: {event.text}")
            return
        if not wanted or song is None or not event.key == self._key == song.key:
            return
        self.offer, facts = event.song, event.song.description["mended"]
        before, after = facts["expected"]
        self._say(
            f"Mended {clock(facts['start'])} to {clock(facts['stop'])}: predicted rating "
            f"{after - before:+.2f}. Old, then new: {CHOICE}."
        )
        self.compare()

    def keep(self) -> None:
        """Let the mended song take the place of the one that plays, as a play of its own."""
        offer, self.offer = self.offer, None
        if offer is None:
            self._say("There is no mended version to keep.")
            return
        self._take_place(offer)
        self._say(f"Kept: it is {offer.name} now.")

    def discard(self) -> None:
        """Stay with the song as it is."""
        if self.offer is None and not self.running:
            self._say("There is no mended version to discard.")
            return
        self._playback.end_comparison()
        self.drop("")
        self._say("Discarded: the song stays as it was.")

    def compare(self) -> None:
        """Play the old stretch, a short pause and the new one."""
        song, offer = self._playback.song, self.offer
        if song is None or offer is None:
            return
        facts, rate = offer.description["mended"], song.sample_rate
        fade = round(FADE_SECONDS * rate)
        parts = []
        for one in (song, offer):
            samples = self._playback.loud_songs.samples_of(one)
            part = samples[round(facts["start"] * rate) : round(facts["stop"] * rate)].copy()
            ramp = np.linspace(0, 1, min(fade, len(part)), dtype=np.float32)
            part[: len(ramp)] *= ramp
            part[len(part) - len(ramp) :] *= ramp[::-1]
            parts += [part, np.zeros(round(PAUSE_SECONDS * rate), np.float32)]
        self._playback.compare(np.concatenate(parts))

    def drop(self, line: str = "The mended version is dropped.") -> None:
        """Forget the version that waits, or that is being made."""
        if line and (self.running or self.offer is not None):
            self._say(line)
        if self.running:
            self._composer.stop_mend()
        self.running, self.offer = False, None


def clock(seconds: float) -> str:
    """Return minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
