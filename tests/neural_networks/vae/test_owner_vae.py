"""VAE and AutoEncoder: the first original program as written, gradients, noise, the graph."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from neural_networks.autoencoder.autoencoder import AutoEncoder
from neural_networks.components.kernels.announce import WAIT
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.checkpoint import CheckpointError, save_arrays
from neural_networks.training.history import History, show_or_save
from neural_networks.vae.vae import VAE

ROOT = Path(__file__).parents[3]
SOUNDS = [
    np.sin(np.arange(15) * (0.3 + 0.2 * i) + i).astype(np.float32)[:, None] * 1.4 for i in range(5)
]

EXAMPLE = """
network: VAE = VAE(
    encoder_args=dict(
        input_size=5, # The number of input values for each time step
        input_layers=(9, 4), # The number of nodes in each layer before the recurrence
        output_layers=(4, 6) # The number of nodes in each layer after the recurrence
    ),
    decoder_args=dict(
        # The number of input values to the decoder
        # Half the number of encoder outputs because half the decoder outputs are for variance
        input_size=3,

        input_layers=(7, 4), # The number of nodes in each layer before the recurrence
        output_layers=(4, 5) # The number of nodes in each layer after the recurrence
    ),
    latent_size=3, # The number of nodes in the latent space (encoding layer) of auto encoder
    sub_network=Recurrent # The type of network that will be used for encoder and decoder
)

# Takes array of inputs and seperates them into timesteps
# Not neccessary if `sounds` is already seperated by time step
time_separated_sounds = network.get_time_seperated_data(sounds)

