"""Songs at a chosen loudness: computed on a thread while another song plays."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from audio_parsing.loudness import at_loudness
from radio.composer import Song

MOST = 8  # songs whose samples are stored


class LoudSongs:
    """See the module's sentence.

    Args:
        target: LUFS; None to leave songs as they are composed.
    """

    def __init__(self, target: float | None) -> None:
        self._target = target
        self._thread = None if target is None else ThreadPoolExecutor(1, "loudness")
        self._songs: OrderedDict[str, Future[np.ndarray]] = OrderedDict()

    def prepare(self, songs: Iterable[Song]) -> None:
        """Begin with songs that will be played soon."""
        if self._thread is None or self._target is None:
            return
        for song in songs:
            if song.key not in self._songs:
                self._songs[song.key] = self._thread.submit(
                    at_loudness, song.samples, song.sample_rate, self._target
                )
                while len(self._songs) > MOST:
                    self._songs.popitem(last=False)

    def samples_of(self, song: Song) -> np.ndarray:
        """Return the samples (n,) to be played; waits a tenth of a second at most, in one case.

        That is a song that was not prepared, such as the first of a session.
        """
        if self._thread is None:
            return song.samples
        self.prepare([song])
        return self._songs[song.key].result()

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
