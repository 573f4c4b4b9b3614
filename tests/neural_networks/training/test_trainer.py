"""Trainer: the same bytes on one thread and two, resume bit for bit, divergence, the golden run."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from neural_networks.components.activations import Tanh
from neural_networks.components.dense import Dense
from neural_networks.components.losses import mean_squared_error
from neural_networks.components.module import Sequential
from neural_networks.components.parameters import pack
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
from neural_networks.optimizers.schedules import Plateau, constant, cosine
from neural_networks.training.checkpoint import load_arrays, save_arrays
from neural_networks.training.trainer import Piece, Trainer, TrainingDiverged

COUNT = 33
INPUTS = np.random.default_rng(5).standard_normal((COUNT, 6)).astype(np.float32)
TARGETS = np.tanh(INPUTS[:, :2] * 2 - INPUTS[:, 2:4])


def loss(module: Sequential, batch: Piece) -> float:
    noise = 0.1 * batch.rng.standard_normal((batch.indices.size, 6)).astype(np.float32)
    y, cache = module.forward(INPUTS[batch.indices] + noise)
    value, dy = mean_squared_error(y, TARGETS[batch.indices])
    module.backward(dy, cache)
    return value


def trainer(
    function=loss,
    *,
    threads: int | None = None,
    batch_size: int = 9,
    schedule=None,
    optimizer=None,
    **options,
) -> Trainer:
    rng = np.random.default_rng(0)
    network = Sequential(Dense(6, 16, rng=rng), Tanh(), Dense(16, 2, rng=rng))
    return Trainer(
        pack(network),
        function,
        optimizer or Adam(),
        schedule or cosine(1e-2, 200),
        batch_size=batch_size,
        threads=threads,
        **options,
    )


def test_golden_run() -> None:
    losses = trainer(seed=7, clip=0.5).run(COUNT, 10)
    golden = [
        0.91820158,
        1.0271749,
        0.65128726,
        0.87617432,
        0.4414746,
        0.51436732,
        0.53106682,
        0.48515907,
        0.47142526,
        0.21867321,
    ]
    np.testing.assert_allclose(losses, golden, rtol=2e-5)


def test_training_learns() -> None:
    losses = trainer(clip=1.0).run(COUNT, 200)
    assert losses[-20:].mean() < 0.2 * losses[:5].mean()


@pytest.mark.parametrize("batch_size", [1, 2, 9, 33, 100])
def test_one_thread_and_two_give_the_same_bytes(
    batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # even these tiny pieces go to threads
    monkeypatch.setattr("neural_networks.training.pieces._WORTH_A_THREAD", 0.0)
    threads_seen = set()

    def watched(module: Sequential, batch: Piece) -> float:
        threads_seen.add(threading.get_ident())
        return loss(module, batch)

    one = trainer(batch_size=batch_size, threads=1)
    two = trainer(watched, batch_size=batch_size, threads=2)
    np.testing.assert_array_equal(one.run(COUNT, 40), two.run(COUNT, 40))
    np.testing.assert_array_equal(one.parameters.values, two.parameters.values)
    assert len(threads_seen) == (1 if batch_size == 1 else 2)


@pytest.mark.parametrize(
    "optimizer", [SGD, Momentum, Nesterov, Adagrad, Adadelta, RMSprop, Adam, AdamW, AdamTaperoff]
)
def test_every_optimizer_clipped_and_averaged_gives_the_same_bytes(
    optimizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread, two threads, and two threads that go on from a state in the middle."""
    monkeypatch.setattr("neural_networks.training.pieces._WORTH_A_THREAD", 0.0)

    def make(threads: int) -> Trainer:
        return trainer(optimizer=optimizer(), threads=threads, clip=0.3, averaging=0.9, seed=2)

    one, two, resumed = make(1), make(2), make(2)
    losses = one.run(COUNT, 30)
    np.testing.assert_array_equal(two.run(COUNT, 13), losses[:13])
    resumed.restore(two.state())
    np.testing.assert_array_equal(two.run(COUNT, 30), losses[13:])
    np.testing.assert_array_equal(resumed.run(COUNT, 30), losses[13:])
    state = one.state()
    for other in (two, resumed):
        assert other.state().keys() == state.keys()
        for name, array in other.state().items():
            assert array.tobytes() == state[name].tobytes(), name
    assert (one.average.values != one.parameters.values).any()


