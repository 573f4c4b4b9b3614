"""One simulated listener and one session: for benchmarks/taste.py.

The session is that of the radio, without threads or sound. Only its maker of songs is replaced:
candidates come from a pool whose songs were rendered and measured before, so that twenty songs take
seconds; what it makes beside those, such as final songs, is rendered. Songs have the station's
length, at which the taste judges them.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from audio_parsing.playback import SilentDevice
from benchmarks.taste_layers import LayersJudge
from benchmarks.taste_listeners import CHANGE, SONG_NOISE, SPREAD, Listener
from benchmarks.taste_sound import Pool
from radio.composer import Draft, LocalComposer, Song, SongMaker, Wish
from radio.home import Home
from radio.session import Session
from radio.station import Station
from radio.taste import CHUNK, Explore, Taste

JUDGED = 300  # songs on which predictions are compared with the truth
TAUGHT = 200  # other songs that are rated without noise, to see what a taste may learn at most
COVERED = 1.645  # standard deviations to both sides hold 90 %


class Stage:
    """What all simulated sessions of one station share: the pool, and what a taste sees of it."""

    def __init__(self, station: Station, pool: Pool) -> None:
        self.station = station
        self.pool = pool
        self.taste = Taste.of(station)
        SongMaker(station, self.taste).fit_taste()
        self.features = self._features()
        self.rows = {coordinate.tobytes(): row for row, coordinate in enumerate(pool.coordinates)}

    def _features(self) -> np.ndarray:
        """Return the features of the pool's songs, from a file if it is up to date."""
        maker, songs = SongMaker(self.station, self.taste), self.pool.coordinates
        path = self.pool.path.with_name(f"features-{self.pool.path.name}")
        parts = [maker.features(songs[:CHUNK])]
        if path.exists():
            kept = np.load(path)["features"]
            if kept.shape == (len(songs), self.taste.size) and np.allclose(
                kept[:CHUNK], parts[0], rtol=1e-4, atol=1e-5
            ):
                return np.array(kept)
        parts += [
            maker.features(songs[start : start + CHUNK])
            for start in range(CHUNK, len(songs), CHUNK)
        ]
        temporary = path.with_name(f"{path.stem}-{os.getpid()}.npz")
        np.savez(temporary, features=np.concatenate(parts))
        temporary.replace(path)
        return np.concatenate(parts)

    def percentile(self, listener: Listener, liking: float, heard: int) -> float:
        """Return where a true liking stands among the station's songs, 0 to 100."""
        return 100 * float(np.mean(listener.liking(self.pool.sound, heard) < liking))

    def heard(self, song: Song) -> tuple[np.ndarray, np.ndarray]:
        """Return the seconds (windows, FACTS) and the sound (S,) of a song."""
        row = self.rows.get(np.asarray(song.latent, np.float32).tobytes())
        if row is not None and not song.samples.any():
            return self.pool.windows[row], self.pool.sound[row]
        return self.pool.judge.of(song.latent, song.samples)


