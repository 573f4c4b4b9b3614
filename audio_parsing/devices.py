"""Sound devices by name, as PortAudio's numbers change whenever one is plugged in."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

# In so many parts is ALSA's buffer filled, 4 by itself. A sound server runs dry when the next part
# comes later than the buffer lasts less two parts: of 100 ms, 50 with 4 parts and 75 with 8.
PERIODS = 8


def output_devices(*, again: bool = False) -> list[str]:
    """Return the names of the output devices; none without devices or without PortAudio.

    Args:
        again: look for devices that were plugged in since PortAudio was loaded. NOTE: this cuts off
            what is playing.
    """
    try:
        with quiet_stderr():
            if again:
                refresh_devices()
            return list(dict.fromkeys(device["name"] for _, device in _outputs()))
    except Exception:  # any failure of a driver: there is nothing to choose from
        return []


def index_of(name: str | None) -> int | None:
    """Return PortAudio's number of a device; None, the system default, if there is none."""
    if name is None:
        return None
    return next((index for index, device in _outputs() if device["name"] == name), None)


def refresh_devices() -> None:
    """List the devices again: PortAudio lists them once, when it is loaded.

    NOTE: this cuts off what is playing.
    """
    loaded = "sounddevice" in sys.modules
    sounddevice = load_sounddevice()
    if loaded:
        sounddevice._terminate()
        sounddevice._initialize()


def load_sounddevice() -> Any:
    """Import sounddevice, which loads PortAudio.

    Raises:
        OSError: if the PortAudio library is missing.
    """
    import sounddevice

    # only a PortAudio that speaks ALSA has it
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(sounddevice._libname).PaAlsa_SetNumPeriods(PERIODS)
    return sounddevice


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Drop what C libraries (ALSA, JACK) write to file descriptor 2."""
    with _redirected_to_null(sys.stderr, 2):
        yield


@contextlib.contextmanager
def quiet_stdout() -> Iterator[None]:
    """Drop what C libraries write to file descriptor 1 through their own buffer.

    NOTE: what other threads print is lost too.
    """
    with _redirected_to_null(sys.stdout, 1):
        try:
            yield
        finally:
            # where the C library can't be opened without a name, there is nothing to flush
            with contextlib.suppress(AttributeError, OSError, TypeError):
                ctypes.CDLL(None).fflush(None)


@contextlib.contextmanager
def _redirected_to_null(stream: TextIO, descriptor: int) -> Iterator[None]:
    try:
        stream.flush()
        copy = os.dup(descriptor)
    except (AttributeError, OSError, ValueError):  # no such stream at all
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, descriptor)
        yield
    finally:
        os.dup2(copy, descriptor)
        os.close(copy)
        os.close(null)


def _outputs() -> list[tuple[int, dict[str, Any]]]:
    return [
        (index, device)
        for index, device in enumerate(load_sounddevice().query_devices())
        if device["max_output_channels"] > 0
    ]