network.train(
    time_separated_sounds,
    batch_size=5,
    max_epochs=20000,
    graph=True,
    learning_rate=0.001,
    time_separated_input=True, # Expects input data to be seperated by time step
    time_separated_output=True # Expects output data to be seperated by time step
)
"""


def small(**options) -> VAE:
    return VAE(
        encoder_args=dict(input_size=5, input_layers=(9, 4), output_layers=(4, 6)),
        decoder_args=dict(input_size=3, input_layers=(7, 4), output_layers=(4, 5)),
        latent_size=3,
        **options,
    )


def test_the_first_example_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The original text behind the line that sets `sounds`, with all 20,000 epochs."""
    page = ROOT / "docs" / "original_programs.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (block for block in blocks if "VAE(" in block)
    assert EXAMPLE.strip() in block and "\nsounds, names = audio.get_raw_data(5, 15, 1)\n" in block
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(block, str(page), "exec"), names)
    network, steps = names["network"], names["time_separated_sounds"]
    assert isinstance(network, VAE) and isinstance(steps, np.ndarray) and steps.shape == (5, 3, 5)
    lines = [line for line in capsys.readouterr().out.splitlines() if line != WAIT]
    assert lines[0].startswith("epoch 1,000 of 20,000: loss ") and lines[0].endswith("s left")
    assert lines[-1] == f"the graph is in {tmp_path / 'loss_over_time.png'}"
    # Twenty lines, and one more a minute on a machine that is that slow or busy.
    assert [line.partition(":")[0] for line in lines if ",000 of" in line] == [
        f"epoch {epoch},000 of 20,000" for epoch in range(1, 21)
    ]
    assert (tmp_path / "loss_over_time.png").read_bytes().startswith(b"\x89PNG")
    error = ((network.feedforward(steps) - steps) ** 2).mean()
    assert error < 0.5 * steps.var()
    mean, log_variance = network.encode(steps)
    assert mean.shape == log_variance.shape == (5, 3)
    np.testing.assert_allclose(
        network.decode(mean, 3), network.feedforward(steps), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("steps, batch", [(1, 1), (3, 5), (6, 2)])
def test_gradients_through_the_latent_space(
    noise: bool, steps: int, batch: int, rng: np.random.Generator
) -> None:
    """Outputs y, mu and log_variance together, with gradients from reconstruction and KL."""

    def forward(module: VAE, x: np.ndarray):
        y, cache = module.forward(
            x, rng=np.random.default_rng(1) if noise else None, steps=steps + 1
        )
        return (y, cache.mean, cache.log_variance), cache

    def backward(module: VAE, dy: tuple[np.ndarray, ...], cache):
        return module.backward(dy[0], cache, dmean=dy[1], dlog_variance=dy[2])

    check_gradients(
        small(), rng.standard_normal((steps, batch, 5)), rng=rng, forward=forward, backward=backward
    ).require()


def test_a_backward_pass_without_noise_and_divergence(rng: np.random.Generator) -> None:
    check_gradients(small(), rng.standard_normal((3, 2, 5)), rng=rng).require()


def test_the_gradient_of_the_whole_loss(rng: np.random.Generator) -> None:
    network = small()
    flat = pack(network, np.float64)
    x = rng.standard_normal((3, 4, 5))

    def loss() -> float:
        return network.loss(x, x, rng=np.random.default_rng(2), beta=0.7, free_bits=0.01)

    flat.zero_grads()
    loss()
    claimed = flat.grads.copy()
    direction = rng.standard_normal(flat.values.size)
    kept = flat.values.copy()
    values = []
    for sign in (1, -1):
        flat.values[:] = kept + sign * 1e-6 * direction
        values.append(loss())
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(float(claimed @ direction), rel=1e-6)


def test_epsilon_is_really_drawn(rng: np.random.Generator) -> None:
    network = small()
    x = np.repeat(rng.standard_normal((3, 1, 5)).astype(np.float32), 20000, axis=1)
    _, cache = network.forward(x, rng=rng)
    epsilon = cache.noise / np.exp(cache.log_variance / 2)
    np.testing.assert_allclose(epsilon.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(epsilon.T), np.eye(3), atol=0.04)
    assert network.forward(x)[1].noise is None


def test_training_is_the_same_each_time_and_tells_the_test_loss(
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = []
    for _ in range(2):
        network = small()
        steps = network.get_time_seperated_data(SOUNDS)
        history = network.train(steps[:3], batch_size=2, max_epochs=20, test_data=steps[3:])
        assert len(history.losses) == 30 and len(history.test_losses) == 30
        results.append(pack(network).values)
    np.testing.assert_array_equal(*results)
    assert "test loss" in capsys.readouterr().out
    other = small(rng=np.random.default_rng(9))
    assert (pack(other).values != pack(small()).values).any()


def test_sounds_may_be_one_step(rng: np.random.Generator) -> None:
    """time_separated_*=False: the whole sound is one step of that side."""
    sounds = np.stack(SOUNDS)
    for separated_input, separated_output in ((False, False), (True, False), (False, True)):
        inputs, outputs = 5 if separated_input else 15, 5 if separated_output else 15
        network = VAE(
            encoder_args=dict(
                input_size=inputs, input_layers=(inputs + 4, 4), output_layers=(4, 4)
            ),
            decoder_args=dict(input_size=2, input_layers=(6, 4), output_layers=(4, outputs)),
            latent_size=2,
        )
        data = sounds.reshape(5, 3, 5) if separated_input or separated_output else sounds
        history = network.train(
            data,
            batch_size=5,
            max_epochs=600,
            learning_rate=0.01,
            print_epochs=False,
            beta=0.01,
            time_separated_input=separated_input,
            time_separated_output=separated_output,
        )
        assert np.mean(history.losses[-50:]) < 0.7 * np.mean(history.losses[:5])


def test_beta_and_optimizer_may_be_chosen() -> None:
    steps, seen = small().get_time_seperated_data(SOUNDS), []

    def schedule(step: int) -> float:
        seen.append(step)
        return 0.1

    small().train(
        steps,
        batch_size=5,
        max_epochs=4,
        beta=schedule,
        free_bits=0.1,
        optimizer=Adam(),
        print_epochs=False,
    )
    assert sorted(set(seen)) == [0, 1, 2, 3]


def test_networks_and_data_that_do_not_fit_are_refused() -> None:
    encoder = dict(input_size=5, input_layers=(9, 4), output_layers=(4, 6))
    decoder = dict(input_size=3, input_layers=(7, 4), output_layers=(4, 5))
    with pytest.raises(ValueError, match="2 x latent_size = 4 values, not 6"):
        VAE(encoder, decoder, 2)
    with pytest.raises(ValueError, match="latent_size = 3, not 2"):
        VAE(encoder, decoder | dict(input_size=2, input_layers=(6, 4)), 3)
    with pytest.raises(ValueError, match="encoder works on 5 values a time step, the data has 4"):
        small().train(np.zeros((3, 2, 4)), max_epochs=1)
    with pytest.raises(ValueError, match="nothing to train on"):
        small().train(np.zeros((0, 2, 5)), max_epochs=1)
    with pytest.raises(ValueError, match="15 values cannot be cut into time steps of 4"):
        VAE(
            encoder | dict(input_size=4, input_layers=(8, 4)),
            decoder | dict(output_layers=(4, 4)),
            3,
        ).get_time_seperated_data(SOUNDS)


def test_the_graph_is_shown_where_there_is_a_display(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    monkeypatch.setattr(plt, "get_backend", lambda: "TkAgg")
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    assert show_or_save(History([1.0, 0.5], [(2, 0.7)]).figure(), tmp_path / "x.png") is None
    assert len(shown[0]) == 1 and not plt.get_fignums() and not list(tmp_path.iterdir())


def test_the_graph_finds_another_place_where_the_folder_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = show_or_save(History([0.0, -1.0]).figure(), tmp_path / "no" / "x.png")
    assert path is not None and path.exists() and str(path) in capsys.readouterr().out


# AutoEncoder


def low_rank(rng: np.random.Generator, count: int = 300) -> np.ndarray:
    return (
        rng.standard_normal((count, 3)) @ rng.standard_normal((3, 12))
        + 0.1 * rng.standard_normal((count, 12))
    ).astype(np.float32)


def test_gradients_of_the_autoencoder(rng: np.random.Generator) -> None:
    check_gradients(AutoEncoder((7, 5, 3, 4, 7)), rng.standard_normal((6, 7)), rng=rng).require()


def test_a_linear_autoencoder_finds_the_principal_components(rng: np.random.Generator) -> None:
    data = low_rank(rng)
    network = AutoEncoder((12, 3, 12))
    network.train(data, 300, batch_size=50, learning_rate=0.01, print_epochs=False)
    network.train(data, 50, batch_size=300, learning_rate=0.001, print_epochs=False)
    centred = data - data.mean(axis=0)
    rest = (np.linalg.svd(centred, compute_uv=False)[3:] ** 2).sum() / data.size
    assert ((network.feedforward(data) - data) ** 2).mean() < 1.05 * rest
    codes = network.encode(data[..., None])
    assert codes.shape == (300, 3)
    np.testing.assert_array_equal(network.decode(codes), network.feedforward(data))


def test_patience_ends_a_training_that_stands_still(
    rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    history = AutoEncoder((12, 3, 12)).train(
        low_rank(rng), 2000, batch_size=100, learning_rate=0.01, patience=10
    )
    assert len(history.losses) < 6000 and "the loss has stopped falling" in capsys.readouterr().out


def test_save_and_load(tmp_path: Path, rng: np.random.Generator) -> None:
    network = AutoEncoder((12, 8, 3, 8, 12), rng=rng)
    network.save(tmp_path / "f")
    data = low_rank(rng)
    np.testing.assert_array_equal(
        AutoEncoder.load(tmp_path / "f").feedforward(data), network.feedforward(data)
    )
    save_arrays(
        tmp_path / "g", {"x": np.zeros(3)}, {"kind": "autoencoder", "layers": [1 << 40, 3, 1 << 40]}
    )
    save_arrays(tmp_path / "h", {}, {"kind": "other"})
    for name in "gh":
        with pytest.raises(CheckpointError, match="does not hold an autoencoder"):
            AutoEncoder.load(tmp_path / name)
    for layers in ((3, 3), (3, 2, 4)):
        with pytest.raises(ValueError, match="first as large as the last"):
            AutoEncoder(layers)
    with pytest.raises(ValueError, match="12 values at a time, the data has 5"):
        network.encode(np.zeros((2, 5)))
