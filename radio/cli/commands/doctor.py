"""`ai-radio stations` and `doctor`: list the stations, and check that everything works."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from radio.cli.progress import padded
from radio.home import SHIPPED, Home, HomeError

if TYPE_CHECKING:
    from audio_parsing.playback import Player

PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "soundfile",
    "sounddevice",
    "soxr",
    "platformdirs",
    "textual",
)
GRIDS = {"beat": "frames follow the beat", "absolute": "50 frames a second"}
TONE_SECONDS, TONE_HZ, TONE_LEVEL = 1.0, 440.0, 0.2


def stations(options: argparse.Namespace) -> None:
    """List the stations of the home and those shipped with the package."""
    from radio.station import Station, StationError

    listed: list[dict[str, Any]] = []
    for name, folder in Home(options.home).stations().items():
        facts: dict[str, Any] = {
            "name": name,
            "folder": str(folder),
            "shipped": folder.parent == SHIPPED,
        }
        try:
            station = Station.load(folder)
            facts |= {
                "grid": station.grid,
                "beats": station.beats,
                "songs": len(station.means),
                "problem": None,
            }
        except StationError as error:
            facts["problem"] = str(error)
        listed.append(facts)
    if options.json:
        json.dump(listed, sys.stdout, indent=2)
        print()
        return
    if not listed:
        print("There are no stations yet; ai-radio train MUSIC --station NAME makes one.")
    for facts in listed:
        if facts["problem"]:
            print(f"{padded(facts['name'], 20)}  not usable: {facts['problem']}")
        else:
            where = "shipped with the radio" if facts["shipped"] else facts["folder"]
            print(
                f"{padded(facts['name'], 20)}  trained on {facts['songs']} excerpts of"
                f" {facts['beats']} beats, {GRIDS[facts['grid']]}, {where}"
            )


def doctor(options: argparse.Namespace) -> int:
    """Show paths, versions, sound and kernels; exit with 1 if a problem stops the radio.

    With `--fix` what can be repaired is, first.
    """
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
    }
    facts |= {package: installed(package) for package in ("ai-radio", *PACKAGES)}
    problems: list[str] = []
    home = Home(options.home)
    facts["home"] = str(home.path)
    try:
        home.writable()
    except HomeError as error:
        problems.append(str(error))
    facts |= _repairs(home, problems, fix=options.fix)
    facts["stations"] = sorted(home.stations())
    if not facts["stations"]:
        problems.append("there is no station; ai-radio train makes one")
    facts |= _ratings(home, problems) if home.path.is_dir() else {"ratings": 0}
    facts["prepared"] = _prepared(home)
    facts |= _sound(tone=not options.quiet)
    facts["media keys"] = _media_keys()
    facts |= _kernels(problems)
    facts["problems"] = problems
    if options.json:
        json.dump(facts, sys.stdout, indent=2)
        print()
    else:
        for name, value in facts.items():
            if name != "problems":
                print(
                    f"{name:12}  {', '.join(map(str, value)) if isinstance(value, list) else value}"
                )
        for problem in problems:
            print(f"PROBLEM       {problem}")
        if not problems:
            silent = "test tone" not in facts
            print(
                "The radio works, but silently: there is no sound device."
                if silent
                else "Everything the radio needs works."
            )
    return 1 if problems else 0


def installed(package: str) -> str:
    """Return the version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _repairs(home: Home, problems: list[str], *, fix: bool) -> dict[str, Any]:
    """Repair the home, or add what could be repaired to the problems; return what was done."""
    if not home.path.is_dir():
        return {}
    from radio.cli.repairs import repairs

    facts: dict[str, Any] = {}
    for each in repairs(home):
        if fix:
            each.carry_out()
            facts.setdefault("repaired", []).append(f"{each.problem}: {each.remedy}")
        elif each.stops:
            problems.append(f"{each.problem} (ai-radio doctor --fix: {each.remedy})")
        else:
            facts["unfinished"] = f"{each.problem} (ai-radio doctor --fix: {each.remedy})"
    return facts


def _ratings(home: Home, problems: list[str]) -> dict[str, Any]:
    """Count the ratings, without making a database where there is none."""
    from radio.ratings import RatingsError, open_ratings

    path = home.path / "ratings.db"
    if not path.exists():
        return {"ratings": 0}
    try:
        ratings = open_ratings(path)
    except RatingsError as error:
        if not any(str(error) in problem for problem in problems):
            problems.append(str(error))
        return {"ratings": "unusable"}
    count = ratings.total()
    ratings.close()
    return {"ratings": count}


def _prepared(home: Home) -> str:
    """Return how much prepared music is cached for later trainings."""
    from radio.training import prepared_music

    cache = prepared_music(home.prepared)
    kept, most = (f"{size / 1e6:.0f} MB" for size in (cache.size(), cache.most_bytes))
    return f"{kept} of music for training, at most {most}, safe to delete: {cache.folder}"


def _sound(*, tone: bool) -> dict[str, Any]:
    """Check the sound; a missing device is not a problem, as the radio can play silently."""
    from audio_parsing.devices import output_devices
    from audio_parsing.playback import Player, open_player

    player, reason = open_player()
    try:
        facts: dict[str, Any] = {"sound": reason or player.name, "devices": output_devices()}
        if isinstance(player, Player):
            facts["test tone"] = _play_tone(player) if tone else "not played"
    finally:
        player.close()
    return facts


def _play_tone(player: Player) -> str:
    """Play a tone and return whether the device played it."""
    import numpy as np

    rate = 22050
    seconds = np.arange(round(TONE_SECONDS * rate)) / rate
    ends = np.minimum(1, np.minimum(seconds, TONE_SECONDS - seconds) / 0.02)  # no click
    player.volume = 1.0
    player.play(
        (TONE_LEVEL * ends * np.sin(2 * np.pi * TONE_HZ * seconds)).astype(np.float32), rate
    )
    until = time.monotonic() + TONE_SECONDS + 3
    while not player.finished and player.failure is None:
        if time.monotonic() > until:
            return "the device did not play it"
        time.sleep(0.02)
    tone = f"{TONE_SECONDS:g} s of {TONE_HZ:g} Hz"
    return player.failure or f"{tone}, {player.underruns} interruptions"


def _media_keys() -> str:
    """Return whether the desktop can control the radio."""
    if importlib.util.find_spec("jeepney") is None:
        return "no; pip install 'ai-radio[mpris]' adds them on Linux"
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return "no; there is no session bus"
    return "yes, by MPRIS"


def _kernels(problems: list[str]) -> dict[str, Any]:
    try:
        from radio.composer import EVERYTHING, PLAYING, TRAINING, compiled_part, stamp

        # a broken Numba fails in many ways; all are reported, none is raised
    except Exception as error:
        problems.append(f"the kernels can't be loaded: {' '.join(str(error).split())}")
        return {}
    place = stamp()
    kept = "nowhere; compiled at every start" if place is None else str(place.parent)
    compiled = {
        EVERYTHING: "compiled",
        TRAINING: "compiled for playing and training, not yet for the rest",
        PLAYING: "compiled for playing, not yet for the rest",
        None: "not compiled yet",
    }
    return {"kernels": compiled[compiled_part()], "kernel cache": kept}
