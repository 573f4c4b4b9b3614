"""Training by epochs: test losses, early stopping, checkpoints, divergence, progress, figures."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from compression.compression import CompressionInfo, train_compressor
from neural_networks.autoencoder.autoencoder import AutoEncoder
from neural_networks.components.parameters import pack
from neural_networks.optimizers.optimizers import SGD, Adam
from neural_networks.optimizers.schedules import cosine
from neural_networks.training import checkpoint
from neural_networks.training.batches import set_apart
from neural_networks.training.checkpoint import CheckpointError, load_arrays, save_arrays
from neural_networks.training.early_stop import EarlyStop
from neural_networks.training.history import History
from neural_networks.training.progress import Progress, duration
from neural_networks.training.trainer import TrainingDiverged
from neural_networks.training.trainer_file import TrainingFile, identity
from neural_networks.vae.vae import VAE

DATA = (
    np.random.default_rng(3).standard_normal((40, 3))
    @ np.random.default_rng(4).standard_normal((3, 8))
).astype(np.float32)


def network(**options: Any) -> AutoEncoder:
    return AutoEncoder((8, 3, 8), **options)


def vae() -> VAE:
    return VAE(
        dict(input_size=4, input_layers=(7, 3), output_layers=(3, 4)),
        dict(input_size=2, input_layers=(5, 3), output_layers=(3, 4)),
        2,
    )


def train(
    made: AutoEncoder | VAE, max_epochs: int = 12, data: np.ndarray = DATA, **options: Any
) -> History:
    options = {"batch_size": 7, "learning_rate": 0.01, "print_epochs": False} | options
    if isinstance(made, VAE):
        data = data.reshape(len(data), 2, 4)
    return made.train(data, max_epochs=max_epochs, **options)


def weights(made: AutoEncoder | VAE) -> bytes:
    return b"".join(parameter.value.tobytes() for parameter in made.parameters())


def stop_at(step: int) -> Any:
    """A learning rate that presses Ctrl-C in the middle of a step."""

    def rate(now: int) -> float:
        if now == step:
            os.kill(os.getpid(), signal.SIGINT)
        return 0.01

    return rate


@pytest.mark.parametrize("make", [network, vae])
@pytest.mark.parametrize("step", [0, 5, 33])
def test_a_stopped_training_goes_on_bit_for_bit(
    make, step: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = dict(
        test_share=0.2, averaging=0.9, clip=0.5, patience=40, keep_best=True
    )
    whole, resumed = make(), make()
    history = train(whole, **options)
    path = tmp_path / "training.npz"
    first = train(resumed, **options, checkpoint=path, learning_rate=stop_at(step))
    assert first.stopped and len(first.losses) == step + 1
    assert (
        capsys.readouterr().out
        == f"stopped after {step + 1} of 55 steps; the same call continues from {path}\n"
    )
    resumed = make()
    again = train(resumed, **options, checkpoint=path)
    assert (
        not again.stopped
        and again == history
        and len(history.losses) == len(history.norms) == len(history.rates) == 55
    )
    assert weights(resumed) == weights(whole)
    finished = train(make(), **options, checkpoint=path)
    assert finished == history


@pytest.mark.parametrize("make", [network, vae])
def test_one_thread_and_two_give_the_same_bytes(make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neural_networks.training.pieces._WORTH_A_THREAD", 0.0)
    one, two = make(), make()
    options: dict[str, Any] = dict(test_share=0.2, averaging=0.9, clip=0.5, patience=50)
    assert train(one, threads=1, **options) == train(two, threads=2, **options) and weights(
        one
    ) == weights(two)


def test_ctrl_c_draws_no_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert train(network(), checkpoint="c", graph=True, learning_rate=stop_at(3)).stopped
    assert os.listdir() == ["c"]
    train(network(), checkpoint="c", graph=True)
    assert sorted(os.listdir()) == ["c", "loss_over_time.png"]


def test_weights_that_were_best_before_the_stop_come_back(tmp_path: Path) -> None:
    def rate(step: int) -> float:
        if step == 40 and stops:
            os.kill(os.getpid(), signal.SIGINT)
        return 0.01 if step < 20 else 1.0

    whole, resumed = network(), network()
    options: dict[str, Any] = dict(test_share=0.2, keep_best=True, learning_rate=rate)
    stops = False
    history = train(whole, **options)
    assert history.best_step < 25
    stops = True
    assert train(resumed, **options, checkpoint=tmp_path / "c").stopped
    stops, resumed = False, network()
    assert train(resumed, **options, checkpoint=tmp_path / "c") == history
    assert weights(resumed) == weights(whole)


def test_a_finished_training_may_be_made_longer(tmp_path: Path) -> None:
    whole, longer = network(), network()
    history = train(whole, 20)
    train(longer, 8, checkpoint=tmp_path / "c")
    assert train(longer, 20, checkpoint=tmp_path / "c") == history and weights(longer) == weights(
        whole
    )


def test_a_checkpoint_is_written_every_so_often(tmp_path: Path) -> None:
    now = [0.0]
    file = TrainingFile(tmp_path / "c", 5, {"a": 1}, clock=lambda: now[0])
    assert not file.due()
    now[0] = 300
    assert file.due()
    file.save({})
    assert not file.due() and (tmp_path / "c").exists()
    now[0] = 601
    assert file.due()


def test_what_a_kill_left_of_a_write_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".c.x1y2.tmp").write_bytes(b"half a file")
    (tmp_path / ".other.x1y2.tmp").touch()
    train(network(), 1, checkpoint=tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.x1y2.tmp", "c"]


def test_without_a_checkpoint_ctrl_c_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        train(network(), learning_rate=stop_at(3))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_checkpoints_of_other_trainings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c"
    train(network(), 2, checkpoint=path)
    before = path.read_bytes()
    other = network()
    other.seed += 1
    cases: list[tuple[AutoEncoder, dict[str, Any], str]] = [
        (other, {}, rf"with seed {network().seed} \(now {other.seed}\); use the same"),
        (
            AutoEncoder((8, 4, 8)),
            {},
            r"with model AutoEncoder of 59 weights, layout \w+ \(now AutoEncoder of 76 weights",
        ),
        (AutoEncoder((8, 2, 3, 2, 8)), {}, "with model"),
        (
            network(),
            {"optimizer": SGD()},
            r"optimizer Adam\(beta1=0.9, beta2=0.999, epsilon=1e-08\) \(now SGD\(\)\)",
        ),
        (network(), {"optimizer": Adam(0.8)}, "optimizer"),
        (network(), {"data": DATA[:39]}, r"examples 40 \(now 39\)"),
        (network(), {"data": DATA + np.float32(1)}, r"with data checksum \w+ \(now"),
        (network(), {"test_share": 0.5}, r"test_examples 0 \(now 20\)"),
        (network(), {"batch_size": 8}, r"batch_size 7 \(now 8\)"),
        (network(), {"clip": 1.0}, r"clip None \(now 1.0\)"),
        (network(), {"averaging": 0.9}, r"averaging None \(now 0.9\)"),
        (network(), {"keep_best": True}, "has no weights of the lowest loss"),
    ]
    for made, options, words in cases:
        with pytest.raises(CheckpointError, match=words) as caught:
            train(made, 4, checkpoint=path, **options)
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_files_that_are_no_training_are_refused_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c"
    network().save(path)
    with pytest.raises(CheckpointError, match="not one of a training"):
        train(network(), checkpoint=path)
    for content in (b"", b"RIFF....WAVE"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="not a checkpoint"):
            train(network(), checkpoint=path)
        assert path.read_bytes() == content
    path.unlink()
    train(network(), 2, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(CheckpointError, match="damaged"):
        train(network(), checkpoint=path)
    path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "SCHEMA_VERSION", 9)
        train(network(), 2, checkpoint=path)
    with pytest.raises(CheckpointError, match="newer version"):
        train(network(), checkpoint=path)
    with pytest.raises(CheckpointError, match="there is no folder .*nowhere"):
        train(network(), checkpoint=tmp_path / "nowhere" / "c")
    with pytest.raises(CheckpointError, match="cannot be read"):
        train(network(), checkpoint=tmp_path)


def test_arrays_that_are_missing_or_misshapen_are_one_line(tmp_path: Path) -> None:
    """Each array of a checkpoint missing, cut short, or text: refused in one line, or harmless."""
    path = tmp_path / "c"
    options: dict[str, Any] = dict(checkpoint=path, test_share=0.2, averaging=0.9, keep_best=True)
    train(network(), 2, **options)
    arrays, configuration = load_arrays(path)
    harmless = []
    for name, array in arrays.items():
        for wrong in (None, array.ravel()[:-1], np.array(["x"])):
            save_arrays(
                path,
                {key: value for key, value in arrays.items() if key != name}
                | ({} if wrong is None else {name: wrong}),
                configuration,
            )
            try:
                train(network(), 3, **options)
            except CheckpointError as error:
                assert "\n" not in str(error) and "can't be used" in str(error)
            else:
                harmless.append(name)
    assert harmless == []


def test_a_full_disk_does_not_end_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def full_at_first(*args: Any) -> None:
        calls.append(args)
        if len(calls) < 3:
            raise OSError(28, "No space left on device")
        save_arrays(*args)

    monkeypatch.setattr("neural_networks.training.trainer_file.save_arrays", full_at_first)
    train(network(), 2, checkpoint=tmp_path / "c", checkpoint_minutes=0)
    assert len(calls) == 12  # after each of 12 steps but the last, and at the end
    assert (
        capsys.readouterr().out.count(
            "could not be written (No space left on device); the training continues"
        )
        == 2
    )


def test_divergence_leaves_good_weights_and_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "c"
    made, kept = network(), network()
    train(kept, 3, optimizer=SGD(), learning_rate=0.01)
    train(made, 3, optimizer=SGD(), learning_rate=0.01, checkpoint=path)
    before = path.read_bytes()
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            TrainingDiverged,
            match="last good weights are kept; lower the learning rate, now 1e\\+30",
        ),
    ):
        train(network(), 9, optimizer=SGD(), learning_rate=1e30, checkpoint=path)
    assert np.isfinite(pack(made).values).all()
    assert path.read_bytes() == before
    again = network()
    train(again, 3, optimizer=SGD(), learning_rate=0.01, checkpoint=path)
    assert weights(again) == weights(kept)
    with np.errstate(all="ignore"), pytest.raises(TrainingDiverged):
        train(
            network(), 9, optimizer=SGD(), learning_rate=1e15, checkpoint=path, checkpoint_minutes=0
        )
    # what it holds gives a finite loss
    train(again, 4, optimizer=SGD(), learning_rate=0.0, checkpoint=path)
    assert np.isfinite(pack(again).values).all()


def test_data_and_options_out_of_range_are_refused(tmp_path: Path) -> None:
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="data holds numbers that are not finite"):
            train(network(), data=np.where(DATA > 2, np.float32(bad), DATA))
    with pytest.raises(ValueError, match="patience is 1 or more, not 0"):
        train(network(), patience=0)
    with pytest.raises(ValueError, match="max_epochs is a whole number from 0 on, not -1"):
        train(network(), -1)
    with pytest.raises(ValueError, match="checkpoint_minutes is 0 or more, not -1"):
        train(network(), checkpoint=tmp_path / "c", checkpoint_minutes=-1)
    with pytest.raises(TypeError, match="patiense"):
        train(network(), patiense=3)
    with pytest.raises(ValueError, match="not both"):
        train(network(), test_share=0.1, test_data=DATA)


@pytest.mark.parametrize("make", [network, vae])
def test_the_test_set_is_not_trained_on(make) -> None:
    """What is kept apart may change without any change of the weights; the test losses change."""
    made = make()
    rows = rows_of_the_test(made.seed)
    changed = DATA.copy()
    changed[rows] += 1
    other = make()
    first, second = train(made, test_share=0.25), train(other, data=changed, test_share=0.25)
    assert weights(made) == weights(other) and first.losses == second.losses
    assert (
        len(first.test_losses) == len(second.test_losses) > 5
        and first.test_losses != second.test_losses
    )


def rows_of_the_test(seed: int) -> np.ndarray:
    return set_apart(np.arange(40), None, test_share=0.25, seed=seed)[1]


def test_the_test_loss_is_that_of_all_of_them() -> None:
    made = network()
    history = train(made, 3, test_data=DATA[:16] * 0.5, batch_size=7)  # pieces of 7, 7 and 2
    error = np.square(made.feedforward(DATA[:16] * 0.5) - DATA[:16] * 0.5).mean()
    assert history.test_losses[-1] == (18, pytest.approx(error, rel=1e-5))


def test_an_early_stop_keeps_the_best_weights(capsys: pytest.CaptureFixture[str]) -> None:
    """A growing rate ruins the weights; the training ends with those of the lowest test loss."""
    made = network()
    history = train(
        made,
        400,
        test_share=0.25,
        patience=20,
        learning_rate=lambda step: 0.01 if step < 300 else 0.3,
        print_epochs=True,
    )
    assert "the test loss has stopped falling" in capsys.readouterr().out
    assert len(history.losses) < 400 * 30 // 7
    lowest = min(loss for _, loss in history.test_losses)
    assert history.best_loss == lowest and (history.best_step, lowest) in history.test_losses
    rows = rows_of_the_test(made.seed)
    assert np.square(made.feedforward(DATA[rows]) - DATA[rows]).mean() == pytest.approx(
        lowest, rel=1e-5
    )
    assert history.test_losses[-1][1] > 1.1 * lowest
    last = network()
    other = train(
        last,
        400,
        test_share=0.25,
        patience=20,
        learning_rate=lambda step: 0.01 if step < 300 else 0.3,
        keep_best=False,
    )
    assert other.losses == history.losses and weights(last) != weights(made)


def test_the_training_loss_may_stop_a_training_too() -> None:
    history = train(network(), 3000, patience=30, keep_best=True)
    assert len(history.losses) < 3000 * 40 // 7 and history.best_step % 6 == 0
    assert history.best_loss == pytest.approx(
        np.mean(history.losses[history.best_step - 6 : history.best_step])
    )


def test_early_stop_counts_noticeable_progress_only() -> None:
    values = np.zeros(2)
    stop = EarlyStop(3, values)
    for step, loss in enumerate([1.0, 0.9995, 0.9994], 1):
        values[:] = step
        stop.observe(step, loss, values)
        assert not stop.reached
    assert (stop.best_step, stop.best_loss) == (3, 0.9994) and (stop.best_values == 3).all()
    copied = EarlyStop(3, values)
    copied.restore(stop.state())
    for one in (stop, copied):
        one.observe(4, 0.9993, values)
        assert one.reached
    negative = EarlyStop(2)
    for step, loss in enumerate([-1.0, -0.9995, -0.9999], 1):
        negative.observe(step, loss, values)
    assert negative.reached and negative.best_step == 1
    broken = EarlyStop(2)
    for step in (1, 2):
        broken.observe(step, float("nan"), values)
    assert broken.reached and broken.best_step == 0


def test_the_average_is_tested_and_remains() -> None:
    made, plain = network(), network()
    history = train(made, averaging=0.9, test_data=DATA[:5], learning_rate=cosine(0.01, 60))
    assert train(plain, learning_rate=cosine(0.01, 60)).losses == history.losses
    assert weights(made) != weights(plain)
    error = np.square(made.feedforward(DATA[:5]) - DATA[:5]).mean()
    assert history.test_losses[-1][1] == pytest.approx(error, rel=1e-5)


def test_lines_tell_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    progress = Progress(60, 20, 40, 40, clock=lambda: now[0])
    for step in range(1, 61):
        now[0] += 25
        progress.step(step, 1 / step, 0.5 if step > 30 else None)
    lines = capsys.readouterr().out.splitlines()
    # after a minute of silence
    assert lines[0] == "epoch 4 of 60: loss 0.25, 2 examples a second, 23 min left"
    assert "epoch 20 of 60: loss 0.05, 2 examples a second, 17 min left" in lines
    assert lines[-1] == "epoch 60 of 60: loss 0.01667, test loss 0.5, 2 examples a second, 0 s left"
    assert [duration(seconds) for seconds in (3.4, 119, 600, 9000)] == [
        "3 s",
        "119 s",
        "10 min",
        "2.5 h",
    ]
    train(network(), 40, print_epochs=True, batch_size=40)
    lines = capsys.readouterr().out.splitlines()
    assert (
        len(lines) == 20
        and lines[0].startswith("epoch 2 of 40: loss ")
        and lines[-1].endswith("examples a second, 0 s left")
    )


def test_compression_takes_the_options(tmp_path: Path) -> None:
    sound = np.sin(np.arange(3000) ** 1.5 / 40).astype(np.float32)
    infos = [CompressionInfo(100, 10, hidden=(16,)) for _ in range(2)]
    train_compressor([sound], infos[0], 6, print_epochs=False, test_share=0.2)
    train_compressor(
        [sound], infos[1], 3, print_epochs=False, test_share=0.2, checkpoint=tmp_path / "c"
    )
    history = train_compressor(
        [sound], infos[1], 6, print_epochs=False, test_share=0.2, checkpoint=tmp_path / "c"
    )
    first, second = (info.autoencoder for info in infos)
    assert (
        first is not None
        and second is not None
        and weights(first) == weights(second)
        and history.test_losses
    )


def test_identity_does_not_depend_on_the_data_layout() -> None:
    made = network()
    one, two = (identity(made, Adam(), [array]) for array in (DATA, np.asfortranarray(DATA)))
    assert one == two != identity(made, Adam(), [DATA.reshape(20, 16)]) and identity(
        made, Adam(), [DATA[:0]]
    )


def test_figures(tmp_path: Path) -> None:
    history = train(network(), 5, test_data=DATA[:4], patience=90)
    figure, axes = plt.subplots(1, 2)
    assert history.plot_losses(axes[0]) is axes[0] and history.plot_steps(axes[1]) is axes[1]
    assert len(axes[0].get_lines()) == 3 and axes[1].get_ylabel() == "norm of the gradient"
    assert len(history.figure().axes) == 3 and len(History([1.0, 0.5]).figure().axes) == 1
    assert History([1.0]).plot_losses().figure is not figure
    plt.close("all")
    assert history.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in history.save(str(tmp_path / "a.svg")).read_bytes()
    with pytest.raises(ValueError, match="ends in .png or .svg, not '.pdf'"):
        history.save(tmp_path / "a.pdf")
    assert History().save(tmp_path / "empty.png").exists() and not plt.get_fignums()
    long = History([step % 2 + 0.1 for step in range(50_001)])
    (line,) = long.plot_losses().get_lines()
    assert len(line.get_xdata()) <= 4000 and np.abs(line.get_ydata() - 0.6).max() < 0.04
    assert line.get_xdata()[0] == 7 and 49_980 < line.get_xdata()[-1] < 50_001
    plt.close("all")
