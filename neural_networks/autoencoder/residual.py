"""An autoencoder that starts from principal components; a network predicts what they leave out.

    coordinates = x U, split into z (N, L), the code, and r (N, F - L), the rest; U (F, F) has the
                  principal components
    guess       = |z| h(z / (|z| s)) with |z| = sqrt(mean z^2), s (L,) the root mean square of each
                  coordinate of z / |z|
    y           = (z, gain guess) U^T
    encode      : z = x U[:, :L] first, then descent on |y - x|^2 through the guess; a row takes a
                  step only if its error falls

h is a feed-forward network whose last layer starts at zero, so that y starts as the best linear
autoencoder (Eckart and Young 1936; Baldi and Hornik 1989), and encoding is never worse than the
same decoder with the principal components as code. With a gain of 0 only the principal components
remain. For a sound that is twice as loud the guess is twice as loud.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from neural_networks.components.activations import LeakyReLU
from neural_networks.components.dense import Dense
from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.module import Module
from neural_networks.components.parameters import pack
from neural_networks.training.checkpoint import CheckpointError, load_arrays, save_arrays

DESCENT = 12  # steps of `encode`
# a row's first step, and its factors after a step that helped and one that did not
FIRST_STEP, LONGER, SHORTER = 0.3, 1.3, 0.4
SILENCE = 1e-12  # below this mean square a code is silence


class ResidualAutoEncoder(Module):
    """Principal components and a network behind them; forward and backward are of the guess.

    Args:
        size: F, values of an input.
        code_size: L, values of its code, fewer.
        hidden: sizes of the layers of h between code and guess.
        rng: draws the first weights.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal((200, 2), np.float32) @ rng.standard_normal((2, 9), np.float32)
        >>> network = ResidualAutoEncoder(9, 2, hidden=(8,), rng=rng)
        >>> network.begin(x)  # rows lie in a plane, which two components tell
        >>> network.encode(x, steps=0).shape
        (200, 2)
    """

    def __init__(
        self,
        size: int,
        code_size: int,
        hidden: Sequence[int] = (256, 256),
        *,
        rng: np.random.Generator,
    ) -> None:
        if not 0 < code_size < size:
            raise ValueError(
                f"a code has at least one value and fewer than its input, not {code_size} of {size}"
            )
        self.size, self.code_size, self.hidden = size, code_size, tuple(hidden)
        self.basis = np.eye(size, dtype=np.float32)
        self.scale = np.ones(code_size, np.float32)
        self.network = FeedForward((code_size, *hidden, size - code_size), rng=rng)
        last = self.network.layers[-1]
        assert isinstance(last, Dense)
        last.weight.value[...] = 0
        last.bias.value[...] = 0
        pack(self)

    def begin(self, x: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Set the code to the principal components of x (N, F), rows weighted by weights (N,)."""
        rows = np.asarray(x, np.float32)
        weighted = rows if weights is None else rows * np.sqrt(weights, dtype=np.float32)[:, None]
        # Not centred: the energy is to be reconstructed, and sound has no mean.
        _, vectors = np.linalg.eigh(
            sum(
                (part.T.astype(np.float64) @ part for part in _parts(weighted)),
                np.zeros((self.size, self.size)),
            )
        )
        self.basis = np.ascontiguousarray(vectors[:, ::-1], np.float32)
        total, count = np.zeros(self.code_size), 0
        for part in _parts(rows):
            code = part @ self.basis[:, : self.code_size]
            square = np.mean(code**2, axis=1, keepdims=True)
            sounding = square[:, 0] > SILENCE
            total += np.sum(code[sounding] ** 2 / square[sounding], axis=0)
            count += int(sounding.sum())
        self.scale = np.sqrt(np.maximum(total / max(count, 1), 1e-6)).astype(np.float32)

    def split(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates of x (N, F): the principal ones (N, L) and the rest (N, F - L)."""
        coordinates = np.asarray(x, np.float32) @ self.basis
        return np.ascontiguousarray(coordinates[:, : self.code_size]), np.ascontiguousarray(
            coordinates[:, self.code_size :]
        )

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the guess (N, F - L) of codes (N, L), and the cache."""
        length = np.sqrt(np.mean(x * x, axis=1, keepdims=True) + x.dtype.type(SILENCE))
        scale = self.scale.astype(x.dtype)
        shape = x / length
        guess, cache = self.network.forward(shape / scale)
        return length * guess, (x, length, shape, guess, cache)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return the gradient with respect to the codes."""
        length, inner = cache[1], cache[-1]
        return self._through_length(dy, cache, self.network.backward(length * dy, inner))

    def code_gradient(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return what `backward` returns, without adding to the parameters' gradients."""
        length, inner = cache[1], cache[-1]
        dinput = length * dy
        for layer, layer_cache in zip(reversed(self.network.layers), reversed(inner), strict=True):
            if isinstance(layer, Dense):
                dinput = dinput @ layer.weight.value.T
            else:
                assert isinstance(layer, LeakyReLU)
                dinput = layer.backward(dinput, layer_cache)
        return self._through_length(dy, cache, dinput)

    def _through_length(self, dy: np.ndarray, cache: Any, dinput: np.ndarray) -> np.ndarray:
        """Return dx for guess = length h(shape / scale), shape = x / length."""
        x, length, shape, guess, _ = cache
        dshape = dinput / self.scale.astype(x.dtype)
        dlength = (
            np.sum(dy * guess, axis=1, keepdims=True)
            - np.sum(dshape * shape, axis=1, keepdims=True) / length
        )
        return dshape / length + dlength * x / (x.shape[1] * length)

    def descend(
        self,
        first: np.ndarray,
        rest: np.ndarray,
        *,
        gain: np.ndarray | float = 1.0,
        steps: int = DESCENT,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Move codes to where they reconstruct more.

        Args:
            first: (N, L) principal coordinates, where the descent begins.
            rest: (N, F - L) the other coordinates.
            gain: of the guess; one, or (N, 1).
            steps: of the descent.

        Returns:
            The codes (N, L) and each row's squared error (N,) with them.
        """
        gain = np.asarray(gain, np.float32)
        code, (guess, cache) = first, self.forward(first)
        error = np.sum((gain * guess - rest) ** 2, axis=1)
        step = np.full((len(first), 1), FIRST_STEP, np.float32)
        for _ in range(steps):
            slope = 2 * (code - first) + self.code_gradient(2 * gain * (gain * guess - rest), cache)
            moved = code - step * slope
            moved_guess, _ = self.forward(moved)
            moved_error = np.sum((moved - first) ** 2, axis=1) + np.sum(
                (gain * moved_guess - rest) ** 2, axis=1
            )
            better = moved_error < error
            code = np.where(better[:, None], moved, code)
            error = np.where(better, moved_error, error)
            step *= np.where(better, np.float32(LONGER), np.float32(SHORTER))[:, None]
            guess, cache = self.forward(code)
        return code, error

    def encode(
        self, x: np.ndarray, *, gain: np.ndarray | float = 1.0, steps: int = DESCENT
    ) -> np.ndarray:
        """Return the codes (N, L) of x (N, F)."""
        return self.descend(*self.split(x), gain=gain, steps=steps)[0]

    def decode(self, codes: np.ndarray, *, gain: np.ndarray | float = 1.0) -> np.ndarray:
        """Return y (N, F) from codes (N, L)."""
        codes = np.asarray(codes, np.float32)
        rest = np.asarray(gain, np.float32) * self.forward(codes)[0]
        return codes @ self.basis[:, : self.code_size].T + rest @ self.basis[:, self.code_size :].T

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything that decoding needs to a file."""
        arrays = {name: parameter.value for name, parameter in self.named_parameters()} | {
            "basis": self.basis,
            "scale": self.scale,
        }
        sizes = {"size": self.size, "code_size": self.code_size, "hidden": list(self.hidden)}
        save_arrays(path, arrays, {"kind": "residual autoencoder", **sizes})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ResidualAutoEncoder:
        """Return the autoencoder that `save` wrote.

        Raises:
            CheckpointError: if the file is not one.
        """
        arrays, configuration = load_arrays(path)
        try:
            sizes = configuration["size"], configuration["code_size"], *configuration["hidden"]
            # Checked first, so that no file makes the program allocate more than it holds.
            held = sum(array.size for array in arrays.values())
            if configuration["kind"] != "residual autoencoder" or not all(
                isinstance(each, int) and 0 < each <= held for each in sizes
            ):
                raise ValueError("another kind of network")
            layers = (sizes[1], *sizes[2:], sizes[0] - sizes[1])
            weights = sum(
                (inputs + 1) * outputs
                for inputs, outputs in zip(layers[:-1], layers[1:], strict=True)
            )
            fits = arrays["basis"].shape == (sizes[0],) * 2 and arrays["scale"].shape == sizes[1:2]
            if not fits or weights + sizes[0] ** 2 + sizes[1] != held:
                raise ValueError("sizes that do not fit")
            network = cls(sizes[0], sizes[1], sizes[2:], rng=np.random.default_rng(0))
            for name, parameter in network.named_parameters():
                if arrays[name].shape != parameter.value.shape:
                    raise ValueError("shapes that do not fit")
                parameter.value[...] = arrays[name]
            network.basis, network.scale = (
                arrays["basis"].astype(np.float32),
                arrays["scale"].astype(np.float32),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{os.fspath(path)} does not hold a residual autoencoder ({error})"
            ) from None
        return network


def _parts(rows: np.ndarray, size: int = 1 << 16) -> list[np.ndarray]:
    """Return views of some rows each, so that not all are copied to float64 at once."""
    return [rows[start : start + size] for start in range(0, len(rows), size)] or [rows]
