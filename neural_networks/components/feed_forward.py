"""A feed-forward network: dense layers with leaky ReLUs between them, the last layer linear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neural_networks.components.activations import LeakyReLU
from neural_networks.components.dense import Dense
from neural_networks.components.module import Module, Sequential


class FeedForward(Sequential):
    """Apply Dense, LeakyReLU, ..., Dense to the last axis.

    Args:
        sizes: of the input, of each layer, of the output.
        slope: of the leaky ReLUs.
        activate_last: put a leaky ReLU behind the last layer too, for the first half of a longer
            network.
        rng: draws the first weights.

    Examples:
        >>> network = FeedForward((4, 16, 2), rng=np.random.default_rng(0))
        >>> y, cache = network.forward(np.ones((5, 4)))
        >>> y.shape, network.backward(y, cache).shape
        ((5, 2), (5, 4))
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        slope: float = 0.01,
        activate_last: bool = False,
        rng: np.random.Generator,
    ) -> None:
        if len(sizes) < 2:
            raise ValueError(
                f"a network needs an input and an output, not the sizes {tuple(sizes)}"
            )
        layers: list[Module] = []
        for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [Dense(inputs, outputs, rng=rng), LeakyReLU(slope)]
        super().__init__(*(layers if activate_last else layers[:-1]))
