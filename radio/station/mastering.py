"""Mastering of a rendered song: its level, a soft limit, and fades."""

from __future__ import annotations

import numpy as np

# Chosen by ear, not measured.
LOUDNESS = 0.1  # root mean square of a song
LOUDEST = 0.97  # highest absolute value of a sample
KNEE = 0.7  # above it samples are compressed
ATTACK = 110  # samples, 5 ms at 22,050 Hz


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
