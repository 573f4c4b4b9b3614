"""A VAE's step in one call: the loss and gradients of its layers in float64, where it applies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_networks.components.gru import GRU
from neural_networks.components.kernels.simd.vector import TILE
from neural_networks.components.lstm import LSTM
from neural_networks.components.module import Module
from neural_networks.components.parameters import pack
from neural_networks.components.rnn import RNN
from neural_networks.vae import vae as module_of_vae
from neural_networks.vae.fused import fused_loss
from neural_networks.vae.vae import VAE

every_cell = pytest.mark.parametrize("cell", [GRU, LSTM, RNN])


def fused(
    vae: VAE,
    x: np.ndarray,
    target: np.ndarray,
    rng: np.random.Generator | None,
    beta: float,
    free_bits: float,
) -> float | None:
    return fused_loss(
        vae.encoder,
        vae.decoder,
        vae.workspace,
        x,
        target,
        latent_size=vae.latent_size,
        rng=rng,
        beta=beta,
        free_bits=free_bits,
    )


on_tiles = pytest.mark.skipif(
    TILE is None, reason="this processor runs the layers one after the other"
)

# steps, steps of the output, batch, features, outputs, hidden of the encoder and of the decoder,
# latent
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1, 1),
    (3, 3, 5, 5, 5, 4, 4, 3),
    (7, 2, 3, 4, 9, 17, 33, 5),
    (2, 9, 1, 35, 2, 64, 8, 20),
    (70, 70, 9, 6, 33, 20, 49, 2),
    (2, 3, 300, 3, 5, 18, 18, 7),
]


def made(cell: Any, shape: tuple, **arguments: Any) -> VAE:
    _, _, _, features, outputs, encoder_size, decoder_size, latent = shape
    before, after = (encoder_size + features, encoder_size), (encoder_size, 2 * latent)
    return VAE(
        encoder_args=dict(input_size=features, input_layers=before, output_layers=after),
        decoder_args=dict(
            input_size=latent,
            input_layers=(decoder_size + latent, decoder_size),
            output_layers=(decoder_size, outputs),
        ),
        latent_size=latent,
        sub_network=cell,
        **arguments,
    )


def data(shape: tuple, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    steps, out_steps, batch, features, outputs, *_ = shape
    x, target = (
        rng.standard_normal((steps, batch, features)),
        rng.standard_normal((out_steps, batch, outputs)),
    )
    return x.astype(np.float32), target.astype(np.float32)


@on_tiles
@every_cell
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "noise, beta, free_bits", [(True, 0.7, 0.0), (True, 2.0, 0.3), (False, 1.0, 0.01)]
)
def test_the_layers_give_the_same(
    cell: Any, shape: tuple, noise: bool, beta: float, free_bits: float, rng: np.random.Generator
) -> None:
    x, target = data(shape, rng)
    one, exact = made(cell, shape), made(cell, shape)
    flat, flat_exact = pack(one), pack(exact, np.float64)
    flat_exact.values[:] = flat.values
    seeds = [np.random.default_rng(3) if noise else None for _ in range(2)]
    loss = fused(one, x, target, seeds[0], beta, free_bits)
    expected = exact.loss(
        x.astype(np.float64),
        target.astype(np.float64),
        rng=seeds[1],
        beta=beta,
        free_bits=free_bits,
    )
    assert loss == pytest.approx(expected, rel=2e-6)
    assert np.abs(flat.grads - flat_exact.grads).max() <= 2e-6 * np.abs(flat_exact.grads).max()
    if noise:
        assert (
            seeds[0] is not None and seeds[1] is not None and seeds[0].random() == seeds[1].random()
        )


@on_tiles
@every_cell
def test_gradients_are_added_and_nothing_else_is_written(
    cell: Any, rng: np.random.Generator
) -> None:
    shape = SHAPES[2]
    network = made(cell, shape)
    flat = pack(network)
    x, target = data(shape, rng)
    before = x.tobytes(), target.tobytes(), flat.values.tobytes()
    first = fused(network, x, target, None, 1.0, 0.0)
    once = flat.grads.copy()
    assert fused(network, x, target, None, 1.0, 0.0) == first
    np.testing.assert_allclose(flat.grads, 2 * once, rtol=1e-6, atol=1e-6 * np.abs(once).max())
    assert before == (x.tobytes(), target.tobytes(), flat.values.tobytes())


@on_tiles
@every_cell
def test_a_number_that_is_not_finite_reaches_the_loss(cell: Any, rng: np.random.Generator) -> None:
    shape = SHAPES[1]
    network = made(cell, shape)
    x, target = data(shape, rng)
    target[1, 2, 3] = np.nan
    assert np.isnan(network.loss(x, target, rng=None))
    assert np.isinf(network.loss(x, np.full_like(target, np.inf), rng=None))


def test_what_is_not_for_one_call_is_left_to_the_layers(rng: np.random.Generator) -> None:
    shape = SHAPES[1]
    x, target = data(shape, rng)

    def answer(network: VAE, x: np.ndarray = x, target: np.ndarray = target) -> float | None:
        return fused(network, x, target, None, 1.0, 0.0)

    assert (answer(made(GRU, shape)) is not None) == (TILE is not None)
    assert answer(made(GRU, shape), x.astype(np.float64)) is None
    assert answer(made(GRU, shape), x[:, ::-1], target) is None
    assert answer(made(GRU, shape), x, target[..., :4]) is None
    assert answer(made(GRU, shape), x[..., :4], target) is None
    double = made(GRU, shape)
    pack(double, np.float64)
    assert answer(double) is None
    for part in ("encoder", "decoder"):
        packed_again = made(GRU, shape)
        pack(getattr(packed_again, part))
        assert answer(packed_again) is None
        head = made(GRU, shape)
        pack(getattr(head, part).after)
        assert answer(head) is None
    deeper = VAE(
        encoder_args=dict(input_size=5, input_layers=(9, 4), output_layers=(4, 5, 6)),
        decoder_args=dict(input_size=3, input_layers=(7, 6, 4), output_layers=(4, 5)),
        latent_size=3,
        sub_network=GRU,
    )
    assert answer(deeper) is None
    mixed = made(GRU, shape)
    mixed.decoder = made(RNN, shape).decoder
    assert answer(mixed) is None


def test_a_part_of_a_larger_network_is_left_to_its_layers(rng: np.random.Generator) -> None:
    class Pair(Module):
        def __init__(self) -> None:
            self.parts = [made(GRU, SHAPES[1]), made(GRU, SHAPES[1])]

    pair = Pair()
    flat = pack(pair)
    x, target = data(SHAPES[1], rng)
    alone = made(GRU, SHAPES[1])
    flat_alone = pack(alone)
    for part in pair.parts:
        flat_alone.values[:] = flat.view(part).values
        flat_alone.zero_grads()
        loss = alone.loss(x, target, rng=None)
        assert fused(part, x, target, None, 1.0, 0.0) is None
        assert part.loss(x, target, rng=None) == pytest.approx(loss, rel=1e-6)
        np.testing.assert_allclose(
            flat.view(part).grads, flat_alone.grads, atol=2e-6 * np.abs(flat_alone.grads).max()
        )


def test_a_training_is_the_same_with_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = [np.sin(np.arange(15) * (0.3 + 0.2 * i) + i).astype(np.float32) for i in range(5)]
    losses = []
    for one_call in (True, False):
        if not one_call:
            monkeypatch.setattr(module_of_vae, "fused_loss", lambda *arguments, **options: None)
        network = made(GRU, SHAPES[1])
        steps = network.get_time_seperated_data(sounds)
        losses.append(
            network.train(
                steps, batch_size=3, max_epochs=40, learning_rate=0.01, print_epochs=False
            ).losses
        )
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
