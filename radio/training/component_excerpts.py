"""What a SequenceVAE is trained on: the recipes of the product, and excerpts drawn by them.

docs/songs.md says what each constant brought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audio_parsing.components import LappedComponents
from radio.station import FRAMES_PER_BEAT, PHRASE
from radio.training.known_steps import KnownSteps
from radio.training.random_excerpts import Drawn, RandomExcerpts


@dataclass(frozen=True)
class SequenceRecipe:
    """What a SequenceVAE is trained on, and its sizes.

    Attributes:
        beta: weight of the divergence of a step's latents; see SequenceVAE.loss.
        song_beta: of that of z; as beta if None.
        detail_beta: of a step's detail; as beta if None.
        sizes: of the SequenceVAE, keyword arguments.
        components: K, numbers of a step.
        restored: components of the music, with which those that the network lacks are restored.
        steps: S, of an excerpt.
        batch: excerpts a step of each process.
        semitones: by which excerpts are moved at most.
        calibrated: whether components of new songs are made to move as much as those of songs that
            are reconstructed.
        on_beats: whether excerpts begin at beats, and steps are told which beat it is.
        beginnings: whether the beginnings of recordings tell where songs lie, not all of them.
        remembered: songs at most whose innovations a station remembers.
    """

    beta: float
    song_beta: float | None = None
    detail_beta: float | None = None
    sizes: dict[str, Any] = field(default_factory=dict)
    components: int = 192
    restored: int = 384
    steps: int = 64
    batch: int = 16
    semitones: int = 3
    calibrated: bool = True
    on_beats: bool = False
    beginnings: bool = False
    remembered: int = 128


RECORDINGS = SequenceRecipe(
    beta=0.002,
    sizes={
        "latent_size": 96,
        "song_size": 32,
        "groups": 3,
        "hidden": 128,
        "prior_hidden": 256,
        "position": True,
    },
    on_beats=True,
)
ON_BEATS = SequenceRecipe(
    beta=0.15,
    song_beta=0.03,
    detail_beta=0.005,
    sizes={
        "latent_size": 16,
        "detail_size": 24,
        "mixtures": 8,
        "song_size": 64,
        "beats": 32,
        "plan_size": 128,
        "position": True,
    },
    steps=128,
    batch=8,
    semitones=0,
    calibrated=False,
    on_beats=True,
    beginnings=True,
    remembered=64,
)


class ComponentExcerpts:
    """Excerpts of recordings as components, drawn by the number of their slot.

    Args:
        recordings: frames (T, 202) of each.
        wide: more components of them than a step has.
        recipe: of the training.
        encoded: see Recordings.
    """

    def __init__(
        self,
        recordings: Sequence[np.ndarray],
        wide: LappedComponents,
        recipe: SequenceRecipe,
        encoded: int | None = None,
    ) -> None:
        self.recipe, self.wide = recipe, wide
        self.components = wide.first(recipe.components)
        self.take(recordings, encoded)

    @classmethod
    def of(
        cls, recordings: Sequence[np.ndarray], recipe: SequenceRecipe, *, seed: int
    ) -> ComponentExcerpts:
        """Return excerpts of recordings, whose components are measured.

        Args:
            recordings: frames (T, 202) of each.
            recipe: of the training.
            seed: of what they are measured on.
        """
        wide = _excerpts(recordings, recipe).fit(recipe.restored, seed=seed)
        return cls(recordings, wide, recipe)

    def take(self, recordings: Sequence[np.ndarray], encoded: int | None = None) -> None:
        """Draw from these recordings from now on, in the same components."""
        self.excerpts = _excerpts(recordings, self.recipe)
        self._known = KnownSteps(self.excerpts, self.components)
        self._encoded = recordings[:encoded]

    def __len__(self) -> int:
        return len(self.excerpts)

    def draw(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return excerpts (S, B, K) of slots (B,)."""
        return self.drawn(indices, rng).steps

    def drawn(self, indices: np.ndarray, rng: np.random.Generator) -> Drawn:
        """Return excerpts of slots (B,), and where they are from."""
        return self._known.draw(indices, rng)

    def first_beats(self, starts: np.ndarray) -> np.ndarray | None:
        """Return the beats (B,) at which excerpts begin that start at frames (B,)."""
        return starts // FRAMES_PER_BEAT if self.recipe.on_beats else None

    def to_be_encoded(self, steps: int | None = None) -> RandomExcerpts:
        """Return excerpts in their own keys, which begin where a phrase may, as new songs do.

        Args:
            steps: S, of an excerpt; the recipe's if None.
        """
        recordings, steps = self._encoded, steps or self.recipe.steps
        if not self.recipe.beginnings:
            align = PHRASE if self.recipe.on_beats else 1
            return RandomExcerpts(recordings, steps=steps, align=align)
        length = steps * self.components.frames_per_step
        return RandomExcerpts([frames[:length] for frames in recordings], steps=steps, fewest=1)


def _excerpts(recordings: Sequence[np.ndarray], recipe: SequenceRecipe) -> RandomExcerpts:
    align = FRAMES_PER_BEAT if recipe.on_beats else 1
    return RandomExcerpts(recordings, steps=recipe.steps, semitones=recipe.semitones, align=align)