def test_pieces_weigh_by_their_share() -> None:
    """The gradient of 5 examples in pieces of 3 and 2 is the gradient of their mean loss."""

    def quiet(module: Sequential, batch: Piece) -> float:
        seen.append(batch.indices)
        y, cache = module.forward(INPUTS[batch.indices])
        value, dy = mean_squared_error(y, TARGETS[batch.indices])
        module.backward(dy, cache)
        return value

    seen: list[np.ndarray] = []
    made = trainer(quiet, batch_size=5, optimizer=SGD(), schedule=constant(0.0), threads=1)
    value = made.step(COUNT)
    assert [indices.size for indices in seen] == [3, 2]
    indices, twin = np.concatenate(seen), made.parameters.twin()
    assert quiet(twin.module, Piece(indices, 0, np.random.default_rng(0))) == pytest.approx(
        value, rel=1e-6
    )
    np.testing.assert_allclose(made.parameters.grads, twin.grads, rtol=1e-4, atol=1e-7)
    assert made.norm == pytest.approx(float(np.linalg.norm(twin.grads)), rel=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("batch_size", [3, 9, 12])
def test_processes_share_out_the_pieces(size: int, batch_size: int) -> None:
    """The processes' gradients add up to that of one process; those without pieces do nothing."""

    class Process:
        local = 1

        def __init__(self, rank: int) -> None:
            self.rank, self.size = rank, size

        def add(self, vector: np.ndarray) -> None:
            said.append(vector.copy())

    alone = trainer(batch_size=batch_size, optimizer=SGD(), schedule=constant(0.0), pieces=5)
    value = alone.step(COUNT)
    two_threads = trainer(
        batch_size=batch_size, optimizer=SGD(), schedule=constant(0.0), pieces=5, threads=2
    )
    assert (
        two_threads.step(COUNT) == value
        and (two_threads.parameters.grads == alone.parameters.grads).all()
    )
    said: list[np.ndarray] = []
    for rank in range(size):
        trainer(
            batch_size=batch_size,
            optimizer=SGD(),
            schedule=constant(0.0),
            pieces=5,
            communicator=Process(rank),
        ).step(COUNT)
    if size > 1:
        np.testing.assert_allclose(
            sum(said), np.append(alone.parameters.grads, value), rtol=1e-4, atol=1e-6
        )
        if batch_size > 5:
            assert sum(vector.any() for vector in said) == min(size, 5)


def test_every_example_comes_once_an_epoch() -> None:
    seen: list[int] = []

    def note(module: Sequential, batch: Piece) -> float:
        seen.extend(batch.indices)
        return loss(module, batch)

    trainer(note, batch_size=8, threads=1).run(COUNT, COUNT)  # 8 epochs
    assert len(seen) == 8 * COUNT
    epochs = np.array(seen).reshape(8, COUNT)
    assert (np.sort(epochs, axis=1) == np.arange(COUNT)).all()
    assert len({tuple(epoch) for epoch in epochs}) == 8


@pytest.mark.parametrize("stop", [1, 4, 20])
def test_resume_is_bit_for_bit(stop: int, tmp_path) -> None:
    def make() -> Trainer:
        return trainer(clip=0.3, seed=3, schedule=Plateau(1e-2, patience=2, smoothing=0.0))

    whole = make()
    losses = whole.run(COUNT, 40)
    first = make()
    before = first.run(COUNT, stop)
    save_arrays(tmp_path / "state", first.state(), {})
    second = make()
    second.restore(load_arrays(tmp_path / "state")[0])
    after = second.run(COUNT, 40)
    np.testing.assert_array_equal(np.concatenate([before, after]), losses)
    np.testing.assert_array_equal(second.parameters.values, whole.parameters.values)
    assert second.steps == 40 and second.schedule(40) == whole.schedule(40) < 1e-2


def test_a_state_holds_what_it_always_held() -> None:
    """Half-finished trainings of stations are made of these names, and go on in later versions."""
    made = trainer()
    made.step(COUNT)
    assert set(made.state()) == {
        "seed",
        "steps",
        "values",
        "optimizer.steps",
        "optimizer.first",
        "optimizer.second",
    }


def test_a_state_that_does_not_fit_is_refused() -> None:
    state = trainer().state()
    with pytest.raises(ValueError, match="seed 0, this trainer has 1"):
        trainer(seed=1).restore(state)
    with pytest.raises(ValueError, match="3 values, this model has 146"):
        trainer().restore(state | {"values": np.zeros(3)})
    for name in ("seed", "steps"):
        with pytest.raises(ValueError, match=f"has no {name}"):
            trainer().restore({key: array for key, array in state.items() if key != name})
    with pytest.raises(ValueError, match="3 numbers in first, this model has 146 values"):
        trainer().restore(
            state | {"optimizer.first": np.zeros(3), "optimizer.second": np.zeros(146)}
        )
    with pytest.raises(ValueError, match="not finite"):
        trainer().restore(state | {"values": state["values"] * np.nan})
    with pytest.raises(ValueError, match="has no average of the weights, this trainer keeps one"):
        trainer(averaging=0.9).restore(state)
    averaged = trainer(averaging=0.9).state()
    with pytest.raises(ValueError, match="has an average of the weights, this trainer keeps none"):
        trainer().restore(averaged)
    with pytest.raises(ValueError, match="average of the weights is not whole"):
        trainer(averaging=0.9).restore(averaged | {"average.values": np.zeros(3)})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_divergence_keeps_the_last_good_values(bad: float, where: str) -> None:
    kept: list[np.ndarray] = []

    def failing(module: Sequential, batch: Piece) -> float:
        if batch.step == 5:
            if where == "loss":
                return bad
            module.layers[0].weight.grad[2, 3] = bad
        elif batch.step == 4:
            kept.append(made.parameters.values.copy())
        return loss(module, batch)

    made = trainer(failing, threads=1)
    with pytest.raises(TrainingDiverged, match="step 6: .*last good weights are kept"):
        made.run(COUNT, 20)
    np.testing.assert_array_equal(made.parameters.values, kept[0])
    assert made.steps == 5


def test_a_rate_far_too_high_ends_in_the_clear_error() -> None:
    def linear(module: Sequential, batch: Piece) -> float:
        y, cache = module.layers[0].forward(INPUTS[batch.indices])
        value, dy = mean_squared_error(y, np.zeros_like(y))
        module.layers[0].backward(dy, cache)
        return value

    made = trainer(linear, optimizer=SGD(), schedule=constant(1e6))
    with np.errstate(all="ignore"), pytest.raises(TrainingDiverged):
        made.run(COUNT, 1000)
    assert np.isfinite(made.parameters.values).all()


def test_the_error_says_what_to_do() -> None:
    made = trainer(
        lambda module, batch: np.nan if batch.step == 3 else loss(module, batch),
        schedule=constant(0.5),
        clip=2.0,
    )
    with pytest.raises(
        TrainingDiverged,
        match="step 4: the loss is nan; .* rate, now 0.5, or clip the gradient below 2$",
    ):
        made.run(COUNT, 9)
    with pytest.raises(
        TrainingDiverged, match="step 1: .*look for numbers in the data that are huge or not finite"
    ):
        trainer(lambda module, batch: np.inf).run(COUNT, 9)


def test_weights_that_the_last_step_broke_are_noticed() -> None:
    made = trainer(optimizer=SGD(), schedule=lambda step: 1e38 if step == 2 else 0.1)
    made.run(COUNT, 2)
    made.require_finite()
    kept = made.parameters.values.copy()
    made.parameters.values *= np.float32(1e6)
    made.step()
    with pytest.raises(TrainingDiverged, match="the weights are not finite"):
        made.require_finite()
    np.testing.assert_array_equal(made.parameters.values, kept * np.float32(1e6))


def test_the_average_is_lent() -> None:
    made = trainer(averaging=0.9)
    made.run(COUNT, 5)
    last = made.parameters.values.copy()
    with made.averaged():
        np.testing.assert_array_equal(made.parameters.values, made.average.values)
    np.testing.assert_array_equal(made.parameters.values, last)


def test_progress_and_stop() -> None:
    calls: list[tuple[int, int, float]] = []
    made = trainer()
    losses = made.run(
        COUNT, 50, progress=lambda *call: calls.append(call), should_stop=lambda: len(calls) == 7
    )
    assert [step for step, _, _ in calls] == list(range(1, 8)) and calls[0][1] == 50
    np.testing.assert_array_equal([value for *_, value in calls], losses)


def test_ctrl_c_waits_for_the_end_of_the_step() -> None:
    def interrupting(module: Sequential, batch: Piece) -> float:
        if batch.step == 3 and batch.indices.size == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(module, batch)

    made = trainer(interrupting, threads=1)
    with pytest.raises(KeyboardInterrupt):
        made.run(COUNT, 20)
    whole = trainer(threads=1)
    whole.run(COUNT, 4)
    assert made.steps == 4
    np.testing.assert_array_equal(made.parameters.values, whole.parameters.values)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("thread", [0, 1])
def test_an_error_in_either_half_reaches_the_caller(
    thread: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neural_networks.training.pieces._WORTH_A_THREAD", -1.0)
    made = trainer(lambda module, batch: 1 / (batch.indices.size - 5 + thread), threads=2)
    with pytest.raises(ZeroDivisionError):
        made.run(COUNT, 3)


def test_impossible_trainings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one example, not 0"):
        trainer(batch_size=0)
    with pytest.raises(ValueError, match="no examples"):
        trainer().step()
    with pytest.raises(ValueError, match="positive number, not 0"):
        trainer(clip=0)
    with pytest.raises(ValueError, match="from 0 to less than 1, not 1"):
        trainer(averaging=1)
