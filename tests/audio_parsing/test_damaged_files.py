"""Damaged files of every format are read or refused in one line, quickly and in little memory.

The long form (`python -m pytest -m slow tests/audio_parsing/test_damaged_files.py`) damages 20,000
files of each kind, and 2,000 M4A, each of which starts a process of its own. A file that crashed
the process would stay where it is: its folder is printed by pytest.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ogg_pages import seal_pages

from audio_parsing import ffmpeg
from audio_parsing.files import AudioError, read_audio
from audio_parsing.starter import render, starter_songs

RATE = 22050
KINDS = {
    "wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "adpcm.wav": ("WAV", "IMA_ADPCM"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "ALAC_16"),
    "w64": ("W64", "PCM_24"),
    "rf64": ("RF64", "PCM_16"),
    "svx": ("SVX", "PCM_16"),
    "voc": ("VOC", "PCM_16"),
    "nist": ("NIST", "PCM_16"),
    "pvf": ("PVF", "PCM_16"),
    "avr": ("AVR", "PCM_16"),
    "paf": ("PAF", "PCM_24"),
    "sds": ("SDS", "PCM_16"),
    "ircam": ("IRCAM", "FLOAT"),
    "xi": ("XI", "DPCM_16"),
}
ONE_CHANNEL = ("SVX", "SDS", "XI")
SECONDS_A_FILE = 5.0  # far more than any takes: what is looked for is a hang
GROWTH = 300e6  # bytes
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def original(path: Path, kind: str) -> bytes:
    """A third of a second of a starter song, in stereo and with tags where the format has them."""
    container, subtype = KINDS[kind]
    left = render(starter_songs(beats=8)[4], 24000)[:8000]
    channels = 1 if container in ONE_CHANNEL else 2
    with soundfile.SoundFile(path, "w", 24000, channels, subtype, format=container) as file:
        if container in ("WAV", "FLAC", "OGG", "MP3", "AIFF"):
            file.title, file.artist, file.comment = (
                "A tune",
                "The starter collection",
                "made for a test",
            )
        file.write(np.stack([left, np.roll(left, 100)], axis=1)[:, :channels])
    return path.read_bytes()


def original_m4a(folder: Path) -> bytes:
    """The same as M4A, made by ffmpeg."""
    original(folder / "source.wav", "wav")
    path = folder / "original.m4a"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", folder / "source.wav", "-metadata", "title=A tune", path],
        check=True,
    )
    return path.read_bytes()


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file: change bytes and numbers, mostly in its head, cut, double or overwrite it."""
    damaged = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        reach = len(damaged) if rng.random() < 0.5 else min(len(damaged), 128)
        damaged[rng.integers(reach)] = int(
            rng.choice([0, 1, 127, 128, 255, int(rng.integers(256))])
        )
    place = int(rng.integers(len(damaged)))
    match rng.integers(8):
        case 0:
            del damaged[place:]
        case 1:
            damaged[place:place] = damaged[: rng.integers(len(damaged))]
        case 2:
            size = int(rng.integers(1, 64))
            damaged[place : place + size] = bytes([rng.integers(256)]) * size
        case 3:
            place = int(rng.integers(min(len(damaged), 256)))
            damaged[place : place + 4] = struct.pack(
                str(rng.choice(["<I", ">I"])), int(rng.choice(EXTREMES))
            )
        case 4:
            del damaged[place : place + int(rng.integers(1, 64))]
        case _:
            pass
    return bytes(damaged)


def survive(folder: Path, data: bytes, count: int, seed: int) -> int:
    """Read damaged copies; return how many were refused. Only AudioError is allowed."""
    rng = np.random.default_rng(seed)
    path = folder / "damaged"
    refused, slowest = 0, 0.0
    before = peak_memory()
    for index in range(count):
        damaged = mutate(data, rng)
        if data.startswith(b"OggS") and index % 2:
            damaged = seal_pages(damaged)
        path.write_bytes(damaged)
        # of the processor, ffmpeg's part with it: the machine may have other work
        start = sum(os.times()[:4])
        try:
            samples = read_audio(path, max_seconds=10 if index % 3 else None)
        except AudioError as error:
            refused += 1
            assert str(error).isprintable()
        else:
            assert 0 < samples.size <= 60 * RATE
            assert np.abs(samples).max() <= 1
        slowest = max(slowest, sum(os.times()[:4]) - start)
    assert slowest < SECONDS_A_FILE
    assert peak_memory() - before < GROWTH
    if count > 1000:
        grown = (peak_memory() - before) / 1e6
        print(
            f"{count} damaged files: {refused} refused, the slowest took {slowest:.2f} s,"
            f" memory grew by {grown:.0f} MB"
        )
    return refused


def peak_memory() -> float:
    """Bytes that this process and the largest it started ever held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * sum(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def without_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave libsndfile alone: it would take a process for each file that it refuses."""
    monkeypatch.setattr(ffmpeg, "installed", lambda: False)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_refused_or_read(
    tmp_path: Path,
    kind: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_ffmpeg(monkeypatch)
    data = original(tmp_path / "original", kind)
    assert 2 < survive(tmp_path, data, 60, 1) < 60
    assert capfd.readouterr() == ("", "")  # the decoders' own notes are kept from the terminal


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_damaged_m4a_is_refused_or_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert 2 < survive(tmp_path, original_m4a(tmp_path), 12, 1) <= 12
    assert capfd.readouterr() == ("", "")


def test_sealed_pages_are_read(tmp_path: Path) -> None:
    data = original(tmp_path / "original", "ogg")
    assert seal_pages(data) == data
    place = data.index(b"OggS", 100) + 22
    torn = data[:place] + bytes(4) + data[place + 4 :]
    assert torn != data == seal_pages(torn)


def test_a_length_below_zero(tmp_path: Path) -> None:
    """Found by the long form: with these bytes soundfile computes a length of -244 samples."""
    data = bytearray(original(tmp_path / "original", "opus"))
    data[20] = 128  # the first page's number
    data[data.index(b"OggS", 1) + 29] = 127  # the length of a piece of the second page
    (tmp_path / "damaged").write_bytes(seal_pages(bytes(data)))
    assert 0 < len(read_audio(tmp_path / "damaged")) < RATE


def test_what_libsndfile_prints_of_a_damaged_file_is_not_seen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Found by the long form: libsndfile reports one in 700 damaged ALAC files on stdout."""
    data = bytearray(original(tmp_path / "original", "caf"))
    # the list of the packets' lengths never ends
    data[data.index(b"data", data.index(b"pakt")) - 1] = 128
    (tmp_path / "damaged").write_bytes(data)
    with contextlib.suppress(AudioError):
        read_audio(tmp_path / "damaged")
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_thousand_damaged_files(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ffmpeg(monkeypatch)
    survive(tmp_path, original(tmp_path / "original", kind), 20_000, 2)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_two_thousand_damaged_m4a(tmp_path: Path) -> None:
    survive(tmp_path, original_m4a(tmp_path), 2000, 2)
