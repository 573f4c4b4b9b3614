"""Scores as music: MIDI files become songs of the synthesizer, with known notes, tempo and key.

    is_score(beginning) -> bool            by a file's first bytes
    read_score(path) -> StarterSong        its notes in beats, at one tempo
    write_midi(notes, bpm) -> bytes

Needs the library mido (`pip install 'ai-radio[scores]'`). Drums, basses and the families of General
MIDI's instruments are played by what comes nearest among timbres.py. A score whose tempo changes is
played at its mean tempo, so that all its beats last equally long.
"""

from __future__ import annotations

import importlib.util
import io
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from audio_parsing.accompaniment import HAT, KICK, SNARE
from audio_parsing.opening import AudioError, open_file, shown
from audio_parsing.song import Note, StarterSong

SUFFIXES = frozenset((".mid", ".midi", ".kar"))
MARK = b"MThd"
EXTRA = "pip install 'ai-radio[scores]'"
TEMPI = (60.0, 180.0)  # beats a minute; others are halved or doubled
LONGEST = 1800.0  # seconds; a song is rendered as a whole
MOST_NOTES = 200_000
DEFAULT_TEMPO = 500_000  # microseconds a beat, of a score that tells none
SUSTAIN, DRUMS, PEDAL_DOWN = 64, 9, 64  # controller, channel, value
TICKS = 480  # a beat, of what is written
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
# Krumhansl and Kessler (1982): how well each pitch class fits, counted from the tonic
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


class _Played(NamedTuple):
    """A note of a file: start and end in ticks, channel, program, pitch, velocity of 127."""

    start: int
    end: int
    channel: int
    program: int
    pitch: int
    velocity: int


def installed() -> bool:
    """Return whether scores can be read."""
    return importlib.util.find_spec("mido") is not None


def is_score(beginning: bytes) -> bool:
    """Return whether a file that begins so is a score."""
    return beginning.startswith(MARK)


