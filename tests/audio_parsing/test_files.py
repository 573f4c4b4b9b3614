"""Reading music: every format, every kind of broken file, in little memory."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, strategies as st

from audio_parsing import files
from audio_parsing.decoding import decoded
from audio_parsing.files import AudioError, find_audio, read_audio, read_folder

RATE = 22050
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "flac": ("FLAC", "PCM_24"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "wavex": ("WAVEX", "PCM_24"),
    "rf64": ("RF64", "PCM_16"),
    "svx": ("SVX", "PCM_16"),
    "voc": ("VOC", "PCM_16"),
    "nist": ("NIST", "PCM_16"),
    "pvf": ("PVF", "PCM_16"),
    "avr": ("AVR", "PCM_16"),
    "paf": ("PAF", "PCM_16"),
    "sds": ("SDS", "PCM_16"),
    "ircam": ("IRCAM", "FLOAT"),
}


def tone(seconds: float = 1.0, rate: int = RATE, pitch: float = 440.0) -> np.ndarray:
    """A tone (n,) that lasts for some seconds."""
    return 0.3 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def write(path: Path, samples: np.ndarray, rate: int = RATE, kind: str = "wav") -> Path:
    """Write a file of a kind of FORMATS, whatever the path's ending says."""
    container, subtype = FORMATS[kind]
    with path.open("wb") as stream:
        soundfile.write(stream, samples, rate, format=container, subtype=subtype)
    return path


