"""The sound of a song, measured in its samples alone: what simulated listeners like or don't.

    facts(samples, rate) -> (windows, FACTS)       of each second: log spectral centroid, onset rate
                                                   and pitch; six others; 40 log-mel levels
    of_song(facts) -> (FACTS + MELS,)              their means, and the spread of the levels
    Judge(station).of(P, samples) -> windows, sound    sound: the same; FORM; a tagger's log odds

No network of ours, no frames: a song is rendered, and judged by its sound; its form, length and
tempo are told. The tagger is that of music_tagger.py, if it is installed. Pools of songs are kept
in a file, because rendering and measuring a song takes seconds.
"""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft, signal

from benchmarks import music_tagger
from radio.station import Station, coordinate_tempo, station_fingerprint

SIZE, HOP = 2048, 441  # samples of a window of the spectrogram, and between two: 50 a second
MELS = 40
WINDOW = 50  # columns of the spectrogram that one second of listening has
LOWEST, HIGHEST = 40, 88  # MIDI pitches that a melody may have
HARMONICS = 5
ATTACK = 3.0  # dB that the level rises in 40 ms
ROLL_OFF = 0.85  # of the power lies below it
LOW = 200.0  # Hz
# Columns of a window's facts: centroid, onsets, pitch; attacks a second, roll-off, share of the
# strongest pitch class, share of what is low, movement of the loudness, pitch of the loudest
# partial; levels. Of a song: their means, spreads of the levels; length, tempo, different sections
# and share of those that return; a tagger's log odds.
OURS, OTHERS = slice(0, 3), slice(3, 9)
FACTS = 9 + MELS
LEVELS = slice(9, FACTS + MELS)
FORM = slice(LEVELS.stop, LEVELS.stop + 4)
TAGS = slice(FORM.stop, None)
PATCHES = 2  # of three seconds, that a tagger hears
SAVED_EVERY = 20  # songs
BLOCK = 3000  # songs drawn at once, so that a small pool is the beginning of a large one


