"""The form of a song: sections that return, so that a theme comes back because P says so.

    forms_of(recordings, candidates) -> forms, numbers    found in the station's songs
    Form(64, (0, 0, 1, 0))                                AABA, sections of 64 steps

A section that returns has the latents of its first time, drawn again with innovations that are a
little different: those of the song's seed turn by VARIATION to others, and of two songs that it
follows the second counts more (learned_songs.py). Its end alone is new, so that no two are the
same. A form is repeated until a song lasts SHORTEST
beats. P has a column for its number in the station's list, counted from 1; 0 is none.

Letters: S steps, T frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from audio_parsing import analysis
from neural_networks.vae.arrangement import Arrangement
from radio.station.steps import FRAMES_PER_BEAT, STEPS_PER_BEAT

# Of a section that returns; its innovations correlate cos(VARIATION) with those of its first time
# where nothing is drawn. docs/songs.md, "Form".
VARIATION = float(np.arccos(0.95))
# Of a section that returns, its end: so real sections are alike. docs/songs.md, "Form".
RENEWED = 0.125
SHORTEST, LONGEST = 128, 625  # beats of a song with a form; on an absolute grid 1 and 5 minutes
MOST_FORMS = 64  # of a station, the most frequent
FEWEST_SECTIONS, MOST_SECTIONS = 4, 12
MOST_LETTERS = 4  # kinds of sections of a form; chosen, not measured
# Sections are the same if what moves in them correlates so much. Chosen, not measured.
SAME = 0.7
SHIFT = 0.125  # of a section, by which it may begin early or late
SHARE_OF_LEVEL = 0.5  # of the level beside twelve pitch classes; chosen, not measured
FORM_FACTS = 3
LETTERS = "ABCDEFGHIJKL"


class Form(NamedTuple):
    """A form: steps of a section, and the number of each section's theme, from 0."""

    section: int
    themes: tuple[int, ...]

    @property
    def beats(self) -> int:
        """Length of a song: the form, repeated until it is no shorter than SHORTEST."""
        once = self.section * len(self.themes) // STEPS_PER_BEAT
        return once * -(-SHORTEST // once)

    def text(self, beats: int) -> str:
        """Return the letters of the sections of a song, such as AABA; a last one may be cut."""
        count = -(-beats * STEPS_PER_BEAT // self.section)
        themes = (self.themes[i % len(self.themes)] for i in range(count))
        return "".join(LETTERS[theme] for theme in themes)

    @property
    def facts(self) -> tuple[float, float, float]:
        """FORM_FACTS: octaves of length over SHORTEST, different themes, share that returns."""
        different = len(set(self.themes))
        return float(np.log2(self.beats / SHORTEST)), different, 1 - different / len(self.themes)

    def arrangement(self, beats: int) -> Arrangement:
        """Return which steps a song of so many beats consists of, and where they are told to be."""
        steps = np.arange(beats * STEPS_PER_BEAT)
        sections, step = np.divmod(steps, self.section)
        themes = np.array(self.themes)[sections % len(self.themes)]
        heads = np.array([self.themes.index(theme) for theme in range(max(self.themes) + 1)])
        places = heads[themes] * self.section + step
        kept = (sections != heads[themes]) & (step < round((1 - RENEWED) * self.section))
        return Arrangement(places, np.where(kept, len(steps) + places, steps))


def forms_of(
    recordings: Sequence[np.ndarray], candidates: Sequence[int]
) -> tuple[list[Form], np.ndarray]:
    """Return the forms of recordings, each once, and the number (N,) of each recording's, or 0.

    Args:
        recordings: frames (T, 202) of each of N.
        candidates: lengths of a section in beats.
    """
    found = [form_of(frames, candidates) for frames in recordings]
    frequent = Counter(form for form in found if form is not None).most_common(MOST_FORMS)
    forms = [form for form, _ in frequent]
    numbers = [forms.index(form) + 1 if form in forms else 0 for form in found]
    return forms, np.array(numbers, np.int16)


def form_of(frames: np.ndarray, candidates: Sequence[int]) -> Form | None:
    """Return the form of frames (T, 202); None if no section returns, or nothing else comes."""
    if len(frames) < FEWEST_SECTIONS * min(candidates) * FRAMES_PER_BEAT:
        return None
    moments = _moments(frames)
    best: tuple[float, Form] | None = None
    for beats in candidates:
        likeness = _likeness(moments[: 2 * beats * min(MOST_SECTIONS, LONGEST // beats)], 2 * beats)
        themes = _themes(likeness)
        if len(themes) < FEWEST_SECTIONS or not 1 < len(set(themes)) < len(themes):
            continue
        returning = [likeness[i, :i].max() for i in range(1, len(themes))]
        form = Form(beats * STEPS_PER_BEAT, themes)
        if form.beats <= LONGEST and (best is None or np.mean(returning) > best[0]):
            best = float(np.mean(returning)), form
    return None if best is None else best[1]


def _moments(frames: np.ndarray) -> np.ndarray:
    """Return chroma and level of each half beat (n, 13), of unit spread over the song."""
    half = FRAMES_PER_BEAT // 2
    whole = np.asarray(frames, np.float32)[: len(frames) // half * half]
    chroma = analysis.chroma(whole).reshape(-1, half, 12).mean(axis=1)
    level = np.log(np.linalg.norm(chroma, axis=1, keepdims=True) + 1e-3)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-6)
    parts = [one - one.mean(axis=0) for one in (chroma, level)]
    shares = 1.0, SHARE_OF_LEVEL
    spread = [np.sqrt(np.square(one).sum(axis=1).mean()) for one in parts]
    return np.concatenate(
        [
            share * one / max(wide, 1e-6)
            for share, one, wide in zip(shares, parts, spread, strict=True)
        ],
        axis=1,
    )


def _likeness(moments: np.ndarray, length: int) -> np.ndarray:
    """Return the correlations (k, k) of the k sections of so many moments each.

    Sections of recordings are not on a grid: each is compared with the stretch most like it that
    begins within SHIFT of where another section does.
    """
    count, shift = len(moments) // length, round(SHIFT * length)
    if not count:
        return np.zeros((0, 0))
    stretches = sliding_window_view(moments, length, axis=0).reshape(-1, moments[0].size * length)
    stretches = stretches / np.maximum(np.linalg.norm(stretches, axis=1, keepdims=True), 1e-9)
    likeness = stretches[::length] @ stretches.T
    near = [likeness[:, max(0, i * length - shift) :][:, : 2 * shift + 1] for i in range(count)]
    return np.stack([one.max(axis=1) for one in near], axis=1)


def _themes(likeness: np.ndarray) -> tuple[int, ...]:
    """Return the theme of each section: that of the most alike one before it, or a new one.

    They end before the first that is one too many.
    """
    themes: list[int] = []
    for section in range(len(likeness)):
        earlier = likeness[section, :section]
        theme = max(themes, default=-1) + 1
        if earlier.size and earlier.max() > SAME:
            theme = themes[int(earlier.argmax())]
        if theme == MOST_LETTERS:
            break
        themes.append(theme)
    return tuple(themes)


def to_array(forms: Sequence[Form]) -> np.ndarray:
    """Return forms as whole numbers (n, 1 + MOST_SECTIONS): the section, themes, and -1."""
    rows = np.full((len(forms), 1 + MOST_SECTIONS), -1, np.int16)
    for row, form in zip(rows, forms, strict=True):
        row[: 1 + len(form.themes)] = form.section, *form.themes
    return rows


def from_array(rows: np.ndarray) -> list[Form]:
    """Return the forms of `to_array`.

    Raises:
        ValueError: if they are none.
    """
    if rows.dtype != np.int16 or rows.shape[1:] != (1 + MOST_SECTIONS,):
        raise ValueError("its forms are not forms")
    forms = [
        Form(int(row[0]), tuple(int(theme) for theme in row[1:] if theme >= 0)) for row in rows
    ]
    if not np.array_equal(to_array(forms), rows):
        raise ValueError("its forms are not forms")
    for form in forms:
        new = [b - max(form.themes[: i + 1]) for i, (_, b) in enumerate(pairwise(form.themes))]
        if (
            form.section < STEPS_PER_BEAT
            or form.section % STEPS_PER_BEAT
            or max(new, default=2) > 1
        ):
            raise ValueError("its forms are not forms")
        if form.themes[0] or form.beats > LONGEST:
            raise ValueError("its forms are not forms")
    return forms
