"""Checkpoints: named arrays and a configuration in one .npz file, written atomically, validated.

Contract:

    save_arrays(path, arrays, configuration)         the old file stays until the new one is on disk
    load_arrays(path) -> (arrays, configuration)     CheckpointError, one line, for any other file
    join({"vae/": state, ...}) -> arrays             the states of several parts in one file
    part(arrays, "vae/") -> state                    one of them

The file is a plain .npz that `numpy.load` opens without pickle; the entry `checkpoint.json` has
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
_MEMBERS = 4096  # most entries in a file; there are some dozens
_DIRECTORY = 1 << 20  # bytes in a file besides its arrays, which are not compressed


class CheckpointError(ValueError):
    """The file is missing, damaged, foreign, too new or too large; the message is one line."""


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
        before: called when the new file is on disk, before it replaces the old one.

    Raises:
        OSError: if it cannot be written; an older file of that name is unchanged.
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
                f"the array {name!r} cannot be saved: arrays hold no objects, "
                f"and have other names than 'file' and {_HEADER!r}"
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
    """Wait until the data of an open file is on disk."""
    os.fsync(descriptor)
    if sys.platform == "darwin":  # where fsync only reaches the drive's cache
        import fcntl

        with contextlib.suppress(OSError):  # a network drive may support fsync only
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)


def remove_unfinished(path: Path) -> None:
    """Delete the incomplete versions of `path` that a killed process has left."""
    for left in path.absolute().parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        left.unlink(missing_ok=True)


def load_arrays(
    path: str | os.PathLike[str], *, largest: int = LARGEST
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `save_arrays` wrote.

    Args:
        path: of the file.
        largest: bytes that the arrays may take together; no file makes the program allocate more.

    Raises:
        CheckpointError: for anything but a sound checkpoint of this or an older version.

    Examples:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> save_arrays(Path(folder.name, "weights"), {"w": np.ones(3)}, {"layers": [3, 1]})
        >>> load_arrays(Path(folder.name, "weights"))
        ({'w': array([1., 1., 1.])}, {'layers': [3, 1]})
        >>> folder.cleanup()
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
                    f"{path} is too large for a checkpoint: "
                    f"it unpacks to more than {largest:,} bytes"
                )
            if len(members) > _MEMBERS:
                raise CheckpointError(f"{path} is no checkpoint: it has {len(members):,} entries")
            if any(
                member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                for member in members
            ):
                raise CheckpointError(
                    f"{path} is no checkpoint: its compression has no bound that can be checked"
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
    """Return the arrays of several states in one dict, each name after its state's prefix."""
    return {
        prefix + name: array for prefix, state in states.items() for name, array in state.items()
    }


def part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with the prefix, without it.

    Examples:
        >>> arrays = join({"adam.": {"m": np.zeros(2)}, "average.": {"n": np.zeros(1)}})
        >>> list(arrays), part(arrays, "adam.")
        (['adam.m', 'average.n'], {'m': array([0., 0.])})
    """
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


# The errors of zipfile, zlib and NumPy's header parser for bytes in other formats.
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
    """Return one array; its header is checked against the bytes before anything is allocated."""
    with archive.open(member) as stream:
        data = stream.read(member.file_size)
        if stream.read(1):
            raise ValueError(f"{member.filename} is longer than its header says")
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
        raise ValueError(f"{member.filename} does not fit its header")
    array = np.frombuffer(data, dtype, count, start).reshape(shape, order="F" if fortran else "C")
    return array.copy(order="C")


def _configuration(path: Path, header: np.ndarray | None) -> dict[str, Any]:
    try:
        if header is None:
            raise ValueError("it has no header")
        content = json.loads(header.tobytes(), parse_constant=_refuse)
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
            f"{path} was written by a newer version of this program "
            f"(schema {version}, this one reads {SCHEMA_VERSION})"
        )
    return configuration


def _refuse(constant: str) -> None:
    raise ValueError(f"its header holds {constant}")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Wait until a rename is on disk, where the platform allows to open a folder."""
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
