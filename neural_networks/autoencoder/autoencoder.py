"""The autoencoder: a network that reconstructs its input from a narrow layer, the code.

    code = encoder(x), y = decoder(code), loss = mean((y - x)^2)

Shapes: x and y (N, F), codes (N, L). Between layers is a leaky ReLU; the code and the output are
linear, so that with one layer on either side the optimum is the principal components (Baldi and
Hornik 1989).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.losses import mean_squared_error
from neural_networks.components.module import Module
from neural_networks.components.parameters import pack
from neural_networks.optimizers.optimizers import Adam, Optimizer
from neural_networks.optimizers.schedules import Schedule
from neural_networks.training.batches import Piece, set_apart
from neural_networks.training.checkpoint import CheckpointError, load_arrays, save_arrays
from neural_networks.training.epochs import TrainingOptions, train_epochs
from neural_networks.training.history import History


class AutoEncoder(Module):
    """An encoder and a decoder, trained together.

    Args:
        layers: sizes from the input over the code to the output; the code is `layers[len(layers) //
            2]`.
        rng: draws the first weights and seeds the training; the same each time if not given.

    Examples:
        >>> network = AutoEncoder((40, 24, 2, 24, 40))
        >>> x = np.random.default_rng(0).random((100, 40), np.float32)
        >>> losses = network.train(x, max_epochs=3, print_epochs=False).losses
        >>> network.encode(x).shape, network.feedforward(x).shape
        ((100, 2), (100, 40))
    """

    def __init__(self, layers: Sequence[int], *, rng: np.random.Generator | None = None) -> None:
        rng = rng or np.random.default_rng(0)
        self.layers = tuple(int(size) for size in layers)
        self.latent_layer = len(self.layers) // 2
        if len(self.layers) < 3 or self.layers[0] != self.layers[-1]:
            raise ValueError(
                "an autoencoder's layers are input, ..., code, ..., output, "
                f"the first as large as the last: {self.layers}"
            )
        self.encoder = FeedForward(self.layers[: self.latent_layer + 1], rng=rng)
        self.decoder = FeedForward(self.layers[self.latent_layer :], rng=rng)
        self.seed = int(rng.integers(1 << 31))
        pack(self)

    def train(
        self,
        training_data: np.ndarray | Sequence[np.ndarray],
        max_epochs: int,
        *,
        batch_size: int = 100,
        test_data: np.ndarray | Sequence[np.ndarray] | None = None,
        test_share: float = 0.0,
        learning_rate: float | Schedule = 0.001,
        graph: bool = False,
        print_epochs: bool = True,
        optimizer: Optimizer | None = None,
        **options: Unpack[TrainingOptions],
    ) -> History:
        """Learn to reconstruct the training data.

        Args:
            training_data: (N, F) or (N, F, 1).
            max_epochs: times that every example is seen.
            batch_size: examples of a step; at most all there are.
            test_data: like training_data; its loss is reported with the training's.
            test_share: share of the training data that is used for that instead, such as 0.1; the
                examples are drawn from the seed.
            learning_rate: constant, or a schedule of the step.
            graph: draw the losses: on the screen, or without one into ./loss_over_time.png.
            print_epochs: print about 20 lines of progress.
            optimizer: Adam if not given.
            **options: checkpoint, checkpoint_minutes, patience, keep_best, averaging, clip,
                threads: see TrainingOptions.

        Returns:
            The losses, and what stood beside them.

        Raises:
            ValueError: if the data's shape does not fit the layers, or an option is out of range.
            CheckpointError: if the checkpoint is damaged, or of another training.
            TrainingDiverged: at a loss that is not finite; the network has the last good weights.
        """
        if not len(training_data):
            raise ValueError("there is nothing to train on")
        training_data, test_data = set_apart(
            training_data, test_data, test_share=test_share, seed=self.seed
        )
        data = self._rows(training_data)
        tested = None if test_data is None else self._rows(test_data)

        def loss(module: AutoEncoder, batch: Piece) -> float:
            x = data[batch.indices]
            y, cache = module.forward(x)
            value, dy = mean_squared_error(y, x)
            module.backward(dy, cache)
            return value

        def test_loss(piece: slice) -> float:
            assert tested is not None
            return mean_squared_error(self.forward(tested[piece])[0], tested[piece])[0]

        return train_epochs(
            self,
            len(data),
            loss,
            batch_size=batch_size,
            max_epochs=max_epochs,
            learning_rate=learning_rate,
            optimizer=optimizer or Adam(),
            seed=self.seed,
            data=(data,) if tested is None else (data, tested),
            test_count=0 if tested is None else len(tested),
            test_loss=test_loss,
            print_epochs=print_epochs,
            graph=graph,
            **options,
        )

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the caches of encoder and decoder."""
        code, encoder_cache = self.encoder.forward(x)
        y, decoder_cache = self.decoder.forward(code)
        return y, (encoder_cache, decoder_cache)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx."""
        encoder_cache, decoder_cache = cache
        return self.encoder.backward(self.decoder.backward(dy, decoder_cache), encoder_cache)

    def encode(self, x: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Return the codes (N, L) of x (N, F)."""
        return self.encoder.forward(self._rows(x))[0]

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return y (N, F) from codes (N, L).

        Raises:
            ValueError: for codes of another size.
        """
        rows, size = np.asarray(codes, np.float32), self.layers[self.latent_layer]
        if rows.ndim < 1 or rows.shape[-1] != size:
            raise ValueError(f"a code of this autoencoder has {size} values, not {rows.shape}")
        return self.decoder.forward(rows.reshape(-1, size))[0]

    def feedforward(self, x: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Return y (N, F), x reconstructed from its code."""
        return self.decode(self.encode(x))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the layers and weights to a file."""
        arrays = {name: parameter.value for name, parameter in self.named_parameters()}
        save_arrays(path, arrays, {"kind": "autoencoder", "layers": list(self.layers)})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> AutoEncoder:
        """Return the autoencoder that `save` wrote.

        Raises:
            CheckpointError: if the file is not one.
        """
        arrays, configuration = load_arrays(path)
        try:
            if configuration["kind"] != "autoencoder" or not all(
                isinstance(size, int) and 0 < size for size in configuration["layers"]
            ):
                raise ValueError("another kind of network")
            # Checked first, so that no file makes the program allocate more than it holds.
            pairs = zip(configuration["layers"][:-1], configuration["layers"][1:], strict=True)
            if sum((inputs + 1) * outputs for inputs, outputs in pairs) != sum(
                array.size for array in arrays.values()
            ):
                raise ValueError("sizes that do not fit")
            network = cls(configuration["layers"])
            for name, parameter in network.named_parameters():
                if arrays[name].shape != parameter.value.shape:
                    raise ValueError("shapes that do not fit")
                parameter.value[...] = arrays[name]
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{os.fspath(path)} does not hold an autoencoder ({error})"
            ) from None
        return network

    def _rows(self, data: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        rows = np.asarray(data, np.float32)
        rows = (
            rows.reshape(len(rows), -1) if len(rows) else np.empty((0, self.layers[0]), np.float32)
        )
        if rows.shape[1] != self.layers[0]:
            raise ValueError(
                f"this autoencoder works on {self.layers[0]} values at a time, "
                f"the data has {rows.shape[1]}"
            )
        return rows
