"""Distance of new songs from real ones, their novelty, and simple methods on the same songs.

    python benchmarks/quality.py                     16 beats: train for minutes, then judge
    python benchmarks/quality.py --station FOLDER    judge a trained station on a beat grid
    python benchmarks/quality.py --gan-steps 0       everything but the adversarial training
    python benchmarks/quality.py --keep FOLDER       store the networks; the next run reads them

The distance is Fréchet's between statistics of windows (quality_measure.py), divided by the floor:
other real songs, none of which is in the reference, with their tempi and keys shuffled as generated
songs' are. No song of reference and floor was trained on. Novelty is the distance to the nearest
training song, over the mean distance between two starter songs; below NEAR it is called a copy.
Intervals are of 95 % for the mean over the draws (Student's t).
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing import (  # noqa: E402
    analysis,
    frames as audio_frames,  # noqa: E402
    starter,
)
from audio_parsing.tune_book import TUNES  # noqa: E402
from benchmarks import quality_models as models  # noqa: E402
from benchmarks.quality_kept import Kept  # noqa: E402
from benchmarks.quality_measure import (  # noqa: E402
    frechet,
    mean_distance,
    notes_a_second,
    novelty,
    onsets,
    salience,
    statistics,
)
from benchmarks.quality_tunes import unheard_songs  # noqa: E402
from gan.critic_bodies import BODIES  # noqa: E402
from neural_networks.components.parameters import FlatParameters  # noqa: E402
from radio.home import Home  # noqa: E402
from radio.station import (
    Station,  # noqa: E402
    steps as song_data,  # noqa: E402
)
from radio.training import (  # noqa: E402
    TrainingSongs,
    prepare_starter_songs,
    prepared_music,  # noqa: E402
)

NEAR = 0.2  # novelty of a copy; a VAE's reconstructions have about 0.15 to 0.2
# t of 95 % by the number of draws
STUDENT = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}
HELD_OUT = 64  # songs that are sent through encoder and decoder


@dataclass
class Collection:
    """Songs that were trained on, and others that were not."""

    known: TrainingSongs
    starter_songs: int  # the first of the known
    reference: TrainingSongs
    others: TrainingSongs
    unseen: TrainingSongs | None  # of tunes that were kept from the training
    unheard: TrainingSongs  # of tunes that are not in the collection at all


class Judge:
    """Compare songs with the reference."""

    def __init__(self, collection: Collection, samples: int, draws: int) -> None:
        self.samples, self.draws = samples, draws
        self.known = collection.known.steps.reshape(len(collection.known.steps), -1)
        self.unit = mean_distance(self.known[: collection.starter_songs])
        self.coordinates = collection.known.coordinates
        real = np.concatenate(
            _described(collection.reference.steps, collection.reference.coordinates)
        )
        self._mean, self._deviation = real.mean(axis=0), np.maximum(real.std(axis=0), 1e-6)
        self._real = (real - self._mean) / self._deviation
        self.notes = _notes(collection.reference.steps, collection.reference.coordinates)
        self.floor = 1.0
        self.floor = self.judge(models.copies(collection.others.steps))["distance"][0]

    def judge(self, maker: models.Maker, *, seed: int = 0) -> dict[str, tuple[float, float]]:
        """Return (mean over the draws, half width of its interval) of every measure."""
        rows = []
        for draw in range(self.draws):
            rng = np.random.default_rng((seed, draw))
            songs = np.maximum(maker(self.samples, rng), 0).astype(np.float32)
            coordinates = self.coordinates[
                rng.integers(len(self.coordinates), size=len(songs))
            ].copy()
            coordinates[:, 0] += 0.15 * rng.standard_normal(len(songs))  # as Station.sample does
            made = (np.concatenate(_described(songs, coordinates)) - self._mean) / self._deviation
            new = novelty(songs.reshape(len(songs), -1), self.known, unit=self.unit)
            rows.append(
                {
                    "distance": frechet(self._real, made) / self.floor,
                    "novelty": float(new.mean()),
                    "copies": float((new < NEAR).mean()),
                    "notes": _notes(songs[:128], coordinates[:128]) / self.notes,
                }
            )
        return {key: _interval([row[key] for row in rows]) for key in rows[0]}


def _described(steps: np.ndarray, coordinates: np.ndarray) -> list[np.ndarray]:
    return [statistics(*_sounding(one, p)) for one, p in zip(steps, coordinates, strict=True)]


def _notes(steps: np.ndarray, coordinates: np.ndarray) -> float:
    return float(
        np.mean(
            [notes_a_second(*_sounding(one, p)) for one, p in zip(steps, coordinates, strict=True)]
        )
    )


def _sounding(steps: np.ndarray, coordinate: np.ndarray) -> tuple[np.ndarray, float]:
    """Return a song's frames (T, 181) in its key, and frames a second at its tempo."""
    frames = audio_frames.transpose(
        song_data.to_frames(steps), song_data.coordinate_key(float(coordinate[1]))
    )
    return frames, song_data.FRAMES_PER_BEAT * song_data.coordinate_tempo(float(coordinate[0])) / 60


