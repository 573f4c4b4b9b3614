"""What the generator's adapter is worth: are songs of G' liked more than those of G, and as real?

    judge = LayersJudge(stage, folder)
    judge.of(listener, composer, number) -> {"pairs", "gain", "quality"}   trains it, then undoes it

pairs is the share of PAIRS coordinates at which G' is truly liked more, gain by how many standard
deviations, quality the Fréchet distance of benchmarks/quality_measure.py between QUALITY_SONGS
songs of G' and the starter songs, over that of G at the same coordinates.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from audio_parsing import frames as frame_tools
from audio_parsing.starter import starter_songs
from benchmarks.quality_measure import frechet, statistics
from benchmarks.taste_listeners import Listener
from radio.composer import LocalComposer
from radio.station import FRAMES_PER_BEAT, Station, coordinate_key, coordinate_tempo
from radio.training import prepare_starter_songs

PAIRS = 10
QUALITY_SONGS = 32
EVERY = 3  # of the starter songs


class LayersJudge:
    """See the module's contract.

    Args:
        stage: of benchmarks/taste_sessions.py.
        folder: keeps what was measured of the starter songs.
    """

    def __init__(self, stage: Any, folder: Path) -> None:
        self.stage = stage
        path = folder / f"starter-songs-{stage.station.beats}.npy"
        if not path.exists():
            np.save(path, _starter_songs(stage.station.beats))
        real = np.load(path)
        self._unit = np.maximum(real.std(axis=0), 1e-6)
        self._real = real / self._unit
        self._places = stage.pool.coordinates[:QUALITY_SONGS]
        self._distance = frechet(self._real, self._measured(self._places))

    def of(self, listener: Listener, composer: LocalComposer, number: int) -> dict[str, float]:
        """Return what a composer's adapter is worth by now."""
        kept = composer.train_adapter()
        rows = np.random.default_rng([number, 3]).choice(
            len(self.stage.pool.coordinates), PAIRS, replace=False
        )
        moved = self._moved(composer, self.stage.pool.coordinates[rows])
        station, judge = composer.station, self.stage.pool.judge
        sounds = np.array(
            [judge.of(one, station.render(one, beats=station.beats))[1] for one in moved]
        )
        gains = listener.liking(sounds, number) - listener.liking(
            self.stage.pool.sound[rows], number
        )
        quality = (
            frechet(self._real, self._measured(self._moved(composer, self._places)))
            / self._distance
        )
        composer.generator.go_back(None)
        return {
            "pairs": float(np.mean(gains > 0)),
            "gain": float(gains.mean()),
            "quality": quality,
            "kept": float(bool(kept)),
        }

    @staticmethod
    def _moved(composer: LocalComposer, coordinates: np.ndarray) -> np.ndarray:
        return composer.generator.adapter.forward(coordinates.astype(np.float64))[0].astype(
            np.float32
        )

    def _measured(self, coordinates: np.ndarray) -> np.ndarray:
        station: Station = self.stage.station
        parts = (
            station.generate(coordinates[start : start + 16])
            for start in range(0, len(coordinates), 16)
        )
        songs = [song for part in parts for song in part]
        return (
            np.concatenate(
                [statistics(song, _rate(one)) for song, one in zip(songs, coordinates, strict=True)]
            )
            / self._unit
        )


def _starter_songs(beats: int) -> np.ndarray:
    songs = prepare_starter_songs(starter_songs(beats=beats)[::EVERY], workers=1)
    frames = [
        frame_tools.transpose(frames.astype(np.float32), coordinate_key(float(beside[1])))
        for frames, beside in zip(songs.frames, songs.coordinates, strict=True)
    ]
    rates = [_rate(beside) for beside in songs.coordinates]
    return np.concatenate(
        [statistics(song, rate) for song, rate in zip(frames, rates, strict=True)]
    )


def _rate(coordinate: np.ndarray) -> float:
    """Return the frames a second of a song whose coordinate ends with tempo and key."""
    return coordinate_tempo(float(coordinate[-2])) / 60 * FRAMES_PER_BEAT
