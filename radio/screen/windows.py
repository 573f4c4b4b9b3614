"""Windows over the player: help, explanation, history, sound devices.

Escape and the key that opened a window close it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import DataTable, OptionList, Static

from radio.home import Settings
from radio.ratings import Rating
from radio.screen import panels
from radio.screen.keys import key_of
from radio.session import Session

CHANGE_STEP = 0.1


class Window(ModalScreen[None], inherit_bindings=False):
    """A window with a title that a key closes.

    Args:
        title: its first line.
        closing: keys that close it, besides Escape.
    """

    def __init__(self, title: str, closing: list[str]) -> None:
        super().__init__()
        self._heading = title
        self._closing_keys = {*closing, "escape"}

    def on_key(self, event: events.Key) -> None:
        """Close the window, or let it handle the key."""
        key = key_of(event)
        if key in self._closing_keys:
            event.stop()
            event.prevent_default()
            self.dismiss()
        elif self.press(key):
            event.stop()
            event.prevent_default()

    def press(self, key: str) -> bool:
        """Handle a key and return whether it had a meaning."""
        return False


class TextWindow(Window):
    """A window of text.

    Args:
        title: its first line.
        closing: keys that close it.
        text: returns its text; called again regularly.
    """

    def __init__(self, title: str, closing: list[str], text: Callable[[], Text]) -> None:
        super().__init__(title, closing)
        self._text = text
        self._content = Static(text())

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(classes="window"):
            yield Static(Text(self._heading, "bold"), classes="title")
            yield self._content

    def on_mount(self) -> None:
        """Keep it up to date."""
        self.set_interval(0.5, lambda: self._content.update(self._text()))


class HistoryWindow(Window):
    """A table of all ratings, which can be replayed, changed and deleted.

    Args:
        session: whose ratings.
        settings: keys.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        super().__init__("History", [*settings.keys_of("history"), *settings.keys_of("quit")])
        self._session = session
        self._settings = settings
        self._table: DataTable[Text] = DataTable(cursor_type="row", zebra_stripes=True)
        self._ratings: list[Rating] = []

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="window tall"):
            yield Static(
                Text.assemble(
                    ("History", "bold"), f"   songs rated: {len(self._session.history.judged)}"
                ),
                classes="title",
            )
            yield self._table
            yield Static(
                Text(
                    "enter play again   + - 1 to 9 change   x delete   escape close",
                    panels.QUIET,
                )
            )

    def on_mount(self) -> None:
        """Fill the table."""
        self._table.add_columns("when", "song", "expected", "given", "")
        self._fill()
        self._table.focus()

    def _fill(self) -> None:
        row = self._table.cursor_row
        self._ratings = self._session.history.ratings()
        self._table.clear()
        for one in self._ratings:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.time))
            expected = "?" if one.expected is None else f"{min(1.0, max(-1.0, one.expected)):+.2f}"
            given = Text(f"{one.rating:+.2f}", panels.tint(one.rating))
            self._table.add_row(
                Text(when),
                Text(one.song),
                Text(expected),
                given,
                Text("skipped" if one.skipped else ""),
            )
        self._table.move_cursor(row=min(row, len(self._ratings) - 1))

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
            self._session.replay(rating.key, rating.coordinate)
            self.dismiss()
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

    def _change(self, rating: Rating, value: float | None) -> None:
        self._session.history.change(rating.key, value)
        self._fill()

    def on_data_table_row_selected(self) -> None:
        """Replay the clicked song."""
        if self.chosen is not None:
            self._session.replay(self.chosen.key, self.chosen.coordinate)
            self.dismiss()


class DevicesWindow(Window):
    """A list of sound devices to choose from.

    Args:
        names: of the devices.
        choose: called with the chosen device; None is the system default.
        closing: keys that close it.
    """

    def __init__(
        self, names: list[str], choose: Callable[[str | None], None], closing: list[str]
    ) -> None:
        super().__init__("Sound device", closing)
        self._names: list[str | None] = [None, *names]
        self._choose = choose
        self._list = OptionList(
            *(Text("System default" if name is None else name) for name in self._names)
        )

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="window"):
            yield Static(Text(self._heading, "bold"), classes="title")
            yield self._list
            yield Static(
                Text(
                    "enter select or rescan   escape close",
                    panels.QUIET,
                )
            )

    def on_mount(self) -> None:
        """Give the list the focus."""
        self._list.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Continue on the chosen device."""
        self.dismiss()
        self._choose(self._names[event.option_index])
