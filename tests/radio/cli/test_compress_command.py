"""`ai-radio compress` and `decompress` as they are typed, with everything that can be wrong."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from radio.cli import main as cli

ROOT = Path(__file__).parents[3]
RATE = 44_100


@pytest.fixture(scope="module")
def compiled() -> None:
    """The coder is compiled before anything is timed or its output read."""
    from compression import range_coder

    range_coder.decode(range_coder.encode(np.zeros((1, 1, 1), np.int32)), (1, 1, 1))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: None) -> Path:
    """The current folder, with a song of three seconds in it."""
    monkeypatch.chdir(tmp_path)
    time = np.arange(3 * RATE) / RATE
    sound = 0.3 * np.sin(2 * np.pi * 440 * time)[:, None] * [
        1,
        0.5,
    ] + 0.001 * np.random.default_rng(0).normal(size=(3 * RATE, 2))
    soundfile.write("song.flac", sound, RATE)
    return tmp_path


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a command ends with; nothing is left behind."""
    before = sorted(Path().rglob("*"))
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("ai-radio: ") and err.count("\n") == 1, err
    assert sorted(path for path in Path().rglob("*") if not path.is_dir()) == [
        path for path in before if not path.is_dir()
    ]
    return err


def test_there_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compress", "song.flac"]) == 0
    assert capsys.readouterr().out.startswith("song.air  ")
    assert Path("song.air").stat().st_size < Path("song.flac").stat().st_size / 5
    assert cli.main(["decompress", "song.air"]) == 0
    assert capsys.readouterr().out == "song.wav  3 s, 44100 Hz, stereo\n"
    first, _ = soundfile.read("song.flac")
    back, rate = soundfile.read("song.wav")
    assert rate == RATE and back.shape == first.shape
    assert 10 * np.log10(np.sum(first**2) / np.sum((back - first) ** 2)) > 22
    assert cli.main(["decompress", "song.air", "--output", "deep/er/back.flac"]) == 0
    assert soundfile.info("deep/er/back.flac").format == "FLAC"