def _interval(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return float(values[0]), float("nan")
    width = (
        STUDENT.get(len(values), 2.0) * float(np.std(values, ddof=1)) / float(np.sqrt(len(values)))
    )
    return float(np.mean(values)), width


def given_back(drawn: models.Drawn, songs: np.ndarray) -> dict[str, float]:
    """Return the chroma and notes of songs (N, S, F) that come back through the VAE."""
    encoded = models.Drawn(drawn.vae, songs)
    made = encoded.decode(encoded.means)
    chroma, scores = [], []
    for song, result in zip(songs, made, strict=True):
        real, back = song_data.to_frames(song), np.maximum(song_data.to_frames(result), 0)
        chroma.append(analysis.chroma_correlation(real, back))
        scores.append(_note_f1(onsets(salience(real)), onsets(salience(back))))
    return {
        "error": encoded.error,
        "chroma": float(np.mean(chroma)),
        "note_f1": float(np.mean(scores)),
    }


def _note_f1(real: np.ndarray, made: np.ndarray, tolerance: int = 3) -> float:
    """Return the F1 of note onsets (T, 88), at most `tolerance` frames apart, used once each."""
    matched = 0
    for pitch in range(real.shape[1]):
        left = list(np.flatnonzero(made[:, pitch]))
        for time_ in np.flatnonzero(real[:, pitch]):
            near = [other for other in left if abs(other - time_) <= tolerance]
            if near:
                matched += 1
                left.remove(min(near, key=lambda other: abs(other - time_)))
    total = int(real.sum() + made.sum())
    return 2 * matched / total if total else 1.0


def collect(beats: int, fresh: int, samples: int, unseen: int, seed: int) -> Collection:
    """Render all songs, or take them from the home's cache."""
    cache = prepared_music(Home(None).prepared)
    rng = np.random.default_rng((seed, 12345))
    hidden = {tune.name for tune in TUNES[len(TUNES) - unseen :]} if unseen else set()

    def prepared(songs: list[starter.StarterSong]) -> TrainingSongs:
        return prepare_starter_songs(songs, cache=cache)

    def new(count: int, hidden_ones: bool = False) -> list[starter.StarterSong]:
        found: list[starter.StarterSong] = []
        while len(found) < count:
            song = starter.fresh_song(rng, beats=beats)
            if (song.tune in hidden) == hidden_ones or not hidden:
                found.append(song)
        return found

    chosen = [song for song in starter.starter_songs(beats=beats) if song.tune not in hidden]
    reference, known = prepared(new(samples)), prepared(chosen + new(fresh))
    others = prepared(new(round(1.5 * samples)))
    unseen_ones = prepared(new(HELD_OUT, True)) if hidden else None
    unheard = prepared(unheard_songs(HELD_OUT, np.random.default_rng((seed, 54321)), beats=beats))
    return Collection(known, len(chosen), reference, others, unseen_ones, unheard)


def main() -> None:
    """Train or load, judge, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--station", type=Path, help="a folder with a station on a beat grid, instead of training"
    )
    parser.add_argument("--beats", type=int, default=16)
    parser.add_argument(
        "--fresh",
        type=int,
        default=480,
        help="new arrangements that are trained on beside the starter songs",
    )
    parser.add_argument("--steps", type=int, default=10000, help="of the VAE (default: 10000)")
    parser.add_argument("--gan-steps", type=int, default=900)
    parser.add_argument("--critic", choices=list(BODIES), default="framewise")
    parser.add_argument("--critic-hidden", type=int, default=64)
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument(
        "--unseen",
        type=int,
        default=0,
        metavar="N",
        help="keep N tunes from the training, and send them through it",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="keep the trained networks, and take up those of the same options",
    )
    parser.add_argument(
        "--brief",
        action="store_true",
        help="no simple ways, and nothing of the VAE before the adversarial training",
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    station = Station.load(options.station) if options.station else None
    beats = station.beats if station else options.beats
    fresh = 0 if station else options.fresh
    collection = collect(beats, fresh, options.samples, options.unseen, options.seed)
    judge = Judge(collection, options.samples, options.draws)
    result: dict[str, dict] = {
        "table": {},
        "given_back": {},
        "facts": {"machine": platform.processor(), "floor": judge.floor},
    }

    def row(name: str, maker: models.Maker) -> None:
        result["table"][name] = judge.judge(maker)
        print(_line(name, result["table"][name]), file=sys.stderr, flush=True)

    known = collection.known.steps
    row("floor: other real songs", models.copies(collection.others.steps))
    row("copies of the training songs", models.copies(known))
    if not options.brief:
        row("shuffled frames", models.shuffled_frames(known))
        row("two songs at once", models.two_at_once(known))
        row("Gaussian frames (PCA)", models.gaussian_frames(known))
        row("Gaussian songs (PCA)", models.gaussian_songs(known))
        row("Markov chain of steps", models.markov_chain(known))

    def judged(name: str, drawn: models.Drawn) -> None:
        row(f"{name}, reconstructions", drawn.reconstructed())
        for kind in ("mixture", "learned-prior", "gaussian"):
            row(f"{name}, {kind}", drawn.of(kind))  # type: ignore[arg-type]
        row(f"{name}, half-way", drawn.halfway())
        gave_back(name, drawn)

    def gave_back(name: str, drawn: models.Drawn) -> None:
        result["given_back"][f"{name}, known songs"] = given_back(drawn, known[:HELD_OUT]) | {
            "error of all": drawn.error
        }
        result["given_back"][f"{name}, new arrangements"] = given_back(
            drawn, collection.others.steps[:HELD_OUT]
        )
        result["given_back"][f"{name}, tunes never heard"] = given_back(
            drawn, collection.unheard.steps
        )
        if collection.unseen is not None:
            result["given_back"][f"{name}, unseen tunes"] = given_back(
                drawn, collection.unseen.steps
            )

    if station:
        judged("station", models.Drawn(station.model.module, known))
    else:
        kept = Kept(
            options.keep,
            {
                name: getattr(options, name)
                for name in ("beats", "fresh", "samples", "unseen", "seed", "steps")
            },
        )
        smoothness = (models.RECIPE.gan.smoothness, models.RECIPE.smoothness_power)
        vae, facts = kept.network(
            "vae", lambda: _vae(collection.known, options), smoothness=smoothness
        )
        result["facts"] |= facts
        alone = models.Drawn(vae.module, known)
        if options.brief:
            gave_back("VAE alone", alone)
        else:
            judged("VAE alone", alone)
            judged(
                "VAE and finish",
                models.Drawn(models.finished(vae, collection.known, seed=options.seed), known),
            )
        if options.gan_steps:
            chosen = {
                name: getattr(options, name) for name in ("gan_steps", "critic", "critic_hidden")
            }
            generator, facts = kept.network(
                "gan",
                lambda: _gan(vae, collection.known, options),
                **chosen,
                recipe=models.recipe_figures(),
            )
            result["facts"] |= facts
            judged("GAN", models.Drawn(generator.module, known))
    _print(result, options.json)


def _vae(
    songs: TrainingSongs, options: argparse.Namespace
) -> tuple[FlatParameters, dict[str, Any]]:
    start = time.process_time()
    vae = models.trained_vae(
        songs, options.steps, beats=options.beats, seed=options.seed, progress=_progress
    )
    return vae, {"vae_cpu_seconds": time.process_time() - start}


def _gan(
    vae: FlatParameters, songs: TrainingSongs, options: argparse.Namespace
) -> tuple[FlatParameters, dict[str, Any]]:
    start = time.process_time()
    generator, trainer = models.trained_gan(
        vae,
        songs,
        options.gan_steps,
        body=options.critic,
        hidden=options.critic_hidden,
        seed=options.seed,
        progress=_progress,
    )
    return generator, {
        "gan_cpu_seconds": time.process_time() - start,
        "alarms": [alarm.text for alarm in trainer.alarms()],
    }


def _print(result: dict[str, dict], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(
        f"{'songs':32s} distance / floor   novelty   near copies   notes / real   "
        f"(floor {result['facts']['floor']:.2f})"
    )
    for name, values in result["table"].items():
        print(_line(name, values))
    for name, back in result["given_back"].items():
        print(f"{name:40s}  " + "  ".join(f"{key} {value:.4g}" for key, value in back.items()))
    print(result["facts"])


def _line(name: str, values: dict[str, tuple[float, float]]) -> str:
    mean, width = values["distance"]
    novelty, copies, notes = (values[name][0] for name in ("novelty", "copies", "notes"))
    rest = f"{novelty:9.3f} {100 * copies:10.1f} % {notes:12.2f}"
    return f"{name:32s} {mean:8.2f} +- {width:5.2f} {rest}"


def _progress(done: int, of: int, *rest: object) -> None:
    if done % max(1, of // 10) == 0:
        print(f"{done} of {of}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
