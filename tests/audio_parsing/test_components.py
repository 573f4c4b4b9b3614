"""Lapped principal components give frames back, and their gradient is their adjoint."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from audio_parsing.components import LappedComponents
from audio_parsing.frames import FRAME_SIZE, decode
from audio_parsing.starter import hop_length, render, starter_songs

ROOT = Path(__file__).parents[2]
STEP, SIZE = 4, 5  # small frames and steps: all components are 20
ALL = STEP * SIZE


def excerpts(
    rng: np.random.Generator, *, count: int = 4, length: int = 60, size: int = SIZE
) -> list[np.ndarray]:
    """Frames that move slowly, and together."""
    mixed = rng.standard_normal((size, size))
    noise = rng.standard_normal((count, length + 4, size))
    slow = sum(noise[:, i : i + length] for i in range(4))
    return list(1 + slow @ mixed)


def fitted(
    rng: np.random.Generator, count: int = ALL, dtype: type[np.floating] = np.float64
) -> LappedComponents:
    return LappedComponents.fit(excerpts(rng), count, frames_per_step=STEP, dtype=dtype)


def restoring(
    rng: np.random.Generator, count: int, dtype: type[np.floating] = np.float64
) -> LappedComponents:
    wide = fitted(rng, min(count + 3, ALL), dtype)
    taps = rng.standard_normal((3, count, wide.count)).astype(dtype)
    return wide.first(count).restoring(taps, wide)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_with_all_components_frames_come_back(
    rng: np.random.Generator, dtype: type[np.floating], tolerance: float
) -> None:
    components = fitted(rng, dtype=dtype)
    for length in (1, 2, STEP, STEP + 1, 2 * STEP, 40):
        frames = rng.standard_normal((2, length, SIZE)).astype(dtype)
        steps = components.transform(frames)
        assert steps.shape == (2, -(-length // STEP), ALL) and steps.dtype == dtype
        np.testing.assert_allclose(
            components.transform(np.asfortranarray(frames)), steps, atol=tolerance
        )
        back = components.inverse(steps)
        assert back.shape == (2, -(-length // STEP) * STEP, SIZE) and back.dtype == dtype
        np.testing.assert_allclose(back[:, :length], frames, atol=tolerance)
        np.testing.assert_allclose(back[:, length:], 0, atol=tolerance)


def windowed(frames: np.ndarray, step: int) -> np.ndarray:
    """Step 1's chunk as the modified discrete cosine transform sees it: 2 H frames under a sine."""
    window = np.sin(np.pi * (np.arange(2 * STEP) + 0.5) / (2 * STEP))[:, None]
    first = step * STEP - STEP // 2
    left, right = np.split(frames[first : first + 2 * STEP] * window, 2)
    half = STEP // 2
    begin = left[half:] + left[:half][::-1]
    end = right[:half] - right[half:][::-1]
    return np.concatenate([begin, end])


def test_steps_are_the_components_of_what_a_sine_window_sees(rng: np.random.Generator) -> None:
    components, frames = fitted(rng, 7), rng.standard_normal((5 * STEP, SIZE))
    steps = components.transform(frames)
    for s in (1, 2, 3):
        chunk = windowed(frames, s) - components.mean
        expected = np.tensordot(components.basis, chunk, axes=2)
        np.testing.assert_allclose(steps[s], expected, atol=1e-12)
    alone = np.tensordot(components.basis, frames[:STEP] - components.mean, axes=2)
    np.testing.assert_allclose(components.transform(frames[:STEP])[0], alone, atol=1e-12)


def test_a_step_of_an_excerpt_is_that_of_the_song(rng: np.random.Generator) -> None:
    components, song = fitted(rng, 7), rng.standard_normal((8 * STEP, SIZE))
    half = STEP // 2
    inside = components.transform(song[2 * STEP - half : 6 * STEP - half], whole=False)
    np.testing.assert_allclose(inside, components.transform(song)[2:5], atol=1e-12)


def test_an_error_of_a_step_fades_at_its_borders(rng: np.random.Generator) -> None:
    components, steps = fitted(rng, 7), np.zeros((5, 7))
    error = np.zeros((5, 7))
    error[2] = rng.standard_normal(7)
    difference = components.inverse(steps + error) - components.inverse(steps)
    heard = np.flatnonzero(np.abs(difference).max(axis=1) > 1e-12)
    assert heard[0] == 2 * STEP - STEP // 2 and heard[-1] == 3 * STEP + STEP // 2 - 1
    size = np.sqrt(np.square(difference).sum(axis=1))
    assert size[heard[0]] < 0.5 * size.max() and size[heard[-1]] < 0.5 * size.max()


