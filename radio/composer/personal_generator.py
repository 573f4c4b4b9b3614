"""The generator with a listener's adapter: which version is used, when it is trained, and by whom.

    generator = PersonalGenerator(station, folder)
    generator.due(ratings)                      whether to train now; only one process may
    generator.train(taste, rng, ratings=)       writes a new version if it is better
    generator.follow()                          loads what another session has trained
    generator.reset(ratings=)  go_back(path)

NOTE: an adapter in use never changes, as another thread may be making songs with it: a new one
replaces it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radio.composer.adapter import RATINGS_BETWEEN, Adapter, versions
from radio.composer.final_song import moving_distribution
from radio.home import FileLock
from radio.station import Station
from radio.taste import Taste, through


class PersonalGenerator:
    """See the module's contract.

    Args:
        station: whose generator it is.
        folder: of the versions, of one listener and one training of the station.
        used: whether there is an adapter at all.

    Attributes:
        adapter: in use.
    """

    def __init__(self, station: Station, folder: Path, *, used: bool = True) -> None:
        self.adapter = Adapter(moving_distribution(station), station.movable)
        self._station = station
        self._folder = folder
        self._used = used
        self._lock = FileLock(folder / "learner.lock")
        self._version: Path | None = None  # the latest that was loaded
        self._tried = 0  # ratings at the latest training
        self.follow()

    @property
    def in_use(self) -> Adapter | None:
        """The adapter; None while it is the identity."""
        return None if self.adapter.untouched else self.adapter

    @property
    def learned(self) -> tuple[int, float]:
        """From how many ratings it was trained, 0 for none, and its predicted gain."""
        return (0, 0.0) if self.adapter.untouched else (self.adapter.ratings, self.adapter.gain)

    def due(self, ratings: int) -> bool:
        """Return whether there are enough new ratings, and no other process trains."""
        return (
            self._used
            and self.adapter.due(ratings)
            and ratings // RATINGS_BETWEEN > self._tried // RATINGS_BETWEEN
            and self._lock.take()
        )

    def may_train(self) -> bool:
        """Return whether no other process trains for this listener."""
        return self._lock.take()

    def train(
        self, taste: Taste, rng: np.random.Generator, *, ratings: int, steps: int
    ) -> list[float]:
        """Train; write a new version if it is better. Return the losses, none if it is not."""
        station, adapter = self._station, self.adapter.copy()
        losses = adapter.improve(
            taste,
            through(station),
            station.critic.folded(),
            lambda count: station.sample(count, rng),
            steps=steps,
        )
        self._tried = ratings
        if losses:
            adapter.ratings = ratings
            self._use(adapter)
        return losses

    def reset(self, *, ratings: int) -> None:
        """Remove the adapter, for later sessions too; the generator may adapt again."""
        adapter = self.adapter.fresh()
        adapter.ratings = ratings
        self._use(adapter)

    def versions(self) -> list[Path]:
        """Return every version, the oldest first."""
        return versions(self._folder)

    def go_back(self, version: Path | None) -> None:
        """Load a version; None for the generator without an adapter."""
        adapter = self.adapter.fresh()
        if version is not None:
            adapter.load(version)
        self.adapter = adapter

    def follow(self) -> bool:
        """Load the latest version if it is a new one; return whether it is."""
        found = self.versions() if self._used else []
        if not found or found[-1] == self._version:
            return False
        self.go_back(found[-1])
        self._version = found[-1]
        return True

    def close(self) -> None:
        """Let another process train."""
        self._lock.close()

    def _use(self, adapter: Adapter) -> None:
        self._version = adapter.save(self._folder)
        self.adapter = adapter
