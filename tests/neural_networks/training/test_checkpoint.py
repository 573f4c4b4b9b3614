"""Checkpoints: round trips, atomic writes, and one clear line for every other file."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from neural_networks.training import checkpoint
from neural_networks.training.checkpoint import CheckpointError, load_arrays, save_arrays

ARRAYS = {
    "values": np.arange(12, dtype=np.float32).reshape(3, 4),
    "steps": np.array(7),
    "a/b.c": np.zeros((0, 2)),
    "flag": np.array([True]),
}
CONFIGURATION = {"name": "müsic", "sizes": [1, 2], "rate": 0.5, "nested": {"none": None}}


def test_round_trip(tmp_path: Path) -> None:
    save_arrays(tmp_path / "weights", ARRAYS, CONFIGURATION)
    arrays, configuration = load_arrays(tmp_path / "weights")
    assert configuration == CONFIGURATION and arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype and arrays[name].flags.writeable
    assert os.listdir(tmp_path) == ["weights"]
    with np.load(tmp_path / "weights", allow_pickle=False) as plain:
        np.testing.assert_array_equal(plain["values"], ARRAYS["values"])


@given(
    st.dictionaries(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8).filter(
            lambda name: name != "file"
        ),
        hypothesis_numpy.arrays(
            st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
            hypothesis_numpy.array_shapes(min_dims=0, min_side=0),
        ),
        max_size=4,
    )
)
def test_any_arrays_come_back(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, np.ndarray]
) -> None:
    path = tmp_path_factory.mktemp("any") / "file.npz"
    save_arrays(path, arrays, {})
    loaded, _ = load_arrays(path)
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)


def test_arrays_in_columns_come_back(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    save_arrays(tmp_path / "f", {"x": array}, {})
    loaded = load_arrays(tmp_path / "f")[0]["x"]
    np.testing.assert_array_equal(loaded, array)
    assert loaded.flags.c_contiguous


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        save_arrays(tmp_path / name, ARRAYS, CONFIGURATION)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("moment", ["savez", "fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_arrays(tmp_path / "f", {"x": np.ones(3)}, {})
    before = (tmp_path / "f").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.np if moment == "savez" else checkpoint.os, moment, full)
    with pytest.raises(OSError, match="No space"):
        save_arrays(tmp_path / "f", {"x": np.zeros(3)}, {})
    assert (tmp_path / "f").read_bytes() == before and os.listdir(tmp_path) == ["f"]


def test_what_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    for arrays, configuration in (
        ({"x": np.array([None])}, {}),
        ({"file": np.ones(1)}, {}),
        ({"checkpoint.json": np.ones(1)}, {}),
        ({}, {"x": float("nan")}),
    ):
        with pytest.raises(ValueError):
            save_arrays(tmp_path / "f", arrays, configuration)
    assert not os.listdir(tmp_path)


def refused(path: Path, words: str, **options: int) -> None:
    with pytest.raises(CheckpointError, match=words) as caught:
        load_arrays(path, **options)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)


def test_files_that_are_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "file"
    refused(path, "does not exist")
    refused(tmp_path, "cannot be read")
    for content in (b"", b"hello", b"PK\x03\x04", os.urandom(1000)):
        path.write_bytes(content)
        refused(path, "not a checkpoint")
    write_npz(path, x=np.ones(3))
    refused(path, "not a checkpoint of this program")
    write_npz(path, **{"checkpoint.json": np.frombuffer(b'{"format": "other"}', np.uint8)})
    refused(path, "not a checkpoint of this program")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"not an array")
    refused(path, "damaged")


def test_pickled_objects_are_never_opened(tmp_path: Path) -> None:
    write_npz(tmp_path / "f", x=np.array([{"a": 1}], dtype=object))
    refused(tmp_path / "f", "damaged")


def test_a_newer_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "SCHEMA_VERSION", 9)
        save_arrays(tmp_path / "f", ARRAYS, {})
    refused(tmp_path / "f", r"newer version of this program \(schema 9, this one reads 1\)")


def test_too_large_files_allocate_nothing(tmp_path: Path) -> None:
    save_arrays(tmp_path / "f", {"x": np.zeros(1000)}, {})
    refused(tmp_path / "f", "too large", largest=4000)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
    )
    with zipfile.ZipFile(tmp_path / "f", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(80))
    refused(tmp_path / "f", "does not fit its header")


def test_damage_anywhere_is_noticed_or_harmless(tmp_path: Path) -> None:
    """1,000 files with some bytes changed, cut or doubled: a clear error, or the same arrays."""
    rng = np.random.default_rng(1)
    path = tmp_path / "f"
    save_arrays(path, ARRAYS, CONFIGURATION)
    sound = path.read_bytes()
    refusals = 0
    for _ in range(1000):
        data = bytearray(sound)
        kind = rng.integers(3)
        where = int(rng.integers(len(data)))
        if kind == 0:
            for _ in range(rng.integers(1, 4)):
                data[int(rng.integers(len(data)))] ^= int(rng.integers(1, 256))
        elif kind == 1:
            del data[where:]
        else:
            data[where:where] = data[where : where + 20]
        path.write_bytes(data)
        try:
            arrays, _ = load_arrays(path)
        except CheckpointError as error:
            assert "\n" not in str(error)
            refusals += 1
        else:
            for name in arrays.keys() & ARRAYS.keys():
                np.testing.assert_array_equal(arrays[name], ARRAYS[name])
    assert refusals > 600
