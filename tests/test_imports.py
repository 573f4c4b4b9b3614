"""Imports run one way, heavy or optional libraries are imported where they are used, and no other framework is behind it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("neural_networks", "audio_parsing", "compression", "gan", "radio", "examples")
FRAMEWORKS = {
    "torch",
    "jax",
    "tensorflow",
    "autograd",
    "keras",
    "flax",
    "mxnet",
    "tinygrad",
    "theano",
    "sklearn",
    "librosa",
}
# what radio/screen/ is made of; that itself is imported where it is used, by `ai-radio play` on a
# terminal
SCREEN = {"textual", "rich"}
LATE = {"matplotlib", "sounddevice", "soundfile", "textual", "rich", "soxr", "blessed", "mpi4py"}

# A file may import from its own layer and from those before it. The first prefix that fits decides.
LAYERS = [
    ("neural_networks.components.kernels",),
    ("neural_networks.components.parameters",),
    ("neural_networks.components.module",),
    ("neural_networks.components", "neural_networks.sequences", "neural_networks.gradient_check"),
    ("neural_networks.optimizers",),
    ("neural_networks.parallel",),
    ("neural_networks.training",),
    ("neural_networks.autoencoder", "neural_networks.vae"),
    ("compression", "gan"),
    ("radio.errors",),
    ("radio.home",),
    ("radio.station",),
    ("radio.ratings",),
    ("radio.taste",),
    ("radio.training",),
    ("radio.composer",),
    ("radio.session",),
    ("radio.plain",),
    ("radio.screen",),
    ("radio.web",),
    ("radio.cli",),
    ("radio",),
    ("examples",),
]


def sources() -> list[Path]:
    return sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(tree: ast.AST, package: str, *, late: bool = True) -> Iterator[str]:
    """Yield the full names that a file imports, without those in functions if not `late`, nor those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: -node.level + 1 or None] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{name}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        elif late or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from imports(node, package, late=late)


def layer(name: str) -> int | None:
    for index, prefixes in enumerate(LAYERS):
        if any(
            name == prefix or name.startswith((f"{prefix}.", f"{prefix}_")) for prefix in prefixes
        ):
            return index
    return None


def parsed(path: Path) -> tuple[ast.Module, str]:
    name = module_name(path)
    return ast.parse(
        path.read_text(encoding="utf-8")
    ), name if path.name == "__init__.py" else name.rpartition(".")[0]


def faults(path: Path) -> list[str]:
    """Return what is wrong with a file's imports."""
    tree, package = parsed(path)
    name = module_name(path)
    own = layer(name)
    found = []
    for imported in imports(tree, package):
        top = imported.split(".")[0]
        if top in FRAMEWORKS:
            found.append(f"{name} imports the framework {top}")
        if top not in OURS or imported.startswith(f"{name}."):
            continue
        if name.startswith("audio_parsing"):
            if top != "audio_parsing":
                found.append(f"{name} imports {imported}: audio_parsing stands alone")
        elif top == "audio_parsing":
            if name.startswith("neural_networks") or name.startswith("gan"):
                found.append(f"{name} imports {imported}: networks know nothing of audio")
        elif own is not None and (layer(imported) or 0) > own:
            found.append(f"{name} imports {imported}: against the order of the layers")
    for imported in imports(tree, package, late=False):
        if name.startswith("radio.screen") and imported.split(".")[0] in SCREEN:
            continue
        if imported.split(".")[0] in LATE or (
            imported.startswith("radio.screen") and not name.startswith("radio.screen")
        ):
            found.append(f"{name} imports {imported} at start-up, not where it is used")
    return found


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_imports(path: Path) -> None:
    assert faults(path) == []


def test_every_module_of_the_networks_has_a_layer() -> None:
    unknown = [module_name(path) for path in sources() if layer(module_name(path)) is None]
    assert [
        name
        for name in unknown
        if name.split(".")[0] != "audio_parsing" and name != "neural_networks"
    ] == []


def test_the_test_finds_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    cases = {
        "neural_networks/components/dense.py": "from neural_networks.training.trainer import Trainer",
        "neural_networks/components/module.py": "from . import dense",
        "neural_networks/components/kernels/gru.py": "import neural_networks.components.parameters",
        "neural_networks/vae/vae.py": "def f():\n    import gan.critic",
        "neural_networks/training/trainer.py": "import audio_parsing.frames",
        "audio_parsing/frames.py": "from neural_networks.components.kernels import kernel",
        "gan/critic.py": "import torch",
        "radio/composer/composer.py": "try:\n    import sounddevice\nexcept ImportError:\n    pass",
        "radio/web/page.py": "from radio.screen.app import play_on_screen",
        "radio/screen/app.py": "import sounddevice",
        "radio/station/latent_map.py": "class Plot:\n    import matplotlib.pyplot as plt",
    }
    for name, text in cases.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        assert len(faults(path)) == 1, name
    path.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import matplotlib\ndef f():\n    import matplotlib"
    )
    assert faults(path) == []


def test_importing_the_library_loads_nothing_heavy() -> None:
    """A fresh interpreter that imports the networks has loaded neither plots nor sound devices."""
    names = [
        module_name(path) for path in sources() if path.is_relative_to(ROOT / "neural_networks")
    ]
    code = f"import sys, importlib\nfor name in {names}: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {name.split(".")[0] for name in done.stdout.split()} & (LATE | FRAMEWORKS)
