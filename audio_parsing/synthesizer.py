"""A small synthesizer: sine partials with attack and decay, noise for percussion, some reverb.

A partial is the imaginary part of c r^n for a complex number r inside the unit circle; with n = i B
+ j a whole note is one matrix product of (n / B, 2 K) and (2 K, B) real numbers, many times faster
than a sine for each sample and partial.
"""

from __future__ import annotations

import numpy as np
import scipy  # its signal is loaded when it is first used: that takes most of a second

from audio_parsing.accompaniment import HAT, KICK
from audio_parsing.song import FRAMES_PER_BEAT, StarterSong, hop_length
from audio_parsing.timbres import TIMBRES, Timbre

LOUDNESS = 0.1
"""Root mean square of every rendered song (-20 dB of full scale)."""

KEPT_NOTES = 512  # a note of a second is 176 kB
_BLOCK = 256
_GAIN = {"lead": 1.0, "second": 0.8, "chords": 0.42, "bass": 0.55, "percussion": 0.5}
_REVERB_SECONDS, _REVERB_LEVEL = 0.7, 0.16
_KNEE = 0.75


def render(song: StarterSong, sample_rate: int = 22050) -> np.ndarray:
    """Render a song as (beats * 24 * hop_length(bpm, sample_rate),) float32 samples.

    The root mean square is LOUDNESS, the peak below 1, and the end silent.

    Raises:
        ValueError: if the sample rate is below 4000 Hz.

    Examples:
        >>> from audio_parsing.starter import starter_songs
        >>> song = starter_songs(beats=8)[0]
        >>> samples = render(song)
        >>> round(len(samples) / 22050 * song.bpm / 60)  # beats
        8
    """
    if sample_rate < 4000:
        raise ValueError(f"the sample rate must be at least 4000 Hz, not {sample_rate}")
    beat = FRAMES_PER_BEAT * hop_length(song.bpm, sample_rate)
    mix = np.zeros(song.beats * beat)
    played: dict[tuple, np.ndarray] = {}
    for note in song.notes:
        brightness = song.brightness if note.part in ("lead", "second") else 0.85
        key = (note.part, note.timbre, note.pitch, note.duration, brightness)
        if key not in played:
            if len(played) == KEPT_NOTES:
                played.clear()
            if note.part == "percussion":
                played[key] = _strike(note.pitch, sample_rate)
            else:
                seconds = note.duration * beat / sample_rate
                if note.part in ("lead", "second"):
                    seconds -= min(0.05, 0.2 * seconds)  # a short gap before the next note
                played[key] = play_note(
                    TIMBRES[note.timbre], note.pitch, seconds, brightness, sample_rate
                )
        start = round(note.start * beat)
        sound = played[key][: mix.size - start]
        mix[start : start + sound.size] += _GAIN[note.part] * note.velocity * sound
    mix += _REVERB_LEVEL * scipy.signal.oaconvolve(mix, _room(sample_rate))[: mix.size]
    return levelled(mix, fade=beat)


def levelled(mix: np.ndarray, *, fade: int) -> np.ndarray:
    """Return a song (n,) as float32: at LOUDNESS, with peaks below 1 and a fade of some samples."""
    fade = min(fade, mix.size)
    mix[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    # 20 bits: processors whose matrix products differ in the last of 53 bits still give the same
    # bytes, except for rare samples.
    return (np.round(_level(mix) * 2.0**20) / 2.0**20).astype(np.float32)


def play_note(
    timbre: Timbre, pitch: float, seconds: float, brightness: float, sample_rate: int
) -> np.ndarray:
    """Return one note with its release: (n,) float64 at a rate in Hz, with the power `gain`^2."""
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    frequencies = timbre.ratios * frequency
    audible = frequencies < 0.45 * sample_rate
    frequencies = frequencies[audible]
    # Brightness scales the partials relative to the first; high notes have fewer of them anyway.
    amplitudes = timbre.amplitudes[audible] * timbre.ratios[audible] ** (1.2 * np.log(brightness))
    amplitudes *= timbre.gain / np.sqrt(np.sum(amplitudes**2))
    decays = timbre.decays[audible] * (frequency / 440.0) ** timbre.pitch_decay
    held = round(seconds * sample_rate)
    size = held + round(5 * timbre.release * sample_rate)
    rates = np.concatenate((decays, decays + 1 / timbre.attacks[audible]))
    phasors = (-rates + 2j * np.pi * np.tile(frequencies, 2)) / sample_rate
    rows = np.exp(phasors * (_BLOCK * np.arange(-(-size // _BLOCK)))[:, None]) * np.concatenate(
        (amplitudes, -amplitudes)
    )
    columns = np.exp(phasors[:, None] * np.arange(_BLOCK))
    sound = np.concatenate((rows.real, rows.imag), axis=1) @ np.concatenate(
        (columns.imag, columns.real)
    )
    sound = sound.reshape(-1)[:size]
    if timbre.breath:
        noise = np.random.default_rng(0).standard_normal(size)
        sound += (
            timbre.breath
            * scipy.signal.lfilter([1 - 0.5], [1, -0.5], noise)
            * np.exp(-np.arange(size) / (0.15 * sample_rate))
        )
    rate, depth = timbre.tremolo
    if depth:
        sound *= 1 - depth * (1 - np.cos(2 * np.pi * rate / sample_rate * np.arange(size))) / 2
    fall = np.arange(size - held)
    sound[held:] *= np.exp(-fall / (timbre.release * sample_rate)) * (1 - fall / max(fall.size, 1))
    return sound


def _strike(instrument: int, sample_rate: int) -> np.ndarray:
    """Return a percussion sound: a kick is a falling sine, the others are short filtered noise."""
    time = np.arange(round(0.25 * sample_rate)) / sample_rate
    if instrument == KICK:
        return (
            1.2
            * np.sin(2 * np.pi * (45 * time - 55 / 30 * (np.exp(-30 * time) - 1)))
            * np.exp(-14 * time)
        )
    low, high, decay = (0.5, 0.95, 60.0) if instrument == HAT else (0.12, 0.6, 25.0)
    noise = np.random.default_rng(instrument).standard_normal(time.size)
    sections = scipy.signal.butter(2, (low, high), "bandpass", output="sos")
    return 0.5 * np.asarray(scipy.signal.sosfilt(sections, noise)) * np.exp(-decay * time)


def _room(sample_rate: int) -> np.ndarray:
    """Return the reverb's impulse response: noise that decays by 60 dB, after a short gap."""
    size = round(_REVERB_SECONDS * sample_rate)
    noise = np.random.default_rng(1).standard_normal(size)
    response = scipy.signal.lfilter([0.5], [1, -0.5], noise) * 10 ** (-3 * np.arange(size) / size)
    response[: round(0.012 * sample_rate)] = 0
    return response / np.sqrt(np.sum(response**2))


def _level(mix: np.ndarray) -> np.ndarray:
    """Scale the root mean square to LOUDNESS; what would pass the knee is compressed below 1."""
    for _ in range(3):
        mix = mix * (LOUDNESS / max(float(np.sqrt(np.mean(mix**2))), 1e-12))
        over = np.abs(mix) > _KNEE
        bent = _KNEE + (0.99 - _KNEE) * np.tanh((np.abs(mix) - _KNEE) / (0.99 - _KNEE))
        mix = np.where(over, np.sign(mix) * bent, mix)
    return mix
