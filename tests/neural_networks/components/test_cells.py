"""All recurrent cells: plain NumPy, finite differences, purity, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from recurrent_cells import MODES, every_cell, made, run

from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.gru import GRU
from neural_networks.components.lstm import LSTM
from neural_networks.components.parameters import pack
from neural_networks.components.rnn import RNN
from neural_networks.components.stacked import Stacked
from neural_networks.gradient_check import check_gradients
from neural_networks.vae.vae import VAE

GATED = [GRU, LSTM, RNN]


def plain(cell: LSTM | RNN, x: np.ndarray, state: np.ndarray) -> np.ndarray:
    """The two cells as their equations are written; test_gru.py has the third."""

    def sigmoid(value: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-value))

    size, states = cell.hidden_size, []
    h, c = state[:, :size], state[:, size:]
    for step in x:
        sums = step @ cell.input_weight.value + h @ cell.recurrent_weight.value + cell.bias.value
        if isinstance(cell, LSTM):
            i, f, g, o = np.split(sums, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            h = np.tanh(sums)
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize("batch", [1, 3, 9, 40])
@pytest.mark.parametrize("size", [1, 17, 33, 48, 65])
@pytest.mark.parametrize("cell", [LSTM, RNN])
def test_equations(cell: type, size: int, batch: int, rng: np.random.Generator) -> None:
    module = cell(3, size, rng=rng)
    module.bias.value[:] = rng.standard_normal(module.bias.value.shape)
    pack(module)  # both are to compute with the rounded weights
    pack(module, np.float64)
    x, first = (
        rng.standard_normal(s).astype(np.float32).astype(np.float64)
        for s in ((6, batch, 3), (batch, module.state_size))
    )
    expected = plain(module, x, first)
    np.testing.assert_allclose(module.forward(x, first)[0], expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(
        module.forward(x)[0], plain(module, x, np.zeros_like(first)), rtol=0, atol=1e-13
    )
    flat = pack(module)
    y = module.forward(x.astype(np.float32), first.astype(np.float32))[0]
    assert y.dtype == flat.values.dtype == np.float32
    np.testing.assert_allclose(y, expected, rtol=0, atol=2e-6)


@every_cell
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-13), (np.float32, 2e-6)])
def test_one_input_for_all_steps_and_the_last_output(
    kind: str, dtype: type, tolerance: float, rng: np.random.Generator
) -> None:
    module, x, first, _ = made(kind, (5, 4, 3, 19), rng)
    pack(module, dtype)
    x[:] = x[0]
    y = run(module, x, first, (False, False))[0]
    assert y.dtype == dtype and y.shape == (5, 4, module.output_size)
    np.testing.assert_allclose(run(module, x, first, (True, False))[0], y, rtol=0, atol=tolerance)
    # its last step is step 0
    back = module.backward_cell.output_size if isinstance(module, Bidirectional) else 0
    last = np.concatenate(
        [y[-1, :, : module.output_size - back], y[0, :, module.output_size - back :]], axis=1
    )
    for repeated in (False, True):
        np.testing.assert_allclose(
            run(module, x, first, (repeated, True))[0], last, rtol=0, atol=tolerance
        )


def test_what_the_containers_and_inner_layers_do(rng: np.random.Generator) -> None:
    x = rng.standard_normal((5, 3, 4))
    one, two, wide = GRU(4, 7, rng=rng), LSTM(4, 6, rng=rng), RNN(13, 2, rng=rng)
    both = Bidirectional(one, two)
    first = rng.standard_normal((3, 7 + 12 + 2))
    beside = np.concatenate(
        [one.forward(x, first[:, :7])[0], two.forward(x[::-1], first[:, 7:19])[0][::-1]], axis=-1
    )
    np.testing.assert_array_equal(both.forward(x, first[:, :19])[0], beside)
    np.testing.assert_array_equal(
        Stacked(both, wide).forward(x, first)[0], wide.forward(beside, first[:, 19:])[0]
    )

    def leaky(value: np.ndarray) -> np.ndarray:
        return np.where(value > 0, value, 0.01 * value)

    for cell in (LSTM, RNN):
        module = cell(4, input_layers=(9, 6, 3, 5), output_layers=(5, 4, 2), rng=rng)
        weights = [p.value for part in (module.before, module.after) for p in part.parameters()]
        inner = leaky(leaky(x @ weights[0] + weights[1]) @ weights[2] + weights[3])
        outer = (
            leaky(plain(module, inner, np.zeros((3, module.state_size))) @ weights[4] + weights[5])
            @ weights[6]
            + weights[7]
        )
        np.testing.assert_allclose(module.forward(x)[0], outer, rtol=0, atol=1e-13)


@every_cell
@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1), (1, 5, 3, 7), (4, 1, 2, 17), (5, 3, 7, 5), (200, 2, 3, 3)], ids=str
)
def test_gradients(kind: str, shape: tuple, rng: np.random.Generator) -> None:
    module, x, first, _ = made(kind, shape, rng)
    for repeated, last in MODES:
        given = dict(steps=len(x) if repeated else None, last=last)
        check_gradients(
            module,
            (x[0] if repeated else x, first),
            rng=rng,
            forward=lambda module, x, first, given=given: module.forward(x, first, **given),
            backward=lambda module, dy, cache: module.backward_with_state(dy, cache),
        ).require()
    check_gradients(module, x, rng=rng).require()


def arrays_of(value: Any) -> list[np.ndarray]:
    """All arrays in a cache, however deep."""
    if isinstance(value, np.ndarray):
        return [value]
    return (
        [array for part in value for array in arrays_of(part)]
        if isinstance(value, (tuple, list))
        else []
    )


@every_cell
@pytest.mark.parametrize("mode", MODES, ids=str)
def test_backward_again_adds_the_same_and_nothing_else_is_written(
    kind: str, mode: tuple, rng: np.random.Generator
) -> None:
    module, x, first, dy = made(kind, (6, 5, 4, 19), rng)
    flat = pack(module)
    dy = dy[0] if mode[1] else dy
    kept = {name: id(value) for name, value in vars(module).items()}
    arrays = [x, first, dy, flat.values]
    before = [array.copy() for array in arrays]
    y, cache = run(module, x, first, mode)
    assert not flat.grads.any() and len(arrays_of(cache)) > 1
    arrays += [y, *arrays_of(cache)]
    before += [array.copy() for array in arrays[4:]]
    once = module.backward_with_state(dy, cache)
    grads = flat.grads.copy()
    assert all(np.abs(p.grad).max() > 0 for p in module.parameters())
    for ours, theirs in zip(once, module.backward_with_state(dy, cache), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(flat.grads, 2 * grads, rtol=0, atol=2e-6 * np.abs(grads).max())
    for alone in (module.backward, module.add_gradients):
        flat.zero_grads()
        alone(dy, cache)
        np.testing.assert_array_equal(flat.grads, grads)
    assert kept == {name: id(value) for name, value in vars(module).items()}
    for array, copied in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copied)


@every_cell
def test_a_song_does_not_depend_on_its_neighbours_nor_they_on_its_nan(
    kind: str, rng: np.random.Generator
) -> None:
    module, x, first, dy = made(kind, (9, 7, 3, 40), rng)
    pack(module)
    y, cache = run(module, x, first, (False, False))
    dx, dfirst = module.backward_with_state(dy, cache)
    for song in (slice(0, 1), slice(3, 4), slice(6, 7)):
        alone, cache = run(module, x[:, song], first[song], (False, False))
        np.testing.assert_allclose(alone, y[:, song], rtol=0, atol=2e-6)
        for ours, theirs in zip(
            module.backward_with_state(dy[:, song], cache), (dx[:, song], dfirst[song]), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    x[4, 2, 1] = np.nan
    broken = run(module, x, first, (False, False))[0]
    assert np.isnan(broken[4, 2]).all()
    np.testing.assert_array_equal(np.delete(broken, 2, axis=1), np.delete(y, 2, axis=1))


@pytest.mark.parametrize("cell", GATED)
def test_refusals(cell: type, rng: np.random.Generator) -> None:
    module, name = cell(3, 4, rng=rng), cell.__name__
    for shape in ((5, 2), (5, 2, 4), (3,)):
        with pytest.raises(
            ValueError,
            match=re.escape(f"a {name} of 3 inputs takes x of shape (T, B, 3), not {shape}"),
        ):
            module.forward(np.zeros(shape))
    with pytest.raises(ValueError, match=re.escape("(B, 3), not (5, 2, 3)")):
        module.forward(np.zeros((5, 2, 3)), steps=4)
    for steps in (0, -1):
        with pytest.raises(ValueError, match=f"at least one time step, not {steps}"):
            module.forward(np.zeros((2, 3)), steps=steps)
    for shape in ((module.state_size,), (1, module.state_size), (2, module.state_size + 1)):
        with pytest.raises(
            ValueError,
            match=re.escape(f"must have the shape (2, {module.state_size}), not {shape}"),
        ):
            module.forward(np.zeros((5, 2, 3)), np.zeros(shape))
    for last, wanted in ((False, (5, 2, 4)), (True, (2, 4))):
        cache = module.forward(np.zeros((5, 2, 3)), last=last)[1]
        for shape in ((5, 2, 3), (1, 2, 4), (4,)):
            with pytest.raises(
                ValueError, match=re.escape(f"{wanted} of the outputs, not {shape}")
            ):
                module.backward(np.zeros(shape), cache)
    for sizes in (dict(), dict(hidden_size=4, input_layers=(7, 4))):
        with pytest.raises(ValueError, match=f"a {name} takes either hidden_size or input_layers"):
            cell(3, **sizes, rng=rng)
    for inputs, sizes, words in (
        (0, dict(hidden_size=4), "not 0 and (4, 4)"),
        (3, dict(hidden_size=-1), "not 3 and (2, -1)"),
        (3, dict(input_layers=(7,)), "not 3 and (7,)"),
        (3, dict(input_layers=(8, 4)), "4 + 3 = 7, not with 8"),
        (
            3,
            dict(hidden_size=4, output_layers=(5, 2)),
            "hidden size, 4, and have two sizes, not (5, 2)",
        ),
        (3, dict(hidden_size=4, output_layers=(4,)), "two sizes, not (4,)"),
        (3, dict(hidden_size=4, output_layers=(4, 0)), "not 4 and 0"),
    ):
        with pytest.raises(ValueError, match=re.escape(words)):
            cell(inputs, **sizes, rng=rng)


def test_refusals_of_the_containers(rng: np.random.Generator) -> None:
    one, two = GRU(3, 4, rng=rng), LSTM(4, 5, rng=rng)
    for layers, words in (((two, one), "[(5, 3)]"), ((one, one), "[(4, 3)]"), ((), "[]")):
        with pytest.raises(ValueError, match=re.escape(words)):
            Stacked(*layers)
    with pytest.raises(ValueError, match="not 3 and 4 values"):
        Bidirectional(one, two)
    for module, size in ((Stacked(one, two), 14), (Bidirectional(one, RNN(3, 2, rng=rng)), 6)):
        for shape in ((2, size + 1), (size,)):
            with pytest.raises(ValueError, match=re.escape(f"(B, {size}) together, not {shape}")):
                module.forward(np.zeros((5, 2, 3)), np.zeros(shape))
        with pytest.raises(ValueError, match=re.escape("(T, B, 3), not (5, 2, 4)")):
            module.forward(np.zeros((5, 2, 4)))


def owners_vae(cell: type) -> VAE:
    return VAE(
        encoder_args=dict(input_size=5, input_layers=(9, 4), output_layers=(4, 6)),
        decoder_args=dict(input_size=3, input_layers=(7, 4), output_layers=(4, 5)),
        latent_size=3,
        sub_network=cell,
    )


@pytest.mark.parametrize("cell", GATED)
def test_the_owners_vae_learns_the_same_each_time(cell: type) -> None:
    sounds = [
        np.sin(np.arange(15) * (0.3 + 0.2 * i) + i).astype(np.float32) * 1.4 for i in range(5)
    ]
    results = []
    for _ in range(2):
        network = owners_vae(cell)
        steps = network.get_time_seperated_data(sounds)
        losses = network.train(
            steps, batch_size=5, max_epochs=300, learning_rate=0.01, beta=0.01, print_epochs=False
        ).losses
        assert len(losses) == 300 and np.mean(losses[-20:]) < 0.7 * np.mean(losses[:5])
        results.append((pack(network).values, np.array(losses)))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cell", GATED)
def test_the_gradient_of_the_vaes_whole_loss(cell: type, rng: np.random.Generator) -> None:
    network = owners_vae(cell)
    flat = pack(network, np.float64)
    x, values = rng.standard_normal((3, 4, 5)), flat.values.copy()
    network.loss(x, x, rng=np.random.default_rng(2), beta=0.7, free_bits=0.01)
    claimed = flat.grads.copy()
    for direction in rng.standard_normal((3, values.size)):
        losses = []
        for sign in (1, -1):
            flat.values[:] = values + sign * 1e-6 * direction
            losses.append(
                network.loss(x, x, rng=np.random.default_rng(2), beta=0.7, free_bits=0.01)
            )
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(float(claimed @ direction), rel=1e-6)
