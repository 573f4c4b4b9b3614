"""Copy synthesis: sound to frames and back without a network: the upper bound of any network.

    python benchmarks/copy_synthesis.py                  24 starter songs, 15 installed recordings
    python benchmarks/copy_synthesis.py FOLDER --json    any folder of recordings, as JSON

The recordings of the default folder come with `apt install wesnoth-1.16-music`: orchestral OGG
files, of which 30 s from the middle are taken. Starter songs are encoded at 24 frames a beat,
recordings at 50 frames a second. Note F1 compares a transcription of the original with one of the
copy (transcription.py, an optional peer; without it the column is empty). Times are the
processor's, on one core: SciPy's FFT uses one worker and nothing here multiplies matrices.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing import analysis, files, starter  # noqa: E402
from audio_parsing.frames import FRAME_SIZE, SAMPLE_RATE, decode, encode  # noqa: E402
from benchmarks import transcription  # noqa: E402

RECORDINGS = Path("/usr/share/games/wesnoth/1.16/data/core/music")
RECORDING_HOP = 441
MEASURES = {
    "note_f1": "note F1",
    "chroma": "chroma",
    "onset": "onset",
    "distance": "distance dB",
    "level": "level dB",
    "values": "values/s",
    "encode": "encode x",
    "decode": "decode x",
}
BARS = {
    "starter": {"note_f1": 0.84, "chroma": 0.94, "decode": 80.0},
    "recordings": {"note_f1": 0.62, "chroma": 0.97, "decode": 80.0},
}


class Excerpt(NamedTuple):
    """A sound to be copied: samples (n,) at 22,050 Hz and the frames' hop length."""

    name: str
    samples: np.ndarray
    hop_length: int


def starter_excerpts(count: int, beats: int) -> Iterator[Excerpt]:
    """Yield songs spread evenly over the starter collection."""
    songs = starter.starter_songs(beats=beats)
    for index in np.unique(np.linspace(0, len(songs) - 1, count).round().astype(int)):
        yield Excerpt(
            songs[index].name,
            starter.render(songs[index], SAMPLE_RATE),
            starter.hop_length(songs[index].bpm),
        )


def recorded_excerpts(folder: Path, count: int, seconds: float) -> Iterator[Excerpt]:
    """Yield the middle of the first recordings that are twice as long as the excerpt."""
    length = int(seconds * SAMPLE_RATE)
    found = 0
    for path in files.find_audio(folder):
        samples = files.read_audio(path, SAMPLE_RATE)
        if found < count and len(samples) >= 2 * length:
            begin = (len(samples) - length) // 2
            yield Excerpt(path.stem, samples[begin : begin + length], RECORDING_HOP)
            found += 1
        if found == count:
            return


def seconds_of(work, repeats: int = 3) -> float:  # type: ignore[no-untyped-def]
    """Return the fastest of some runs, in seconds of processor time."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def copy(excerpt: Excerpt) -> dict[str, float]:
    """Encode and decode a sound; return the measures of `MEASURES`."""
    samples, hop_length = excerpt.samples, excerpt.hop_length
    frames = encode(samples, hop_length=hop_length)
    result = decode(frames, hop_length=hop_length)[: len(samples)]
    duration = len(samples) / SAMPLE_RATE
    measured = {
        "chroma": analysis.chroma_correlation(samples, result),
        "onset": analysis.onset_correlation(samples, result),
        "distance": analysis.log_spectral_distance(samples, result),
        "level": 10
        * float(
            np.log10(
                np.mean(result.astype(np.float64) ** 2) / np.mean(samples.astype(np.float64) ** 2)
            )
        ),
        "values": FRAME_SIZE * SAMPLE_RATE / hop_length,
        "encode": duration / seconds_of(lambda: encode(samples, hop_length=hop_length)),
        "decode": duration / seconds_of(lambda: decode(frames, hop_length=hop_length)),
    }
    if transcription.available():
        heard = [transcription.transcribe(sound, SAMPLE_RATE) for sound in (samples, result)]
        measured["note_f1"] = transcription.note_f1(*heard)
    return measured


def mean(rows: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each measure; speeds are means of times."""
    return {
        name: float(
            1 / np.mean([1 / row[name] for row in rows])
            if name in ("encode", "decode")
            else np.mean([row[name] for row in rows])
        )
        for name in MEASURES
        if name in rows[0]
    }


def line(name: str, row: dict[str, float]) -> str:
    """Return a row of the table."""
    cells = []
    for measure, heading in MEASURES.items():
        digits = (
            0
            if measure in ("values", "encode", "decode")
            else 1
            if measure in ("distance", "level")
            else 3
        )
        cells.append(
            f"{row[measure]:{len(heading) + 2}.{digits}f}"
            if measure in row
            else " " * (len(heading) + 2)
        )
    return f"{name[:32]:32}" + "".join(cells)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 if a mean lies below its bar."""
    parser = argparse.ArgumentParser(description="Measure what frames keep of sounds.")
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=RECORDINGS,
        help=f"recordings (default {RECORDINGS}, skipped if missing)",
    )
    parser.add_argument(
        "--starter",
        type=int,
        default=24,
        metavar="N",
        help="starter songs (default 24, 0 for none)",
    )
    parser.add_argument(
        "--recordings", type=int, default=15, metavar="N", help="recordings (default 15)"
    )
    parser.add_argument(
        "--beats", type=int, default=64, help="length of the starter songs (default 64)"
    )
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="length of the excerpts (default 30)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object instead of the table"
    )
    options = parser.parse_args(arguments)
    if options.folder != RECORDINGS and not options.folder.is_dir():
        parser.error(f"no folder {options.folder}")
    groups = {}
    if options.starter > 0:
        groups["starter"] = starter_excerpts(options.starter, options.beats)
    if options.recordings > 0 and options.folder.is_dir():
        groups["recordings"] = recorded_excerpts(
            options.folder, options.recordings, options.seconds
        )
    show = (lambda text: None) if options.json else print
    show(f"{'':32}" + "".join("  " + heading for heading in MEASURES.values()))
    report: dict[str, object] = {
        "machine": f"{platform.processor() or platform.machine()}, "
        f"Python {platform.python_version()}"
    }
    passed = True
    for group, excerpts in groups.items():
        rows = {}
        for excerpt in excerpts:
            if not rows:  # compile, and fill the caches
                copy(excerpt)
            rows[excerpt.name] = copy(excerpt)
            show(line(excerpt.name, rows[excerpt.name]))
        if not rows:
            show(f"no {group} long enough")
            continue
        means = mean(list(rows.values()))
        missed = [
            f"{name} {means[name]:.3f} < {bar}"
            for name, bar in BARS[group].items()
            if name in means and means[name] < bar
        ]
        passed = passed and not missed
        show(
            line(f"mean of {len(rows)} {group}", means)
            + ("  below the bar: " + ", ".join(missed) if missed else "")
            + "\n"
        )
        report[group] = {"mean": means, "rows": rows, "missed": missed}
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        print(report["machine"])
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
