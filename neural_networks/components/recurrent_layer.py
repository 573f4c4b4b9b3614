"""What GRU, LSTM and RNN share: arguments, first state, repeated input, last output.

    GRU(F, H, rng=rng)
        the cell alone, whose outputs are its states
    GRU(F, input_layers=(H + F, .., H), output_layers=(H, .., O), rng=rng)
        with the arguments of `Recurrent`

These cells compute the state by their gates, so the layers between the first and the last of
`input_layers` read x alone, before the recurrence: a small feed-forward network in which a leaky
ReLU follows every layer. `output_layers` are a network behind the states. T, B, F, H, O, S = time
steps, batch, input size, hidden size, output size, state size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from neural_networks.components.checks import real
from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.module import Module


class LayerCache(NamedTuple):
    """What backward needs of a forward pass."""

    # (T, B, F), what the cell itself reads, or (1, B, F) for an input that every step gets
    x: np.ndarray
    hidden: np.ndarray  # (T+1, B, H), [0] the first state
    kept: tuple[np.ndarray, ...]  # by the cell
    before: Any  # the caches of the networks around it
    after: Any
    repeated: bool
    last: bool


def checked_input(
    cell: Any, x: np.ndarray, first: np.ndarray | None, steps: int | None
) -> tuple[np.ndarray, int]:
    """Return x as (T, B, F), or (1, B, F) for an input that every step gets, and T.

    Raises:
        ValueError: if a shape does not fit the cell.
        TypeError: for what is no real number.
    """
    repeated, inputs = steps is not None, cell.input_size
    if x.ndim != (2 if repeated else 3) or x.shape[-1] != inputs:
        wanted = f"(B, {inputs})" if repeated else f"(T, B, {inputs})"
        raise ValueError(
            f"a {type(cell).__name__} of {inputs} inputs takes x of shape {wanted}, not {x.shape}"
        )
    x = x[None] if repeated else x
    count = len(x) if steps is None else steps
    if count < 1:
        raise ValueError(f"a sequence needs at least one time step, not {count}")
    if not x.shape[1]:
        raise ValueError(f"a mini-batch needs at least one sequence; x has the shape {x.shape}")
    shape = (x.shape[1], cell.state_size)
    if first is not None and first.shape != shape:
        raise ValueError(f"the first state must have the shape {shape}, not {first.shape}")
    if first is not None:
        real(first, "the first state")
    return real(x), count


def check_output_gradient(cell: Any, dy: np.ndarray, steps: int, batch: int, *, last: bool) -> None:
    """Check the shape of dy.

    Raises:
        ValueError: if it is not that of the outputs.
    """
    wanted = (batch, cell.output_size) if last else (steps, batch, cell.output_size)
    if dy.shape != wanted:
        raise ValueError(f"dy must have the shape {wanted} of the outputs, not {dy.shape}")
    real(dy, "dy")


class RecurrentLayer(Module):
    """A cell with the networks around it.

    A subclass has `_run` and `_run_backward`; it calls `_surround` before it makes its weights, and
    `_add_output` after.

    Attributes:
        input_size: F.
        hidden_size: H.
        output_size: O.
        state_size: S, H for most cells.
    """

    input_size: int
    hidden_size: int
    output_size: int
    state_size: int
    before: FeedForward | None
    after: FeedForward | None

    def _surround(
        self,
        input_size: int,
        hidden_size: int | None,
        input_layers: Sequence[int] | None,
        rng: np.random.Generator,
    ) -> int:
        """Make the network before the cell, and return the input size of the cell itself."""
        name = type(self).__name__
        if (hidden_size is None) == (input_layers is None):
            raise ValueError(
                f"a {name} takes either hidden_size or input_layers, whose last is the hidden size"
            )
        sizes = (
            (hidden_size + input_size, hidden_size)
            if hidden_size is not None
            else tuple(input_layers or ())
        )
        if len(sizes) < 2 or min(input_size, *sizes) < 1 or sizes[-1] < 1:
            raise ValueError(
                f"a {name} needs at least one input and one hidden unit, "
                f"not {input_size} and {sizes}"
            )
        if sizes[0] != sizes[-1] + input_size:
            raise ValueError(
                f"input_layers must begin with its last size plus input_size, "
                f"{sizes[-1]} + {input_size} = {sizes[-1] + input_size}, not with {sizes[0]}"
            )
        self.input_size, self.hidden_size = input_size, sizes[-1]
        between = (input_size, *sizes[1:-1])
        self.before = (
            FeedForward(between, activate_last=True, rng=rng) if len(between) > 1 else None
        )
        return between[-1]

    def _add_output(
        self, output_layers: Sequence[int] | None, rng: np.random.Generator, *, states: int = 1
    ) -> None:
        """Make the network behind the cell."""
        if output_layers is not None and (
            len(output_layers) < 2 or output_layers[0] != self.hidden_size
        ):
            raise ValueError(
                f"output_layers must begin with the hidden size, {self.hidden_size}, "
                f"and have two sizes, not {output_layers}"
            )
        self.after = FeedForward(output_layers, rng=rng) if output_layers is not None else None
        self.output_size = self.hidden_size if output_layers is None else output_layers[-1]
        self.state_size = states * self.hidden_size

    def _run(
        self, x: np.ndarray, steps: int, first: np.ndarray | None
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the states (T+1, B, H), the first included, and what backward needs besides."""
        raise NotImplementedError

    def _run_backward(self, dx: np.ndarray, dhidden: np.ndarray, cache: LayerCache) -> np.ndarray:
        """Fill dx unless it is empty, add the parameters' gradients and return dfirst (B, S)."""
        raise NotImplementedError

    def forward(
        self,
        x: np.ndarray,
        first: np.ndarray | None = None,
        *,
        steps: int | None = None,
        last: bool = False,
    ) -> tuple[np.ndarray, LayerCache]:
        """Run over all time steps.

        Args:
            x: (T, B, F); or (B, F), one input that every one of `steps` time steps gets.
            first: (B, S), the state before the first step; zeros if not given.
            steps: T, for an input that is repeated.
            last: return the output of the last step alone.

        Returns:
            The outputs (T, B, O), or (B, O) if `last`, and the cache.

        Raises:
            ValueError: if a shape does not fit.
        """
        x, count = checked_input(self, x, first, steps)
        before = after = None
        if self.before is not None:
            x, before = self.before.forward(x)
        hidden, kept = self._run(x, count, first)
        y = hidden[-1] if last else hidden[1:]
        if self.after is not None:
            y, after = self.after.forward(y)
        return y, LayerCache(x, hidden, kept, before, after, steps is not None, last)

    def backward(self, dy: np.ndarray, cache: LayerCache) -> np.ndarray:
        """Return dx, shaped like the x of forward, and add the parameters' gradients."""
        return self.backward_with_state(dy, cache)[0]

    def backward_with_state(
        self, dy: np.ndarray, cache: LayerCache
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return dx as `backward` does, and the gradient dfirst (B, S) of the first state.

        Raises:
            ValueError: if dy does not have the shape of the outputs.
        """
        dx = np.empty(cache.x.shape, cache.hidden.dtype)
        dfirst = self._run_backward(dx, self._through_output(dy, cache), cache)
        if self.before is not None:
            dx = self.before.backward(dx, cache.before)
        return (dx[0] if cache.repeated else dx), dfirst

    def add_gradients(self, dy: np.ndarray, cache: LayerCache) -> None:
        """Add the gradients of the parameters without dx."""
        if self.before is not None:
            self.backward(dy, cache)
        else:
            self._run_backward(
                np.empty((0, *cache.x.shape[1:]), cache.hidden.dtype),
                self._through_output(dy, cache),
                cache,
            )

    def _through_output(self, dy: np.ndarray, cache: LayerCache) -> np.ndarray:
        """Return the gradient of the states (T, B, H), or (1, B, H) of the last state alone."""
        steps, batch = len(cache.hidden) - 1, cache.hidden.shape[1]
        check_output_gradient(self, dy, steps, batch, last=cache.last)
        if self.after is not None:
            dy = self.after.backward(dy, cache.after)
        return np.ascontiguousarray(dy[None] if cache.last else dy, cache.hidden.dtype)
