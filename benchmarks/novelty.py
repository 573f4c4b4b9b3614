"""How new and how good songs are from novelty to novelty.

    python benchmarks/novelty.py FOLDER --station DIR      a station trained on a share of a folder

The files kept out are those of kept_out.py, and so are the measures: the distance of new songs from
music kept out over that of learned music, the share of songs that are known tunes, and the beat
over that of real music. `alike` is the median likeness to the most alike stretch of what was
learned; that of music kept out is printed first.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import kept_out, kept_out_measure as measure  # noqa: E402
from radio.station import Station  # noqa: E402

NOVELTIES = 0.0, 0.2, 0.4, 0.6, 0.8, 1.0


def main() -> None:
    """Print a row for each novelty."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of music")
    parser.add_argument("--station", type=Path, required=True, help="its folder")
    parser.add_argument("--share", type=float, default=0.25, help="kept out (default 0.25)")
    parser.add_argument("--split", type=int, default=0, help="seed of the split (default 0)")
    parser.add_argument("--songs", type=int, default=32, help="a row (default 32)")
    parser.add_argument("--seed", type=int, default=0, help="of the songs (default 0)")
    options = parser.parse_args()
    station = Station.load(options.station)
    music = kept_out.folder_music(
        kept_out.split(options.folder, options.share, options.split), options.songs
    )
    learned, kept = ([one.samples for one in some] for some in (music.learned, music.kept))
    described = kept_out.described(learned), kept_out.described(kept)
    known = [measure.tune(one.samples) for one in music.whole]
    real = np.mean([measure.beat_strength(one) for one in learned + kept])
    usual = float(np.median([measure.likeness(measure.tune(one), known) for one in kept]))
    print(f"music kept out: alike {usual:.2f}\nnovelty  distance  known tunes  alike  beat")
    for novelty in NOVELTIES:
        station.novelty = novelty
        coordinates = station.sample(options.songs, np.random.default_rng(options.seed))
        songs = [station.render(one, beats=station.beats) for one in coordinates]
        rng = np.random.default_rng(options.seed)
        distance = measure.distance_over(kept_out.described(songs), *described, rng=rng)
        alike = np.array([measure.likeness(measure.tune(one), known) for one in songs])
        beat = np.mean([measure.beat_strength(one) for one in songs]) / real
        print(
            f"{novelty:7.1f}  {distance:8.2f}  {np.mean(alike > (usual + 1) / 2):11.2f}"
            f"  {np.median(alike):5.2f}  {beat:4.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
