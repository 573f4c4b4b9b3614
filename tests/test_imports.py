"""Imports run one way, without circles; heavy libraries are imported late, frameworks never."""

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
    ("neural_networks.components.module",),
    ("neural_networks.components.parameters",),
    (
        "neural_networks.components",
        "neural_networks.sequences",
        "neural_networks.contract_check",
        "neural_networks.gradient_check",
    ),
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
    ("radio.remote",),
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
    """Yield the full names that a file imports, not for type checkers, maybe not in functions."""
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
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tree, name if path.stem == "__init__" else name.rpartition(".")[0]


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


def module_graph(paths: list[Path]) -> dict[str, set[str]]:
    """Return which modules each file imports: at start-up, late, or for type checkers only."""
    files = {module_name(path): parsed(path) for path in paths}
    # A package with a stub imports the names of the stub when they are first used.
    exported = {
        module_name(stub.with_suffix(".py")): parsed(stub)
        for path in paths
        if (stub := path.with_suffix(".pyi")).exists()
    }

    def all_imports(module: str, *, public: bool = False) -> Iterator[tuple[str, str]]:
        """Yield the full name of each import, and the name that it has in the file."""
        tree, package = (public and exported.get(module)) or files[module]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, alias.asname or alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package.split(".")[: -node.level + 1 or None] if node.level else []
                home = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    yield f"{home}.{alias.name}", alias.asname or alias.name

    def definer(name: str) -> str | None:
        """Return the module that a full name is, or that defines it; None if it is not ours."""
        if name in files:
            return name
        home, _, attribute = name.rpartition(".")
        if home not in files:
            return definer(home) if home else None
        for original, local in all_imports(home, public=True):
            if local == attribute and original != name:
                return definer(original) or home
        return home

    return {
        module: {found for name, _ in all_imports(module) if (found := definer(name))}
        for module in files
    }


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, directly or through others."""

    def reachable(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            waiting.extend(new := graph[waiting.pop()] - found)
            found |= new
        return found

    reach = {module: reachable(module) for module in graph}
    rings = {
        frozenset({module} | {other for other in reach[module] if module in reach[other]})
        for module in graph
        if module in reach[module]
    }
    return sorted(sorted(ring) for ring in rings)


def test_no_import_circle() -> None:
    paths = [path for path in sources() if not path.is_relative_to(ROOT / "examples")]
    assert circles(module_graph(paths)) == []


def test_the_test_finds_circles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    files = {
        "gan/__init__.py": "from gan.critic import Critic as Judge",
        "gan/critic.py": "def f():\n    from gan.losses import hinge",
        "gan/losses.py": "import typing\nif typing.TYPE_CHECKING:\n    from gan import Judge",
        "gan/latent.py": "from . import losses\nimport numpy",
        "radio/__init__.py": "VERSION = 1",
        "radio/home.py": "from radio import VERSION\nfrom gan import latent",
    }
    stub = tmp_path / "gan/__init__.pyi"
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    paths = [tmp_path / name for name in files]
    assert circles(module_graph(paths)) == [["gan.critic", "gan.losses"]]
    (tmp_path / "gan/__init__.py").write_text("import lazy_loader")
    assert circles(module_graph(paths)) == []
    stub.write_text("from .critic import Critic as Judge")
    assert circles(module_graph(paths)) == [["gan.critic", "gan.losses"]]
    (tmp_path / "radio/__init__.py").write_text("import radio.home")
    assert circles(module_graph(paths)) == [["gan.critic", "gan.losses"], ["radio", "radio.home"]]
    (tmp_path / "gan/losses.py").write_text("import gan.losses")
    assert circles(module_graph(paths))[0] == ["gan.losses"]


def exports(package: str) -> set[str]:
    """Return the public names of a sub-package, from its stub."""
    stub = ROOT / package.replace(".", "/") / "__init__.pyi"
    if not stub.exists():
        return set()
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    return {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_public_names_are_imported_from_their_package(path: Path) -> None:
    tree, package = parsed(path)
    found = []
    for imported in imports(tree, package):
        home, _, name = imported.rpartition(".")
        sub_package = ".".join(home.split(".")[:2])
        if home != sub_package and not module_name(path).startswith(f"{sub_package}."):
            found += [imported] if name in exports(sub_package) else []
    assert found == []


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
        "neural_networks/components/dense.py": "import neural_networks.training.trainer",
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
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import matplotlib\n"
        "def f():\n    import matplotlib"
    )
    assert faults(path) == []


def test_importing_the_library_loads_nothing_heavy() -> None:
    """A fresh interpreter that imports the networks has loaded neither plots nor sound devices."""
    names = [
        module_name(path) for path in sources() if path.is_relative_to(ROOT / "neural_networks")
    ]
    code = (
        f"import sys, importlib\nfor name in {names}: importlib.import_module(name)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {name.split(".")[0] for name in done.stdout.split()} & (LATE | FRAMEWORKS)
