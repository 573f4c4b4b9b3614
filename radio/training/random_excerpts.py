"""Random excerpts of whole recordings, in any key: what a network is trained on from step to step.

    excerpts = RandomExcerpts(recordings, steps=64, semitones=3)     frames (T, F) of each recording
    components = excerpts.fit(128, seed=0)
    excerpts.draw(indices, rng, components) -> Drawn            steps (S, B, K), and from where
    excerpts.batch(step, 16, components, seed=0) -> Drawn       the same for the same seed and step

A recording is divided into slots about as long as an excerpt, and an index is that of a slot: a
training that takes every index once has heard all music once. Where in the slot an excerpt begins
and by how much it is transposed is drawn anew each time. All of it follows from the indices and the
rng: a training that goes on later, or on another number of threads, draws the same excerpts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from audio_parsing.components import FRAMES_PER_STEP, LappedComponents
from audio_parsing.frames import shift_bands
from neural_networks.training.batches import Noise, Order
from neural_networks.training.streams import StepStream

BANDS_PER_SEMITONE = 2
HALF = FRAMES_PER_STEP // 2


class Drawn(NamedTuple):
    """Excerpts that were drawn.

    Attributes:
        steps: (S, B, K) float32, components.
        recordings: (B,) which recording each is from.
        starts: (B,) the frame of the recording that it begins with. Where that is a multiple of H,
            its first step is number starts / H of the whole recording's.
        semitones: (B,) that it is moved up.
    """

    steps: np.ndarray
    recordings: np.ndarray
    starts: np.ndarray
    semitones: np.ndarray


class RandomExcerpts:
    """Draws excerpts of recordings.

    Args:
        recordings: frames (T, F) of any length and float type each; they are not copied.
        steps: S, of an excerpt, from 2 on. What a shorter recording lacks is silence.
        semitones: an excerpt is moved up or down by so many at most. 0 where keys mean something.
        align: frames; excerpts begin at multiples of it. More than 1 on a grid of beats.
        fewest: slots that there are at least, a whole batch; those of little music overlap.

    Raises:
        ValueError: for no recordings, an empty one, or numbers that no excerpt has.
    """

    def __init__(
        self,
        recordings: Sequence[np.ndarray],
        *,
        steps: int,
        semitones: int = 0,
        align: int = 1,
        fewest: int = 64,
    ) -> None:
        if not recordings or min(len(frames) for frames in recordings) == 0:
            raise ValueError("excerpts need at least one recording, and each at least one frame")
        if steps < 2 or semitones < 0 or align < 1:
            raise ValueError(f"no excerpt has {steps} steps, {semitones} semitones, align {align}")
        self.recordings, self.steps, self.semitones = recordings, steps, semitones
        self.align = align
        self.lengths = lengths = np.array([len(frames) for frames in recordings])
        self._places = np.maximum(lengths - FRAMES_PER_STEP * steps, 0) // align + 1
        slots = np.maximum(np.rint(lengths / (FRAMES_PER_STEP * steps)).astype(int), 1)
        slots *= -(-fewest // slots.sum())
        self._first = np.cumsum(slots) - slots
        self._slots = slots
        self._count = int(slots.sum())

    def __len__(self) -> int:
        return self._count

    def places(
        self, indices: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw where the excerpts of slots (B,) begin: recordings, starts, semitones of `Drawn`."""
        songs = np.searchsorted(self._first, indices, side="right") - 1
        slot, slots, places = indices - self._first[songs], self._slots[songs], self._places[songs]
        low, high = slot * places // slots, (slot + 1) * places // slots
        within = rng.random(len(indices))  # both are drawn whether needed or not
        shifts = rng.integers(-self.semitones, self.semitones, len(indices), endpoint=True)
        starts = (low + (within * np.maximum(high - low, 1)).astype(np.int64)) * self.align
        return songs, starts, shifts

    def frames(self, songs: np.ndarray, starts: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        """Return excerpts from `places` as frames (B, (S + 1) H, F) float32.

        Half a step before and after the excerpts is with them.
        """
        size = self.recordings[0].shape[1]
        frames = np.zeros((len(songs), (self.steps + 1) * FRAMES_PER_STEP, size), np.float32)
        for target, song, start, shift in zip(frames, songs, starts, shifts, strict=True):
            begin = max(0, HALF - start)
            source = self.recordings[song][max(0, start - HALF) :][: len(target) - begin]
            shift_bands(target[begin : begin + len(source)], source, BANDS_PER_SEMITONE * shift)
        return frames

    def steps_at(
        self,
        components: LappedComponents,
        songs: np.ndarray,
        starts: np.ndarray,
        shifts: np.ndarray,
    ) -> np.ndarray:
        """Return excerpts from `places` as components (B, S, K)."""
        frames = self.frames(songs, starts, shifts)
        steps = components.transform(frames, whole=False)
        # At the two ends of a recording there is nothing to be folded in.
        first = starts == 0
        last = -((starts - self.lengths[songs]) // FRAMES_PER_STEP) == self.steps
        begun = frames[first, HALF:][:, : 2 * FRAMES_PER_STEP]
        ended = frames[last, :-HALF][:, -2 * FRAMES_PER_STEP :]
        if first.any():
            steps[first, 0] = components.transform(begun)[:, 0]
        if last.any():
            steps[last, -1] = components.transform(ended)[:, -1]
        return steps

    def draw(
        self, indices: np.ndarray, rng: np.random.Generator, components: LappedComponents
    ) -> Drawn:
        """Draw excerpts of slots (B,) as components."""
        places = self.places(indices, rng)
        steps = self.steps_at(components, *places)
        return Drawn(np.ascontiguousarray(steps.transpose(1, 0, 2)), *places)

    def batch(self, step: int, size: int, components: LappedComponents, *, seed: int) -> Drawn:
        """Draw the batch of a step of a training: slots in an order that takes all in turn.

        Args:
            step: from 0.
            size: B, not more than there are slots.
            components: of the steps.
            seed: of the order, the places and the keys.
        """
        if not 1 <= size <= len(self):
            raise ValueError(f"a batch takes 1 to {len(self)} excerpts, not {size}")
        indices = Order(seed).indices(step, size, len(self))
        with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
            return self.draw(indices, Noise(seed, StepStream.EXCERPTS).at(step), components)

    def fit(self, count: int, *, seed: int, most: int = 400) -> LappedComponents:
        """Measure the components of the music, in all keys it is transposed to.

        Args:
            count: K.
            seed: of the excerpts that are looked at.
            most: so many, spread over all music.
        """
        chosen = np.unique(np.linspace(0, len(self) - 1, most).astype(int))
        noise = Noise(seed, StepStream.COMPONENTS)
        places = (self.places(chosen[i : i + 1], noise.at(i)) for i in range(len(chosen)))
        drawn = (self.frames(*place)[0] for place in places)
        return LappedComponents.fit(drawn, count, frames_per_step=FRAMES_PER_STEP)
