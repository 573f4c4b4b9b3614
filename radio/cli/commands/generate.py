"""`ai-radio generate`, `final` and `starter`: write songs as WAV files."""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from radio.cli.progress import Progress
from radio.errors import UsageError
from radio.home import KINDS, STARTER, Home, check_name, replace_file

if TYPE_CHECKING:
    from radio.station import Station


def generate(options: argparse.Namespace) -> None:
    """Write new songs of a station, or a saved one again."""
    home = Home(options.home)
    if options.station is not None:
        home.known_station(options.station)  # before anything that takes long

    from neural_networks.training.pieces import available_cores
    from radio.cli.in_order import in_order
    from radio.composer import PLAYING, compile_once

    station, description = _station_and_song(options, home)
    target = Target(options.output, single=options.count == 1, kinds=kinds_of(options))
    beats = options.beats or description.get("beats")
    compile_once(part=PLAYING)
    write = functools.partial(
        _write_song, station=station, target=target, beats=beats, midi=options.midi
    )
    if description:
        songs = _saved_song(station, description["coordinate"], beats)
    else:
        songs = _new_songs(station, options.count, options.seed, beats)
    progress = Progress()
    written = []
    for facts in in_order(write, songs, threads=available_cores()):
        written.append(facts)
        if options.count > 1:
            progress.show(f"{len(written)} of {options.count}  {facts['path']}")
    progress.clear()
    tell(written, options.json)


def _station_and_song(options: argparse.Namespace, home: Home) -> tuple[Station, dict[str, Any]]:
    """Return the station, and the description of the song to write again; empty for new songs."""
    from radio.cli.commands.sharing import station_of
    from radio.station import (
        Station,
        check_fits,
        is_share_code,
        read_description,
        read_share_code,
    )

    if options.like and options.count != 1:
        raise UsageError("--like makes one song; leave --count out")
    description: dict[str, Any] = {}
    code = str(options.like or "")
    if is_share_code(code):
        shared = read_share_code(code)
        station = station_of(home, shared, options.station)
        description = {"coordinate": shared.coordinate}
    else:
        if options.like:
            description = read_description(options.like)
        name = options.station or description.get("station", STARTER)
        station = Station.load(home.known_station(name))
        if description:
            check_fits(description, station, options.like)
    if options.latent:
        station.draw_from(options.latent)
    if options.novelty is not None:
        if not station.follows:
            raise UsageError(
                f"station {station.name} remembers no songs that new ones could follow; leave "
                "--novelty out, or train a station on a folder of music (ai-radio train FOLDER)"
            )
        station.novelty = options.novelty
    return station, description


