"""Messages as bytes, without pickle: a JSON header, then the arrays as they lie in memory.

    encode(message, kinds) -> bytes
    decode(content, kinds) -> the message

kinds: the dataclasses that may cross, by name. Other names are refused, so reading runs no code.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

LENGTH = struct.Struct("<Q")
DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")


def encode(message: object, kinds: Mapping[str, type]) -> bytes:
    """Return a message as bytes.

    Raises:
        TypeError: if something in it is neither plain, nor an array, nor one of the kinds.
    """
    arrays: list[bytes] = []

    def plain(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray) and value.dtype.name in DTYPES:
            arrays.append(np.ascontiguousarray(value).tobytes())
            return {"array": [value.dtype.name, list(value.shape)]}
        if isinstance(value, list | tuple):
            return {type(value).__name__: [plain(one) for one in value]}
        if isinstance(value, dict):
            return {"dict": [[plain(key), plain(one)] for key, one in value.items()]}
        if isinstance(value, Path):
            return {"path": str(value)}
        name = type(value).__name__
        if is_dataclass(value) and kinds.get(name) is type(value):
            return {
                "is": name,
                "has": {field.name: plain(getattr(value, field.name)) for field in fields(value)},
            }
        raise TypeError(f"a message can't hold {name}")

    header = json.dumps(plain(message)).encode()
    return b"".join([LENGTH.pack(len(header)), header, *arrays])


def decode(content: bytes, kinds: Mapping[str, type]) -> Any:
    """Return what `encode` made into bytes.

    Raises:
        ValueError: for other content.
    """
    (length,) = LENGTH.unpack_from(content)
    place = LENGTH.size + length

    def whole(value: Any) -> Any:
        nonlocal place
        if not isinstance(value, dict):
            return value
        match value:
            case {"array": [name, shape]} if name in DTYPES:
                array = (
                    np.frombuffer(content, np.dtype(name), int(np.prod(shape)), place)
                    .reshape(shape)
                    .copy()
                )
                place += array.nbytes
                return array
            case {"list": parts}:
                return [whole(one) for one in parts]
            case {"tuple": parts}:
                return tuple(whole(one) for one in parts)
            case {"dict": pairs}:
                return {whole(key): whole(one) for key, one in pairs}
            case {"path": path}:
                return Path(path)
            case {"is": name, "has": parts} if name in kinds:
                return kinds[name](**{key: whole(one) for key, one in parts.items()})
        raise ValueError("not a message of this program")

    return whole(json.loads(content[LENGTH.size : place]))
