"""MIDI files: the notes, tempos, keys and metre that one holds, and files of notes.

read_midi(content) -> Midi            needs the library mido
write_midi(notes, bpm) -> bytes       written without it
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

MARK = b"MThd"
DEFAULT_TEMPO = 500_000  # microseconds a beat, of a score that tells none
SUSTAIN, DRUMS, PEDAL_DOWN = 64, 9, 64  # controller, channel, value
TICKS = 480  # a beat, of what is written
MOST_TRACKS = 32_767  # mido reads their number with a sign


class Played(NamedTuple):
    """A note: start and end in ticks or beats, channel, program, pitch, velocity of 127."""

    start: float
    end: float
    channel: int
    program: int
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Midi:
    """What a MIDI file holds.

    Attributes:
        played: its notes, in ticks.
        beat: ticks of a beat.
        bar: ticks of a bar, by the first metre that is told, else four beats.
        keys: that are told, as "F#m".
        tempos: (tick, microseconds a beat), in order.
    """

    played: list[Played]
    beat: float
    bar: float
    keys: frozenset[str]
    tempos: list[tuple[int, int]]

    def seconds(self, begin: float, end: float) -> float:
        """Return the seconds between two ticks."""
        seconds, place, tempo = 0.0, begin, DEFAULT_TEMPO
        for tick, following in [*self.tempos, (end, 0)]:
            if tick > place:
                until = min(tick, end)
                seconds += max(0, until - place) * tempo / 1e6 / self.beat
                place = max(place, until)
            tempo = following
        return seconds


def read_midi(content: bytes) -> Midi:
    """Return what the content of a MIDI file holds.

    Raises:
        ValueError: if its beats have no ticks.
        Exception: of a damaged file mido raises whatever its parser meets.
    """
    import mido

    score = mido.MidiFile(file=io.BytesIO(_with_all_tracks(content)), clip=True)
    events = [one for track in score.tracks for one in _in_ticks(track)]
    events.sort(key=lambda one: one[0])
    beat = score.ticks_per_beat
    if beat <= 0:  # frames a second and ticks a frame: a beat is half a second
        beat = -(beat >> 8) * (beat & 0xFF) // 2
    if not beat:
        raise ValueError("its beats have 0 ticks")
    bars = [
        beat * 4 * message.numerator / message.denominator
        for _, message in events
        if message.type == "time_signature" and message.numerator
    ]
    return Midi(
        _played(events),
        beat,
        bars[0] if bars else 4 * beat,
        frozenset(one.key for _, one in events if one.type == "key_signature"),
        sorted((tick, one.tempo) for tick, one in events if one.type == "set_tempo" and one.tempo),
    )


def _with_all_tracks(content: bytes) -> bytes:
    """Return a MIDI file whose header counts the tracks that there are, without other chunks."""
    place = end = 8 + int.from_bytes(content[4:8], "big")
    tracks = []
    while place + 8 <= len(content):
        following = place + 8 + int.from_bytes(content[place + 4 : place + 8], "big")
        if content[place : place + 4] == b"MTrk":
            tracks.append(content[place:following])
        place = following
    if len(tracks) > MOST_TRACKS:
        raise ValueError(f"it has more than {MOST_TRACKS} tracks")
    count = len(tracks).to_bytes(2, "big")
    return b"".join([content[:10], count, content[12:end], *tracks])


def write_midi(notes: Iterable[tuple[float, float, int, float]], bpm: float) -> bytes:
    """Return a MIDI file of notes (start, duration, pitch, velocity): in beats, velocity 0 to 1."""
    return write_played(
        [
            Played(start, start + duration, 0, -1, pitch, min(127, max(1, round(127 * velocity))))
            for start, duration, pitch, velocity in notes
        ],
        bpm,
    )


def write_played(notes: Iterable[Played], bpm: float) -> bytes:
    """Return a MIDI file of notes in beats; a program of -1 is not told."""
    events = [(0, 0, b"\xff\x51\x03" + round(60e6 / bpm).to_bytes(3, "big"))]
    programs: dict[int, int] = {}
    for note in sorted(notes):
        begin = round(note.start * TICKS)
        if note.program >= 0 and programs.get(note.channel) != note.program:
            events.append((begin, 2, bytes((0xC0 | note.channel, note.program))))
            programs[note.channel] = note.program
        events += [
            (begin, 3, bytes((0x90 | note.channel, note.pitch, note.velocity))),
            (
                max(begin + 1, round(note.end * TICKS)),
                1,
                bytes((0x80 | note.channel, note.pitch, 0)),
            ),
        ]
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


def _played(events: list[tuple[int, Any]]) -> list[Played]:
    """Return all notes, those under the pedal as long as it is down; unended ones are dropped."""
    found: list[Played] = []
    programs: dict[int, int] = defaultdict(int)
    sounding: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    held: dict[int, list[Played]] = defaultdict(list)
    pedals: set[int] = set()

    def lift(channel: int, tick: int) -> None:
        pedals.discard(channel)
        found.extend(note._replace(end=max(note.end, tick)) for note in held.pop(channel, []))

    for tick, message in events:
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
            note = Played(start, tick, message.channel, program, message.note, velocity)
            (held[message.channel] if message.channel in pedals else found).append(note)
    for channel in list(held):
        lift(channel, events[-1][0])
    return [note for note in found if note.end > note.start]
