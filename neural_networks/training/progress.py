"""Progress lines of a training: its loss, its rate, the time left."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

SILENCE = 60.0  # seconds after which a line is due in any case


class Progress:
    """Print a line at intervals of steps, at the last step, and after a minute without one.

    Args:
        steps: of the whole training.
        line_steps: between two lines.
        batch_size: examples of a step.
        count: examples of an epoch.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        steps: int,
        line_steps: int,
        batch_size: int,
        count: int,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.steps, self.line_steps, self.batch_size, self.count, self.clock = (
            steps,
            line_steps,
            batch_size,
            count,
            clock,
        )
        self._first = 0  # the first step, and when it was
        self._start = self._printed = clock()

    def step(self, step: int, loss: float, test_loss: float | None) -> None:
        """Record step number `step`, counted from 1, and print a line if one is due."""
        now = self.clock()
        if not self._first:
            # it may have compiled kernels: its time does not predict the rest
            self._first, self._start, self._printed = step, now, now
        if step % self.line_steps and step != self.steps and now - self._printed < SILENCE:
            return
        self._printed = now
        test = "" if test_loss is None else f", test loss {test_loss:.4g}"
        rate = (step - self._first) / max(now - self._start, 1e-9)  # steps a second
        left = (
            f", {rate * self.batch_size:,.0f} examples a second, "
            f"{duration((self.steps - step) / rate)} left"
            if rate
            else ""
        )
        epochs = self.steps * self.batch_size // self.count
        print(
            f"epoch {step * self.batch_size // self.count:,} of {epochs:,}: "
            f"loss {loss:.4g}{test}{left}"
        )


def duration(seconds: float) -> str:
    """Return a number of seconds as text, in the unit that fits it.

    Examples:
        >>> duration(75), duration(400), duration(9000)
        ('75 s', '7 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
