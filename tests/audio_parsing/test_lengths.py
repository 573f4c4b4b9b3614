"""What is read of odd files is what ffmpeg decodes of them, whatever headers and tags say.

The long form (`python -m pytest -m slow tests/audio_parsing/test_lengths.py`) makes 2,000 files.
"""

from __future__ import annotations

import math
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ogg_pages import seal_pages

from audio_parsing import ffmpeg, mpeg
from audio_parsing.decoding import decoded
from audio_parsing.file_bytes import FileBytes
from audio_parsing.opening import AudioError
from audio_parsing.repair import mpeg_stream

ENCODERS = {
    "vbr.mp3": "-q:a 5 -id3v2_version 0",
    "vbr_no_xing.mp3": "-q:a 5 -write_xing 0 -id3v2_version 0",
    "cbr.mp3": "-b:a 96k -write_xing 0 -id3v2_version 0",
    "half_rate.mp3": "-q:a 6 -ar 22050 -ac 1 -id3v2_version 0",
    "layer_2.mp2": "-b:a 128k",
    "song.flac": "",
    "song.ogg": "-c:a libvorbis",
    "song.opus": "-c:a libopus",
    "song.wav": "",
    "song.aac": "-c:a aac",
    "song.m4a": "-c:a aac",
    "alac.caf": "-c:a alac",
    "flac.oga": "-c:a flac",
}
Oddity = Callable[[bytes, np.random.Generator], bytes]


def noise(size: int, rng: np.random.Generator) -> bytes:
    return rng.integers(0, 256, size, np.uint8).tobytes()


def cover_before(data: bytes, rng: np.random.Generator) -> bytes:
    picture = noise(int(rng.integers(10, 60_000)), rng)
    body = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size = bytes(len(body) >> 7 * i & 127 for i in (3, 2, 1, 0))
    return b"ID3\3\0\0" + size + body + data


def ape_tag_behind(data: bytes, rng: np.random.Generator) -> bytes:
    size = int(rng.integers(32, 20_000))
    frame = b"APETAGEX" + struct.pack("<IIII", 2000, size, 1, 1 << 31) + bytes(8)
    return data + frame + noise(size - 32, rng) + frame


def id3v1_behind(data: bytes, rng: np.random.Generator) -> bytes:
    return data + b"TAG" + bytes(125)


def xing_count(data: bytes, rng: np.random.Generator) -> bytes:
    place = re.search(b"Xing|Info", data[:400])
    assert place
    count = struct.pack(">I", int(rng.choice([0, 1, 20, 7660, 0xFFFFFFFF])))
    return data[: place.end() + 4] + count + data[place.end() + 8 :]


def joined(data: bytes, rng: np.random.Generator) -> bytes:
    return data * int(rng.integers(2, 4))


def begun_inside_a_frame(data: bytes, rng: np.random.Generator) -> bytes:
    return data[int(rng.integers(1000, 3000)) :]


def titles_inside(data: bytes, rng: np.random.Generator) -> bytes:
    """As a radio's stream has them every so many bytes, mostly empty."""
    every, title = int(rng.integers(4000, 9000)), b"\2StreamTitle='a song';" + bytes(12)
    pieces = [data[i : i + every] for i in range(0, len(data), every)]
    return b"".join(piece + (title if i % 5 == 0 else b"\0") for i, piece in enumerate(pieces))


def junk_before(data: bytes, rng: np.random.Generator) -> bytes:
    return noise(int(rng.integers(1, 2000)), rng).replace(b"\xff", b"\0") + data


def flac_length(data: bytes, rng: np.random.Generator) -> bytes:
    total = int(rng.choice([0, 0, 1000]))
    return data[:21] + bytes([data[21] & 0xF0]) + struct.pack(">I", total) + data[26:]


def wav_sizes(data: bytes, rng: np.random.Generator) -> bytes:
    place = data.index(b"data") + 4
    size = struct.pack("<I", int(rng.choice([0, 0xFFFFFFFF, 0x7FFFFFFF])))
    riff = data[4:8] if rng.random() < 0.5 else bytes(4)
    return data[:4] + riff + data[8:place] + size + data[place + 4 :]


def chunk_behind(data: bytes, rng: np.random.Generator) -> bytes:
    return data + b"LIST" + struct.pack("<I", 400) + bytes(400)


def chained(data: bytes, rng: np.random.Generator) -> bytes:
    return data + other_serial(data, 1) + (other_serial(data, 2) if rng.random() < 0.5 else b"")


