"""How good the new songs of starter stations are, beside real ones and beside each other.

    python benchmarks/quality.py                      the station that ships
    python benchmarks/quality.py FOLDER FOLDER        stations on a beat grid, in one table
    python benchmarks/quality.py --simple             simple methods on the same songs too
    python benchmarks/quality.py --songs 48 --draws 2 --real 128      in minutes

Sound is judged, through the whole product: a station draws P, makes a song of it and masters it.
Real songs, new arrangements of the collection's tunes, are rendered and mastered as well. How much
of what was learned is reconstructed: kept_out.py --starter.

    default     what the radio plays
    free        z from the station's distribution of songs, and what happens drawn anew
    gaussian    z from a Gaussian fitted to the songs, likewise
    half-way    z half-way between two songs, likewise
    distance    Fréchet's between statistics of windows (quality_measure.py), over the floor: that
                of equally many other real songs
    known       share of songs whose chroma, in the best of 12 keys, is more alike a song of the
                collection than half-way from tunes that are not in it to other arrangements of it
    notes       that begin in a second, over real
    jumps       mean change of loudness from beat to beat, dB
    returns     share of sections of 8 beats like another one of the song
    in scale    share of note energy in the song's scale, major or minor
    real time   seconds of sound made in a second
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing import analysis  # noqa: E402
from audio_parsing.frames import SAMPLE_RATE, decode, encode, transpose  # noqa: E402
from audio_parsing.song import FRAMES_PER_BEAT, StarterSong  # noqa: E402
from audio_parsing.starter import fresh_song, hop_length, render, starter_songs  # noqa: E402
from benchmarks import quality_models as simple  # noqa: E402
from benchmarks.kept_out_measure import likeness  # noqa: E402
from benchmarks.quality_measure import frechet, notes_a_second, statistics  # noqa: E402
from benchmarks.quality_tunes import unheard_songs  # noqa: E402
from radio.composer import sample_distinct  # noqa: E402
from radio.home import Home  # noqa: E402
from radio.station import Station, coordinate_key, to_steps  # noqa: E402
from radio.station.mastering import master  # noqa: E402

SECTION = 8  # beats
ALIKE = 0.6  # correlation of sections that count as the same; half of real sections have one
FADE = 2  # beats at a song's end, whose loudness is left out
STRANGERS = 24  # songs of tunes that are not in the collection
# t of 95 % by the number of draws
STUDENT = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}
COLUMNS = ("distance", "known", "notes", "jumps", "returns", "in scale", "real time")


class Heard(NamedTuple):
    """What is measured of the sound of one song."""

    windows: np.ndarray  # (windows, 94)
    tune: np.ndarray  # (half beats, 12), chroma
    notes: float
    jumps: float
    returns: float
    in_scale: float


def heard(samples: np.ndarray, hop: int, key: int) -> Heard:
    """Measure a mastered song.

    Args:
        samples: (n,) at 22,050 Hz, whole beats of 24 frames.
        hop: samples a frame.
        key: semitones above C major or A minor.
    """
    beats = len(samples) // (FRAMES_PER_BEAT * hop)
    frames = encode(samples, hop_length=hop)[: beats * FRAMES_PER_BEAT]
    tune = analysis.chroma(frames).reshape(2 * beats, -1, 12).mean(axis=1)
    scales = analysis.scale(key % 12, "major"), analysis.scale((key + 9) % 12, "minor")
    return Heard(
        statistics(frames, SAMPLE_RATE / hop),
        tune,
        notes_a_second(frames, SAMPLE_RATE / hop),
        loudness_jumps(samples, FRAMES_PER_BEAT * hop),
        returning(tune),
        max(analysis.in_scale_share(frames, scale) for scale in scales),
    )


def loudness_jumps(samples: np.ndarray, beat: int) -> float:
    """Return the mean change in dB from beat to beat of samples (n,); 30 dB down is silence."""
    rows = samples[: len(samples) // beat * beat].reshape(-1, beat)[:-FADE].astype(np.float64)
    power = np.square(rows).mean(axis=1)
    level = 10 * np.log10(power + 1e-3 * power.mean() + 1e-12)
    return float(np.abs(np.diff(level)).mean())


def returning(tune: np.ndarray) -> float:
    """Return the share of sections of a tune (half beats, 12) that are like another one."""
    count = len(tune) // (2 * SECTION)
    moves = (tune - tune.mean(axis=0))[: 2 * SECTION * count].reshape(count, -1)
    moves = moves / np.maximum(np.linalg.norm(moves, axis=1, keepdims=True), 1e-12)
    correlation = moves @ moves.T - 2 * np.eye(count)
    return float((correlation.max(axis=1) > ALIKE).mean())


def real(song: StarterSong) -> Heard:
    """Render, master and measure a real song."""
    hop = hop_length(song.bpm)
    beat = FRAMES_PER_BEAT * hop
    samples = render(song, SAMPLE_RATE)[: song.beats * beat]
    return heard(master(samples, fade=FADE * beat), hop, song.transposition)


class Judge:
    """Compare songs with real ones.

    Args:
        songs: that are judged at once, of how many the floor is measured too.
        reference: real songs that they are compared with.
        beats: length of a song.
        seed: of the real songs.
    """

    def __init__(self, songs: int, reference: int, beats: int, seed: int = 0) -> None:
        rng = np.random.default_rng((seed, 12345))
        known = [real(fresh_song(rng, beats=beats)) for _ in range(reference)]
        windows = np.concatenate([one.windows for one in known])
        self._mean, self._unit = windows.mean(axis=0), np.maximum(windows.std(axis=0), 1e-6)
        self._windows = (windows - self._mean) / self._unit
        self.notes = float(np.mean([one.notes for one in known]))
        self._known = [real(one).tune for one in starter_songs(beats=beats)]
        strangers = [real(one) for one in unheard_songs(STRANGERS, rng, beats=beats)]
        others = [real(fresh_song(rng, beats=beats)) for _ in range(songs)]
        middles = [np.median([self._likeness(one) for one in some]) for some in (others, strangers)]
        self._border = float(np.mean(middles))
        self.floor = 1.0
        self.others = self.judge(others)
        self.floor = self.others["distance"]

    def _likeness(self, song: Heard) -> float:
        return likeness(song.tune, self._known)

    def judge(self, songs: list[Heard]) -> dict[str, float]:
        """Return every measure of songs."""
        windows = (np.concatenate([one.windows for one in songs]) - self._mean) / self._unit
        return {
            "distance": frechet(self._windows, windows) / self.floor,
            "known": float(np.mean([self._likeness(one) > self._border for one in songs])),
            "notes": float(np.mean([one.notes for one in songs])) / self.notes,
            "jumps": float(np.mean([one.jumps for one in songs])),
            "returns": float(np.mean([one.returns for one in songs])),
            "in scale": float(np.mean([one.in_scale for one in songs])),
        }


def drawn(
    station: Station, kind: str, beats: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Draw coordinates P (D,) of songs of so many beats, without end; see the kinds above."""
    if kind == "default":
        yield from (coordinate for coordinate, _ in sample_distinct(station, rng, beats=beats))
    latent = "gaussian" if kind == "gaussian" else station.latent.kind
    free = replace(station, details={**station.details, "latent": latent})
    free.novelty = 1.0
    if kind == "half-way":  # with tempo, key and form of a song nearest to it, as any other z
        free.latent.sample = free.latent.between  # type: ignore[method-assign]
    while True:
        yield free.sample(1, rng)[0]


