"""Play a song through the sound device, or keep its time in silence where there is none.

Contract, the same for `Player` (sound) and `SilentDevice` (a clock):

    play(samples, rate)    start a song, mono float32 in [-1, 1]; the one before fades out within 20 ms
    pause() resume() seek(seconds) stop() close()
    position, duration     seconds of the song heard so far, seconds it lasts
    paused, finished       finished: the last sample was heard (or nothing was ever played)
    volume                 0 to 1, settable at any time
    failure                None, or one line: the device went away and the caller should open another
    underruns              how often the device ran dry

    player, reason = open_player()    never fails: without sound, a SilentDevice and one line that says why
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np

from audio_parsing.devices import index_of
from audio_parsing.mixing import MixedRing
from audio_parsing.silent_device import SilentDevice

USUAL_RATE = 22050  # Hz, of our songs; the device is opened at this rate where it accepts it
# seconds the device holds: long enough that a busy interpreter is not heard, short enough for a
# skip
LATENCY = 0.08
DEVICE_BLOCK = 441  # samples it is given at once
FILL_SECONDS = 0.05  # how often the ring of mixed samples is filled up
STALLED = 3.0  # seconds without a request for samples after which the device counts as gone


class Player:
    """Send songs to a sound device from a callback that only copies samples out of a ring that is mixed ahead.

    Args:
        device: index or name as sounddevice has it; None is the system's default.

    Raises:
        OSError: if the PortAudio library is missing.
        sounddevice.PortAudioError: if the device cannot be opened.
    """

    def __init__(self, device: int | str | None = None) -> None:
        sounddevice = _sounddevice()
        properties: Any = sounddevice.query_devices(device, "output")
        channels = min(2, properties["max_output_channels"])
        rate = USUAL_RATE
        try:
            sounddevice.check_output_settings(device, channels, "float32", samplerate=rate)
        except sounddevice.PortAudioError:
            rate = int(properties["default_samplerate"])
        self.name: str = properties["name"]
        self._late_calls = 0
        self._rate = rate
        self._mixed = MixedRing(rate)
        self._mixed.fill()
        self._failure: str | None = None
        self._closed = threading.Event()
        self._stream: Any = sounddevice.OutputStream(
            samplerate=rate,
            device=device,
            channels=channels,
            dtype="float32",
            latency=LATENCY,
            blocksize=DEVICE_BLOCK,
            callback=self._give,
            finished_callback=self._ended,
        )
        self._last_call = time.monotonic()
        self._stream.start()
        self._latency = int(self._stream.latency * rate)
        threading.Thread(target=self._keep_full, name="mixing", daemon=True).start()

    def _give(self, out: np.ndarray, count: int, when: Any, status: Any) -> None:
        """Give the device its next samples, out (count, channels). Runs on the device's own thread."""
        self._last_call = time.monotonic()
        if status.output_underflow:
            self._late_calls += 1
        self._mixed.take(out)

    def _keep_full(self) -> None:
        while not self._closed.wait(FILL_SECONDS):
            self._mixed.fill()

    def _ended(self) -> None:
        self._failure = f"the sound device '{self.name}' stopped"

    def play(self, samples: np.ndarray, rate: int) -> None:
        """Start a song, samples (n,), from its beginning; resumes if paused."""
        samples = np.ascontiguousarray(samples, np.float32)
        if rate != self._rate:
            import soxr

            samples = soxr.resample(samples, rate, self._rate)
        self._mixed.play(samples)

    def pause(self) -> None:
        """Fall silent and stay at this moment of the song."""
        self._mixed.pause(True)

    def resume(self) -> None:
        """Go on from where `pause` stopped."""
        self._mixed.pause(False)

    def seek(self, seconds: float) -> None:
        """Go on from another moment of the song; beyond its ends is its ends."""
        self._mixed.seek(seconds)

    def stop(self) -> None:
        """Fall silent and forget the song."""
        self._mixed.stop()

    def close(self) -> None:
        """Give the device back."""
        self._closed.set()
        self._ended = lambda: None  # type: ignore[method-assign]
        with quiet_stderr():
            self._stream.abort()
            self._stream.close()
        self._failure = "the sound device was closed"

    @property
    def underruns(self) -> int:
        """How often the device ran dry: because it was called too late, or because too little was mixed."""
        return self._late_calls + self._mixed.dry

    @property
    def position(self) -> float:
        """Seconds of the song heard so far: what was handed over less what the device still holds."""
        return min(self._mixed.heard(self._latency), self._mixed.size) / self._rate

    @property
    def duration(self) -> float:
        """Seconds the song lasts."""
        return self._mixed.size / self._rate

    @property
    def paused(self) -> bool:
        """Whether the song waits."""
        return self._mixed.paused

    @property
    def finished(self) -> bool:
        """Whether the last sample was heard."""
        return self._mixed.heard(self._latency) >= self._mixed.size

    @property
    def failure(self) -> str | None:
        """None, or one line if the device went away."""
        if self._failure is None and time.monotonic() - self._last_call > STALLED:
            self._failure = f"the sound device '{self.name}' no longer answers"
        return self._failure

    @property
    def volume(self) -> float:
        """Loudness, a factor from 0 to 1."""
        return self._mixed.volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._mixed.volume = value


