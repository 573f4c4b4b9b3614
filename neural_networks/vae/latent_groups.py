"""Latents of a step in groups, drawn one after another: steps of songs as more, shorter ones.

    groups = LatentGroups(latent_size, groups, mixtures)
    groups.apart(values)          (S, B, n D) -> (G S, B, n D / G);  groups.together is its inverse
    groups.statistics_apart(s)    (S, B, C) -> (G S, B, C / G);      statistics_together likewise

Without groups (G = 1) nothing is copied. Shapes are as in `recurrent_prior.py`.
"""

from __future__ import annotations

import numpy as np


class LatentGroups:
    """See the module's contract.

    Args:
        latent_size: D.
        groups: G, a divisor of D.
        mixtures: M, components of what a group of a step is drawn from.

    Raises:
        ValueError: if the latents can't be divided into the groups, or there is no component.
    """

    def __init__(self, latent_size: int, groups: int, mixtures: int) -> None:
        if groups < 1 or latent_size % groups:
            raise ValueError(f"{latent_size} latents can't be divided into {groups} groups")
        if mixtures < 1:
            raise ValueError(f"a mixture has 1 component or more, not {mixtures}")
        self.count, self.size, self._mixtures = groups, latent_size // groups, mixtures
        self._kinds = 2 * mixtures  # of values a latent: means and raw log-variances

    def apart(self, values: np.ndarray, kinds: int = 1) -> np.ndarray:
        """Return the values (G S, B, n D / G) of each group, of (S, B, n D), n kinds of values."""
        if self.count == 1:
            return values
        steps, songs, _ = values.shape
        parts = values.reshape(steps, songs, kinds, self.count, -1).transpose(0, 3, 1, 2, 4)
        return np.ascontiguousarray(parts).reshape(steps * self.count, songs, -1)

    def together(self, values: np.ndarray, kinds: int = 1) -> np.ndarray:
        """Return what `apart` was given."""
        if self.count == 1:
            return values
        steps, songs = len(values) // self.count, values.shape[1]
        parts = values.reshape(steps, self.count, songs, kinds, -1).transpose(0, 2, 3, 1, 4)
        return np.ascontiguousarray(parts).reshape(steps, songs, -1)

    def statistics_apart(self, statistics: np.ndarray) -> np.ndarray:
        """Return the statistics of each group (G S, B, C / G) of those of steps (S, B, C)."""
        if self.count == 1 or self._mixtures == 1:
            return self.apart(statistics, self._kinds)
        parts = np.split(statistics, [self._kinds * self.size * self.count], axis=-1)
        each = self.apart(parts[0], self._kinds), self.apart(parts[1], self._mixtures)
        return np.concatenate(each, axis=-1)

    def statistics_together(self, statistics: np.ndarray) -> np.ndarray:
        """Return what `statistics_apart` was given."""
        if self.count == 1 or self._mixtures == 1:
            return self.together(statistics, self._kinds)
        parts = np.split(statistics, [self._kinds * self.size], axis=-1)
        each = self.together(parts[0], self._kinds), self.together(parts[1], self._mixtures)
        return np.concatenate(each, axis=-1)
