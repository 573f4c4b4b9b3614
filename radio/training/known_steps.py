"""Excerpts whose components are computed once, then copied: a training draws them over and over.

    known = KnownSteps(excerpts, components)
    known.draw(indices, rng) -> Drawn               as excerpts.draw(indices, rng, components)

Excerpts on a grid of beats begin at whole steps, so all of a recording's excerpts in one key are
cut out of the same steps. These are computed in blocks as long as an excerpt, each when it is first
needed. Which recordings' blocks are kept depends on the recordings alone: a training that goes on
later, or on another number of threads, gets the same numbers.
"""

from __future__ import annotations

import numpy as np

from audio_parsing.components import FRAMES_PER_STEP, LappedComponents
from radio.training.random_excerpts import Drawn, RandomExcerpts

MOST = 2**28  # bytes of steps that are kept; the recordings after that are computed at each draw


class KnownSteps:
    """Draws excerpts as components, and remembers those of recordings.

    Args:
        excerpts: of recordings.
        components: of their steps.
        most: bytes that are kept at most.
    """

    def __init__(
        self, excerpts: RandomExcerpts, components: LappedComponents, *, most: int = MOST
    ) -> None:
        self.excerpts, self.components = excerpts, components
        length = excerpts.steps
        # S_i, of a whole recording: one shorter than an excerpt is filled up with silence
        self._steps = np.maximum(-(-excerpts.lengths // FRAMES_PER_STEP), length)
        keys = 2 * excerpts.semitones + 1
        floats = -(-self._steps // length) * length * keys * components.count
        self._kept = np.cumsum(floats) * components.dtype.itemsize <= most
        self._kept &= excerpts.align % FRAMES_PER_STEP == 0
        self._blocks: dict[tuple[int, int, int], np.ndarray] = {}

    def draw(self, indices: np.ndarray, rng: np.random.Generator) -> Drawn:
        """Draw excerpts of slots (B,) as components."""
        places = self.excerpts.places(indices, rng)
        kept, components = self._kept[places[0]], self.components
        steps = np.empty((self.excerpts.steps, len(indices), components.count), components.dtype)
        if not kept.all():
            computed = self.excerpts.steps_at(components, *(part[~kept] for part in places))
            steps[:, ~kept] = computed.transpose(1, 0, 2)
        for i in np.flatnonzero(kept):
            self._copy(steps[:, i], *(int(part[i]) for part in places))
        return Drawn(steps, *places)

    def _copy(self, out: np.ndarray, song: int, start: int, shift: int) -> None:
        """Write an excerpt (S, K), which lies in two neighbouring blocks at most."""
        step = start // FRAMES_PER_STEP
        number = step // len(out)
        begin, block = self._block(song, shift, number)
        count = begin + len(out) - step  # in the first of them
        out[:count] = block[step - begin :]
        if count < len(out):
            begin, block = self._block(song, shift, number + 1)
            out[count:] = block[step + count - begin : step + len(out) - begin]

    def _block(self, song: int, shift: int, number: int) -> tuple[int, np.ndarray]:
        """Return the first step of a block, and its steps (S, K); the last ends the recording."""
        length = self.excerpts.steps
        begin = min(number * length, int(self._steps[song]) - length)
        block = self._blocks.get((song, shift, begin))
        if block is None:
            place = (np.array([value]) for value in (song, begin * FRAMES_PER_STEP, shift))
            block = self.excerpts.steps_at(self.components, *place)[0]
            self._blocks[song, shift, begin] = block
        return begin, block
