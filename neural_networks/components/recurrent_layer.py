"""What all gated cells share around their recurrence: the owner's arguments, the first state, one input for all steps, the last output.

    GRU(F, H, rng=rng)                                                         the cell alone, its outputs are its states
    GRU(F, input_layers=(H + F, .., H), output_layers=(H, .., O), rng=rng)     as the owner's cell takes it

A gated cell makes its state by its gates, so the layers between the first and the last of
`input_layers` see x alone, before the recurrence: a small feed-forward network whose layers all end
in a leaky ReLU. `output_layers` are one behind the states. T, B, F, H, O, S = time steps, batch,
input size, hidden size, output size, size of the state that goes round.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.module import Module


class LayerCache(NamedTuple):
    """What backward needs of a forward pass."""

    # (T, B, F), what the cell itself reads, or (1, B, F) for an input that every step gets
    x: np.ndarray
    hidden: np.ndarray  # (T+1, B, H), [0] the first state
    kept: tuple[np.ndarray, ...]  # of the cell
    before: Any  # the caches of the networks around it
    after: Any
    repeated: bool
    last: bool


class RecurrentLayer(Module):
    """A cell with the networks around it. A subclass has `_run` and `_run_backward`, and calls `_surround` before and `_finish` after.

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
        """Take the arguments, make the network before the cell, and return the cell's own input size."""
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
                f"a {name} needs at least one input and one hidden unit, not {input_size} and {sizes}"
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

    def _finish(
        self, output_layers: Sequence[int] | None, rng: np.random.Generator, *, states: int = 1
    ) -> None:
        """Make the network behind the cell."""
        if output_layers is not None and (
            len(output_layers) < 2 or output_layers[0] != self.hidden_size
        ):
            raise ValueError(
                f"output_layers must begin with the hidden size, {self.hidden_size}, and have two sizes, not {output_layers}"
            )
        self.after = FeedForward(output_layers, rng=rng) if output_layers is not None else None
        self.output_size = self.hidden_size if output_layers is None else output_layers[-1]
        self.state_size = states * self.hidden_size

    def _run(
        self, x: np.ndarray, steps: int, first: np.ndarray | None
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the states (T+1, B, H), the first included, and what is kept for backward."""
        raise NotImplementedError

    def _run_backward(self, dx: np.ndarray, dhidden: np.ndarray, cache: LayerCache) -> np.ndarray:
        """Fill dx, unless it is empty, add the parameters' gradients and return that of the first state (B, S)."""
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
        repeated = steps is not None
        name = type(self).__name__
        if x.ndim != (2 if repeated else 3) or x.shape[-1] != self.input_size:
            wanted = f"(B, {self.input_size})" if repeated else f"(T, B, {self.input_size})"
            raise ValueError(
                f"a {name} of {self.input_size} inputs takes x of shape {wanted}, not {x.shape}"
            )
        x = x[None] if repeated else x
        count = len(x) if steps is None else steps
        if count < 1:
            raise ValueError(f"a sequence needs at least one time step, not {count}")
        if first is not None and first.shape != (x.shape[1], self.state_size):
            raise ValueError(
                f"the first state must have the shape {(x.shape[1], self.state_size)}, not {first.shape}"
            )
        before = after = None
        if self.before is not None:
            x, before = self.before.forward(x)
        hidden, kept = self._run(x, count, first)
        y = hidden[-1] if last else hidden[1:]
        if self.after is not None:
            y, after = self.after.forward(y)
        return y, LayerCache(x, hidden, kept, before, after, repeated, last)

    def backward(self, dy: np.ndarray, cache: LayerCache) -> np.ndarray:
        """Return dx, shaped like the x of forward, and add the parameters' gradients."""
        return self.backward_with_state(dy, cache)[0]

    def backward_with_state(
        self, dy: np.ndarray, cache: LayerCache
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return dx as `backward` does, and dfirst (B, S), the gradient with respect to the first state.

        Raises:
            ValueError: if dy does not have the shape of the outputs.
        """
        dx = np.empty(cache.x.shape, cache.hidden.dtype)
        dfirst = self._run_backward(dx, self._through_output(dy, cache), cache)
        if self.before is not None:
            dx = self.before.backward(dx, cache.before)
        return (dx[0] if cache.repeated else dx), dfirst

    def add_gradients(self, dy: np.ndarray, cache: LayerCache) -> None:
        """Add the parameters' gradients alone: for a first layer, whose input needs none."""
        if self.before is not None:
            self.backward(dy, cache)
        else:
            self._run_backward(
                np.empty((0, *cache.x.shape[1:]), cache.hidden.dtype),
                self._through_output(dy, cache),
                cache,
            )

    def _through_output(self, dy: np.ndarray, cache: LayerCache) -> np.ndarray:
        """Return the gradient with respect to the states (T, B, H), or (1, B, H) where the last alone was asked for."""
        steps, batch = len(cache.hidden) - 1, cache.hidden.shape[1]
        wanted = (batch, self.output_size) if cache.last else (steps, batch, self.output_size)
        if dy.shape != wanted:
            raise ValueError(f"dy must have the shape {wanted} of the outputs, not {dy.shape}")
        if self.after is not None:
            dy = self.after.backward(dy, cache.after)
        return np.ascontiguousarray(dy[None] if cache.last else dy, cache.hidden.dtype)
