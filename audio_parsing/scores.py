"""Scores as music: their notes in beats, at one tempo, in a known key, and the sound of them.

    is_score(path) -> bool                 by the file's first bytes, and its name
    read_score(path) -> Score              notes in beats, tempo and key
    render_score(score, rate, soundfont=)  (n,) samples, each beat equally long

MIDI files need the library mido, MusicXML and ABC music21 too. The synthesizer plays drums, basses
and the families of General MIDI's instruments with what comes nearest among timbres.py, or a
SoundFont plays them. A score whose tempo changes is played at its mean tempo, so that all its beats
last equally long. The first beat begins a bar.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_parsing import notation
from audio_parsing.accompaniment import HAT, KICK, SNARE
from audio_parsing.midi import DRUMS, MARK, Midi, Played, read_midi
from audio_parsing.notation import installed
from audio_parsing.opening import AudioError, open_file, read_beginning, shown
from audio_parsing.song import Note, StarterSong
from audio_parsing.soundfont import play_by_soundfont
from audio_parsing.synthesizer import render

MIDI_SUFFIXES = frozenset((".mid", ".midi", ".kar"))
SUFFIXES = MIDI_SUFFIXES | notation.SUFFIXES
TEMPI = (60.0, 180.0)  # beats a minute; others are halved or doubled
LONGEST = 1800.0  # seconds; a song is rendered as a whole
MOST_NOTES = 200_000
GRID = 96  # of a beat, to which durations are rounded: equal notes are rendered once
# first program of each family of General MIDI -> timbre
FAMILIES = (
    (0, "piano"), (4, "electric_piano"), (6, "pluck"), (8, "bell"), (10, "music_box"), (11, "bell"),
    (12, "marimba"), (14, "bell"), (16, "organ"), (21, "accordion"), (24, "pluck"), (32, "bass"),
    (40, "strings"), (45, "pluck"), (47, "marimba"), (48, "strings"), (52, "flute"), (56, "brass"),
    (64, "clarinet"), (72, "flute"), (80, "electric_piano"), (88, "strings"), (104, "pluck"),
    (108, "marimba"), (109, "accordion"), (110, "strings"), (111, "clarinet"), (112, "bell"),
    (113, "marimba"), (120, "pluck"),
)  # fmt: skip
KICKS, HATS = (35, 36, 41, 43), (42, 44, 46, 49, 51, 53, 54, 55, 57, 59, 69, 70, 82)
KEYS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# Bellmann (2005), after Budge (1943): share of the notes of a pitch class, counted from the tonic,
# in per cent. With the lowest last note all 96 starter songs get their key; with the profiles of
# Krumhansl and Kessler (1982) 87.
MAJOR = (16.80, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.80, 8.04, 0.62, 10.57)
MINOR = (18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21)
LAST_NOTE = 0.1  # of a correlation, for the key of the lowest note at the end


@dataclass(frozen=True)
class Score:
    """A score.

    Attributes:
        name: of it.
        bpm: beats a minute.
        beats: its length.
        tonic: pitch class.
        mode: 'major' or 'minor'.
        notes: in beats.
    """

    name: str
    bpm: float
    beats: int
    tonic: int
    mode: str
    notes: tuple[Played, ...]

    @property
    def transposition(self) -> int:
        """Semitones from C major or A minor, -5 to 6."""
        return (self.tonic - (0 if self.mode == "major" else 9) + 5) % 12 - 5

    def song(self) -> StarterSong:
        """Return the song that the synthesizer plays."""
        notes = _as_notes(self.notes)
        return StarterSong(
            name=self.name,
            tune=self.name,
            mode=self.mode,
            transposition=self.transposition,
            bpm=self.bpm,
            beats=self.beats,
            lead=notes[0].timbre or "piano",
            accompaniment="none",
            accompaniments=("none",),
            octave=0,
            brightness=1.0,
            percussion="none",
            metre=4,
            notes=tuple(notes),
        )


def readable(path: Path) -> bool:
    """Return whether a file has the name of a score, holds one, and what reads it is installed."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or not installed(suffix):
        return False
    return suffix in MIDI_SUFFIXES or notation.is_notation(path)


def is_score(path: Path) -> bool:
    """Return whether a file holds a score: MIDI whatever its name, others by name and content."""
    if read_beginning(path).startswith(MARK):
        return True
    return path.suffix.lower() in notation.SUFFIXES and notation.is_notation(path)


