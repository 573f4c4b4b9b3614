"""What hypothesis thinks up for command lines, station files and rows of the database: understood, or refused in one line.

Each is tried a hundred times here and 20,000 times by `python -m pytest -m slow tests/test_fuzz.py`; docs/reliability.md has the figures.
"""

from __future__ import annotations

import contextlib
import io
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from neural_networks.components.checkpoint import load_arrays, save_arrays
from radio.cli import COMMANDS, parser
from radio.station import STATION_FILE, Station, StationError
from tests.tiny_station import tiny_station

MANY = 20_000


often = pytest.mark.parametrize("count", [100, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])


def fuzz(count: int, strategy: st.SearchStrategy, check: Callable[[Any], None], *first: Any) -> None:
    """Try so many inputs, and some that are known to be hard."""

    @settings(max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(value: Any) -> None:
        check(value)

    for one in first:
        run = example(one)(run)
    run()


OPTIONS = sorted(
    option
    for command in parser()._subparsers._group_actions[0].choices.values()  # type: ignore[union-attr,attr-defined]
    for action in command._actions
    for option in action.option_strings
)
WORDS = st.one_of(
    st.sampled_from([*COMMANDS, *OPTIONS, "--version", "--", "-", "", "~", "/", "..", "me", "x" * 99, "\0", "\x1b[2J", "\uff05", "\u202e"]),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.text(max_size=12),
    st.text(string.printable, max_size=12).map(lambda text: f"--{text}"),
    st.sampled_from(OPTIONS).flatmap(lambda option: st.text(max_size=6).map(lambda text: f"{option}={text}")),
)


def parse(arguments: list[str]) -> None:
    """Parse; what is refused ends with code 2 and one line, help with code 0."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            parser().parse_args(arguments)
        except SystemExit as end:
            assert end.code in (0, 2)
            assert end.code == 0 or len(errors.getvalue().splitlines()) == 1 and errors.getvalue().startswith("ai-radio: ")
        else:
            assert not errors.getvalue()


@often
def test_any_command_line_is_understood_or_refused_in_one_line(count: int) -> None:
    fuzz(count, st.lists(WORDS, max_size=8), parse, ["--seed", "1_0"], ["--count=\u0663", "generate"], ["play", "--beats", "nan"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("kind", "grid", "beats", "latent_size", "hidden", "details", "critic", "latent")
NAMES = ("vae", "critic", "means", "log_variances", "coordinates", "critic_head_left", "critic_embed_right")
DTYPES = ("<f4", "<f2", "<f8", ">f4", "<i8", "|u1", "<c8", "|b1", "<U3", "|S2", "<M8[s]")
SHAPES = st.lists(st.integers(0, 9), max_size=3).map(tuple)
ARRAYS = st.tuples(st.sampled_from(DTYPES), SHAPES).map(lambda made: np.zeros(made[1], made[0]))
STATIONS = st.tuples(
    st.dictionaries(st.sampled_from(KEYS), JSON | st.integers(0, 9000), max_size=3),
    st.dictionaries(st.sampled_from(NAMES) | st.text(string.ascii_letters, min_size=1, max_size=4), st.none() | ARRAYS, max_size=3),
)


@often
def test_any_station_file_is_one_or_is_refused_in_one_line(tmp_path: Path, count: int) -> None:
    tiny_station().save(tmp_path / "s")
    arrays, configuration = load_arrays(tmp_path / "s" / STATION_FILE)

    def check(changes: tuple[dict[str, Any], dict[str, np.ndarray | None]]) -> None:
        changed = {name: array for name, array in {**arrays, **changes[1]}.items() if array is not None and name != "file"}
        save_arrays(tmp_path / "s" / STATION_FILE, changed, {**configuration, **changes[0]})
        try:
            station = Station.load(tmp_path / "s")
        except StationError as error:
            assert len(str(error).splitlines()) == 1
        else:
            songs = station.generate(station.sample(1, np.random.default_rng(0)))
            assert np.isfinite(songs).all()

    fuzz(count, STATIONS, check)
