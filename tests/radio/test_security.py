"""Outside input is numbers and text: no pickles, no unbounded unpacking, no paths from tags."""

from __future__ import annotations

import ast
import json
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_station import tiny_station

from neural_networks.training.checkpoint import CheckpointError, load_arrays
from radio.cli.main import main
from radio.home import write_json
from radio.station import STATION_FILE, Station, StationError

ROOT = Path(__file__).parents[2]
PACKAGES = ("neural_networks", "audio_parsing", "compression", "gan", "radio", "examples")
MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "yaml",
    "cloudpickle",
    "jsonpickle",
}
CALLS = {"eval", "exec", "compile", "__import__", "system", "popen"}


def unsafe(source: str) -> list[str]:
    """Return the calls and imports in a source by which data becomes code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            found += [name for name in names if name.partition(".")[0] in MODULES]
        elif isinstance(node, ast.Call):
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            owner = getattr(getattr(node.func, "value", None), "id", "")
            if name in CALLS and owner != "re":
                found.append(name)
            options = {keyword.arg: keyword.value for keyword in node.keywords}
            if (
                owner in ("np", "numpy")
                and name == "load"
                and getattr(options.get("allow_pickle"), "value", True) is not False
            ):
                found.append("np.load")
            if getattr(options.get("shell"), "value", False):
                found.append("shell=True")
    return found


def test_nothing_that_is_read_can_become_code() -> None:
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert len(sources) > 80
    assert [(path.name, name) for path in sources for name in unsafe(path.read_text("utf-8"))] == []


def test_the_test_finds_it() -> None:
    for source in (
        "import pickle",
        "from dill import loads",
        "eval(x)",
        "np.load(f)",
        "np.load(f, allow_pickle=True)",
        "run(x, shell=True)",
        "os.system(x)",
    ):
        assert len(unsafe(source)) == 1, source
    assert unsafe("np.load(f, allow_pickle=False)\nre.compile(x)\nmodel.evaluate(y)") == []


def peak(call) -> int:
    """Return how many bytes of memory a call that is refused needs at most."""
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError) as caught:
            call()
        assert "\n" not in str(caught.value)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bomb(path: Path, size: int, *, lies: bool = False) -> None:
    """Write a small .npz that unpacks to `size` zero bytes, and if it lies claims only a few."""
    header = np.lib.format.header_data_from_array_1_0(np.zeros(1, np.uint8)) | {"shape": (size,)}
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w", force_zip64=True) as stream,
    ):
        np.lib.format.write_array_header_1_0(stream, header)
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    if lies:
        data = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            true = archive.infolist()[0].file_size
        for old in (struct.pack("<I", true), struct.pack("<Q", true)):
            place = data.rfind(old)
            while place >= 0:
                data[place : place + len(old)] = struct.pack("<I" if len(old) == 4 else "<Q", 1000)
                place = data.rfind(old)
        path.write_bytes(data)


@pytest.mark.parametrize("lies", [False, True])
def test_a_zip_bomb_is_refused(tmp_path: Path, lies: bool) -> None:
    """A quarter of a megabyte that unpacks to 256: it is not unpacked, no memory is allocated."""
    bomb(tmp_path / "f.npz", 256 << 20, lies=lies)
    assert (tmp_path / "f.npz").stat().st_size < 1 << 19
    assert peak(lambda: load_arrays(tmp_path / "f.npz", largest=64 << 20)) < 8 << 20


def test_a_station_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    bomb(tmp_path / "s" / STATION_FILE, 300 << 20)
    with pytest.raises(StationError, match="too large"):
        Station.load(tmp_path / "s")


def test_other_files_without_bounds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", bytes(1000))
    assert peak(lambda: load_arrays(path)) < 1 << 20
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(5000):
            archive.writestr(f"{number}.npy", b"")
    with pytest.raises(CheckpointError, match="5,000 entries"):
        load_arrays(path)
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole of a terabyte, which takes no room on the disk
    with pytest.raises(CheckpointError, match="too large"):
        load_arrays(path)


NAMES = (
    "../../escaped",
    "/escaped",
    "..\\escaped",
    "a\0b",
    "$(touch escaped)",
    "; touch escaped",
    "\x1b[2Jescaped",
    "-rf",
)


@pytest.mark.parametrize("name", NAMES)
def test_no_tag_of_a_file_names_a_path(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A song whose tags are paths, commands and escape codes only writes the requested files."""
    music, output, home = tmp_path / "music", tmp_path / "output", tmp_path / "home"
    for folder in (music, output):
        folder.mkdir()
    tiny_station().save(home / "stations" / "tiny")
    with soundfile.SoundFile(music / "song.flac", "w", 22050, 1) as file:
        file.title = file.artist = file.album = file.comment = name
        file.write(0.2 * np.sin(np.arange(22050 * 9) / 20))
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(home)}
    at = ["--home", str(home)]
    assert (
        main(
            [
                "reconstruct",
                str(music / "song.flac"),
                "--station",
                "tiny",
                "--bpm",
                "120",
                "--output",
                str(output),
                *at,
            ]
        )
        == 0
    )
    assert (
        main(["train", str(music), "--station", "made", "--beats", "16", "--steps", "1", *at]) == 0
    )
    said = "".join(capsys.readouterr())
    made = {
        path.relative_to(tmp_path) for path in tmp_path.rglob("*") if not path.is_relative_to(home)
    } - {path.relative_to(tmp_path) for path in before}
    assert {path.parts[0] for path in made} == {"output"} and all(
        path.name.startswith("song") for path in made
    )
    assert "escaped" not in said and "\x1b[2J" not in said
    assert not [
        path
        for path in (Path("/escaped"), ROOT / "escaped", ROOT.parent / "escaped")
        if path.exists()
    ]


