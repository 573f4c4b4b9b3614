"""KnownSteps draws what RandomExcerpts draws, and computes a recording's steps once."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing.components import FRAMES_PER_STEP, LappedComponents
from audio_parsing.frames import FRAME_SIZE
from radio.training.known_steps import KnownSteps
from radio.training.random_excerpts import RandomExcerpts

STEPS = 5


@pytest.fixture
def music(rng: np.random.Generator) -> list[np.ndarray]:
    """Recordings that end within a step or with one; two as short as an excerpt or shorter."""
    lengths = (400, 7, 30, 90, 1000, 396)
    return [rng.random((length, FRAME_SIZE)).astype(np.float16) for length in lengths]


@pytest.mark.parametrize("align", (2 * FRAMES_PER_STEP, FRAMES_PER_STEP, 4))
@pytest.mark.parametrize("most", (10**9, 20_000, 0))
def test_excerpts_are_those_of_random_excerpts(
    music: list[np.ndarray], align: int, most: int
) -> None:
    excerpts = RandomExcerpts(music, steps=STEPS, semitones=1, align=align)
    components = LappedComponents.fit(music, 8)
    known = KnownSteps(excerpts, components, most=most)
    every = np.arange(len(excerpts))
    for seed in (0, 1):
        expected = excerpts.draw(every, np.random.default_rng(seed), components)
        drawn = known.draw(every, np.random.default_rng(seed))
        np.testing.assert_allclose(drawn.steps, expected.steps, atol=1e-5)
        assert drawn.steps.dtype == np.float32 and drawn.steps.flags.c_contiguous
        for one, other in zip(drawn[1:], expected[1:], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("recording", (3, 5))
def test_an_excerpt_may_end_with_its_recording(
    music: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, recording: int
) -> None:
    """A random place is seldom the last one, whose last step is folded in another way."""
    excerpts = RandomExcerpts(music, steps=STEPS, align=FRAMES_PER_STEP)
    components = LappedComponents.fit(music, 8)
    start = len(music[recording]) - STEPS * FRAMES_PER_STEP
    place = np.array([recording]), np.array([start]), np.array([0])
    monkeypatch.setattr(excerpts, "places", lambda indices, rng: place)
    one, rng = np.array([0]), np.random.default_rng(0)
    drawn, expected = (
        KnownSteps(excerpts, components).draw(one, rng),
        excerpts.draw(one, rng, components),
    )
    np.testing.assert_allclose(drawn.steps, expected.steps, atol=1e-5)


def test_what_was_drawn_before_changes_no_byte(music: list[np.ndarray]) -> None:
    excerpts = RandomExcerpts(music, steps=STEPS, semitones=1, align=FRAMES_PER_STEP)
    components = LappedComponents.fit(music, 8)
    used, fresh = (KnownSteps(excerpts, components, most=20_000) for _ in range(2))
    for seed in range(3):
        used.draw(np.arange(len(excerpts)), np.random.default_rng(seed))
    some = np.arange(0, len(excerpts), 3)
    one, other = (known.draw(some, np.random.default_rng(7)) for known in (used, fresh))
    np.testing.assert_array_equal(one.steps, other.steps)


def test_a_step_is_computed_once(music: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    excerpts = RandomExcerpts(music, steps=STEPS, align=FRAMES_PER_STEP)
    known = KnownSteps(excerpts, LappedComponents.fit(music, 8))
    every = np.arange(len(excerpts))
    for seed in range(40):
        known.draw(every, np.random.default_rng(seed))
    monkeypatch.setattr(excerpts, "recordings", None)
    known.draw(every, np.random.default_rng(99))