def judge_station(
    judge: Judge, station: Station, kind: str, *, songs: int, beats: int, draws: int
) -> list[dict[str, float]]:
    """Return the measures of each draw of so many songs of a station."""
    rows = []
    for draw in range(draws):
        coordinates = list(islice(drawn(station, kind, beats, np.random.default_rng(draw)), songs))
        start, made = time.perf_counter(), []
        for coordinate in coordinates:
            made.append(station.render(coordinate, beats=beats))
        seconds = time.perf_counter() - start
        some = [
            heard(samples, station.hop_length(p), coordinate_key(float(p[-1])))
            for samples, p in zip(made, coordinates, strict=True)
        ]
        lasting = sum(map(len, made)) / SAMPLE_RATE
        rows.append({**judge.judge(some), "real time": lasting / seconds})
    return rows


def judge_simple(
    judge: Judge, make: simple.Maker, *, songs: int, draws: int
) -> list[dict[str, float]]:
    """Return the measures of each draw of songs of a simple method, in keys and tempi of songs."""
    known, rows = starter_songs(), []
    for draw in range(draws):
        rng, some = np.random.default_rng(draw), []
        for steps in make(songs, rng):
            like = known[int(rng.integers(len(known)))]
            hop = hop_length(like.bpm)
            frames = np.maximum(steps, 0).reshape(len(steps) * 6, -1).astype(np.float32)
            samples = decode(transpose(frames, like.transposition), hop_length=hop)
            fade = FADE * FRAMES_PER_BEAT * hop
            some.append(heard(master(samples, fade=fade), hop, like.transposition))
        rows.append(judge.judge(some))
    return rows


