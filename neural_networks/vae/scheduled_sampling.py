"""Parallel scheduled sampling: the prior learns to go on from its own draws, all steps at once.

    draws = m_t + p_t eps_t          predicted from the true past, then from one with draws in it
    given_t = draws_t where replaced, else w_t

Fed with the truth alone a prior never sees where its own draws lead, and drifts when it runs free
(Bengio et al. 2015, arXiv:1506.03099). To draw one step after the other while learning would take
the time of a sampled run and of its gradient; passes over all steps at once come near to it: after
n of them the first n inputs are exactly those of the run with these innovations (Mihaylova and
Martins 2019, arXiv:1906.07651; Duckworth et al. 2019, arXiv:1906.04331). The draws count as given:
no gradient flows through them, and the targets stay the posterior's.
"""

from __future__ import annotations

import numpy as np

from neural_networks.components.mixtures import mixture_draw
from neural_networks.vae.recurrent_prior import PRIOR_BOUNDS, RecurrentPrior
from neural_networks.vae.song_context import SongContext


def own_draws(
    prior: RecurrentPrior,
    w: np.ndarray,
    context: SongContext,
    *,
    share: float,
    passes: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the prior's draws (S, B, D), and in which steps they replace latents (S, B, 1).

    Args:
        prior: is not changed.
        w: latents of the songs (S, B, D).
        context: of the songs.
        share: of the steps that are replaced, 0 to 1.
        passes: of the prior over all steps, one or more.
        rng: draws innovations and places.
    """
    noise = normal(rng, (*w.shape[:2], prior.innovation_size), w.dtype)
    replaced = rng.random((*w.shape[:2], 1)) < share
    draws = w
    for _ in range(passes):
        given = np.where(replaced, draws, w)
        statistics, _ = prior.predict(given, context)
        draws = mixture_draw(statistics, PRIOR_BOUNDS, noise, groups=prior.groups)
    return draws, replaced


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return standard normal numbers; float32 where that is asked for, in half the time."""
    return rng.standard_normal(shape, np.float32 if dtype == np.float32 else np.float64)
