"""The sound devices of this machine, by name: PortAudio's numbers change whenever one is plugged in."""

from __future__ import annotations

from typing import Any


def output_devices(*, again: bool = False) -> list[str]:
    """Return the names of the devices that can be heard; none if there are none, or no PortAudio.

    Args:
        again: look for those that were plugged in since PortAudio was loaded. NOTE: what plays is
            cut off.
    """
    from audio_parsing.playback import quiet_stderr, refresh_devices

    try:
        with quiet_stderr():
            if again:
                refresh_devices()
            return list(dict.fromkeys(one["name"] for _, one in _outputs()))
    except Exception:  # any failure of a driver: there is nothing to choose from
        return []


def index_of(name: str | None) -> int | None:
    """Return PortAudio's number of a device; None, the system's own, if there is no such device."""
    return (
        None
        if name is None
        else next((index for index, one in _outputs() if one["name"] == name), None)
    )


def _outputs() -> list[tuple[int, dict[str, Any]]]:
    import sounddevice

    return [
        (index, one)
        for index, one in enumerate(sounddevice.query_devices())
        if one["max_output_channels"] > 0
    ]
