"""Windows with a table of songs: the ratings, and the songs that were saved."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import DataTable, Static

from radio.home import Settings, open_folder
from radio.ratings import Rating
from radio.screen import panels, words
from radio.screen.windows import QuestionWindow, Window
from radio.session import Session
from radio.station import SavedSong, delete_saved, saved_songs, write_playlist

CHANGE_STEP = 0.1
MINUTE = "%Y-%m-%d %H:%M"
PLAYLIST = "ai-radio.m3u8"


class TableWindow(Window):
    """A window with a table, a row of which is chosen.

    Args:
        title: its first line.
        closing: keys that close it.
        columns: their names.
        hint: its last line.
    """

    def __init__(self, title: str, closing: list[str], columns: list[str], hint: str) -> None:
        super().__init__(title, closing)
        self._columns = columns
        self._hint = hint
        self._head = Static(classes="title")
        self._table: DataTable[Text] = DataTable(cursor_type="row")

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="window table"):
            yield self._head
            yield self._table
            yield Static(Text(self._hint, panels.QUIET))

    def on_mount(self) -> None:
        """Fill the table."""
        self._table.add_columns(*self._columns)
        self.fill()
        self._table.focus()

    def fill(self) -> None:
        """Write the rows anew; the cursor stays."""
        row = self._table.cursor_row
        rows, summary = self.rows()
        self._head.update(Text.assemble((self._heading, "bold"), (f"   {summary}", panels.QUIET)))
        self._table.clear()
        for cells in rows:
            self._table.add_row(*cells)
        self._table.move_cursor(row=min(row, len(rows) - 1))

    def rows(self) -> tuple[list[list[Text]], str]:
        """Return the cells of each row, and a summary."""
        return [], ""

    def play(self) -> None:
        """Play the chosen song."""

    def on_data_table_row_selected(self) -> None:
        """Play the clicked song."""
        self.play()


class HistoryWindow(TableWindow):
    """A table of all ratings, which can be replayed, changed and deleted.

    Args:
        session: whose ratings.
        settings: keys.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        super().__init__(
            "History",
            [*settings.keys_of("history"), *settings.keys_of("quit")],
            ["song", "you", "predicted", "", "when"],
            "enter play again   + - 1 to 9 change   x delete   escape close",
        )
        self._session = session
        self._settings = settings
        self._ratings: list[Rating] = []

    def rows(self) -> tuple[list[list[Text]], str]:
        """Return a row for each rating."""
        self._ratings = self._session.history.ratings()
        rows = [
            [
                Text(one.song),
                panels.coloured(f"{one.rating:+.2f}", panels.tint(one.rating)),
                Text(panels.signed(one.expected), panels.QUIET),
                Text("skipped" if one.skipped else "", panels.QUIET),
                Text(time.strftime(MINUTE, time.localtime(one.time)), panels.QUIET),
            ]
            for one in self._ratings
        ]
        return rows, f"{words.counted(len(rows), 'song')} rated"

    @property
    def chosen(self) -> Rating | None:
        """The rating under the cursor."""
        row = self._table.cursor_row
        return self._ratings[row] if 0 <= row < len(self._ratings) else None

    def press(self, key: str) -> bool:
        """Replay, change or delete the chosen rating."""
        rating, action = self.chosen, self._settings.keys.get(key, "")
        if rating is None:
            return False
        if key == "enter":
            self.play()
        elif key in ("delete", "backspace", "x") or action == "untouched":
            self._change(rating, None)
        elif action in ("louder", "softer"):
            by = CHANGE_STEP if action == "louder" else -CHANGE_STEP
            self._change(rating, round(min(1.0, max(-1.0, rating.rating + by)), 2))
        elif action.startswith("rate"):
            self._change(rating, (int(action.removeprefix("rate")) - 5) / 4)
        else:
            return False
        return True

    def play(self) -> None:
        """Play the chosen song again."""
        if self.chosen is not None:
            self._session.replay(self.chosen.key, self.chosen.coordinate)
            self.dismiss()

    def _change(self, rating: Rating, value: float | None) -> None:
        self._session.history.change(rating.key, value)
        self.fill()


class SavedWindow(TableWindow):
    """A table of the saved songs, which can be replayed, deleted and listed in a playlist.

    Args:
        session: that saved them.
        settings: keys.
        say: takes a line for the listener.
    """

    def __init__(self, session: Session, settings: Settings, say: Callable[[str], None]) -> None:
        super().__init__(
            "Saved songs",
            [*settings.keys_of("saved"), *settings.keys_of("quit")],
            ["song", "you", "station", "", "when"],
            "enter play   x delete   m playlist   o open folder   escape close",
        )
        self._session = session
        self._say = say
        self._folder = session.folder.path
        self._songs: list[SavedSong] = []

    def rows(self) -> tuple[list[list[Text]], str]:
        """Return a row for each song."""
        try:
            self._songs = saved_songs(self._folder)
        except OSError as error:
            return [], f"the folder can't be read: {error}"
        rated = {one.key: one.rating for one in self._session.history.ratings()}
        return [self._row(one, rated.get(one.key, one.rating)) for one in self._songs], (
            f"{words.counted(len(self._songs), 'song')} in {self._folder}"
        )

    def _row(self, one: SavedSong, rating: float | None) -> list[Text]:
        given = "" if rating is None else f"{rating:+.2f}"
        return [
            Text(one.name),
            panels.coloured(given, panels.tint(rating)),
            Text(one.station, panels.QUIET),
            panels.coloured("your final song" if one.final else "", "magenta"),
            Text(time.strftime(MINUTE, time.localtime(one.time)), panels.QUIET),
        ]

    @property
    def chosen(self) -> SavedSong | None:
        """The song under the cursor."""
        row = self._table.cursor_row
        return self._songs[row] if 0 <= row < len(self._songs) else None

    def press(self, key: str) -> bool:
        """Act on the chosen song, or on all of them."""
        song = self.chosen
        if key == "enter" and song is not None:
            self.play()
        elif key in ("x", "delete", "backspace") and song is not None:
            question = f"Delete {song.name}? Its file is {song.path}"
            self.app.push_screen(QuestionWindow(question, lambda: self._delete(song)))
        elif key == "m" and self._songs:
            self._try(lambda: f"Wrote {write_playlist(self._songs, self._folder / PLAYLIST)}")
        elif key == "o":
            self._try(lambda: open_folder(self._folder))
        else:
            return False
        return True

    def play(self) -> None:
        """Play the chosen song again."""
        if self.chosen is not None:
            self._session.replays.start_saved(self.chosen, self._session.journal)
            self.dismiss()

    def _delete(self, song: SavedSong) -> None:
        def delete() -> str:
            delete_saved(song)
            return f"Deleted {song.path}"

        self._try(delete)
        self.fill()

    def _try(self, act: Callable[[], str]) -> None:
        try:
            line = act()
        except OSError as error:
            line = f"That failed: {error}"
        self._head.update(panels.coloured(line, "yellow"))
        self._say(line)
