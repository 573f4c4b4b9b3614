"""The checkpoint of a training: it identifies the training, and is refused by any other."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from neural_networks.components.module import Module
from neural_networks.optimizers.optimizers import Optimizer
from neural_networks.training.checkpoint import (
    LARGEST,
    CheckpointError,
    load_arrays,
    remove_unfinished,
    save_arrays,
)

Arrays = dict[str, np.ndarray]


class TrainingFile:
    """A file that a training is written to at intervals.

    Args:
        path: of the file; its folder must exist.
        minutes: between two writes.
        identity: what must be the same to resume; see `identity`.
        largest: bytes that its arrays may take together.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        minutes: float,
        identity: dict[str, Any],
        *,
        largest: int = LARGEST,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.path = Path(path)
        if not minutes >= 0:
            raise ValueError(f"checkpoint_minutes is 0 or more, not {minutes}")
        if not self.path.absolute().parent.is_dir():
            raise CheckpointError(
                f"{self.path} cannot be written: there is no folder {self.path.absolute().parent}"
            )
        if not os.access(self.path.absolute().parent, os.W_OK):
            raise CheckpointError(
                f"{self.path} cannot be written: "
                f"the folder {self.path.absolute().parent} is read-only"
            )
        self.seconds = 60 * minutes
        self.identity = identity
        self.largest = largest
        self.clock = clock
        self.saved = clock()

    def load(self) -> Arrays | None:
        """Return the arrays that were saved last, or None if there is no file yet.

        The incomplete files of a killed process are removed.

        Raises:
            CheckpointError: if the file is foreign, damaged, newer than this program, or of another
                training.
        """
        remove_unfinished(self.path)
        if not self.path.exists():
            return None
        arrays, configuration = load_arrays(self.path, largest=self.largest)
        was = configuration.get("training")
        if configuration.get("kind") != "epochs" or not isinstance(was, dict):
            raise CheckpointError(
                f"{self.path} is a checkpoint, but not one of a training; "
                "give another path, or delete it"
            )
        different = [
            f"{key} {was.get(key)} (now {now})"
            for key, now in self.identity.items()
            if was.get(key) != now
        ]
        if different:
            how = ", ".join(different)
            raise CheckpointError(
                f"{self.path} belongs to another training, with {how}; "
                "use the same settings to resume it, or give another path"
            )
        return arrays

    def save(self, arrays: Arrays) -> None:
        """Write the arrays, all or nothing.

        Raises:
            OSError: if it can't be written; the file is unchanged.
        """
        save_arrays(self.path, arrays, {"kind": "epochs", "training": self.identity})
        self.saved = self.clock()

    def due(self) -> bool:
        """Return whether the last write is long enough ago."""
        return self.clock() - self.saved >= self.seconds

    def try_to_save(self, arrays: Arrays) -> None:
        """Write the arrays; an error, such as a full disk, is printed and does not end training."""
        try:
            self.save(arrays)
        except OSError as error:
            self.saved = self.clock()
            print(
                f"the checkpoint {self.path} could not be written "
                f"({error.strerror or error}); the training continues"
            )

    def unreadable(self, error: Exception) -> CheckpointError:
        """Return the error for arrays that do not fit this training after all."""
        return CheckpointError(
            f"the checkpoint {self.path} can't be used ({error}); delete it to start again"
        )


def identity(
    module: Module, optimizer: Optimizer, data: Sequence[np.ndarray], **settings: Any
) -> dict[str, Any]:
    """Return what identifies a training: layout, optimizer, data of any shape, settings."""
    layout = [(name, parameter.value.shape) for name, parameter in module.named_parameters()]
    digest = hashlib.sha256(repr(layout).encode()).hexdigest()[:8]
    count = sum(parameter.value.size for parameter in module.parameters())
    settings_of_optimizer = [
        f"{name}={value:g}"
        for name, value in vars(optimizer).items()
        if isinstance(value, (int, float)) and name != "steps"
    ]
    checksum = 0
    for array in data:
        checksum = zlib.crc32(repr((array.shape, array.dtype.str)).encode(), checksum)
        checksum = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, checksum)
    return {
        "model": f"{type(module).__name__} of {count:,} weights, layout {digest}",
        "optimizer": f"{type(optimizer).__name__}({', '.join(settings_of_optimizer)})",
        **settings,
        "data": f"checksum {checksum:08x}",
    }