def read_score(path: Path) -> Score:
    """Read a score: its notes in beats, tempo and key.

    Raises:
        AudioError: if it can't be read, holds no notes, or lasts longer than half an hour.
    """
    with open_file(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
        content = file.read(notation.LARGEST + 1)
    suffix = ".mid" if content.startswith(MARK) else path.suffix.lower()
    if not installed(suffix):
        raise AudioError(f"{shown(path)}: is a score, which needs {notation.needs(suffix)}")
    try:
        if suffix != ".mid":
            content = notation.to_midi(content, suffix)
        midi = read_midi(content)
    except Exception as error:  # of a damaged file the libraries raise whatever their parser meets
        detail = " ".join(str(error).split()) or type(error).__name__
        detail = "it ends too early" if isinstance(error, EOFError) else detail
        raise AudioError(f"{shown(path)}: is not a readable score ({shown(detail)})") from None
    if not 0 < len(midi.played) <= MOST_NOTES:
        what = f"more than {MOST_NOTES} notes" if midi.played else "no notes"
        raise AudioError(f"{shown(path)}: holds {what}")
    begin, end = min(note.start for note in midi.played), max(note.end for note in midi.played)
    seconds, beat = midi.seconds(begin, end), midi.beat
    if not 0 < seconds <= LONGEST:
        raise AudioError(f"{shown(path)}: lasts longer than {LONGEST / 60:.0f} minutes")
    bpm = 60 * (end - begin) / beat / seconds
    while bpm > TEMPI[1]:
        bpm, beat = bpm / 2, 2 * beat
    while bpm < TEMPI[0]:
        bpm, beat = 2 * bpm, beat / 2
    tonic, mode = _key(midi)
    bar = begin - begin % midi.bar
    notes = [
        note._replace(
            start=(note.start - bar) / beat,
            end=(note.start - bar) / beat
            + max(1, round((note.end - note.start) / beat * GRID)) / GRID,
        )
        for note in sorted(midi.played)
    ]
    beats = math.ceil(max(note.end for note in notes)) + 1
    return Score(path.stem, bpm, beats, tonic, mode, tuple(notes))


def render_score(score: Score, sample_rate: int, *, soundfont: Path | None = None) -> np.ndarray:
    """Return the sound (n,) float32 of a score, 24 hop_length(bpm, sample_rate) samples a beat.

    Args:
        score: to play.
        sample_rate: in Hz.
        soundfont: that plays it; the synthesizer if None.

    Raises:
        AudioError: if the SoundFont can't be used.
    """
    if soundfont is None:
        return render(score.song(), sample_rate)
    return play_by_soundfont(score.notes, score.bpm, score.beats, sample_rate, soundfont)


def _key(midi: Midi) -> tuple[int, str]:
    """Return tonic and mode, of the only key signature or by how long the notes sound."""
    # NOTE: programs write C major where nobody chose a key.
    if len(midi.keys) == 1 and (key := next(iter(midi.keys))) != "C":
        minor = key.endswith("m")
        sign = key.rstrip("m")[1:]
        tonic = KEYS[key[0]] + sign.count("#") - sign.count("b")
        return tonic % 12, "minor" if minor else "major"
    pitched = [note for note in midi.played if note.channel != DRUMS]
    sounding = np.zeros(12)
    for note in pitched:
        sounding[note.pitch % 12] += note.end - note.start
    end = max((note.end for note in pitched), default=0.0) - midi.beat / 2
    last = min((note.pitch for note in pitched if note.end > end), default=0) % 12
    fits = {
        (tonic, mode): _correlation(np.roll(sounding, -tonic), np.array(profile))
        + LAST_NOTE * (tonic == last)
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    }
    return max(fits, key=lambda key: fits[key])


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / max(math.sqrt((x @ x) * (y @ y)), 1e-12))


def _as_notes(played: tuple[Played, ...]) -> list[Note]:
    """Return the notes in beats; of each channel's lines the one that is played alone leads."""
    chords = _channels_of_chords(played)
    notes = []
    for one in played:
        start, duration = one.start, round((one.end - one.start) * GRID) / GRID
        velocity = one.velocity / 127
        if one.channel == DRUMS:
            drum = KICK if one.pitch in KICKS else HAT if one.pitch in HATS else SNARE
            notes.append(Note(start, duration, drum, velocity, "percussion"))
            continue
        timbre = next(name for first, name in reversed(FAMILIES) if one.program >= first)
        part = "bass" if timbre == "bass" else "chords" if one.channel in chords else "lead"
        notes.append(Note(start, duration, one.pitch, velocity, part, timbre))
    return notes


def _channels_of_chords(played: tuple[Played, ...]) -> set[int]:
    """Return the channels that mostly sound more than one note at a time, unless all do."""
    sounding: dict[int, float] = defaultdict(float)
    together: dict[int, float] = defaultdict(float)
    ends: dict[int, float] = defaultdict(float)
    for one in played:
        length = one.end - one.start
        sounding[one.channel] += length
        together[one.channel] += max(0, min(ends[one.channel], one.end) - one.start)
        ends[one.channel] = max(ends[one.channel], one.end)
    found = {channel for channel in sounding if together[channel] > 0.3 * sounding[channel]}
    return found if any(c not in found and c != DRUMS for c in sounding) else set()
