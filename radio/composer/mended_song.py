"""A mended song: another version of a stretch of it, found by descent on its innovations alone.

    found = mend(station, taste, P, start, stop, beats=, rng=)
    found.coordinate                        P of the mended song: radio/station/changes.py

The stretch is judged as if it were a song: the descent minimises the loss (1 - r) / 2 of a cautious
rating. It starts from the stretch as it is and from others that are drawn. After each step the
squared norm of a step's innovations is brought back between two quantiles of its distribution, chi
squared for standard normal innovations; so they stay those of music.

Behind the stretch the song goes on as it was: its latents stay, and only the decoder's state is
another for a while (neural_networks/vae/arrangement.py, `change`).

Letters: S steps, N steps of the stretch, B versions that descend, E innovations of a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaincinv

from audio_parsing.components import FRAMES_PER_STEP
from gan.descent import Objective, descend
from neural_networks.vae.arrangement import Stretch
from radio.ratings import STILL, moments_of
from radio.station import SEEDS, STEPS_PER_BEAT, Station, innovations
from radio.taste import Taste

STEPS = 30  # of the descent; this and the next five: chosen, not measured
STARTS = 4  # the stretch as it is, and three that are drawn
CAUTION = 0.5
STRETCH_SECONDS = 8.0  # of the stretch that is chosen
SHORTEST, LONGEST = 1.0, 30.0  # seconds of a stretch
QUANTILES = 0.05, 0.95  # of the squared norm of a step's innovations


class Mend(NamedTuple):
    """A mended song.

    Attributes:
        coordinate: P.
        facts: start and stop in seconds; expected rating, critic's score and largest squared norm
            of a step's innovations, each [before, after]; `bounds` of that norm; `alike`, the
            correlation of the frames of the rest of the song with what they were; ready for JSON.
    """

    coordinate: np.ndarray
    facts: dict[str, Any]


def mend(
    station: Station,
    taste: Taste,
    coordinate: np.ndarray,
    start: int,
    stop: int,
    *,
    beats: int | None = None,
    rng: np.random.Generator,
    should_stop: Callable[[], bool] = lambda: False,
) -> Mend | None:
    """Return the song with a better version of a stretch; None if none is expected to be better.

    Args:
        station: of the song.
        taste: of the listener.
        coordinate: P.
        start: step.
        stop: step after the last.
        beats: length of the song, as in `Station.beats_of`.
        rng: of the versions.
        should_stop: asked before each step of the descent.
    """
    stretch = station.stretch(coordinate, start, stop, beats=beats)
    size, count = station.model.vae.generator.latent_size, stop - start
    drawn = innovations(rng.integers(SEEDS, size=STARTS - 1), count, stretch.innovations.shape[2])
    starts = np.concatenate([stretch.innovations, drawn], axis=1)
    objective = stretch_objective(station, taste, coordinate, stretch, starts)
    moved = _flat(starts[..., :size])
    # of chi squared with `size` degrees of freedom; scipy.stats would take long to load
    bounds = 2 * gammaincinv(size / 2, QUANTILES)
    own = np.square(moved[0].reshape(count, size)).sum(axis=1)  # may lie outside of them
    low, high = np.minimum(own, bounds[0]), np.maximum(own, bounds[1])

    def project(position: np.ndarray) -> np.ndarray:
        each = position.reshape(STARTS, count, size)
        square = np.maximum(np.square(each).sum(axis=2), 1e-12)
        return (each * np.sqrt(np.clip(square, low, high) / square)[..., None]).reshape(STARTS, -1)

    descent = descend(
        objective, project(moved), steps=STEPS, project=project, should_stop=should_stop
    )
    before, after = descent.values[0, 0], descent.values[descent.best_step, descent.best_start]
    if not after < before:
        return None
    better = starts[:, descent.best_start].copy()
    better[:, :size] = descent.best.reshape(count, size)
    mended = station.changed(coordinate, start, better)
    score = [_score(station, one, beats) for one in (coordinate, mended)]
    norms = [float(np.square(one[:, :size]).sum(axis=1).max()) for one in (starts[:, 0], better)]
    lasting = station.beats_of(coordinate, beats) * STEPS_PER_BEAT
    step = station.seconds(coordinate, beats=beats) / lasting
    return Mend(
        mended,
        {
            "start": start * step,
            "stop": stop * step,
            "expected": [float(1 - 2 * before), float(1 - 2 * after)],
            "critic": score,
            "norm": norms,
            "bounds": bounds.tolist(),
            "alike": _alike(station, coordinate, mended, start, stop, beats),
        },
    )


def stretch_objective(
    station: Station,
    taste: Taste,
    coordinate: np.ndarray,
    stretch: Stretch,
    starts: np.ndarray,
) -> Objective:
    """Return the loss (B,) of versions of a stretch, and its gradient, of innovations (B, N V).

    Args:
        station: of the song.
        taste: of the listener.
        coordinate: P.
        stretch: of the song.
        starts: innovations (N, B, E), whose first V move; the others choose Gaussians of a mixture.
    """
    generator, (count, versions, _) = station.model.vae.generator, starts.shape
    dtype, size = generator.prior.input.bias.value.dtype, generator.latent_size
    z = np.ascontiguousarray(coordinate[None, : station.latent_size], dtype)
    state = stretch.state._replace(
        latents=stretch.state.latents.repeat(versions, axis=0),
        prior=stretch.state.prior.repeat(versions, axis=0),
        decoder=stretch.state.decoder.repeat(versions, axis=0),
    )
    z, beside = (
        z.repeat(versions, axis=0),
        station.known(coordinate[None]).repeat(versions, axis=0),
    )

    def objective(position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        eps = starts.astype(dtype)
        eps[..., :size] = position.reshape(versions, count, size).transpose(1, 0, 2)
        steps, cache = generator.generate(z, eps, state=state, places=stretch.places)
        value, dsteps, _ = taste.value_and_gradient(steps, beside, caution=CAUTION)
        gradient = generator.generate_backward((-dsteps / 2).astype(dtype, copy=False), cache)[1]
        return (1 - value) / 2, _flat(gradient[..., :size])

    return objective


def worst_stretch(
    moments: np.ndarray, curve: np.ndarray, *, delay: float, seconds: float
) -> tuple[int, int]:
    """Return start and stop of the stretch of a song that was rated worst, or else expected to be.

    Args:
        moments: expected rating of each step (S,).
        curve: (k, 2) seconds and slider; (0, 2) if untouched.
        delay: seconds by which the slider follows the ear.
        seconds: that the song lasts.
    """
    count = len(moments)
    length = min(count, max(1, round(STRETCH_SECONDS * count / seconds)))
    levels = moments_of(curve, delay=delay, seconds=seconds, count=count)
    known = np.isfinite(levels)
    if known.sum() < length or np.ptp(levels[known]) < STILL:
        levels = moments
    means = np.convolve(levels, np.full(length, 1 / length), "valid")
    start = int(np.nanargmin(means))
    return start, start + length


def _alike(
    station: Station,
    coordinate: np.ndarray,
    mended: np.ndarray,
    start: int,
    stop: int,
    beats: int | None,
) -> float:
    """Return the correlation of the frames of the rest of a song with what they were."""
    length = station.beats_of(coordinate, beats)
    old, new = (station.generate(one[None], beats=length)[0] for one in (coordinate, mended))
    rest = np.ones(len(old), bool)
    rest[start * FRAMES_PER_STEP : stop * FRAMES_PER_STEP] = False
    return correlation(old[rest], new[rest])


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two songs' frames; 1 if nothing is left to compare."""
    if not first.size or not (first.std() and second.std()):
        return 1.0 if np.array_equal(first, second) else 0.0
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def _score(station: Station, coordinate: np.ndarray, beats: int | None) -> float:
    steps = station.decode(coordinate[None], beats=station.beats_of(coordinate, beats))
    return float(station.critic.forward(steps)[0][0])


def _flat(stretches: np.ndarray) -> np.ndarray:
    """Return versions (B, N V) of (N, B, V)."""
    return stretches.transpose(1, 0, 2).reshape(stretches.shape[1], -1).astype(np.float64)
