"""Random command lines, config.toml, station files and database rows are understood or refused.

Each is tried a hundred times here and 20,000 times by `python -m pytest -m slow
tests/radio/test_fuzz.py`; docs/reliability.md has the figures. The environment's AI_RADIO_FUZZ is
another number than 20,000, and AI_RADIO_FUZZ_SEED thinks up other inputs than those of every day.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, seed, settings, strategies as st
from tiny_station import tiny_station

from neural_networks.training.checkpoint import load_arrays, save_arrays
from radio.cli.parser import COMMANDS, parser
from radio.home import ACTIONS, read_settings
from radio.home.settings import KINDS, NAMED_KEYS, SettingsError
from radio.station import STATION_FILE, Station, StationError

MANY = int(os.environ.get("AI_RADIO_FUZZ", 20_000))
SEED = os.environ.get("AI_RADIO_FUZZ_SEED")

often = pytest.mark.parametrize(
    "count", [100, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)


def fuzz(
    count: int, strategy: st.SearchStrategy, check: Callable[[Any], None], *first: Any
) -> None:
    """Try so many inputs, and some that are known to be hard."""

    tried = 0

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=SEED is None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(value: Any) -> None:
        nonlocal tried
        tried += 1
        check(value)

    for one in first:
        run = example(one)(run)
    if SEED is not None:
        run = seed(int(SEED))(run)
    run()
    print(f"{tried:,} inputs tried")


OPTIONS = sorted(
    option
    for command in parser()._subparsers._group_actions[0].choices.values()  # type: ignore
    for action in command._actions
    for option in action.option_strings
)
WORDS = st.one_of(
    st.sampled_from(
        [
            *COMMANDS,
            *OPTIONS,
            "--version",
            "--",
            "-",
            "",
            "~",
            "/",
            "..",
            "me",
            "x" * 99,
            "\0",
            "\x1b[2J",
            "\uff05",
            "\u202e",
        ]
    ),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.text(max_size=12),
    st.text(string.printable, max_size=12).map(lambda text: f"--{text}"),
    st.sampled_from(OPTIONS).flatmap(
        lambda option: st.text(max_size=6).map(lambda text: f"{option}={text}")
    ),
)


def parse(arguments: list[str]) -> None:
    """Parse; what is refused ends with code 2 and one line, help with code 0."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            parser().parse_args(arguments)
        except SystemExit as end:
            assert end.code in (0, 2)
            assert (
                end.code == 0
                or len(errors.getvalue().splitlines()) == 1
                and errors.getvalue().startswith("ai-radio: ")
            )
        else:
            assert not errors.getvalue()


@often
def test_any_command_line_is_understood_or_refused_in_one_line(count: int) -> None:
    fuzz(
        count,
        st.lists(WORDS, max_size=8),
        parse,
        ["--seed", "1_0"],
        ["--count=\u0663", "generate"],
        ["play", "--beats", "nan"],
    )


