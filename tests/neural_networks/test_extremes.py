"""Extreme inputs through every layer, loss, optimizer and the Trainer: finite, or a clear error."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import numpy as np
import pytest

from gan import losses as gan_losses
from gan.critic import Critic
from neural_networks.autoencoder.autoencoder import AutoEncoder
from neural_networks.components import losses
from neural_networks.components.activations import (
    ELU,
    GatedLinearUnit,
    LeakyReLU,
    Linear,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.gru import GRU
from neural_networks.components.layer_norm import LayerNorm
from neural_networks.components.lstm import LSTM
from neural_networks.components.mean_over_time import MeanOverTime
from neural_networks.components.module import Module, Sequential
from neural_networks.components.parameters import pack
from neural_networks.components.recurrent import Recurrent
from neural_networks.components.rnn import RNN
from neural_networks.components.stacked import Stacked
from neural_networks.optimizers.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamTaperoff,
    AdamW,
    Momentum,
    Nesterov,
    RMSprop,
)
from neural_networks.optimizers.schedules import constant
from neural_networks.training.trainer import Piece, Trainer, TrainingDiverged
from neural_networks.vae.vae import VAE

SIZE = 16  # values of a step
SHAPE = (20, 3, SIZE)
RNG = np.random.default_rng(0)
LAYERS: dict[str, Module] = {
    **{
        type(one).__name__: one
        for one in (
            Linear(),
            LeakyReLU(),
            ReLU(),
            ELU(),
            Tanh(),
            Sigmoid(),
            Softplus(),
            GatedLinearUnit(),
        )
    },
    "Dense": Dense(SIZE, 8, rng=RNG),
    "Conv1d": Conv1d(SIZE, 8, 5, stride=2, padding=2, rng=RNG),
    "LayerNorm": LayerNorm(SIZE),
    "MeanOverTime": MeanOverTime(),
    "GRU": GRU(SIZE, 24, rng=RNG),
    "LSTM": LSTM(SIZE, 24, rng=RNG),
    "RNN": RNN(SIZE, 24, rng=RNG),
    "Recurrent": Recurrent(SIZE, (SIZE + 8, 8), (8, 8), rng=RNG),
    "Bidirectional": Bidirectional(LSTM(SIZE, 8, rng=RNG), RNN(SIZE, 4, rng=RNG)),
    "Stacked": Stacked(GRU(SIZE, 8, rng=RNG), LSTM(8, 5, rng=RNG)),
    "Critic": Critic(SIZE, hidden=8, rng=RNG),
}
NORMAL = np.random.default_rng(1).standard_normal(SHAPE)


def spoiled(value: float) -> np.ndarray:
    """Ordinary numbers, and one that isn't."""
    array = NORMAL.copy()
    array[3, 1, 2] = value
    return array


INPUTS: dict[str, np.ndarray] = {
    "zeros": np.zeros(SHAPE),
    "ones": np.ones(SHAPE),
    "constant 1e30": np.full(SHAPE, 1e30),
    "constant -1e30": np.full(SHAPE, -1e30),
    "denormal": 1e-40 * NORMAL,
    "1e30": 1e30 * NORMAL,
    "one of 1e30": spoiled(1e30),
    "one of -1e37": spoiled(-1e37),
    "tiny and huge": np.where(NORMAL > 0, 1e30, 1e-40),
}


