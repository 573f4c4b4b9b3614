"""Whether a mended stretch is truly liked more, by simulated listeners who judge by sound alone.

    python benchmarks/mending.py --listeners 12 --songs 3 --folder taste-benchmark

Each listener rates songs of the station with a slider; then songs that the taste has not met are
mended where it expects least. The old and the new stretch are cut from the rendered songs, and the
listener's true liking of both, which no rating tells, is compared. So is how much they are music of
the station: the critic's score of the stretch alone, and the Fréchet distance of all old and of all
new stretches from USUAL of its songs (quality_measure.py). Each mended song is a line of JSON in
the folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.quality_measure import frechet, statistics  # noqa: E402
from benchmarks.taste_listeners import FAMILIES, Listener, listeners  # noqa: E402
from benchmarks.taste_sound import Judge, Pool  # noqa: E402
from radio.composer import SongMaker, mend  # noqa: E402
from radio.composer.mended_song import worst_stretch  # noqa: E402
from radio.home import Home  # noqa: E402
from radio.station import (  # noqa: E402
    FRAMES_PER_BEAT,
    STEPS_PER_BEAT,
    Station,
    coordinate_tempo,
)
from radio.taste import Taste  # noqa: E402

POOL = 100  # songs, the first of which are rated
USUAL = 64  # songs


def main() -> None:
    """Mend, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--listeners", type=int, default=12)
    parser.add_argument("--songs", type=int, default=3, help="mended for each listener")
    parser.add_argument("--ratings", type=int, default=20)
    parser.add_argument(
        "--families", nargs="+", choices=FAMILIES, default=["sound"], help="of the listeners"
    )
    parser.add_argument("--station", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("taste-benchmark"))
    arguments = parser.parse_args()
    station = Station.load(arguments.station or Home().known_station("starter"))
    pool = Pool(station, arguments.folder, POOL)
    rows, described = [], []
    with (arguments.folder / "mending.jsonl").open("w", encoding="utf-8") as file:
        for number, listener in enumerate(
            listeners(arguments.listeners, pool.sound, 0, families=arguments.families)
        ):
            rng = np.random.default_rng([number, 5])
            taste, maker = taught(station, pool, listener, arguments.ratings, rng)
            for coordinate in station.sample(arguments.songs, rng):
                found = mended(maker, taste, listener, pool.judge, coordinate, rng)
                if "windows" in found:
                    described.append(found.pop("windows"))
                row = {"listener": number, "family": listener.family, **found}
                rows.append(row)
                file.write(json.dumps(row) + "\n")
                file.flush()
    table(rows)
    usual = station.sample(USUAL, np.random.default_rng(1))
    real = np.concatenate([windows(station, one) for one in usual])
    unit = np.maximum(real.std(axis=0), 1e-6)
    for what, stretches in zip(("before", "after"), zip(*described, strict=True), strict=True):
        distance = frechet(real / unit, np.concatenate(stretches) / unit)
        print(f"Fréchet distance {what:15s} {distance:.1f}")


def windows(station: Station, coordinate: np.ndarray, steps: slice = slice(None)) -> np.ndarray:
    """Return the window statistics (windows, 94) of a stretch of a song."""
    start, stop = (
        None if end is None else end * FRAMES_PER_BEAT // STEPS_PER_BEAT
        for end in (steps.start, steps.stop)
    )
    frames = station.generate(coordinate[None], beats=station.beats)[0][start:stop]
    tempo = coordinate_tempo(float(coordinate[station.size - 2]))
    return statistics(frames, tempo / 60 * FRAMES_PER_BEAT)


def taught(
    station: Station, pool: Pool, listener: Listener, count: int, rng: np.random.Generator
) -> tuple[Taste, SongMaker]:
    """Return a taste that has learned so many ratings of random songs of the pool."""
    taste = Taste.of(station)
    maker = SongMaker(station, taste, beats=station.beats)
    maker.fit_taste()
    chosen = rng.choice(len(pool.coordinates), count, replace=False)
    for heard, row in enumerate(chosen):
        (given,) = maker.inputs(pool.coordinates[row : row + 1])
        curve = listener.curve(pool.windows[row], pool.sound[row], heard, rng)
        rating = float(np.mean(curve[:, 1]))
        seconds = station.seconds(pool.coordinates[row], beats=station.beats)
        targets = taste.curve_targets(given.segments, curve, delay=listener.delay, seconds=seconds)
        taste.observe(given.features, rating, 1.0, targets)
    return taste, maker


def mended(
    maker: SongMaker,
    taste: Taste,
    listener: Listener,
    judge: Judge,
    coordinate: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Mend a song where the taste expects least; return what it did to the true liking."""
    station = maker.station
    steps, seconds = maker.decode(coordinate), station.seconds(coordinate, beats=station.beats)
    moments = taste.predict_moments(steps, station.known(coordinate[None]))[:, 0]
    start, stop = worst_stretch(moments, np.zeros((0, 2)), delay=0, seconds=seconds)
    found = mend(station, taste, coordinate, start, stop, beats=station.beats, rng=rng)
    if found is None:
        return {"mended": False}
    cut = slice(*(round(found.facts[end] * station.sample_rate) for end in ("start", "stop")))
    before, after = (
        float(
            listener.liking(judge.of(one, station.render(one, beats=station.beats)[cut])[1][None])[
                0
            ]
        )
        for one in (coordinate, found.coordinate)
    )
    part, both = slice(start, stop), (coordinate, found.coordinate)
    return {
        "mended": True,
        "bent": listener.bent,
        "liking": [before, after],
        "part": [float(station.critic.forward(maker.decode(one)[part])[0][0]) for one in both],
        "windows": [windows(station, one, part) for one in both],
        "values": len(found.coordinate),
        **found.facts,
    }


def table(rows: list[dict[str, Any]]) -> None:
    """Print the figures."""
    done = [row for row in rows if row["mended"]]
    gains = np.array([row["liking"][1] - row["liking"][0] for row in done])
    critic, part_critic = (np.array([row[key] for row in done]) for key in ("critic", "part"))
    expected = np.array([row["expected"] for row in done])
    print(f"mended songs                     {len(done)} of {len(rows)}")
    print(f"stretch truly liked more         {100 * np.mean(gains > 0):.0f} %")
    groups = (
        [row["family"] for row in done],
        ["bent" if row["bent"] else "straight" for row in done],
    )
    for names in groups:
        for name in dict.fromkeys(names):
            part = gains[np.array(names) == name]
            print(f"  {name:30s} {100 * np.mean(part > 0):.0f} % of {len(part)}")
    print(f"true liking, mean change         {gains.mean():+.2f} sd")
    print(f"expected rating, before, after   {expected.mean(axis=0).round(2)}")
    print(f"critic's score, before, after    {critic.mean(axis=0).round(3)}")
    print(f"  of the stretch alone           {part_critic.mean(axis=0).round(3)}")
    alike = np.array([row["alike"] for row in done])
    print(
        f"rest of the song, correlation    median {np.median(alike):.4f}, least {alike.min():.4f}"
    )
    norms, bound = np.array([row["norm"] for row in done]), done[0]["bounds"][1]
    print(f"largest squared norm of a step   {norms.mean(axis=0).round(1)}, bound {bound:.1f}")
    print(f"values of P, median              {np.median([row['values'] for row in done]):.0f}")


if __name__ == "__main__":
    main()
