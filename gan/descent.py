"""Descent in latent space: move the coordinate of a song down the gradient of an objective.

    objective(P (B, D)) -> (loss (B,), dloss/dP (B, D))    through generator and critic, or taste

Several starts descend at once, each by Adam with its own moments (Kingma and Ba 2015, algorithm 1),
and a hinge on the Mahalanobis distance keeps them inside the station's distribution. The best
coordinate has the lowest loss plus penalty over all starts and all steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gan.latent import LatentDistribution
from neural_networks.training.one_thread import one_blas_thread

Objective = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


# Length of a step, in units of `scale`. Chosen so that 30 steps stay near songs that the judge
# knows: 0.02, 0.07 and 0.2 lower the loss under the starter station's critic by 0.5, 1.0 and 1.4.
LEARNING_RATE = 0.07
LARGEST_GRADIENT = 1e150


@dataclass
class Descent:
    """The path of a descent.

    Attributes:
        path: (steps + 1, B, D) coordinates, the starts first.
        values: (steps + 1, B) of the objective.
        penalties: (steps + 1, B) for leaving the distribution, 0 inside.
        distances: (steps + 1, B) Mahalanobis distances; NaN without a distribution.
        best: (D,) the coordinate with the lowest value + penalty.
        best_step: its index in the path.
        best_start: its index among the starts.
    """

    path: np.ndarray
    values: np.ndarray
    penalties: np.ndarray
    distances: np.ndarray
    best: np.ndarray
    best_step: int
    best_start: int

    @property
    def history(self) -> np.ndarray:
        """The lowest value + penalty so far, after each step (steps + 1,)."""
        lowest = np.fmin.reduce(self.values + self.penalties, axis=1)
        return np.fmin.accumulate(lowest)


@one_blas_thread()
def descend(
    objective: Objective,
    start: np.ndarray,
    *,
    steps: int = 30,
    learning_rate: float = LEARNING_RATE,
    distribution: LatentDistribution | None = None,
    distance_weight: float = 1.0,
    scale: np.ndarray | float = 1.0,
    project: Callable[[np.ndarray], np.ndarray] = lambda position: position,
    progress: Callable[[int, float, float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Descent:
    """Descend from several starts at once.

    Args:
        objective: loss and gradient of coordinates (B, D); lower is better.
        start: (B, D).
        steps: of Adam.
        learning_rate: length of a step, in units of `scale`.
        distribution: to stay inside of; None for no limit.
        distance_weight: of the penalty max(0, distance^2 / D - 1).
        scale: (D,) unit of each value.
        project: returns the nearest coordinates (B, D) that are allowed, after each step.
        progress: called with (steps done, lowest value + penalty so far, its Mahalanobis distance,
            NaN without a distribution).
        should_stop: asked before each step; if true, the descent so far is returned.

    Raises:
        ValueError: if the start is not (B, D), steps or learning rate are none, the objective
            returns other shapes, or it is not finite at the start.

    Examples:
        >>> def objective(P):
        ...     return ((P - 3) ** 2).sum(axis=1), 2 * (P - 3)
        >>> found = descend(objective, np.zeros((1, 2)), steps=200)
        >>> found.best.round(2)
        array([3., 3.])
    """
    if start.ndim != 2 or not len(start):
        raise ValueError(f"the starts of a descent must have the shape (B, D), not {start.shape}")
    if steps < 0 or not 0 < learning_rate < np.inf:
        raise ValueError(f"no descent has {steps} steps of a learning rate of {learning_rate}")
    position = start.astype(np.float64)
    first_moment, second_moment = np.zeros_like(position), np.zeros_like(position)
    path, values, penalties, distances = [], [], [], []
    lowest, its_distance = np.inf, np.nan
    for step in range(steps + 1):
        value, gradient = objective(position)
        if np.shape(value) != position.shape[:1] or np.shape(gradient) != position.shape:
            raise ValueError(
                f"an objective returns values {position.shape[:1]} and gradients "
                f"{position.shape}, not {np.shape(value)} and {np.shape(gradient)}"
            )
        penalty, distance = np.zeros(len(position)), np.full(len(position), np.nan)
        if distribution is not None:
            penalty, dpenalty = distribution.distance_penalty(position)
            penalty, gradient = distance_weight * penalty, gradient + distance_weight * dpenalty
            distance = distribution.distance(position)
        if not step and not np.isfinite(value).all():
            raise ValueError("the objective is not finite at the start of the descent")
        path.append(position.copy())
        values.append(np.asarray(value, np.float64))
        penalties.append(penalty)
        distances.append(distance)
        total = np.nan_to_num(value + penalty, nan=np.inf)
        if total.min() < lowest:
            lowest, its_distance = float(total.min()), float(distance[total.argmin()])
        if progress is not None:
            progress(step, lowest, its_distance)
        if step == steps or (should_stop is not None and should_stop()):
            break
        # In units of scale u = P / scale:  dL/du = scale dL/dP.
        # A start whose gradient is not finite, or too large to be squared, stays for this step.
        gradient = np.where(np.abs(gradient * scale) < LARGEST_GRADIENT, gradient * scale, 0.0)
        first_moment += (1 - 0.9) * (gradient - first_moment)
        second_moment += (1 - 0.999) * (gradient * gradient - second_moment)
        direction = (first_moment / (1 - 0.9 ** (step + 1))) / (
            np.sqrt(second_moment / (1 - 0.999 ** (step + 1))) + 1e-8
        )
        position = project(position - learning_rate * scale * direction)
    totals = np.array(values) + np.array(penalties)
    best_step, best_start = np.unravel_index(int(np.nanargmin(totals)), totals.shape)
    best = path[best_step][best_start].copy()
    history = (np.array(path), np.array(values), np.array(penalties), np.array(distances))
    return Descent(*history, best=best, best_step=int(best_step), best_start=int(best_start))
