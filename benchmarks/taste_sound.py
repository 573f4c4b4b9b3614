"""The sound of a song, measured in its samples alone: what simulated listeners like or don't.

    facts(samples, rate) -> (windows, FACTS)  of each second: log spectral centroid, onset rate,
                                              pitch, 40 log-mel levels
    of_song(facts) -> (3 + 80,)               their means, and the spread of the log-mel levels

No network, no frames of ours, no coordinate: a song is rendered, and judged by its sound. Pools of
songs are kept in a file, because rendering and measuring takes 0.2 s a song.
"""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft, signal

from radio.station import Station, station_fingerprint

SIZE, HOP = 2048, 441  # samples of a window of the spectrogram, and between two: 50 a second
MELS = 40
WINDOW = 50  # columns of the spectrogram that one second of listening has
LOWEST, HIGHEST = 40, 88  # MIDI pitches that a melody may have
HARMONICS = 5
SOUND_FACTS = 3 + 2 * MELS
SAVED_EVERY = 100  # songs
BLOCK = 3000  # songs drawn at once, so that a small pool is the beginning of a large one


def facts(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return (windows, 3 + MELS): log2 centroid, onsets a second, MIDI pitch, log-mel levels.

    Each window is a second of the song.
    """
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
    begun, _ = signal.find_peaks(rise - floor, height=0.12, distance=3)
    onsets = np.zeros(len(mel))
    onsets[begun] = 50
    pitch = LOWEST + np.argmax(np.sqrt(magnitude) @ _pitch_matrix(hertz), axis=1)
    whole = max(1, len(mel) // WINDOW)
    heard = np.zeros((whole, 3 + MELS))
    for number, part in enumerate(np.array_split(np.arange(len(mel)), whole)):
        share = total[part] / total[part].sum()
        heard[number] = [
            share @ centroid[part],
            onsets[part].mean(),
            share @ pitch[part],
            *mel[part].mean(axis=0),
        ]
    return heard


def of_song(heard: np.ndarray) -> np.ndarray:
    """Return what a whole song is like, (SOUND_FACTS,), of its seconds (windows, 3 + MELS)."""
    inside = heard[:-1] if len(heard) > 2 else heard  # the end is faded
    return np.concatenate([inside.mean(axis=0), inside[:, 3:].std(axis=0)])


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

    Attributes:
        coordinates: (n, D) P.
        windows: n arrays (windows, 3 + MELS).
        sound: (n, SOUND_FACTS).
    """

    def __init__(
        self, station: Station, folder: Path, count: int, *, seed: int = 0, report=print
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        measured = "".join(inspect.getsource(part) for part in (facts, _mel_matrix, _pitch_matrix))
        version = hashlib.sha256(measured.encode()).hexdigest()[:8]
        self.path = folder / f"pool-{station_fingerprint(station)[:12]}-{seed}-{version}.npz"
        rng = np.random.default_rng([seed, 77])
        self.coordinates = np.concatenate(
            [station.sample(BLOCK, rng) for _ in range(-(-count // BLOCK))]
        )[:count]
        self.windows: list[np.ndarray] = []
        if self.path.exists():
            with np.load(self.path) as kept:
                if len(kept["lengths"]):
                    self.windows = np.split(
                        kept["windows"].astype(np.float64), np.cumsum(kept["lengths"])[:-1]
                    )[:count]
        for number in range(len(self.windows), count):
            self.windows.append(
                facts(station.render(self.coordinates[number]), station.sample_rate)
            )
            if (number + 1) % SAVED_EVERY == 0 or number + 1 == count:
                self._save()
                report(f"pool: {number + 1} of {count} songs")
        self.sound = np.array([of_song(heard) for heard in self.windows])

    def _save(self) -> None:
        temporary = self.path.with_suffix(".partial.npz")
        np.savez(
            temporary,
            windows=np.concatenate(self.windows).astype(np.float32),
            lengths=[len(one) for one in self.windows],
        )
        temporary.replace(self.path)
