"""A station's model: z, course -> innovations -> components -> frames, and gradients back.

Songs of any length; steps are components (audio_parsing/components.py), K numbers each. A song's
course is in its coordinate P, so that the same P makes the same song: the seed of its innovations
and, where the station remembers songs, whom it follows (learned_songs.py) and its form (forms.py).
Innovations that were changed follow the course (changes.py).

Letters: B songs, S steps, K components, as the critic reads them, T frames, Z values of z, C of a
course, and of changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audio_parsing.components import LappedComponents
from gan.critic import Critic
from neural_networks.components.module import Module
from neural_networks.vae.arrangement import (
    ArrangedLatents,
    Stretch,
    arranged,
    arranged_backward,
    arranged_latents,
    change,
    stretch,
)
from neural_networks.vae.sequence_vae import SequenceVAE
from radio.station.changes import stretches_of
from radio.station.forms import VARIATION, Form
from radio.station.innovations import SEEDS, innovations
from radio.station.learned_songs import FOLLOWED, LearnedSongs
from radio.station.steps import STEPS_PER_BEAT


@dataclass
class SequenceModel:
    """See the module's contract.

    Attributes:
        vae: encoder and generator of components.
        components: of the station's music.
        learned: songs that new ones may follow; None for stations that remember none.
        forms: that songs may have, where there are such songs.
    """

    vae: SequenceVAE
    components: LappedComponents
    learned: LearnedSongs | None = None
    forms: list[Form] = field(default_factory=list)

    @property
    def latent_size(self) -> int:
        """Z."""
        return self.vae.generator.song_size

    @property
    def course_size(self) -> int:
        """Columns of P for a song's seed, for whom it follows, and for its form."""
        return 1 if self.learned is None else 2 + FOLLOWED

    @property
    def features(self) -> int:
        """K."""
        return self.components.count

    @property
    def module(self) -> SequenceVAE:
        """The networks."""
        return self.vae

    @property
    def generator(self) -> Module:
        """The part that makes songs."""
        return self.vae.generator

    def draw_course(
        self, z: np.ndarray, mean: np.ndarray, *, novelty: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw z (B, Z) and courses (B, C): seeds, whom the songs follow, their forms.

        A song has the form of the learned one whose z is nearest, which it follows if it follows
        any. At a novelty of 0 songs have no form, but that of the song that was learned.

        Args:
            z: (B, Z) of new songs; where they follow learned songs, it is drawn towards theirs.
            mean: (Z,) of the station's songs.
            novelty: from 0, the songs that were learned, to 1.
            rng: of the songs.
        """
        seeds = rng.integers(SEEDS, size=(len(z), 1))
        if self.learned is None:
            return z, seeds
        pairs = self.vae.generator.prior.mixtures == 1
        z, followed = self.learned.choose(z, mean, novelty=novelty, pairs=pairs, rng=rng)
        numbers = np.zeros((len(z), 1), np.int64)
        if novelty > 0:
            nearest = [np.square(self.learned.z - one).sum(axis=1).argmin() for one in z]
            numbers = self.learned.forms[nearest, None]
        return z, np.concatenate([seeds, followed, numbers], axis=1)

    def form(self, course: np.ndarray) -> Form | None:
        """Return the form of a course (C,), None for a song without one."""
        number = round(float(course[self.course_size - 1])) if self.learned is not None else 0
        return self.forms[number - 1] if 0 < number <= len(self.forms) else None

    def innovations(
        self, course: np.ndarray, places: np.ndarray, *, turn: float = 0.0
    ) -> np.ndarray:
        """Return the innovations (S, B, E) of courses (B, C) for steps at places (S,) of songs.

        Args:
            course: (B, C).
            places: of the steps.
            turn: angle by which they are varied.
        """
        steps, size = int(places.max()) + 1, self.vae.generator.innovation_size
        made = innovations(course[:, 0], steps, size)
        if turn:
            other = innovations((course[:, 0] + SEEDS // 2) % SEEDS, steps, size)
            made = np.float32(np.cos(turn)) * made + np.float32(np.sin(turn)) * other
        if self.learned is not None:
            made = self.learned.follow(course[:, 1 : 1 + FOLLOWED], made, turn=turn)
        return made[places]

    def decode(self, z: np.ndarray, course: np.ndarray, beats: int) -> np.ndarray:
        """Return steps (S, B, K) of songs of any length."""
        steps = np.empty((beats * STEPS_PER_BEAT, len(z), self.features), z.dtype)
        for form, songs in self._by_form(course, beats):
            if form is None:
                given = self.innovations(course[songs], np.arange(len(steps)))
                steps[:, songs] = self.vae.generator.draw(z[songs], given)[0]
            else:
                latents = self._latents(z[songs], course[songs], beats, form)
                steps[:, songs] = arranged(self.vae.generator, z[songs], latents)[0]
        return steps

    def trace(
        self, z: np.ndarray, course: np.ndarray, beats: int
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Return steps (S, B, K), and the function from dsteps to dz, through the recurrence.

        Changes of innovations are left out: they belong to the song as it was.
        """
        course = course[:, : self.course_size]
        generator, parts = self.vae.generator, []
        steps = np.empty((beats * STEPS_PER_BEAT, len(z), self.features), z.dtype)
        for form, songs in self._by_form(course, beats):
            if form is None:
                given = self.innovations(course[songs], np.arange(len(steps)))
                steps[:, songs], cache = generator.generate(z[songs], given)
            else:
                latents = self._latents(z[songs], course[songs], beats, form)
                steps[:, songs], cache = arranged(generator, z[songs], latents)
            parts.append((form, songs, cache))

        def backward(dsteps: np.ndarray) -> np.ndarray:
            dz = np.empty_like(z)
            for form, songs, cache in parts:
                given = np.ascontiguousarray(dsteps[:, songs])
                if form is None:
                    dz[songs] = generator.generate_backward(given, cache)[0]
                else:
                    dz[songs] = arranged_backward(generator, given, cache)[0]
            return dz

        return steps, backward

    def stretch(
        self, z: np.ndarray, course: np.ndarray, beats: int, start: int, stop: int
    ) -> Stretch:
        """Return a stretch of a song of z (1, Z) and course (1, C), to be drawn otherwise."""
        form = self.form(course[0]) or Form(beats * STEPS_PER_BEAT, (0,))
        latents = self._latents(z, course, beats, form)
        return stretch(self.vae.generator, z, latents, start, stop)

    def _latents(
        self, z: np.ndarray, course: np.ndarray, beats: int, form: Form
    ) -> ArrangedLatents:
        """Return the latents of songs of one form; of one song alone, if it has changes."""
        arrangement = form.arrangement(beats)
        first, again = (
            self.innovations(course, np.arange(len(arrangement.places)), turn=turn)
            for turn in (0.0, VARIATION)
        )
        latents = arranged_latents(self.vae.generator, z, first, again, arrangement)
        for start, given in stretches_of(course[0, self.course_size :], first.shape[2]):
            latents = change(self.vae.generator, z, latents, start, given[:, None])
        return latents

    def _by_form(self, course: np.ndarray, beats: int) -> list[tuple[Form | None, np.ndarray]]:
        """Return each form of courses (B, C), and the songs that have it; changed ones alone.

        A changed song without a form has one that is a single section.
        """
        groups: dict[tuple[Form | None, int], list[int]] = {}
        for song, one in enumerate(course):
            form, alone = self.form(one), one[self.course_size :].any()
            if alone and form is None:
                form = Form(beats * STEPS_PER_BEAT, (0,))
            groups.setdefault((form, song if alone else -1), []).append(song)
        return [(form, np.array(songs)) for (form, _), songs in groups.items()]

    def reconstruct(self, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return z (B, Z), the posterior's means, of steps (S, B, K), and the steps made again."""
        w, z = self.vae.encode(steps)
        return z, self.vae.generator.decode(w, z)[0]

    def to_frames(self, steps: np.ndarray) -> np.ndarray:
        """Return frames (B, T, 202) of steps (S, B, K); values below 0 mean silence."""
        return self.components.inverse(steps.transpose(1, 0, 2))

    def to_frames_backward(self, dframes: np.ndarray) -> np.ndarray:
        """Return dsteps (S, B, K) for dframes (B, T, 202)."""
        dsteps = self.components.inverse_backward(dframes)
        return np.ascontiguousarray(dsteps.transpose(1, 0, 2))

    def to_steps(self, frames: np.ndarray) -> np.ndarray:
        """Return steps (S, B, K) of frames (B, T, 202), T a multiple of 6."""
        return np.ascontiguousarray(self.components.transform(frames).transpose(1, 0, 2))

    def new_critic(self, *, hidden: int, rng: np.random.Generator, **options: Any) -> Critic:
        """Return a critic of components with random weights; options are those of Critic."""
        options |= {"centre": 0.0, "scale": 1 / self.components.scales}
        return Critic(self.features, hidden, rng=rng, **options)
