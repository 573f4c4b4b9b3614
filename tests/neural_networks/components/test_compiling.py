"""The first training on a machine announces that kernels are compiled, the next one does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neural_networks.components.kernels.announce import WAIT

ROOT = Path(__file__).parents[3]
TRAINING = """
import numpy as np
from neural_networks.autoencoder.autoencoder import AutoEncoder
network = AutoEncoder(layers=(4, 2, 4))
network.train(np.ones((3, 4), np.float32), max_epochs=2, print_epochs={})
"""


@pytest.mark.parametrize("printing, lines", [(True, [1, 0]), (False, [0, 0])])
def test_one_line_at_the_first_start(printing: bool, lines: list[int], tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for expected in lines:
        result = subprocess.run(
            [sys.executable, "-c", TRAINING.format(printing)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout.count(WAIT) == expected and not result.stderr
        assert ("epoch 2 of 2" in result.stdout) == printing
