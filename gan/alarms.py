"""Alarms: signs in the log that an adversarial training has stalled, each with advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gan.options import Log

# Chosen, not measured: tests/gan/test_trainer.py provokes each alarm.
ALARM_STEPS = 100  # the latest steps, over which means are taken
CERTAIN = 0.05  # critic loss of the hinge, which is 2 while the critic knows nothing
CERTAIN_GAP = 2.0  # between the mean scores: the width of the hinge's margins
ALIKE = 0.5  # of the real songs' spread


class Alarm(NamedTuple):
    """A sign of trouble.

    Attributes:
        kind: 'certain', 'alike' or 'behind'; show each kind once.
        text: a line with figures and advice.
    """

    kind: str
    text: str


def alarms(log: Sequence[Log]) -> list[Alarm]:
    """Return the alarms of the latest ALARM_STEPS steps, none while there are fewer.

    NOTE: numbers that are not finite are no alarm: the Trainer stops at them with a
    TrainingDiverged and keeps the last good weights.

    Examples:
        >>> one = Log(1, 1.0, 0.5, 0.0, 0.1, 90.0, 1.0, 1.0, diversity=0.2)
        >>> alarms([one] * ALARM_STEPS)[0].text.split(":")[0]
        'generated songs differ only 20 % as much as real ones'
    """
    recent = log[-ALARM_STEPS:]
    if len(recent) < ALARM_STEPS:
        return []
    found = []
    gap = float(np.mean([one.real_score - one.fake_score for one in recent]))
    if np.mean([one.critic_loss for one in recent]) < CERTAIN and gap > CERTAIN_GAP:
        what = f"the critic is certain (scores {gap:.1f} apart) and teaches nothing"
        found.append(Alarm("certain", f"{what}: lower critic_rate or raise instance_noise"))
    diversity = float(np.mean([one.diversity for one in recent]))
    if diversity < ALIKE:
        what = f"generated songs differ only {100 * diversity:.0f} % as much as real ones"
        found.append(Alarm("alike", f"{what}: lower adversarial_weight or raise reconstructed"))
    if -gap > CERTAIN_GAP:
        what = f"generated songs score {-gap:.1f} above real ones; the critic lags behind"
        advice = "raise critic_rate, or lower generator_rate or adversarial_weight"
        found.append(Alarm("behind", f"{what}: {advice}"))
    return found
