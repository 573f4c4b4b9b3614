"""What breaks the contract of a Module, though its gradients are right, is found and named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_networks.components.activations import Tanh
from neural_networks.components.dense import Dense
from neural_networks.components.module import Module, Sequential
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import GradientError, check_gradients


class Overwrites(Dense):
    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        self.weight.grad.fill(0)
        self.bias.grad.fill(0)
        return super().backward(dy, cache)


class ChangesDy(Tanh):
    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        dx = super().backward(dy, cache)
        dy[:] = dx
        return dx


class ChangesX(Tanh):
    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        y, cache = super().forward(x)
        x *= 2
        return y, cache


class KeepsItsCache(Tanh):
    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        y, self.cache = super().forward(x)
        return y, None

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        return super().backward(dy, self.cache)


class CountsInForward(Tanh):
    def __init__(self) -> None:
        self.running = np.zeros(1)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        self.running += 1
        return super().forward(x)


class UsesUpItsCache(Tanh):
    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        dx = super().backward(dy, cache)
        cache.fill(0)
        return dx


class DrawsFromItsOwn(Tanh):
    noise = 1e-13  # far below what differences could show
    rng = np.random.default_rng(0)  # of the class, where no copy of the module's numbers sees it

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        y, cache = super().forward(x)
        return y + self.noise * self.rng.standard_normal(y.shape), cache


class ReusesItsOutput(Tanh):
    buffers: dict[tuple[int, ...], np.ndarray] = {}

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        y, cache = super().forward(x)
        buffer = self.buffers.setdefault(x.shape, y.copy())
        buffer[:] = y
        return buffer, cache


@pytest.mark.parametrize(
    ("faulty", "words"),
    [
        (lambda rng: Overwrites(4, 3, rng=rng), "added to, not overwritten"),
        (lambda rng: ChangesDy(), "changed dy"),
        (lambda rng: ChangesX(), "changed its input"),
        (lambda rng: CountsInForward(), "a number that the module holds"),
        (lambda rng: UsesUpItsCache(), "another dx"),
        (lambda rng: DrawsFromItsOwn(), "another output for the same input"),
        (lambda rng: ReusesItsOutput(), "changed an earlier output"),
    ],
)
def test_a_broken_contract_is_one_line(faulty: Any, words: str, rng: np.random.Generator) -> None:
    with pytest.raises(GradientError, match=words) as caught:
        check_gradients(faulty(rng), rng.standard_normal((5, 4)), rng=rng)
    assert "\n" not in str(caught.value)


def test_a_cache_on_self_gives_wrong_gradients_after_another_forward_pass(
    rng: np.random.Generator,
) -> None:
    with pytest.raises(GradientError, match="WRONG|a number that the module holds"):
        check_gradients(KeepsItsCache(), rng.standard_normal((5, 4)), rng=rng).require()


class InADict(Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.parts = {"a": Dense(4, 3, rng=rng), "b": [[Dense(3, 2, rng=rng)]]}

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        h, first = self.parts["a"].forward(x)  # type: ignore[union-attr]
        y, second = self.parts["b"][0][0].forward(h)  # type: ignore[index]
        return y, (first, second)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        dh = self.parts["b"][0][0].backward(dy, cache[1])  # type: ignore[index]
        return self.parts["a"].backward(dh, cache[0])  # type: ignore[union-attr]


def test_modules_in_dicts_and_nested_lists_are_trained(rng: np.random.Generator) -> None:
    module = InADict(rng)
    assert [name for name, _ in module.named_parameters()] == [
        "parts.a.weight",
        "parts.a.bias",
        "parts.b.0.0.weight",
        "parts.b.0.0.bias",
    ]
    check_gradients(module, rng.standard_normal((5, 4)), rng=rng).require()


def test_weights_that_two_parts_share_are_packed_once(rng: np.random.Generator) -> None:
    layer = Dense(4, 4, rng=rng)
    tied = Sequential(layer, Tanh(), layer)
    flat = pack(tied)
    assert flat.values.size == 20
    flat.values[:] = 7
    assert (layer.weight.value == 7).all()
    check_gradients(tied, rng.standard_normal((5, 4)), rng=rng).require()
