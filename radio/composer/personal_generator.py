"""The generator with a listener's added layers: which version is used, when it is trained, and who may train it.

    generator = PersonalGenerator(station, folder)
    generator.due(ratings)                      whether it pays to train, and nobody else does
    generator.train(taste, rng, ratings=)       keeps a new version if it is better
    generator.follow()                          takes what another session has trained
    generator.reset(ratings=)  go_back(path)

Layers are never changed once they are used: another thread may be making songs through them. They
are exchanged.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radio.composer.adapter import EVERY, AddedLayers, versions
from radio.composer.final_song import whole_distribution
from radio.home.file_lock import LearnerLock
from radio.station.station import Station
from radio.taste.taste import Taste, through


class PersonalGenerator:
    """See the module's contract.

    Args:
        station: whose generator it is.
        folder: where versions are kept, of one listener and one training of the station.
        used: whether there are added layers at all.

    Attributes:
        layers: that are used now.
    """

    def __init__(self, station: Station, folder: Path, *, used: bool = True) -> None:
        self.layers = AddedLayers(whole_distribution(station))
        self._station = station
        self._folder = folder
        self._used = used
        self._lock = LearnerLock(folder / "learner.lock")
        self._version: Path | None = None  # the latest that was taken
        self._tried = 0  # ratings when they were trained last, kept or not
        self.follow()

    @property
    def in_use(self) -> AddedLayers | None:
        """The layers, if the generator is another with them."""
        return None if self.layers.untouched else self.layers

    @property
    def learned(self) -> tuple[int, float]:
        """From how many ratings they were trained, 0 for none, and how much more their songs should be liked."""
        return (0, 0.0) if self.layers.untouched else (self.layers.ratings, self.layers.gain)

    def due(self, ratings: int) -> bool:
        """Return whether there are enough new ratings to train, and nobody else trains for this listener."""
        return (
            self._used
            and self.layers.due(ratings)
            and ratings // EVERY > self._tried // EVERY
            and self._lock.take()
        )

    def may_train(self) -> bool:
        """Return whether nobody else trains for this listener."""
        return self._lock.take()

    def train(
        self, taste: Taste, rng: np.random.Generator, *, ratings: int, steps: int
    ) -> list[float]:
        """Train, keep the result as a version if it is better, and return the losses; there are none if it is not."""
        station, layers = self._station, self.layers.copy()
        decode = through(station.vae.decoder, station.latent_size)
        losses = layers.improve(
            taste,
            decode,
            station.critic.folded(),
            lambda count: station.sample(count, rng),
            steps=steps,
        )
        self._tried = ratings
        if losses:
            layers.ratings = ratings
            self._keep(layers)
        return losses

    def reset(self, *, ratings: int) -> None:
        """Be the station's own generator again, in later sessions too; more ratings may train new layers."""
        layers = AddedLayers(self.layers.distribution)
        layers.ratings = ratings
        self._keep(layers)

    def versions(self) -> list[Path]:
        """Return every version that was kept, the oldest first."""
        return versions(self._folder)

    def go_back(self, version: Path | None) -> None:
        """Take a version; None for none, so that the generator is the station's again."""
        layers = AddedLayers(self.layers.distribution)
        if version is not None:
            layers.load(version)
        self.layers = layers

    def follow(self) -> bool:
        """Take the latest version if it is another than the one that was taken last; return whether it is."""
        kept = self.versions() if self._used else []
        if not kept or kept[-1] == self._version:
            return False
        self.go_back(kept[-1])
        self._version = kept[-1]
        return True

    def close(self) -> None:
        """Let somebody else train."""
        self._lock.close()

    def _keep(self, layers: AddedLayers) -> None:
        self._version = layers.save(self._folder)
        self.layers = layers
