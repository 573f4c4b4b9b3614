"""The songs that a station remembers, so that new ones can follow them more or less closely.

Of a remembered song A the station keeps P = (z_A, eps_A), which makes it again. A new song follows
up to two of them, with shares a and b, a^2 + b^2 <= 1, and c = sqrt(1 - a^2 - b^2):

    eps = a eps_A + b eps_B + c eps_new          innovations stay standard normal
    z = m + a (z_A - m) + b (z_B - m) + c (z_new - m)        m: mean of the station's songs

Novelty is one axis of these: at 0 a song is A itself. Up to MIXED the second song comes in, until
both count the same, a = b, and nothing is drawn; from there on c grows, and at 1 a song is free.
Where the prior is a mixture, innovations choose, and halves of two choices are neither: songs
follow one. It keeps its z up to DRAWN, while all that happens in it becomes new. From there on no
innovations are followed, so A may be any song whose z is known; beyond it is the one nearest to
z_new, to which z moves on, z = z_A + c (z_new - z_A). docs/songs.md measures both.

Four columns of P say whom a song follows, after its seed: [A; a; B; b]; songs are counted from 1,
and 0 is none. The z of P is the sum.

Letters: S steps, N songs whose z is known, M of them, the first, with innovations, E innovations of
a step, Z values of z, B songs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neural_networks.vae.sequence_vae import SequenceVAE
from radio.station.limits import LARGEST_COORDINATE

FOLLOWED = 4  # columns of P
# Mixtures of two songs are no known tunes and better than songs that follow one as loosely
# (docs/songs.md, "Novelty").
MIXED = 0.4
DRAWN = 0.4
DEFAULT_NOVELTY = 0.4
# Innovations are whole numbers of these on disk and in memory: fine enough for those that choose a
# Gaussian of a mixture, whose intervals are narrow where its weight is small.
UNIT = 1 / 4096
LARGEST_MEMORY = 1 << 20  # numbers, two bytes each


@dataclass
class LearnedSongs:
    """See the module's contract.

    Attributes:
        z: (N, Z) float32.
        innovations: (S, M, E) int16, in UNITs. A song longer than S steps begins them again.
        forms: (N,) int16, the number of each one's form in the station's list, from 1; 0 for none.
    """

    z: np.ndarray
    innovations: np.ndarray
    forms: np.ndarray

    def __post_init__(self) -> None:
        steps, songs, size = self.innovations.shape
        whole = all(part.dtype == np.int16 for part in (self.innovations, self.forms))
        if not whole or self.z.shape[:-1] != self.forms.shape or songs > len(self.z):
            raise ValueError("the songs that it remembers don't fit")
        if not steps * songs * size or not (np.abs(self.z) < LARGEST_COORDINATE).all():
            raise ValueError("the songs that it remembers are not songs")

    @classmethod
    def of(cls, vae: SequenceVAE, songs: np.ndarray, *, rng: np.random.Generator) -> LearnedSongs:
        """Return what is remembered of songs (S, M, K).

        Args:
            vae: trained.
            songs: components.
            rng: draws their latents from the posterior, whose innovations are standard normal.
        """
        w, _ = vae.encode(songs, rng=rng)
        z = vae.encode(songs)[1]
        exact = vae.generator.innovations(w, z)[..., : vae.generator.innovation_size]
        limits = np.iinfo(np.int16)
        rounded = np.clip(np.rint(exact / UNIT), limits.min, limits.max).astype(np.int16)
        return cls(z, rounded, np.zeros(len(z), np.int16))

    def __len__(self) -> int:
        return self.innovations.shape[1]

    def choose(
        self,
        z: np.ndarray,
        mean: np.ndarray,
        *,
        novelty: float,
        pairs: bool = True,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose whom new songs follow.

        Args:
            z: (B, Z) of new songs that follow nobody.
            mean: (Z,) of the station's songs.
            novelty: from 0, the songs that were learned, to 1, free.
            pairs: whether songs follow two; else one.
            rng: of the choice.

        Returns:
            z (B, Z) of songs that follow, and the columns (B, FOLLOWED).
        """
        columns = np.zeros((len(z), FOLLOWED), np.float32)
        if not pairs and novelty > DRAWN:
            near = np.array([np.square(self.z - one).sum(axis=1).argmin() for one in z])
            columns[:, 0] = near + 1
            return self.z[near] + way_at(novelty) * (z - self.z[near]), columns
        innovations = pairs or novelty < DRAWN  # only of some songs they are known
        first = rng.integers(len(self) if innovations else len(self.z), size=len(z))
        columns[:, 0] = first + 1
        if not pairs:
            columns[:, 1] = share_at(novelty)
            return self.z[first], columns
        second = (first + rng.integers(1, max(2, len(self)), size=len(z))) % len(self)
        columns[:, 2] = second + 1
        a, b = columns[:, 1], columns[:, 3] = shares_at(novelty)
        new = np.sqrt(max(0.0, 1 - a * a - b * b))
        followed = a * (self.z[first] - mean) + b * (self.z[second] - mean)
        return mean + followed + new * (z - mean), columns

    def follow(self, columns: np.ndarray, new: np.ndarray, *, turn: float = 0.0) -> np.ndarray:
        """Return innovations (S, B, E) of songs of any length.

        Args:
            columns: (B, FOLLOWED); any numbers: those of no song mean none.
            new: innovations (S, B, E) of the songs' seeds.
            turn: angle by which the second song counts more; c stays.
        """
        first, second, rest = _shares(columns, turn)
        followed = rest * new
        places = np.arange(len(new)) % len(self.innovations)
        for number, share in ((columns[:, 0], first), (columns[:, 2], second)):
            for song in np.flatnonzero(share[:, 0]):
                chosen = int(np.clip(np.rint(number[song]), 1, len(self))) - 1
                learned = self.innovations[places, chosen].astype(np.float32)
                followed[:, song] += share[song] * np.float32(UNIT) * learned
        return followed

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the station's file."""
        return {
            "z": self.z.astype(np.float32),
            "innovations": self.innovations,
            "own_forms": self.forms,
        }

    @classmethod
    def read(
        cls, arrays: dict[str, np.ndarray], *, latent_size: int, innovation_size: int
    ) -> LearnedSongs:
        """Return the songs of a file.

        Raises:
            ValueError: if they don't fit the model.
        """
        found = cls(arrays["z"].astype(np.float32), arrays["innovations"], arrays["own_forms"])
        if found.z.shape[1:] != (latent_size,) or found.innovations.shape[2] != innovation_size:
            raise ValueError("the songs that it remembers don't fit")
        return found


