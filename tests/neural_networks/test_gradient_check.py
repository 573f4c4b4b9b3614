"""The checker itself: it passes what is right and finds an error of 0.1 %, and where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_networks.components.activations import Tanh
from neural_networks.components.dense import Dense
from neural_networks.components.losses import mean_squared_error
from neural_networks.components.module import Sequential
from neural_networks.gradient_check import GradientError, check_gradients, check_loss


class Wrong(Dense):
    """A dense layer with a fault of our choice in its backward pass."""

    fault = ""

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        before = {name: p.grad.copy() for name, p in self.named_parameters()}
        dx = super().backward(dy, cache)
        if self.fault in before:
            parameter = getattr(self, self.fault)
            parameter.grad += 0.001 * (parameter.grad - before[self.fault])
        if self.fault == "element":
            self.weight.grad[2, 1] += 0.01
        if self.fault == "sign":
            self.bias.grad *= -1
        if self.fault == "missing":
            self.bias.grad[:] = before["bias"]
        if self.fault == "nan":
            self.bias.grad[1] = np.nan
        return dx * 1.001 if self.fault == "input" else dx


def network(fault: str) -> Sequential:
    rng = np.random.default_rng(3)
    layer = Wrong(4, 3, rng=rng)
    layer.fault = fault
    return Sequential(Dense(5, 4, rng=rng), Tanh(), layer, Tanh())


def test_right_gradients_pass_far_below_the_limit(rng: np.random.Generator) -> None:
    report = check_gradients(network(""), rng.standard_normal((6, 2, 5)), rng=rng)
    assert report.require() is report and report.error < 1e-8
    assert [row.name for row in report.rows] == [
        "input",
        "layers.0.weight",
        "layers.0.bias",
        "layers.2.weight",
        "layers.2.bias",
    ]


@pytest.mark.parametrize("fault", ["weight", "bias"])
@pytest.mark.parametrize("seed", range(10))
def test_an_error_of_a_thousandth_is_caught(fault: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    report = check_gradients(network(fault), rng.standard_normal((6, 2, 5)), rng=rng)
    wrong = [row.name for row in report.rows if row.error > report.limit]
    assert wrong == [f"layers.2.{fault}"]
    assert 1e-4 < report.error < 2e-3
    with pytest.raises(
        GradientError, match=rf"layers.2.{fault} .*WRONG: at \[.*backward gives .* differences give"
    ):
        report.require()


@pytest.mark.parametrize("seed", range(10))
def test_an_error_of_a_thousandth_in_the_input_is_caught_there_and_below(seed: int) -> None:
    rng = np.random.default_rng(seed)
    report = check_gradients(network("input"), rng.standard_normal((6, 2, 5)), rng=rng)
    assert {row.name for row in report.rows if row.error > 1e-5} == {
        "input",
        "layers.0.weight",
        "layers.0.bias",
    }


@pytest.mark.parametrize("fault", ["sign", "missing", "nan", "element"])
def test_gross_errors_are_caught_and_placed(fault: str, rng: np.random.Generator) -> None:
    report = check_gradients(network(fault), rng.standard_normal((6, 2, 5)), rng=rng)
    assert not report.passed
    if fault == "element":
        assert "at [2, 1]" in str(report)
    if fault == "nan":
        assert "at [1]" in str(report) and report.error == np.inf


def test_the_module_is_left_alone(rng: np.random.Generator) -> None:
    module = network("")
    before = [p.value.copy() for p in module.parameters()]
    x = rng.standard_normal((3, 1, 5)).astype(np.float32)
    kept = x.copy()
    check_gradients(module, x, rng=rng).require()
    np.testing.assert_array_equal(x, kept)
    for p, value in zip(module.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.value, value)
        assert not p.grad.any()


def test_losses_are_checked_too(rng: np.random.Generator) -> None:
    y, target = rng.standard_normal((2, 4, 3, 2))
    assert check_loss(lambda y: mean_squared_error(y, target), y, rng=rng).require().error < 1e-8
    wrong = check_loss(
        lambda y: (mean_squared_error(y, target)[0], 1.001 * mean_squared_error(y, target)[1]),
        y,
        rng=rng,
    )
    assert not wrong.passed


def test_wrong_shapes_are_named(rng: np.random.Generator) -> None:
    with pytest.raises(GradientError, match=r"shape \(3, 2\)"):
        check_loss(lambda y: (float((y**2).sum()), 2 * y.T), rng.standard_normal((2, 3)), rng=rng)
    with pytest.raises(GradientError, match="1 gradients for 2 inputs"):
        check_gradients(
            Tanh(),
            (np.ones(2), np.ones(2)),
            rng=rng,
            forward=lambda module, x, y: module.forward(x * y),
        )
