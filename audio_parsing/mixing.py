"""Mixes songs, pauses, jumps and volume into a ring of samples, ahead of the device's callback.

    mixed = MixedRing(rate)
    mixed.play(samples) pause() resume() seek(seconds) stop() volume      heard almost at once
    mixed.fill()                  called often, from any thread but the device's
    mixed.take(out)               called by the device: copies finished samples, nothing else
    mixed.played(late)            samples of the song played, if the device holds `late` of them

A change rewinds the mixing to the first sample that the device can't be reading, and mixes again
from there. So the ring may be long enough for a busy interpreter, and keys still take effect soon.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np

BLOCK = 441  # samples mixed at once, 20 ms; every change is a ramp over one block
AHEAD_SECONDS = 0.4  # of mixed samples


class Segment:
    """A song from some moment on; a jump or another song replaces the whole segment."""

    def __init__(self, samples: np.ndarray, start: int = 0, *, fades_in: bool = False) -> None:
        self.samples = samples  # (n,) float32, at the device's rate
        self.start = start
        self.cursor = start  # runs past the end, which tells when the last sample was played
        self.fades_in = fades_in

    def take(self, count: int) -> np.ndarray:
        """Return the next samples (count,), silence after the end, and advance."""
        block = np.zeros(count, np.float32)
        piece = self.samples[self.cursor : self.cursor + count]
        block[: piece.size] = piece
        self.cursor += count
        return block


@dataclass(frozen=True)
class _Mark:
    """The mixer's state before the block that begins at `place` of the ring's endless count."""

    place: int
    segment: Segment
    cursor: int
    sounding: Segment
    sounding_cursor: int
    gain: float
    paused: bool

    @property
    def plain(self) -> bool:
        """Whether the block is of one song, or silent: whether it may end anywhere."""
        return self.segment is self.sounding and (not self.paused or self.gain == 0.0)


class MixedRing:
    """See the module's contract.

    Args:
        rate: of the device, Hz.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.dry = 0  # how often the device wanted more than was mixed
        self.paused = False
        self._blocks = max(8, round(AHEAD_SECONDS * rate / BLOCK))
        self._ring = np.zeros(self._blocks * BLOCK, np.float32)
        self._read = self._written = 0  # samples since the beginning, taken and mixed
        self._largest = 0  # most samples that the device took at once
        self._segment = self._sounding = Segment(np.zeros(0, np.float32))
        self._volume = self._gain = 0.8
        self._marks: deque[_Mark] = deque()
        self._lock = threading.RLock()  # for mixing; the device never waits for it

    def take(self, out: np.ndarray) -> None:
        """Copy the next samples to out (count, channels); called on the device's own thread."""
        count, read = len(out), self._read
        self._largest = max(self._largest, count)
        there = min(count, self._written - read)
        if there < count:
            self.dry += 1
            out[there:] = 0
        first = read % self._ring.size
        before_end = min(there, self._ring.size - first)
        out[:before_end] = self._ring[first : first + before_end, None]
        out[before_end:there] = self._ring[: there - before_end, None]
        self._read = read + there

    def fill(self) -> None:
        """Mix until the ring is full."""
        with self._lock:
            while self._fits(self._written):
                self._written = self._mix(self._written)

    def play(self, samples: np.ndarray) -> None:
        """Start a song, samples (n,) float32 at the device's rate; also ends a pause."""
        with self._lock:
            place = self._rewind()
            self.paused = False
            self._segment = Segment(samples)
            self._mix_again(place)

    def stop(self) -> None:
        """Fall silent and forget the song."""
        with self._lock:
            place = self._rewind()
            self._segment = Segment(np.zeros(0, np.float32))
            self._mix_again(place)

    def pause(self, paused: bool) -> None:
        """Fall silent at this moment, or continue from it."""
        with self._lock:
            place = self._rewind()
            self.paused = paused
            self._mix_again(place)

    def seek(self, seconds: float) -> None:
        """Continue from another moment of the song, at most its ends."""
        with self._lock:
            place = self._rewind()
            samples = self._segment.samples
            self._segment = Segment(
                samples, min(max(0, round(seconds * self.rate)), samples.size), fades_in=True
            )
            self._mix_again(place)

    @property
    def volume(self) -> float:
        """Loudness, a factor from 0 to 1."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        with self._lock:
            place = self._rewind()
            self._volume = min(1.0, max(0.0, value))
            self._mix_again(place)

    @property
    def size(self) -> int:
        """Samples of the song."""
        return self._segment.samples.size

    def played(self, late: int) -> int:
        """Return how many samples of the song were played, counting on after its end.

        Args:
            late: samples that the device has taken and still holds.
        """
        with self._lock:
            segment = self._segment
            if self.paused:
                return segment.cursor
            place = self._read - late
            mark = next((one for one in reversed(self._marks) if one.place <= place), None)
            # Not mixed yet, or from before the latest jump: nothing of it was played yet.
            if mark is None or mark.segment is not segment:
                return segment.start
            return mark.cursor if mark.paused else mark.cursor + min(place - mark.place, BLOCK)

    def _rewind(self) -> int:
        """Return to the first sample that the device can't be reading, and return its place."""
        earliest, place = self._read + self._largest, self._written
        while self._marks and self._marks[-1].place >= earliest:
            mark = self._marks.pop()
            place = mark.place
            self._return_to(mark, mark.gain)
        last = self._marks[-1] if self._marks else None
        if last is None or not last.plain or not last.place < earliest < place:
            return place
        # within a block, whose loudness is on its way to that of the next one
        passed = earliest - last.place
        gain = last.gain + (self._gain - last.gain) * passed / (place - last.place)
        self._return_to(last, gain)
        if not self.paused:
            self._segment.cursor += passed
        return earliest

    def _return_to(self, mark: _Mark, gain: float) -> None:
        self._segment, self._sounding, self.paused = mark.segment, mark.sounding, mark.paused
        self._sounding.cursor, self._segment.cursor = mark.sounding_cursor, mark.cursor
        self._gain = gain

    def _mix_again(self, place: int) -> None:
        """Mix again from a place on; the device reads the old or the new block, each whole."""
        while place < self._written and self._fits(place):
            place = self._mix(place)
        self._written = place
        self.fill()

    def _fits(self, place: int) -> bool:
        """Return whether a block from this place on leaves what the device has not read."""
        return place + BLOCK - self._read <= self._ring.size

    def _mix(self, place: int) -> int:
        """Mix one block into the ring at a place and return the next place."""
        segment, before = self._segment, self._sounding
        self._marks.append(
            _Mark(place, segment, segment.cursor, before, before.cursor, self._gain, self.paused)
        )
        oldest = self._read - self.rate  # a slow device may still hold these
        while self._marks[0].place < oldest:
            self._marks.popleft()
        block = self._block(segment, before)
        first = place % self._ring.size
        before_end = min(BLOCK, self._ring.size - first)
        self._ring[first : first + before_end] = block[:before_end]
        self._ring[: BLOCK - before_end] = block[before_end:]
        return place + BLOCK

    def _block(self, segment: Segment, before: Segment) -> np.ndarray:
        target = 0.0 if self.paused else self._volume
        if segment is before and self.paused and self._gain == 0.0:
            return np.zeros(BLOCK, np.float32)
        # Every change of loudness is a ramp over the block: a step would click.
        ramp = np.linspace(0, 1, BLOCK, dtype=np.float32)
        if segment is before:
            block = segment.take(BLOCK) * (self._gain + (target - self._gain) * ramp)
            if self.paused:  # this block fades out, and fades in again on resuming
                segment.cursor -= BLOCK
        else:
            block = before.take(BLOCK) * (self._gain * (1 - ramp))
            if not self.paused:
                block += segment.take(BLOCK) * (
                    target * (ramp if segment.fades_in else np.float32(1))
                )
            self._sounding = segment
        self._gain = target
        return block
