"""Resumes a training from its checkpoint, and saves the next ones.

All processes of a training get the plan and the arrays of the first one, which alone reads and
writes the files.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import numpy as np

from gan.trainer import GANTrainer
from neural_networks.parallel.communicator import (
    Communicator,
    any_of,
    same_everywhere,
    share_arrays,
)
from neural_networks.training.checkpoint import CheckpointError, join, part
from neural_networks.training.trainer import Trainer
from radio.station import TRAINING_FILE, StationError
from radio.training.checkpoint import TrainingCheckpoint
from radio.training.plan import Plan, Report

CHECKPOINT_SECONDS = 60.0

States = dict[str, dict[str, np.ndarray]]  # by prefix
Part = TypeVar("Part")


class Checkpoints:
    """The checkpoints of one training.

    Args:
        folder: of the station.
        asked: what the training is asked for, without its numbers of steps.
        make_plan: called for a new training; returns the plan with its numbers of steps.
        report: see train_station.
        communicator: the processes that train together.

    Attributes:
        plan: of the checkpoint, or a new one.
        arrays: of the checkpoint; empty for a new training.

    Raises:
        StationError: if the checkpoint can't be read, or belongs to another plan.
    """

    def __init__(
        self,
        folder: Path,
        asked: Plan,
        make_plan: Callable[[], Plan],
        report: Report,
        communicator: Communicator,
    ) -> None:
        self._folder, self._report, self._communicator = folder, report, communicator
        self._files = TrainingCheckpoint(folder)
        arrays, plan = self._read(asked) if communicator.rank == 0 else ({}, None)
        text = communicator.broadcast(json.dumps(plan and asdict(plan)).encode())
        if text == b"null":
            text = communicator.broadcast(json.dumps(asdict(make_plan())).encode())
        self.arrays = share_arrays(communicator, arrays)
        self.plan = Plan(**json.loads(text))
        self._saved = time.monotonic()

    def restore(self, trainer: Trainer | GANTrainer, prefix: str) -> None:
        """Continue a trainer from the arrays under a prefix."""
        try:
            trainer.restore(part(self.arrays, prefix))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise self._unreadable(error) from error

    def load(self, prefix: str, make: Callable[..., Part]) -> Part | None:
        """Return what is made of the arrays under a prefix, by name; None if there are none."""
        found = part(self.arrays, prefix)
        try:
            return make(**found) if found else None
        except (TypeError, ValueError) as error:
            raise self._unreadable(error) from error

    def save_if_due(self, states: Callable[[], States]) -> bool:
        """Save a checkpoint CHECKPOINT_SECONDS after the last one; return whether it was due."""
        due = any_of(
            self._communicator,
            self._communicator.rank == 0 and time.monotonic() - self._saved > CHECKPOINT_SECONDS,
        )
        if due:
            self.save(states(), must=False)
        return due

    def save(self, states: States, *, must: bool) -> None:
        """Save a checkpoint.

        Raises:
            OSError: if it can't be written and `must` is set; otherwise it is only reported.
            StationError: if the processes' weights differ.
        """
        # An MPI whose sums differ by a bit between processes would let them drift apart unnoticed.
        if not same_everywhere(self._communicator, states["vae/"]["values"]):
            raise StationError(
                "the processes' weights differ, which they never should; the last checkpoint stays"
            )
        self._saved = time.monotonic()
        if self._communicator.rank:
            return
        try:
            self._files.save(join(states), {"kind": "training", "plan": asdict(self.plan)})
        except OSError as error:
            if must:
                raise
            why = error.strerror or error
            self._note(f"the checkpoint can't be saved ({why}); the training continues")

    def remove(self) -> None:
        """Delete the checkpoints of a finished training."""
        self._files.remove()

    def _read(self, asked: Plan) -> tuple[dict[str, np.ndarray], Plan | None]:
        try:
            found = self._files.load()
            if found is None:
                return {}, None
            arrays, configuration, note = found
            plan = Plan.read(configuration["plan"])
        except (CheckpointError, KeyError, TypeError, ValueError) as error:
            raise self._unreadable(error) from error
        if different := plan.differences(asked):
            raise StationError(
                f"{self._folder} holds an unfinished training with {different}; ask for the same "
                "to resume it, or delete the folder"
            )
        self._note(note or "resuming the training where it was stopped")
        if plan.batch != asked.batch:
            self._note(f"with {plan.batch} songs a step, as it began")
        return arrays, plan

    def _note(self, text: str) -> None:
        self._report({"phase": "vae", "note": text})

    def _unreadable(self, error: Exception) -> StationError:
        path = self._folder / TRAINING_FILE
        return StationError(
            f"the checkpoint {path} can't be read ({error}); delete it to start again"
        )
