"""How fast the radio learns a taste: simulated listeners, who judge by the sound of songs alone.

    python benchmarks/taste.py --listeners 24            20 ratings each, in half an hour
    python benchmarks/taste.py --listeners 8 --peers     a glance, with other methods

The first time a pool of 500 songs is rendered and measured, 2 s a song, and kept. Listeners are of
four families in turn (taste_listeners.py); the last needs musicnn (music_tagger.py). Every session
is a line of JSON in the folder; the same command goes on where it was stopped. Percentiles are of
true liking among the songs of the pool, which are the candidates too; sd is the same in standard
deviations of those songs. Intervals are 95 %, of the mean over listeners, by bootstrap; where two
ways are compared they are of the difference for the same listener.
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
from benchmarks.taste_listeners import FAMILIES, changing, listeners  # noqa: E402
from benchmarks.taste_sessions import Stage, run_session  # noqa: E402
from benchmarks.taste_sound import Pool  # noqa: E402
from radio.home import Home  # noqa: E402
from radio.station import Station  # noqa: E402
from radio.taste import DEFAULT_WAY, WAYS  # noqa: E402

POOL = 500
FINALS = 10, 20  # ratings after which a final song is made


def main() -> None:
    """Run what is missing, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--listeners", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--changing", type=int, default=8, help="who change their mind")
    parser.add_argument("--adapter", action="store_true", help="train and judge the adapter too")
    parser.add_argument("--no-finals", action="store_true", help="of songs that are played alone")
    parser.add_argument("--explore", choices=WAYS, default=DEFAULT_WAY)
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
    planned = [one for one in _planned(arguments) if one not in done]
    if arguments.jobs > 1 and planned:
        _stage(arguments.station, arguments.folder)  # so that the files that all read are there
        with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
            for line in pool.map(_session, repeat(arguments), planned):
                _keep(line, results)
        return
    for one in planned:
        _keep(_session(arguments, one), results)


@cache
def _stage(station: Path | None, folder: Path) -> Stage:
    loaded = Station.load(station or Home(None).known_station("starter"))
    return Stage(loaded, Pool(loaded, folder, POOL))


@cache
def _judge(station: Path | None, folder: Path) -> LayersJudge:
    return LayersJudge(_stage(station, folder), folder)


def _session(arguments: argparse.Namespace, planned: tuple[str, int, int]) -> str:
    """Run one session and return it as a line of JSON."""
    where = arguments.station, arguments.folder
    stage = _stage(*where)
    kind, seed, number = planned
    drawn = 1000 * seed + number
    if kind == "changing":
        listener = changing(number + 1, stage.pool.sound, seed)[number]
        one = run_session(
            stage, listener, seed=drawn, explore=arguments.explore, songs=30, finals=()
        )
    else:
        listener = listeners(number + 1, stage.pool.sound, seed)[number]
        one = run_session(
            stage,
            listener,
            seed=drawn,
            explore=arguments.explore,
            finals=() if arguments.no_finals else FINALS,
            layers=_judge(*where) if arguments.adapter else None,
        )
        if arguments.peers:
            from benchmarks.taste_peers import finals_of_peers

            one["peers"] = finals_of_peers(stage, listener, seed=drawn)
    about = {"family": listener.family, "bent": listener.bent}
    return json.dumps({"kind": kind, "seed": seed, "listener": number, **about, **one})


def _keep(line: str, results: Path) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    known = json.loads(line)
    _report(f"{known['kind']} {known['seed']} {known['listener']}")


def _planned(arguments: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    for seed in range(arguments.seeds):
        yield from (("steady", seed, number) for number in range(arguments.listeners))
        yield from (("changing", seed, number) for number in range(arguments.changing))


def table(sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was measured, row by row, beside the bar that the radio was built to reach."""
    steady = [one for one in sessions if one["kind"] == "steady"]
    final = [one for one in steady if one["final"]]
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

    for ratings, median, mean in ((10, "98", "93"), (20, "99", "97")):
        name = f"final after {ratings}"
        at = _final(ratings)
        add(
            f"{name}: percentile, median",
            final,
            lambda one, f=at: f(one)["percentile"],
            median,
            middle=np.median,
        )
        add(f"{name}: percentile, mean", final, lambda one, f=at: f(one)["percentile"], mean)
        for label, chosen in _groups(final):
            add(f"  {label}", chosen, lambda one, f=at: f(one)["percentile"])
        add(f"{name}: sd", final, lambda one, f=at: f(one)["liking"])
        add(f"{name}: sd below the best of the pool", final, lambda one, f=at: f(one)["short"])
        for label, chosen in _groups(final):
            add(f"  {label}", chosen, lambda one, f=at: f(one)["short"])
        for other in ("best_of_pool", "best_rated"):
            add(
                f"{name}: sd, minus {other.replace('_', ' ')}",
                final,
                lambda one, f=at, o=other: f(one)["liking"] - f(one)[o],
                "above 0",
            )
    for start, stop, bar in ((0, 3, ""), (3, 5, ""), (5, 10, ""), (10, 20, "85")):
        add(
            f"songs {start + 1} to {stop}: percentile",
            steady,
            lambda one, a=start, b=stop: np.mean(one["percentiles"][a:b]),
            bar,
        )
    for label, chosen in _groups(steady):
        add(f"  {label}", chosen, lambda one: one["played_10_20"])
    for ratings in (3, 5, 10, 20):
        add(f"Spearman after {ratings}", steady, lambda one, r=ratings: one["agreement"][str(r)])
    for label, chosen in _groups(steady):
        add(f"  {label}", chosen, lambda one: one["spearman"])
        add(f"  {label}, after 200 noiseless", chosen, lambda one: one["spearman_most"])
    worth = (
        ("pairs", "pairs in which G' is liked more", "0.70"),
        ("gain", "gain, sd", ""),
        ("quality", "quality distance", "1.15"),
    )
    adapted = [one for one in steady if "layers" in one]
    for key, what, bar in worth:
        add(f"adapter after 20: {what}", adapted, lambda one, k=key: one["layers"][k], bar)
    add(
        "changed, songs 11-15 after: percentile",
        [one for one in sessions if "back" in one],
        lambda one: one["back"],
        "75",
    )
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


def _groups(sessions: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the sessions of each family, then of the straight and of the bent."""
    for family in FAMILIES:
        yield family, [one for one in sessions if one["family"] == family]
    yield "straight", [one for one in sessions if not one["bent"]]
    yield "bent", [one for one in sessions if one["bent"]]


def _final(ratings: int) -> Callable[[dict[str, Any]], dict[str, float]]:
    return lambda one: one["final"][str(ratings)]


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
