"""`ai-radio listener`: who there is, and taking a listener's ratings elsewhere, bringing them back, or forgetting them."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from radio.cli import UsageError
from radio.home import Home, check_name
from radio.ratings import Rating, Ratings
from radio.saving import write_json

LARGEST_FILE = 64 << 20  # bytes


def listener(options: argparse.Namespace) -> None:
    """List listeners, or export, import or delete one."""
    home = Home(options.home)
    if options.action != "list" and options.name is None:
        raise UsageError(f"whose ratings? ai-radio listener {options.action} NAME")
    if options.action in ("export", "import") and options.file is None:
        raise UsageError(f"which file? ai-radio listener {options.action} {options.name} FILE.json")
    ratings = Ratings(home.ratings)
    try:
        if options.action == "list":
            _list(ratings, options.json)
        elif options.action == "export":
            _export(ratings, check_name(options.name, "listener"), options.file)
        elif options.action == "import":
            _import(ratings, check_name(options.name, "listener"), options.file)
        else:
            _delete(ratings, home, check_name(options.name, "listener"))
    finally:
        ratings.close()


def _list(ratings: Ratings, as_json: bool) -> None:
    found = ratings.listeners()
    if as_json:
        json.dump([{"listener": name, "station": station, "ratings": count} for name, station, count in found], sys.stdout, indent=2)
        print()
        return
    if not found:
        print("Nobody has rated a song yet.")
    for name, station, count in found:
        print(f"{name:20}  {count} songs rated on station {station}")


def _export(ratings: Ratings, name: str, path: Path) -> None:
    rated = ratings.of_listener(name)
    if not rated:
        raise UsageError(f"{name} has rated nothing; ai-radio listener list shows who has")
    rows = [asdict(one) | {"coordinate": one.coordinate.tolist(), "curve": one.curve.tolist()} for one in rated]
    write_json(path, {"kind": "listener", "version": 1, "listener": name, "ratings": rows})
    print(f"{len(rated)} ratings of {name} in {path}")


def _import(ratings: Ratings, name: str, path: Path) -> None:
    """Take ratings from a file, all or none; those that are there already stay one."""
    read = _read(path)
    for one in read:
        one.listener = name
    ratings.keep_all(read)
    print(f"{len(read)} ratings of {name} from {path}")


def _read(path: Path) -> list[Rating]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError("it is too large")
        content = json.loads(path.read_text("utf-8"))
        if content["kind"] != "listener" or content["version"] != 1:
            raise ValueError("its kind or version is another")
        return [_rating(row) for row in content["ratings"]]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(f"{path} holds no listener ({type(error).__name__}: {error}); give what ai-radio listener export wrote") from error


def _rating(row: dict[str, Any]) -> Rating:
    one = Rating(
        check_name(row["listener"], "listener"), check_name(row["station"], "station"), str(row["made_by"]), str(row["song"]),
        np.array(row["coordinate"], float), float(row["rating"]), float(row["weight"]), np.array(row["curve"], float).reshape(-1, 2),
        bool(row["skipped"]), float(row["time"]), str(row["key"]),
    )  # fmt: skip
    numbers = np.concatenate([one.coordinate.ravel(), one.curve.ravel(), [one.rating, one.weight, one.time]])
    if one.coordinate.ndim != 1 or not np.isfinite(numbers).all() or not -1 <= one.rating <= 1 or one.weight < 0:
        raise ValueError(f"the rating of {one.song} is out of range")
    return one


def _delete(ratings: Ratings, home: Home, name: str) -> None:
    count = ratings.remove_listener(name)
    folder = home.path / "listeners" / name
    known = folder.is_dir()
    shutil.rmtree(folder, ignore_errors=True)
    if not count and not known:
        raise UsageError(f"there is no listener {name}; ai-radio listener list shows who there is")
    print(f"{count} ratings of {name} are deleted")
