"""A station: a trained model that turns coordinates into songs.

    P (D,) = [z; course; tempo; key]   z (Z,) the latent coordinate; the course, the seed of the
                                       innovations and whom the song follows; tempo and key only on
                                       a beat grid. P of a changed song goes on: changes.py
    sample(count, rng) -> P (count, D)
    generate(P (B, D)) -> frames (B, T, 202)
    render(P (D,)) -> samples (n,)

A station is a folder with one file; see radio/station/station_file.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.starter import hop_length
from gan.choices import DEFAULT_LATENT, Latent
from gan.latent import LatentDistribution
from neural_networks.vae.arrangement import Stretch
from radio.station import steps as song_data
from radio.station.changes import changed, trimmed
from radio.station.ending import held_ending
from radio.station.forms import FORM_FACTS, SHORTEST
from radio.station.learned_songs import DEFAULT_NOVELTY
from radio.station.limits import LARGEST_NUMBER
from radio.station.mastering import levelled, master
from radio.station.song_names import song_name
from radio.station.station_file import (
    STATION_FILE,
    TRAINING_FILE,
    StationData,
    StationError,
    read_station,
    write_station,
)

__all__ = ["STATION_FILE", "TRAINING_FILE", "Station", "StationError"]

# Standard deviation of the noise on a drawn tempo coordinate, 2.6 % of the tempo, so that new songs
# have tempi between those of the training songs. Chosen, not measured.
TEMPO_JITTER = 0.15
Backward = Callable[[np.ndarray], np.ndarray]
MAJOR_KEYS = "C Db D Eb E F F# G Ab A Bb B".split()
MINOR_KEYS = "A Bb B C C# D Eb E F F# G G#".split()  # relative to those above


@dataclass
class Station(StationData):
    """A station: its model, the statistics of its songs, and what makes songs of them."""

    sample_rate = song_data.SAMPLE_RATE

    def __post_init__(self) -> None:
        self.draw_from(self.details.get("latent", DEFAULT_LATENT))
        # Of new songs, from 0 to 1, where the station remembers songs that they may follow.
        self.novelty = DEFAULT_NOVELTY

    def draw_from(self, kind: Latent) -> None:
        """Draw new coordinates from another distribution; see gan/latent.py."""
        self.latent = LatentDistribution(self.means, self.log_variances, kind)

    @property
    def latent_size(self) -> int:
        """Z, the size of z."""
        return self.means.shape[1]

    @property
    def follows(self) -> bool:
        """Whether new songs may follow learned ones, more or less closely: `novelty` says how."""
        return self.model.course_size > 1

    @property
    def size(self) -> int:
        """D, the size of a coordinate P."""
        return self._course.stop + self.coordinates.shape[1]

    @property
    def _course(self) -> slice:
        """The columns of P that say what happens in a song."""
        return slice(self.latent_size, self.latent_size + self.model.course_size)

    @property
    def keyed(self) -> bool:
        """Whether it knows the keys of its songs, which are then moved to C major or A minor."""
        return bool(self.coordinates[:, 1:].any())

    @property
    def movable(self) -> np.ndarray:
        """Indices of the values of P that a gradient can move: all but the course."""
        return np.delete(np.arange(self.size), self._course)

    def beside(self, coordinates: np.ndarray) -> np.ndarray:
        """Return tempo and key (B, C) of coordinates P (B, D), C 2 or 0."""
        return coordinates[:, self._course.stop : self.size]

    @property
    def known_size(self) -> int:
        """Columns of `known`."""
        return self.coordinates.shape[1] + (FORM_FACTS if self.model.forms else 0)

    def known(self, coordinates: np.ndarray) -> np.ndarray:
        """Return what is known of songs P (B, D) beside steps: tempo, key, facts of the form."""
        beside = self.beside(coordinates)
        if not self.model.forms:
            return beside
        forms = [self.model.form(one[self._course]) for one in coordinates]
        none = np.log2(max(self.beats, SHORTEST) / SHORTEST), 1.0, 0.0
        facts = [none if form is None else form.facts for form in forms]
        return np.concatenate([beside, np.array(facts, beside.dtype)], axis=1)

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw coordinates (count, D); tempo and key are those of the song whose z is nearest.

        With a tempo of another song a song is none: how fast its sounds begin and fade is in z.
        """
        z, mean = self.latent.sample(count, rng), self.latent.mean
        parts = [*self.model.draw_course(z, mean, novelty=self.novelty, rng=rng)]
        if self.coordinates.shape[1]:
            songs = [np.square(self.means - one).sum(axis=1).argmin() for one in parts[0]]
            chosen = self.coordinates[songs].astype(np.float64)
            chosen[:, 0] += TEMPO_JITTER * rng.standard_normal(count)
            parts.append(chosen)
        return np.concatenate(parts, axis=1).astype(np.float32)

    def at(
        self, z: np.ndarray, beside: np.ndarray, *, course: np.ndarray | None = None
    ) -> np.ndarray:
        """Return coordinates P (B, D) of z (B, Z), tempo and key, and a course (B, C) or zeros."""
        if course is None:
            course = np.zeros((len(z), self.model.course_size))
        return np.concatenate([z, course, beside], axis=1).astype(np.float32)

    def decode(self, coordinates: np.ndarray, *, beats: int | None = None) -> np.ndarray:
        """Return steps (S, B, F) of coordinates P (B, D), in C major or A minor.

        Args:
            coordinates: P.
            beats: length of the songs; the station's if None, where a form may ask for more.
        """
        return self.model.decode(*self._inputs(coordinates), beats or self.beats)

    def trace(self, coordinates: np.ndarray) -> tuple[np.ndarray, Backward]:
        """Return steps (S, B, F) of coordinates P (B, D), and a function from dsteps to dP (B, D).

        dP is 0 for the course, and for tempo and key, which act after the steps.
        """
        steps, backward = self.model.trace(*self._inputs(coordinates), self.beats)

        def to_coordinates(dsteps: np.ndarray) -> np.ndarray:
            dcoordinates = np.zeros(coordinates.shape)
            dcoordinates[:, : self.latent_size] = backward(dsteps.astype(steps.dtype, copy=False))
            return dcoordinates

        return steps, to_coordinates

    def _inputs(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return z (B, Z) and courses (B, C) with the changes that follow them."""
        z = np.ascontiguousarray(coordinates[:, : self.latent_size], np.float32)
        course = [coordinates[:, self._course], coordinates[:, self.size :]]
        return z, np.concatenate(course, axis=1)

    def makes(self, coordinate: np.ndarray) -> bool:
        """Return whether P fits this station: D values, then changes of innovations or none.

        Beside its course, which has seeds, no value of P is large.
        """
        if np.ndim(coordinate) != 1 or len(coordinate) < self.size:
            return False
        moved = np.delete(coordinate, self._course)
        if not (np.isfinite(coordinate).all() and (np.abs(moved) <= LARGEST_NUMBER).all()):
            return False
        try:
            return len(self.trimmed(coordinate)) == len(coordinate)
        except ValueError:
            return False

    def changed(self, coordinate: np.ndarray, start: int, innovations: np.ndarray) -> np.ndarray:
        """Return P of the song with other innovations (n, E) from a step on."""
        return changed(coordinate, self.size, start, innovations)

    def trimmed(self, coordinate: np.ndarray) -> np.ndarray:
        """Return P without the zeros at its end that change nothing."""
        return trimmed(coordinate, self.size, self.model.vae.generator.innovation_size)

    def stretch(
        self, coordinate: np.ndarray, start: int, stop: int, *, beats: int | None = None
    ) -> Stretch:
        """Return a stretch of the song of P, from a step to before another, to be drawn anew.

        Args:
            coordinate: P.
            start: step.
            stop: step after the last.
            beats: length of the song, as in `beats_of`.
        """
        z, course = self._inputs(coordinate[None])
        return self.model.stretch(z, course, self.beats_of(coordinate, beats), start, stop)

    def beats_of(self, coordinate: np.ndarray, beats: int | None = None) -> int:
        """Return the length of the song of P (D,): `beats`, else its form's, else the station's.

        Among songs with forms one without is as long as the shortest of them may be.
        """
        form = self.model.form(coordinate[self._course])
        without = max(self.beats, SHORTEST) if self.model.forms else self.beats
        return beats or (without if form is None else form.beats)

    def form_of(self, coordinate: np.ndarray, beats: int | None = None) -> str:
        """Return the sections of the song of P (D,), such as AABA; empty if it has no form."""
        form = self.model.form(coordinate[self._course])
        return "" if form is None else form.text(self.beats_of(coordinate, beats))

    def generate(self, coordinates: np.ndarray, *, beats: int | None = None) -> np.ndarray:
        """Return frames (B, T, 202), transposed to each song's key, of coordinates P (B, D)."""
        return self.frames_of(self.decode(coordinates, beats=beats), coordinates)

    def frames_of(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return frames (B, T, 202), transposed to each song's key, of steps (S, B, F)."""
        frames = np.maximum(self.model.to_frames(steps), 0)
        if self.grid == "beat":
            keys = [song_data.coordinate_key(p[self.size - 1]) for p in coordinates]
            frames = np.stack(
                [audio_frames.transpose(f, key) for f, key in zip(frames, keys, strict=True)]
            )
        return frames.astype(np.float32)

    def hop_length(self, coordinate: np.ndarray) -> int:
        """Return the number of samples a frame for a coordinate P (D,)."""
        if self.grid == "absolute":
            return song_data.ABSOLUTE_HOP_LENGTH
        return hop_length(song_data.coordinate_tempo(float(coordinate[self.size - 2])))

    def render(
        self, coordinate: np.ndarray, *, frames: np.ndarray | None = None, beats: int | None = None
    ) -> np.ndarray:
        """Return the song of a coordinate P (D,) as mastered samples (n,) float32.

        Args:
            coordinate: P.
            frames: (T, 202) if they are generated already.
            beats: length, as in `beats_of`.

        Raises:
            ValueError: if the coordinate has another shape than this station's.
        """
        coordinate = np.asarray(coordinate)
        if not self.makes(coordinate):
            raise ValueError(
                f"a coordinate of station {self.name} has shape ({self.size},), "
                f"not {coordinate.shape}"
            )
        if frames is None:
            frames = self.generate(coordinate[None], beats=self.beats_of(coordinate, beats))[0]
        if self.follows:
            frames = held_ending(frames)
        hop = self.hop_length(coordinate)
        samples = audio_frames.decode(frames, hop_length=hop, sample_rate=self.sample_rate)
        samples = levelled(samples, self.sample_rate)
        return master(samples, fade=2 * song_data.FRAMES_PER_BEAT * hop)

    def seconds(self, coordinate: np.ndarray, *, beats: int | None = None) -> float:
        """Return the duration of the song of P (D,), of a length as in `beats_of`."""
        frames = self.beats_of(coordinate, beats) * song_data.FRAMES_PER_BEAT
        return frames * self.hop_length(coordinate) / self.sample_rate

    def song_name(self, coordinate: np.ndarray) -> str:
        """Return the name of a coordinate, the same one on every machine."""
        return song_name(coordinate)

    def describe(self, coordinate: np.ndarray) -> str:
        """Return tempo and key of a coordinate as text, as far as the station knows them."""
        if self.grid == "absolute":
            return ""
        tempo = f"{song_data.coordinate_tempo(float(coordinate[self.size - 2])):.0f} bpm"
        if not self.keyed:
            return tempo
        key = song_data.coordinate_key(float(coordinate[self.size - 1])) % 12
        return f"{MAJOR_KEYS[key]} major / {MINOR_KEYS[key]} minor, {tempo}"

    def save(self, folder: Path, *, dtype: Any = np.float32) -> None:
        """Write the station into a folder; see write_station."""
        write_station(self, folder, dtype=dtype)

    @classmethod
    def load(cls, folder: Path) -> Station:
        """Read a station; see read_station."""
        return read_station(folder, cls)
