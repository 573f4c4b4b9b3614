"""`ai-radio listener`: list listeners; export, import, delete or seed a listener's ratings."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from radio.cli.commands.seeds import list_seeds, seed, unseed
from radio.errors import UsageError, meant
from radio.home import Home, check_name, write_json
from radio.ratings import Rating, Ratings, open_ratings, rating_of_row

LARGEST_FILE = 64 << 20  # bytes


def listener(options: argparse.Namespace) -> None:
    """List listeners, or export, import, delete or seed one listener's ratings."""
    home = Home(options.home)
    if options.action == "import" and not options.files and options.name is not None:
        # the name is in the file
        options.name, options.files = None, [Path(options.name)]
    if options.action not in ("list", "import") and options.name is None:
        raise UsageError(f"whose ratings? ai-radio listener {options.action} NAME")
    if options.action in ("export", "import") and len(options.files) != 1:
        named = f"{options.name} " if options.name else ""
        raise UsageError(f"which file? ai-radio listener {options.action} {named}FILE.json")
    ratings = open_ratings(home.ratings)
    try:
        if options.action == "list":
            _list(ratings, options.json)
            return
        read: tuple[str, list[Rating]] = ("", [])
        if options.action == "import":
            read = _read(options.files[0])
        name = check_name(options.name or read[0], "listener")
        if options.action == "seed":
            seed(options, ratings, home, name)
            return
        if options.action in ("seeds", "unseed"):
            (unseed if options.action == "unseed" else list_seeds)(options, ratings, name)
            return
        if options.action == "export":
            count, what = (
                _export(ratings, name, options.files[0]),
                f"exported to {options.files[0]}",
            )
        elif options.action == "import":
            count, what = _import(ratings, name, read[1]), f"imported from {options.files[0]}"
        else:
            count, what = _delete(ratings, home, name), "deleted"
        if options.json:
            json.dump(
                {"action": options.action, "listener": name, "ratings": count}, sys.stdout, indent=2
            )
            print()
        else:
            print(f"{count} rating{'s' * (count != 1)} of {name} {what}")
    finally:
        ratings.close()


def _list(ratings: Ratings, as_json: bool) -> None:
    found = ratings.listeners()
    if as_json:
        json.dump(
            [
                {"listener": name, "station": station, "ratings": count}
                for name, station, count in found
            ],
            sys.stdout,
            indent=2,
        )
        print()
        return
    if not found:
        print("Nobody has rated a song yet.")
    for name, station, count in found:
        print(f"{name:20}  {count} song{'s' * (count != 1)} rated on station {station}")


def _export(ratings: Ratings, name: str, path: Path) -> int:
    if path.suffix.lower() != ".json":
        raise UsageError(f"ratings are exported to a file that ends in .json, not to {path}")
    rated = ratings.of_listener(name)
    if not rated:
        raise _unknown(ratings, name)
    rows = [
        asdict(one) | {"coordinate": one.coordinate.tolist(), "curve": one.curve.tolist()}
        for one in rated
    ]
    write_json(path, {"kind": "listener", "version": 1, "listener": name, "ratings": rows})
    return len(rated)


def _import(ratings: Ratings, name: str, read: list[Rating]) -> int:
    """Import ratings, all or none, without duplicates of existing ones."""
    for one in read:
        one.listener = name
    ratings.write_all(read)
    return len(read)


def _read(path: Path) -> tuple[str, list[Rating]]:
    """Return whose ratings are in a file, and the ratings."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError("it is too large")
        content = json.loads(path.read_text("utf-8"))
        if content["kind"] != "listener" or content["version"] != 1:
            raise ValueError("its kind or version is unknown")
        return str(content["listener"]), [_rating(row) for row in content["ratings"]]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(
            f"{path} is not an exported listener ({type(error).__name__}: {error});"
            " give a file that ai-radio listener export wrote"
        ) from error


def _rating(row: dict[str, Any]) -> Rating:
    """Return a rating from a file of unknown origin, checked like a row of the database."""
    names = (
        "key",
        "listener",
        "station",
        "made_by",
        "song",
        "coordinate",
        "rating",
        "weight",
        "curve",
        "skipped",
        "time",
    )
    values = [
        json.dumps(row[name]) if name in ("coordinate", "curve") else row[name] for name in names
    ]
    one = rating_of_row([*values, row.get("expected")])
    # These texts are printed later: control characters would act on the terminal.
    if one is None or not all(
        text.isprintable() for text in (one.key, one.listener, one.made_by, one.song)
    ):
        raise ValueError("a rating is out of range")
    check_name(one.station, "station")
    return one


def _unknown(ratings: Ratings, name: str) -> UsageError:
    known = sorted({who for who, _, _ in ratings.listeners()})
    there = f"listeners here: {', '.join(known) or 'none yet'}"
    return UsageError(f"there is no listener {name}{meant(name, known)}; {there}")


def _delete(ratings: Ratings, home: Home, name: str) -> int:
    count = ratings.remove_listener(name)
    folder = home.path / "listeners" / name
    known = folder.is_dir()
    shutil.rmtree(folder, ignore_errors=True)
    if not count and not known:
        raise _unknown(ratings, name)
    return count
