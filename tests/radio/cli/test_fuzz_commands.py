"""Whole commands with random arguments do their work, or refuse it in one line.

In this process, in a folder with good, broken and missing files; output is encoded as a terminal's
would be. Arguments that would only make a command take longer are kept small. As in test_fuzz.py,
the slow form tries as many as AI_RADIO_FUZZ says.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import strategies as st
from tiny_station import tiny_station

from compression.files import compress_file
from radio.cli.main import main
from radio.cli.parser import COMMANDS, parser
from radio.composer import process
from radio.ratings import Rating, Ratings
from radio.station import Station, description_of, station_fingerprint
from tests.radio.test_fuzz import MANY, fuzz

RATE = 22050
often = pytest.mark.parametrize(
    "count", [60, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])]
)
PATHS = (
    "good.wav",
    "tiny.wav",
    "stereo.flac",
    "broken.mp3",
    "empty.ogg",
    "good.air",
    "cut.air",
    "me.json",
    "song.json",
    "numbers.json",
    "missing.wav",
    "music",
    "nothing",
    "out",
    "out/new",
    "out/one.wav",
    "out/one.air",
    "out/map.png",
    "good.wav/inside",
    "",
    ".",
    "-",
    "~nobody/x",
    "/proc/version",
    "x" * 300,
    "\udcff.wav",
    "out/\udce4",
    "out/\u202e.wav",
    "out/a b\n.json",
    "*",
    "--",
    "out/.air",
)
NAMES = (
    "tiny",
    "tiny",
    "tiny",
    "broken",
    "gone",
    "",
    "..",
    "a/b",
    "CON",
    "x" * 65,
    "\u00fc",
    "\udcff",
    "me",
    "you",
)
# By the name of the option: values that are good, and quick to do.
GOOD = {
    "count": ("1", "2"),
    "steps": ("1", "2"),
    "fresh": ("0", "1"),
    "batch": ("1", "2"),
    "threads": ("1", "2"),
    "beats": ("16",),
    "seed": ("0", "7"),
    "bpm": ("60", "120.5"),
    "quality": ("1", "5"),
    "minutes": ("1e-9",),
    "novelty": ("0", "0.4"),
    "invented": ("0", "1"),
    "events": ("0.5", "1"),
    "song": ("0", "0.5"),
    "sleep": ("5",),
    "words": ("pause", "rate"),
    "format": ("{title}", "x"),
}
BAD = st.sampled_from(
    [
        "-1",
        "0",
        "1_0",
        "1e9",
        "nan",
        "inf",
        "",
        " ",
        "\u0663",
        "9" * 20,
        "--",
        "x",
        "0x10",
        "\udcff",
        "-0",
        "1.5",
    ]
)
# what is written stays in the folder
LETTERS = st.characters(exclude_characters="\0/~", max_codepoint=0x2FF)
ACTIONS: dict[str, list[argparse.Action]] = {
    name: each._actions[1:]  # all but --help
    for name, each in parser()._subparsers._group_actions[0].choices.items()  # type: ignore
}


def sensible(command: str, action: argparse.Action) -> st.SearchStrategy[str]:
    """Return what makes sense for an argument."""
    if action.choices is not None and action.dest not in GOOD:
        return st.sampled_from([str(choice) for choice in action.choices])
    places = {
        "files": ("good.air",)
        if command == "decompress"
        else ("good.wav", "stereo.flac", "tiny.wav"),
        "folder": ("music",),
        "music": ("music", "good.wav"),
        "origin": ("https://radio.example.org",),
        "base_path": ("/radio",),
        "station": ("tiny",),
        "listener": ("me",),
        "name": ("me", "you"),
        "like": ("song.json",),
        "plot": ("out/plot.svg",),
        "output": ("out/map.svg",) if command == "map" else ("out", "out/new"),
        "file": ("out/me.json", "me.json"),
        "home": ("home",),
        "host": ("127.0.0.1",),
        "port": ("0",),
        "password_file": ("song.json",),
    }
    return st.sampled_from(GOOD.get(action.dest) or places[action.dest])


def value_of(action: argparse.Action) -> st.SearchStrategy[str]:
    """Return what may be typed for an argument."""
    if action.choices is not None and action.dest != "beats":
        return st.sampled_from([*map(str, action.choices), "", "?"])
    if action.dest in GOOD:
        good = st.sampled_from(GOOD[action.dest])
        return good | good | good | BAD
    if action.dest in ("station", "listener", "name"):
        return st.sampled_from(NAMES)
    paths = st.sampled_from(PATHS)
    return paths | paths | st.text(LETTERS, max_size=5)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """Draw a command with some of its arguments; the small station is named more often than not."""
    command = draw(st.sampled_from([*COMMANDS, "listener", "history", "map", "compress"]))
    careful = draw(st.booleans())
    typed = [command]
    value = functools.partial(sensible, command) if careful else value_of
    for action in ACTIONS[command]:
        option = action.option_strings[-1:]
        wanted = (
            action.dest in ("station", "beats", "steps")
            and command != "history"
            or careful
            and not option
        )
        if not wanted and not draw(st.booleans()):
            continue
        if action.dest == "home":
            if draw(st.integers(0, 9)):
                continue
        if action.nargs == 0:
            typed += option
        elif option and draw(st.booleans()):
            typed.append(f"{option[0]}={draw(value(action))}")
        else:
            typed += [*option, draw(value(action))]
            if action.nargs == "+":
                typed += draw(st.lists(value(action), max_size=2))
    if not careful and not draw(st.integers(0, 9)):
        typed.insert(
            draw(st.integers(0, len(typed))),
            draw(st.text(LETTERS, max_size=6) | st.sampled_from(PATHS)),
        )
    return typed


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home, and everything that PATHS names."""
    folder = tmp_path_factory.mktemp("things")
    for name in ("music", "nothing", "out", "home"):
        (folder / name).mkdir()
    tone = 0.3 * np.sin(np.arange(RATE * 5) * 0.05)
    soundfile.write(folder / "good.wav", tone, RATE)
    soundfile.write(folder / "tiny.wav", tone[:50], RATE)
    soundfile.write(folder / "stereo.flac", np.stack([tone, -tone], axis=1)[: RATE // 2], 8000)
    soundfile.write(folder / "music" / "a.wav", tone, RATE)
    soundfile.write(folder / "music" / "b.flac", tone[::-1], RATE)
    (folder / "music" / "c.ogg").write_text("no music")
    (folder / "broken.mp3").write_bytes((folder / "good.wav").read_bytes()[:100])
    (folder / "empty.ogg").touch()
    compress_file(folder / "stereo.flac", folder / "good.air", quality=1)
    (folder / "cut.air").write_bytes((folder / "good.air").read_bytes()[:-20])
    tiny_station().save(folder / "home" / "stations" / "tiny")
    station = Station.load(folder / "home" / "stations" / "tiny")
    (folder / "home" / "stations" / "broken").mkdir()
    (folder / "home" / "stations" / "broken" / "station.npz").write_bytes(b"no station")
    ratings = Ratings(folder / "home" / "ratings.db")
    for number, place in enumerate(station.sample(3, np.random.default_rng(0))):
        ratings.write(
            Rating(
                "me",
                "tiny",
                station_fingerprint(station),
                "A \u00dcber Song",
                place,
                0.3 * number,
                time=10.0 ** (8 * number),
            )
        )
    ratings.close()
    (folder / "song.json").write_text(
        json.dumps(description_of(station, station.sample(1, np.random.default_rng(1))[0]))
    )
    (folder / "numbers.json").write_text("[1, 2, 3]")
    assert (
        main(["listener", "export", "me", str(folder / "me.json"), "--home", str(folder / "home")])
        == 0
    )
    return folder


def run(arguments: list[str]) -> tuple[int, str, list[str]]:
    """Run a command as main does; return the code, and both outputs of a UTF-8 terminal."""
    written = io.BytesIO()
    out = io.TextIOWrapper(written, encoding="utf-8", errors="strict", write_through=True)
    errors = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            code: Any = main(arguments)
        except SystemExit as end:
            code = end.code
    out.flush()
    return code, written.getvalue().decode(), errors.getvalue().splitlines()


@pytest.fixture
def in_things(things: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the folder, without a sound device and without playing."""
    monkeypatch.chdir(things)
    monkeypatch.setenv("AI_RADIO_HOME", str(things / "home"))
    monkeypatch.setattr("radio.session.tuner.ComposerProcess", functools.partial(_refuse))
    monkeypatch.setattr("radio.web.serve", functools.partial(_refuse))  # it would never end
    return things


def _refuse(*arguments: object, **options: object) -> None:
    raise process.ComposerError("no radio in this test")


@often
def test_any_command_does_it_or_refuses_in_one_line(in_things: Path, count: int) -> None:
    seen: dict[tuple[str, int], int] = {}

    def check(arguments: list[str]) -> None:
        code, out, errors = run(arguments)
        seen[arguments[0] if arguments[0] in COMMANDS else "other", code] = (
            seen.get((arguments[0], code), 0) + 1
        )
        assert code in ((0, 1, 2) if "doctor" in arguments else (0, 2)), (code, errors)
        if code == 2:
            assert errors and errors[-1].startswith("ai-radio: "), errors
        elif (
            code == 0
            and "--json" in arguments
            and not {"--csv", "--", "-h", "--help", "--version"} & set(arguments)
        ):
            json.loads(out)
        left = [path for path in in_things.rglob(".*") if path.suffix in (".part", ".tmp")]
        assert not left

    fuzz(count, command_lines(), check)
    print("; ".join(f"{name} {code}: {times}" for (name, code), times in sorted(seen.items())))
    os.chdir("/")


ODD = ["me", "tiny", 1, 0.5, "\udcff", "\x1b[2J", [[1.0, 0.5]]]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(ODD),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@often
def test_any_json_that_is_asked_for_is_used_or_refused_in_one_line(
    in_things: Path, count: int
) -> None:
    """A listener to import, a song's description and a last session, with some values replaced."""
    whole = {name: json.loads((in_things / f"{name}.json").read_text()) for name in ("me", "song")}
    song = {"key": "k", "coordinate": [0.0] * 8, "made_by": "m", "position": 1.0}
    whole["session"] = {"listener": "me", "station": "tiny", "volume": 0.5, "song": song}
    changes = st.dictionaries(st.integers(0, 11), VALUES, min_size=1, max_size=3)

    def check(drawn: tuple[str, dict[int, Any]]) -> None:
        kind, changed = drawn
        content = json.loads(json.dumps(whole[kind]))
        inner = (
            content["ratings"][0]
            if kind == "me"
            else content["song"]
            if kind == "session"
            else content
        )
        for place, value in changed.items():
            target = content if place > 8 else inner
            name = list(target)[place % len(target)]
            target[name] = value
        (in_things / "drawn.json").write_text(json.dumps(content), "utf-8", "surrogatepass")
        if kind == "session":
            (in_things / "home" / "session.json").write_bytes(
                (in_things / "drawn.json").read_bytes()
            )
            commands = [["play"]]
        elif kind == "song":
            commands = [
                ["generate", "--station", "tiny", "--like", "drawn.json", "--output", "out"]
            ]
        else:
            commands = [
                ["listener", "import", "you", "drawn.json"],
                ["history"],
                ["history", "--json"],
                ["listeners"],
                ["listener"],
            ]
            commands += [
                ["history", "--csv"],
                [
                    "map",
                    "--station",
                    "tiny",
                    "--listener",
                    "you",
                    "--count",
                    "1",
                    "--output",
                    "out/map.png",
                ],
            ]
            commands += [["listener", "delete", "you"]]
        for number, arguments in enumerate(commands):
            code, _, errors = run(arguments)
            assert code in (0, 2) and (
                code == 0 or len(errors) == 1 and errors[0].startswith("ai-radio: ")
            ), (arguments, errors)
            if kind == "me" and number == 0 and code == 2:
                break  # all or none: there is nothing to look at

    fuzz(count, st.tuples(st.sampled_from(["me", "song", "session"]), changes), check)
    (in_things / "home" / "session.json").unlink(missing_ok=True)
