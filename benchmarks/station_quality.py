"""Quality of a starter station: reconstructions of its songs, and its new songs.

    python benchmarks/station_quality.py                  the shipped station
    python benchmarks/station_quality.py --minutes 5      one trained from scratch, on both cores

A station of recordings is judged by kept_out.py.
Note F1 compares a transcription of the original sound with one of the result (see transcription.py,
an optional peer; without it the column is empty). Originals are rendered anew, in their own key and
tempo; results go through the whole station, sound included.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing import (
    analysis,  # noqa: E402
    frames as audio_frames,
)
from audio_parsing.starter import render, starter_songs  # noqa: E402
from benchmarks import transcription  # noqa: E402
from radio.composer import sample_distinct  # noqa: E402
from radio.home import Home  # noqa: E402
from radio.station import (
    Station,  # noqa: E402
    steps as song_data,  # noqa: E402
)
from radio.training import (  # noqa: E402
    TrainingOptions,  # noqa: E402
    canonical_steps,
    encode_songs,  # noqa: E402
    prepare_starter_songs,
    train_station,  # noqa: E402
)


def explained_variance(original: np.ndarray, result: np.ndarray) -> float:
    """Return the explained share of the variance of frames (..., 181) around their means."""
    original, result = (
        x.reshape(-1, audio_frames.FRAME_SIZE).astype(np.float64) for x in (original, result)
    )
    return 1 - float(
        np.square(original - result).mean() / np.square(original - original.mean(axis=0)).mean()
    )


def judge_reconstruction(original: np.ndarray, result: np.ndarray) -> dict[str, float]:
    """Compare two sounds (n,) at 22,050 Hz."""
    judged = {
        "chroma": analysis.chroma_correlation(original, result),
        "onset": analysis.onset_correlation(original, result),
    }
    if transcription.available():
        heard = [
            transcription.transcribe(sound, song_data.SAMPLE_RATE) for sound in (original, result)
        ]
        judged["note_f1"] = transcription.note_f1(*heard)
    return judged


def starter_reconstruction(number: int, beats: int, folder: Path) -> dict[str, float]:
    """Judge what a station gives back of one starter song."""
    station = Station.load(folder)
    song = starter_songs(beats=beats)[number]
    statistics, _ = encode_songs(station.model.module, canonical_steps(song)[None])
    coordinate = np.concatenate(
        [
            statistics[0, : station.latent_size],
            [song_data.tempo_coordinate(song.bpm), song_data.key_coordinate(song.transposition)],
        ]
    ).astype(np.float32)
    return judge_reconstruction(render(song, song_data.SAMPLE_RATE), station.render(coordinate))


def judge_generated(
    station: Station, steps: np.ndarray, *, count: int = 100, seed: int = 1
) -> dict[str, float]:
    """Generate and render songs and judge them against the training songs' steps (N, S, F)."""
    rng = np.random.default_rng(seed)
    station.render(station.sample(1, rng)[0])  # compiles
    start = time.perf_counter()
    songs = list(islice(sample_distinct(station, rng), count))
    coordinates = np.stack([coordinate for coordinate, _ in songs])
    made = np.concatenate([one for _, one in songs], axis=1)
    frames = station.frames_of(made, coordinates)
    sounds = [station.render(p, frames=f) for p, f in zip(coordinates, frames, strict=True)]
    seconds = time.perf_counter() - start
    lasting = sum(len(sound) for sound in sounds) / station.sample_rate

    flat = np.ascontiguousarray(made.transpose(1, 0, 2)).reshape(count, -1)
    known = steps.reshape(len(steps), -1)
    nearest = np.sqrt(_square_distances(flat, known).min(axis=1))
    between = np.sqrt(np.maximum(_square_distances(known, known), 0))
    centred = flat - flat.mean(axis=1, keepdims=True)
    correlation = np.corrcoef(centred)
    np.fill_diagonal(correlation, -1)
    judged = {
        "times_real_time": lasting / seconds,
        "novelty": float(nearest.mean() / between[~np.eye(len(known), dtype=bool)].mean()),
        "near_copies": float(
            (nearest / between[~np.eye(len(known), dtype=bool)].mean() < 0.1).mean()
        ),
        "most_alike": float(correlation.max()),
        "quietest_rms": min(float(np.sqrt(np.square(sound).mean())) for sound in sounds),
        "loudest_sample": max(float(np.abs(sound).max()) for sound in sounds),
    }
    judged |= {
        f"in_scale_{name}": value
        for name, value in _in_scale(station, coordinates, frames, sounds).items()
    }
    if transcription.available():
        heard = [transcription.transcribe(sound, station.sample_rate) for sound in sounds[:24]]
        judged["notes_a_second"] = float(
            np.mean(
                [
                    len(n) / (len(s) / station.sample_rate)
                    for n, s in zip(heard, sounds, strict=False)
                ]
            )
        )
    return judged