def passed(layer: Module, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return y, dx and the parameters' gradients for ones at the output."""
    layer = copy.deepcopy(layer)
    flat = pack(layer, x.dtype)
    with np.errstate(all="ignore"):
        y, cache = layer.forward(x)
        return y, layer.backward(np.ones_like(y), cache), flat.grads


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_finite_for_finite_extremes(name: str, dtype: type) -> None:
    for what, x in INPUTS.items():
        for array in passed(LAYERS[name], x.astype(dtype)):
            assert np.isfinite(array).all(), what


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_no_layer_hides_a_number_that_is_none(name: str, dtype: type) -> None:
    y, dx, grads = passed(LAYERS[name], spoiled(np.nan).astype(dtype))
    assert np.isnan(y).any()
    assert not grads.size or np.isnan(grads).any()


Loss = Callable[[np.ndarray, np.ndarray], tuple]
ADVERSARIAL = {
    name: one
    for name, one in vars(gan_losses).items()
    if isinstance(one, gan_losses.AdversarialLoss)
}
TWO = {
    "mean_squared_error": losses.mean_squared_error,
    "l1": losses.l1,
    "huber": losses.huber,
    "bce_with_logits": losses.bce_with_logits,
    "gaussian_kl": losses.gaussian_kl,
    "pairwise_ranking": lambda y, target: losses.pairwise_ranking(
        np.append(y, target), np.array([0]), np.array([1])
    ),
    **{f"{name} of the critic": one.critic for name, one in ADVERSARIAL.items()},
    **{
        f"{name} of the generator": lambda y, target, g=one.generator: g(np.append(y, target))
        for name, one in ADVERSARIAL.items()
    },
}
VALUES = (0.0, 1.0, -1.0, 1e-40, 1e-45, 17.0, -17.0, 104.0, -104.0, 1e4, -1e4)
HUGE = (1e30, -1e30, 3e38, -3e38)


@pytest.mark.parametrize("name", TWO)
def test_every_loss_is_finite_or_says_that_it_is_not(name: str) -> None:
    """Ordinary and tiny numbers give finite ones, squares may overflow, NaN gives NaN."""
    loss: Loss = TWO[name]
    for y in (*VALUES, *HUGE, np.nan):
        for target in (*VALUES, *HUGE, np.nan):
            if name == "bce_with_logits" and not 0 <= target <= 1:
                continue
            if name == "gaussian_kl" and target > 80:  # exp(log_variance) is no float32 any more
                continue
            with np.errstate(all="ignore"):
                value, *gradients = loss(
                    np.array([[y]], np.float32).ravel(), np.array([target], np.float32)
                )
            numbers = np.concatenate([[value], *(gradient.ravel() for gradient in gradients)])
            if np.isnan((y, target)).any():
                assert not np.isfinite(numbers).all(), (y, target)
            elif abs(y) > 1e9 or abs(target) > 1e9:
                assert not np.isnan(numbers).any(), (y, target)
            else:
                assert np.isfinite(numbers).all(), (y, target)


def trainer_of(layer: Module, x: np.ndarray, optimizer=None, clip: float | None = None) -> Trainer:
    """A trainer that brings a layer's output near zero."""
    layer = copy.deepcopy(layer)
    x = x.astype(np.float32)

    def loss(module: Module, batch: Piece) -> float:
        y, cache = module.forward(np.ascontiguousarray(x[:, batch.indices]))
        value, dy = losses.mean_squared_error(y, np.zeros_like(y))
        module.backward(dy, cache)
        return value

    return Trainer(
        pack(layer), loss, optimizer or Adam(), constant(1e-3), batch_size=3, clip=clip, threads=1
    )


@pytest.mark.parametrize("name", [name for name, layer in LAYERS.items() if layer.parameters()])
def test_the_trainer_goes_on_or_says_why_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy does not warn, which would be an error here, on either thread."""
    monkeypatch.setattr("neural_networks.training.pieces._WORTH_A_THREAD", 0.0)
    layer = Sequential(LAYERS[name])
    stopped = 0
    for what, x in (INPUTS | {"NaN": spoiled(np.nan), "infinite": spoiled(np.inf)}).items():
        trainer = trainer_of(layer, x)
        trainer._pieces.threads = 2
        try:
            losses_made = trainer.run(3, 3)
            assert np.isfinite(losses_made).all(), what
            assert what not in ("NaN", "infinite"), what
        except TrainingDiverged as error:
            stopped += 1
            assert what not in ("zeros", "ones", "denormal"), what
            assert "\n" not in str(
                error
            ) and "look for numbers in the data that are huge or not finite" in str(error)
        assert np.isfinite(trainer.parameters.values).all(), what
    assert stopped >= 2


@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize(
    "optimizer", [SGD, Momentum, Nesterov, Adagrad, Adadelta, RMSprop, Adam, AdamW, AdamTaperoff]
)
def test_every_optimizer_bears_gradients_from_nothing_to_huge(
    optimizer: type, clip: float | None
) -> None:
    """Weights stay finite and learn afterwards, or TrainingDiverged leaves the last good ones."""
    for size in (0.0, 1e-45, 1e-40, 1e-20, 1e10, 1e18, 1e30, np.nan):
        scale = [size]

        def loss(module: Module, batch: Piece, scale=scale) -> float:
            module.weight.grad += np.float32(scale[0])
            return 1.0

        flat = pack(Dense(4, 3, rng=np.random.default_rng(0)))
        trainer = Trainer(
            flat, loss, optimizer(), constant(1e-3), batch_size=2, clip=clip, threads=1
        )
        try:
            for _ in range(3):
                trainer.step(2)
                trainer.require_finite()
        except TrainingDiverged:
            assert size > 1e9 or np.isnan(size)
        assert np.isfinite(flat.values).all(), size
        if size < 1:
            before, scale[0] = flat.values.copy(), 1.0
            trainer.step(2)
            assert (flat.values != before).any(), size


@pytest.mark.parametrize("kind", [VAE, AutoEncoder])
def test_the_owners_networks(kind: type) -> None:
    """Data of extremes by the public `train`: it ends with finite weights, or with one line."""
    for what, x in (INPUTS | {"NaN": spoiled(np.nan), "infinite": spoiled(np.inf)}).items():
        if kind is VAE:
            network = VAE(
                dict(input_size=SIZE, input_layers=(20, 4), output_layers=(4, 6)),
                dict(input_size=3, input_layers=(7, 4), output_layers=(4, SIZE)),
                3,
            )
        else:
            network = AutoEncoder((SIZE, 4, SIZE))
        data = x.astype(np.float32) if kind is VAE else x.astype(np.float32).reshape(-1, SIZE)
        try:
            network.train(data, batch_size=5, max_epochs=3, print_epochs=False)
            assert what not in ("NaN", "infinite")
        except (TrainingDiverged, ValueError) as error:
            assert what not in ("zeros", "ones", "denormal"), error
            assert "\n" not in str(error) and (
                "not finite" in str(error) or "loss is" in str(error)
            )
        assert all(np.isfinite(parameter.value).all() for parameter in network.parameters()), what


@pytest.mark.parametrize("kind", [GRU, LSTM, RNN])
def test_single_and_double_precision_stay_together_for_a_thousand_steps(kind: type) -> None:
    """1,000 steps with the same batches and noise in float32 and float64 stay close."""
    data = np.random.default_rng(3).uniform(-1, 1, (12, 10, SIZE))
    made = []
    for dtype in (np.float32, np.float64):
        rng = np.random.default_rng(2)
        flat = pack(Sequential(kind(SIZE, 24, rng=rng), Dense(24, SIZE, rng=rng)), dtype)
        start = flat.values.astype(np.float64)

        def loss(module: Module, batch: Piece, dtype=dtype) -> float:
            x = np.ascontiguousarray(data[batch.indices].transpose(1, 0, 2), dtype)
            y, cache = module.forward(x + 0.05 * batch.rng.standard_normal(x.shape).astype(dtype))
            value, dy = losses.mean_squared_error(y, x)
            module.backward(dy, cache)
            return value

        trainer = Trainer(
            flat, loss, Adam(0.9, 0.99), constant(1e-3), batch_size=6, clip=0.5, threads=1
        )
        made.append((trainer.run(12, 1000), flat.values.astype(np.float64)))
    (losses32, values32), (losses64, values64) = made
    # Measured: losses 1.3e-6 apart, weights 1.2e-6 of the way that they went.
    np.testing.assert_allclose(losses32, losses64, rtol=1e-5)
    assert np.linalg.norm(values32 - values64) < 1e-5 * np.linalg.norm(values64 - start)
    assert losses64[-1] < 0.02 * losses64[0]


def test_warnings_are_the_users_again_after_a_training() -> None:
    trainer = trainer_of(Sequential(Dense(SIZE, 2, rng=RNG)), NORMAL)
    trainer.run(3, 2)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        np.array([1e30], np.float32) * np.array([1e30], np.float32)
    assert len(seen) == 1
