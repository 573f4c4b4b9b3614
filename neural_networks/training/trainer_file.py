"""The checkpoint of a training: it knows which training it is of, and refuses to go on with another."""

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
    """A file that a training is written to every so many minutes.

    Args:
        path: of the file; its folder must exist.
        minutes: between two writes.
        identity: what must be the same to go on, in words and numbers; see `identity`.
        largest: bytes that its arrays may hold together.
        clock: seconds that never go back.
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
                f"{self.path} cannot be written: the folder {self.path.absolute().parent} is read-only"
            )
        self.seconds = 60 * minutes
        self.identity = identity
        self.largest = largest
        self.clock = clock
        self.saved = clock()

    def load(self) -> Arrays | None:
        """Return the arrays that were saved last, None if there is no file yet; what a kill left of an unfinished write is removed.

        Raises:
            CheckpointError: if the file is none of ours, damaged, newer than this program, or of
                another training.
        """
        remove_unfinished(self.path)
        if not self.path.exists():
            return None
        arrays, configuration = load_arrays(self.path, largest=self.largest)
        was = configuration.get("training")
        if configuration.get("kind") != "epochs" or not isinstance(was, dict):
            raise CheckpointError(
                f"{self.path} is a checkpoint, but not one of a training; give another path, or delete it"
            )
        different = [
            f"{key} {was.get(key)} (now {now})"
            for key, now in self.identity.items()
            if was.get(key) != now
        ]
        if different:
            how = ", ".join(different)
            raise CheckpointError(
                f"{self.path} holds another training, with {how}; ask for the same to go on, or give another path"
            )
        return arrays

    def save(self, arrays: Arrays) -> None:
        """Write the arrays, all or nothing.

        Raises:
            OSError: if it can't be written; the file is as it was.
        """
        save_arrays(self.path, arrays, {"kind": "epochs", "training": self.identity})
        self.saved = self.clock()

    def due(self) -> bool:
        """Return whether the last write is long enough ago."""
        return self.clock() - self.saved >= self.seconds

    def try_to_save(self, arrays: Arrays) -> None:
        """Write the arrays; a full disk is told, and does not end a training."""
        try:
            self.save(arrays)
        except OSError as error:
            self.saved = self.clock()
            print(
                f"the checkpoint {self.path} could not be written ({error.strerror or error}); the training goes on"
            )

    def unreadable(self, error: Exception) -> CheckpointError:
        """Return the one line for arrays that are not those of this training after all."""
        return CheckpointError(
            f"the checkpoint {self.path} can't be used ({error}); delete it to start again"
        )


def identity(
    module: Module, optimizer: Optimizer, data: Sequence[np.ndarray], **settings: Any
) -> dict[str, Any]:
    """Return what tells trainings apart: the model's layout, the optimizer with its numbers, the data, of any shape, the settings."""
    layout = [(name, parameter.value.shape) for name, parameter in module.named_parameters()]
    digest = hashlib.sha256(repr(layout).encode()).hexdigest()[:8]
    count = sum(parameter.value.size for parameter in module.parameters())
    numbers = {
        name: value
        for name, value in vars(optimizer).items()
        if isinstance(value, (int, float)) and name != "steps"
    }
    checksum = 0
    for array in data:
        checksum = zlib.crc32(repr((array.shape, array.dtype.str)).encode(), checksum)
        checksum = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, checksum)
    return {
        "model": f"{type(module).__name__} of {count:,} weights, layout {digest}",
        "optimizer": f"{type(optimizer).__name__}({', '.join(f'{name}={value:g}' for name, value in numbers.items())})",
        **settings,
        "data": f"checksum {checksum:08x}",
    }
