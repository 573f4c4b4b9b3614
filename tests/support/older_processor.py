"""Programs run as on an older processor, which Numba compiles for when it is told to.

The program defines `results(rng)`, which yields arrays. Only the tiles are compiled for the older
processor: the plain loops beside them are this processor's, which other tests need too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import codegen

from neural_networks.components.kernels.simd import cell

ROOT = Path(__file__).parents[2]
# what each processor does not have
NEWER = {
    "haswell": ("+avx512", "+amx"),
    "x86-64": ("+avx", "+fma", "+f16c", "+amx", "+vaes", "+vpcl", "+xop"),
}
needs_avx2 = pytest.mark.skipif(
    "+avx2" not in codegen.get_host_cpu_features(),
    reason="a processor with AVX2 is needed to play an older one",
)


def results_on(processor: str, program: str, folder: Path) -> tuple[str, list[np.ndarray]]:
    """Run a program as on an older processor; return the tile chosen there, and the results."""
    features = codegen.get_host_cpu_features().split(",")
    older = ["-" + f[1:] if f.startswith(NEWER[processor]) else f for f in features]
    path = folder / "results.npz"
    code = (
        f"{program}\n"
        "from neural_networks.components.kernels.simd.vector import TILE\n"
        f"np.savez({str(path)!r}, *results(np.random.default_rng(0)))\n"
        "print(TILE)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            "NUMBA_CPU_NAME": processor,
            "NUMBA_CPU_FEATURES": ",".join(older),
        },
        capture_output=True,
        text=True,
        timeout=380,
    )
    assert done.returncode == 0, done.stderr
    with np.load(path) as arrays:
        return done.stdout.strip(), list(arrays.values())


def results_of_loops(program: str, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Run a program on this processor, with plain loops in place of the tiles."""
    monkeypatch.setattr(cell, "TILE", None)
    space: dict[str, Any] = {}
    exec(program, space)
    return list(space["results"](np.random.default_rng(0)))
