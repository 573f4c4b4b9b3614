"""The parts of the screen: functions of a `View`, a width and a height that return styled text."""

from __future__ import annotations

import textwrap
from itertools import zip_longest

import numpy as np
from rich.text import Text

from radio.home import ACTIONS, Settings
from radio.screen import curves
from radio.screen.sections import section_row
from radio.session import View

LABEL = 12  # columns of the labels 'you' and 'predicted'
GOOD, BAD, QUIET = "green", "red", "grey62"
TRACK = 29  # positions of the slider


def clock(seconds: float) -> str:
    """Return minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def tint(rating: float | None) -> str:
    """Return the colour of a rating."""
    return "" if rating is None else GOOD if rating >= 0 else BAD


def both_ends(left: Text, right: Text, width: int) -> Text:
    """Return two texts at the ends of a line; the left one is truncated."""
    room = width - right.cell_len - 2
    if room < 8:
        left.truncate(width, overflow="ellipsis")
        return left
    left.truncate(room, overflow="ellipsis", pad=True)
    return left.append("  ").append_text(right)


def header(view: View, width: int, *, title: str) -> Text:
    """Return the station, the listener and the state of learning."""
    left = Text.assemble((" AI Radio", "bold"), f"    {title}")
    waiting = (
        f"{view.queue} to learn"
        if view.queue
        else "all learned"
        if view.rated
        else "nothing learned yet"
    )
    songs = "song" if view.rated == 1 else "songs"
    return both_ends(left, Text(f"{view.rated} {songs} rated   {waiting} "), width)


def now_playing(view: View, width: int) -> Text:
    """Return the song's name, tempo and key, and its predicted rating."""
    if not view.duration:
        return Text(f"   {view.busy} ..." if view.busy else "", style="bold")
    left = Text.assemble(
        "   ", (view.name, "bold"), (f"    {view.details}" if view.details else "", QUIET)
    )
    if view.expected is None:
        return both_ends(left, Text("no prediction yet ", QUIET), width)
    mean, deviation = view.expected
    shown = min(1.0, max(-1.0, mean))
    right = Text.assemble(
        "predicted rating ", (f"{shown:+.2f}", tint(shown)), (f" ± {deviation:.2f} ", QUIET)
    )
    return both_ends(left, right, width)


def picture(levels: np.ndarray, height: int, width: int) -> Text:
    """Return a spectrum or waveform (W,) over H rows, in warmer colours where it is louder."""
    lines = curves.bars(levels, height)
    text = Text(no_wrap=True)
    for row, line in enumerate(lines):
        share = 1 - row / max(1, height - 1) if height > 1 else 0.3
        style = (
            "red"
            if share > 0.85
            else "yellow"
            if share > 0.6
            else "green"
            if share > 0.25
            else "cyan"
        )
        text.append("   " + line[: width - 4] + ("\n" if row < height - 1 else ""), style)
    return text


def progress(view: View, width: int) -> Text:
    """Return the progress bar, the time, and the volume."""
    right = _beside_progress(view)
    room = max(1, width - 3 - len(right))
    share = view.position / view.duration if view.duration else 0.0
    done = min(room - 1, int(share * room))
    return Text.assemble(
        "   ", ("━" * done, "cyan"), ("╸", "cyan"), ("─" * (room - done - 1), QUIET), right
    )


def sections(view: View, width: int, height: int) -> Text:
    """Return the sections of the song, below the progress bar."""
    return section_row(view, 3, max(1, width - 3 - len(_beside_progress(view))))


def progress_at(column: int, view: View, width: int) -> float:
    """Return the share of the song, from 0 to 1, at a column of the progress bar."""
    return float(np.clip((column - 3) / max(1, width - 4 - len(_beside_progress(view))), 0, 1))


def _beside_progress(view: View) -> str:
    volume = "no sound" if view.silent else f"volume {view.volume * 100:.0f}"
    gaps = f"   {view.underruns} dropout{'s' * (view.underruns != 1)}" if view.underruns else ""
    state = "paused" if view.paused else volume
    return f"   {clock(view.position)} / {clock(view.duration)}   {state}{gaps} "


