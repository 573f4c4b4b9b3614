"""Transcribes samples to notes with Spotify's basic-pitch, a judge independent of our frames.

An optional peer: `pip install onnxruntime && pip install --no-deps basic-pitch` (--no-deps: only
its model file is used). The model's outputs are asked for by name, because their order differs
between exports. The notes are read off as in basic-pitch's `output_to_notes_polyphonic` with its
default thresholds; the times are exact where basic-pitch rounds them to 86 frames a second. Notes
are arrays (n, 4) float64: onset and offset in seconds, MIDI pitch, amplitude from 0 to 1; sorted by
onset.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from audio_parsing.kernels import kernel

MODEL_RATE = 22050
HOP = 256  # samples a frame of the model
WINDOW = 2 * MODEL_RATE - HOP  # samples the model reads at once
OVERLAP = 30  # frames two windows share; half of them are dropped at both ends of a window
LOWEST_KEY = 21  # the MIDI pitch of the model's first column
ONSET_THRESHOLD = 0.5
FRAME_THRESHOLD = 0.3
SHORTEST_NOTE = 11  # frames: 127.7 ms
PATIENCE = 11  # frames below the threshold that end a note
ONSET_TOLERANCE = 0.05  # seconds


def available() -> bool:
    """Return whether basic-pitch's model and onnxruntime are installed."""
    return find_spec("onnxruntime") is not None and _model_path() is not None


def _model_path() -> Path | None:
    # found, not imported: importing it needs its heavy dependencies
    package = find_spec("basic_pitch")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "saved_models" / "icassp_2022" / "nmp.onnx"
    return path if path.exists() else None


@lru_cache(maxsize=1)
def _session() -> Any:
    if not available():
        raise RuntimeError(
            "transcription needs: pip install onnxruntime && pip install --no-deps basic-pitch"
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(_model_path()), options, providers=["CPUExecutionProvider"]
    )


def transcribe(samples: np.ndarray, sample_rate: float) -> np.ndarray:
    """Return the notes (n, 4) heard in samples (n,)."""
    samples = np.asarray(samples, np.float32)
    if sample_rate != MODEL_RATE:
        samples = soxr.resample(samples, sample_rate, MODEL_RATE)
    margin = OVERLAP // 2
    step = WINDOW - OVERLAP * HOP
    padded = np.pad(samples, (margin * HOP, WINDOW))
    count = -(-(len(samples) + margin * HOP) // step)
    windows = np.stack([padded[i * step : i * step + WINDOW] for i in range(count)])[:, :, None]
    session = _session()
    source = session.get_inputs()[0].name
    names = ["StatefulPartitionedCall:1", "StatefulPartitionedCall:2"]
    parts = [session.run(names, {source: windows[i : i + 4]}) for i in range(0, count, 4)]
    notes, onsets = (
        np.concatenate([part[i] for part in parts])[:, margin:-margin].reshape(-1, 88)
        for i in range(2)
    )
    each = WINDOW // HOP + 1 - OVERLAP  # frames kept of a window
    times = ((np.arange(count) * step)[:, None] + np.arange(each) * HOP).reshape(-1) / MODEL_RATE
    inside = times < len(samples) / MODEL_RATE
    return notes_from_activations(notes[inside], onsets[inside], times[inside])


def notes_from_activations(frames: np.ndarray, onsets: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the notes (n, 4) of activations (T, 88); `times` (T,) are the frames' seconds."""
    if len(frames) < 3:
        return np.zeros((0, 4))
    onsets = np.maximum(onsets, _rises(frames, float(onsets.max())))
    peak = np.zeros(onsets.shape, bool)
    peak[1:-1] = (
        (onsets[1:-1] > onsets[:-2])
        & (onsets[1:-1] > onsets[2:])
        & (onsets[1:-1] >= ONSET_THRESHOLD)
    )
    # later notes first, so that a note ends where the next one has already taken its energy
    starts = np.argwhere(peak)[::-1]
    loudest_first = np.argsort(-frames, axis=None, kind="stable")
    loudest_first = loudest_first[: int((frames > FRAME_THRESHOLD).sum())]
    found = _read_notes(frames.astype(np.float64), starts, loudest_first)
    if not found:
        return np.zeros((0, 4))
    notes = np.array(
        [
            (times[begin], times[end], pitch + LOWEST_KEY, frames[begin:end, pitch].mean())
            for begin, end, pitch in found
        ]
    )
    return notes[np.lexsort((notes[:, 2], notes[:, 0]))]


def _rises(frames: np.ndarray, highest: float) -> np.ndarray:
    """Return the rises of the activations over one and two frames: onsets the model missed."""
    rise = np.zeros_like(frames)
    rise[2:] = np.maximum(np.minimum(frames[2:] - frames[1:-1], frames[2:] - frames[:-2]), 0)
    return rise * (highest / max(float(rise.max()), 1e-12))


@kernel
def _read_notes(frames, starts, loudest_first):
    """Return (first frame, last frame, key) of each note, those with an onset first."""
    count, keys = frames.shape
    left = frames.copy()
    found = [(0, 0, 0)][:0]
    for index in range(starts.shape[0]):
        begin, key = starts[index, 0], starts[index, 1]
        if begin >= count - 1:
            continue
        i = begin + 1
        quiet = 0
        while i < count - 1 and quiet < PATIENCE:
            quiet = quiet + 1 if left[i, key] < FRAME_THRESHOLD else 0
            i += 1
        end = i - quiet
        if end - begin > SHORTEST_NOTE:
            left[begin:end, max(key - 1, 0) : key + 2] = 0
            found.append((begin, end, key))
    for place in loudest_first:
        middle, key = place // keys, place % keys
        if left[middle, key] <= FRAME_THRESHOLD:
            continue
        left[middle, key] = 0
        i = middle + 1
        quiet = 0
        while i < count - 1 and quiet < PATIENCE:
            quiet = quiet + 1 if left[i, key] < FRAME_THRESHOLD else 0
            left[i, max(key - 1, 0) : key + 2] = 0
            i += 1
        end = i - 1 - quiet
        i = middle - 1
        quiet = 0
        while i > 0 and quiet < PATIENCE:
            quiet = quiet + 1 if left[i, key] < FRAME_THRESHOLD else 0
            left[i, max(key - 1, 0) : key + 2] = 0
            i -= 1
        begin = i + 1 + quiet
        if end - begin > SHORTEST_NOTE:
            found.append((begin, end, key))
    return found


def matches(reference_notes: np.ndarray, notes: np.ndarray) -> int:
    """Return how many notes agree one to one: the same pitch, onsets at most 50 ms apart."""
    agreed = 0
    for pitch in np.intersect1d(reference_notes[:, 2], notes[:, 2]):
        ours = np.sort(notes[notes[:, 2] == pitch, 0])
        theirs = np.sort(reference_notes[reference_notes[:, 2] == pitch, 0])
        i = j = 0
        # on a line the earliest possible partner is a largest matching
        while i < len(ours) and j < len(theirs):
            if abs(ours[i] - theirs[j]) <= ONSET_TOLERANCE:
                agreed, i, j = agreed + 1, i + 1, j + 1
            elif ours[i] < theirs[j]:
                i += 1
            else:
                j += 1
    return agreed


def note_f1(reference_notes: np.ndarray, notes: np.ndarray) -> float:
    """Return the F1 of notes (n, 4) against reference notes (m, 4); 1 if both are empty."""
    total = len(reference_notes) + len(notes)
    return 2 * matches(reference_notes, notes) / total if total else 1.0