@pytest.mark.parametrize("name", [*NAMES, "", ".", "..", "a/b", "x" * 300])
def test_a_description_names_no_path_either(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A song's description from a stranger: its names of a station and a song are no paths."""
    tiny_station().save(tmp_path / "stations" / "tiny")
    described = {
        "song": name,
        "station": name,
        "beats": 4,
        "coordinate": [0.0] * 8,
        "station_fingerprint": "x",
    }
    (tmp_path / "song.json").write_text(json.dumps(described))
    assert (
        main(
            [
                "generate",
                "--like",
                str(tmp_path / "song.json"),
                "--output",
                str(tmp_path / "out.wav"),
                "--home",
                str(tmp_path),
            ]
        )
        == 2
    )
    errors = capsys.readouterr().err
    assert len(errors.splitlines()) == 1 and "\x1b" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.json", "stations"]


def test_arrays_of_objects_run_nothing(tmp_path: Path) -> None:
    """A station whose arrays are pickled commands: they are not unpickled."""

    class Command:
        def __reduce__(self) -> tuple:
            return os.system, (f"touch {tmp_path}/run",)

    (tmp_path / "s").mkdir()
    np.savez(tmp_path / "s" / STATION_FILE, vae=np.array([Command()], object))
    with pytest.raises(StationError):
        Station.load(tmp_path / "s")
    assert not (tmp_path / "run").exists()


def test_every_dependency_has_a_range() -> None:
    """Both a lowest version, the oldest tested, and an upper bound, which does not exist yet."""
    source = ast.parse((ROOT / "setup.py").read_text("utf-8"))
    options = {
        keyword.arg: keyword.value
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    }
    needed = ast.literal_eval(options["install_requires"])
    assert len(needed) > 8
    for one in needed:
        assert ">=" in one and ",<" in one, one


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_file_never_takes_the_place_of_a_device_or_a_pipe(tmp_path: Path) -> None:
    """As root, `--output /dev/null.json` and the like would replace a device."""
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(OSError, match="is not a file"):
        write_json(tmp_path / "pipe.json", {})
    assert [path.is_fifo() for path in tmp_path.iterdir()] == [True]
