"""The package as it is installed; README.md, setup.py, CHANGELOG.md and .ci/run agree.

The suite runs from the source tree; these tests build the package from a copy of it, install it
into an empty folder, and use it there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PACKAGES = ["audio_parsing", "compression", "gan", "neural_networks", "radio"]


def run(*command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; its output is text."""
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built from a copy of the tree without the remains of earlier builds."""
    place = tmp_path_factory.mktemp("wheel")
    tree = place / "tree"
    shutil.copytree(
        ROOT,
        tree,
        ignore=shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "out"),
    )
    built = run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(place),
        ".",
        folder=tree,
    )
    assert built.returncode == 0, built.stderr
    (path,) = place.glob("ai_radio-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The folder that the package is installed into, as site-packages would be."""
    folder = wheel.parent / "site"
    options = ["--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    done = run(sys.executable, "-m", "pip", "install", *options, str(wheel), folder=wheel.parent)
    assert done.returncode == 0, done.stderr
    return folder


def test_five_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.split("/")[0] for name in names}
    (metadata,) = (folder for folder in folders if folder.endswith(".dist-info"))
    assert sorted(folders - {metadata}) == PACKAGES


def test_every_module_and_every_station_file_is_installed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")
    }
    wanted |= {
        path.relative_to(ROOT)
        for ending in ("json", "npz")
        for path in (ROOT / "radio" / "stations").rglob(f"*.{ending}")
    }
    static = (ROOT / "radio" / "web" / "static").rglob("*")
    wanted |= {path.relative_to(ROOT) for path in static if path.is_file()}
    wanted.add(Path("compression/models/restoring.npz"))
    assert {path.as_posix() for path in wanted if "__pycache__" not in path.parts} <= names


def test_the_weights_that_ship_are_small_and_no_pickle(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    stations = [
        entry for entry in archive.infolist() if entry.filename.startswith("radio/stations/")
    ]
    assert stations, "no starter station in the package"
    songs = [entry for entry in stations if "/songs/" in entry.filename]
    assert total(stations) - total(songs) <= 5_000_000
    assert 0 < total(songs) <= 3_000_000
    assert all(Path(entry.filename).suffix in (".json", ".npz", ".ogg") for entry in stations)


def total(entries: list[zipfile.ZipInfo]) -> int:
    return sum(entry.file_size for entry in entries)


def test_the_installed_packages_import_from_anywhere(installed: Path, tmp_path: Path) -> None:
    modules = [
        path.relative_to(ROOT).with_suffix("")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    ]
    names = [
        ".".join(module.parts).removesuffix(".__init__")
        for module in sorted(modules)
        if module.name != "__main__"
    ]
    code = f"import importlib, sys\nfor name in {names!r}:\n    importlib.import_module(name)\n"
    code += f"print(*{{sys.modules[name].__file__ for name in {PACKAGES!r}}}, sep='\\n')"
    done = run(sys.executable, "-c", code, folder=tmp_path, PYTHONPATH=str(installed))
    assert done.returncode == 0, done.stderr
    files = [Path(line) for line in done.stdout.split()]
    assert sorted(path.parent for path in files) == [installed / package for package in PACKAGES]


def test_the_command_is_installed(installed: Path, tmp_path: Path) -> None:
    command = run(
        str(installed / "bin" / "ai-radio"), "--help", folder=tmp_path, PYTHONPATH=str(installed)
    )
    module = run(
        sys.executable, "-m", "radio", "--help", folder=tmp_path, PYTHONPATH=str(installed)
    )
    assert command.returncode == module.returncode == 0, command.stderr + module.stderr
    for word in (
        "play",
        "train",
        "generate",
        "reconstruct",
        "final",
        "starter",
        "stations",
        "doctor",
    ):
        assert word in command.stdout


def test_the_page_of_commands_names_every_command() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    done = run(sys.executable, "-m", "radio", "--help", folder=ROOT)
    listed = re.findall(r"^    ([a-z]+)  +[a-z]", done.stdout, re.MULTILINE)
    assert {"play", "train", "generate"} <= set(listed), done.stdout + done.stderr
    assert not [word for word in listed if f"`ai-radio {word}" not in text]


def test_readme_has_the_command_that_starts_the_radio_and_the_one_that_tests_it() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/ai-radio" in lines
    assert [line for line in lines if "-m pytest" in line] == [
        "python3 -m venv .venv && .venv/bin/pip install '.[test]'"
        " && .venv/bin/python -m pytest -n 2 --dist worksteal"
    ]


def test_links_of_readme_lead_to_files() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]


def test_every_file_that_names_the_version_names_that_of_setup() -> None:
    version = re.search(r'version="([\d.]+)"', (ROOT / "setup.py").read_text(encoding="utf-8"))
    assert version
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == version[1]


def test_the_image_is_built_of_what_the_package_is_built_of() -> None:
    given = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    included = (ROOT / "MANIFEST.in").read_text("utf-8").splitlines()[0].split()[1:]
    assert given == {"setup.py", "MANIFEST.in", *included, *PACKAGES}


def test_the_container_writes_to_its_volume_only_and_is_nobody_in_particular() -> None:
    image = (ROOT / "Dockerfile").read_text("utf-8")
    (volume,) = re.findall(r"^VOLUME (\S+)", image, re.MULTILINE)
    for written in re.findall(r"(?:AI_RADIO_HOME|NUMBA_CACHE_DIR)=(\S+)", image):
        assert Path(written).is_relative_to(volume)
    assert int(re.findall(r"^USER (\d+)", image, re.MULTILINE)[-1]) > 0
    (service,) = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"].values()
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["volumes"] == [f"home:{volume}"]


def test_every_hook_before_a_commit_is_a_step_of_ci() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]
    steps = (ROOT / ".ci" / "run").read_text("utf-8")
    for hook in hooks["hooks"]:
        tool = hook["entry"].split()[0]
        assert tool == "python" or f".venv/bin/{tool}" in steps, tool


def test_workflows_try_every_python_that_the_package_allows() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))["jobs"]
    for name in ("debian", "other-systems"):
        pythons = jobs[name]["strategy"]["matrix"]["python"]
        assert pythons == [f"3.{minor}" for minor in range(11, 11 + len(pythons))]
    assert f'python_requires=">={pythons[0]}"' in (ROOT / "setup.py").read_text("utf-8")


def test_ci_is_a_program_that_bash_can_read() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert run("bash", "-n", ".ci/run", folder=ROOT).stderr == ""
