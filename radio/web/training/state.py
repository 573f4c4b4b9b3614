"""What a page shows of a training, made of the events that its process tells: share, rate, time left, losses, samples, lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from radio.training.recipes import QUICK

LOSSES = 120  # points of the curve of losses, as many as a page has room for
LINES = 30
SAMPLES = 12  # radio.web.training.process.SAMPLES_KEPT
# Of the time of the whole, where each phase begins and how much of it is its own; what comes before
# and after is short.
SPANS = {
    "learn": (0.0, 1 - QUICK.gan_minutes),
    "perform": (1 - QUICK.gan_minutes, QUICK.gan_minutes),
}


class TrainingState:
    """See the module's sentence.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.progress: dict[str, Any] = {}
        self.losses: list[float] = []
        self.samples: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.trouble = ""
        self.trained = ""
        self._began = (0.0, 0)  # seconds and steps done when the phase was first heard of
        self._every = 1  # of how many losses one is kept
        self._heard = 0

    def take(self, event: dict[str, Any]) -> None:
        """Take an event of radio.training.train, or one of radio.web.training.process."""
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
            self.lines = [*self.lines, " ".join(str(line).split())][-LINES:]
        else:
            self._advance(event)

    def _advance(self, event: dict[str, Any]) -> None:
        now, phase, done, of = self._clock(), event["phase"], event.get("done"), event.get("of")
        if phase != self.progress.get("phase"):
            self._began = (now, done or 0)
            # the two phases have losses of their own
            self.losses, self._every, self._heard = [], 1, 0
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
            # Of the phases behind this one nothing is measured yet: they take the share of the time
            # that they were given.
            later = (1 - begins - span) / span * of * seconds / steps
            self.progress["left"] = round((of - (done or 0)) * seconds / steps + later, 1)

    def _keep(self, loss: float) -> None:
        """Keep a loss, each of them or every second, fourth ...: evenly spaced, and never more than LOSSES."""
        if self._heard % self._every == 0:
            self.losses.append(round(loss, 5))
            if len(self.losses) > LOSSES:
                self.losses = self.losses[::2]
                self._every *= 2
        self._heard += 1