def facts(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return (windows, FACTS) of each second of a song."""
    padded = np.pad(samples.astype(np.float32), SIZE // 2)
    columns = sliding_window_view(padded, SIZE)[::HOP] * signal.get_window("hann", SIZE).astype(
        np.float32
    )
    magnitude = np.abs(fft.rfft(columns, axis=1))
    power = magnitude**2
    hertz = np.arange(power.shape[1]) * sample_rate / SIZE
    mel = np.log(power @ _mel_matrix(hertz) + 1e-4)
    total = power.sum(axis=1) + 1e-6
    centroid = np.log2(np.maximum(power @ hertz / total, 20))
    rise = np.zeros(len(mel))
    rise[1:] = np.maximum(np.diff(mel, axis=0), 0).mean(axis=1)
    floor = np.median(sliding_window_view(np.pad(rise, 10, mode="edge"), 21), axis=1)
    onsets = _peaks(rise - floor, 0.12)
    pitch = LOWEST + np.argmax(np.sqrt(magnitude) @ _pitch_matrix(hertz), axis=1)
    level = 10 * np.log10(total)
    attacks = _peaks(np.concatenate([[0, 0], level[2:] - level[:-2]]), ATTACK)
    below = np.argmax(np.cumsum(power, axis=1) >= ROLL_OFF * total[:, None], axis=1)
    loudest = np.argmax(power, axis=1)
    classes = power @ _class_matrix(hertz)
    whole = max(1, len(mel) // WINDOW)
    heard = np.zeros((whole, FACTS))
    for number, part in enumerate(np.array_split(np.arange(len(mel)), whole)):
        share = total[part] / total[part].sum()
        chroma = classes[part].sum(axis=0)
        heard[number] = [
            share @ centroid[part],
            onsets[part].mean(),
            share @ pitch[part],
            attacks[part].mean(),
            share @ np.log2(np.maximum(hertz[below[part]], 20)),
            chroma.max() / max(float(chroma.sum()), 1e-9),
            power[part][:, hertz < LOW].sum() / total[part].sum(),
            level[part].std(),
            share @ np.log2(np.maximum(hertz[loudest[part]], 20)),
            *mel[part].mean(axis=0),
        ]
    return heard


def _peaks(values: np.ndarray, height: float) -> np.ndarray:
    """Return WINDOW where values have a peak of a height, else 0: its mean is peaks a second."""
    found = np.zeros(len(values))
    found[signal.find_peaks(values, height=height, distance=3)[0]] = WINDOW
    return found


def of_song(heard: np.ndarray) -> np.ndarray:
    """Return what a song's sound is like, (FACTS + MELS,), of its seconds (windows, FACTS)."""
    inside = heard[:-1] if len(heard) > 2 else heard  # the end is faded
    return np.concatenate([inside.mean(axis=0), inside[:, -MELS:].std(axis=0)])


class Judge:
    """Measures songs of a station; see the module's contract.

    Args:
        station: of the songs.
        tagged: whether a tagger hears them too; if None, where there is one.
    """

    def __init__(self, station: Station, *, tagged: bool | None = None) -> None:
        self.station = station
        self.tagged = music_tagger.available() if tagged is None else tagged

    def of(self, coordinate: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the seconds (windows, FACTS) and the sound (S,) of a song, or of a part of one."""
        windows = facts(samples, self.station.sample_rate)
        return windows, np.concatenate([of_song(windows), self._rest(coordinate, samples)])

    def _rest(self, coordinate: np.ndarray, samples: np.ndarray) -> np.ndarray:
        station, sections = self.station, self.station.form_of(coordinate)
        different = len(set(sections))
        tempo = np.log2(coordinate_tempo(float(coordinate[station.size - 2])))
        form = [
            np.log2(station.seconds(coordinate)),
            tempo,
            different,
            1 - different / max(len(sections), 1),
        ]
        if not self.tagged:
            return np.array(form)
        length = min(len(samples), 3 * station.sample_rate)
        starts = np.linspace(0, len(samples) - length, PATCHES + 2)[1:-1].astype(int)
        heard = [
            music_tagger.log_odds(samples[start : start + length], station.sample_rate)
            for start in starts
        ]
        return np.concatenate([form, np.mean(heard, axis=0)])


def _class_matrix(hertz: np.ndarray) -> np.ndarray:
    """Return the matrix that sums what lies between 65 and 2000 Hz by its pitch class."""
    matrix = np.zeros((len(hertz), 12), np.float32)
    inside = np.flatnonzero((hertz > 65) & (hertz < 2000))
    matrix[inside, np.rint(12 * np.log2(hertz[inside] / 440)).astype(int) % 12] = 1
    return matrix


def _mel_matrix(hertz: np.ndarray) -> np.ndarray:
    mel = 2595 * np.log10(1 + hertz / 700)
    centres = np.linspace(2595 * np.log10(1 + 60 / 700), mel[-1], MELS + 2)
    rising = (mel[:, None] - centres[:-2]) / np.diff(centres)[:-1]
    falling = (centres[2:] - mel[:, None]) / np.diff(centres)[1:]
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)


def _pitch_matrix(hertz: np.ndarray) -> np.ndarray:
    """Return the matrix that sums the harmonics of each pitch, minus what lies between them."""
    matrix = np.zeros((len(hertz), HIGHEST - LOWEST), np.float32)
    for column, pitch in enumerate(range(LOWEST, HIGHEST)):
        fundamental = 440 * 2 ** ((pitch - 69) / 12)
        for harmonic in range(1, HARMONICS + 1):
            weight = 0.7 ** (harmonic - 1)
            matrix[np.argmin(np.abs(hertz - harmonic * fundamental)), column] += weight
            matrix[np.argmin(np.abs(hertz - (harmonic - 0.5) * fundamental)), column] -= (
                0.7 * weight
            )
    return matrix


class Pool:
    """Songs of a station that were rendered and measured, in a file that grows.

    They have the station's length, at which its taste judges them.

    Attributes:
        judge: that measured them.
        coordinates: (n, D) P.
        windows: n arrays (windows, FACTS).
        sound: (n, S).
    """

    def __init__(self, station: Station, folder: Path, count: int, *, seed: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.judge = Judge(station)
        measured = "".join(
            inspect.getsource(part) for part in (facts, _mel_matrix, _pitch_matrix, Judge)
        )
        version = hashlib.sha256(measured.encode()).hexdigest()[:8]
        tagged = "-tags" if self.judge.tagged else ""
        name = f"pool-{station_fingerprint(station)[:12]}-{seed}-{version}{tagged}.npz"
        self.path = folder / name
        rng = np.random.default_rng([seed, 77])
        self.coordinates = np.concatenate(
            [station.sample(BLOCK, rng) for _ in range(-(-count // BLOCK))]
        )[:count]
        windows, sounds = self._kept(count)
        for number in range(len(windows), count):
            samples = station.render(self.coordinates[number], beats=station.beats)
            found = self.judge.of(self.coordinates[number], samples)
            windows.append(found[0])
            sounds.append(found[1])
            if (number + 1) % SAVED_EVERY == 0 or number + 1 == count:
                self._save(windows, sounds)
        self.windows, self.sound = windows, np.array(sounds)

    def _kept(self, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        if not self.path.exists():
            return [], []
        with np.load(self.path) as kept:
            ends = np.cumsum(kept["lengths"])[:-1]
            return np.split(kept["windows"].astype(np.float64), ends)[:count], list(
                kept["sound"][:count]
            )

    def _save(self, windows: list[np.ndarray], sounds: list[np.ndarray]) -> None:
        temporary = self.path.with_suffix(".partial.npz")
        np.savez(
            temporary,
            windows=np.concatenate(windows).astype(np.float32),
            lengths=[len(one) for one in windows],
            sound=np.array(sounds),
        )
        temporary.replace(self.path)
