"""Measure, on the music a model has learned, what its reconstructions lack of components.

    wide = excerpts.fit(WIDE, seed=0)                    as many as songs shall be restored to
    vae = SequenceVAE(K, scales=wide.first(K).scales, ..)    learns the first K
    components = restoring_components(vae, excerpts, wide, seed=0)

The inverse of these components makes frames of the model's steps: audio_parsing/restoration.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

from audio_parsing.components import LappedComponents
from audio_parsing.restoration import restoring_taps
from neural_networks.training.streams import Stream
from neural_networks.vae.sequence_vae import SequenceVAE
from radio.training.random_excerpts import RandomExcerpts

WIDE = 384  # components
MOST_EXCERPTS, AT_ONCE = 384, 16


def restoring_components(
    vae: SequenceVAE, excerpts: RandomExcerpts, wide: LappedComponents, *, seed: int
) -> LappedComponents:
    """Return the first K of wide components, with an inverse that restores the others.

    Args:
        vae: trained on K components.
        excerpts: of the music, in its own keys.
        wide: components of the same music, M of them.
        seed: of the places.
    """
    count = vae.generator.components
    rng = np.random.default_rng((seed, Stream.RESTORATION))
    chosen = np.unique(np.linspace(0, len(excerpts) - 1, MOST_EXCERPTS).astype(int))

    def pairs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(chosen), AT_ONCE):
            real = excerpts.draw(chosen[start : start + AT_ONCE], rng, wide).steps
            made, _ = vae.generator.decode(*vae.encode(np.ascontiguousarray(real[..., :count])))
            yield made, real

    with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
        taps = restoring_taps(pairs())
    return wide.first(count).restoring(taps, wide)
