"""Peers of the codec at the same bytes: Opus, Vorbis, MP3 by ffmpeg, a plain DCT or PCA."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from compression import range_coder
from compression.codec import ROUNDING
from compression.training import chunks_of

# name -> (ffmpeg's options, ending, lowest and highest kbit/s it is asked for)
PEERS = {
    "Opus": (("-c:a", "libopus"), ".opus", 6, 250),
    "Vorbis": (("-c:a", "libvorbis"), ".ogg", 16, 160),
    "MP3": (("-c:a", "libmp3lame", "-abr", "1"), ".mp3", 8, 160),
}
TRIES = 7
CLOSE = 0.03  # of the bytes aimed at
SHIFT = 3000  # samples by which a peer may come back late or early


def available() -> bool:
    """Return whether ffmpeg is installed."""
    return shutil.which("ffmpeg") is not None


def through(name: str, sound: np.ndarray, sample_rate: int, size: int) -> tuple[int, np.ndarray]:
    """Return the bytes (about `size`) of a sound (n,) coded by a peer, and the decoded sound."""
    options, ending, low, high = PEERS[name]
    best: tuple[int, np.ndarray] | None = None
    with tempfile.TemporaryDirectory() as folder:
        source, small, back = (
            Path(folder, "source.wav"),
            Path(folder, f"small{ending}"),
            Path(folder, "back.wav"),
        )
        soundfile.write(source, sound, sample_rate, subtype="PCM_16")
        asked = float(np.clip(8 * size * sample_rate / len(sound) / 1000, low, high))
        for _ in range(TRIES):
            try:
                _ffmpeg(
                    "-i", source, "-map_metadata", "-1", *options, "-b:a", f"{asked:.3f}k", small
                )
            # more than this encoder has for such a sample rate
            except subprocess.CalledProcessError:
                high, asked = asked, (low + asked) / 2
                continue
            used = small.stat().st_size
            if best is None or abs(used - size) < abs(best[0] - size):
                _ffmpeg("-i", small, "-ar", str(sample_rate), "-ac", "1", "-c:a", "pcm_f32le", back)
                best = used, soundfile.read(back, dtype="float32")[0]
            if abs(used - size) < CLOSE * size or (asked == low and used > size):
                break
            low, high = (asked, high) if used < size else (low, asked)
            guess = asked * size / used
            asked = guess if low < guess < high else (low + high) / 2
    assert best is not None
    return best[0], aligned(sound, best[1])


def through_all(
    sound: np.ndarray, sample_rate: int, size: int
) -> dict[str, tuple[int, np.ndarray]]:
    """Return the result of `through` for each peer; the programs run side by side."""
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip(
                PEERS,
                pool.map(lambda name: through(name, sound, sample_rate, size), PEERS),
                strict=True,
            )
        )


def aligned(sound: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the other sound moved to where it fits best, as long as the sound."""
    length = 1 << int(np.ceil(np.log2(len(sound) + len(other))))
    correlation = np.fft.irfft(
        np.fft.rfft(sound, length).conj() * np.fft.rfft(other, length), length
    )
    lags = np.arange(-SHIFT, SHIFT + 1)
    lag = int(lags[np.argmax(correlation[lags])])
    moved = other[lag:] if lag >= 0 else np.concatenate([np.zeros(-lag, np.float32), other])
    return np.pad(moved[: len(sound)], (0, max(0, len(sound) - len(moved))))


def plain(basis: np.ndarray, sound: np.ndarray, size: int) -> tuple[int, np.ndarray]:
    """Return the bytes of a sound (n,) in an orthogonal basis (N, N), and the decoded sound."""
    coefficients = chunks_of(sound, len(basis)) @ basis
    low, high = np.log2(1e-5), np.log2(np.abs(coefficients).max() + 1e-9)
    best = (0, sound)
    for _ in range(12):
        step = np.float32(2 ** ((low + high) / 2))
        levels = (np.sign(coefficients) * np.floor(np.abs(coefficients) / step + ROUNDING)).astype(
            np.int32
        )
        used = len(range_coder.encode(levels[None]))
        low, high = (low, np.log2(step)) if used < size else (np.log2(step), high)
        best = used, ((levels * step) @ basis.T).ravel()[: len(sound)]
        if abs(used - size) < CLOSE / 4 * size:
            break
    return best


def _ffmpeg(*arguments: object) -> None:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)
