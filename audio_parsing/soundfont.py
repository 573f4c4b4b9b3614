"""Play notes by a SoundFont, through the program fluidsynth (Debian: fluidsynth)."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from audio_parsing.midi import Played, write_played
from audio_parsing.opening import AudioError, open_file, shown
from audio_parsing.song import FRAMES_PER_BEAT, hop_length
from audio_parsing.synthesizer import levelled

GAIN = 0.4  # of fluidsynth, whose sound is levelled afterwards: far from its limit
SECONDS = 600  # that it may take


def check_soundfont(path: Path) -> None:
    """Check that a SoundFont is one, and that what plays it is installed.

    Raises:
        AudioError: if not.
    """
    with open_file(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
        beginning = file.read(12)
    if beginning[:4] != b"RIFF" or beginning[8:] != b"sfbk":
        raise AudioError(f"{shown(path)}: is not a SoundFont")
    if shutil.which("fluidsynth") is None:
        raise AudioError(
            f"{shown(path)}: a SoundFont is played by fluidsynth, which isn't installed"
        )


def play_by_soundfont(
    notes: Iterable[Played], bpm: float, beats: int, sample_rate: int, soundfont: Path
) -> np.ndarray:
    """Return the sound (beats * 24 * hop_length(bpm, sample_rate),) float32 of notes in beats.

    Raises:
        AudioError: if the SoundFont can't be used.
    """
    check_soundfont(soundfont)
    hop = hop_length(bpm, sample_rate)
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "notes.mid", Path(folder) / "sound"
        score.write_bytes(write_played(notes, 60 * sample_rate / hop / FRAMES_PER_BEAT))
        command = [shutil.which("fluidsynth") or "fluidsynth", "-n", "-i", "-q", "-g", str(GAIN)]
        command += ["-r", str(sample_rate), "-T", "raw", "-O", "float", "-E", "little"]
        command += ["-o", "synth.cpu-cores=1", "-F", str(sound)]
        command += [str(soundfont.absolute()), str(score)]
        try:
            answer = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AudioError(f"{shown(soundfont)}: fluidsynth can't play it ({error})") from None
        values = np.fromfile(sound, "<f4") if sound.exists() else np.zeros(0, np.float32)
    size = beats * FRAMES_PER_BEAT * hop
    mix = values[: len(values) // 2 * 2].reshape(-1, 2).mean(axis=1, dtype=np.float64)[:size]
    mix = np.pad(mix, (0, size - len(mix)))
    # NOTE: what can't be loaded is no failure for fluidsynth, which then writes a little noise.
    complaints = [line for line in answer.stderr.splitlines() if "error:" in line]
    if complaints or not np.isfinite(mix).all() or not mix.any():
        why = shown(complaints[0]) if complaints else "it has a sound for none of the notes"
        raise AudioError(f"{shown(soundfont)}: fluidsynth can't play it ({why})")
    return levelled(mix, fade=FRAMES_PER_BEAT * hop)