def test_json_and_quality(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = []
    for quality in "15":
        assert cli.main(["compress", "song.flac", "--quality", quality, "--force", "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert row["seconds"] == 3 and row["channels"] == 2 and row["quality"] == int(quality)
        assert row["compressed_bytes"] == Path("song.air").stat().st_size
        sizes.append(row["compressed_bytes"])
    assert sizes[0] < sizes[1]


def test_nothing_is_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write("song.wav", np.zeros(100), RATE)
    original = Path("song.wav").read_bytes()
    assert cli.main(["compress", "song.flac"]) == 0
    capsys.readouterr()
    assert "song.wav already exists; give another --output, or --force" in fails(
        capsys, "decompress", "song.air"
    )
    assert "song.air already exists" in fails(capsys, "compress", "song.flac")
    assert Path("song.wav").read_bytes() == original
    shutil.copy("song.flac", "other.air")  # a file of sound under our ending
    assert "over itself" in fails(capsys, "compress", "other.air", "--force")
    assert cli.main(["decompress", "song.air", "--force"]) == 0
    assert Path("song.wav").read_bytes() != original


def test_wrong_files_are_told_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compress", "song.flac"]) == 0
    data = Path("song.air").read_bytes()
    capsys.readouterr()
    Path("cut.air").write_bytes(data[:-1])
    Path("flipped.air").write_bytes(data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
    Path("empty.air").touch()
    Path("text.air").write_text("no sound\n" * 100)
    os.mkfifo("pipe.air")
    Path("nan.wav").touch()
    soundfile.write("nan.wav", np.array([0.1, np.nan]), RATE, subtype="FLOAT")
    Path("folder").mkdir()
    for words, *arguments in (
        ("cut.air: is cut off after", "decompress", "cut.air"),
        ("flipped.air: is damaged: the checksum of block 1 is wrong", "decompress", "flipped.air"),
        ("empty.air: is empty", "decompress", "empty.air"),
        ("text.air: is not an AI Radio .air file", "decompress", "text.air"),
        ("song.flac: is not an AI Radio .air file", "decompress", "song.flac"),
        ("pipe.air is not a file", "decompress", "pipe.air"),
        ("missing.air does not exist", "decompress", "missing.air"),
        ("folder is not a file", "decompress", "folder"),
        ("text.air: is not readable audio", "compress", "text.air", "--output", "x.air"),
        ("nan.wav: holds samples that are not finite numbers", "compress", "nan.wav"),
        ("missing.wav does not exist", "compress", "missing.wav"),
        (
            "x.air is a single file, but there are 2",
            "compress",
            "song.flac",
            "nan.wav",
            "--output",
            "x.air",
        ),
        ("would both become", "decompress", "song.air", "folder/../song.air", "--output", "folder"),
        ("song.flac is not a folder", "compress", "nan.wav", "--output", "song.flac"),
    ):
        assert words in fails(capsys, *arguments)


@pytest.mark.parametrize("quality", ["0", "6", "2.5", "best"])
def test_wrong_qualities(folder: Path, quality: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["compress", "song.flac", "--quality", quality])
    assert "is not a whole number from 1 to 5" in capsys.readouterr().err


def test_too_many_channels_for_flac(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write("many.wav", np.full((1000, 9), 0.1), RATE)
    assert cli.main(["compress", "many.wav"]) == 0
    capsys.readouterr()
    assert "9 channels at 44100 Hz as FLAC" in fails(
        capsys, "decompress", "many.air", "--output", "many.flac"
    )


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize(("channels", "rate"), [(1, 22_050), (2, 44_100), (6, 48_000)])
def test_m4a_keeps_its_rate_and_channels(folder: Path, channels: int, rate: int) -> None:
    soundfile.write("a.wav", np.random.default_rng(0).normal(0, 0.1, (rate, channels)), rate)
    subprocess.run(["ffmpeg", "-v", "error", "-i", "a.wav", "-c:a", "aac", "a.m4a"], check=True)
    assert cli.main(["compress", "a.m4a"]) == 0
    assert cli.main(["decompress", "a.air", "--output", "b.wav"]) == 0
    assert (soundfile.info("b.wav").channels, soundfile.info("b.wav").samplerate) == (
        channels,
        rate,
    )


def test_progress_is_shown_on_a_terminal(folder: Path) -> None:
    soundfile.write("long.wav", np.random.default_rng(0).normal(0, 0.1, 20 * RATE), RATE)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "radio", "compress", "long.wav", "--quality", "5"],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 1000):
            shown += part
    except OSError:  # how Linux tells that a terminal was closed
        pass
    assert process.wait(60) == 0
    os.close(ours)
    assert b"compressing long.wav" in shown and b"times real time" in shown


def test_faster_than_real_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, (6 * RATE, 2))
    soundfile.write("noise.wav", sound, RATE)  # nothing is harder to code
    for command in (
        ["compress", "noise.wav", "--quality", "5", "--json"],
        ["decompress", "noise.air", "--output", "back.wav", "--json"],
    ):
        began, processor = time.perf_counter(), time.process_time()
        assert cli.main(command) == 0
        seconds, processor = time.perf_counter() - began, time.process_time() - processor
        assert json.loads(capsys.readouterr().out)[0]["times_real_time"] > 0.9 * 6 / seconds
        # the processor's time, which does not depend on what else this machine does
        assert processor < 3


def test_an_interrupt_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from compression import codec

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(codec.Encoder, "finish", interrupt)
    Path("song.air").write_bytes(b"older")
    assert cli.main(["compress", "song.flac", "--force"]) == 130
    assert sorted(os.listdir()) == ["song.air", "song.flac"]
    assert Path("song.air").read_bytes() == b"older"