def peak_pitch(samples: np.ndarray, rate: int = RATE) -> float:
    """The strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Run as a user without privileges: root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", ["song.{kind}", "song.bin", "song"])
def test_every_format_is_read_by_its_content(tmp_path: Path, kind: str, name: str) -> None:
    path = write(tmp_path / name.format(kind=kind), tone(1.0, 48000), 48000, kind)
    assert find_audio(tmp_path) == [path]
    samples = read_audio(path)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert abs(len(samples) / RATE - 1.0) < 0.06  # MP3 and Opus add and cut some hundredths
    assert peak_pitch(samples) == pytest.approx(440, abs=3)


def test_m4a_comes_through_ffmpeg(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        path = tmp_path / "song.m4a"
        path.write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(100))
        with pytest.raises(AudioError, match="ffmpeg, which is not installed, may"):
            read_audio(path)
        return
    source = write(tmp_path / "source.wav", tone(3.0))
    path = tmp_path / "song: 100 %.m4a"
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, f"file:{path}"], check=True)
    samples = read_audio(path)
    assert abs(len(samples) / RATE - 3.0) < 0.1
    assert peak_pitch(samples) == pytest.approx(440, abs=3)
    assert len(read_audio(path, max_seconds=0.5)) == RATE // 2
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(AudioError, match=r"song: 100 %\.m4a: is not readable audio \(.*ffmpeg: "):
        read_audio(path)


def test_m4a_without_ffmpeg_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (tmp_path / "song.m4a").write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(100))
    with pytest.raises(AudioError, match="ffmpeg, which is not installed, may"):
        read_audio(tmp_path / "song.m4a")


@pytest.mark.parametrize("channels", [1, 2, 6, 17])
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
def test_any_rate_and_number_of_channels(tmp_path: Path, channels: int, rate: int) -> None:
    path = write(
        tmp_path / "song.wav",
        np.repeat(tone(1.0, rate)[:, None], channels, axis=1),
        rate,
        "float.wav",
    )
    samples = read_audio(path)
    assert abs(len(samples) - RATE) <= 0.01 * RATE
    assert peak_pitch(samples) == pytest.approx(440, abs=2)


@given(
    seconds=st.floats(0.06, 7.0),
    rate=st.sampled_from([11025, 22050, 44100]),
    target=st.sampled_from([22050, 30000]),
)
def test_blocks_leave_no_seam(seconds: float, rate: int, target: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "song.wav", tone(seconds, rate), rate, "float.wav")
        samples = read_audio(path, target)
    # the last window of a hundredth of a second may be cut
    assert abs(len(samples) / target - seconds) <= 0.011
    inner = samples[target // 100 : -target // 100].astype(np.float64)
    wave = np.exp(2j * np.pi * 440 / target * np.arange(len(inner)))
    rest = inner - 2 * np.real(wave * np.vdot(wave, inner) / max(len(inner), 1))
    if seconds > 1:
        assert np.sqrt(np.mean(rest**2)) < 0.03 * np.sqrt(np.mean(inner**2))


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "opus", "mp3", "aiff"])
def test_blocks_are_what_the_whole_file_is(
    tmp_path: Path, rng: np.random.Generator, kind: str
) -> None:
    path = write(
        tmp_path / "song",
        0.1 * np.convolve(rng.standard_normal(48000 * 6), np.hanning(30) / 15, "same"),
        48000,
        kind,
    )
    whole, rate = soundfile.read(path, dtype="float32")
    with decoded(path) as (own_rate, blocks):
        parts = list(blocks)
    assert own_rate == rate and len(parts) > 2
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)


def test_blocks_of_all_channels_are_what_the_whole_file_is(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path = write(tmp_path / "song", rng.uniform(-0.5, 0.5, (48000 * 6, 2)), 48000, "flac")
    whole, _ = soundfile.read(path, dtype="float32")
    with decoded(path, mono=False) as (_, blocks):
        parts = list(blocks)
    assert len(parts) > 2
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_silence_at_the_ends_is_cut_and_inside_is_kept(tmp_path: Path) -> None:
    pause = np.zeros(RATE)
    path = write(
        tmp_path / "song.wav",
        np.concatenate([pause, tone(), pause, tone(), pause, pause]),
        kind="float.wav",
    )
    samples = read_audio(path)
    # the filter that removes DC rings for some hundredths of a second
    assert abs(len(samples) - 3 * RATE) <= 0.1 * RATE
    assert np.abs(samples[RATE + 2000 : 2 * RATE - 2000]).max() < 0.01


def test_dc_is_removed(tmp_path: Path) -> None:
    path = write(
        tmp_path / "song.wav",
        0.6 + np.concatenate([np.zeros(44100), tone(2.0, 44100)]),
        44100,
        "float.wav",
    )
    samples = read_audio(path)
    assert abs(samples.mean()) < 1e-3
    assert abs(len(samples) - 2 * RATE) <= 0.1 * RATE  # the offset did not pass for sound


@pytest.mark.parametrize("gain", [1e-3, 0.1, 3.0, 1e20])
def test_loudness_is_levelled(tmp_path: Path, gain: float) -> None:
    quiet = 0.05 * tone(3.0)  # 26 dB below: a pause that must not make the rest louder
    path = write(tmp_path / "song.wav", gain * np.concatenate([tone(3.0), quiet]), kind="float.wav")
    samples = read_audio(path)
    assert np.sqrt(np.mean(samples[: 2 * RATE] ** 2)) == pytest.approx(files.LEVEL, rel=0.1)


def test_peaks_are_not_clipped(tmp_path: Path) -> None:
    clicks = 0.01 * tone(4.0)
    clicks[::RATE] = 1.0
    samples = read_audio(write(tmp_path / "song.wav", clicks, kind="float.wav"))
    assert np.abs(samples).max() == pytest.approx(files.PEAK, abs=1e-3)


def test_max_seconds_counts_from_where_the_sound_begins(tmp_path: Path) -> None:
    path = write(
        tmp_path / "song.flac", np.concatenate([np.zeros(20 * RATE), tone(20.0)]), kind="flac"
    )
    assert len(read_audio(path, max_seconds=2.0)) == 2 * RATE
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="max_seconds"):
            read_audio(path, max_seconds=wrong)


def test_a_long_file_takes_no_more_memory_than_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 44100, 2) as file:
        for _ in range(60):
            file.write(np.repeat(tone(10.0, 44100)[:, None], 2, axis=1))
    read_audio(path, max_seconds=0.1)  # what is imported on the way does not count
    tracemalloc.start()
    samples = read_audio(path, max_seconds=60)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(samples) == 60 * RATE
    assert peak < 25e6  # whole it would be 212 MB


def broken(folder: Path) -> dict[str, str]:
    """Write one file of every kind that can't be read; return name -> what its line says."""
    (folder / "empty.wav").touch()
    (folder / "text.mp3").write_text("this is a text about music\n" * 100)
    whole = write(
        folder / "whole.flac", np.random.default_rng(0).normal(size=RATE * 8) * 0.1, kind="flac"
    ).read_bytes()
    (folder / "cut.flac").write_bytes(whole[: len(whole) // 2])
    (folder / "whole.flac").unlink()
    (folder / "header.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVE")
    not_numbers = tone()
    not_numbers[500] = np.nan
    write(folder / "nan.wav", not_numbers, kind="float.wav")
    infinite = tone()
    infinite[500] = np.inf
    write(folder / "inf.wav", infinite, kind="float.wav")
    write(folder / "silent.wav", np.zeros(RATE))
    write(folder / "no samples.wav", np.zeros(0))
    write(folder / "slow.wav", tone(), 50)
    (folder / "link.ogg").symlink_to(folder / "nowhere.ogg")
    os.mkfifo(folder / "pipe.mp3")
    return {
        "empty.wav": "is empty",
        "text.mp3": "is not readable audio",
        "cut.flac": "is truncated after",
        "header.wav": "is not readable audio",
        "nan.wav": "samples that are not finite numbers",
        "inf.wav": "samples that are not finite numbers",
        "silent.wav": "nothing but silence",
        "no samples.wav": "nothing but silence",
        "slow.wav": "50 Hz",
        "link.ogg": "is a broken link",
        "pipe.mp3": "is not a file",
    }


def test_what_cannot_be_read_is_named_and_skipped(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = broken(tmp_path)
    good = write(tmp_path / "good.wav", tone())
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(1000))
    (tmp_path / "cover.webp").write_bytes(b"RIFF\xf0\x03\0\0WEBPVP8 " + bytes(1000))
    (tmp_path / "._good.wav").write_bytes(b"\0\5\x16\7" + bytes(1000))  # macOS puts these on sticks
    (tmp_path / "list.m3u").write_text("good.wav\n")
    lines: list[str] = []
    assert [path for path, _ in read_folder(tmp_path, on_skip=lines.append)] == [good]
    assert lines.pop() == f"{tmp_path}: {len(wanted)} of {len(wanted) + 1} files skipped"
    passed_over = f"{tmp_path}: 3 files passed over: 1 .jpg, 1 .m3u, 1 .webp"
    assert len(lines) == len(wanted) + 1 and passed_over in lines
    for name, reason in wanted.items():
        (line,) = (line for line in lines if line.startswith(f"{tmp_path / name}: "))
        assert reason in line
        assert "\n" not in line
    assert capfd.readouterr() == ("", "")


def test_no_permission(caplog: pytest.LogCaptureFixture) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "closed").mkdir()
        (folder / "listed").mkdir()
        for path in (
            folder / "closed.wav",
            folder / "listed" / "song.wav",
            folder / "closed" / "song.wav",
            folder / "open.wav",
        ):
            write(path, tone())
        (folder / "closed.wav").chmod(0)
        (folder / "closed").chmod(0)
        (folder / "listed").chmod(0o744)  # may be listed and not entered
        with as_nobody():
            read = [path.name for path, _ in read_folder(folder)]
            with pytest.raises(AudioError, match="permission denied"):
                find_audio(folder / "listed" / "deeper")
        for name in ("closed", "listed"):
            (folder / name).chmod(0o700)
    assert read == ["open.wav"]
    assert [record.message for record in caplog.records] == [
        f"{folder / 'closed'}: permission denied",
        f"{folder / 'closed.wav'}: permission denied",
        f"{folder / 'listed' / 'song.wav'}: permission denied",
        f"{folder}: 2 of 3 files skipped",
    ]


def test_a_loop_of_folders_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "b" / "deep").mkdir(parents=True)
    (tmp_path / "b" / "deep" / "again").symlink_to(tmp_path)
    (tmp_path / "a").symlink_to(tmp_path / "b")
    path = write(tmp_path / "b" / "song.wav", tone())
    lines: list[str] = []
    assert find_audio(tmp_path, on_skip=lines.append) == [path]
    assert sorted(lines) == [
        f"{tmp_path / 'a'}: leads to the folder {tmp_path / 'b'}, which was already read",
        f"{tmp_path / 'b/deep/again'}: leads to the folder {tmp_path}, which was already read",
    ]