def other_serial(data: bytes, number: int) -> bytes:
    """The same Ogg file, its stream with another number and its pages with their checksums."""
    changed = bytearray(data)
    for page in re.finditer(b"OggS\0", data):
        changed[page.start() + 14] ^= number
    return seal_pages(bytes(changed))


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(len(data) // 2, len(data)))]


def bytes_changed(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for place in rng.integers(0, len(data), int(rng.integers(1, 6))):
        changed[place] = rng.integers(256)
    return bytes(changed)


MP3 = (cover_before, ape_tag_behind, id3v1_behind, joined, titles_inside, junk_before)
ODDITIES: dict[str, tuple[Oddity, ...]] = {
    "vbr.mp3": (*MP3, xing_count, begun_inside_a_frame),
    "vbr_no_xing.mp3": (*MP3, begun_inside_a_frame),
    "cbr.mp3": (*MP3, begun_inside_a_frame),
    "half_rate.mp3": (*MP3, xing_count),
    "layer_2.mp2": (id3v1_behind, joined),
    "song.flac": (flac_length, id3v1_behind, cover_before),
    "song.ogg": (chained, cover_before),
    "song.opus": (chained, cover_before),
    "song.wav": (wav_sizes, chunk_behind),
    "song.aac": (cover_before, joined),
    "song.m4a": (chunk_behind,),
    "alac.caf": (id3v1_behind,),
    "flac.oga": (cover_before,),
}
SECONDS = 2  # of the originals
ADDED = 0.07  # seconds that an encoder of MP3 adds at the ends, at 22050 Hz
APART = 0.05  # seconds by which readers may differ
DAMAGE = (cut, bytes_changed)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    if not ffmpeg.installed():
        pytest.skip("ffmpeg is not installed")
    folder = tmp_path_factory.mktemp("lengths")
    t = np.arange(SECONDS * 44100) / 44100
    sound = 0.3 * np.sin(2 * np.pi * 330 * t) + 0.05 * np.random.default_rng(0).normal(size=t.size)
    soundfile.write(folder / "source.wav", np.stack([sound, 0.5 * sound], 1), 44100)
    for name, options in ENCODERS.items():
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", folder / "source.wav", *options.split(), folder / name],
            check=True,
        )
    return {name: (folder / name).read_bytes() for name in ENCODERS}


def read_seconds(path: Path) -> float:
    with decoded(path) as (rate, blocks):
        return sum(map(len, blocks)) / rate


def ffmpeg_seconds(path: Path) -> float:
    command = ["ffmpeg", "-v", "quiet", "-nostdin", "-i", path, "-map", "0:a:0"]
    command += ["-ac", "1", "-ar", "44100", "-f", "s16le", "-"]
    return len(subprocess.run(command, stdout=subprocess.PIPE).stdout) / 2 / 44100


def compare(originals: dict[str, bytes], folder: Path, count: int, seed: int) -> list[str]:
    """Return what is wrong with `count` odd files, of which every fourth is damaged too."""
    rng = np.random.default_rng(seed)
    wrong, refused = [], 0
    for index in range(count):
        name = list(ENCODERS)[index % len(ENCODERS)]
        oddities = ODDITIES[name]
        chosen = [oddities[int(rng.integers(len(oddities)))]]
        damaged = index % 4 == 3
        chosen += [DAMAGE[int(rng.integers(len(DAMAGE)))]] if damaged else []
        data = originals[name]
        for oddity in chosen:
            data = oddity(data, rng)
        path = folder / f"{index}_{name}"
        path.write_bytes(data)
        told = f"{path.name} {[oddity.__name__ for oddity in chosen]}:"
        there = ffmpeg_seconds(path)
        try:
            read = read_seconds(path)
        except AudioError as error:
            refused += 1
            if not damaged:
                wrong.append(f"{told} {error}")
        else:
            # Where junk hides the header from ffmpeg, it doesn't cut what the encoder added.
            added = ADDED if junk_before in chosen else 0.0
            # A title costs ffmpeg more than the frame that it stands in.
            most = max(there, SECONDS) if titles_inside in chosen else there
            # Of a damaged file more than ffmpeg decodes is not too much.
            most = math.inf if damaged else most
            if not there - added - APART <= read <= most + APART:
                wrong.append(f"{told} read {read:.3f} s, ffmpeg {there:.3f} s")
                continue
        path.unlink()
    print(f"{count} odd files: {refused} refused and named, {len(wrong)} read wrongly")
    return wrong


def test_odd_files_are_read_to_their_end(originals: dict[str, bytes], tmp_path: Path) -> None:
    assert compare(originals, tmp_path, 26, 1) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_odd_files(originals: dict[str, bytes], tmp_path: Path) -> None:
    assert compare(originals, tmp_path, 2000, 2) == []


@pytest.mark.parametrize("name", ["vbr_no_xing.mp3", "song.flac", "song.ogg", "song.wav"])
def test_most_need_no_ffmpeg(
    originals: dict[str, bytes], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    path = tmp_path / name
    path.write_bytes(ODDITIES[name][0](originals[name], rng))
    there = ffmpeg_seconds(path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert read_seconds(path) == pytest.approx(there, abs=0.05)


def test_a_frame_with_a_damaged_header_is_read(originals: dict[str, bytes], tmp_path: Path) -> None:
    for name in ("vbr_no_xing.mp3", "cbr.mp3", "half_rate.mp3"):
        data = originals[name]
        path = tmp_path / name
        path.write_bytes(data)
        with path.open("rb") as file:
            whole = FileBytes(file.fileno())
            stream = mpeg_stream(whole)
            places = [place for place, _, _ in mpeg._frames(whole, 0, len(data))]
        assert stream
        seconds = read_seconds(path)
        for place, byte in ((20, 0), (20, 1), (20, 2), (31, 2)):
            changed = bytearray(data)
            changed[places[place] + byte] ^= 0x30
            path.write_bytes(changed)
            with path.open("rb") as file:
                found = mpeg_stream(FileBytes(file.fileno()))
            assert found and found.frames == stream.frames
            header = data[places[place] : places[place] + 3]
            assert any(isinstance(part, bytes) and part[:3] == header for part in found.parts)
            assert read_seconds(path) == seconds