def curve_lines(view: View, width: int, height: int) -> Text:
    """Return the listener's curve above the predicted one, each over half of the rows."""
    rows, room = max(1, height // 2), max(1, width - 3 - LABEL)
    mine = curves.drawn(view.curve, view.duration, view.position, room)
    predicted = np.clip(curves.resampled(view.predicted, room), -1, 1)
    text = Text(no_wrap=True)
    for label, values, style in (
        ("you", mine, tint(view.slider) or GOOD),
        ("predicted", predicted, "cyan"),
    ):
        for row, line in enumerate(curves.rating_bars(values, rows)):
            text.append(f"   {label if row == rows - 1 else '':<{LABEL}}", QUIET).append(
                line, style
            )
            text.append("\n")
    text.right_crop(1)
    return text


def slider_line(view: View, width: int) -> Text:
    """Return the slider as a knob on a track, and its value."""
    text = Text("   dislike ", no_wrap=True)
    places = track_places(width)
    knob = None if view.slider is None else round((view.slider + 1) / 2 * (places - 1))
    for place in range(places):
        mark = (
            "├"
            if place == 0
            else "┤"
            if place == places - 1
            else "┼"
            if place == places // 2
            else "─"
        )
        text.append(
            "●" if place == knob else mark, tint(view.slider) + " bold" if place == knob else QUIET
        )
    text.append(" love   ")
    return text.append(
        "unrated" if view.slider is None else f"{view.slider:+.2f}", tint(view.slider) or QUIET
    )


def track_places(width: int) -> int:
    """Return the number of positions of the slider; odd, so that there is a middle."""
    return max(11, min(TRACK + 2 * max(0, (width - 80) // 4), width - 33)) // 2 * 2 + 1


def slider_at(column: int, width: int) -> float:
    """Return the value of the slider at a column of its line."""
    places = track_places(width)
    return float(np.clip((column - len("   dislike ")) / (places - 1) * 2 - 1, -1, 1))


def learning(view: View, width: int, height: int) -> Text:
    """Return the state of learning: number of ratings, agreement, and songs with both ratings."""
    text = Text(no_wrap=True)
    if view.final is not None:
        step, steps, expected, distance = view.final
        done = round(20 * step / max(1, steps))
        text.append("   final song  ").append("━" * done, "magenta").append(
            "─" * (20 - done), QUIET
        )
        text.append(f"  {step} of {steps}   predicted {expected:+.2f}   distance {distance:.1f}")
        return text
    agree = (
        "too few to compare with predictions"
        if view.agreement is None
        else f"predicted and given ratings correlate {view.agreement:+.2f}"
    )
    ratings = "rating" if view.rated == 1 else "ratings"
    text.append(f"   {view.rated} {ratings}, {view.queue} to learn   {agree}", QUIET)
    for one in view.judged[: max(0, height - 1)]:
        expected_text = "  ?  " if one.expected is None else f"{np.clip(one.expected, -1, 1):+.2f}"
        text.append("\n      ").append(f"{one.song:<22.22}", "").append(
            f" predicted {expected_text}", QUIET
        )
        text.append("   given ").append(f"{one.given:+.2f}", tint(one.given))
    return text


def footer(settings: Settings, width: int) -> Text:
    """Return the most important keys, as many as there is room for."""
    named = [
        ("pause", "pause"),
        ("next", "next"),
        ("up", "rate"),
        ("undo", "undo"),
        ("save", "save"),
        ("final", "final song"),
    ]
    named += [("explain", "explain"), ("history", "history"), ("help", "help"), ("quit", "quit")]
    parts = []
    for action, word in named:
        keys = settings.keys_of(action)[:1] + (
            settings.keys_of("down")[:1] if action == "up" else []
        )
        if keys:
            parts.append(("/".join(key_name(key) for key in keys), word))
    last = [part for part in parts if part[1] in ("help", "quit")]
    room = width - 1 - sum(len(key) + len(word) + 3 for key, word in last)
    shown = []
    for key, word in parts:
        if (key, word) not in last and len(key) + len(word) + 3 <= room:
            room -= len(key) + len(word) + 3
            shown.append((key, word))
    text = Text(" ", no_wrap=True)
    for key, word in [*shown, *last]:
        text.append(key, "bold").append(f" {word}  ", QUIET)
    return text


def lines(said: list[str], width: int, height: int) -> Text:
    """Return the latest messages, the last at the bottom, wrapped if they are too long."""
    broken = [
        part
        for line in said[-height:]
        for part in textwrap.wrap(line, max(20, width - 4), subsequent_indent="  ") or [""]
    ]
    return Text("\n".join(f"   {line}" for line in broken[-height:]), QUIET, no_wrap=True)


def key_name(key: str) -> str:
    """Return a key as it is displayed."""
    return {"up": "↑", "down": "↓", "left": "←", "right": "→"}.get(key, key)


def help_text(settings: Settings) -> Text:
    """Return every action with its keys, and how a song is rated."""
    text = Text()
    rows = [
        (action, words) for action, (_, words) in ACTIONS.items() if not action.startswith("rate")
    ]
    half = (len(rows) + 1) // 2
    for left, right in zip_longest(rows[:half], rows[half:]):
        for row, room in ((left, 20), (right, 0)):
            if row is not None:
                keys = " ".join(key_name(key) for key in settings.keys_of(row[0])) or "no key"
                text.append(f" {keys:<9} ", "bold").append(f"{row[1]:<{room}}")
        text.append("\n")
    ends = [key_name(key) for action in ("rate1", "rate9") for key in settings.keys_of(action)[:1]]
    text.append(f" {' to '.join(ends):<9} ", "bold").append(
        "set the slider, from -1 to +1; the mouse can drag it\n\n"
    )
    return text.append(
        " The slider rates the current moment of the song. The song's rating is the\n"
        " mean from your first touch on, without the first 3 seconds, as opinions\n"
        " take time. If you don't touch it, the song stays unrated; skipping counts\n"
        " as a mild dislike.",
        QUIET,
    )
