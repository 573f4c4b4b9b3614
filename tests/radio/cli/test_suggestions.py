"""Errors of the command line suggest what may have been meant, and list what there is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from radio.cli import main as cli
from radio.composer import Song
from radio.home import KINDS
from radio.station import ENCODINGS, read_description, save_song, saved_songs
from radio.station.cover import cover


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("plya", "'plya' is not a command; did you mean play?"),
        ("trian folder", "did you mean train?"),
        ("xyzzy", "choose from play, web"),
        ("--staton starter play", "no option '--staton'; did you mean --station?"),
        ("play --staton starter", "did you mean --station?"),
        ("generate --cuont=3", "did you mean --count?"),
        ("--qqqq", "there is no option '--qqqq'"),
        ("history extra", "'extra' is one argument too many"),
        ("play --station strater", "did you mean starter?; stations here: starter"),
        ("generate --station strater", "did you mean starter?; stations here: starter"),
        ("generate --kind mp4", "did you mean mp3?"),
        ("completion fsh", "did you mean fish?"),
        ("saved plya x", "did you mean play?"),
        ("saved play", "which song?"),
        ("saved play x", "no saved song 'x'; no song has been saved yet"),
        ("saved export list.txt", "ends in .m3u8"),
        ("listener delete ana", "no listener ana; listeners here: none yet"),
        ("send", "COMMAND"),
        ("play --sleep 0", "above 0"),
    ],
)
def test_an_error_is_one_line_that_helps(
    home: Path, typed: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = cli.main(typed.split())
    except SystemExit as error:
        code = int(error.code or 0)
    written = capsys.readouterr()
    assert code == 2 and told in written.err, written.err
    assert written.err.count("\n") == 1 and not written.out


def write(folder: Path, name: str, kind: str, *, key: str = "k1") -> Path:
    """Save a song of a second as the radio does."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = np.sin(np.arange(22050) / 20).astype(np.float32) * 0.5
    point = np.arange(4, dtype=np.float32)
    facts = {
        "song": name,
        "station": "starter",
        "station_fingerprint": "ab",
        "beats": 16,
        "coordinate": point.tolist(),
    }
    song = Song(samples, 22050, point, name, "", facts, key=key)
    path = folder / f"{name.lower().replace(' ', '-')}.{kind}"
    return save_song(path, song, facts, listener="me", rating=0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_song_of_any_kind_is_read_again(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, "Sea Wood", kind)
    samples, rate = soundfile.read(path)
    assert len(samples) / rate == pytest.approx(1, abs=0.1)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)
    assert read_description(path)["station"] == "starter", "from the tags"
    (song,) = saved_songs(tmp_path)
    assert (song.path, song.name, song.rating, song.key) == (path, "Sea Wood", 0.5, "k1")
    assert set(KINDS) == set(ENCODINGS)
    content = path.read_bytes()
    if kind in ("flac", "mp3"):
        place = content.index(b"\x89PNG")
        png = cover(np.arange(4.0))
        assert content[place : place + len(png)] == png and content.count(b"image/png") == 1
    if kind == "flac":  # the blocks follow each other to the sound
        at, kinds = 4, []
        while not kinds or not kinds[-1] & 0x80:
            kinds.append(content[at])
            at += 4 + int.from_bytes(content[at + 1 : at + 4], "big")
        assert [each & 0x7F for each in kinds][:2] == [0, 6] and content[at : at + 2] == b"\xff\xf8"
    if kind == "mp3":
        length = sum(content[6 + place] << (21 - 7 * place) for place in range(4))
        assert content[10 + length] == 0xFF, "sound follows the tag"


def test_saved_songs_are_listed_exported_and_deleted(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "songs"
    first, second = write(folder, "Sea Wood", "wav"), write(folder, "Oak Pier", "flac")
    (folder / "stray.wav").write_bytes(b"no sound")
    (folder / ".hidden.wav").touch()
    assert cli.main(["saved"]) == 0
    listed = capsys.readouterr().out
    assert listed.count("\n") == 3 and "Oak Pier" in listed and "+0.50" in listed
    assert cli.main(["saved", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["song"] for row in rows} == {"Sea Wood", "Oak Pier", "stray"}
    playlist = tmp_path / "all.m3u8"
    assert cli.main(["saved", "export", str(playlist)]) == 0
    text = playlist.read_text()
    assert text.startswith("#EXTM3U\n") and str(first) in text and str(second) in text
    assert cli.main(["saved", "delete", "sea wood"]) == 0
    assert not first.exists() and not first.with_suffix(".json").exists() and second.exists()
    assert cli.main(["saved", "delete", "oak peer"]) == 2
    assert "did you mean oak pier?; saved are: " in capsys.readouterr().err


def test_a_cover_is_drawn_from_the_point_alone() -> None:
    from matplotlib import image

    point = np.random.default_rng(0).standard_normal(12)
    png = cover(point, size=32)
    assert png == cover(point.copy(), size=32) and png != cover(-point, size=32)

    def pixels(content: bytes) -> np.ndarray:
        import io

        return np.asarray(image.imread(io.BytesIO(content), format="png"))

    near, far = pixels(cover(point + 0.001, size=32)), pixels(cover(-point, size=32))
    mine = pixels(png)
    assert mine.shape == (32, 32, 3) and mine.std() > 0.05
    assert np.abs(mine - near).mean() < 0.1 * np.abs(mine - far).mean()
