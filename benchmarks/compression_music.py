"""Music to train and to judge compression: never the same tune, never the same recording.

Everything that is learned comes from the starter collection: 20 of its 32 tunes, and mixtures made
of them, because its plain songs have fewer kinds of sound than the world: up to four songs at once,
faster or slower by up to an octave, through a random equaliser, often with noise, steady or struck.
Four more tunes say when to stop. The last eight, and recordings, are for judging. The recordings
come with `apt install wesnoth-1.16-music asc-music`. Five of Wesnoth's (`DEVELOPMENT`) and those of
frozen-bubble-data were looked at while this was made, to see what helps; they are left out of the
figures. Of the rest one recording and one tune were seen in a trial of the script. The tune showed
LZMA ahead of the range coder, which was then changed, by half a percent, as other music told.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
from scipy import signal

from audio_parsing.files import find_audio, read_audio
from audio_parsing.opening import AudioError
from audio_parsing.song import StarterSong
from audio_parsing.starter import render, starter_songs

SAMPLE_RATE = 22050  # Hz
RECORDINGS = (
    Path("/usr/share/games/wesnoth/1.16/data/core/music"),
    Path("/usr/share/games/asc/music"),
)
DEVELOPMENT = (
    "casualties_of_war",
    "journeys_end",
    "main_menu",
    "silvan_sanctuary",
    "traveling_minstrels",
)
MIXTURES, MIXTURE_SECONDS = 250, 20
# Hz, the equaliser's nodes
OCTAVES = np.array([20, 60, 120, 250, 500, 1000, 2000, 4000, 8000, 11025])
EQUALISER_STEP = 4.0  # dB, standard deviation from node to node


def parts() -> dict[str, list[StarterSong]]:
    """Return starter songs for 'training', 'stopping' and 'judging': 20, 4 and 8 tunes."""
    songs = starter_songs()
    tunes = list(dict.fromkeys(song.tune for song in songs))
    judging, stopping = set(tunes[3::4]), set(tunes[1::8])
    groups: dict[str, list[StarterSong]] = {"training": [], "stopping": [], "judging": []}
    for song in songs:
        groups[
            "judging"
            if song.tune in judging
            else "stopping"
            if song.tune in stopping
            else "training"
        ].append(song)
    return groups


def rendered(part: str, *, sample_rate: int = SAMPLE_RATE) -> list[np.ndarray]:
    """Return the sounds (n,) of a part."""
    return [render(song, sample_rate) for song in parts()[part]]


def training_sounds(rng: np.random.Generator, *, mixtures: int = MIXTURES) -> list[np.ndarray]:
    """Return the songs for training and mixtures of them, standard deviation 1."""
    songs = [song / song.std() for song in rendered("training")]
    return songs + [mixture(songs, rng) for _ in range(mixtures)]


def mixture(songs: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return one mixture (n,)."""
    length = MIXTURE_SECONDS * SAMPLE_RATE
    mixed = np.zeros(length, np.float32)
    for _ in range(1 + int(rng.integers(4))):
        song = songs[int(rng.integers(len(songs)))]
        speed = 2 ** rng.uniform(-1.2, 1.0)
        needed = int(length * speed) + 1000
        start = int(rng.integers(max(1, len(song) - needed)))
        voice = equalised(
            soxr.resample(song[start : start + needed], SAMPLE_RATE, SAMPLE_RATE / speed)[:length],
            rng,
        )
        mixed[: len(voice)] += voice / (voice.std() + 1e-9) * np.float32(10 ** rng.uniform(-1, 0))
    if rng.random() < 0.5:
        mixed = equalised(mixed, rng)
    mixed /= mixed.std()
    if rng.random() < 0.6:
        added = noise(length, rng)
        mixed += added / (added.std() + 1e-9) * np.float32(10 ** rng.uniform(-2, 0.2))
    return mixed / mixed.std()


def equalised(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a sound (n,) through a filter whose level wanders from octave to octave."""
    frequencies = np.fft.rfftfreq(1 << 14, 1 / SAMPLE_RATE)
    level = np.cumsum(rng.normal(0, EQUALISER_STEP, len(OCTAVES)))
    level -= level.mean()
    response = 10 ** (
        np.interp(np.log(np.maximum(frequencies, OCTAVES[0])), np.log(OCTAVES), level) / 20
    )
    taps = np.roll(np.fft.irfft(response), 1024)[:2048] * np.hanning(2048)
    return signal.oaconvolve(sound, taps)[1024 : 1024 + len(sound)].astype(np.float32)


def noise(length: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise (n,) that is struck, steady, or both."""
    envelope = np.full(length, float(rng.random() < 0.4), np.float32)
    place = 0
    while (place := place + int(rng.exponential(0.25) * SAMPLE_RATE)) < length:
        decay = int(10 ** rng.uniform(2.2, 4))  # samples
        lasts = min(5 * decay, length - place)
        envelope[place : place + lasts] += (
            rng.uniform(0.3, 2) * np.exp(-np.arange(lasts) / decay)
        ).astype(np.float32)
    return equalised(equalised(rng.standard_normal(length).astype(np.float32), rng), rng) * envelope


def recordings(count: int, seconds: float) -> Iterator[tuple[str, np.ndarray]]:
    """Yield names and middles (n,) of installed recordings that nothing was tuned on."""
    length = int(seconds * SAMPLE_RATE)
    for name, path in recording_paths(count):
        samples = read_audio(path, SAMPLE_RATE)
        begin = max(0, (len(samples) - length) // 2)
        yield name, samples[begin : begin + length]


def recording_paths(count: int) -> list[tuple[str, Path]]:
    """Return names and paths of recordings of a megabyte and more."""
    found = []
    for folder in RECORDINGS:
        try:
            found += [
                path
                for path in find_audio(folder)
                if path.stem not in DEVELOPMENT and path.stat().st_size > 1_000_000
            ]
        except AudioError:
            continue
    chosen = (
        np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int))
        if found
        else []
    )
    return [(found[index].stem, found[index]) for index in chosen]
