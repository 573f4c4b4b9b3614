"""Sound statistics of every moment of a song, in its own key, tempo and loudness, with gradients.

    frames a^0.3, made equally loud
        -> levels of bands at their own pitch, squared distances from their usual levels
        -> spectral centroid, mean pitch by level and by power
        -> rise of the bands and soft onsets, times the tempo
        -> pitch of the melody, by sums over harmonics

    statistics.forward(steps (S, B, F), coordinates (B, C)) -> moments (S, B, M)
    statistics.backward(dy) -> dsteps, dcoordinates

Everything but loudness (one factor a song) depends on one moment alone. Key and tempo act as in the
station's `render`: a key moves the bands, a tempo changes the frames a second. Silence has no
centroid; it counts as one at 500 Hz. The melody's pitch is a soft maximum of subharmonic sums,
s_k = sum_h 0.84^(h-1) v_(k, h)^2 over the harmonics h of band k: softmax(s / SOFTNESS) . pitch.
Source: Hermes 1988, Measurement of pitch by subharmonic summation. Letters: S steps, B batch, F
features of a step, T frames, V values of a frame, C coordinates beside z (tempo, key; or none), M
statistics.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from audio_parsing.filterbank import BANDS_PER_OCTAVE, LOWEST_PITCH
from audio_parsing.frames import EXPONENT, FRAME_SIZE
from radio.station import KEY_SCALE, TEMPO_OCTAVE

GROUPS = 27  # of bands
# Semitones from the outer bands to the outer groups' centres: with this none of a song in a whole
# key lies on a kink of the windows.
MARGIN = 0.1
ONSETS = (0.015, 0.035)  # rises of the mean level that are half an onset
SHARPNESS = 4.0  # of the step function that an onset is
SILENCE = 1e-4  # of the song's mean power
SILENT_HERTZ, SILENT_PITCH = 500.0, 60.0
MELODY = 36.0, 96.0  # lowest and highest MIDI pitch of a melody
HARMONICS, FADING = 4, 0.84  # number of harmonics, weight of each relative to the one below it
SOFTNESS = 0.1  # of the maximum over pitches, in units of the sums


class SoundStatistics:
    """Measure the statistics above.

    Args:
        features: F, a whole number of frames.
        coordinates: C; 2 are tempo and key, 0 leaves the songs as they are.
        frame_size: V, bands.
    """

    def __init__(self, features: int, coordinates: int, *, frame_size: int = FRAME_SIZE) -> None:
        if features % frame_size:
            raise ValueError(
                f"a step of {features} values is no whole number of frames of {frame_size}"
            )
        self.frames = features // frame_size
        self.frame_size = frame_size
        self.coordinates = coordinates
        self.pitch = LOWEST_PITCH + np.arange(frame_size) * 12 / BANDS_PER_OCTAVE
        self.hertz = 440 * 2 ** ((self.pitch - 69) / 12)
        self.levels = min(GROUPS, frame_size)
        self.centres = np.linspace(self.pitch[0] - MARGIN, self.pitch[-1] + MARGIN, self.levels)
        # level of each group over a station's songs; SongFeatures.fit sets it
        self.usual = np.zeros(self.levels)
        self.size = 2 * self.levels + 5 + len(ONSETS)
        inside = np.flatnonzero((self.pitch >= MELODY[0]) & (self.pitch <= MELODY[1]))
        lowest, highest = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, frame_size)
        self.sought = slice(lowest, highest)  # bands
        # The weight of each harmonic of the sought bands, and the bands it lies in.
        higher = [
            round(BANDS_PER_OCTAVE * float(np.log2(number))) for number in range(1, HARMONICS + 1)
        ]
        self.harmonics = [
            (FADING**h, slice(lowest + up, min(highest + up, frame_size)))
            for h, up in enumerate(higher)
        ]

    def forward(self, steps: np.ndarray, coordinates: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the statistics (S, B, M) of every step, and the cache."""
        dtype = steps.dtype
        count, batch, _ = steps.shape
        x = (
            steps.reshape(count, batch, self.frames, -1)
            .transpose(1, 0, 2, 3)
            .reshape(batch, count * self.frames, -1)
        )
        key, tempo = self._key_and_tempo(coordinates, dtype)
        value = np.maximum(x, 0)
        with np.errstate(divide="ignore"):
            # v^(2 / 0.3), a tenth of the time of np.power
            power = np.exp(dtype.type(2 / EXPONENT) * np.log(value))
        loudness = power.sum(axis=2).mean(axis=1) + dtype.type(1e-12)
        factor = loudness ** dtype.type(-EXPONENT / 2)
        value = value * factor[:, None, None]
        power /= loudness[:, None, None]
        windows, slopes = self._windows(key, dtype)
        level = value @ windows
        squares = np.square(level - self.usual.astype(dtype))
        hertz = self.hertz.astype(dtype) * 2 ** (key[:, None] / 12)
        bright = np.einsum("btf,bf->bt", power, hertz) + SILENCE * SILENT_HERTZ
        whole = power.sum(axis=2) + dtype.type(SILENCE)
        centroid = np.log2(bright / whole)
        # Pitches in octaves, so that all statistics are of about one size.
        pitch = (self.pitch.astype(dtype) - SILENT_PITCH) / 12
        by_power = (power @ pitch) / whole + key[:, None] / 12
        level_sum = value.sum(axis=2) + dtype.type(0.01)
        by_level = (value @ pitch) / level_sum + key[:, None] / 12
        rise = np.zeros_like(level)
        rise[:, 1:] = np.maximum(level[:, 1:] - level[:, :-1], 0)
        risen = rise.mean(axis=2)
        begun = [
            1 / (1 + np.exp(-SHARPNESS * (risen / dtype.type(threshold) - 1)))
            for threshold in ONSETS
        ]
        onsets = np.stack([10 * risen, *begun], axis=2) * tempo[:, None, None]
        at_pitch = self._pitches(value)
        melody = at_pitch @ pitch[self.sought] + key[:, None] / 12
        simple = np.stack([centroid, by_power, by_level], axis=2)
        moments = np.concatenate(
            [level, squares, simple, onsets, melody[:, :, None]], axis=2
        ).astype(dtype, copy=False)
        moments = moments.reshape(batch, count, self.frames, -1).mean(axis=2).transpose(1, 0, 2)
        own = by_power - key[:, None] / 12, by_level - key[:, None] / 12
        cache = (
            steps.shape,
            x > 0,
            value,
            power,
            factor,
            loudness,
            windows,
            slopes,
            level,
            rise > 0,
            risen,
            begun,
            tempo,
            hertz,
            bright,
            whole,
            own,
            level_sum,
            pitch,
            at_pitch,
        )
        return np.ascontiguousarray(moments), cache

    def backward(self, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return dsteps (S, B, F) and dcoordinates (B, C) for the gradient dy (S, B, M)."""
        shape, sounding, value, power, factor, loudness, windows, slopes = cache[:8]
        level, rising, risen, begun, tempo, hertz, bright, whole = cache[8:16]
        (by_power, by_level), level_sum, pitch, at_pitch = cache[16:]
        count, batch, _ = shape
        dtype = value.dtype
        d = np.repeat(dy.transpose(1, 0, 2) / dtype.type(self.frames), self.frames, axis=1).astype(
            dtype, copy=False
        )
        dlevel = (
            d[:, :, : self.levels]
            + 2 * (level - self.usual.astype(dtype)) * d[:, :, self.levels : 2 * self.levels]
        )
        dcentroid, dby_power, dby_level = (d[:, :, 2 * self.levels + i] for i in range(3))
        donsets, dmelody = d[:, :, 2 * self.levels + 3 : -1], d[:, :, -1]
        drisen = 10 * donsets[:, :, 0]
        dtempo = 10 * np.einsum("bt,bt->b", donsets[:, :, 0], risen)
        for index, (threshold, open_) in enumerate(zip(ONSETS, begun, strict=True), 1):
            drisen = drisen + donsets[:, :, index] * open_ * (1 - open_) * dtype.type(
                SHARPNESS / threshold
            )
            dtempo = dtempo + np.einsum("bt,bt->b", donsets[:, :, index], open_)
        drise = rising * (drisen * tempo[:, None] / dtype.type(self.levels))[:, :, None]
        dlevel += drise
        dlevel[:, :-1] -= drise[:, 1:]
        dvalue = dlevel @ windows.transpose(0, 2, 1)
        dvalue += (dby_level / level_sum)[:, :, None] * (pitch - by_level[:, :, None])
        sought = pitch[self.sought]
        dsums = (
            at_pitch
            * (sought - (at_pitch @ sought)[:, :, None])
            * (dmelody / dtype.type(SOFTNESS))[:, :, None]
        )
        for share, bands in self.harmonics:
            inside = slice(0, max(0, bands.stop - bands.start))
            dvalue[:, :, bands] += dtype.type(2 * share) * value[:, :, bands] * dsums[:, :, inside]
        dbright, dwhole = (
            dcentroid / (bright * np.log(dtype.type(2))),
            -dcentroid / (whole * np.log(dtype.type(2))),
        )
        dpower = dbright[:, :, None] * hertz[:, None] + dwhole[:, :, None]
        dpower += (dby_power / whole)[:, :, None] * (pitch - by_power[:, :, None])
        # value = v factor, power = v^(2/0.3) / loudness, factor = loudness^-0.15,
        # loudness = mean over time of sum v^(2/0.3).
        dloudness = (
            -(EXPONENT / 2) * np.einsum("btv,btv->b", dvalue, value) / loudness
            - np.einsum("btv,btv->b", dpower, power) / loudness
        )
        draw = (
            dpower / loudness[:, None, None]
            + (dloudness / value.shape[1]).astype(dtype)[:, None, None]
        )
        plain = value / factor[:, None, None]
        steep = np.divide(
            power * loudness[:, None, None], plain, out=np.zeros_like(plain), where=plain > 0
        ) * dtype.type(2 / EXPONENT)
        dx = (dvalue * factor[:, None, None] + draw * steep) * sounding
        dsteps = dx.reshape(batch, count, self.frames, -1).transpose(1, 0, 2, 3).reshape(shape)
        dcoordinates = np.zeros((batch, self.coordinates))
        if self.coordinates == 2:
            # (B, bands, groups)
            moved = value.transpose(0, 2, 1) @ dlevel
            dkey = (
                np.einsum("bfg,bfg->b", moved, slopes)
                + (dby_power + dby_level + dmelody).sum(axis=1) / 12
            )
            tonal = np.einsum("btf,bf->bt", power, hertz)
            dkey = dkey + np.log(2) / 12 * np.einsum("bt,bt->b", dbright, tonal)
            dcoordinates[:, 0] = dtempo * tempo * np.log(2) / TEMPO_OCTAVE
            dcoordinates[:, 1] = KEY_SCALE * dkey
        return np.ascontiguousarray(dsteps), dcoordinates

    def _pitches(self, value: np.ndarray) -> np.ndarray:
        """Return the probability (B, T, pitches) of each sought pitch to be the melody's."""
        sums = np.zeros((*value.shape[:2], self.sought.stop - self.sought.start), value.dtype)
        for share, bands in self.harmonics:
            part = value[:, :, bands]
            sums[:, :, : part.shape[2]] += value.dtype.type(share) * np.square(part)
        weight = np.exp((sums - sums.max(axis=2, keepdims=True)) / value.dtype.type(SOFTNESS))
        return weight / weight.sum(axis=2, keepdims=True)

    def _key_and_tempo(self, coordinates: np.ndarray, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the transposition in semitones and the tempo over MIDDLE_TEMPO, (B,) each."""
        if self.coordinates != 2:
            return np.zeros(len(coordinates), dtype), np.ones(len(coordinates), dtype)
        return (KEY_SCALE * coordinates[:, 1]).astype(dtype), (
            2 ** (coordinates[:, 0] / TEMPO_OCTAVE)
        ).astype(dtype)

    def _windows(self, key: np.ndarray, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the windows (B, bands, groups) over the transposed bands, and their slopes."""
        width = self.centres[1] - self.centres[0]
        away = (self.pitch[None, :, None] + key[:, None, None] - self.centres) / width
        inside = np.abs(away) < 1
        unit = (self.pitch[1] - self.pitch[0]) / width  # so that the windows of a group add up to 1
        window, slope = (
            np.where(inside, 1 - np.abs(away), 0),
            np.where(inside, -np.sign(away), 0) / width,
        )
        return (window * unit).astype(dtype), (slope * unit).astype(dtype)
