"""How good songs are, by judges that know nothing of our features, of music learned and kept out.

    python benchmarks/kept_out.py FOLDER --minutes 10     train on three quarters of a folder, judge
    python benchmarks/kept_out.py FOLDER --minutes 10 --model sequence     without a critic
    python benchmarks/kept_out.py FOLDER --station DIR    judge what was trained on that share of it
    python benchmarks/kept_out.py FOLDER --frames         no network: frames and back
    python benchmarks/kept_out.py --starter               the shipped station, and tunes new to it

Which files are kept out follows from the seed. An excerpt goes through the model, and the
reconstruction is compared with the *original* sound: notes by basic-pitch, harmony and rhythm by
short-time spectra. New songs are compared with the files kept out, as the learned files are, by
statistics of their notes, onsets and levels and by the embeddings of a tagger of others' music. A
model of any kind can be judged: see composers.py. Peers: `pip install onnxruntime && pip install
--no-deps basic-pitch musicnn`; what is not installed is left out.

    learned, kept out    note_f1, frame_f1, chroma, onset, tagger_cosine: 1 for the original sound
    distance             Fréchet, of new songs to music kept out over that of learned music; so the
    tagger_distance      tagger's
    beat                 how well onsets repeat after a beat, over how well those of real music do
    steady               share of songs that keep a tempo from end to end, by audio_parsing/beats.py
    known_tunes          share of songs whose chroma, in any key, is more like some learned stretch
                         than half-way from music kept out to other versions of what was learned
    last_minute          distance of the last minute of five over that of the first
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing import analysis, files  # noqa: E402
from audio_parsing.beats import find_beat  # noqa: E402
from audio_parsing.frames import SAMPLE_RATE, decode, encode, transpose  # noqa: E402
from audio_parsing.song import StarterSong  # noqa: E402
from audio_parsing.starter import fresh_song, hop_length, render, starter_songs  # noqa: E402
from benchmarks import (  # noqa: E402
    kept_out_measure as measure,
    music_tagger,
    sequence_model,
    transcription,
)
from benchmarks.composers import Composer, FramesAndBack, Song, StationComposer  # noqa: E402
from benchmarks.quality_measure import frechet, statistics  # noqa: E402
from benchmarks.quality_tunes import unheard_songs  # noqa: E402
from radio.home import Home  # noqa: E402
from radio.station import FrameGrid, SequenceModel, Station, find_grid, steps as song_data  # noqa: E402
from radio.training import (  # noqa: E402
    TrainingOptions,
    prepare_recordings,
    train_station,
)

HOP = song_data.ABSOLUTE_HOP_LENGTH
RATE = SAMPLE_RATE / HOP  # frames a second
EXCERPT = 1536 * HOP  # samples: a song of 64 beats on an absolute grid
MOST_FILES = 64  # that are read to be compared with
LONG = 300.0  # seconds of a long song


class Excerpt(NamedTuple):
    """A sound (n,) at 22,050 Hz, its frames' hop length, its semitones above C major or A minor."""

    name: str
    samples: np.ndarray
    hop_length: int = HOP
    key: int = 0

    @property
    def beat(self) -> float:
        """Seconds of a beat; of a second where none is known."""
        known = self.hop_length != HOP
        return song_data.FRAMES_PER_BEAT * self.hop_length / SAMPLE_RATE if known else 1.0


class Music(NamedTuple):
    """Excerpts of music learned and of music kept out, and all that was learned, whole.

    Versions are other arrangements of what was learned; of recordings there are none.
    """

    learned: list[Excerpt]
    kept: list[Excerpt]
    whole: list[Song]
    versions: Sequence[Song] = ()


def split(folder: Path, share: float, seed: int) -> tuple[list[Path], list[Path]]:
    """Return the files of a folder to learn from, and those to keep out."""
    paths = files.find_audio(folder)
    order = np.random.default_rng(seed).permutation(len(paths))
    kept = max(1, round(share * len(paths)))
    chosen = set(order[:kept].tolist())
    return [p for i, p in enumerate(paths) if i not in chosen], [paths[i] for i in sorted(chosen)]


