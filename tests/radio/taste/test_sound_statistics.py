"""Sound statistics: gradients at every moment, and the effects of key, tempo and loudness."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing import frames as audio_frames
from radio.taste.sound_statistics import SoundStatistics


@pytest.mark.parametrize("shape", [(4, 3), (1, 1), (5, 1)])
@pytest.mark.parametrize("coordinates", [0, 2])
@pytest.mark.parametrize("frame_size", [202, 20])
def test_the_gradient_for_every_value_and_for_tempo_and_key(
    shape: tuple[int, int], coordinates: int, frame_size: int
) -> None:
    rng = np.random.default_rng(0)
    statistics = SoundStatistics(2 * frame_size, coordinates, frame_size=frame_size)
    statistics.usual = rng.uniform(0, 0.3, statistics.levels)
    x = rng.uniform(-0.1, 0.8, (*shape, 2 * frame_size))
    x[np.abs(x) < 0.01] = 0.3
    beside = rng.uniform(-1, 1, (shape[1], coordinates))
    y, cache = statistics.forward(x, beside)
    assert y.shape == (*shape, statistics.size) and y.dtype == np.float64
    dy = rng.standard_normal(y.shape)
    dx, dbeside = statistics.backward(dy, cache)
    for _ in range(4):
        direction, aside = rng.standard_normal(x.shape), rng.standard_normal(beside.shape)
        for along, across in ((direction, 0 * aside), (0 * direction, aside)):
            step = 1e-7
            measured = sum(
                sign
                * float(
                    np.sum(
                        statistics.forward(x + sign * step * along, beside + sign * step * across)[
                            0
                        ]
                        * dy
                    )
                )
                for sign in (1, -1)
            ) / (2 * step)
            expected = float(np.sum(dx * along) + np.sum(dbeside * across))
            assert measured == pytest.approx(expected, rel=1e-5, abs=1e-6)


def tones(pitch: float, every: int, overtone: float = 0.4) -> np.ndarray:
    """Return frames (96, 202) of a note that begins again and again, with an overtone."""
    frames = np.zeros((96, 202), np.float32)
    band = round(2 * (pitch - 24))
    for start in range(0, 96, every):
        fading = np.exp(-np.arange(96 - start) / 8)[:every]
        for distance, level in ((-1, 0.3), (0, 0.6), (1, 0.3), (24, overtone)):
            frames[start : start + every, band + distance] = level * fading
    return frames


def strokes(every: int) -> np.ndarray:
    """Return frames (96, 202) of strokes over all bands."""
    frames = np.zeros((96, 202), np.float32)
    for start in range(6, 96, every):
        frames[start : start + 4] = 0.5
    return frames


def heard(frames: np.ndarray, *, tempo: float = 0.0, key: float = 0.0) -> dict[str, float]:
    statistics = SoundStatistics(6 * 202, 2)
    values = statistics.forward(frames.reshape(-1, 1, 6 * 202), np.array([[tempo, key]]))[0].mean(
        axis=0
    )[0]
    first = 2 * statistics.levels
    return {
        "centroid": values[first],
        "pitch": values[first + 1],
        "onsets": values[first + 4],
        "melody": values[-1],
    }


def test_key_tempo_and_loudness_act_as_they_do_in_the_sound() -> None:
    plain = heard(tones(60, 12))
    third = heard(tones(60, 12), key=4 / 3)
    assert third["centroid"] - plain["centroid"] == pytest.approx(4 / 12, abs=0.01)
    assert third["pitch"] - plain["pitch"] == pytest.approx(4 / 12, abs=0.01)
    assert heard(audio_frames.transpose(tones(60, 12), 4))["centroid"] == pytest.approx(
        third["centroid"], abs=0.01
    )
    assert heard(tones(60, 12), tempo=4)["onsets"] == pytest.approx(
        2 * plain["onsets"], rel=1e-5
    ), "an octave of tempo"
    assert heard(strokes(12))["onsets"] > 1.5 * heard(strokes(24))["onsets"]
    assert heard(0.5 * tones(60, 12)) == pytest.approx(plain, rel=0.02), (
        "songs are played equally loud"
    )


def test_the_melody_is_the_pitch_of_notes_and_not_their_colour() -> None:
    # no moment without a note: those count as the middle of all pitches
    plain = heard(tones(60, 6))
    for semitones in (4, 12):
        assert heard(tones(60 + semitones, 6))["melody"] - plain["melody"] == pytest.approx(
            semitones / 12, abs=0.1
        )
    assert heard(tones(60, 6), key=4 / 3)["melody"] - plain["melody"] == pytest.approx(
        4 / 12, abs=1e-5
    )
    bright = heard(tones(60, 6, overtone=0.7))
    assert (
        bright["centroid"] - plain["centroid"] > 0.5
        and abs(bright["melody"] - plain["melody"]) < 0.1
    )


def test_silence_is_no_song_but_has_statistics() -> None:
    statistics = SoundStatistics(6 * 202, 2)
    values, cache = statistics.forward(np.zeros((4, 2, 6 * 202), np.float32), np.zeros((2, 2)))
    assert np.isfinite(values).all()
    dsteps, dbeside = statistics.backward(np.ones_like(values), cache)
    assert np.isfinite(dsteps).all() and np.isfinite(dbeside).all()
    with pytest.raises(ValueError, match="whole number"):
        SoundStatistics(100, 2)
