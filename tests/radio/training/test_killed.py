"""A training in its own process, really killed: resumed from its checkpoint, the same bytes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neural_networks.training.checkpoint import load_arrays

ROOT = Path(__file__).parents[3]
STEPS = 320
SECONDS = 150.0  # for what takes a few, on a machine that is busy

SCRIPT = """
import sys, time
import numpy as np
from neural_networks.components.parameters import pack
from neural_networks.optimizers.schedules import Plateau
from neural_networks.vae.vae import VAE

checkpoint, result = sys.argv[1:3]
seconds, sleeps_at = float(sys.argv[3]), int(sys.argv[4])

class Slowly(Plateau):
    def __call__(self, step):
        time.sleep(60 if step == sleeps_at else seconds)
        return super().__call__(step)

network = VAE(
    dict(input_size=5, input_layers=(9, 4), output_layers=(4, 6)),
    dict(input_size=3, input_layers=(7, 4), output_layers=(4, 5)),
    3,
)
rng = np.random.default_rng(1)
history = network.train(
    rng.standard_normal((20, 3, 5)).astype(np.float32),
    batch_size=5, max_epochs=100, test_share=0.2, averaging=0.95, clip=1.0,
    patience=90, keep_best=True, learning_rate=Slowly(0.01, patience=8),
    checkpoint=checkpoint, checkpoint_minutes=0.02 / 60,
)
if not history.stopped:
    best = dict(best_step=history.best_step, best_loss=history.best_loss)
    np.savez(result, weights=pack(network).values, **best, **history.state())
"""


class Child:
    """The script above in a process."""

    def __init__(
        self, folder: Path, name: str, *, seconds: float = 0.003, sleeps_at: int = -1
    ) -> None:
        self.checkpoint, self.result = folder / f"{name}.npz", folder / f"{name}-result.npz"
        command = [
            sys.executable,
            "-c",
            SCRIPT,
            str(self.checkpoint),
            str(self.result),
            str(seconds),
            str(sleeps_at),
        ]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def steps(self) -> int:
        """Return the steps in the checkpoint, which must be whole even while it is written."""
        return (
            int(load_arrays(self.checkpoint)[0]["trainer/steps"]) if self.checkpoint.exists() else 0
        )

    def wait_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)

    def end(self) -> tuple[int, str, str]:
        """Return the exit code, what was printed and what was complained of."""
        try:
            output, errors = self.process.communicate(timeout=SECONDS)
        finally:
            self.process.kill()  # or its pipes would be left to another test
            self.process.wait()
        return self.process.returncode, output, errors


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The weights and history of a training that nobody disturbed."""
    child = Child(tmp_path_factory.mktemp("alone"), "alone", seconds=0)
    code, _, errors = child.end()
    assert code == 0 and not errors
    return dict(np.load(child.result))


def same(child: Child, alone: dict[str, np.ndarray]) -> None:
    with np.load(child.result) as result:
        assert set(result) == set(alone)
        for name, array in alone.items():
            assert result[name].tobytes() == array.tobytes(), name
    assert (
        alone["losses"].size > STEPS // 2
        and alone["rates"].min() < 0.01
        and 0 < alone["best_step"] <= STEPS
    )


def test_killed_three_times(tmp_path: Path, alone: dict[str, np.ndarray]) -> None:
    for least in (30, 100, 150):
        child = Child(tmp_path, "killed")
        child.wait_until(lambda least=least, child=child: child.steps() > least)
        child.process.send_signal(signal.SIGKILL)
        assert child.end()[0] == -signal.SIGKILL
    child = Child(tmp_path, "killed", seconds=0)
    code, output, errors = child.end()
    assert (
        code == 0
        and not errors
        and output.startswith(f"continuing from {child.checkpoint}, after ")
    )
    same(child, alone)


def test_ctrl_c_once_ends_cleanly_and_twice_at_once(
    tmp_path: Path, alone: dict[str, np.ndarray]
) -> None:
    child = Child(tmp_path, "stopped")
    child.wait_until(lambda: child.steps() > 30)
    child.process.send_signal(signal.SIGINT)
    code, output, errors = child.end()
    assert code == 0 and not errors
    assert (
        output.splitlines()[-1] == f"stopped after {child.steps():,} of {STEPS} steps; "
        f"the same call continues from {child.checkpoint}"
    )
    stopped = child.steps()

    child = Child(tmp_path, "stopped", sleeps_at=stopped + 40)  # a step that doesn't end in time
    child.wait_until(lambda: child.steps() > stopped + 20)
    time.sleep(0.3)
    before = child.steps()
    for _ in range(2):
        child.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    code, output, errors = child.end()
    assert code != 0 and "KeyboardInterrupt" in errors and "stopped after" not in output
    assert child.steps() == before and [path.name for path in tmp_path.iterdir()] == ["stopped.npz"]

    child = Child(tmp_path, "stopped", seconds=0)
    assert child.end()[0] == 0
    same(child, alone)
