"""What latents that move in time allow: a song of anybody's goes on, and a song between two others.

    continued(station, samples, beats=64, seed=0)    encode, and draw on from the state at its end
    morphed(station, first, second, z=0, innovations=1)    first's z with second's innovations

A morph lies at shares of a way: z on the straight line, innovations on the great circle between
the two songs', along which they stay standard normal (Shoemake 1985 for the formula). At (0, 0) it
is the first song reconstructed, at (1, 1) the second.
"""

from __future__ import annotations

import numpy as np

from radio.station import steps as song_data
from radio.station.innovations import innovations
from radio.station.mastering import limited, master
from radio.station.sequence_model import SequenceModel
from radio.station.sound_grid import GridSound, on_grid
from radio.station.station import Station

# From where a sound goes on: the last moment whose level is this share of the usual one.
ENDING_SHARE = 0.5
ENDING_WINDOW = 0.5  # seconds
OVERLAP_STEPS = 2  # over which the given sound fades into its continuation
BAR_STEPS = 4 * song_data.STEPS_PER_BEAT  # what is remembered begins with a bar
REMEMBERED_BEATS = 128  # of the given sound, before the moment from which it goes on


class PointStationError(ValueError):
    """A station whose songs are points can't do this; the message is one line."""


def continued(
    station: Station,
    samples: np.ndarray,
    *,
    beats: int = 64,
    seed: int = 0,
    bpm: float | None = None,
) -> tuple[np.ndarray, float]:
    """Return a sound that goes on, and the second at which what is new begins.

    Args:
        station: that goes on.
        samples: (n,) float32 at the station's rate. A fade at its end is cut off.
        beats: length of what is new; a beat is 0.48 s on an absolute grid.
        seed: of the new innovations.
        bpm: beats a minute of the given sound, for stations on a beat grid; found by trial if None.

    Raises:
        PointStationError: if the station's songs are points.
        ValueError: if the sound is shorter than OVERLAP_STEPS steps.
    """
    model = sequence_model_of(station, "continue a song")
    samples = samples[: _ending(samples, station.sample_rate)]
    sound = _whole_steps(station, on_grid(station, samples, bpm=bpm), samples)
    remembered = REMEMBERED_BEATS * song_data.STEPS_PER_BEAT
    memory = sound.steps[-(-max(0, len(sound.steps) - remembered) // BAR_STEPS) * BAR_STEPS :]
    z, state = model.vae.listen(memory)
    noise = innovations(
        np.array([seed]), beats * song_data.STEPS_PER_BEAT, model.vae.generator.innovation_size
    )
    new, _ = model.vae.generator.draw(z, noise, state=state)
    tail = model.reconstruct(memory)[1][-OVERLAP_STEPS:]
    drawn = sound.render(station, np.concatenate([tail, new]), z)
    begin = round(len(sound.steps) * sound.step_samples) - sound.lead
    overlap = round(OVERLAP_STEPS * sound.step_samples)
    faded = np.linspace(0, np.pi / 2, overlap, dtype=np.float32)
    joint = samples[begin - overlap : begin] * np.cos(faded) ** 2
    joint = joint + drawn[:overlap] * np.sin(faded) ** 2
    whole = np.concatenate([samples[: begin - overlap], joint, drawn[overlap:]])
    return limited(whole, fade=2 * overlap), begin / station.sample_rate


def morphed(
    station: Station,
    first: np.ndarray,
    second: np.ndarray,
    *,
    z: float = 0.0,
    innovations: float = 1.0,
    bpm: tuple[float | None, float | None] = (None, None),
) -> np.ndarray:
    """Return the song (n,) between two sounds, as long as the shorter one, mastered.

    Args:
        station: that encodes both; tempo and key are the first's.
        first: samples (n,) float32 at the station's rate.
        second: likewise.
        z: share of the second song's z, from 0 to 1.
        innovations: share of the way to the second song's innovations, from 0 to 1.
        bpm: of both, for stations on a beat grid; found by trial where None.

    Raises:
        PointStationError: if the station's songs are points.
    """
    model = sequence_model_of(station, "morph songs")
    sounds = [
        on_grid(station, one, bpm=tempo) for one, tempo in zip((first, second), bpm, strict=True)
    ]
    steps = min(len(sound.steps) for sound in sounds)
    found = [model.vae.coordinates(sound.steps[:steps]) for sound in sounds]
    mixed = (1 - z) * found[0][0] + z * found[1][0]
    angle = np.float32(innovations * np.pi / 2)
    noise = np.cos(angle) * found[0][1] + np.sin(angle) * found[1][1]
    song, _ = model.vae.generator.draw(mixed.astype(np.float32), noise)
    sound = sounds[0]
    fade = round(song_data.FRAMES_PER_BEAT * sound.grid.hop_length)
    return master(sound.render(station, song, mixed)[sound.lead :], fade=fade)


def sequence_model_of(station: Station, what: str) -> SequenceModel:
    """Return the model of a station whose latents move in time.

    Raises:
        PointStationError: for another station; `what` says what it was to do.
    """
    if not isinstance(station.model, SequenceModel):
        raise PointStationError(
            f"station {station.name} can't {what}: each of its songs is a single point of latent "
            "space; train a station on your music (ai-radio train MUSIC) and name it with "
            "--station"
        )
    return station.model


def _whole_steps(station: Station, sound: GridSound, samples: np.ndarray) -> GridSound:
    """Return a sound without a last step that was filled up with silence."""
    unit = sound.step_samples
    whole = int((len(samples) + sound.lead) / unit + 1e-9)
    if whole * unit - sound.lead < OVERLAP_STEPS * unit:
        raise ValueError(
            f"a sound of {len(samples) / station.sample_rate:.1f} s is too short to go on from; "
            f"it must last {OVERLAP_STEPS * unit / station.sample_rate:.1f} s"
        )
    return sound._replace(steps=sound.steps[:whole])


def _ending(samples: np.ndarray, sample_rate: int) -> int:
    """Return the sample from which a sound goes on: its end, or where its last fade begins."""
    window = round(ENDING_WINDOW * sample_rate)
    if len(samples) < 4 * window:
        return len(samples)
    rows = samples[: len(samples) // window * window].reshape(-1, window)
    levels = np.sqrt(np.mean(np.square(rows, dtype=np.float64), axis=1))
    loud = np.flatnonzero(levels >= ENDING_SHARE * np.median(levels))
    if not loud.size or loud[-1] == len(rows) - 1:
        return len(samples)
    return int(loud[-1] + 1) * window
