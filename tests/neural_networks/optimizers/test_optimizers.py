"""Optimizers against their equations in plain NumPy; schedules; clipping; averaging."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from neural_networks.optimizers import optimizers, schedules
from neural_networks.optimizers.optimizers import Optimizer

Equation = Callable[[np.ndarray, np.ndarray, dict, int, float, float], np.ndarray]


def adam_equation(
    beta1: float, beta2: float, correct: bool = True, decay: float = 0.0, taper: bool = False
) -> Equation:
    def update(
        w: np.ndarray, g: np.ndarray, s: dict, t: int, rate: float, loss: float
    ) -> np.ndarray:
        s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
        s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g * g
        m, v = (s["m"] / (1 - beta1**t), s["v"] / (1 - beta2**t)) if correct else (s["m"], s["v"])
        scale = np.sqrt(min(loss, 1)) if taper else 1
        return w - rate * decay * w - rate * scale * m / (np.sqrt(v) + 1e-8)

    return update


def momentum(w: np.ndarray, g: np.ndarray, s: dict, t: int, rate: float, loss: float) -> np.ndarray:
    s["v"] = 0.9 * s.get("v", 0) + g
    return w - rate * s["v"]


def nesterov(w: np.ndarray, g: np.ndarray, s: dict, t: int, rate: float, loss: float) -> np.ndarray:
    s["v"] = 0.9 * s.get("v", 0) + g
    return w - rate * (g + 0.9 * s["v"])


def adagrad(w: np.ndarray, g: np.ndarray, s: dict, t: int, rate: float, loss: float) -> np.ndarray:
    s["s"] = s.get("s", 0) + g * g
    return w - rate * g / (np.sqrt(s["s"]) + 1e-10)


def adadelta(w: np.ndarray, g: np.ndarray, s: dict, t: int, rate: float, loss: float) -> np.ndarray:
    s["s"] = 0.9 * s.get("s", 0) + 0.1 * g * g
    change = np.sqrt(s.get("c", 0) + 1e-6) / np.sqrt(s["s"] + 1e-6) * g
    s["c"] = 0.9 * s.get("c", 0) + 0.1 * change**2
    return w - rate * change


def rmsprop(w: np.ndarray, g: np.ndarray, s: dict, t: int, rate: float, loss: float) -> np.ndarray:
    s["s"] = 0.99 * s.get("s", 0) + 0.01 * g * g
    return w - rate * g / (np.sqrt(s["s"]) + 1e-8)


CASES: list[tuple[Callable[[], Optimizer], Equation]] = [
    (optimizers.SGD, lambda w, g, s, t, rate, loss: w - rate * g),
    (optimizers.Momentum, momentum),
    (optimizers.Nesterov, nesterov),
    (optimizers.Adagrad, adagrad),
    (optimizers.Adadelta, adadelta),
    (optimizers.RMSprop, rmsprop),
    (optimizers.Adam, adam_equation(0.9, 0.999)),
    (lambda: optimizers.Adam(0.5, 0.99), adam_equation(0.5, 0.99)),
    (optimizers.AdamW, adam_equation(0.9, 0.999, decay=0.01)),
    (optimizers.AdamTaperoff, adam_equation(0.95, 0.95, correct=False, taper=True)),
]


@pytest.mark.parametrize("make, equation", CASES)
@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_steps_follow_the_equations(
    make: Callable[[], Optimizer],
    equation: Equation,
    dtype: type,
    tolerance: float,
    rng: np.random.Generator,
) -> None:
    optimizer, memory = make(), {}
    values = rng.standard_normal(37).astype(dtype)
    expected = values.astype(np.float64)
    for t in range(1, 30):
        grads = rng.standard_normal(37).astype(dtype)
        kept, address = grads.copy(), values.ctypes.data
        rate, loss = 0.01 * t, 3.0 / t
        optimizer.step(values, grads, rate, loss=loss)
        expected = equation(expected, grads.astype(np.float64), memory, t, rate, loss)
        assert values.ctypes.data == address and values.dtype == dtype
        np.testing.assert_array_equal(grads, kept)
        np.testing.assert_allclose(values, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("make, equation", CASES)
def test_a_restored_optimizer_goes_on_bit_for_bit(
    make: Callable[[], Optimizer], equation: Equation, rng: np.random.Generator
) -> None:
    grads = rng.standard_normal((9, 20)).astype(np.float32)
    values = np.ones(20, np.float32)
    first = make()
    for g in grads[:5]:
        first.step(values, g, 0.1, loss=0.5)
    second, other = make(), values.copy()
    second.restore(first.state())
    for g in grads[5:]:
        first.step(values, g, 0.1, loss=0.5)
        second.step(other, g, 0.1, loss=0.5)
    np.testing.assert_array_equal(values, other)
    assert make().state().keys() == {"steps"}


@pytest.mark.parametrize("make, equation", CASES)
def test_a_bowl_is_descended(make: Callable[[], Optimizer], equation: Equation) -> None:
    values, optimizer = np.array([3.0, -2.0]), make()
    first = float((values**2).sum())
    for _ in range(300):
        optimizer.step(values, 2 * values, 0.05, loss=float((values**2).sum()))
    assert (values**2).sum() < 0.99 * first  # Adadelta, whose own rate is 1, is the slowest


def test_wrong_use_is_refused() -> None:
    optimizer = optimizers.Adam()
    optimizer.step(np.ones(3), np.ones(3), 0.1)
    with pytest.raises(ValueError, match="has 3 numbers, the values have 4"):
        optimizer.step(np.ones(4), np.ones(4), 0.1)
    with pytest.raises(ValueError, match="not a state of SGD"):
        optimizers.SGD().restore(optimizer.state())
    with pytest.raises(ValueError, match="needs the loss"):
        optimizers.AdamTaperoff().step(np.ones(3), np.ones(3), 0.1)


def test_clipping_keeps_direction_and_returns_the_norm_before() -> None:
    grads = np.array([3.0, -4.0], np.float32)
    assert optimizers.clip_by_global_norm(grads, 10.0) == 5.0
    np.testing.assert_array_equal(grads, [3, -4])
    assert optimizers.clip_by_global_norm(grads, 1.0) == 5.0
    np.testing.assert_allclose(grads, [0.6, -0.8], rtol=1e-6)


def test_average_forgets_the_start_and_follows(rng: np.random.Generator) -> None:
    average = optimizers.Average(np.full(4, 100.0), decay=0.99)
    for _ in range(2000):
        average.update(2 + 0.1 * rng.standard_normal(4))
    np.testing.assert_allclose(average.values, 2, atol=0.05)
    other = optimizers.Average(np.zeros(4), decay=0.99)
    other.restore(average.state())
    for one in (average, other):
        one.update(np.ones(4))
    np.testing.assert_array_equal(average.values, other.values)


def test_schedules() -> None:
    assert schedules.constant(0.1)(7) == 0.1
    rise = schedules.warm_up(schedules.constant(1.0), 4)
    assert [rise(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    fall = schedules.cosine(2.0, 100, final=0.02, start=80)
    assert (
        fall(0) == fall(80) == 2.0
        and fall(90) == pytest.approx(1.02)
        and fall(100) == fall(1000) == pytest.approx(0.04)
    )
    assert schedules.exponential(1.0, 10)(20) == 0.25


def test_plateau_waits_for_a_loss_that_stopped_falling() -> None:
    plateau = schedules.plateau(1.0, patience=5, smoothing=0.0, lowest=0.3)
    for loss in (5.0, 4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0):
        plateau.observe(loss)
    assert plateau(0) == 1.0
    plateau.observe(1.0)
    assert plateau(0) == 0.5
    other = schedules.Plateau(9.0, patience=5, smoothing=0.0, lowest=0.3)
    other.restore(plateau.state())
    for _ in range(5):
        other.observe(1.0)
    assert other(0) == 0.3
