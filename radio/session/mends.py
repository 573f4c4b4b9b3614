"""Mends the song that plays: asks for another version, plays old and new, keeps one of them.

mends.request(song, start, stop)        a stretch in seconds, or None for the worst one
mends.take(event)                       plays the old stretch, a pause, the new one
mends.offer                             the version that waits for the listener's choice
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from radio.composer import Composer, MendedSong, Song
from radio.session.playback import Playback

PAUSE_SECONDS = 0.7  # between the two versions
FADE_SECONDS = 0.05
CHOICE = "keep takes the new one, discard stays with the old one, mend plays both again"


class MendRequest:
    """See the module's contract.

    Args:
        composer: that mends.
        playback: of the songs.
        say: takes a line for the listener.

    Attributes:
        running: whether a song is being mended.
        offer: the mended song; None if nothing waits for a choice.
    """

    def __init__(self, composer: Composer, playback: Playback, say: Callable[[str], None]) -> None:
        self.running = False
        self.offer: Song | None = None
        self._composer, self._playback, self._say = composer, playback, say
        self._key = ""  # of the play that is mended

    @property
    def facts(self) -> dict[str, Any] | None:
        """What `radio.composer.mended_song.Mend.facts` says of the offer."""
        return None if self.offer is None else self.offer.description["mended"]

    def request(self, song: Song, start: float | None, stop: float | None) -> None:
        """Ask for a mended version of a song."""
        if self.running:
            self._say("The song is being mended already.")
            return
        self.drop("")
        self._say(f"Mending {song.name} ...")
        self.running, self._key = True, song.key
        self._composer.start_mend(song.key, song.latent, start, stop)

    def take(self, event: MendedSong) -> None:
        """Take the mended song and play both versions of the stretch."""
        song = self._playback.song
        if not self.running or song is None or not event.key == self._key == song.key:
            self.running = False
            return
        self.running, self.offer = False, event.song
        facts = event.song.description["mended"]
        (before, after), (low, high) = facts["expected"], facts["critic"]
        self._say(
            f"Mended {clock(facts['start'])} to {clock(facts['stop'])}: you should like it by "
            f"{after - before:+.2f} more (critic's score {low:.2f}, now {high:.2f}). "
            f"Old, then new: {CHOICE}."
        )
        self.compare()

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
        if self.running:
            self._composer.stop_mend()
            self.running = False
        elif self.offer is not None and line:
            self._say(line)
        self.offer = None

    def end(self, why: str) -> None:
        """End without a version."""
        if self.running and why:
            self._say(f"Not mended: {why}")
        self.running = False


def clock(seconds: float) -> str:
    """Return minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