def sounds_of(paths: list[Path]) -> list[np.ndarray]:
    """Return the samples of at most MOST_FILES files spread over all, ten minutes each at most."""
    chosen = np.linspace(0, len(paths) - 1, min(MOST_FILES, len(paths))).round().astype(int)
    sounds = []
    for path in (paths[i] for i in chosen):
        try:
            sounds.append(files.read_audio(path, SAMPLE_RATE, max_seconds=600))
        except files.AudioError as error:
            print(error, file=sys.stderr)
    return [one for one in sounds if len(one) >= EXCERPT]


def excerpts_of(sounds: list[np.ndarray], count: int) -> list[Excerpt]:
    """Return excerpts spread over sounds, one or more of each, from its middle on."""
    each = -(-count // max(1, len(sounds)))
    excerpts = []
    for number, sound in enumerate(sounds):
        starts = np.linspace(0, len(sound) - EXCERPT, each + 2)[1:-1].astype(int)
        excerpts += [Excerpt(f"{number}", sound[start : start + EXCERPT]) for start in starts]
    return excerpts[:count]


def starter_excerpts(count: int, *, heard: bool) -> Iterator[Excerpt]:
    """Yield songs of the starter collection, or of tunes that are not in it."""
    songs = starter_songs(beats=64)
    if heard:
        songs = songs[:: max(1, len(songs) // count)]
    else:
        songs = unheard_songs(count, np.random.default_rng(0), beats=64)
    yield from map(_rendered, songs[:count])


def _rendered(song: StarterSong) -> Excerpt:
    hop = hop_length(song.bpm)
    samples = render(song, SAMPLE_RATE)[: song.beats * song_data.FRAMES_PER_BEAT * hop]
    return Excerpt(song.name, samples, hop, song.transposition)


def come_back(composer: Composer, excerpt: Excerpt) -> np.ndarray:
    """Return the sound (n,) of the reconstruction of an excerpt."""
    length, grid = len(excerpt.samples), FrameGrid(excerpt.hop_length)
    if composer.finds_beats and excerpt.hop_length == HOP:
        grid = find_grid(excerpt.samples)
    frames = grid.frames(excerpt.samples, 0, grid.count(length))
    back = composer.reconstruct(transpose(frames, -excerpt.key))
    back = np.maximum(transpose(back, excerpt.key), 0)
    return decode(back, hop_length=grid.hop_length)[-round(grid.origin) :][:length]


def judge_pairs(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Compare pairs of original and what came back; return the means."""
    rows = []
    for original, result in pairs:
        row = {
            "chroma": analysis.chroma_correlation(original, result),
            "onset": analysis.onset_correlation(original, result),
        }
        if transcription.available():
            heard = [transcription.transcribe(one, SAMPLE_RATE) for one in (original, result)]
            row["note_f1"] = transcription.note_f1(*heard)
            row["frame_f1"] = measure.frame_f1(heard[0], heard[1], len(original) / SAMPLE_RATE)
        if music_tagger.available():
            first, second = (
                music_tagger.embed(one, SAMPLE_RATE).mean(axis=0) for one in (original, result)
            )
            row["tagger_cosine"] = float(
                first @ second / np.linalg.norm(first) / np.linalg.norm(second)
            )
        rows.append(row)
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def described(sounds: list[np.ndarray]) -> np.ndarray:
    """Return the statistics (windows, 94) of sounds."""
    return np.concatenate([statistics(encode(one, hop_length=HOP), RATE) for one in sounds])


def embedded(sounds: list[np.ndarray]) -> np.ndarray:
    """Return the tagger's embeddings (patches, 200) of sounds."""
    return np.concatenate([music_tagger.embed(one, SAMPLE_RATE) for one in sounds])


def judge_new(songs: list[Song], music: Music, *, seed: int) -> dict[str, float]:
    """Compare new songs, as a radio plays them, with music kept out and with what was learned."""
    rng = np.random.default_rng(seed)
    new = [song.samples for song in songs]
    learned, kept = ([one.samples for one in some] for some in (music.learned, music.kept))
    judged = {
        "distance": measure.distance_over(
            described(new), described(learned), described(kept), rng=rng
        )
    }
    if music_tagger.available():
        judged["tagger_distance"] = measure.distance_over(
            embedded(new), embedded(learned), embedded(kept), rng=rng
        )
    real = float(np.mean([measure.beat_strength(one) for one in learned + kept]))
    judged["beat"] = float(np.mean([measure.beat_strength(one) for one in new])) / real
    judged["beat_real"] = real
    for name, sounds in (("steady", new), ("steady_real", learned + kept)):
        judged[name] = float(np.mean([find_beat(one) is not None for one in sounds]))
    known = [measure.tune(one.samples, beat=one.beat) for one in music.whole]

    def likenesses(some: Sequence[Song | Excerpt]) -> list[float]:
        tunes = [measure.tune(one.samples, beat=one.beat) for one in some]
        return [measure.likeness(one, known) for one in tunes]

    version = float(np.median(likenesses(music.versions))) if music.versions else 1.0
    border = (float(np.median(likenesses(music.kept))) + version) / 2
    alike = likenesses(songs)
    judged["known_tunes"] = float(np.mean(np.array(alike) > border))
    judged["known_border"], judged["most_alike"] = border, max(alike)
    if transcription.available():
        for name, sounds in (("notes_a_second", new), ("notes_a_second_real", kept)):
            heard = [len(transcription.transcribe(x, SAMPLE_RATE)) / len(x) for x in sounds[:16]]
            judged[name] = float(np.mean(heard)) * SAMPLE_RATE
    return judged


def judge_long(songs: list[Song], real: list[np.ndarray]) -> float:
    """Return how far the last minute of songs lies from real music over how far the first does."""
    minute = 60 * SAMPLE_RATE
    known = described(real)
    unit = measure.units(known)
    far = [
        frechet(described([song.samples[part] for song in songs]) / unit, known / unit)
        for part in (slice(-minute - SAMPLE_RATE, -SAMPLE_RATE), slice(minute))
    ]
    return far[0] / far[1]


def judge(
    composer: Composer, music: Music, *, songs: int, long_songs: int, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return all that is measured of a composer.

    Args:
        composer: what is judged.
        music: what it learned, and what it didn't.
        songs: new ones to be judged.
        long_songs: of five minutes, likewise.
        seed: of the songs.
    """
    result = {}
    for name, excerpts in (("learned", music.learned), ("kept out", music.kept)):
        result[name] = judge_pairs([(one.samples, come_back(composer, one)) for one in excerpts])
    rng = np.random.default_rng(seed)
    new = composer.new_songs(songs, EXCERPT / SAMPLE_RATE, rng)
    if new:
        result["new songs"] = judge_new(new, music, seed=seed)
        if long_songs:
            long = composer.new_songs(long_songs, LONG, rng)
            real = [one.samples for one in music.learned + music.kept]
            result["new songs"]["last_minute"] = judge_long(long, real)
    return result


def starter_music(count: int) -> Music:
    """Return songs of the starter collection, songs of tunes that it has not, and all of it."""
    learned, kept = (list(starter_excerpts(count, heard=heard)) for heard in (True, False))
    every = list(starter_excerpts(10_000, heard=True))
    rng = np.random.default_rng(1)
    fresh = [_rendered(fresh_song(rng, beats=64)) for _ in range(count)]
    return Music(
        learned, kept, *([Song(x.samples, x.beat) for x in some] for some in (every, fresh))
    )


def folder_music(paths: tuple[list[Path], list[Path]], count: int) -> Music:
    """Return excerpts of files learned and kept out, and what was learned."""
    learned, kept = (sounds_of(some) for some in paths)
    whole = [Song(one) for one in learned]
    return Music(excerpts_of(learned, count), excerpts_of(kept, count), whole)


def main() -> None:
    """Train or load a station, judge it, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help="of music")
    parser.add_argument(
        "--starter", action="store_true", help="judge the starter station, or --station, instead"
    )
    parser.add_argument(
        "--share", type=float, default=0.25, help="of the files that is kept out (default 0.25)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the split, the training and the songs"
    )
    parser.add_argument("--minutes", type=float, help="train for so long first")
    parser.add_argument("--station", type=Path, help="a station's folder; --minutes trains into it")
    parser.add_argument(
        "--model",
        choices=("station", "sequence"),
        default="station",
        help="what is trained: a station, or its VAE alone, without a critic (default station)",
    )
    sequence = parser.add_argument_group("of --model sequence")
    sequence.add_argument("--threads", type=int, choices=(1, 2), default=1, help="(default 1)")
    sequence.add_argument(
        "--semitones", type=int, default=3, help="excerpts are moved by (default 3, 0 for none)"
    )
    sequence.add_argument(
        "--latent", choices=("gaussian", "mixture"), default="gaussian", help="of new songs' z"
    )
    parser.add_argument("--frames", action="store_true", help="judge frames and back")
    parser.add_argument(
        "--excerpts", type=int, default=16, help="of learned and of kept files (default 16 each)"
    )
    parser.add_argument("--songs", type=int, default=32, help="new ones (default 32)")
    parser.add_argument(
        "--long", type=int, default=6, help="songs of five minutes (default 6, 0 for none)"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if (options.folder is None) != options.starter:
        parser.error("give a folder of music, or --starter")
    if options.model == "sequence" and (options.starter or options.station or not options.minutes):
        parser.error("--model sequence takes a folder and --minutes, and no station")
    machine = platform.processor() or platform.machine()
    result: dict[str, dict[str, float] | str] = {
        "machine": f"{machine}, Python {platform.python_version()}"
    }
    station, composer = options.station, None
    if options.starter:
        music = starter_music(options.excerpts)
        station = station or Home(None).station("starter")
    else:
        paths = split(options.folder, options.share, options.seed)
        result["files"] = {"learned": len(paths[0]), "kept out": len(paths[1])}
        if options.model == "sequence":
            composer, result["training"] = trained_sequence(paths[0], options)
        elif options.minutes:
            station = station or Path(tempfile.mkdtemp()) / "trained"
            start = time.perf_counter()
            train_on(paths[0], station, options.minutes, options.seed)
            result["training"] = {"minutes": (time.perf_counter() - start) / 60}
        music = folder_music(paths, options.excerpts)
    if options.frames:
        composer = FramesAndBack()
    if composer is None:
        if station is None:
            parser.error("say what to judge: --minutes, --station or --frames")
        composer = composer_of(Station.load(station))
    result |= judge(
        composer, music, songs=options.songs, long_songs=options.long, seed=options.seed
    )
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for part, values in result.items():
        text = (
            values
            if isinstance(values, str)
            else "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        )
        print(f"{part:12} {text}")


def composer_of(station: Station) -> Composer:
    """Return what reconstructs and composes as a station does, whatever its model."""
    model = station.model
    if isinstance(model, SequenceModel):
        tempi = sequence_model.tempi_of(station.coordinates)
        return sequence_model.SequenceComposer(
            model.vae, model.components, station.latent, tempi, {}
        )
    return StationComposer(station)


@contextmanager
def linked(paths: list[Path]) -> Iterator[Path]:
    """Yield a folder that holds links to some files only."""
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(paths):
            (Path(folder) / f"{number:05}-{path.name}").symlink_to(path.resolve())
        yield Path(folder)


def train_on(paths: list[Path], station: Path, minutes: float, seed: int) -> None:
    """Train a station on some files only."""
    with linked(paths) as folder:
        options = TrainingOptions(minutes=minutes, seed=seed)
        train_station(station, folder, options, report=_report)


def trained_sequence(
    paths: list[Path], options: argparse.Namespace
) -> tuple[Composer, dict[str, float]]:
    """Return the VAE whose latents move in time, trained on some files only, and its figures."""
    with linked(paths) as folder:
        recordings = prepare_recordings(
            folder,
            seed=options.seed,
            workers=options.threads,
            on_skip=lambda line: print(line, file=sys.stderr),
        )
    composer = sequence_model.train(
        recordings,
        sequence_model.by_clock(60 * options.minutes),
        seed=options.seed,
        threads=options.threads,
        semitones=options.semitones,
        latent=options.latent,
    )
    return composer, {"minutes": options.minutes, **composer.details}


def _report(event: dict) -> None:
    if "note" in event or "skip" in event:
        print(event, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
