"""Music is found in files, folders and playlists; what is passed over is counted by its ending."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_parsing.finding import find_audio, find_music
from audio_parsing.opening import AudioError

WAV = b"RIFF\x24\0\0\0WAVE"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for name in ("a.wav", "b/c.wav", "b/d.wav", "gr\u00fc\u00dfe.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(WAV)
    return tmp_path


def test_files_and_folders_in_their_order_and_once(music: Path) -> None:
    found = find_music([music / "b" / "d.wav", music / "b", music / "a.wav"])
    assert found == [music / "b" / "d.wav", music / "b" / "c.wav", music / "a.wav"]
    with pytest.raises(AudioError, match="none.wav: no such file or folder"):
        find_music([music / "a.wav", music / "none.wav"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_playlists(music: Path, encoding: str) -> None:
    names = [
        "#EXTM3U",
        "gr\u00fc\u00dfe.wav",
        "",
        "#EXTINF:12,A song",
        "b\\c.wav",
        "https://radio.example/stream",
        "gone.wav",
        str(music / "a.wav"),
        (music / "b" / "d.wav").as_uri(),
        "  b  ",
    ]
    playlist = music / "list.M3U"
    playlist.write_bytes("\r\n".join(names).encode(encoding))
    lines: list[str] = []
    found = find_music([playlist], on_skip=lines.append)
    assert [path.name for path in found] == ["gr\u00fc\u00dfe.wav", "c.wav", "a.wav", "d.wav"]
    assert lines == [
        f"{playlist}: https://radio.example/stream is not on this machine",
        f"{playlist}: gone.wav does not exist",
    ]


def test_playlists_that_name_nothing(music: Path) -> None:
    playlist = music / "odd.m3u"
    names = ["x" * 70_000, "b/" * 3000, "http://[bad/x.mp3", "file:///%00", "odd.m3u", "a\0b.wav"]
    playlist.write_text("\n".join([*names, "a.wav"]))
    lines: list[str] = []
    assert find_music([playlist], on_skip=lines.append) == [music / "a.wav"]
    assert [line.partition("odd.m3u: ")[2] for line in lines] == [
        f"{'x' * 200} does not exist",
        f"{'b/' * 100} does not exist",
        "http://[bad/x.mp3 is not on this machine",
        "file:///%00 does not exist",
        "odd.m3u is a playlist in a playlist; name it by itself",
        "a\\x00b.wav is not on this machine",
    ]


def test_what_is_passed_over_is_counted(music: Path) -> None:
    for name in ("1.JPG", "2.jpg", "notes.txt", "b/cover", "b/3.jpg"):
        (music / name).write_bytes(b"nothing to play")
    lines: list[str] = []
    assert len(find_audio(music, on_skip=lines.append)) == 4
    assert lines == [f"{music}: 5 files passed over: 3 .jpg, 1 .txt, 1 without an ending"]
    for number in range(12):
        (music / f"x.e{number:02}").write_bytes(b"nothing to play")
    find_audio(music, on_skip=lines.append)
    assert "17 files" in lines[1] and lines[1].endswith(", 1 .e06, 7 others")