def _in_scale(
    station: Station, coordinates: np.ndarray, frames: np.ndarray, sounds: list[np.ndarray]
) -> dict[str, float]:
    """Return the mean share of note energy in each song's scale, major or relative minor."""
    shares: dict[str, list[float]] = {"frames": [], "notes": []}
    for number, coordinate in enumerate(coordinates):
        key = song_data.coordinate_key(float(coordinate[-1]))
        scales = [analysis.scale(key % 12, "major"), analysis.scale((key + 9) % 12, "minor")]
        shares["frames"].append(
            max(analysis.in_scale_share(frames[number], scale) for scale in scales)
        )
        if transcription.available() and number < 24:
            notes = transcription.transcribe(sounds[number], station.sample_rate)
            shares["notes"].append(max(analysis.in_scale_share(notes, scale) for scale in scales))
    return {name: float(np.mean(values)) for name, values in shares.items() if values}


def _square_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squares = (
        np.square(a, dtype=np.float64).sum(axis=1)[:, None]
        + np.square(b, dtype=np.float64).sum(axis=1)
        - 2.0 * (a @ b.T)
    )
    return np.maximum(squares, 0)


def _mean(judged: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([one[key] for one in judged])) for key in judged[0]}


def main() -> None:
    """Train or load a station, judge it, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, help="train a station for so long first")
    parser.add_argument("--beats", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--station",
        type=Path,
        help="a station's folder; the shipped one if neither this nor --minutes is given",
    )
    parser.add_argument("--every", type=int, default=1, help="judge each Nth song")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.station or (
        Path(tempfile.mkdtemp()) / "trained" if arguments.minutes else Home(None).station("starter")
    )
    result: dict[str, dict[str, float] | str] = {
        "machine": f"{platform.processor() or platform.machine()}, {platform.python_version()}"
    }
    if arguments.minutes:
        start = time.perf_counter()
        train_station(
            folder,
            None,
            TrainingOptions(beats=arguments.beats, minutes=arguments.minutes, seed=arguments.seed),
            report=_report,
        )
        result["training"] = {"minutes": (time.perf_counter() - start) / 60}
    station = Station.load(folder)
    songs = prepare_starter_songs(beats=station.beats)
    _, given_back = _reconstructed(station, songs.steps)
    result["frames"] = {
        "explained_variance": explained_variance(songs.steps, given_back),
        "songs": len(songs.steps),
    }
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        judge = partial(starter_reconstruction, beats=station.beats, folder=folder)
        chosen = range(0, len(songs.steps), arguments.every)
        result["reconstruction"] = _mean(list(pool.map(judge, chosen)))
    result["generated"] = judge_generated(station, songs.steps)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for part, values in result.items():
        print(
            part,
            values
            if isinstance(values, str)
            else "  ".join(f"{key} {value:.4g}" for key, value in values.items()),
        )


def _reconstructed(station: Station, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    statistics, _ = encode_songs(station.model.module, steps)
    given_back = np.empty_like(steps)
    for start in range(0, len(steps), 8):
        z = np.ascontiguousarray(statistics[start : start + 8, : station.latent_size])
        given_back[start : start + 8] = station.model.generator.forward(z)[0].transpose(1, 0, 2)
    return statistics, given_back


def _report(event: dict) -> None:
    done, of = event.get("done"), event.get("of")
    if "note" in event or done is None or done == of or done % max(1, of // 20) == 0:
        print(event, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
