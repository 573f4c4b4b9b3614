"""Decode through ffmpeg what libsndfile refuses, as float32 blocks of all channels."""

from __future__ import annotations

import contextlib
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audio_parsing.opening import AudioError, shown

MOST = 1 << 28  # bytes of ffmpeg's largest allocation; a damaged table may ask for more
BLOCK_VALUES = 1 << 17  # samples times channels decoded at once
LACK = 0.1  # seconds by which less may come than was promised
# ".snd", where the samples begin, their bytes, their encoding, Hz, channels
AU_HEADER = struct.Struct(">4sIIIII")
# The containers that ffmpeg may find in a file. NOTE: among the others are playlists, and it would
# follow what those point to.
CONTAINERS = (
    "aac,ac3,adts,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,iff,"
    "matroska,webm,mov,mp4,m4a,mp3,mpc,mpc8,mpeg,mpegts,ogg,shorten,tak,tta,voc,w64,wav,wv,xwma"
)
# Of these the length of the stream of sound is written in the file; of others it is an estimate.
TELL = ("mov", "asf")
INPUT = ["-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS]


def installed() -> bool:
    """Return whether ffmpeg is there."""
    return shutil.which("ffmpeg") is not None


@contextlib.contextmanager
def decoded_by_ffmpeg(
    path: Path, refusal: str, seconds: float | None = None
) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Open a file through ffmpeg; give its rate in Hz and blocks (n, channels) float32.

    Args:
        path: of the file.
        refusal: libsndfile's, for the message if ffmpeg can't read it either.
        seconds: that it lasts, if that is known; then what ffmpeg complains of is no error as long
            as so much comes.

    Raises:
        AudioError: if ffmpeg can't read it, or reads less than there is.
    """
    command = [shutil.which("ffmpeg") or "ffmpeg", "-v", "error", "-nostdin"]
    command += ["-xerror"] if seconds is None else []
    command += ["-max_alloc", str(MOST), *INPUT, "-i", f"file:{path}", "-map", "0:a:0"]
    command += ["-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdout is not None
        stream = process.stdout

        def failure() -> str:
            complaints.seek(0)
            lines = complaints.read().decode(errors="replace").strip().splitlines() or [
                "no reason given"
            ]
            complaint = shown(lines[-1].replace(f"file:{path}", "the file"))
            why = f"{refusal.rstrip('.')}; ffmpeg: {complaint}"
            return f"{shown(path)}: is not readable audio ({why})"

        def blocks(rate: int, channels: int) -> Iterator[np.ndarray]:
            size, frames = 4 * channels, 0
            while data := stream.read(max(1, BLOCK_VALUES // channels) * size):
                block = np.frombuffer(data[: len(data) // size * size], ">f4")
                frames += block.size // channels
                yield block.astype(np.float32).reshape(-1, channels)
            if process.wait() != 0:
                raise AudioError(failure())
            wanted = _promised(path) if seconds is None else seconds
            if wanted is not None and frames / rate < wanted - LACK:
                raise AudioError(
                    f"{shown(path)}: is truncated after {frames / rate:.1f} of {wanted:.1f} s"
                )

        try:
            header = stream.read(AU_HEADER.size)
            if len(header) < AU_HEADER.size:
                process.wait()
                raise AudioError(failure())
            _, start, _, _, rate, channels = AU_HEADER.unpack(header)
            stream.read(start - AU_HEADER.size)
            yield rate, blocks(rate, channels)
        finally:
            process.kill()


def _promised(path: Path) -> float | None:
    """Return how many seconds a file says it lasts, if its container knows."""
    program = shutil.which("ffprobe")
    if program is None:
        return None
    command = [program, "-v", "quiet", "-max_alloc", str(MOST), *INPUT, "-select_streams", "a:0"]
    command += ["-show_entries", "stream=duration:format=format_name", "-of", "default=nk=1:nw=1"]
    answer = subprocess.run(
        [*command, f"file:{path}"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    lines = answer.stdout.split()
    if len(lines) < 2 or lines[1].partition(",")[0] not in TELL:
        return None
    try:
        return float(lines[0])
    except ValueError:  # "N/A"
        return None
