"""Play songs through the sound device, or silently, against a clock, where there is none.

Contract, the same for `Player` (sound) and `SilentDevice` (a clock):

    play(samples, rate)    start a song, mono float32 in [-1, 1]; the last one fades out in 20 ms
    pause() resume() seek(seconds) stop() close()
    position, duration     seconds of the song that were played, seconds it lasts
    paused, finished       finished: the last sample was played (or nothing ever was)
    volume                 0 to 1, settable at any time
    failure                None, or one line: the device went away, the caller should open another
    underruns              how often the device ran out of samples

    player, reason = open_player()    never fails: without sound, a SilentDevice and the reason
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import numpy as np

from audio_parsing import devices
from audio_parsing.mixing import MixedRing
from audio_parsing.silent_device import SilentDevice

USUAL_RATE = 22050  # Hz, of the songs; the device is opened at this rate if it accepts it
# seconds that the device buffers: enough for a busy interpreter, short enough for a skip
LATENCY = 0.1
FILL_SECONDS = 0.05  # interval at which the ring of mixed samples is filled
STALLED = 3.0  # seconds without a callback after which the device counts as gone


class Player:
    """A sound device whose callback only copies samples from a ring that is mixed ahead.

    Args:
        device: index or name, as sounddevice has it; None is the system default.

    Raises:
        OSError: if the PortAudio library is missing.
        sounddevice.PortAudioError: if the device cannot be opened.
    """

    def __init__(self, device: int | str | None = None) -> None:
        sounddevice = devices.load_sounddevice()
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
            callback=self._give,
            finished_callback=self._ended,
        )
        self._last_call = time.monotonic()
        self._stream.start()
        self._latency = int(self._stream.latency * rate)
        threading.Thread(target=self._keep_full, name="mixing", daemon=True).start()

    def _give(self, out: np.ndarray, count: int, when: Any, status: Any) -> None:
        """Copy the next samples to out (count, channels); called on the device's own thread."""
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
        """Start a song, samples (n,), from its beginning; also ends a pause."""
        samples = np.ascontiguousarray(samples, np.float32)
        if rate != self._rate:
            import soxr

            samples = soxr.resample(samples, rate, self._rate)
        self._mixed.play(samples)

    def pause(self) -> None:
        """Fall silent and stop at this moment of the song."""
        self._mixed.pause(True)

    def resume(self) -> None:
        """Continue where `pause` stopped."""
        self._mixed.pause(False)

    def seek(self, seconds: float) -> None:
        """Continue from another moment of the song, at most its ends."""
        self._mixed.seek(seconds)

    def stop(self) -> None:
        """Fall silent and forget the song."""
        self._mixed.stop()

    def close(self) -> None:
        """Release the device."""
        self._closed.set()
        self._ended = lambda: None  # type: ignore[method-assign]
        with devices.quiet_stderr():
            self._stream.abort()
            self._stream.close()
        self._failure = "the sound device was closed"

    @property
    def underruns(self) -> int:
        """How often the device ran out of samples: called too late, or too little was mixed."""
        return self._late_calls + self._mixed.dry

    @property
    def position(self) -> float:
        """Seconds of the song played: samples handed over less those that the device holds."""
        return min(self._mixed.played(self._latency), self._mixed.size) / self._rate

    @property
    def duration(self) -> float:
        """Seconds the song lasts."""
        return self._mixed.size / self._rate

    @property
    def paused(self) -> bool:
        """Whether the song is paused."""
        return self._mixed.paused

    @property
    def finished(self) -> bool:
        """Whether the last sample was played."""
        return self._mixed.played(self._latency) >= self._mixed.size

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
    """Open a sound device, or a silent one if that fails.

    Args:
        device: its name; the system default if None, or if no device of that name is left.

    Returns:
        The player, and None or one line: why it is silent and what to install.
    """
    try:
        with devices.quiet_stderr():
            devices.refresh_devices()
            return Player(devices.index_of(device)), None
    # any failure of a driver is a reason to play silently, never to stop the radio
    except Exception as error:
        return SilentDevice(), f"No sound: {_explain(error)}; playing silently"


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
        return (
            "no sound device was found; connect one, or start a sound server such as PulseAudio"
            " or PipeWire"
        )
    return f"the sound device can't be opened ({text}); ai-radio doctor shows details"
