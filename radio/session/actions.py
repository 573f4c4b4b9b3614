"""What the actions of radio/home/settings.py do to a running programme; those that open a window are the screen's own."""

from __future__ import annotations

from collections.abc import Callable

from radio.session.session import Broadcast

SEEK_SECONDS = 5.0
SLIDER_STEP = 0.1
VOLUME_STEP = 0.05


def actions(broadcast: Broadcast) -> dict[str, Callable[[], None]]:
    """Return what each action does."""
    table: dict[str, Callable[[], None]] = {
        "pause": broadcast.toggle_pause,
        "next": broadcast.next,
        "previous": broadcast.previous,
        "back": lambda: broadcast.seek(-SEEK_SECONDS),
        "forward": lambda: broadcast.seek(SEEK_SECONDS),
        "louder": lambda: broadcast.change_volume(VOLUME_STEP),
        "softer": lambda: broadcast.change_volume(-VOLUME_STEP),
        "up": lambda: broadcast.move_slider(SLIDER_STEP),
        "down": lambda: broadcast.move_slider(-SLIDER_STEP),
        "untouched": lambda: broadcast.set_slider(None),
        "undo": broadcast.undo,
        "save": broadcast.save,
        "final": broadcast.make_final,
        "reset": broadcast.reset_layers,
    }
    for digit in range(1, 10):
        table[f"rate{digit}"] = lambda value=(digit - 5) / 4: broadcast.set_slider(value)  # type: ignore[misc]
    return table
