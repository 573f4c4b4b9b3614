"""RandomExcerpts draws every place of every recording, in every key, and reproducibly."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audio_parsing.components import FRAMES_PER_STEP, LappedComponents
from audio_parsing.frames import FRAME_SIZE, transpose
from neural_networks.training.batches import Noise
from radio.training.random_excerpts import RandomExcerpts

ROOT = Path(__file__).parents[3]
STEPS = 5
LENGTH = (STEPS + 1) * FRAMES_PER_STEP


def counted(*lengths: int) -> list[np.ndarray]:
    """Recordings whose frames say where they are: recording and frame in the first two bands."""
    recordings = [np.zeros((length, FRAME_SIZE), np.float32) for length in lengths]
    for number, frames in enumerate(recordings, 1):
        frames[:, 0] = number
        frames[:, 1] = 1 + np.arange(len(frames))
    return recordings


@pytest.fixture
def music(rng: np.random.Generator) -> list[np.ndarray]:
    """Recordings of various lengths, one shorter than an excerpt."""
    lengths = (400, 7, 90, 1000)
    return [rng.random((length, FRAME_SIZE)).astype(np.float16) for length in lengths]


def test_an_excerpt_is_cut_out_of_its_recording(music: list[np.ndarray]) -> None:
    excerpts = RandomExcerpts(music, steps=STEPS, semitones=2)
    every = np.arange(len(excerpts))
    places = excerpts.places(every, np.random.default_rng(0))
    frames, (recordings, starts, semitones) = excerpts.frames(*places), places
    assert frames.shape == (len(every), LENGTH, FRAME_SIZE) and frames.dtype == np.float32
    assert set(recordings) == {0, 1, 2, 3} and set(semitones) == {-2, -1, 0, 1, 2}
    for one, recording, start, shift in zip(frames, recordings, starts, semitones, strict=True):
        around = [(FRAMES_PER_STEP // 2, LENGTH), (0, 0)]
        padded = np.pad(music[recording].astype(np.float32), around)
        np.testing.assert_array_equal(one, transpose(padded[start : start + LENGTH], shift))


@pytest.mark.parametrize("steps", (2, 3, STEPS))
def test_steps_are_those_of_the_whole_recording(music: list[np.ndarray], steps: int) -> None:
    music[0] = music[0][:396]  # so that it ends with a step
    excerpts = RandomExcerpts(music, steps=steps, align=2 * FRAMES_PER_STEP)
    components = LappedComponents.fit(music, 8)
    count = len(excerpts)
    drawn = excerpts.draw(np.arange(count), np.random.default_rng(0), components)
    assert drawn.steps.shape == (steps, count, 8) and drawn.steps.flags.c_contiguous
    assert drawn.steps.dtype == np.float32 and not drawn.semitones.any()
    whole = [components.transform(frames) for frames in music]
    for b in range(count):
        first, odd = divmod(int(drawn.starts[b]), FRAMES_PER_STEP)
        assert odd == 0 and first % 2 == 0
        expected = whole[drawn.recordings[b]][first : first + steps]
        if len(expected) < steps:  # the short one: silence follows, and is folded in
            assert drawn.recordings[b] == 1
            expected = expected[:-1]
        np.testing.assert_allclose(drawn.steps[: len(expected), b], expected, atol=1e-5)


def test_every_frame_is_heard() -> None:
    recordings = counted(70, 3, 200)
    excerpts = RandomExcerpts(recordings, steps=STEPS)
    heard: set[tuple[int, int]] = set()
    for seed in range(60):
        every = np.arange(len(excerpts))
        places = excerpts.places(every, np.random.default_rng(seed))
        frames, (songs, starts, _) = excerpts.frames(*places), places
        middle = frames[:, 3:-3, :2].reshape(-1, 2).astype(int)
        heard |= {(int(song), int(frame)) for song, frame in middle}
        lengths = np.array([70, 3, 200])[songs]
        assert (starts >= 0).all() and (starts <= np.maximum(lengths - 6 * STEPS, 0)).all()
    every_one = {(n, t) for n, f in enumerate(recordings, 1) for t in range(1, len(f) + 1)}
    assert heard - {(0, 0)} == every_one


def test_slots_share_the_music_evenly() -> None:
    excerpts = RandomExcerpts(counted(300, 600, 3000), steps=STEPS)
    assert len(excerpts) == 130  # 30 frames each
    songs, _, _ = excerpts.places(np.arange(len(excerpts)), np.random.default_rng(0))
    assert np.bincount(songs).tolist() == [10, 20, 100]
    _, starts, _ = excerpts.places(np.arange(30, 130), np.random.default_rng(0))
    assert (np.diff(starts) > 0).all()  # each slot has its own places
    assert len(RandomExcerpts(counted(300, 600), steps=STEPS)) >= 64
    assert len(RandomExcerpts(counted(300, 600), steps=STEPS, fewest=500)) >= 500


def test_a_batch_is_the_same_for_the_same_seed_and_step(music: list[np.ndarray]) -> None:
    components = RandomExcerpts(music, steps=STEPS).fit(8, seed=0, most=20)
    first, again = (RandomExcerpts(music, steps=STEPS, semitones=3) for _ in range(2))
    batches = [first.batch(step, 4, components, seed=1) for step in range(6)]
    for step in (5, 2):  # as after a resume
        for one, other in zip(batches[step], again.batch(step, 4, components, seed=1), strict=True):
            np.testing.assert_array_equal(one, other)
    drawn = {hashlib.sha256(batch.steps.tobytes()).digest() for batch in batches}
    other = first.batch(0, 4, components, seed=2).steps
    assert len(drawn) == 6 and hashlib.sha256(other.tobytes()).digest() not in drawn
    whole = [first.batch(0, len(first), components, seed=seed) for seed in (1, 2)]
    one, two = (set(zip(w.recordings, w.starts, w.semitones, strict=True)) for w in whole)
    assert len(one & two) < 0.5 * len(one)  # other places and keys of the same slots
    halves = np.array([3, 50]), np.array([7, 9])
    pieces = [first.draw(half, Noise(1, 2).at(9), components).steps for half in halves]
    assert not np.array_equal(pieces[0], pieces[1])


def test_an_epoch_takes_every_slot_once(music: list[np.ndarray]) -> None:
    excerpts = RandomExcerpts(counted(300, 600, 3000), steps=STEPS)
    components = LappedComponents.fit(music, 2)
    songs = [excerpts.batch(step, 13, components, seed=0).recordings for step in range(10)]
    assert np.bincount(np.concatenate(songs)).tolist() == [10, 20, 100]


def test_components_are_of_all_music_in_all_keys(music: list[np.ndarray]) -> None:
    loud = [frames * np.float16(number) for number, frames in enumerate(music, 1)]
    excerpts = RandomExcerpts(loud, steps=STEPS)
    components = excerpts.fit(12, seed=0)
    assert components.count == 12
    again = excerpts.fit(12, seed=0)
    np.testing.assert_array_equal(components.basis, again.basis)
    np.testing.assert_array_equal(components.deviations, again.deviations)
    low = np.zeros((600, FRAME_SIZE), np.float32)
    low[:, 0] = np.random.default_rng(0).random(600)  # only the lowest band
    moved = RandomExcerpts([low], steps=STEPS, semitones=1).fit(4, seed=0)
    heard = np.abs(moved.basis).max(axis=(0, 1)) > 1e-3
    assert heard[0] and heard[2] and heard.sum() == 2


def test_what_no_excerpt_has_is_refused(music: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="at least one recording"):
        RandomExcerpts([], steps=STEPS)
    with pytest.raises(ValueError, match="each at least one frame"):
        RandomExcerpts([*music, music[0][:0]], steps=STEPS)
    for options in ({"steps": 1}, {"steps": 2, "semitones": -1}, {"steps": 2, "align": 0}):
        with pytest.raises(ValueError, match="no excerpt has"):
            RandomExcerpts(music, **options)
    excerpts = RandomExcerpts(music, steps=STEPS)
    components = excerpts.fit(4, seed=0, most=20)
    for size in (0, len(excerpts) + 1):
        with pytest.raises(ValueError, match=f"1 to {len(excerpts)} excerpts, not {size}"):
            excerpts.batch(0, size, components, seed=0)


PRINTED = """
import hashlib
import numpy as np
from radio.training.random_excerpts import RandomExcerpts
noise = np.random.default_rng(0).random((3, 900, 202)).astype(np.float16)
excerpts = RandomExcerpts(list(noise), steps=64, semitones=3)
components = excerpts.fit(32, seed=0, most=30)
batch = excerpts.batch(3, 16, components, seed=0)
print(hashlib.sha256(b"".join(array.tobytes() for array in batch)).hexdigest())
"""


def test_a_batch_is_the_same_for_any_number_of_threads() -> None:
    printed = set()
    for threads in ("1", "3"):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", PRINTED]
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
        printed.add(run.stdout)
    assert len(printed) == 1
