"""Instruments of the synthesizer: sets of partials, each with its loudness, attack and decay.

Partial k of a note of frequency f (Hz) is

    a_k sin(2 pi r_k f t) (exp(-d_k t) - exp(-(d_k + 1 / s_k) t))

It rises with the time constant s_k (seconds) and decays at the rate d_k (1/s).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Timbre:
    """Partials: frequency ratios r, amplitudes a, decay rates d (1/s, at A4), attacks s (s), (K,).

    `release` is the time constant (seconds) after the note's end; decay rates grow with (f /
    440)^pitch_decay; tremolo (rate in Hz, depth) modulates the loudness; breath is the loudness of
    a soft noise at the start; gain compensates for a quick decay.
    """

    ratios: np.ndarray
    amplitudes: np.ndarray
    decays: np.ndarray
    attacks: np.ndarray
    release: float
    pitch_decay: float = 0.0
    tremolo: tuple[float, float] = (0.0, 0.0)
    breath: float = 0.0
    gain: float = 1.0


def _harmonics(
    amplitudes: Sequence[float] | np.ndarray,
    *,
    decay: tuple[float, float],
    attack: tuple[float, float],
    release: float,
    stiffness: float = 0.0,
) -> Timbre:
    """Return harmonics 1, 2, 3, ...; decay and attack are those of the first and grow by a share.

    Stiff strings are sharp.
    """
    above = np.arange(len(amplitudes))
    return Timbre(
        ratios=(above + 1) * np.sqrt(1 + stiffness * (above + 1) ** 2),
        amplitudes=np.asarray(amplitudes, float),
        decays=decay[0] * (1 + decay[1] * above),
        attacks=attack[0] * (1 + attack[1] * above),
        release=release,
    )


def _bars(
    partials: Sequence[tuple[float, float, float]], *, attack: float, release: float
) -> Timbre:
    """Return the partials of a struck bar or bell, each given as ratio, amplitude, decay."""
    ratios, amplitudes, decays = np.array(partials).T
    return Timbre(ratios, amplitudes, decays, np.full(len(partials), attack), release)


def _ensemble(timbre: Timbre, cents: float) -> Timbre:
    """Add a softer copy of every partial, `cents` higher, for the slow beating of many players."""
    return replace(
        timbre,
        ratios=np.concatenate((timbre.ratios, timbre.ratios * 2 ** (cents / 1200))),
        amplitudes=np.concatenate((timbre.amplitudes, 0.35 * timbre.amplitudes)),
        decays=np.tile(timbre.decays, 2),
        attacks=np.tile(timbre.attacks, 2),
    )


_K = np.arange(1.0, 21.0)
_PIANO = _harmonics(
    _K**-1.35 * (1 - 0.55 * (_K % 8 == 0)),
    decay=(1.1, 0.28),
    attack=(0.003, 0),
    release=0.09,
    stiffness=2e-4,
)
_ELECTRIC_PIANO = _harmonics(
    [1, 0.32, 0.1, 0.12, 0.03, 0.02, 0.05, 0.01], decay=(1.2, 0.5), attack=(0.004, 0), release=0.12
)
_ORGAN = _harmonics(
    [1, 0.3, 0.3, 0.1, 0.12, 0.06, 0.02, 0.04], decay=(0.02, 0), attack=(0.012, 0), release=0.04
)
_FLUTE = _harmonics([1, 0.35, 0.12, 0.05, 0.02], decay=(0.05, 0), attack=(0.035, 0.1), release=0.06)
_PLUCK = _harmonics(
    np.abs(np.sin(0.36 * np.pi * _K)) * _K**-1.1, decay=(1.6, 0.3), attack=(0.002, 0), release=0.08
)
_BRASS = _harmonics(_K[:14] ** -0.9, decay=(0.15, 0), attack=(0.02, 0.22), release=0.05)
_STRINGS = _harmonics(_K[:14] ** -1.25, decay=(0.3, 0), attack=(0.03, 0.03), release=0.07)
_CLARINET = _harmonics(
    [1, 0.05, 0.6, 0.06, 0.35, 0.06, 0.16, 0.04, 0.08],
    decay=(0.05, 0),
    attack=(0.022, 0.08),
    release=0.05,
)
_ACCORDION = _harmonics(
    _K[:12] ** -0.95 * (1 + 0.4 * (_K[:12] % 2)), decay=(0.03, 0), attack=(0.018, 0), release=0.04
)
_BASS = _harmonics(_K[:10] ** -1.6, decay=(0.8, 0.35), attack=(0.006, 0), release=0.07)
_BELL = _bars(
    [
        (1, 1, 1.4),
        (2, 0.45, 2.2),
        (2.98, 0.25, 3.5),
        (4.1, 0.16, 6),
        (5.43, 0.1, 9),
        (6.8, 0.06, 12),
    ],
    attack=0.002,
    release=0.25,
)
_MARIMBA = _bars([(1, 1, 2.4), (3.93, 0.3, 9), (9.2, 0.08, 22)], attack=0.0015, release=0.1)
_MUSIC_BOX = _bars(
    [(1, 1, 2.2), (2, 0.3, 3.5), (3, 0.12, 5), (6.27, 0.1, 18)], attack=0.0015, release=0.12
)

TIMBRES: dict[str, Timbre] = {
    "piano": replace(_PIANO, pitch_decay=0.6, gain=1.15),
    "electric_piano": replace(_ELECTRIC_PIANO, pitch_decay=0.4, tremolo=(4.8, 0.12)),
    "organ": _ORGAN,
    "flute": replace(_FLUTE, tremolo=(5.2, 0.1), breath=0.02),
    "bell": replace(_BELL, pitch_decay=0.4, gain=1.3),
    "pluck": replace(_PLUCK, pitch_decay=0.5, gain=1.25),
    "brass": _BRASS,
    "marimba": replace(_MARIMBA, pitch_decay=0.5, gain=1.5),
    "strings": _ensemble(_STRINGS, 7),
    "clarinet": _CLARINET,
    "accordion": _ensemble(_ACCORDION, 9),
    "music_box": replace(_MUSIC_BOX, pitch_decay=0.4, gain=1.4),
    "bass": _BASS,
}

LEADS: dict[str, float] = {
    "piano": 71, "electric_piano": 71, "organ": 70, "flute": 76, "bell": 75, "pluck": 71,
    "brass": 68, "marimba": 72, "strings": 72,
    "clarinet": 70, "accordion": 70, "music_box": 77,
}  # fmt: skip
"""Instruments that lead, with the middle of their range (MIDI number)."""

ACCOMPANIMENT_TIMBRES: dict[str, str] = {
    "none": "piano",
    "strings": "strings",
    "arpeggio": "pluck",
    "organ": "organ",
    "pulse": "electric_piano",
}
"""The instrument that plays each style of accompaniment."""
