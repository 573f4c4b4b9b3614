"""Windows over the player: text, a choice from a list, a question.

Escape and the key that opened a window close it.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from radio.screen.keys import QUIET, key_of

WIDTH = 78  # columns of a window, where there are so many
FRAME = 6  # columns of its border, margin and scroll bar


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
        text: returns its text for a width; called again regularly.
    """

    def __init__(self, title: str, closing: list[str], text: Callable[[int], Text]) -> None:
        super().__init__(title, closing)
        self._text = text
        self._content = Static()

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(classes="window"):
            yield Static(Text(self._heading, "bold"), classes="title")
            yield self._content

    def on_mount(self) -> None:
        """Keep it up to date."""
        self.set_interval(0.5, self._show)
        self._show()

    def on_resize(self) -> None:
        """Write it for the new width."""
        self._show()

    def _show(self) -> None:
        room = min(WIDTH, self.app.size.width) - FRAME
        self._content.update(self._text(room))


class ListWindow(Window):
    """A list to choose from.

    Args:
        title: its first line.
        names: of what can be chosen.
        choose: called with the number of what was chosen.
        closing: keys that close it.
        chosen: number of what is chosen already.
        hint: its last line.
    """

    def __init__(
        self,
        title: str,
        names: list[str],
        choose: Callable[[int], None],
        closing: list[str],
        *,
        chosen: int = 0,
        hint: str = "enter choose   escape close",
    ) -> None:
        super().__init__(title, closing)
        self._choose = choose
        self._chosen = chosen
        self._hint = hint
        self._list = OptionList(*(Text(name) for name in names))

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="window"):
            yield Static(Text(self._heading, "bold"), classes="title")
            yield self._list
            yield Static(Text(self._hint, QUIET))

    def on_mount(self) -> None:
        """Give the list the focus."""
        self._list.highlighted = self._chosen
        self._list.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose."""
        self.dismiss()
        self._choose(event.option_index)


class QuestionWindow(Window):
    """A question that is answered with y or n.

    Args:
        question: its text.
        act: called if the answer is yes.
    """

    def __init__(self, question: str, act: Callable[[], None]) -> None:
        super().__init__(question, ["n", "q"])
        self._act = act

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="window"):
            yield Static(Text(self._heading), classes="title")
            yield Static(Text("y yes   n no", QUIET))

    def press(self, key: str) -> bool:
        """Act on a yes."""
        if key in ("y", "enter"):
            self.dismiss()
            self._act()
        return True


class NameWindow(Window):
    """A line to type a name into.

    Args:
        title: its first line.
        take: called with the name.
    """

    def __init__(self, title: str, take: Callable[[str], None]) -> None:
        super().__init__(title, [])
        self._take = take
        self._input = Input(max_length=64)

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="window"):
            yield Static(Text(self._heading, "bold"), classes="title")
            yield self._input
            yield Static(Text("enter begin   escape close", QUIET))

    def on_mount(self) -> None:
        """Give the line the focus."""
        self._input.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the name."""
        self.dismiss()
        if event.value.strip():
            self._take(event.value.strip())
