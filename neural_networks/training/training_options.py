"""The options that every training of the networks has."""

from __future__ import annotations

import os
from typing import TypedDict


class TrainingOptions(TypedDict, total=False):
    """The options of every training, all of which may be left out.

    Attributes:
        checkpoint: a file that the training is saved to: at Ctrl-C, at intervals, and at the end.
            The same call resumes from it; the learning rate, max_epochs and patience may have
            changed. One Ctrl-C ends the training after its step and returns; a second one
            interrupts at once and leaves the last checkpoint.
        checkpoint_minutes: between two writes; 5 by default.
        patience: stop after this many epochs in which the loss has not fallen by a thousandth: the
            test loss, or without a test set the mean training loss of an epoch.
        keep_best: end with the weights of the lowest such loss, not with the last ones. By default
            only with both patience and a test set.
        averaging: decay of a moving average of the weights, such as 0.999; the average is tested,
            and remains at the end.
        clip: largest Euclidean norm of the gradient.
        threads: 1 or 2, all there are by default; the result is the same.
    """

    checkpoint: str | os.PathLike[str] | None
    checkpoint_minutes: float
    patience: int | None
    keep_best: bool | None
    averaging: float | None
    clip: float | None
    threads: int | None
