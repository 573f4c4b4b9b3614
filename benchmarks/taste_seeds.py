"""What it is worth to begin with music that a listener loves (`ai-radio listener seed`).

    python benchmarks/taste_seeds.py MUSIC --folder taste-benchmark

Simulated listeners judge the middle of each file as they judge songs (taste_listeners.py) and name
the FAVOURITES that they like best. These are encoded by the station as the radio does. Then each
listener rates SONGS songs of the pool by one number, chosen by 'ucb': once with what they named,
once without, once with as many random files. Listeners of form are left out: a file has none.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.taste_listeners import FAMILIES, Listener, listeners  # noqa: E402
from benchmarks.taste_sessions import Stage  # noqa: E402
from benchmarks.taste_sound import Pool  # noqa: E402
from radio.cli.commands.reconstruct import read  # noqa: E402
from radio.composer import SongMaker  # noqa: E402
from radio.composer.seeds import EXCERPT_SECONDS, LIKED, WEIGHT, seed_of_music  # noqa: E402
from radio.home import Home  # noqa: E402
from radio.ratings import unpack  # noqa: E402
from radio.station import Station, to_frames  # noqa: E402
from radio.taste import Taste  # noqa: E402

SONGS = 10
FAVOURITES = 5
CANDIDATES = 192


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("music", type=Path)
    parser.add_argument("--listeners", type=int, default=60)
    parser.add_argument("--pool", type=int, default=500, help="songs")
    parser.add_argument("--station", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("taste-benchmark"))
    arguments = parser.parse_args()
    station = Station.load(arguments.station or Home().known_station("starter"))
    stage = Stage(station, Pool(station, arguments.folder, arguments.pool))
    sounds, features = measured(stage, arguments.music, arguments.folder / "seeds.npz")
    families = [name for name in FAMILIES if name != "form"]
    rows, everybody = [], listeners(arguments.listeners, stage.pool.sound, 0, families=families)
    for number, listener in enumerate(everybody):
        loved = np.argsort(-listener.liking(sounds))[:FAVOURITES]
        any_files = np.random.default_rng([number, 8]).choice(
            len(sounds), FAVOURITES, replace=False
        )
        ways = features[:0], features[loved], features[any_files]
        rows.append([percentiles(stage, listener, seeds, number) for seeds in ways])
    table(np.array(rows), np.array([listener.bent for listener in everybody]))


def measured(stage: Stage, music: Path, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the sound (n, S) and the taste's features (n, K) of files, kept in a file."""
    if path.exists():
        with np.load(path) as kept:
            return kept["sounds"], kept["features"]
    station, found = stage.station, []
    maker = SongMaker(station, stage.taste)
    maker.fit_taste()  # files have the usual form of the station
    for file in sorted(one for one in music.rglob("*") if one.is_file()):
        try:
            samples = read(file, station.sample_rate)
            rating, packed = seed_of_music(station, samples, listener="", song="", key="")
        except (OSError, ValueError) as error:
            print(f"{file}: {error}", file=sys.stderr)
            continue
        sound = unpack(packed)
        assert sound is not None
        coordinate = np.asarray(rating.coordinate, np.float32)
        given = maker.input_of_frames(to_frames(sound[0]), station.beside(coordinate[None])[0])
        length = round(EXCERPT_SECONDS * station.sample_rate)
        start = max(0, (len(samples) - length) // 2)
        heard = stage.pool.judge.of(coordinate, samples[start : start + length])[1]
        found.append((heard, given.features))
    sounds, features = map(np.array, zip(*found, strict=True))
    np.savez(path, sounds=sounds, features=features)
    return sounds, features


def percentiles(stage: Stage, listener: Listener, seeds: np.ndarray, number: int) -> list[float]:
    """Return the percentiles of the songs that are played to a listener after seeds (n, K)."""
    taste = Taste.of(stage.station)
    taste.share_pool(stage.taste)
    for features in seeds:
        taste.observe(features, LIKED, WEIGHT)
    rng, told = np.random.default_rng([number, 6]), np.random.default_rng([number, 7])
    liking = listener.liking(stage.pool.sound)
    played: list[int] = []
    for heard in range(SONGS):
        rows = rng.choice(len(liking), min(CANDIDATES, len(liking) // 2), replace=False)
        rows = rows[~np.isin(rows, played)]
        row = int(rows[taste.choose(stage.features[rows], rng)])
        played.append(row)
        said = listener.rating(stage.pool.windows[row], stage.pool.sound[row], heard, told)
        taste.observe(stage.features[row], said)
    return [100 * float(np.mean(liking < liking[row])) for row in played]


def table(rows: np.ndarray, bent: np.ndarray) -> None:
    """Print means and their errors; rows are (listeners, ways, SONGS)."""
    for label, chosen in (("straight", ~bent), ("bent", bent)):
        for first, last in ((1, 1), (1, 3), (1, 5), (6, 10)):
            songs = rows[chosen][:, :, first - 1 : last].mean(axis=2)
            error = songs.std(axis=0) / np.sqrt(len(songs))
            told = "   ".join(
                f"{way} {mean:5.1f} +- {about:3.1f}"
                for way, mean, about in zip(
                    ("without", "loved", "random files"), songs.mean(axis=0), error, strict=True
                )
            )
            print(f"{label:9s} {len(songs):3d}  songs {first} to {last}:  {told}")


if __name__ == "__main__":
    main()
