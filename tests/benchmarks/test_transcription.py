"""Reading notes from a transcriber's activations, and the score; the model is optional."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.transcription import available, note_f1, notes_from_activations, transcribe


def activations(
    notes: list[tuple[int, int, int, bool]], steps: int = 120
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Activations of notes (begin, end, key, with an onset), and 0.01 s a step."""
    frames, onsets = np.zeros((steps, 88), np.float32), np.zeros((steps, 88), np.float32)
    for begin, end, key, struck in notes:
        frames[begin:end, key] = 0.8
        if struck:
            onsets[begin, key] = 0.9
    return frames, onsets, np.arange(steps) * 0.01


def test_notes_are_read_with_and_without_onsets() -> None:
    notes = notes_from_activations(
        *activations(
            [(10, 40, 39, True), (40, 70, 39, True), (20, 60, 50, False), (80, 85, 60, True)]
        )
    )
    assert notes[:, 2].tolist() == [60, 71, 60]  # the last one is too short to be a note
    np.testing.assert_allclose(notes[:, 0], [0.1, 0.2, 0.4], atol=0.011)
    np.testing.assert_allclose(notes[:, 1], [0.4, 0.6, 0.7], atol=0.011)
    assert ((notes[:, 3] > 0.5) & (notes[:, 3] <= 1)).all()


def test_silence_has_no_notes() -> None:
    assert notes_from_activations(*activations([])).shape == (0, 4)
    assert notes_from_activations(np.zeros((0, 88)), np.zeros((0, 88)), np.zeros(0)).shape == (0, 4)


def test_note_f1() -> None:
    notes = np.array([(0.0, 1, 60, 0.5), (0.5, 1, 64, 0.5), (1.0, 2, 60, 0.5), (1.04, 2, 60, 0.5)])
    assert note_f1(notes, notes) == 1
    assert note_f1(notes, notes + [0.04, 0.04, 0, 0]) == 1
    assert note_f1(notes, notes + [0.2, 0.2, 0, 0]) == 0
    assert note_f1(notes, notes + [0, 0, 1, 0]) == 0
    assert note_f1(notes, notes[:2]) == pytest.approx(4 / 6)
    once = notes[2:3]  # one note answers only one of the two at 1.0 s
    assert note_f1(notes[2:], once) == pytest.approx(2 / 3)
    assert note_f1(notes, notes[:0]) == 0
    assert note_f1(notes[:0], notes[:0]) == 1


@pytest.mark.skipif(not available(), reason="basic-pitch's model is an optional peer")
def test_a_played_scale_is_heard() -> None:
    time = np.arange(11025) / 22050
    pitches = [60, 62, 64, 65, 67, 69, 71, 72]
    sound = [
        sum(
            0.2 / h * np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * h * time) for h in range(1, 5)
        )
        * np.exp(-3 * time)
        for p in pitches
    ]
    truth = np.array([(0.5 * i, 0.5 * i + 0.5, p, 1) for i, p in enumerate(pitches)])
    assert note_f1(truth, transcribe(np.concatenate(sound), 22050)) > 0.8
