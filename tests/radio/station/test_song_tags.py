"""What a song's file says of the song: all that is needed to make it again, however long."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from radio.station import ENCODINGS, read_description, tags_of, write_sound
from radio.station.song_file import SongFileError
from radio.station.wav_comment import append_comment, read_comment

RATE = 22050


def described(values: int) -> dict[str, Any]:
    """Return the description of a song whose P has so many values."""
    coordinate = np.random.default_rng(0).standard_normal(values).astype(np.float32)
    return {
        "song": "A long way",
        "station": "tiny",
        "beats": 64,
        "coordinate": [float(value) for value in coordinate],
    }


@pytest.mark.parametrize("kind", ENCODINGS)
@pytest.mark.parametrize("values", [40, 110, 2_000, 20_000])
def test_a_song_of_any_p_can_be_played_and_made_again(
    tmp_path: Path, kind: str, values: int
) -> None:
    """P of a song that was mended has thousands of values: 20 characters each."""
    description = described(values)
    path = write_sound(tmp_path / f"song.{kind}", np.zeros(RATE), RATE, tags=tags_of(description))
    assert soundfile.read(path)[0].size >= RATE
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.album) == ("A long way", "tiny")
    if kind == "opus" and values > 2_000:
        with pytest.raises(SongFileError, match="json beside it"):
            read_description(path)
    else:
        np.testing.assert_array_equal(
            read_description(path)["coordinate"], np.float32(description["coordinate"])
        )


def test_a_wav_of_before_is_read(tmp_path: Path) -> None:
    """Its comment is before the samples, where libsndfile writes it."""
    with soundfile.SoundFile(tmp_path / "song.wav", "w", RATE, 1) as file:
        file.comment = json.dumps(described(40))
        file.write(np.zeros(RATE))
    assert len(read_description(tmp_path / "song.wav")["coordinate"]) == 40


def test_a_wav_without_a_comment_or_with_a_damaged_one_has_none(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, np.zeros(101), RATE, "PCM_U8")  # an odd number of bytes, and one of fill
    assert read_comment(path) == ""
    append_comment(path, "odd")
    assert read_comment(path) == "odd"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place])
        assert read_comment(path) in ("", "odd", "od", "o")
    for size in (0, 3, 1 << 31, (1 << 32) - 1):  # of any chunk
        for start in (16, whole.index(b"LIST") + 4, whole.index(b"ICMT") + 4):
            path.write_bytes(whole[:start] + struct.pack("<I", size) + whole[start + 4 :])
            assert read_comment(path) in ("", "odd")


@pytest.mark.parametrize("text", ["odd", "even"])
def test_chunks_are_of_even_length_and_the_form_says_its_own(tmp_path: Path, text: str) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, np.zeros(100), RATE)
    append_comment(path, text)
    written = path.read_bytes()
    assert len(written) % 2 == 0 and struct.unpack("<I", written[4:8])[0] == len(written) - 8
    assert read_comment(path) == text
