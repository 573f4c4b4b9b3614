"""How fast the radio learns a taste: simulated listeners, who judge by the sound of songs alone.

    python benchmarks/taste.py --listeners 100 --seeds 3 --jobs 4    all of it, 1.5 hours of a core
    python benchmarks/taste.py --listeners 12 --seeds 1 --peers      a glance, with other methods

Every finished session is a line of JSON in the folder; the same command goes on where it was
stopped, and the table tells how many. Percentiles are of true liking among 1,000 random songs of
the station; sd is the same in standard deviations of those songs. Intervals are 95 %, of the mean
over listeners, by bootstrap; where two ways are compared they are of the difference for the same
listener.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.taste_layers import LayersJudge  # noqa: E402
from benchmarks.taste_listeners import changing, listeners  # noqa: E402
from benchmarks.taste_sessions import Stage, run_session  # noqa: E402
from benchmarks.taste_sound import Pool  # noqa: E402
from radio.home import Home  # noqa: E402
from radio.station import Station  # noqa: E402

CHANGING = 24
POOL = 3000
# listeners: whose added layers are trained and judged too, every fourth of them bent
LAYERS_EVERY = 3


def main() -> None:
    """Run what is missing, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--listeners", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--explore", choices=("random", "greedy", "thompson", "ucb"), default="ucb")
    parser.add_argument(
        "--peers", action="store_true", help="the other ways too; needs scikit-learn"
    )
    parser.add_argument(
        "--station", type=Path, help="a station's folder; the shipped one if not given"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("taste-benchmark"),
        help="where pool and sessions are kept",
    )
    parser.add_argument(
        "--only-table", action="store_true", help="run nothing, print what there is"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = arguments.folder / f"sessions-{arguments.explore}.jsonl"
    if not arguments.only_table:
        run(arguments, results)
    rows = table([json.loads(line) for line in results.read_text("utf-8").splitlines()])
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(
            f"{row['what']:46s} {row['value']:8.3f}  [{row['low']:.3f}, {row['high']:.3f}]  "
            f"n {row['n']:4d}  {row['bar']}"
        )


def run(arguments: argparse.Namespace, results: Path) -> None:
    """Run the sessions that are not in the file of results, in so many processes."""
    results.parent.mkdir(parents=True, exist_ok=True)
    results.touch()
    done = {
        tuple(json.loads(line)[key] for key in ("kind", "seed", "listener"))
        for line in results.read_text("utf-8").splitlines()
    }
    planned = [one for one in _planned(arguments.listeners, arguments.seeds) if one not in done]
    if arguments.jobs > 1 and planned:
        _staged(arguments)  # so that the files that all of them read are there
        with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
            for line in pool.map(_session, repeat(arguments), planned):
                _keep(line, results)
        return
    for one in planned:
        _keep(_session(arguments, one), results)


@cache
def _stage(station: Path | None, folder: Path) -> tuple[Stage, LayersJudge]:
    loaded = Station.load(station or Home(None).station("starter"))
    stage = Stage(loaded, Pool(loaded, folder, POOL, report=_report))
    return stage, LayersJudge(stage, folder)


def _staged(arguments: argparse.Namespace) -> tuple[Stage, LayersJudge]:
    return _stage(arguments.station, arguments.folder)


def _session(arguments: argparse.Namespace, planned: tuple[str, int, int]) -> str:
    """Run one session and return it as a line of JSON."""
    stage, judge = _staged(arguments)
    kind, seed, number = planned
    drawn = 1000 * seed + number
    if kind == "changing":
        listener = changing(number + 1, stage.reference, seed)[number]
        one = run_session(stage, listener, seed=drawn, explore=arguments.explore, finals=())
    else:
        listener = listeners(number + 1, stage.reference, seed)[number]
        layers = judge if number % LAYERS_EVERY == 0 else None
        one = run_session(stage, listener, seed=drawn, explore=arguments.explore, layers=layers)
        if arguments.peers:
            from benchmarks.taste_peers import finals_of_peers

            one["peers"] = finals_of_peers(stage, listener, seed=drawn)
    return json.dumps(
        {"kind": kind, "seed": seed, "listener": number, "bent": listener.bent, **one}
    )


def _keep(line: str, results: Path) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    known = json.loads(line)
    _report(f"{known['kind']} {known['seed']} {known['listener']}")


def _planned(count: int, seeds: int) -> Iterator[tuple[str, int, int]]:
    for seed in range(seeds):
        for number in range(count):
            yield "steady", seed, number
            if number % 4 == 0 and number // 4 < CHANGING:
                yield "changing", seed, number // 4


def table(sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was measured, row by row, beside the bar that the radio was built to reach."""
    steady = [one for one in sessions if one["kind"] == "steady"]
    rows: list[dict[str, Any]] = []

    def add(
        what: str,
        of: list[dict[str, Any]],
        value: Callable[[dict[str, Any]], float],
        bar: str = "",
        *,
        middle: Any = np.mean,
    ) -> None:
        values = np.array([value(one) for one in of], float)
        if not len(values):
            return
        rng = np.random.default_rng(0)
        drawn = [middle(values[rng.integers(len(values), size=len(values))]) for _ in range(1000)]
        low, high = np.percentile(drawn, [2.5, 97.5])
        found = {
            "what": what,
            "value": float(middle(values)),
            "low": float(low),
            "high": float(high),
            "n": len(values),
            "bar": bar,
        }
        rows.append(found)

    for ratings, median, mean in ((10, "97", "92"), (20, "99", "97"), (30, "", "")):
        final = _final(ratings)
        add(
            f"final after {ratings}: percentile, median",
            steady,
            lambda one, f=final: f(one)["percentile"],
            median,
            middle=np.median,
        )
        add(
            f"final after {ratings}: percentile, mean",
            steady,
            lambda one, f=final: f(one)["percentile"],
            mean,
        )
        add(f"final after {ratings}: sd", steady, lambda one, f=final: f(one)["liking"])
        add(f"best of 600 after {ratings}: sd", steady, lambda one, f=final: f(one)["best_of_600"])
        add(
            f"final minus best of 600: sd, {ratings}",
            steady,
            lambda one, f=final: f(one)["liking"] - f(one)["best_of_600"],
            "above 0",
        )
        add(
            f"final minus best rated: sd, {ratings}",
            steady,
            lambda one, f=final: f(one)["liking"] - f(one)["best_rated"],
            "above 0",
        )
    add(
        "final after 20 above 95: share",
        steady,
        lambda one: _final(20)(one)["percentile"] > 95,
        "0.85",
    )
    add("played 20-30: percentile", steady, lambda one: one["played_20_30"], "85")
    for name, bent in (("straight", False), ("bent", True)):
        chosen = [one for one in steady if one["bent"] == bent]
        add(
            f"final after 30, {name}: percentile",
            chosen,
            lambda one: _final(30)(one)["percentile"],
            "bent within 5" if bent else "",
        )
    with_layers = [one for one in steady if "layers" in one]
    worth = (
        ("pairs", "pairs in which G' is liked more", "0.70"),
        ("gain", "gain, sd", ""),
        ("quality", "quality distance", "1.15"),
    )
    for key, what, bar in worth:
        add(f"added layers after 20: {what}", with_layers, lambda one, k=key: one["layers"][k], bar)
    add(
        "changed, songs 11-15 after: percentile",
        [one for one in sessions if "back" in one],
        lambda one: one["back"],
        "75",
    )
    add("Spearman after 20", steady, lambda one: one["spearman"])
    add("Spearman after 500 noiseless", steady, lambda one: one["spearman_500"])
    if steady:
        whole = float(np.mean([one["spearman_500"] for one in steady]))
        add("share of that after 20", steady, lambda one: one["spearman"] / whole, "0.75")
    add(
        "90 % intervals that hold the meant rating", steady, lambda one: one["covered"], "0.85-0.95"
    )
    add(
        "90 % intervals that hold the next rating",
        steady,
        lambda one: one["covered_rating"],
        "0.85-0.95",
    )
    add("delay: error in seconds", steady, lambda one: abs(one["delay"] - one["true_delay"]))
    add("delay: error of the first guess", steady, lambda one: abs(1.6 - one["true_delay"]))
    add("a rating learned: ms of processor time", steady, lambda one: one["learned_ms"], "200")
    add("a rating learned: ms, slowest", steady, lambda one: one["learned_ms_most"], "200")
    with_peers = [one for one in steady if "peers" in one]
    for peer in with_peers[0]["peers"] if with_peers else ():
        add(f"{peer} after 20: sd", with_peers, lambda one, p=peer: one["peers"][p])
        add(
            f"final minus {peer}: sd",
            with_peers,
            lambda one, p=peer: _final(20)(one)["liking"] - one["peers"][p],
            "above 0",
        )
    return rows


def _final(ratings: int) -> Callable[[dict[str, Any]], dict[str, float]]:
    return lambda one: one["final"][str(ratings)]


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
