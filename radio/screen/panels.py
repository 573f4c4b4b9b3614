"""The parts of the screen: functions of a `View`, a width and a height that return styled text.

The progress bar and the curves share their columns, see `columns`; so would any other row that
stands for the song from left to right.
"""

from __future__ import annotations

import textwrap
from itertools import groupby

import numpy as np
from rich.text import Text

from radio.home import Settings
from radio.screen import curves, words
from radio.screen.sections import section_row
from radio.session import View

GOOD, BAD, QUIET = "green", "red", "dim"
LABEL = 5  # columns of what is beside the bar and the curves
NARROW = 56  # columns below which margins are small
# width from which the search for the final song is called so, and its predicted rating
SEARCHING = (
    (78, "searching for your final song", "predicted so far "),
    (NARROW, "final song", "predicted "),
    (0, "final song", ""),
)


def columns(width: int) -> tuple[int, int]:
    """Return the first column of the bar and the curves, and how many there are."""
    first = LABEL + (4 if width >= NARROW else 2)
    return first, max(1, width - first - LABEL - 2)


def label(text: str, width: int) -> str:
    """Return what is left of the bar or a curve."""
    return f"{text:<{LABEL}} ".rjust(columns(width)[0])


def clock(seconds: float) -> str:
    """Return minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def tint(rating: float | None) -> str:
    """Return the colour of a rating."""
    return "" if rating is None else GOOD if rating >= 0 else BAD


def signed(rating: float | None) -> str:
    """Return a rating with its sign, within the ends of the slider."""
    return "  ?  " if rating is None else f"{min(1.0, max(-1.0, rating)):+.2f}"


def coloured(text: str, style: str) -> Text:
    """Return a text in a colour of the terminal: Textual has other colours for a whole `Text`."""
    return Text.assemble((text, style), no_wrap=True)


def both_ends(left: Text, right: Text, width: int) -> Text:
    """Return two texts at the ends of a line; the left one is truncated."""
    room = width - right.cell_len - 2
    if room < 8:
        left.truncate(width, overflow="ellipsis")
        return left
    left.truncate(room, overflow="ellipsis", pad=True)
    return left.append("  ").append_text(right)


def header(view: View, width: int, *, title: str) -> Text:
    """Return the station, the listener, and the state of the sound."""
    left = Text.assemble((" AI Radio", "bold"), (f"   {title}", QUIET))
    states = [
        opening(view, width),
        f"sleep in {int(view.sleep // 60) + 1} min" if view.sleep is not None else "",
        "no sound" if view.silent else f"volume {view.volume * 100:.0f}",
    ]
    right = Text(("   ".join(state for state in states if state)) + " ", QUIET)
    if view.paused:
        right = coloured("paused   ", "bold yellow").append_text(right)
    return both_ends(left, right, width)


def opening(view: View, width: int) -> str:
    """Return how far the composer is while it opens, as a bar where there is room; else nothing."""
    if view.opening is None:
        return ""
    text, done, of = view.opening
    room = 10 if width >= NARROW else 0
    full = room * done // max(1, of)
    bar = "━" * full + "─" * (room - full) + " " if room else ""
    return f"{text} {bar}{done} of {of}"


def now_playing(view: View, width: int, height: int = 1) -> Text:
    """Return the song's name and its predicted rating, tempo and key; in one line or in two."""
    margin = " " * (3 if width >= NARROW else 1)
    if not view.duration:
        return Text(f"{margin}{view.busy} ..." if view.busy else "", style="bold")
    left = Text.assemble(margin, (view.name, "bold"))
    if view.final_song:
        left.append("   your final song", "magenta")
    if view.saved:
        left.append("   ✓ saved", GOOD)
    if view.expected is None:
        right = Text("no prediction yet ", QUIET)
    else:
        mean, deviation = view.expected
        word = "predicted " if width >= NARROW else ""
        right = Text.assemble(
            (word, QUIET), (signed(mean), tint(mean)), (f" ± {deviation:.1f} ", QUIET)
        )
    if height > 1:
        return both_ends(left, right, width).append(f"\n{margin}{view.details}", QUIET)
    room = width - left.cell_len - right.cell_len - 6
    details = next((one for one in _details(view.details) if len(one) <= room), "")
    if details and width >= NARROW:
        left.append(f"   {details}", QUIET)
    return both_ends(left, right, width)


def _details(text: str) -> list[str]:
    """Return 'C major / A minor, 120 bpm', and it without the minor key, and its last part."""
    keys, comma, tempo = text.rpartition(", ")
    return [text, keys.partition(" / ")[0] + comma + tempo, tempo]


def picture(levels: np.ndarray, height: int, width: int) -> Text:
    """Return a spectrum or waveform (W,) over H rows, in warmer colours where it is louder."""
    first = columns(width)[0]
    text = Text(no_wrap=True)
    for row, line in enumerate(curves.bars(levels, height)):
        share = 1 - row / max(1, height - 1) if height > 1 else 0.3
        style = "yellow" if share > 0.7 else "green" if share > 0.35 else "cyan"
        text.append(" " * first + line + ("\n" if row < height - 1 else ""), style)
    return text


def progress(view: View, width: int) -> Text:
    """Return the progress bar between the time played and the song's length."""
    room = columns(width)[1]
    share = view.position / view.duration if view.duration else 0.0
    done = min(room - 1, int(share * room))
    return Text.assemble(
        (label(clock(view.position), width), ""),
        ("━" * done, "cyan"),
        ("╸", "cyan"),
        ("─" * (room - done - 1), QUIET),
        (f" {clock(view.duration):>{LABEL}} ", QUIET),
    )


