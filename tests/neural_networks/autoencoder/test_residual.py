"""The autoencoder on principal components: gradients, linear optimum, descent, silence, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compression.training import Lesson, train
from neural_networks.autoencoder.residual import ResidualAutoEncoder
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients
from neural_networks.training.checkpoint import CheckpointError, load_arrays, save_arrays


def awake(
    size: int, code_size: int, hidden: tuple[int, ...], rng: np.random.Generator
) -> ResidualAutoEncoder:
    """An autoencoder whose network already says something."""
    autoencoder = ResidualAutoEncoder(size, code_size, hidden, rng=rng)
    for parameter in autoencoder.parameters():
        parameter.value[...] = rng.normal(0, 0.5, parameter.value.shape)
    autoencoder.scale = rng.uniform(0.3, 2, code_size).astype(np.float32)
    return autoencoder


@pytest.mark.parametrize(
    ("size", "code_size", "hidden", "rows"),
    [(10, 4, (7, 6), 5), (9, 3, (5,), 1), (7, 1, (), 3), (5, 4, (3, 3), 2)],
)
def test_gradients(
    size: int, code_size: int, hidden: tuple[int, ...], rows: int, rng: np.random.Generator
) -> None:
    check_gradients(
        awake(size, code_size, hidden, rng), rng.normal(size=(rows, code_size)), rng=rng
    ).require()


def test_the_gradient_of_the_codes_alone_is_that_of_backward(rng: np.random.Generator) -> None:
    autoencoder = awake(10, 4, (7, 6), rng)
    flat = pack(autoencoder)
    guess, cache = autoencoder.forward(rng.normal(size=(5, 4)).astype(np.float32))
    dy = rng.normal(size=guess.shape).astype(np.float32)
    alone = autoencoder.code_gradient(dy, cache)
    assert not flat.grads.any()
    np.testing.assert_allclose(alone, autoencoder.backward(dy, cache), rtol=1e-4, atol=1e-6)
    assert flat.grads.any()


def test_it_begins_at_the_linear_optimum(rng: np.random.Generator) -> None:
    x = (rng.normal(size=(500, 12)) @ rng.normal(size=(12, 12))).astype(np.float32)
    autoencoder = ResidualAutoEncoder(12, 5, (8,), rng=rng)
    autoencoder.begin(x)
    optimum = np.sum(np.linalg.svd(x, compute_uv=False)[5:] ** 2)  # Eckart and Young
    for codes in (autoencoder.split(x)[0], autoencoder.encode(x)):
        assert np.sum((autoencoder.decode(codes) - x) ** 2) == pytest.approx(optimum, rel=1e-3)


def test_descent_tells_the_error_and_never_raises_it(rng: np.random.Generator) -> None:
    autoencoder = awake(10, 4, (16,), rng)
    x = rng.normal(size=(50, 10)).astype(np.float32)
    autoencoder.begin(x)
    first, rest = autoencoder.split(x)
    before = np.sum((autoencoder.decode(first) - x) ** 2, axis=1)
    codes, told = autoencoder.descend(first, rest)
    after = np.sum((autoencoder.decode(codes) - x) ** 2, axis=1)
    np.testing.assert_allclose(after, told, rtol=1e-3, atol=1e-5)
    assert (after <= before * 1.0001 + 1e-6).all()
    assert after.sum() < 0.9 * before.sum()
    np.testing.assert_array_equal(autoencoder.descend(first, rest, gain=0.0)[0], first)


def test_the_guess_is_as_loud_as_the_code_and_silent_for_silence(rng: np.random.Generator) -> None:
    autoencoder = awake(10, 4, (16,), rng)
    codes = rng.normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_allclose(
        autoencoder.decode(8 * codes), 8 * autoencoder.decode(codes), rtol=1e-4, atol=1e-5
    )
    assert np.abs(autoencoder.decode(np.zeros((2, 4)))).max() < 1e-4


def test_training_keeps_the_best_weights_and_stops(rng: np.random.Generator) -> None:
    # noise: nothing that helps elsewhere can be learned
    sounds = [rng.normal(size=400).astype(np.float32) for _ in range(2)]
    autoencoder = ResidualAutoEncoder(20, 5, (16,), rng=rng)
    told: list[tuple[int, float]] = []
    held_out = [rng.normal(size=4000).astype(np.float32)]
    best = train(
        autoencoder,
        sounds,
        held_out,
        2000,
        learning_rate=0.01,
        evaluations=20,
        patience=3,
        progress=lambda *event: told.append(event),
    )
    assert told[-1][0] < 2000
    assert best == pytest.approx(min([1.0, *(share for _, share in told)]))
    first, rest = autoencoder.split(held_out[0].reshape(-1, 20))
    assert autoencoder.descend(first, rest)[1].sum() / np.sum(rest**2) == pytest.approx(
        best, rel=1e-4
    )


def test_every_sound_counts_as_much(rng: np.random.Generator) -> None:
    sounds = [rng.normal(size=1000), 1e-3 * rng.normal(size=1000), np.zeros(100)]
    lesson = Lesson(
        ResidualAutoEncoder(10, 4, (4,), rng=rng), [sound.astype(np.float32) for sound in sounds]
    )
    assert len(lesson) == 210
    assert np.mean(lesson.rest[:100] ** 2) == pytest.approx(1, rel=1e-3)
    assert np.mean(lesson.rest[100:200] ** 2) == pytest.approx(1, rel=1e-3)
    assert not lesson.rest[200:].any()


def test_a_file_gives_the_same_codes(tmp_path: Path, rng: np.random.Generator) -> None:
    autoencoder = awake(10, 4, (7, 6), rng)
    x = rng.normal(size=(30, 10)).astype(np.float32)
    autoencoder.begin(x)
    autoencoder.save(tmp_path / "a.npz")
    again = ResidualAutoEncoder.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.encode(x), autoencoder.encode(x))
    arrays, configuration = load_arrays(tmp_path / "a.npz")
    for wrong in (
        {"size": 11},
        {"code_size": 0},
        {"hidden": [10**9]},
        {"hidden": "x"},
        {"kind": "autoencoder"},
        {"size": True},
    ):
        save_arrays(tmp_path / "b.npz", arrays, configuration | wrong)
        with pytest.raises(CheckpointError, match="does not hold a residual autoencoder"):
            ResidualAutoEncoder.load(tmp_path / "b.npz")


@pytest.mark.parametrize("code_size", [0, 10, 11])
def test_sizes_that_are_no_compression(code_size: int, rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=f"not {code_size} of 10"):
        ResidualAutoEncoder(10, code_size, rng=rng)