def test_links_to_music_elsewhere_are_followed(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "music").mkdir()
    write(tmp_path / "shelf" / "song.wav", tone())
    (tmp_path / "music" / "all").symlink_to(tmp_path / "shelf")
    assert find_audio(tmp_path / "music") == [tmp_path / "music" / "all" / "song.wav"]


def test_order_depends_on_names_alone(tmp_path: Path) -> None:
    names = ["b/2.wav", "b/10.wav", "a.wav", "b.wav", "B/1.wav", "c/x/y.wav"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"RIFF")
    assert find_audio(tmp_path) == sorted(tmp_path / name for name in names)
    assert find_audio(str(tmp_path)) == find_audio(tmp_path)


def test_names_that_are_no_text_are_shown_on_one_line(tmp_path: Path) -> None:
    names = [b"two\nlines.wav", b"latin-\xe9.wav", b"escape\x1b[2J.wav"]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    lines: list[str] = []
    with pytest.raises(AudioError):
        list(read_folder(tmp_path, on_skip=lines.append))
    assert len(lines) == len(names) + 1
    for line in lines:
        assert line.isprintable()
        line.encode()


def test_names_that_are_no_text_are_read(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin-\xe9.wav"))
    write(path, tone())
    assert len(read_audio(path)) > 0.9 * RATE


def test_nothing_to_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no music here")
    with pytest.raises(
        AudioError, match="no readable audio found; searched all its folders for WAV, FLAC"
    ) as caught:
        list(read_folder(tmp_path))
    assert "\n" not in str(caught.value)
    with pytest.raises(AudioError, match="no such folder"):
        list(read_folder(tmp_path / "nowhere"))
    with pytest.raises(AudioError, match="is not a folder"):
        list(read_folder(tmp_path / "notes.txt"))
    with pytest.raises(AudioError, match="no such file"):
        read_audio(tmp_path / "nowhere.wav")
    with pytest.raises(AudioError, match="is not a file|is a directory"):
        read_audio(tmp_path)


def test_no_file_is_left_open(tmp_path: Path) -> None:
    broken(tmp_path)
    write(tmp_path / "good.flac", tone(20.0), kind="flac")
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in read_folder(tmp_path, max_seconds=0.5, on_skip=lambda line: None):
        pass
    after = len(os.listdir("/proc/self/fd")) if before else 0
    assert after == before
