"""What was asked of a composer and is awaited: the final song, and a song that plays again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import numpy as np

from radio.composer import Composer, FinalSong, FinalStep, Song, final_line
from radio.ratings import Journal
from radio.session.history import RatingHistory
from radio.session.rating_writer import RatingWriter
from radio.session.song_folder import SongFolder
from radio.station import SavedSong, ShareCodeError, read_share_code

# to wait for a song that is made again, once the composer is open; chosen, not measured
REPLAY_SECONDS = 60.0
DROPPED = "The final song was not ready yet and is dropped."


class FinalRequest:
    """Ask a composer for final songs, one at a time, and save them.

    Args:
        composer: that makes them.
        folder: of saved songs.
        say: takes a line for the listener.

    Attributes:
        running: whether one is being made.
        song: the latest that was made.
        step: of the descent that runs; None before the first.
        descent: (starts, D) coordinates of the latest descent after each step.
    """

    def __init__(self, composer: Composer, folder: SongFolder, say: Callable[[str], None]) -> None:
        self.running = False
        self.song: Song | None = None
        self.step: FinalStep | None = None
        self.descent: list[np.ndarray] = []
        self._composer = composer
        self._folder = folder
        self._say = say
        self._ratings = 0  # from which the song is made

    def request(self, writer: RatingWriter, history: RatingHistory, position: float | None) -> None:
        """Begin the descent, if there are ratings; otherwise say why not.

        Args:
            writer: of the song that plays, whose rating counts too.
            history: the ratings.
            position: seconds into that song; None if none plays.
        """
        if self.running:
            self._say("The final song is being made already.")
            return
        if position is not None:
            writer.rate_now(position)
        writer.flush(at_once=True)
        history.read()
        self._ratings = len(history.judged)
        if self._ratings:
            self.start()
        elif writer.unwritten:
            self._say(
                "The final song is made from your ratings, and none could be saved yet: "
                f"{writer.trouble}"
            )
        else:
            self._say("Rate a song first: the final song is made from what you like.")

    def start(self) -> None:
        """Begin the descent."""
        self._say("Making the final song from your ratings ...")
        self.running, self.descent = True, []
        self._composer.start_final()

    def take_step(self, step: FinalStep) -> None:
        """Take note of a step of the descent."""
        self.step = step
        self.descent.append(step.coordinates)

    def take_song(self, song: Song) -> bool:
        """Save the song; return False if it could not be saved, or nobody asked for it."""
        if not self.running:
            return False
        try:
            path = self._folder.write(song)
        except (OSError, ValueError) as error:
            self.end(f"No final song: {error}")
            return False
        if self._ratings:
            self._say(f"{song.name}: {final_line(self._ratings, song.expected)}")
        self.end(f"Your final song is {song.name}, saved as {path}")
        self.song = song
        return True

    def clear(self) -> None:
        """Forget the latest final song and its descent, unless one is being made."""
        if not self.running:
            self.song, self.descent = None, []

    def close(self) -> None:
        """Save the song that is asked for if it is there, and else drop it."""
        for event in self._composer.events() if self.running else ():
            if isinstance(event, FinalSong):
                self.take_song(event.song)
        self.end()

    def end(self, line: str = DROPPED) -> None:
        """End without a song, if one was being made."""
        if self.running:
            self.running, self.step = False, None
            self._say(line)


class ReplayRequest:
    """Ask a composer to make songs again, one at a time: of those asked for meanwhile the last.

    Args:
        composer: that makes them.
        say: takes a line for the listener.
    """

    def __init__(self, composer: Composer, say: Callable[[str], None]) -> None:
        self._composer = composer
        self._say = say
        self._awaited: tuple[str, float, float] | None = None  # key, position, deadline
        self._next: tuple[str, np.ndarray, float] | None = None  # asked for meanwhile

    @property
    def running(self) -> bool:
        """Whether a song is being made again."""
        return self._awaited is not None

    def start(self, key: str, coordinate: np.ndarray, position: float) -> None:
        """Ask for the song at P (D,), to be played from `position` in seconds."""
        if self._awaited is not None:
            self._next = key, coordinate, position
        else:
            self._awaited = key, position, time.monotonic() + REPLAY_SECONDS
            self._composer.replay(key, coordinate)

    def start_saved(self, saved: SavedSong, journal: Journal) -> None:
        """Ask for a saved song, if the station of the journal still makes it."""
        if saved.made_by == journal.made_by:
            self.start(saved.key or uuid.uuid4().hex, saved.coordinate, 0.0)
        elif saved.station and saved.station != journal.station:
            self._say(f"{saved.name} is a song of station {saved.station}; change to it first.")
        else:
            self._say(f"The station no longer makes {saved.name}; its file is {saved.path}")

    def start_shared(self, code: str, journal: Journal) -> None:
        """Ask for the song of a share code, if the station of the journal makes it."""
        try:
            shared = read_share_code(code)
        except ShareCodeError as error:
            self._say(str(error))
            return
        if shared.made_by == journal.made_by:
            self.start(uuid.uuid4().hex, shared.coordinate, 0.0)
        else:
            self._say(f"{shared.needs}, not the one that plays; ai-radio play CODE looks for it")

    def take_song(self, song: Song) -> float | None:
        """Return where in a song to begin, in seconds; None if nobody waits for it."""
        if self._awaited is None or self._awaited[0] != song.key:
            return None
        (_, position, _), self._awaited = self._awaited, None
        return None if self._start_next() else position

    def end(self, why: str) -> None:
        """End without a song."""
        self._awaited = None
        self._say(f"That song can't be played again: {why}")
        self._start_next()

    def _start_next(self) -> bool:
        wanted, self._next = self._next, None
        if wanted is not None:
            self.start(*wanted)
        return wanted is not None

    def check_time(self) -> None:
        """End if a composer that is open does not answer."""
        if self._awaited is None:
            return
        key, position, deadline = self._awaited
        if self._composer.busy is not None:
            self._awaited = key, position, time.monotonic() + REPLAY_SECONDS
        elif time.monotonic() > deadline:
            self.end("there is no answer; try again")
