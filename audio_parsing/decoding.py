"""Decode an audio file into blocks: libsndfile by content, what it refuses through ffmpeg; scores.

Contract:

    with decoded(path) as (rate, blocks):                rate in Hz; blocks (n,), one channel
    with decoded(path, mono=False) as (rate, blocks):    blocks (n, channels)

Either all that can be decoded is read, or an AudioError of one line names the file and what is
missing: lengths in headers are not believed (repair.py). Scores are rendered. libsndfile runs in
this process: a child process would be needed if a damaged file could crash it, but of 420,000
(20,000 each of 21 kinds, libsndfile 1.2.2; tests/audio_parsing/test_damaged_files.py) none did.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audio_parsing import ffmpeg
from audio_parsing.devices import quiet_stderr, quiet_stdout
from audio_parsing.downmix import mixed_down
from audio_parsing.file_bytes import FileBytes, View
from audio_parsing.opening import AudioError, open_file, shown
from audio_parsing.repair import flac_promise, mpeg_stream, mpeg_view, repaired
from audio_parsing.scores import is_score, read_score, render_score

if TYPE_CHECKING:
    import soundfile

BLOCK_VALUES = 1 << 17  # samples times channels decoded at once
RATES = (1000, 768_000)  # Hz; a damaged header may say anything
LACK = 0.05  # seconds by which a file may be shorter than it says, as Ogg files are
GUESSED_RATE = 16000  # bytes a second of a file whose length is not known
UNKNOWN = 1 << 62  # NOTE: libsndfile reports an unknown length as the largest possible number
SCORE_RATE = 22050  # Hz, of the synthesizer
# formats whose decoders write notes while they read
NOISY = {"MP3": (quiet_stderr,), "SDS": (quiet_stdout,)}
STREAMS = threading.Lock()  # two threads that redirected them would not restore them
Blocks = Iterator[np.ndarray]


@contextlib.contextmanager
def decoded(
    path: Path,
    *,
    mono: bool = True,
    on_note: Callable[[str], None] | None = None,
    soundfont: Path | None = None,
) -> Iterator[tuple[int, Blocks]]:
    """Open a file; give its rate in Hz and its float32 blocks, (n,) if mono, else (n, channels).

    Args:
        path: of the file.
        mono: whether to mix the channels down.
        on_note: called with a line for what is worth knowing of the file; by default it is logged.
        soundfont: that plays scores; the synthesizer if None.

    Raises:
        AudioError: if the file can't be read, or is truncated.
    """
    note = on_note or logging.getLogger(__name__).warning
    with _opened(path, soundfont) as (rate, blocks):
        if mono:
            yield rate, mixed_down(blocks, rate, lambda line: note(f"{shown(path)}: {line}"))
        else:
            yield rate, (block.copy() for block in blocks)


def seconds_of(path: Path) -> float:
    """Return how long a file says it lasts, in seconds, or a guess from its size.

    It is guessed of what is read through ffmpeg, and of files that don't know.

    Raises:
        AudioError: if it can't be read.
    """
    import soundfile

    with open_file(path) as descriptor:
        guess = os.fstat(descriptor).st_size / GUESSED_RATE
        try:
            with _soundfile(os.dup(descriptor)) as file:
                known = 0 < file.frames < UNKNOWN and RATES[0] <= file.samplerate <= RATES[1]
                return file.frames / file.samplerate if known else guess
        except soundfile.LibsndfileError:
            return guess


def _soundfile(source: int | View) -> soundfile.SoundFile:
    """Open a descriptor, which is closed with it, or a view, without what libsndfile would print.

    A descriptor has no name, so libsndfile can't guess by the name's ending. NOTE: some versions
    close the descriptor if they refuse a file, despite closefd; so they get a duplicate, which all
    of them close.
    """
    import soundfile

    class Sequential(soundfile.SoundFile):
        """A file that is read once, from its beginning to its end.

        NOTE: soundfile seeks after each block, which fails at the end of a file of unknown length.
        """

        def seekable(self) -> bool:
            return False

    # libsndfile complains about a damaged ALAC file on stdout
    with _silenced(quiet_stderr, quiet_stdout):
        kind = Sequential if isinstance(source, View) else soundfile.SoundFile
        return kind(source, closefd=True)


@contextlib.contextmanager
def _opened(path: Path, soundfont: Path | None) -> Iterator[tuple[int, Blocks]]:
    """Open a file; give its rate in Hz and its blocks of samples (n, channels)."""
    import soundfile

    if is_score(path):
        sound = render_score(read_score(path), SCORE_RATE, soundfont=soundfont)[:, None]
        yield SCORE_RATE, (sound[i : i + BLOCK_VALUES] for i in range(0, len(sound), BLOCK_VALUES))
        return
    with open_file(path) as descriptor, contextlib.ExitStack() as stack:
        refusal, file = "", None
        try:
            file = stack.enter_context(_soundfile(os.dup(descriptor)))
        except soundfile.LibsndfileError as error:
            refusal = error.error_string
        place = os.lseek(descriptor, 0, os.SEEK_CUR)  # shared with the duplicate
        data = FileBytes(descriptor)
        kind = file.format if file else ""
        stream = mpeg_stream(data) if kind in ("", "MP3") else None
        views = repaired(data, kind)
        seconds = None
        if stream and len(stream.kinds) == 1:
            views = None if stream.is_told_truly() and file else [mpeg_view(data, stream)]
        elif stream:
            refusal, file = "joined from streams of different kinds", None
            seconds = stream.seconds
        try:
            files = [stack.enter_context(_soundfile(view)) for view in views or []]
            files = files or ([file] if file else [])
        except soundfile.LibsndfileError as error:
            refusal, files = error.error_string, []
        if len({(one.samplerate, one.channels) for one in files}) > 1:
            refusal, files = "joined from streams of different kinds", []
        if not files:
            with _second_opinion(path, refusal, seconds) as opened:
                yield opened
            return
        rate = files[0].samplerate
        if not RATES[0] <= rate <= RATES[1]:
            raise AudioError(f"{shown(path)}: a sample rate of {rate} Hz is not audio")
        promise = flac_promise(data) if kind == "FLAC" else 0
        os.lseek(descriptor, place, os.SEEK_SET)
        yield rate, (block for one in files for block in _blocks(path, one, promise))


@contextlib.contextmanager
def _second_opinion(
    path: Path, refusal: str, seconds: float | None
) -> Iterator[tuple[int, Blocks]]:
    """Open through ffmpeg what libsndfile refuses."""
    if not ffmpeg.installed():
        raise AudioError(
            f"{shown(path)}: is not readable audio ({refusal.rstrip('.')}); ffmpeg, which is not"
            " installed, may read it"
        )
    with ffmpeg.decoded_by_ffmpeg(path, refusal, seconds) as (rate, blocks):
        yield rate, blocks


def _blocks(path: Path, file: soundfile.SoundFile, promise: int) -> Blocks:
    """Yield blocks (n, channels). NOTE: the next block overwrites the last one.

    Args:
        path: of the file.
        file: at its beginning.
        promise: samples of a channel that it says it has, if libsndfile doesn't know; 0 for none.
    """
    import soundfile

    frames, complaint = 0, ""
    known = 0 <= file.frames < UNKNOWN  # damage can make it negative
    promise = file.frames if known else promise
    # NOTE: read into our own array. To allocate one soundfile would trust the file's length, which
    # damage can make negative.
    place = np.empty((max(1, BLOCK_VALUES // file.channels), file.channels), np.float32)
    while True:
        place[:, 0] = np.nan
        try:
            with _silenced(*NOISY.get(file.format, ())):
                block = file.read(out=place)
        except soundfile.LibsndfileError as error:
            complaint = f" ({error.error_string})"
            block = place[: np.argmax(np.append(np.isnan(place[:, 0]), True))]
        block = block[: file.frames - frames] if known else block
        frames += len(block)
        if len(block):
            yield block
        if complaint or not len(block):
            break
    lack = LACK * file.samplerate
    if promise <= 0 or frames > promise + lack:  # no promise, or one that was not true
        promise = 0
    if frames < promise - lack or (complaint and (not promise or frames < promise)):
        length = f" of {promise / file.samplerate:.1f}" if promise else ""
        raise AudioError(
            f"{shown(path)}: is truncated after {frames / file.samplerate:.1f}{length} s{complaint}"
        )


@contextlib.contextmanager
def _silenced(*ways: Callable[[], contextlib.AbstractContextManager[None]]) -> Iterator[None]:
    """Drop what the decoders print about odd but readable files."""
    with STREAMS if ways else contextlib.nullcontext(), contextlib.ExitStack() as turned_away:
        for way in ways:
            turned_away.enter_context(way())
        yield
