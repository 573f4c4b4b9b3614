"""Bodies of the critic: each function returns the layers of a trunk, (S, B, .) -> (S', B, H).

    convolutional   dense, two convolutions of stride 2 over time; the last layer sees 13 steps
    recurrent       dense, a bidirectional GRU; every step sees the whole song
    mixed           dense, a convolution of stride 2, a bidirectional GRU over half the steps

Weights of dense layers and convolutions are divided by their spectral norm. Those of a GRU are not:
its gates, between -1 and 1, and a gradient penalty (gan/penalties.py) bound its slope. Letters: S
steps, B batch, F features of a step, H hidden size.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gan.spectral_norm import SpectralNorm
from neural_networks.components.activations import LeakyReLU
from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.gru import GRU
from neural_networks.components.module import Module, Sequential

Body = Callable[[int, int, float, np.random.Generator], list[Module]]  # (F, H, gain, rng) -> layers

SLOPE = 0.2  # of the leaky ReLUs, as in Radford et al. 2016, arXiv:1511.06434, section 3


def convolutional(
    features: int, hidden: int, gain: float, rng: np.random.Generator
) -> list[Module]:
    """Return layers of S, S / 2 and S / 4 steps.

    Examples:
        >>> layers = convolutional(6, 8, 2.0, np.random.default_rng(0))
        >>> y, _ = Sequential(*layers).forward(np.zeros((16, 3, 6)))  # 16 steps of three songs
        >>> y.shape
        (4, 3, 8)
    """
    return [
        _embedding(features, hidden, gain, rng),
        _convolution(hidden, gain, rng),
        _convolution(hidden, gain, rng),
    ]


def recurrent(features: int, hidden: int, gain: float, rng: np.random.Generator) -> list[Module]:
    """Return layers of S and S steps.

    Examples:
        >>> layers = recurrent(6, 8, 2.0, np.random.default_rng(0))
        >>> Sequential(*layers).forward(np.zeros((16, 3, 6)))[0].shape
        (16, 3, 8)
    """
    return [_embedding(features, hidden, gain, rng), _both_ways(hidden, rng)]


def mixed(features: int, hidden: int, gain: float, rng: np.random.Generator) -> list[Module]:
    """Return layers of S, S / 2 and S / 2 steps.

    Examples:
        >>> layers = mixed(6, 8, 2.0, np.random.default_rng(0))
        >>> Sequential(*layers).forward(np.zeros((16, 3, 6)))[0].shape
        (8, 3, 8)
    """
    return [
        _embedding(features, hidden, gain, rng),
        _convolution(hidden, gain, rng),
        _both_ways(hidden, rng),
    ]


# By their names in station files; gan/choices.py has the same ones for the command line.
BODIES: dict[str, Body] = {
    "convolutional": convolutional,
    "recurrent": recurrent,
    "mixed": mixed,
}


def _embedding(features: int, hidden: int, gain: float, rng: np.random.Generator) -> Module:
    return Sequential(
        SpectralNorm(Dense(features, hidden, rng=rng), gain=gain, rng=rng), LeakyReLU(SLOPE)
    )


def _convolution(hidden: int, gain: float, rng: np.random.Generator) -> Module:
    layer = Conv1d(hidden, hidden, 5, stride=2, padding=2, rng=rng)
    return Sequential(SpectralNorm(layer, gain=gain, rng=rng), LeakyReLU(SLOPE))


def _both_ways(hidden: int, rng: np.random.Generator) -> Module:
    if hidden < 2:
        raise ValueError(f"a bidirectional critic needs a hidden size of at least 2, not {hidden}")
    return Bidirectional(
        GRU(hidden, hidden - hidden // 2, rng=rng), GRU(hidden, hidden // 2, rng=rng)
    )
