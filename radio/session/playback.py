"""Songs on a player: which one plays, which played before, and on which device.

playback = Playback(player, say)
playback.start(song)                     a song that did not play before
playback.back()  forward()               in the play history
playback.stop()                          until another song is there
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audio_parsing.playback import Player, SilentDevice, open_player
from radio.composer import Song
from radio.session.loud_songs import LoudSongs
from radio.session.play_history import PlayHistory


class Playback:
    """See the module's contract.

    Args:
        player: of the sound.
        say: takes a line for the listener.
        loudness: of the songs, LUFS; None to leave them as they are.

    Attributes:
        loud_songs: the songs at that loudness.
        song: that plays, or played last; None before the first.
        number: of the song in this session, from 1.
        waiting: whether a song is to be started as soon as there is one.
        revisited: whether the song played before.
    """

    def __init__(
        self,
        player: Player | SilentDevice,
        say: Callable[[str], None],
        *,
        loudness: float | None = None,
    ) -> None:
        self.player = player
        self.loud_songs = LoudSongs(loudness)
        self.song: Song | None = None
        self.number = 0
        self.waiting = True
        self.revisited = False
        self.history = PlayHistory()
        # position and pause of the song, while something plays in between
        self.comparing: tuple[float, bool] | None = None
        self._say = say
        self._lost_underruns = 0  # of players that were closed

    @property
    def playing(self) -> bool:
        """Whether a song is on, paused or not."""
        return self.song is not None and not self.waiting

    @property
    def position(self) -> float:
        """Seconds into the song, also while something plays in between."""
        return self.player.position if self.comparing is None else self.comparing[0]

    @property
    def underruns(self) -> int:
        """How often the sound device's buffer ran empty."""
        return self._lost_underruns + self.player.underruns

    def start(self, song: Song, *, revisited: bool = False) -> Song:
        """Play a song that does not come from the play history, and return it."""
        self.history.add(song)
        self.number += 1
        self._play(song, revisited=revisited)
        return song

    def back(self) -> Song:
        """Play the song before, and return it."""
        return self._play(self.history.back(), revisited=True)

    def forward(self) -> Song:
        """Play the song after, and return it."""
        return self._play(self.history.forward(), revisited=True)

    def replace(self, song: Song) -> Song:
        """Play a song from the same moment on, in the place of the one that plays; return it."""
        position = self.position
        self.history.replace(song)
        self._play(song, revisited=False)
        self.player.seek(position)
        return song

    def compare(self, samples: np.ndarray) -> None:
        """Play samples (n,) in between; the song continues after them."""
        if self.song is None:
            return
        self.end_comparison()
        self.comparing = self.player.position, self.player.paused
        self.player.play(samples, self.song.sample_rate)

    def ended(self) -> bool:
        """Return whether the song is over; end what plays in between if that is over."""
        over = self.playing and self.player.finished
        if over and self.comparing is not None:
            self.end_comparison()
            return False
        return over

    def end_comparison(self) -> None:
        """Go back to the song, if something plays in between."""
        if self.comparing is None or self.song is None:
            return
        position, paused = self.comparing
        self._play(self.song, revisited=self.revisited)
        self.player.seek(position)
        if paused:
            self.player.pause()

    def stop(self) -> None:
        """Fall silent, until another song is there."""
        self.player.stop()
        self.waiting, self.comparing = True, None

    def toggle_pause(self) -> None:
        """Pause, or play on."""
        if self.player.paused:
            self.player.resume()
        else:
            self.player.pause()

    def seek(self, by: float) -> None:
        """Jump by seconds."""
        self.player.seek(self.player.position + by)

    def change_volume(self, by: float) -> None:
        """Make it louder or softer."""
        self.player.volume = round(self.player.volume + by, 2)

    def use_device(self, name: str | None, *, because: str = "") -> None:
        """Play on at the same moment on another sound device, silently where there is none.

        Args:
            name: of the device; the system's default if None.
            because: the beginning of the line for the listener.
        """
        self.end_comparison()
        old, position, paused = self.player, self.player.position, self.player.paused
        self._lost_underruns += old.underruns
        old.close()
        self.player, reason = open_player(name)
        self._say(f"{because}{reason or f'Going on with {self.player.name}.'}")
        self.player.volume = old.volume
        if self.song is not None and self.playing:
            self.player.play(self.loud_songs.samples_of(self.song), self.song.sample_rate)
            self.player.seek(position)
            if paused:
                self.player.pause()

    def check_device(self) -> None:
        """Replace a sound device that failed."""
        if self.player.failure:
            failure = str(self.player.failure)
            self.use_device(None, because=f"{failure[:1].upper()}{failure[1:]}. ")

    def _play(self, song: Song, *, revisited: bool) -> Song:
        self.song, self.waiting, self.revisited = song, False, revisited
        self.comparing = None
        self.player.play(self.loud_songs.samples_of(song), song.sample_rate)
        return song
