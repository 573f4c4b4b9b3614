"""An immutable snapshot of a session: every user interface is a function of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audio_parsing.playback import SilentDevice
from radio.composer import Composer
from radio.ratings import Judged
from radio.session.history import RatingHistory
from radio.session.mends import MendRequest
from radio.session.playback import Playback
from radio.session.rating_writer import RatingWriter
from radio.session.requests import FinalRequest
from radio.taste import Insight


def nothing() -> np.ndarray:
    """Return an empty curve (0, 2)."""
    return np.zeros((0, 2))


@dataclass(frozen=True, eq=False)
class View:
    """What a user interface may show.

    Attributes:
        number: of the song in this session, from 1; 0 before the first.
        name: of the song.
        details: tempo and key, or nothing.
        position: seconds into the song.
        duration: seconds the song lasts.
        paused: whether the player is.
        slider: -1 to 1, None while untouched.
        rated: songs of this station that the listener has rated.
        expected: predicted rating and its uncertainty; None before anything was learned.
        volume: 0 to 1.
        busy: what the listener waits for, or nothing.
        silent: whether there is no sound device.
        curve: (k, 2) as it was drawn: seconds into the song and slider.
        predicted: (m,) predicted rating of each moment, evenly spread over the song; empty while
            unknown.
        taste: (m,) effect of each moment on the predicted rating.
        critic: (m,) effect of each moment on the critic's score.
        causes: (m, Q, 2) of the effect on the predicted rating; see radio/taste/causes.py.
        device: name of the sound device.
        underruns: how often its buffer ran empty.
        queue: changed ratings that are not learned yet.
        batches: mini-batches that were learned in this session.
        judged: predicted and given ratings, the latest first.
        agreement: their correlation; None for fewer than three.
        searching: whether a final song is being made.
        final: (step, steps, cautious rating, distance from the station's mean) of the descent that
            runs.
        adapter: ratings from which the generator's adapter was trained, 0 for none, and its
            predicted gain.
        saved: whether the song is saved.
        final_song: whether it is a final song.
        upcoming: name, predicted rating and wish of the songs that are ready, the next one first.
        sleep: seconds until the sleep timer pauses the music; None if it is off.
        opening: what takes long while the composer opens, how much of it is done, and of how much;
            None if nothing that can be counted does.
        form: letters of the song's sections, which are equally long, such as AABA; empty without.
        code: share code of the song; empty if it has none.
        mending: whether the song is being mended.
        mended: of the mended version that waits to be kept or discarded: `start` and `stop` of the
            stretch in seconds, `expected` and `critic`, [before, after]; None without.
        comparing: whether the old and the new version of that stretch are played.
    """

    number: int
    name: str
    details: str
    position: float
    duration: float
    paused: bool
    slider: float | None
    rated: int
    expected: tuple[float, float] | None
    volume: float
    busy: str
    silent: bool
    curve: np.ndarray = field(default_factory=nothing)
    predicted: np.ndarray = field(default_factory=lambda: np.zeros(0))
    taste: np.ndarray = field(default_factory=lambda: np.zeros(0))
    critic: np.ndarray = field(default_factory=lambda: np.zeros(0))
    causes: np.ndarray | None = None
    device: str = ""
    underruns: int = 0
    queue: int = 0
    batches: int = 0
    judged: tuple[Judged, ...] = ()
    agreement: float | None = None
    searching: bool = False
    final: tuple[int, int, float, float] | None = None
    adapter: tuple[int, float] = (0, 0.0)
    saved: bool = False
    final_song: bool = False
    upcoming: tuple[tuple[str, tuple[float, float] | None, str], ...] = ()
    sleep: float | None = None
    opening: tuple[str, int, int] | None = None
    form: str = ""
    code: str = ""
    mending: bool = False
    mended: dict[str, Any] | None = None
    comparing: bool = False


def snapshot(
    playback: Playback,
    writer: RatingWriter,
    history: RatingHistory,
    finals: FinalRequest,
    mends: MendRequest,
    composer: Composer,
    *,
    batches: int,
    adapter: tuple[int, float],
    saved: set[str],
    sleep: float | None,
) -> View:
    """Return the view of a session.

    Args:
        playback: of its songs, as are the writer, the history, the finals and the composer.
        writer: of the slider.
        history: of the ratings.
        finals: the final song that is being made.
        mends: the mended version.
        composer: of its songs.
        batches: as in `View`, as are `adapter` and `sleep`.
        adapter: ratings and gain.
        saved: keys of the plays whose song is saved.
        sleep: seconds.
    """
    song, player, step, playing = playback.song, playback.player, finals.step, playback.playing
    unknown = Insight(np.zeros(0), np.zeros(0), np.zeros(0))
    insight = (composer.insight(song.key) if song is not None else None) or unknown
    opening = composer.busy
    busy = "" if playing else str(opening or "making the next song")
    busy = "mending the song" if mends.running else busy
    return View(
        number=playback.number,
        name=song.name if song else "",
        details=song.details if song else "",
        position=playback.position if playing else 0.0,
        duration=song.seconds if song and playing else 0.0,
        paused=player.paused,
        slider=writer.slider.value,
        rated=len(history.judged),
        expected=song.expected if song and history.known else None,
        volume=player.volume,
        busy="making the final song" if finals.running else busy,
        silent=isinstance(player, SilentDevice),
        curve=writer.slider.curve(),
        predicted=insight.moments,
        taste=insight.taste,
        critic=insight.critic,
        causes=insight.causes,
        device=player.name,
        underruns=playback.underruns,
        queue=composer.pending,
        batches=batches,
        judged=history.judged,
        agreement=agreement(history.judged),
        searching=finals.running,
        final=None if step is None else (step.step, step.steps, step.expected, step.distance),
        adapter=adapter,
        saved=song is not None and song.key in saved,
        final_song=bool(song is not None and song.descent),
        upcoming=tuple((one.name, one.expected, one.wish) for one in composer.upcoming()),
        sleep=sleep,
        opening=(opening.text, opening.done, opening.of) if opening and opening.of > 1 else None,
        form=str(song.description.get("form", "")) if song else "",
        code=str(song.description.get("code", "")) if song else "",
        mending=mends.running,
        mended=mends.facts,
        comparing=playback.comparing is not None,
    )


def agreement(judged: tuple[Judged, ...]) -> float | None:
    """Return the correlation of predicted and given ratings; None if it is undefined."""
    pairs = np.array([(one.expected, one.given) for one in judged if one.expected is not None])
    if len(pairs) < 3 or pairs.std(axis=0).min() < 1e-9:
        return None
    return float(np.corrcoef(pairs.T)[0, 1])


def share_line(view: View) -> str:
    """Return a line for the listener with the share code of the song."""
    if view.code:
        return f"{view.name}, for ai-radio play: {view.code}"
    too_long = "This song is too long for a share code, as mended songs are; save its file instead."
    return too_long if view.name else "Nothing plays yet."


def adapter_line(ratings: int, gain: float) -> str:
    """Return a line for the listener about the generator's adapter."""
    if not ratings:
        return "Reset. The generator will adapt again after ten more ratings."
    return (
        f"The generator has learned from {ratings} ratings: "
        f"you should like its songs by {gain:+.2f} more."
    )