def toml(value: Any) -> str:
    """Write a value as TOML has it."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(name)} = {toml(one)}" for name, one in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


SETTINGS_KEYS = st.sampled_from(
    ["a", "Q", "\u00e9", " ", "", "nn", "\x7f", "+", *NAMED_KEYS[:12], "ctrl+q"]
) | st.text(max_size=2)
SETTINGS_VALUES = (
    SETTINGS_KEYS
    | st.lists(SETTINGS_KEYS, max_size=3)
    | st.integers()
    | st.booleans()
    | st.lists(st.integers(), max_size=1)
)
ACTION_NAMES = st.sampled_from([*ACTIONS, "skip"])
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "keys": st.dictionaries(ACTION_NAMES, SETTINGS_VALUES, max_size=4) | SETTINGS_VALUES,
        "save": st.dictionaries(
            st.sampled_from(["kind", "kin"]),
            st.sampled_from(["wav", "flac", "mp3", 1, []]),
            max_size=2,
        )
        | SETTINGS_VALUES,
        "other": SETTINGS_VALUES,
    },
)
CONFIGURATIONS = st.one_of(
    st.dictionaries(st.sampled_from(list(ACTIONS)), st.sampled_from(NAMED_KEYS), max_size=3).map(
        lambda keys: f"keys = {toml(keys)}".encode()
    ),
    PARTS.map(
        lambda parts: "\n".join(f"{name} = {toml(part)}" for name, part in parts.items()).encode()
    ),
    st.dictionaries(ACTION_NAMES, SETTINGS_VALUES, max_size=4).map(
        lambda keys: (
            "[keys]\n" + "\n".join(f"{name} = {toml(key)}" for name, key in keys.items())
        ).encode()
    ),
    st.text(string.printable, max_size=30).map(str.encode),
    st.lists(
        st.sampled_from(
            [
                "[",
                "]",
                "keys",
                "save",
                "=",
                '"n"',
                "\n",
                "kind",
                '"wav"',
                "{",
                "}",
                "next",
                "#",
                '"""',
                ",",
            ]
        ),
        max_size=16,
    ).map(lambda tokens: " ".join(tokens).encode()),
    st.binary(max_size=20),
)


@often
def test_any_configuration_is_understood_or_refused_in_one_line(tmp_path: Path, count: int) -> None:
    path = tmp_path / "config.toml"
    understood = 0

    def check(content: bytes) -> None:
        nonlocal understood
        path.write_bytes(content)
        try:
            found = read_settings(path)
        except SettingsError as error:
            assert len(str(error).splitlines()) == 1 and str(path) in str(error)
        else:
            understood += 1
            assert found.kind in KINDS and "quit" in found.keys.values()
            assert all(
                action in ACTIONS and (key in NAMED_KEYS or len(key) == 1)
                for key, action in found.keys.items()
            )

    fuzz(
        count,
        CONFIGURATIONS,
        check,
        b"[keys]\nnext = " + b"[" * 2000,
        b"keys.keys.keys = 1",
        "\ufeff[save]".encode(),
    )
    print(f"{understood:,} understood")
    assert 0.05 * count < understood < 0.9 * count


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ("kind", "grid", "beats", "latent_size", "hidden", "details", "critic", "latent")
NAMES = (
    "vae",
    "critic",
    "means",
    "log_variances",
    "coordinates",
    "critic_head_left",
    "critic_embed_right",
)
DTYPES = ("<f4", "<f2", "<f8", ">f4", "<i8", "|u1", "<c8", "|b1", "<U3", "|S2", "<M8[s]")
SHAPES = st.lists(st.integers(0, 9), max_size=3).map(tuple)
ARRAYS = st.tuples(st.sampled_from(DTYPES), SHAPES).map(lambda made: np.zeros(made[1], made[0]))
STATIONS = st.tuples(
    st.dictionaries(st.sampled_from(KEYS), JSON | st.integers(0, 9000), max_size=3),
    st.dictionaries(
        st.sampled_from(NAMES) | st.text(string.ascii_letters, min_size=1, max_size=4),
        st.none() | ARRAYS,
        max_size=3,
    ),
)


@often
def test_any_station_file_is_one_or_is_refused_in_one_line(tmp_path: Path, count: int) -> None:
    tiny_station().save(tmp_path / "s")
    arrays, configuration = load_arrays(tmp_path / "s" / STATION_FILE)

    def check(changes: tuple[dict[str, Any], dict[str, np.ndarray | None]]) -> None:
        changed = {
            name: array
            for name, array in {**arrays, **changes[1]}.items()
            if array is not None and name != "file"
        }
        save_arrays(tmp_path / "s" / STATION_FILE, changed, {**configuration, **changes[0]})
        try:
            station = Station.load(tmp_path / "s")
        except StationError as error:
            assert len(str(error).splitlines()) == 1
        else:
            songs = station.generate(station.sample(1, np.random.default_rng(0)))
            assert np.isfinite(songs).all()

    fuzz(count, STATIONS, check)
