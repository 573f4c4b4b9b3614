"""Alarms: signs in the log of an adversarial training that it teaches nothing any more, each with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gan.options import Log

ALARM_STEPS = 100  # over which an alarm looks
CERTAIN = 0.05  # critic loss of the hinge, which is 2 while the critic knows nothing
CERTAIN_GAP = 2.0  # between the mean scores: the hinge's margins
ALIKE = 0.5  # of the real songs' spread


class Alarm(NamedTuple):
    """What looks wrong.

    Attributes:
        kind: 'certain', 'alike' or 'behind'; the same kind is worth saying once.
        text: a line with figures, and what to do.
    """

    kind: str
    text: str


def alarms(log: Sequence[Log]) -> list[Alarm]:
    """Return what looks wrong over the last ALARM_STEPS steps; nothing before there are so many.

    NOTE: numbers that are not finite are no alarm: the Trainer stops at them with a
    TrainingDiverged and keeps the last good weights.
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
        what = f"generated songs score {-gap:.1f} above real ones: the critic can't follow the generator"
        found.append(
            Alarm(
                "behind",
                f"{what}: raise critic_rate, or lower generator_rate or adversarial_weight",
            )
        )
    return found