def open_player(device: str | None = None) -> tuple[Player | SilentDevice, str | None]:
    """Open a sound device, or a silent one if there is none.

    Args:
        device: its name; the system's own if None, or if there is no longer one of that name.

    Returns:
        The player, and None or one line that says why it is silent and what to install.
    """
    try:
        with quiet_stderr():
            refresh_devices()
            return Player(index_of(device)), None
    # any failure of a driver is a reason to play silently, never one to stop the radio
    except Exception as error:
        return SilentDevice(), f"No sound: {_explain(error)}; playing silently"


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what C libraries (ALSA, JACK) write to file descriptor 2 off the user's screen."""
    with _turned_away(sys.stderr, 2):
        yield


@contextlib.contextmanager
def quiet_stdout() -> Iterator[None]:
    """Do the same with file descriptor 1, where C libraries have a buffer of their own. NOTE: what other threads print is lost too."""
    with _turned_away(sys.stdout, 1):
        try:
            yield
        finally:
            # no C library that can be found by no name
            with contextlib.suppress(AttributeError, OSError, TypeError):
                ctypes.CDLL(None).fflush(None)


@contextlib.contextmanager
def _turned_away(stream: TextIO, descriptor: int) -> Iterator[None]:
    try:
        stream.flush()
        kept = os.dup(descriptor)
    except (AttributeError, OSError, ValueError):  # no such stream at all
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)


def _sounddevice() -> Any:
    import sounddevice  # loads PortAudio: OSError where the library is missing

    return sounddevice


def refresh_devices() -> None:
    """Let PortAudio look again: it lists devices once, when it is loaded, and misses later ones. NOTE: what plays is cut off."""
    loaded = "sounddevice" in sys.modules
    sounddevice = _sounddevice()
    if loaded:
        sounddevice._terminate()
        sounddevice._initialize()


def _explain(error: Exception) -> str:
    if isinstance(error, ImportError):
        return "the Python package sounddevice is missing; install it with pip install sounddevice"
    if isinstance(error, OSError):
        install = {
            "darwin": "brew install portaudio",
            "win32": "pip install --force-reinstall sounddevice",
        }
        hint = install.get(
            sys.platform, "install libportaudio2 (Debian, Ubuntu) or portaudio (Fedora, Arch)"
        )
        return f"the PortAudio library is missing; {hint}"
    text = " ".join(str(error).split())
    if "device -1" in text or "No Default" in text or "no default" in text:
        return "no sound device was found; connect one, or start a sound server such as PulseAudio or PipeWire"
    return f"the sound device cannot be opened ({text}); check it with ai-radio doctor"
