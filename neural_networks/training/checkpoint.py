"""Checkpoints: named arrays and a configuration in one .npz file, written atomically, read with suspicion.

Contract:

    save_arrays(path, arrays, configuration)         the old file stays whole until the new one is on the disk
    load_arrays(path) -> (arrays, configuration)     CheckpointError, one line, for anything but a sound file of ours
    join({"vae/": state, ...}) -> arrays             the states of several parts in one file
    part(arrays, "vae/") -> state                    and one of them again

The file is a plain .npz that `numpy.load` opens without pickle; the entry `checkpoint.json` holds
the schema's version and the configuration as JSON text in bytes. The same arrays give the same
bytes.
"""

from __future__ import annotations

import contextlib
import glob
import io
import json
import os
import sys
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA_VERSION = 1
_HEADER = "checkpoint.json"
_FORMAT = "ai-radio checkpoint"
LARGEST = 1 << 30  # bytes
_MEMBERS = 4096  # entries of a file; ours have some dozens
_DIRECTORY = 1 << 20  # bytes that may be in a file beside its arrays, which are not compressed


class CheckpointError(ValueError):
    """The file is missing, damaged, foreign, newer than this program, or too large; the message is one line."""


def save_arrays(
    path: str | os.PathLike[str],
    arrays: dict[str, np.ndarray],
    configuration: dict[str, Any],
    *,
    before: Callable[[], None] | None = None,
) -> None:
    """Write arrays and a configuration to `path`, all or nothing.

    Args:
        path: of the file; its folder must exist. The name is taken as it is.
        arrays: of numbers, by name.
        configuration: anything JSON can hold.
        before: called when the new file is on the disk, before it takes the place of the old one.

    Raises:
        OSError: if it cannot be written; an older file of that name is left as it was.
        ValueError: if an array holds objects or has the header's name, or the configuration is not
            JSON.
    """
    path = Path(path)
    header = json.dumps(
        {"format": _FORMAT, "version": SCHEMA_VERSION, "configuration": configuration},
        allow_nan=False,
    )
    content: dict[str, Any] = {_HEADER: np.frombuffer(header.encode(), np.uint8)}
    for name, array in arrays.items():
        if name in content or name == "file" or np.asarray(array).dtype.hasobject:
            raise ValueError(
                f"the array {name!r} cannot be saved: objects and the names 'file' and {_HEADER!r} are not for arrays"
            )
        content[name] = array
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{path.name}.", suffix=".tmp", dir=path.parent
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, allow_pickle=False, **content)
            file.flush()
            bring_to_disk(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        if before is not None:
            before()
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def bring_to_disk(descriptor: int) -> None:
    """Wait until what was written to an open file is on its disk."""
    os.fsync(descriptor)
    if sys.platform == "darwin":  # where fsync stops at the drive's own memory
        import fcntl

        with contextlib.suppress(OSError):  # a network's disk may know no more than fsync
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)


def remove_unfinished(path: Path) -> None:
    """Delete what a kill left of files that were to become `path`."""
    for left in path.absolute().parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        left.unlink(missing_ok=True)


def load_arrays(
    path: str | os.PathLike[str], *, largest: int = LARGEST
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `save_arrays` wrote.

    Args:
        path: of the file.
        largest: bytes that the arrays may hold together; a file cannot make us allocate more.

    Raises:
        CheckpointError: for anything but a sound checkpoint of this or an older version.
    """
    path = Path(path)
    try:
        if path.stat().st_size > largest + _DIRECTORY:
            raise CheckpointError(
                f"{path} is too large for a checkpoint: it has more than {largest:,} bytes"
            )
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > largest:
                raise CheckpointError(
                    f"{path} is too large for a checkpoint: it unpacks to more than {largest:,} bytes"
                )
            if len(members) > _MEMBERS:
                raise CheckpointError(f"{path} is no checkpoint: it has {len(members):,} entries")
            if any(
                member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                for member in members
            ):
                raise CheckpointError(
                    f"{path} is no checkpoint: it is compressed in a way that can't be bounded"
                )
            arrays = {
                member.filename.removesuffix(".npy"): _read_array(archive, member)
                for member in members
            }
    except CheckpointError:
        raise
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from None
    except _DAMAGE as error:
        raise CheckpointError(
            f"{path} is not a checkpoint, or it is damaged ({_one_line(error)})"
        ) from None
    return arrays, _configuration(path, arrays.pop(_HEADER, None))


def join(states: dict[str, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of several states in one dict, each name behind its state's prefix."""
    return {
        prefix + name: array for prefix, state in states.items() for name, array in state.items()
    }


def part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with the prefix, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


# What zipfile, zlib and NumPy's header parser raise for bytes that are not theirs.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    OverflowError,
    IndexError,
    MemoryError,
    AttributeError,
    RecursionError,
    tokenize.TokenError,
)


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """Return one array; its header is checked against the bytes that are there before anything is allocated."""
    with archive.open(member) as stream:
        data = stream.read(member.file_size)
        if stream.read(1):
            raise ValueError(f"{member.filename} is longer than it says")
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"{member.filename} has an unknown version {version}")
    start = file.tell()
    count = 1
    for length in shape:
        count *= int(length)
    if (
        dtype.hasobject
        or dtype.itemsize == 0
        or min(shape, default=0) < 0
        or count * dtype.itemsize != len(data) - start
    ):
        raise ValueError(f"{member.filename} does not hold what its header says")
    array = np.frombuffer(data, dtype, count, start).reshape(shape, order="F" if fortran else "C")
    return array.copy(order="C")


def _configuration(path: Path, header: np.ndarray | None) -> dict[str, Any]:
    try:
        if header is None:
            raise ValueError("it has no header")
        content = json.loads(header.tobytes())
        if content["format"] != _FORMAT:
            raise ValueError("its format has another name")
        version = content["version"]
        configuration = content["configuration"]
        if not isinstance(version, int) or not isinstance(configuration, dict):
            raise ValueError("its header is malformed")
    except _DAMAGE as error:
        raise CheckpointError(
            f"{path} is not a checkpoint of this program ({_one_line(error)})"
        ) from None
    if version > SCHEMA_VERSION:
        raise CheckpointError(
            f"{path} was written by a newer version of this program (schema {version}, this one reads {SCHEMA_VERSION})"
        )
    return configuration


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Bring the rename itself to the disk; not every platform lets a folder be opened."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
