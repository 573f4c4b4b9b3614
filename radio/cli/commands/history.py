"""`ai-radio history` and `listeners`: print ratings as a table, as CSV or as JSON."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from typing import Any

from radio.cli.progress import padded
from radio.errors import meant
from radio.home import Home, check_name
from radio.ratings import Rating, Ratings, open_ratings
from radio.station import share_code

COLUMNS = ("time", "listener", "station", "song", "expected", "rating", "skipped", "key")


def history(options: argparse.Namespace) -> None:
    """Print every rating, the latest first."""
    found = [] if (ratings := _open(options)) is None else ratings.all()
    none = "No song has been rated yet; ai-radio plays some."
    for name, chosen in (("listener", options.listener), ("station", options.station)):
        if chosen is not None:
            check_name(chosen, name)
            known = sorted({getattr(one, name) for one in found})
            found = [one for one in found if getattr(one, name) == chosen]
            if known and not found:
                none = f"The {name} {chosen} has no ratings{meant(chosen, known)}; "
                none += f"{name}s with ratings: {', '.join(known)}"
    if options.json:
        rows = [
            {
                **_row(one),
                "coordinate": one.coordinate.tolist(),
                "curve": one.curve.tolist(),
                "code": share_code(one.station, one.made_by, one.coordinate),
            }
            for one in found
        ]
        json.dump(rows, sys.stdout, indent=2)
        print()
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(one) for one in found)
    elif not found:
        print(none)
    else:
        names = f"{'when':16}  {'listener':12}  {'station':12}  {'song':22}"
        print(f"{names}  {'predicted':>9}  {'you':>6}")
        for one in found:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.time))
            expected = "" if one.expected is None else f"{min(1.0, max(-1.0, one.expected)):+.2f}"
            names = f"{when}  {padded(one.listener, 12)}  {padded(one.station, 12)}  {one.song:22}"
            end = "  skipped" if one.skipped else f"  seed: {one.seed}" if one.seed else ""
            print(f"{names}  {expected:>9}  {one.rating:+6.2f}{end}")


def listeners(options: argparse.Namespace) -> None:
    """List who has rated songs of which stations."""
    rows = [] if (ratings := _open(options)) is None else ratings.latest()
    if options.json:
        facts = [
            {"listener": who, "station": station, "ratings": count, "latest": _when(last)}
            for who, station, count, last in rows
        ]
        json.dump(facts, sys.stdout, indent=2)
        print()
        return
    if not rows:
        print("Nobody has rated a song yet; ai-radio --listener NAME plays for a new listener.")
    for who, station, count, last in rows:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(last))
        names = f"{padded(who, 20)}  {padded(station, 20)}"
        print(f"{names}  {count:5d} rating{'s' * (count != 1)}, the latest {when}")


def _open(options: argparse.Namespace) -> Ratings | None:
    """Open the ratings, without making a database where there is none."""
    path = Home(options.home).path / "ratings.db"
    return open_ratings(path) if path.exists() else None


def _row(one: Rating) -> dict[str, Any]:
    values = (
        _when(one.time),
        one.listener,
        one.station,
        one.song,
        one.expected,
        one.rating,
        one.skipped,
        one.key,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