def test_the_basis_is_orthonormal_and_holds_the_most_variance(rng: np.random.Generator) -> None:
    components = fitted(rng)
    flat = components.basis.reshape(ALL, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(ALL), atol=1e-12)
    assert components.variance_held == pytest.approx(1)
    music = [
        components.transform(one, whole=False) for one in excerpts(np.random.default_rng(20240229))
    ]
    steps = np.concatenate(music)
    np.testing.assert_allclose(steps.mean(axis=0), 0, atol=1e-10)
    covariance = np.cov(steps.T, bias=True)
    np.testing.assert_allclose(covariance, np.diag(components.deviations**2), atol=1e-8)
    assert (np.diff(components.deviations) <= 0).all()
    assert (flat.max(axis=1) >= -flat.min(axis=1)).all()  # of two directions always the same
    few = fitted(np.random.default_rng(20240229), 6)
    np.testing.assert_allclose(few.basis, components.basis[:6], atol=1e-9)
    held = np.square(components.deviations[:6]).sum() / np.square(components.deviations).sum()
    assert few.variance_held == pytest.approx(held)


def test_an_error_of_steps_is_one_of_frames(rng: np.random.Generator) -> None:
    components, steps = fitted(rng, 7), rng.standard_normal((9, 7))
    error = 0.1 * rng.standard_normal((9, 7))
    difference = components.inverse(steps + error) - components.inverse(steps)
    assert np.square(difference).sum() == pytest.approx(np.square(error).sum())


@pytest.mark.parametrize("made", [fitted, restoring])
@settings(max_examples=20)
@given(length=st.integers(1, 7), songs=st.integers(1, 3), count=st.integers(1, ALL))
def test_backward_is_the_adjoint(made: Callable, length: int, songs: int, count: int) -> None:
    rng = np.random.default_rng((length, songs, count))
    components = made(rng, count)
    steps = rng.standard_normal((songs, length, count))
    frames = rng.standard_normal((songs, length * STEP, SIZE))
    there = components.inverse(steps) - components.inverse(0 * steps)
    back = components.inverse_backward(frames)
    assert back.shape == steps.shape
    assert np.vdot(there, frames) == pytest.approx(np.vdot(steps, back), rel=1e-12)


@pytest.mark.parametrize("made", [fitted, restoring])
def test_the_gradient_agrees_with_finite_differences(
    made: Callable, rng: np.random.Generator
) -> None:
    components, steps = made(rng, 7), rng.standard_normal((2, 6, 7))

    def loss(steps: np.ndarray) -> float:
        return float(np.sin(components.inverse(steps)).sum())

    gradient = components.inverse_backward(np.cos(components.inverse(steps)))
    direction = rng.standard_normal(steps.shape)
    numeric = (loss(steps + 1e-6 * direction) - loss(steps - 1e-6 * direction)) / 2e-6
    assert np.vdot(gradient, direction) == pytest.approx(numeric, rel=1e-7)


def test_scales_lie_between_deviations_and_one_for_all(rng: np.random.Generator) -> None:
    components = fitted(rng, 7)
    deviations = components.deviations
    np.testing.assert_allclose(components.scales**2, deviations * deviations[0])


def test_a_silent_song_and_silent_music(rng: np.random.Generator) -> None:
    components = fitted(rng)
    assert np.abs(components.inverse(components.transform(np.zeros((20, SIZE))))).max() < 1e-12
    silent = LappedComponents.fit([np.zeros((20, SIZE))], 4, frames_per_step=STEP)
    assert (
        silent.variance_held == 1 and (silent.scales > 0).all() and np.isfinite(silent.scales).all()
    )
    steps = silent.transform(np.zeros((20, SIZE)))
    assert not steps.any() and not silent.inverse(steps).any()


def test_fewer_chunks_than_components(rng: np.random.Generator) -> None:
    music = excerpts(rng, count=1, length=5 * STEP)  # four chunks: three directions
    components = LappedComponents.fit(music, 10, frames_per_step=STEP, dtype=np.float64)
    flat = components.basis.reshape(10, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(10), atol=1e-12)
    assert components.variance_held == pytest.approx(1)
    assert (components.deviations[3:] < 1e-6).all() and (components.deviations[:3] > 0.1).all()
    assert components.scales.min() == pytest.approx(0.01 * components.deviations[0])
    half = STEP // 2
    steps = components.transform(music[0], whole=False)
    again = components.transform(components.inverse(steps))
    np.testing.assert_allclose(again[1:-1], steps[1:-1], atol=1e-6)
    back = components.inverse(steps)[half:-half]  # beyond that its neighbours are missing
    np.testing.assert_allclose(back, music[0][STEP:-STEP], atol=1e-6)


def test_excerpts_are_taken_one_after_the_other(rng: np.random.Generator) -> None:
    long = rng.standard_normal((400 * STEP, SIZE))
    whole = LappedComponents.fit([long], 5, frames_per_step=STEP, dtype=np.float64)
    middle = 150 * STEP  # the parts share as many frames as a border needs on both of its sides
    parts = iter([long[: middle + STEP], long[middle:]])
    again = LappedComponents.fit(parts, 5, frames_per_step=STEP, dtype=np.float64)
    np.testing.assert_allclose(again.basis, whole.basis, atol=1e-9)
    np.testing.assert_allclose(again.mean, whole.mean, atol=1e-12)
    short = LappedComponents.fit([np.ones((1, SIZE)), *excerpts(rng)], 5, frames_per_step=STEP)
    assert np.isfinite(short.basis).all()