class PooledMaker(SongMaker):
    """Draws candidates from the pool, and renders only what is not in it."""

    def __init__(self, stage: Stage, taste: Taste, *, beats: int | None = None) -> None:
        super().__init__(stage.station, taste, beats=beats)
        self.stage = stage

    def fit_taste(self) -> None:
        """Take what the stage's taste learned of the station."""
        self.taste.share_pool(self.stage.taste)

    def candidates(
        self,
        count: int,
        rng: np.random.Generator,
        *,
        enough: Callable[[], bool],
        wish: Wish | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return candidates of the pool; these listeners have no wishes."""
        rows = rng.choice(len(self.stage.features), count, replace=False)
        return self.stage.pool.coordinates[rows], self.stage.features[rows]

    def render(self, draft: Draft) -> Song:
        """Return a song of the pool as silence of its length, or render another."""
        if draft.coordinate.tobytes() not in self.stage.rows:
            return super().render(draft)
        rate = self.station.sample_rate
        seconds = self.station.seconds(draft.coordinate, beats=self.beats)
        silence = np.broadcast_to(np.float32(0), round(seconds * rate))
        return Song(silence, rate, draft.coordinate, "", "")


def run_session(
    stage: Stage,
    listener: Listener,
    *,
    seed: int,
    explore: Explore = "ucb",
    songs: int = 20,
    finals: tuple[int, ...] = (10, 20),
    layers: LayersJudge | None = None,
) -> dict[str, Any]:
    """Let a listener rate songs, and return the results, the adapter's if it is judged."""
    rng = np.random.default_rng([seed, 5])
    played, finished, learned, told, agreement = [], {}, [], {}, {}
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        composer = LocalComposer(
            stage.station,
            "simulated",
            home=home,
            seed=seed,
            explore=explore,
            beats=stage.station.beats,
            background=False,
            make_maker=lambda station, taste, beats: PooledMaker(stage, taste, beats=beats),
        )
        session = Session(composer, SilentDevice(), home=home)
        try:
            for number in range(songs):
                song = composer.next_song()
                windows, sound = stage.heard(song)
                liking = float(listener.liking(sound[None], number)[0])
                played.append((stage.percentile(listener, liking, number), liking))
                curve = listener.curve(windows, sound, number, rng)
                before = time.thread_time()
                session.rate(song, curve)
                learned.append(time.thread_time() - before)
                if number + 1 in (3, 5, 10, 20):
                    agreement[number + 1] = _agreement(stage, listener, composer.taste)
                if number + 1 in finals:
                    finished[number + 1] = _final(stage, listener, composer, number)
                if number + 1 == 20:
                    told = _told(stage, listener, composer.taste, rng)
                    if layers is not None:
                        told["layers"] = layers.of(listener, composer, number)
            delay = composer.delay
        finally:
            composer.close()
    percentiles, likings = np.array(played).T
    result = {
        "percentiles": percentiles.round(2).tolist(),
        "likings": likings.round(3).tolist(),
        "played_10_20": float(percentiles[10:20].mean()),
        "agreement": agreement,
        "final": finished,
        "learned_ms": 1000 * float(np.median(learned)),
        "learned_ms_most": 1000 * float(np.max(learned)),
        "delay": delay,
        "true_delay": listener.delay,
        **told,
    }
    if listener.changes:
        result["back"] = float(percentiles[CHANGE + 10 : CHANGE + 15].mean())
    return result


def _final(
    stage: Stage, listener: Listener, composer: LocalComposer, number: int
) -> dict[str, Any]:
    """Return how a final song is liked, and the most promising of the pool."""
    before = time.thread_time()
    song = composer.final_song(draw=False)
    seconds = time.thread_time() - before
    _, sound = stage.heard(song)
    liking = float(listener.liking(sound[None], number)[0])
    most = float(listener.liking(stage.pool.sound, number).max())
    mean, deviation = composer.taste.predict(stage.features)
    promising = stage.pool.sound[np.argmax(mean - 0.5 * deviation)]
    best = float(listener.liking(promising[None], number)[0])
    best_rated = max(composer.journal.history(), key=lambda one: one.rating)
    place = np.asarray(best_rated.coordinate, np.float32)
    favourite = stage.pool.sound[stage.rows[place.tobytes()]]
    own = float(listener.liking(favourite[None], number)[0])
    return {
        "percentile": stage.percentile(listener, liking, number),
        "liking": liking,
        "short": most - liking,
        "best_of_pool": best,
        "best_rated": own,
        "expected": song.expected,
        "distance": float(song.descent["distances"][song.descent["step"]]),
        "seconds": seconds,
        "coordinate": np.asarray(song.latent, float).tolist(),
    }


def _agreement(stage: Stage, listener: Listener, taste: Taste) -> float:
    """Return the rank correlation of predicted and true liking over the pool."""
    truth = listener.liking(stage.pool.sound)
    return float(spearmanr(taste.predict(stage.features)[0], truth).statistic)


def _told(
    stage: Stage, listener: Listener, taste: Taste, rng: np.random.Generator
) -> dict[str, Any]:
    """Return how well the taste predicts songs, now and after TAUGHT noiseless ratings."""
    order = rng.permutation(len(stage.features))
    rows = order[:JUDGED]
    truth = listener.liking(stage.pool.sound[rows])
    mean, deviation = taste.predict(stage.features[rows])
    meant = np.clip(listener.offset + 20 * listener.drift + SPREAD * truth, -1, 1)
    taught = Taste.of(stage.station)
    taught.share_pool(stage.taste)
    for row in order[JUDGED:][:TAUGHT]:
        told = SPREAD * listener.liking(stage.pool.sound[row][None])[0]
        taught.observe(stage.features[row], float(np.clip(told, -1, 1)))
    ceiling = float(spearmanr(taught.predict(stage.features[rows])[0], truth).statistic)
    agreement = float(spearmanr(mean, truth).statistic)
    said = meant + SONG_NOISE * rng.standard_normal(len(rows))
    return {
        "spearman": agreement,
        "spearman_most": ceiling,
        "covered": float(np.mean(np.abs(mean - meant) < COVERED * deviation)),
        "covered_rating": float(
            np.mean(np.abs(mean - said) < COVERED * np.hypot(deviation, taste.noise))
        ),
    }
