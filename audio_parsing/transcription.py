"""From frames to notes: peaks of the spectrum that are no overtones, followed from frame to frame.

notes_of(frames) -> [(start, duration, pitch, velocity), ...]    times in frames
"""

from __future__ import annotations

import numpy as np

from audio_parsing.analysis import note_energy

LOWEST, HIGHEST = 21, 108  # MIDI pitches, of a piano
BEGINS = 0.02  # of the song's loudest energies: a note begins above this
ENDS = 0.004  # and ends below this
ATTACK = 3.0  # times the energy of the frame before last: the same pitch is played again
SHORTEST = 3  # frames; an eighth of a beat
GAP = 1  # frames that a note may be missing


def notes_of(frames: np.ndarray) -> list[tuple[int, int, int, float]]:
    """Return the notes in frames (T, 202), in the order in which they begin.

    Returns:
        Start and duration in frames, MIDI pitch, velocity from 0 to 1.
    """
    salience = _salience(frames)
    sounding = salience[salience > 0]
    if not sounding.size:
        return []
    loud = float(np.quantile(sounding, 0.98))
    notes = []
    for pitch in range(LOWEST, HIGHEST + 1):
        energy = salience[:, pitch]
        for begin, end in _spans(energy, BEGINS * loud, ENDS * loud):
            strength = float(np.sqrt(energy[begin:end].max() / loud))
            notes.append((begin, end - begin, pitch, min(1.0, 0.2 + 0.7 * strength)))
    return sorted(notes)


def _salience(frames: np.ndarray) -> np.ndarray:
    """Return the energy (T, 128) of each MIDI pitch in each frame."""
    energy, pitch = note_energy(frames)
    nearest = np.clip(np.rint(pitch), 0, 127).astype(int)
    rows = np.broadcast_to(np.arange(len(energy))[:, None], energy.shape)
    salience = np.zeros((len(energy), 128))
    np.add.at(salience, (rows, nearest), energy)
    return salience


def _spans(energy: np.ndarray, begins: float, ends: float) -> list[tuple[int, int]]:
    """Return where a pitch (T,) sounds: from above one threshold to below the other."""
    spans: list[tuple[int, int]] = []
    start, last = -1, -1
    for place, value in enumerate(energy.tolist()):
        again = place >= 2 and value > begins and value > ATTACK * max(energy[place - 2 : place])
        if start >= 0 and (place - last > GAP + 1 or (again and place - start >= SHORTEST)):
            spans.append((start, last + 1))
            start = -1
        if start < 0 and value > begins:
            start = place
        if value > ends:
            last = place
    if start >= 0:
        spans.append((start, last + 1))
    return [(begin, end) for begin, end in spans if end - begin >= SHORTEST]
