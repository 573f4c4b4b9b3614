"""A session: a composer's songs on a player, one after the other, and what a listener can do.

    session = Session(composer, player, home=home, say=print)
    session.tick()                           several times a second
    session.move_slider(0.1)  next()  ...    as the listener wishes
    session.view()                           what to show
    session.finish()

It knows nothing of keys or screens, and none of its methods waits for a song to be made. What the
composer has to report arrives as events, which `tick` takes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from audio_parsing.playback import Player, SilentDevice
from radio.composer import (
    AdapterChanged,
    Composer,
    FinalSong,
    FinalStep,
    Learned,
    MendedSong,
    NoFinal,
    NoMend,
    NoReplay,
    ReplayedSong,
    Song,
    Trouble,
)
from radio.home import Home
from radio.ratings import Rating
from radio.session.history import RatingHistory
from radio.session.mends import MendRequest
from radio.session.playback import Playback
from radio.session.rating_writer import RatingWriter
from radio.session.requests import DROPPED, FinalRequest, ReplayRequest
from radio.session.resume import Resume
from radio.session.sleep import SleepTimer
from radio.session.song_folder import SongFolder
from radio.session.view import View, adapter_line, share_line, snapshot

SKIP_SECONDS = 3.0  # an untouched song that is skipped earlier stays unrated; chosen, not measured


class Session:
    """See the module's contract.

    Args:
        composer: makes the songs and learns.
        player: plays them.
        home: where songs are saved; the default home if None.
        say: takes one line at a time for the listener.
        started: called with every song that begins.
        resume: what the last session left, and where this one leaves it.
        kind: of saved songs, see `write_song`.
        loudness: at which songs are played, LUFS; None to play them as they are.

    Attributes:
        folder: of saved songs.
        attached: functions that each tick calls at its end.
        notify: called with 'song', 'rating' or 'final', and the song: it began, was rated, or made.
    """

    def __init__(
        self,
        composer: Composer,
        player: Player | SilentDevice,
        *,
        home: Home | None = None,
        say: Callable[[str], None] = lambda line: None,
        started: Callable[[Song], None] = lambda song: None,
        resume: Resume | None = None,
        kind: str = "wav",
        loudness: float | None = None,
    ) -> None:
        self.composer, self.journal = composer, composer.journal
        self.playback = Playback(player, say, loudness=loudness)
        self.writer = RatingWriter(self.journal, composer.changed, say)
        self.history = RatingHistory(self.journal, composer.changed, self.writer, say)
        self.folder = SongFolder(home, self.journal, kind, say)
        self.finals = FinalRequest(composer, self.folder, say)
        self.replays = ReplayRequest(composer, say)
        keep = partial(self._start, replace=True)
        self.mends = MendRequest(composer, self.playback, self.writer, keep, say)
        self.say, self._started, self._resume = say, started, resume
        self.sleep = SleepTimer(say)
        self.attached: list[Callable[[], None]] = []
        self.notify: Callable[[str, Song], None] = lambda kind, song: None
        self._batches, self._adapter = 0, (0, 0.0)
        if resume is not None:
            player.volume = resume.volume
            if (last := resume.song(self.journal)) is not None:
                self.replay(last["key"], np.array(last["coordinate"]), position=last["position"])

    @property
    def song(self) -> Song | None:
        """The song that plays, or played last; None before the first."""
        return self.playback.song

    @property
    def playing(self) -> bool:
        """Whether a song is on, paused or not."""
        return self.playback.playing

    def tick(self, following: str | None = None) -> None:
        """Do what is due: take events, start the next song, write the slider's curve.

        Args:
            following: key of the song that follows if this one has ended and that one is ready.
        """
        self.take_events()
        playback = self.playback
        playback.check_device()
        if playback.ended():
            self._end(skipped=False)
            playback.waiting = True
        if playback.waiting and not playback.history.at_end:
            self._begun(playback.forward())
        elif playback.waiting and not self.replays.running:
            if self.composer.ready:
                self._start(self.composer.next_song(following))
            else:
                self.composer.hurry()
        self.writer.flush()
        if playback.playing and playback.comparing is None:
            self.writer.tick(playback.player)
        self.sleep.tick(playback.player)
        playback.loud_songs.prepare(self.composer.upcoming())
        for call in self.attached:
            call()

    def take_events(self) -> None:
        """Take what the composer has to report."""
        for event in self.composer.events():
            match event:
                case Learned():  # from what was rated here, or in another session of this listener
                    self._batches += 1
                    self.journal.delay = event.delay
                    self.history.read()
                case AdapterChanged():
                    self._adapter = event.ratings, event.gain
                    if event.news:
                        self.say(adapter_line(event.ratings, event.gain))
                case FinalStep():
                    self.finals.take_step(event)
                case FinalSong():
                    if self.finals.take_song(event.song):
                        self.notify("final", event.song)
                        self._start(event.song)
                case NoFinal():
                    self.finals.end(f"No final song: {event.text}" if event.text else DROPPED)
                case ReplayedSong():
                    position = self.replays.take_song(event.song)
                    if position is not None:
                        self._start(event.song, revisited=True)
                    if position:
                        self.playback.player.seek(position)
                case NoReplay():
                    self.replays.end(event.text)
                case MendedSong() | NoMend():
                    self.mends.take(event)
                case Trouble():
                    self.say(event.text)
        self.replays.check_time()

    def rate(
        self, song: Song, curve: np.ndarray | float, *, skipped: bool = False
    ) -> Rating | None:
        """Write the rating of any song, then have it learned; None if it got none."""
        rating = self.journal.rate(song, curve, skipped=skipped)
        self.composer.changed(song.key)
        self.take_events()
        return rating

    def next(self) -> None:
        """Skip to the next song; a new one that played for a while untouched is mildly disliked."""
        song, skipped = self.song, self.playback.history.at_end
        if song is None or not self.playing:
            return
        if skipped and self.writer.slider.value is None and not self.writer.noted:
            skipped = self.playback.position >= SKIP_SECONDS
            if skipped:
                self.say(f"{song.name}: skipped, counted as mild dislike; u undoes it.")
        self._end(skipped=skipped)
        self.playback.stop()

    def previous(self) -> None:
        """Go back to the song before, whose rating the slider may change."""
        if self.playback.history.at_start:
            self.say("There is no song before this one.")
            return
        if self.playing:
            self._end(skipped=False)
        self._begun(self.playback.back())

    def replay(self, key: str, coordinate: np.ndarray, *, position: float = 0.0) -> None:
        """Play the song at P (D,) again, as the same play of it: a new rating replaces the old."""
        self.replays.start(key, coordinate, position)

    def move_slider(self, by: float) -> None:
        """Push the slider; an untouched one starts in the middle."""
        self.set_slider((self.writer.slider.value or 0.0) + by)

    def set_slider(self, value: float | None) -> None:
        """Put the slider somewhere; None deletes the rating of this song."""
        if value is None:
            self.writer.release()
        elif self.playing:
            self.writer.slider.set(value)
        if self.playing:
            # the next tick writes it, so that a key is seen before a disk has moved
            self.writer.slider.record(self.playback.position)

    def undo(self) -> None:
        """Delete the rating of this song, or else the latest one."""
        self.history.undo(self.playback.position if self.playing else None)

    def reset(self) -> None:
        """Go back to the generator without an adapter, if it has one."""
        if self._adapter[0]:
            self.composer.reset_adapter()
        else:
            self.say("There is nothing to reset: the generator has not adapted to you yet.")

    def save(self) -> None:
        """Save the song that plays."""
        self.folder.save(self.song)

    def share(self) -> None:
        """Say the share code of the song that plays."""
        self.say(share_line(self.view()))

    def make_final(self) -> None:
        """Begin the descent to the final song, which is saved and played when it is there."""
        self.finals.request(
            self.writer, self.history, self.playback.position if self.playing else None
        )

    def finish(self) -> None:
        """Write the rating of the song that plays, fall silent, and end. Harmless when repeated."""
        self.composer.stop_final()
        resume, self._resume = self._resume, None
        player = self.playback.player
        try:
            if resume is not None:
                song = self.song if self.playing else None
                resume.leave(self.journal, player.volume, song, self.playback.position)
            if self.playing:  # an untouched song is no dislike, so it ends like a revisited one
                self.writer.end(self.playback.position, skipped=False, revisited=True)
            self.playback.waiting, self.playback.song = True, None
            self.writer.close()
            self.finals.close()
        finally:
            self.playback.loud_songs.close()
            player.close()

    def view(self) -> View:
        """Return what there is to show now."""
        return snapshot(
            self.playback,
            self.writer,
            self.history,
            self.finals,
            self.mends,
            self.composer,
            batches=self._batches,
            adapter=self._adapter,
            saved=self.folder.saved,
            sleep=self.sleep.left,
        )

    def _start(self, song: Song, *, revisited: bool = False, replace: bool = False) -> None:
        if self.playing:
            self._end(skipped=False)
        at = self.playback
        self._begun(at.replace(song) if replace else at.start(song, revisited=revisited))

    def _begun(self, song: Song) -> None:
        """Do what is due when a song begins."""
        self.writer.begin(song)
        self.composer.played(song.key, song.latent)
        self.notify("song", song)
        if self._resume is not None:  # should this session be killed, the next begins with the song
            self._resume.leave(self.journal, self.playback.player.volume, song, 0.0)
        self._started(song)

    def _end(self, *, skipped: bool) -> None:
        at = self.playback
        self.mends.drop()
        rated = self.writer.slider.value is not None or skipped
        self.writer.end(at.position, skipped=skipped, revisited=at.revisited)
        self.history.read()
        if rated and self.song is not None:
            self.notify("rating", self.song)
