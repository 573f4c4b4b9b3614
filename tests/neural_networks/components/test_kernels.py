"""The kernels: matrix products of all shapes, the cache on disk."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest

import audio_parsing
import compression
import gan
import neural_networks
from neural_networks.components import kernels
from neural_networks.components.kernels.simd.matrix import multiply

ROOT = Path(__file__).parents[3]
CELLS = """
import sys, numpy as np
from neural_networks.components.gru import GRU
from neural_networks.components.parameters import pack
from neural_networks.components.recurrent import Recurrent
rng = np.random.default_rng(0)
cells = {"GRU": GRU(2, 7, rng=rng), "Recurrent": Recurrent(2, (5, 4, 3), (3, 6, 2), rng=rng)}
x = rng.standard_normal((6, 3, 2)).astype(np.float32)
for name in sys.argv[1:]:
    pack(cells[name])
    print(name, cells[name].forward(x)[0].tobytes().hex())
"""


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape",
    [(1, 1, 1), (5, 9, 7), (8, 40, 64), (3, 600, 33), (70, 300, 530), (16, 0, 4), (0, 3, 4)],
    ids=str,
)
def test_products(shape: tuple, dtype: type, rng: np.random.Generator) -> None:
    rows, depth, columns = shape
    for transpose_left in (False, True):
        for transpose_right in (False, True):
            left, right = (
                rng.standard_normal((rows, depth)).astype(dtype),
                rng.standard_normal((depth, columns)).astype(dtype),
            )
            expected = left.astype(np.float64) @ right.astype(np.float64)
            left = np.ascontiguousarray(left.T).T if transpose_left else left
            right = np.ascontiguousarray(right.T).T if transpose_right else right
            start = rng.standard_normal((rows, columns)).astype(dtype)
            tolerance = 1e-6 * max(depth, 1) ** 0.5 if dtype is np.float32 else 1e-12
            np.testing.assert_allclose(
                multiply(np.full_like(start, np.nan), left, right),
                expected,
                rtol=0,
                atol=10 * tolerance,
            )
            np.testing.assert_allclose(
                multiply(start.copy(), left, right, add=True),
                start + expected,
                rtol=0,
                atol=10 * tolerance,
            )


def test_products_of_cut_out_matrices(rng: np.random.Generator) -> None:
    left, right = (
        rng.standard_normal((9, 20)).astype(np.float32)[:, 3:11],
        rng.standard_normal((16, 30)).astype(np.float32)[::2, 5:],
    )
    np.testing.assert_allclose(
        multiply(np.empty((9, 25), np.float32), left, right), left @ right, rtol=0, atol=1e-5
    )


def test_products_that_do_not_fit() -> None:
    for out, left, right in (
        ((2, 3), (2, 4), (5, 3)),
        ((2, 3), (3, 4), (4, 3)),
        ((2, 2), (2, 4), (4, 3)),
    ):
        with pytest.raises(ValueError, match="can't be written"):
            multiply(*(np.zeros(shape, np.float32) for shape in (out, left, right)))


def test_a_changed_kernel_file_is_compiled_again(tmp_path: Path) -> None:
    (tmp_path / "kernels.py").write_text(
        Path(kernels.__file__).read_text(encoding="utf-8"), encoding="utf-8"
    )
    caller = (
        "import numba, kernels, kernels_inner\n\n"
        "@kernels.kernel\ndef outer(x):\n    return kernels_inner.inner(x)\n"
    )
    (tmp_path / "kernels_outer.py").write_text(caller, encoding="utf-8")
    program = (
        "import numpy as np, kernels_outer as k; "
        "print(int(k.outer(1)), sum(k.outer.stats.cache_hits.values()))"
    )
    found = []
    for value in (10, 10, 20):
        inner = f"import numba\n\n@numba.njit\ndef inner(x):\n    return x + {value}\n"
        (tmp_path / "kernels_inner.py").write_text(inner, encoding="utf-8")
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("NUMBA_CACHE_DIR", None)
        result = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
        )
        found.append(result.stdout.strip() or result.stderr)
    assert found == ["11 0", "11 1", "21 0"]


def test_compiled_functions_have_names_of_their_own() -> None:
    # of two with one name, from the caches of two processes, the linker keeps one
    found: dict[tuple[str, str], object] = {}
    for package in (audio_parsing, compression, gan, neural_networks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                function = getattr(value, "py_func", value)
                if isinstance(function, FunctionType) and function.__module__ == module.name:
                    name = function.__module__, function.__qualname__
                    assert found.setdefault(name, function) is function, f"two are named {name}"
    assert sum(name.startswith("multiply_panels_") for _, name in found) == 3


def test_kernels_from_the_caches_of_two_processes_compute_what_each_did(tmp_path: Path) -> None:
    def computed(*cells: str) -> list[str]:
        return subprocess.run(
            [sys.executable, "-c", CELLS, *cells],
            cwd=ROOT,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=200,
        ).stdout.splitlines()

    apart = computed("GRU") + computed("Recurrent")
    assert computed("GRU", "Recurrent") == apart
    assert computed("Recurrent", "GRU") == apart[::-1]


def test_without_a_place_for_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(x: float) -> float:
        return x + x

    original = kernels.numba.njit

    def refuse(**options: object):  # type: ignore[no-untyped-def]
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available for file")
        return original(**options)

    monkeypatch.setattr(kernels.numba, "njit", refuse)
    assert kernels.kernel(twice)(2.0) == 4.0
