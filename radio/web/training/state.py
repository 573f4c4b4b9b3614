"""The state of a training for the page, from its process's events: progress, losses, samples."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from radio.training import GAN_SHARE

LOSSES = 120  # points of the loss curve, as many as fit on a page
LINES = 30
SAMPLES = 12  # radio.web.training.process.SAMPLES_KEPT
# the share of the total time at which each phase begins, and its own share
SPANS = {
    "vae": (0.0, 1 - GAN_SHARE),
    "gan": (1 - GAN_SHARE, GAN_SHARE),
}


class TrainingState:
    """Collect events.

    Args:
        clock: seconds that never decrease.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.progress: dict[str, Any] = {}
        self.losses: list[float] = []
        self.samples: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.skipped: list[str] = []  # those of `lines` about files that are passed over
        self.trouble = ""
        self.trained = ""
        self._began = (0.0, 0)  # seconds and steps done at the phase's first event
        self._every = 1  # interval of the losses in the curve
        self._count = 0

    def take(self, event: dict[str, Any]) -> None:
        """Handle an event of radio.training.train or radio.web.training.process."""
        if "sample" in event:
            self.samples = [
                *self.samples,
                {"number": event["sample"], "name": event["name"], "step": event["step"]},
            ][-SAMPLES:]
        elif "trouble" in event:
            self.trouble = event["trouble"]
        elif "trained" in event:
            self.trained = event["trained"]
            self.progress = {**self.progress, "phase": "save", "share": 1.0, "left": 0.0}
        elif line := event.get("note") or event.get("skip"):
            text = " ".join(str(line).split())
            self.lines = [*self.lines, text][-LINES:]
            if "skip" in event:
                self.skipped = [*self.skipped, text][-LINES:]
        else:
            self._advance(event)

    def _advance(self, event: dict[str, Any]) -> None:
        now, phase, done, of = self._clock(), event["phase"], event.get("done"), event.get("of")
        if phase != self.progress.get("phase"):
            self._began = (now, done or 0)
            # each phase has a loss of its own
            self.losses, self._every, self._count = [], 1, 0
        self.progress = {
            "phase": phase,
            "done": done,
            "of": of,
            "loss": event.get("loss"),
            "rate": None,
            "left": None,
            "share": 0.0,
        }
        if event.get("loss") is not None:
            self._keep(float(event["loss"]))
        begins, span = SPANS.get(phase, (1.0 if phase == "save" else 0.0, 0.0))
        self.progress["share"] = round(begins + (span * done / of if done and of else 0.0), 4)
        seconds, steps = now - self._began[0], (done or 0) - self._began[1]
        if of and span and seconds > 0 and steps > 0:
            self.progress["rate"] = round(steps / seconds, 2)
            # Later phases are not measured yet: they are assumed to take their nominal share.
            later = (1 - begins - span) / span * of * seconds / steps
            self.progress["left"] = round((of - (done or 0)) * seconds / steps + later, 1)

    def _keep(self, loss: float) -> None:
        """Add a loss, thinning the curve evenly to at most LOSSES points."""
        if self._count % self._every == 0:
            self.losses.append(round(loss, 5))
            if len(self.losses) > LOSSES:
                self.losses = self.losses[::2]
                self._every *= 2
        self._count += 1