PRINTED = """
import hashlib
import numpy as np
from audio_parsing.components import LappedComponents
noise = np.random.default_rng(0).standard_normal((3, 1500, 202)).astype(np.float32)
components = LappedComponents.fit(list(noise), 32, dtype=np.float64)
arrays = components.arrays().values()
print(hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
"""


def test_components_are_the_same_for_any_number_of_threads() -> None:
    printed = set()
    for threads in ("1", "2", "4"):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", PRINTED]
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
        printed.add(run.stdout)
    assert len(printed) == 1


@pytest.mark.parametrize("made", [fitted, restoring])
@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_arrays_go_into_a_file_and_come_back(
    made: Callable, rng: np.random.Generator, tmp_path: Path, dtype: type[np.floating]
) -> None:
    components = made(rng, 7, dtype)
    np.savez(tmp_path / "components.npz", **components.arrays())  # type: ignore[arg-type]
    with np.load(tmp_path / "components.npz") as file:
        again = LappedComponents(**file)
    frames = rng.standard_normal((17, SIZE))
    steps = components.transform(frames)
    assert again.dtype == dtype and again.frames_per_step == STEP and again.count == 7
    np.testing.assert_array_equal(again.transform(frames), steps)
    np.testing.assert_array_equal(again.inverse(steps), components.inverse(steps))
    np.testing.assert_array_equal(again.scales, components.scales)
    assert again.variance_held == components.variance_held


def test_a_song_of_the_collection_sounds_the_same() -> None:
    from audio_parsing.frames import encode

    song = starter_songs(beats=16)[0]
    frames = encode(render(song, 22050), hop_length=hop_length(song.bpm))
    components = LappedComponents.fit([frames], 64)
    assert components.frame_size == FRAME_SIZE and components.variance_held > 0.95
    error = components.inverse(components.transform(frames))[: len(frames)] - frames
    assert np.square(error).mean() < 0.05 * frames.var(axis=0).mean()
    silence = components.inverse(components.transform(np.zeros_like(frames)))
    assert np.abs(decode(silence, hop_length=441)).max() < 3e-4  # 70 dB below full scale


def test_what_does_not_fit_is_said(rng: np.random.Generator) -> None:
    components = fitted(rng, 7)
    with pytest.raises(ValueError, match=r"frames must have the shape \(..., n, 5\)"):
        components.transform(np.zeros((4, 6)))
    with pytest.raises(ValueError, match=r"frames must have the shape"):
        components.transform(np.zeros((0, 5)))
    for length in (4, 9):
        with pytest.raises(ValueError, match=f"{length} frames are not two or more steps of 4"):
            components.transform(np.zeros((length, 5)), whole=False)
    with pytest.raises(TypeError, match="complex"):
        components.transform(np.zeros((4, 5), complex))
    for count in (-1, 0, 8):
        with pytest.raises(ValueError, match=f"there are 7 components, not {count}"):
            components.first(count)
    with pytest.raises(ValueError, match=r"steps must have the shape \(..., n, 7\)"):
        components.inverse(np.zeros((4, 8)))
    with pytest.raises(ValueError, match="5 frames are no steps of 4"):
        components.inverse_backward(np.zeros((5, 5)))
    for odd in (0, 3):
        with pytest.raises(ValueError, match=f"must be even, not {odd}"):
            LappedComponents.fit(excerpts(rng), 3, frames_per_step=odd)
    for count in (0, 21):
        with pytest.raises(ValueError, match=f"between 1 and 20, not at {count}"):
            LappedComponents.fit(excerpts(rng), count, frames_per_step=STEP)
    with pytest.raises(ValueError, match="at least one excerpt"):
        LappedComponents.fit([], 3)
    with pytest.raises(ValueError, match=r"shape \(T, 5\), not \(9, 4\)"):
        LappedComponents.fit([np.zeros((9, 5)), np.zeros((9, 4))], 3)
    with pytest.raises(ValueError, match="finite"):
        LappedComponents.fit([np.full((9, 5), np.nan)], 3)
    arrays = components.arrays()
    with pytest.raises(ValueError, match=r"deviations has the shape \(6,\), not \(7,\)"):
        LappedComponents(**arrays | {"deviations": np.ones(6)})
    with pytest.raises(ValueError, match=r"synthesis has the shape \(2, 7, 4, 5\)"):
        LappedComponents(**arrays, synthesis=np.ones((2, 7, 4, 5)))
    with pytest.raises(ValueError, match=r"\(K, H, F\), H even, not \(7, 3, 5\)"):
        LappedComponents(**arrays | {"basis": np.ones((7, 3, 5))})
    with pytest.raises(ValueError, match="not of int64"):
        LappedComponents(**arrays | {"basis": np.ones((7, 4, 5), np.int64)})
