"""Descent in latent space: it arrives, it stays inside, it reports its way."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gan.descent import descend
from gan.latent import LatentDistribution


def bowl(target):
    def objective(p):
        return np.sum((p - target) ** 2, axis=1), 2 * (p - target)

    return objective


def test_it_finds_the_bottom_from_several_starts():
    target = np.array([0.5, -0.3, 0.2])
    starts = np.random.default_rng(0).standard_normal((4, 3))
    descent = descend(bowl(target), starts, steps=200, learning_rate=0.05)
    np.testing.assert_allclose(descent.best, target, atol=0.02)
    assert descent.path.shape == (201, 4, 3)
    assert descent.values.shape == descent.penalties.shape == descent.distances.shape == (201, 4)
    np.testing.assert_array_equal(descent.path[0], starts)
    np.testing.assert_array_equal(descent.best, descent.path[descent.best_step, descent.best_start])
    assert (np.diff(descent.history) <= 0).all()


def test_it_gives_the_same_bytes_on_any_number_of_cores():
    seen = set()

    def objective(p):
        seen.update(i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas")
        return bowl(np.ones(2))(p)

    with threadpool_limits(2, user_api="blas"):
        descend(objective, np.zeros((1, 2)), steps=1)
    assert seen == {1}


def test_the_distance_holds_it_inside_the_distribution():
    rng = np.random.default_rng(0)
    inside = LatentDistribution(rng.standard_normal((200, 4)), np.full((200, 4), -6.0), "gaussian")

    def outwards(p):
        return -p[:, 0], np.tile([-1.0, 0, 0, 0], (len(p), 1))

    free = descend(outwards, np.zeros((2, 4)), steps=100, learning_rate=0.1)
    held = descend(
        outwards,
        np.zeros((2, 4)),
        steps=100,
        learning_rate=0.1,
        distribution=inside,
        distance_weight=10,
    )
    assert np.isnan(free.distances).all()
    assert inside.distance(free.best[None])[0] > 8
    assert inside.distance(held.best[None])[0] < 1.25 * 2
    assert held.best[0] > 1


def test_scale_makes_every_value_move_alike():
    descent = descend(
        lambda p: (p.sum(axis=1), np.ones_like(p)),
        np.zeros((1, 2)),
        steps=1,
        learning_rate=0.1,
        scale=np.array([1.0, 50.0]),
    )
    np.testing.assert_allclose(descent.path[1, 0], [-0.1, -5.0], rtol=1e-6)


def test_a_slope_is_small_or_large_in_units_of_the_scale():
    moved = [
        descend(
            lambda p: (1e-9 * p.sum(axis=1), np.full_like(p, 1e-9)),
            np.zeros((1, 1)),
            steps=1,
            learning_rate=0.1,
            scale=scale,
        ).path[1, 0, 0]
        / scale
        for scale in (1.0, 1e4)
    ]
    # beside 1e-8, which Adam adds to the root of the second moment
    np.testing.assert_allclose(moved, [-0.1 / 11, -0.1 / 1.001], rtol=1e-6)


def test_without_a_step_the_best_is_the_best_start() -> None:
    starts = np.array([[3.0, 4.0], [1.0, 0.0]])
    found = descend(bowl(np.zeros(2)), starts, steps=0)
    np.testing.assert_array_equal(found.best, starts[1])
    np.testing.assert_array_equal(found.path, starts[None])


def test_it_can_be_stopped_and_says_what_is_wrong():
    seen = []
    descent = descend(
        bowl(np.ones(2)),
        np.zeros((1, 2)),
        progress=lambda step, value, _: seen.append((step, value)),
        should_stop=lambda: len(seen) > 3,
    )
    assert len(descent.path) == len(seen) == 4
    with pytest.raises(ValueError, match="shape"):
        descend(bowl(np.ones(2)), np.zeros(2))
    with pytest.raises(ValueError, match="not finite"):
        descend(lambda p: (np.full(len(p), np.nan), p), np.zeros((1, 2)))
    for value, gradient in (((2, 1), (2, 2)), ((), (2, 2)), ((2,), (2,)), ((2,), (1, 2))):
        with pytest.raises(ValueError, match=r"values \(2,\) and gradients \(2, 2\)"):
            descend(lambda p: (np.ones(value), np.ones(gradient)), np.zeros((2, 2)))  # noqa: B023
    for options in ({"steps": -1}, {"learning_rate": -0.1}, {"learning_rate": np.nan}):
        with pytest.raises(ValueError, match="no descent has"):
            descend(bowl(np.ones(2)), np.zeros((1, 2)), **options)


def test_numbers_that_are_none_neither_stop_nor_spoil_a_descent() -> None:
    """A start whose gradient or value is not finite at some steps goes on with the others."""

    def objective(position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        objective.calls += 1  # type: ignore[attr-defined]
        value, gradient = np.sum(position**2, axis=1), 2 * position
        if objective.calls in (3, 4):  # type: ignore[attr-defined]
            value, gradient = value * np.nan, gradient * np.nan
        if objective.calls == 6:  # type: ignore[attr-defined]
            gradient = np.full_like(gradient, np.inf)
        if objective.calls == 7:  # type: ignore[attr-defined]
            gradient = np.full_like(gradient, 1e200)
        return value, gradient

    objective.calls = 0  # type: ignore[attr-defined]
    found = descend(objective, np.array([[3.0, -2.0], [1.0, 1.0]]), steps=40)
    assert np.isfinite(found.path).all()
    assert np.isfinite(found.history).all()
    assert (np.diff(found.history) <= 0).all()
    assert found.history[-1] < found.history[0]
