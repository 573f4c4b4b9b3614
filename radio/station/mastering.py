"""Mastering of a rendered song: its level, a soft limit, and fades."""

from __future__ import annotations

import numpy as np

# Chosen by ear, not measured.
LOUDNESS = 0.1  # root mean square of a song
LOUDEST = 0.97  # highest absolute value of a sample
KNEE = 0.7  # above it samples are compressed
ATTACK = 110  # samples, 5 ms at 22,050 Hz

# Of 100 songs of half a minute drawn from recordings 22 began 3 dB or more under their level, and 5
# fell 20 dB under it for five seconds; with this none did (docs/sequence_vae.md).
LEVELLING = 0.75  # of a difference in dB
LEVEL_SECONDS = 1.5
LEVEL_HOP = 0.05  # seconds
LARGEST_LEVELLING = 10.0


def master(samples: np.ndarray, *, fade: int) -> np.ndarray:
    """Scale samples (n,) to LOUDNESS, limit them to LOUDEST, fade the ends, the last by `fade`."""
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    if level > 1e-6:
        samples = samples * np.float32(LOUDNESS / level)
    return limited(samples, fade=fade)


def limited(samples: np.ndarray, *, fade: int) -> np.ndarray:
    """Limit samples (n,) to LOUDEST and fade the ends, the last by `fade`; the level stays."""
    over = np.abs(samples) - KNEE
    limited = np.sign(samples) * (KNEE + (LOUDEST - KNEE) * np.tanh(over / (LOUDEST - KNEE)))
    samples = np.where(over > 0, limited, samples).astype(np.float32)
    fade = min(fade, len(samples))
    samples[len(samples) - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    attack = min(ATTACK, len(samples))
    samples[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
    return samples


def levelled(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Bring the level of each second or so of a drawn song (n,) nearer to that of the whole.

    A prior that runs free may rise or sink for a while, a song may begin where that of a recording
    would be soft, and from beat to beat new songs change more than music does. LEVELLING of the
    difference, in dB, is taken away.

    Args:
        samples: of the song.
        sample_rate: in Hz.
    """
    if not len(samples):
        return samples
    hop = max(1, round(LEVEL_HOP * sample_rate))
    rows = np.pad(samples.astype(np.float64), (0, -len(samples) % hop)).reshape(-1, hop)
    power = np.square(rows).mean(axis=1)
    window = np.hanning(round(LEVEL_SECONDS / LEVEL_HOP) + 2)[1:-1]
    slow = np.convolve(power, window)[len(window) // 2 :][: len(power)]
    slow /= np.convolve(np.ones(len(power)), window)[len(window) // 2 :][: len(power)]
    ratio = np.maximum(slow, 1e-12) / max(float(power.mean()), 1e-12)
    gains = np.clip(ratio ** (-LEVELLING / 2), 1 / LARGEST_LEVELLING, LARGEST_LEVELLING)
    places = (np.arange(len(gains)) + 0.5) * hop
    return (samples * np.interp(np.arange(len(samples)), places, gains)).astype(np.float32)