def _saved_song(
    station: Station, coordinate: np.ndarray, beats: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the coordinate (D,) of a song and its frames (T, 202)."""
    length = station.beats_of(coordinate, beats)
    yield coordinate, station.generate(coordinate[None], beats=length)[0]


def _new_songs(
    station: Station, count: int, seed: int | None, beats: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield a coordinate (D,) and frames (T, 202), song after song."""
    from radio.composer import sample_distinct

    songs = sample_distinct(station, np.random.default_rng(seed), beats=beats)
    for coordinate, steps in itertools.islice(songs, count):
        yield coordinate, station.frames_of(steps, coordinate[None])[0]


def _write_song(
    song: tuple[np.ndarray, np.ndarray],
    *,
    station: Station,
    target: Target,
    beats: int | None,
    midi: bool,
) -> dict[str, Any]:
    """Render and write a song of a coordinate (D,) and frames (T, 202); return its facts."""
    from radio.station import description_of, file_name, tags_of, write_sound

    coordinate, frames = song
    samples = station.render(coordinate, frames=frames)
    facts = description_of(station, coordinate, beats=beats)
    path = target.path(file_name(station.song_name(coordinate), coordinate))
    write_sound(path, samples, station.sample_rate, tags=tags_of(facts))
    seconds = round(len(samples) / station.sample_rate, 3)
    facts = {"path": str(path), "seconds": seconds, **facts}
    if midi:
        score = path.with_suffix(".mid")
        notes = midi_of(frames, station.hop_length(coordinate) / station.sample_rate)
        replace_file(score, functools.partial(_write, notes))
        facts["midi"] = str(score)
    return facts


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def midi_of(frames: np.ndarray, hop: float) -> bytes:
    """Return a MIDI file of the notes in frames (T, 202), which last `hop` seconds each."""
    from audio_parsing.midi import write_midi
    from audio_parsing.song import FRAMES_PER_BEAT
    from audio_parsing.transcription import notes_of

    beat = FRAMES_PER_BEAT
    notes = [
        (start / beat, duration / beat, pitch, velocity)
        for start, duration, pitch, velocity in notes_of(frames)
    ]
    return write_midi(notes, 60 / (beat * hop))


def final(options: argparse.Namespace) -> None:
    """Write the song that a listener should like best."""
    home = Home(options.home)
    listener = check_name(options.listener or "me", "listener")
    folder = home.known_station(options.station or STARTER)

    from radio.composer import FinalStep, LocalComposer, compile_once, final_line, write_song
    from radio.station import Station, file_name

    station = Station.load(folder)
    target = Target(options.output, single=True, kinds=kinds_of(options))
    compile_once()
    progress = Progress()
    composer = LocalComposer(
        station, listener, home=home, seed=options.seed, beats=options.beats, background=False
    )

    def show(at: FinalStep) -> None:
        progress.show(
            f"searching  {100 * at.step // max(1, at.steps)} %  predicted so far {at.expected:+.2f}"
        )

    try:
        if not composer.rated:
            how = f"rate some with ai-radio play --station {station.name}"
            rows = composer.journal.ratings.listeners()
            if who := sorted({name for name, of, _ in rows if of == station.name}):
                how = f"{', '.join(who)} rated it; {how}"
            raise UsageError(
                f"{listener} has rated no song of station {station.name} as it is now; {how}"
            )
        song = composer.final_song(progress=show)
        path = target.path(file_name(song.name, song.latent))
        write_song(song, path, composer.journal)
    finally:
        composer.close()
    progress.clear()
    mean, deviation = composer.predict(song)
    seconds = round(len(song.samples) / song.sample_rate, 3)
    tell(
        [
            {
                "path": str(path),
                "seconds": seconds,
                "song": song.name,
                "expected": mean,
                "uncertainty": deviation,
                "ratings": composer.rated,
                "files": [str(file) for file in files_of(path)],
            }
        ],
        options.json,
    )
    if not options.json:
        print(final_line(composer.rated, (mean, deviation)))


def starter(options: argparse.Namespace) -> None:
    """Write the starter collection."""
    from audio_parsing.frames import SAMPLE_RATE
    from audio_parsing.starter import render, starter_songs
    from radio.station import write_wav

    target = Target(options.output, single=False)
    songs = starter_songs(beats=options.beats or 64)[: options.count]
    progress = Progress()
    for number, song in enumerate(songs, 1):
        name = "".join(letter if letter.isalnum() else "-" for letter in song.name.lower()).strip(
            "-"
        )
        write_wav(target.path(f"{number:02d}-{name}"), render(song, SAMPLE_RATE), SAMPLE_RATE)
        progress.show(f"{number} of {len(songs)}  {song.name}")
    progress.clear()
    print(f"{len(songs)} songs in {options.output}")


class Target:
    """Where songs are written: a folder, made if needed, or one file.

    Args:
        output: as typed; None for the folder of each input.
        single: whether there is only one song, so that a file can hold it.
        kinds: endings that a file may have; the first is that of files in a folder.

    Raises:
        UsageError: if the output can't hold the songs.
    """

    def __init__(
        self, output: Path | None, *, single: bool, kinds: tuple[str, ...] = ("wav",)
    ) -> None:
        self._kind = kinds[0]
        self._file: Path | None = None
        self._folder: Path | None = None
        if output is None:
            return
        output = output.expanduser()
        if output.suffix.lower().lstrip(".") in kinds and not output.is_dir():
            self._file = output
        if self._file is not None and not single:
            raise UsageError(
                f"{output} is a single file, but there is more than one song; name a folder"
            )
        self._folder = output if self._file is None else output.parent
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise UsageError(
                f"{self._folder} is a file; name a folder, or a file that ends in"
                f" {', '.join(f'.{kind}' for kind in kinds)}"
            ) from error

    def path(self, name: str, *, source: Path | None = None) -> Path:
        """Return the path for a file name without its ending, made from a source."""
        folder = self._folder or (Path(".") if source is None else source.parent)
        return self._file or folder / f"{name}.{self._kind}"


def kinds_of(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the formats that a file may have, the chosen one first."""
    return KINDS if options.kind is None else (options.kind,)


def files_of(path: Path) -> list[Path]:
    """Return a song that was saved, and what was written beside it."""
    beside = (path.with_suffix(ending) for ending in (".json", ".png"))
    return [path, *(file for file in beside if file.exists())]


def tell(written: list[dict[str, Any]], as_json: bool) -> None:
    """Print what was written, for a person or for a program."""
    if as_json:
        json.dump(written, sys.stdout, indent=2)
        print()
        return
    for one in written:
        print(f"{one['path']}  {one['song']}  {one['seconds']:.0f} s")
        for beside in one.get("files", [])[1:]:
            print(beside)