def shares_at(novelty: float) -> tuple[float, float]:
    """Return the shares a and b of the songs that are followed, at a novelty from 0 to 1."""
    mixed = min(novelty / MIXED, 1) * np.pi / 4
    kept = np.cos(max(novelty - MIXED, 0) / (1 - MIXED) * np.pi / 2)
    return float(kept * np.cos(mixed)), float(kept * np.sin(mixed))


def share_at(novelty: float) -> float:
    """Return the share a of the one song whose innovations are followed."""
    return float(np.cos(min(novelty / DRAWN, 1) * np.pi / 2))


def way_at(novelty: float) -> float:
    """Return c, how far z is on its way from that of the one song to a new one."""
    return max(novelty - DRAWN, 0.0) / (1 - DRAWN)


def most_songs(steps: int, innovation_size: int) -> int:
    """Return of how many songs of so many steps a station can remember all innovations."""
    return max(1, LARGEST_MEMORY // (steps * innovation_size))


def _shares(columns: np.ndarray, turn: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a, b and c (B, 1) float32 of columns (B, FOLLOWED), a^2 + b^2 + c^2 = 1.

    The pair (a, b) of a song that follows two is turned by an angle.
    """
    known = np.rint(columns[:, [0, 2]]) > 0
    shares = np.where(known, np.clip(columns[:, [1, 3]], 0, 1), 0).astype(np.float64)
    shares /= np.maximum(np.linalg.norm(shares, axis=1, keepdims=True), 1)
    rest = np.sqrt(np.maximum(1 - np.square(shares).sum(axis=1, keepdims=True), 0))
    angle = np.where(known.all(axis=1, keepdims=True), turn, 0.0)
    a, b = shares[:, :1], shares[:, 1:]
    turned = a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle), rest
    return tuple(one.astype(np.float32) for one in turned)  # type: ignore[return-value]