def sections(view: View, width: int, height: int) -> Text:
    """Return the sections of the song, below the progress bar."""
    return section_row(view, *columns(width))


def progress_at(column: int, width: int) -> float:
    """Return the share of the song, from 0 to 1, at a column of the progress bar."""
    first, count = columns(width)
    return float(np.clip((column - first + 0.5) / count, 0, 1))


def curve_lines(view: View, width: int, height: int) -> Text:
    """Return the listener's curve above the predicted one, each around its zero line.

    With fewer than four rows there is one: the listener's, and where it isn't drawn the prediction.
    """
    count = columns(width)[1]
    mine = curves.drawn(view.curve, view.duration, view.position, count)
    predicted = np.clip(curves.resampled(view.predicted, count), -1, 1)
    if height < 4:
        shown = [("you", np.where(np.isnan(mine), predicted, mine))]
    else:
        shown = [("you", mine), ("radio", predicted)]
    rows = max(1, height // (2 * len(shown)))
    text = Text(no_wrap=True)
    for name, values in shown:
        for row, cells in enumerate(curves.rating_cells(values, rows)):
            text.append(label(name if row == rows - 1 else "", width), QUIET)
            for style, run in groupby(cells, key=lambda cell: cell[1]):
                text.append("".join(glyph for glyph, _ in run), STYLES[style])
            text.append("\n")
    text.right_crop(1)
    return text


STYLES = {"good": GOOD, "bad": BAD, "below": f"{BAD} reverse", "zero": "", "unknown": QUIET}


def learning(
    view: View, width: int, height: int, *, settings: Settings, beside: bool = False
) -> Text:
    """Return what can be done now, the search for the final song, or what is known.

    Args:
        view: of the session.
        width: columns.
        height: rows.
        settings: keys.
        beside: whether what is known is shown beside it.
    """
    margin = " " * columns(width)[0] if width >= NARROW else " "
    if view.searching:
        return searching(view, width)
    if text := words.hint(view, settings):
        return coloured(_wrapped(text, margin, width, height), "yellow")
    if beside:
        return Text()
    known = words.knowledge(view)
    if accuracy := words.accuracy(view.judged):
        both = _wrapped(f"{known}; {accuracy}", margin, width, height + 1)
        if both.count("\n") < max(1, height):
            return Text(both, QUIET, no_wrap=True)
    return Text(_wrapped(known, margin, width, height), QUIET, no_wrap=True)


def _wrapped(text: str, margin: str, width: int, height: int) -> str:
    """Return a text in at most so many lines behind a margin."""
    room = max(20, width - len(margin) - 1)
    broken = textwrap.wrap(text, room, max_lines=max(1, height), placeholder=" …")
    return "\n".join(margin + line for line in broken)


def searching(view: View, width: int) -> Text:
    """Return the progress of the search for the final song."""
    step, steps, expected, _ = view.final or (0, 1, None, 0.0)
    what, word = next(words for least, *words in SEARCHING if width >= least)
    left = " " * (columns(width)[0] if width >= NARROW else 1) + f"{what}  "
    room = max(1, min(20, width - len(left) - len(word) - len("  100 %  +0.00 ")))
    done = round(room * step / max(1, steps))
    text = Text.assemble(left, ("━" * done, "magenta"), ("─" * (room - done), QUIET), no_wrap=True)
    text.append(f"  {100 * step // max(1, steps)} %")
    if expected is not None:
        text.append(f"  {word}", QUIET).append(signed(expected), tint(expected))
    return text


def recent(view: View, width: int, height: int) -> Text:
    """Return the latest rated songs with both ratings."""
    margin = columns(width)[0] if width >= NARROW else 1
    return rated_songs(view, height, margin=margin, name=max(10, min(24, width - margin - 32)))


def rated_songs(view: View, count: int, *, margin: int, name: int) -> Text:
    """Return a line for each of the latest rated songs.

    Args:
        view: of the session.
        count: of the lines.
        margin: columns before a name.
        name: columns of a name.
    """
    rows = []
    for one in view.judged[: max(0, count)]:
        row = Text(f"{'':{margin}}{one.song:<{name}.{name}}  ", QUIET if one.skipped else "")
        if one.skipped:
            row.append("skipped", QUIET)
        else:
            row.append("you ", QUIET).append(signed(one.given), tint(one.given))
            row.append("   predicted ", QUIET).append(signed(one.expected), QUIET)
        rows.append(row)
    return Text("\n", no_wrap=True).join(rows)


def lines(said: list[str], width: int, height: int) -> Text:
    """Return the latest messages that fit as a whole, wrapped, the last at the bottom."""
    margin = " " * (3 if width >= NARROW else 1)
    shown: list[str] = []
    room = max(20, width - 4)
    for line in reversed(said[-height:]):
        broken = textwrap.wrap(
            line,
            room,
            subsequent_indent="  ",
            max_lines=max(1, height),
            placeholder=" …",
            break_on_hyphens=False,  # of a file's name
        )
        longest = max(line.split(), key=len, default="")
        kept = len(longest) - (len(line) + 1 - room)
        if broken and broken[-1].endswith(" …") and kept > 0:  # a path's end tells more
            broken = [line.replace(longest, f"…{longest[-kept:]}", 1)]
        if len(broken) + len(shown) > height:
            break
        shown = (broken or [""]) + shown
    return Text("\n".join(margin + line for line in shown), QUIET, no_wrap=True)
