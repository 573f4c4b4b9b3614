"""Gradient check: compare `backward` with finite differences of `forward`.

    report = check_gradients(GRU(5, 3, rng=rng), x, rng=rng)
    print(report)               the relative error of the input and of each parameter, and its place
                                if it is large
    report.require()            raises GradientError if any error exceeds the limit

The loss is L = sum(w y) with random w, so that dL/dy = w. Along a random direction d the derivative
that backward claims is <dL/dp, d>; it is compared with the central difference (L(p + h d) - L(p -
h d)) / 2h in float64.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neural_networks.components.module import Module
from neural_networks.components.parameters import pack
from neural_networks.contract_check import ContractCheck, GradientError

__all__ = ["GradientError", "GradientReport", "GradientRow", "check_gradients", "check_loss"]

Difference = Callable[[np.ndarray, np.ndarray], tuple[float, float]]


@dataclass(frozen=True)
class GradientRow:
    """The worst direction of one array: both derivatives, their relative error, and its place."""

    name: str
    claimed: float
    measured: float
    error: float
    where: str = ""


@dataclass(frozen=True)
class GradientReport:
    """The result of `check_gradients`."""

    rows: tuple[GradientRow, ...]
    limit: float

    @property
    def error(self) -> float:
        """The largest relative error."""
        return max(row.error for row in self.rows)

    @property
    def passed(self) -> bool:
        """Whether no error exceeds the limit."""
        return self.error <= self.limit

    def require(self) -> GradientReport:
        """Return self, or raise GradientError with the whole table if it did not pass."""
        if not self.passed:
            raise GradientError(f"wrong gradients\n{self}")
        return self

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        lines = [f"{'':{width}}  {'backward':>13}  {'differences':>13}  relative error"]
        for row in self.rows:
            verdict = "" if row.error <= self.limit else f"  WRONG{row.where}"
            numbers = f"{row.claimed:13.6g}  {row.measured:13.6g}  {row.error:.1e}"
            lines.append(f"{row.name:{width}}  {numbers}{verdict}")
        return "\n".join(lines)


def check_gradients(
    module: Module,
    x: np.ndarray | tuple[np.ndarray, ...],
    *,
    rng: np.random.Generator,
    forward: Callable[..., tuple[Any, Any]] | None = None,
    backward: Callable[..., Any] | None = None,
    directions: int = 3,
    step: float = 1e-6,
    limit: float = 1e-6,
) -> GradientReport:
    """Check a module's gradients with respect to its input and all its parameters.

    The module itself is not changed. The contract of module.py is checked too: `forward` gives the
    same for the same input and writes neither to it nor to the module, another forward pass in
    between changes nothing, and `backward` reads dy and the cache and adds to the gradients.

    NOTE: What is measured is each array as a whole, in float64, for this x. An error below `limit`
    of the length of the array's gradient passes, such as one of 0.1 % in one of a million weights,
    or a missing gradient that is 1e-6 of the others: check a layer of few weights. An error that
    needs another shape shows only there: check several, one step and one song among them. An error
    in float32 alone can't be seen.

    Args:
        module: a layer, a network, or a chain of them in a Sequential.
        x: its input; a tuple where `forward` takes several, such as a first state.
        rng: draws w and the directions.
        forward: (module, *inputs) -> (y, cache) where it is not `module.forward(x)`; y may be a
            tuple of arrays.
        backward: (module, dy, cache) -> dx where it is not `module.backward`; tuples where x or y
            are tuples.
        directions: random directions per array.
        step: h.
        limit: largest relative error that passes.

    Returns:
        A row for each input and each parameter.

    Examples:
        >>> from neural_networks.components.dense import Dense
        >>> rng = np.random.default_rng(0)
        >>> report = check_gradients(Dense(3, 2, rng=rng), rng.standard_normal((5, 3)), rng=rng)
        >>> report.passed, [row.name for row in report.rows]
        (True, ['input', 'weight', 'bias'])
    """
    module = copy.deepcopy(module)
    parameters = pack(module, np.float64)
    inputs = tuple(
        np.array(array, np.float64, order="C") for array in (x if isinstance(x, tuple) else (x,))
    )
    run = forward or (lambda module, *inputs: module.forward(*inputs))
    back = backward or (lambda module, dy, cache: module.backward(dy, cache))
    contract = ContractCheck(module, inputs)
    y, cache = run(module, *inputs)
    made = [part.copy() for part in _tuple(y)]
    weights = [rng.standard_normal(part.shape) for part in made]
    contract.after_forward()
    contract.require()
    # Between a forward pass and its backward pass come others, as of a critic on other songs.
    run(module, *(0.5 * array + 0.1 for array in inputs))
    left = [part.copy() for part in _tuple(y)]
    contract.after_same_forward(made, left, _tuple(run(module, *inputs)[0]))
    contract.require()

    def go_back() -> tuple[np.ndarray, ...]:
        given: Any = tuple(part.copy() for part in weights)
        given = given if isinstance(y, tuple) else given[0]
        gradients = _tuple(back(module, given, cache))
        contract.after_backward(_tuple(given), weights)
        return gradients

    dx = go_back()
    contract.require()
    if len(dx) != len(inputs):
        raise GradientError(f"backward returned {len(dx)} gradients for {len(inputs)} inputs")
    arrays = [
        ("input" if len(inputs) == 1 else f"input {i}", p, g)
        for i, (p, g) in enumerate(zip(inputs, dx, strict=True))
    ]
    arrays += [(name, p.value, p.grad.copy()) for name, p in module.named_parameters()]
    assert parameters.values.dtype == np.float64

    def outputs() -> list[np.ndarray]:
        return [w * part for w, part in zip(weights, _tuple(run(module, *inputs)[0]), strict=True)]

    report = _report(arrays, outputs, rng=rng, directions=directions, step=step, limit=limit)
    if report.passed and backward is None:  # else the report says more, or it is no module's own
        contract.after_second_backward(dx, go_back)
        contract.require()
    return report


def check_loss(
    loss: Callable[..., tuple[Any, ...]],
    *arrays: np.ndarray,
    rng: np.random.Generator,
    directions: int = 3,
    step: float = 1e-6,
    limit: float = 1e-6,
) -> GradientReport:
    """Check a function (value, *gradients) = loss(*arrays), one gradient for each array.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> check_loss(lambda x: ((x**2).sum(), 2 * x), np.ones(3), rng=rng).passed
        True
        >>> check_loss(lambda x: ((x**2).sum(), x), np.ones(3), rng=rng).passed
        False
    """
    inputs = [np.array(array, np.float64, order="C") for array in arrays]
    _, *gradients = loss(*inputs)
    checked = [
        (f"argument {i}", p, g) for i, (p, g) in enumerate(zip(inputs, gradients, strict=True))
    ]
    return _report(
        checked,
        lambda: [np.asarray(loss(*inputs)[0], np.float64)],
        rng=rng,
        directions=directions,
        step=step,
        limit=limit,
    )


def _report(
    arrays: list[tuple[str, np.ndarray, np.ndarray]],
    outputs: Callable[[], list[np.ndarray]],
    *,
    rng: np.random.Generator,
    directions: int,
    step: float,
    limit: float,
) -> GradientReport:
    def difference(array: np.ndarray, direction: np.ndarray) -> tuple[float, float]:
        """Return the central difference along a direction, and the size of its rounding error."""
        saved = array.copy()
        array += step * direction
        above = outputs()
        array[...] = saved - step * direction
        below = outputs()
        array[...] = saved
        # The terms are subtracted before they are summed: their common part would only add rounding
        # errors.
        total = sum(float((a - b).sum()) for a, b in zip(above, below, strict=True))
        size = sum(float(np.square(a).sum()) for a in above) ** 0.5
        return total / (2 * step), np.finfo(np.float64).eps * size / step

    rows = []
    for name, array, gradient in arrays:
        if gradient.shape != array.shape:
            raise GradientError(
                f"the gradient of {name} has shape {gradient.shape}, the array {array.shape}"
            )
        found = [
            _compare(name, array, gradient, rng.standard_normal(array.shape), difference)
            for _ in range(directions)
        ]
        row = max(found, key=lambda row: row.error)
        if not row.error <= limit:
            row = GradientRow(
                row.name,
                row.claimed,
                row.measured,
                row.error,
                _where(array, gradient, difference, rng),
            )
        rows.append(row)
    return GradientReport(tuple(rows), limit)


def _compare(
    name: str,
    array: np.ndarray,
    gradient: np.ndarray,
    direction: np.ndarray,
    difference: Difference,
) -> GradientRow:
    measured, rounding = difference(array, direction)
    claimed = float((gradient * direction).sum())
    # A direction may happen to be nearly orthogonal to the gradient: the error is relative to the
    # gradient's length then. The rounding error enters so that a gradient that is truly zero does
    # not fail.
    size = max(abs(claimed), abs(measured), float(np.linalg.norm(gradient)), 1e7 * rounding)
    error = abs(claimed - measured) / size if size else 0.0
    return GradientRow(name, claimed, measured, error if np.isfinite(error) else np.inf)


def _where(
    array: np.ndarray, gradient: np.ndarray, difference: Difference, rng: np.random.Generator
) -> str:
    """Return the worst of some single elements."""
    worst, where = -1.0, ""
    for flat in rng.permutation(array.size)[:64]:
        index = np.unravel_index(flat, array.shape)
        direction = np.zeros(array.shape)
        direction[index] = 1
        measured, _ = difference(array, direction)
        off = abs(measured - float(gradient[index]))
        off = off if np.isfinite(off) else np.inf
        if off > worst:
            worst = off
            place = ", ".join(str(int(i)) for i in index)
            where = (
                f": at [{place}] backward gives {gradient[index]:.6g}, "
                f"differences give {measured:.6g}"
            )
    return where


def _tuple(value: Any) -> tuple[np.ndarray, ...]:
    return value if isinstance(value, tuple) else (value,)
