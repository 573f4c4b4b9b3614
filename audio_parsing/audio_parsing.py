"""Raw samples for a first experiment: load some, play them, plot them.

Contract:

    get_raw_data(num_files, data_points, scale) -> (sounds, names)    sounds: (n, 1) float32, 30 kHz
    play_random_sound(sounds, names, scale) -> sound                  prints its name and plays it
    play_audio(audio, scale)                                          plays it to its end
    plot_audio_comparison(original, other)                            both waveforms in one plot
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audio_parsing.canvas import canvas
from audio_parsing.files import LEVEL, read_audio
from audio_parsing.opening import AudioError
from audio_parsing.playback import open_player
from audio_parsing.plots import BLUE, ORANGE, draw_wave
from audio_parsing.starter import ARRANGEMENTS, render, starter_songs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAMPLE_RATE = 30_000  # Hz
MUSIC = "music_sample/*/*.mp3"  # relative to the current folder
SILENCE_SHARE = 1e-2  # of the peak: the song begins at the first sample above it
LONG_SECONDS = 2.0  # seconds; a longer sound is plotted in seconds, a shorter one in milliseconds
# seconds of a file that are read besides the samples asked for: the music may begin in them
INTRODUCTION = 30.0


def get_raw_data(
    num_files: int, data_points: int, scale: float
) -> tuple[list[np.ndarray], list[str]]:
    """Return the beginnings of songs: of ./music_sample/*/*.mp3, else of the starter collection.

    Args:
        num_files: number of songs; fewer are returned if there are fewer. No more than these
            are read or rendered.
        data_points: samples of each song, counted from where its sound begins.
        scale: standard deviation of each song's samples, whose mean is 0.

    Returns:
        A list of arrays (data_points, 1) float32 at 30,000 Hz (shorter for a shorter song), and
        the names of the songs.

    Raises:
        AudioError: if none of the files in ./music_sample can be read.
        ValueError: for counts below 1, or a scale that is not positive.
    """
    if num_files < 1 or data_points < 1:
        raise ValueError(
            f"num_files and data_points must be at least 1, not {num_files} and {data_points}"
        )
    if not (scale > 0 and np.isfinite(scale)):
        raise ValueError(f"scale must be positive, not {scale}")
    sounds: list[np.ndarray] = []
    names: list[str] = []
    paths = sorted(Path().glob(MUSIC))
    for name, samples in (
        _from_files(paths, data_points) if paths else _from_the_starter_collection()
    ):
        start = int(np.argmax(np.abs(samples) > SILENCE_SHARE * np.abs(samples).max()))
        sound = samples[start : start + data_points].astype(np.float64)
        sound -= sound.mean()
        deviation = sound.std()
        sounds.append(
            (sound * (scale / deviation if deviation > 0 else 0)).astype(np.float32)[:, None]
        )
        names.append(name)
        if len(sounds) == num_files:
            break
    if not sounds:
        raise AudioError(f"none of the {len(paths)} files of {MUSIC} can be read")
    return sounds, names


def _from_files(paths: Sequence[Path], data_points: int) -> Iterator[tuple[str, np.ndarray]]:
    for path in paths:
        try:
            yield (
                path.name,
                read_audio(path, SAMPLE_RATE, max_seconds=data_points / SAMPLE_RATE + INTRODUCTION),
            )
        except AudioError as error:
            print(error)


def _from_the_starter_collection() -> Iterator[tuple[str, np.ndarray]]:
    songs = starter_songs()
    for arrangement in range(ARRANGEMENTS):  # every tune once before any tune twice
        for song in songs[arrangement::ARRANGEMENTS]:
            yield song.name, render(song, SAMPLE_RATE)


def play_random_sound(
    sounds: Sequence[np.ndarray],
    names: Sequence[str],
    scale: float,
    *,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Print the name of one of the sounds, play it, and return it.

    Args:
        sounds: arrays (n,) or (n, 1), as from `get_raw_data`.
        names: of the sounds.
        scale: the one that `get_raw_data` was given.
        rng: chooses the sound; by default every call chooses anew.

    Raises:
        ValueError: if there are no sounds.
    """
    if len(sounds) == 0:
        raise ValueError("there are no sounds to choose from")
    index = int((rng or np.random.default_rng()).integers(len(sounds)))
    print(f"Playing {names[index]}")
    play_audio(sounds[index], scale)
    return sounds[index]


def play_audio(audio: np.ndarray, scale: float, *, sample_rate: int = SAMPLE_RATE) -> None:
    """Play samples and wait for their end; without a sound device print one line and return.

    Args:
        audio: (n,) or (n, 1).
        scale: standard deviation of the samples; they are played at a comfortable level.
        sample_rate: of the samples, in Hz.

    Raises:
        ValueError: for a scale that is not positive, or samples that are not finite.
    """
    if not (scale > 0 and np.isfinite(scale)):
        raise ValueError(f"scale must be positive, not {scale}")
    if not np.isfinite(audio).all():
        raise ValueError("the audio to play holds samples that are not finite numbers")
    samples = np.clip(np.asarray(audio, np.float32).ravel() * np.float32(LEVEL / scale), -1, 1)
    player, silent = open_player()
    try:
        if silent:
            print(silent.removesuffix("; playing silently"))
            return
        player.play(samples, sample_rate)
        while not player.finished and player.failure is None:
            time.sleep(0.01)
    finally:
        player.close()


def plot_audio_comparison(
    original: np.ndarray,
    other: np.ndarray,
    *,
    path: str | Path | None = None,
    sample_rate: int = SAMPLE_RATE,
    ax: Axes | None = None,
) -> None:
    """Draw two waveforms over each other, such as a song before and after compression.

    Args:
        original: (n,) or (n, 1).
        other: the same.
        path: PNG or SVG file to save to; by default the plot is shown, or saved as
            audio_comparison.png where there is no display.
        sample_rate: of both, in Hz.
        ax: draw into these axes, and neither show nor save.
    """
    songs = [np.asarray(samples).ravel() for samples in (original, other)]
    unit = "seconds" if max(map(len, songs)) > LONG_SECONDS * sample_rate else "milliseconds"
    with canvas(ax, path, "audio_comparison.png") as given:
        for song, label, color, width in zip(
            songs, ("original", "after"), (BLUE, ORANGE), (2.0, 1.0), strict=True
        ):
            draw_wave(
                given.axes,
                song,
                sample_rate,
                unit=unit,
                label=label,
                color=color,
                linewidth=width,
                alpha=0.8,
            )
        given.axes.set_ylabel("amplitude")
        given.axes.legend()
    if given.path:
        print(f"the comparison is saved as {given.path}")