def read_score(path: Path) -> StarterSong:
    """Read a MIDI file as a song: its notes in beats, tempo and key.

    Raises:
        AudioError: if it can't be read, holds no notes, or lasts longer than half an hour.
    """
    if not installed():
        raise AudioError(f"{shown(path)}: is a score, which needs {EXTRA}")
    import mido

    with open_file(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
        content = file.read()
    try:
        score = mido.MidiFile(file=io.BytesIO(content), clip=True)
        events = [_in_ticks(track) for track in score.tracks]
    except Exception as error:  # of a damaged file mido raises whatever its parser meets
        detail = " ".join(str(error).split()) or type(error).__name__
        raise AudioError(f"{shown(path)}: is not a readable score ({shown(detail)})") from None
    played = _played(events)
    if not 0 < len(played) <= MOST_NOTES:
        what = f"more than {MOST_NOTES} notes" if played else "no notes"
        raise AudioError(f"{shown(path)}: holds {what}")
    beat = score.ticks_per_beat
    if beat <= 0:  # frames a second and ticks a frame: a beat is half a second
        beat = max(1, -(beat >> 8) * (beat & 0xFF) // 2)
    begin, end = min(note.start for note in played), max(note.end for note in played)
    seconds = _seconds(events, begin, end, beat)
    if not 0 < seconds <= LONGEST:
        raise AudioError(f"{shown(path)}: lasts longer than {LONGEST / 60:.0f} minutes")
    bpm = 60 * (end - begin) / beat / seconds
    while bpm > TEMPI[1]:
        bpm, beat = bpm / 2, 2 * beat
    while bpm < TEMPI[0]:
        bpm, beat = 2 * bpm, beat / 2
    tonic, mode = _key(events, played)
    notes = _as_notes(played, begin - begin % beat, beat)
    return StarterSong(
        name=path.stem,
        tune=path.stem,
        mode=mode,
        transposition=(tonic - (0 if mode == "major" else 9) + 5) % 12 - 5,
        bpm=bpm,
        beats=math.ceil(max(note.start + note.duration for note in notes)) + 1,
        lead=notes[0].timbre or "piano",
        accompaniment="none",
        accompaniments=("none",),
        octave=0,
        brightness=1.0,
        percussion="none",
        metre=4,
        notes=tuple(notes),
    )


def write_midi(notes: Iterable[tuple[float, float, int, float]], bpm: float) -> bytes:
    """Return a MIDI file of notes (start, duration, pitch, velocity): in beats, velocity 0 to 1.

    It is written without mido.
    """
    events = [(0, 0, b"\xff\x51\x03" + round(60e6 / bpm).to_bytes(3, "big"))]
    for start, duration, pitch, velocity in notes:
        begin = round(start * TICKS)
        loud = min(127, max(1, round(127 * velocity)))
        events.append((begin, 2, bytes((0x90, pitch, loud))))
        events.append(
            (max(begin + 1, round((start + duration) * TICKS)), 1, bytes((0x80, pitch, 0)))
        )
    track, place = bytearray(), 0
    for tick, _, message in sorted(events):
        track += _delta(tick - place) + message
        place = tick
    track += b"\0\xff\x2f\0"
    head = MARK + (6).to_bytes(4, "big") + bytes((0, 0, 0, 1)) + TICKS.to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + bytes(track)


def _delta(ticks: int) -> bytes:
    """Return a number in groups of seven bits, all but the last with the eighth bit set."""
    groups = [ticks & 127]
    while ticks := ticks >> 7:
        groups.append(ticks & 127 | 128)
    return bytes(reversed(groups))


def _in_ticks(track: Iterable[Any]) -> list[tuple[int, Any]]:
    """Return (tick, message) of a track."""
    found, place = [], 0
    for message in track:
        place += message.time
        found.append((place, message))
    return found


def _played(events: list[list[tuple[int, Any]]]) -> list[_Played]:
    """Return all notes, those under the pedal as long as it is down; unended ones are dropped."""
    found: list[_Played] = []
    merged = sorted((one for track in events for one in track), key=lambda one: one[0])
    programs: dict[int, int] = defaultdict(int)
    sounding: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    held: dict[int, list[_Played]] = defaultdict(list)
    pedals: set[int] = set()

    def lift(channel: int, tick: int) -> None:
        pedals.discard(channel)
        found.extend(note._replace(end=max(note.end, tick)) for note in held.pop(channel, []))

    for tick, message in merged:
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type == "control_change" and message.control == SUSTAIN:
            if message.value >= PEDAL_DOWN:
                pedals.add(message.channel)
            else:
                lift(message.channel, tick)
        elif message.type == "note_on" and message.velocity:
            begun = (tick, message.velocity, programs[message.channel])
            sounding[message.channel, message.note].append(begun)
        elif message.type in ("note_on", "note_off"):
            waiting = sounding[message.channel, message.note]
            if not waiting:
                continue
            start, velocity, program = waiting.pop(0)
            note = _Played(start, tick, message.channel, program, message.note, velocity)
            (held[message.channel] if message.channel in pedals else found).append(note)
    for channel in list(held):
        lift(channel, merged[-1][0])
    return [note for note in found if note.end > note.start]


def _seconds(events: list[list[tuple[int, Any]]], begin: int, end: int, beat: float) -> float:
    """Return the seconds between two ticks."""
    changes = sorted(
        (tick, message.tempo)
        for track in events
        for tick, message in track
        if message.type == "set_tempo" and message.tempo
    )
    seconds, place, tempo = 0.0, begin, DEFAULT_TEMPO
    for tick, following in [*changes, (end, 0)]:
        if tick > place:
            until = min(tick, end)
            seconds += max(0, until - place) * tempo / 1e6 / beat
            place = max(place, until)
        tempo = following
    return seconds


def _key(events: list[list[tuple[int, Any]]], played: list[_Played]) -> tuple[int, str]:
    """Return tonic and mode, of the only key signature or by how long the notes sound."""
    signatures = {
        message.key for track in events for _, message in track if message.type == "key_signature"
    }
    # NOTE: programs write C major where nobody chose a key.
    if len(signatures) == 1 and (key := signatures.pop()) != "C":
        minor = key.endswith("m")
        sign = key.rstrip("m")[1:]
        tonic = KEYS[key[0]] + sign.count("#") - sign.count("b")
        return tonic % 12, "minor" if minor else "major"
    sounding = [0.0] * 12
    for note in played:
        if note.channel != DRUMS:
            sounding[note.pitch % 12] += note.end - note.start
    mean = sum(sounding) / 12
    fits = {
        (tonic, mode): sum(
            (sounding[(tonic + step) % 12] - mean) * (weight - sum(profile) / 12)
            for step, weight in enumerate(profile)
        )
        / math.dist(profile, [sum(profile) / 12] * 12)
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    }
    return max(fits, key=lambda key: fits[key])


def _as_notes(played: list[_Played], begin: float, beat: float) -> list[Note]:
    """Return the notes in beats; of each channel's lines the one that is played alone leads."""
    chords = _channels_of_chords(played)
    notes = []
    for one in sorted(played):
        start = (one.start - begin) / beat
        duration = max(1, round((one.end - one.start) / beat * GRID)) / GRID
        velocity = one.velocity / 127
        if one.channel == DRUMS:
            drum = KICK if one.pitch in KICKS else HAT if one.pitch in HATS else SNARE
            notes.append(Note(start, duration, drum, velocity, "percussion"))
            continue
        timbre = next(name for first, name in reversed(FAMILIES) if one.program >= first)
        part = "bass" if timbre == "bass" else "chords" if one.channel in chords else "lead"
        notes.append(Note(start, duration, one.pitch, velocity, part, timbre))
    return notes


def _channels_of_chords(played: list[_Played]) -> set[int]:
    """Return the channels that mostly sound more than one note at a time, unless all do."""
    sounding: dict[int, int] = defaultdict(int)
    together: dict[int, int] = defaultdict(int)
    ends: dict[int, int] = defaultdict(int)
    for one in sorted(played):
        length = one.end - one.start
        sounding[one.channel] += length
        together[one.channel] += max(0, min(ends[one.channel], one.end) - one.start)
        ends[one.channel] = max(ends[one.channel], one.end)
    found = {channel for channel in sounding if together[channel] > 0.3 * sounding[channel]}
    return found if any(c not in found and c != DRUMS for c in sounding) else set()