def simple_methods(beats: int) -> dict[str, simple.Maker]:
    """Return simple methods that know the collection."""
    from radio.training import prepare_starter_songs

    recordings = prepare_starter_songs(starter_songs(beats=beats))
    songs = np.stack([to_steps(frames.astype(np.float32)) for frames in recordings.frames])
    return {
        "shuffled frames": simple.shuffled_frames(songs),
        "two songs at once": simple.two_at_once(songs),
        "Gaussian frames (PCA)": simple.gaussian_frames(songs),
        "Gaussian songs (PCA)": simple.gaussian_songs(songs),
        "Markov chain of steps": simple.markov_chain(songs),
    }


def interval(values: list[float]) -> tuple[float, float]:
    """Return the mean of draws, and half the width of its interval of 95 %; nan for one draw."""
    if len(values) < 2:
        return float(values[0]), float("nan")
    width = STUDENT.get(len(values), 2.0) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(width)


def show(name: str, rows: Iterable[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Print a line of the table and return it."""
    rows = list(rows)
    found = {key: interval([row[key] for row in rows]) for key in COLUMNS if key in rows[0]}
    cells = "".join(f"{found[key][0]:10.3g}" if key in found else " " * 10 for key in COLUMNS)
    print(f"{name:34}{cells}   distance +- {found['distance'][1]:.2f}", flush=True)
    return found


def main() -> None:
    """Judge stations and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stations", nargs="*", type=Path, metavar="FOLDER", help="of a station")
    parser.add_argument("--songs", type=int, default=256, help="of a draw (default 256)")
    parser.add_argument("--draws", type=int, default=5, help="(default 5)")
    parser.add_argument("--real", type=int, default=256, help="songs compared with (default 256)")
    parser.add_argument("--beats", type=int, default=64, help="of a song (default 64)")
    parser.add_argument("--simple", action="store_true", help="judge simple methods too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    judge = Judge(options.songs, options.real, options.beats)
    sizes = {"songs": options.songs, "draws": options.draws}
    print(f"{platform.processor() or platform.machine()}; {options.songs} songs of {options.beats}")
    print(f"beats a draw, {options.draws} draws; floor {judge.floor:.2f}")
    print(f"{'':34}" + "".join(f"{name:>10}" for name in COLUMNS))
    table = {"other real songs": show("other real songs", [judge.others | {"distance": 1.0}])}
    for folder in options.stations or [Home(None).station("starter")]:
        station = Station.load(folder)
        for kind in ("default", "free", "gaussian", "half-way"):
            rows = judge_station(judge, station, kind, beats=options.beats, **sizes)
            table[f"{station.name}, {kind}"] = show(f"{station.name}, {kind}", rows)
    if options.simple:
        for name, make in simple_methods(options.beats).items():
            table[name] = show(name, judge_simple(judge, make, **sizes))
    if options.json:
        options.json.write_text(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
