"""The two checkpoint files of a station's training: the last one, and the one before it.

    station's folder/training.npz       the last checkpoint
                     training.old.npz   the one before, used if the last one is damaged

Files are only replaced by complete ones, so neither a kill nor a power cut should damage one. Disks
do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from neural_networks.training.checkpoint import (
    CheckpointError,
    load_arrays,
    remove_unfinished,
    save_arrays,
)
from radio.station import TRAINING_FILE

BEFORE = "training.old.npz"


class TrainingCheckpoint:
    """The two files of one training.

    Args:
        folder: of the station.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self.before = folder / TRAINING_FILE, folder / BEFORE

    def save(self, arrays: dict[str, np.ndarray], configuration: dict[str, Any]) -> None:
        """Write a checkpoint, all or nothing; the last one becomes the one before.

        Raises:
            OSError: if it can't be written; both files are unchanged then.
        """

        def rotate() -> None:
            if not self.path.exists():
                return
            spare = self.before.with_name(f".{self.before.name}.link.tmp")
            try:
                spare.unlink(missing_ok=True)
                os.link(self.path, spare)
                os.replace(spare, self.before)
            # a file system without links: for a moment only the one before exists
            except OSError:
                os.replace(self.path, self.before)

        save_arrays(self.path, arrays, configuration, before=rotate)

    def load(self) -> tuple[dict[str, np.ndarray], dict[str, Any], str] | None:
        """Return arrays, configuration and a note for the user, or None if there is no checkpoint.

        Temporary files that a kill left are deleted.

        Raises:
            CheckpointError: if both are damaged.
        """
        for path in (self.path, self.before):
            remove_unfinished(path)
        if not self.path.exists() and not self.before.exists():
            return None
        try:
            return *load_arrays(self.path), ""
        except CheckpointError as error:
            if not self.before.exists():
                raise
            found = load_arrays(self.before)
            why = "the last checkpoint is gone" if not self.path.exists() else str(error)
            return *found, f"{why}; resuming from the one before"

    def remove(self) -> None:
        """Delete both files."""
        self.path.unlink(missing_ok=True)
        self.before.unlink(missing_ok=True)
