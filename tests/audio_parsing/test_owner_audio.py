"""Functions of the original programs; these and the code of docs/library.md, run as written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import audio_parsing.audio_parsing as audio
from audio_parsing.files import AudioError
from audio_parsing.playback import SilentDevice

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a sound device."""
    monkeypatch.setattr(
        audio,
        "open_player",
        lambda: (SilentDevice(), "No sound: no sound device was found; playing silently"),
    )


def write_mp3(path: Path, pitch: float, seconds: float = 1.0, silence: float = 0.0) -> None:
    """Write a tone after some silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.2 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * 44100)) / 44100)
    soundfile.write(
        path, np.concatenate([np.zeros(round(silence * 44100)), tone]), 44100, format="MP3"
    )


def example(number: int, page: str = "docs/original_programs.md") -> str:
    """Return one of the Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)[
        number
    ]


def run_example(text: str, folder: Path) -> str:
    """Run a block as a program in an empty folder, in less than a minute; return its output."""
    (folder / "example.py").write_text(text, encoding="utf-8")
    environment = os.environ | {
        "MPLBACKEND": "Agg",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error,ignore::DeprecationWarning",
    }
    before = os.times()
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=160,
    )
    after = os.times()
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (
        after.children_user + after.children_system - before.children_user - before.children_system
        < 60
    )
    return done.stdout


def test_raw_data_from_the_starter_collection(folder: Path) -> None:
    sounds, names = audio.get_raw_data(2, 3000, 0.5)
    assert len(set(names)) == len(sounds) == 2
    for sound in sounds:
        assert sound.shape == (3000, 1)
        assert sound.dtype == np.float32
        assert sound.mean() == pytest.approx(0, abs=1e-5)
        assert sound.std() == pytest.approx(0.5, rel=1e-4)
    again, _ = audio.get_raw_data(1, 3000, 1)
    np.testing.assert_allclose(again[0], sounds[0] * 2, rtol=1e-5)


def test_raw_data_renders_no_more_songs_than_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = []

    def render(song: object, sample_rate: int) -> np.ndarray:
        rendered.append(song)
        assert sample_rate == 30000
        return np.sin(np.arange(100.0)).astype(np.float32)

    monkeypatch.setattr(audio, "render", render)
    assert len(audio.get_raw_data(3, 15, 1)[0]) == len(rendered) == 3
    sounds, names = audio.get_raw_data(1000, 15, 1)
    assert len(sounds) == len(names) == len(set(names)) == 96


def test_raw_data_from_music_sample(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_mp3(folder / "music_sample" / "b" / "two.mp3", 600, silence=0.5)
    write_mp3(folder / "music_sample" / "a" / "one.mp3", 300, seconds=0.1)
    (folder / "music_sample" / "a" / "broken.mp3").write_text("no music")
    sounds, names = audio.get_raw_data(5, 6000, 2)
    assert names == ["one.mp3", "two.mp3"]
    # a tenth of a second is all there is of the first
    assert len(sounds[0]) < 6000 == len(sounds[1])
    assert sounds[1].std() == pytest.approx(2, rel=1e-4)
    spectrum = np.abs(np.fft.rfft(sounds[1][:, 0]))
    assert np.argmax(spectrum) * 30000 / 6000 == pytest.approx(600, abs=5)
    assert np.abs(sounds[1][:30]).max() > 0.02  # the silence before it is cut
    (line,) = capsys.readouterr().out.splitlines()  # where there is ffmpeg, it says more
    assert line.startswith("music_sample/a/broken.mp3: is not readable audio (Format not recognise")
    assert audio.get_raw_data(1, 10, 1)[1] == ["one.mp3"]


def test_nothing_readable_in_music_sample(folder: Path) -> None:
    (folder / "music_sample" / "a").mkdir(parents=True)
    (folder / "music_sample" / "a" / "broken.mp3").write_text("no music")
    with pytest.raises(AudioError, match="none of the 1 files of music_sample"):
        audio.get_raw_data(5, 15, 1)


@pytest.mark.parametrize(
    "wrong", [(0, 15, 1), (5, 0, 1), (5, 15, 0), (5, 15, -1), (5, 15, float("nan"))]
)
def test_wrong_numbers(folder: Path, wrong: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="not "):
        audio.get_raw_data(*wrong)


def test_a_constant_sound_is_silence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "render", lambda song, rate: np.full(100, 0.5, np.float32))
    np.testing.assert_array_equal(audio.get_raw_data(1, 15, 1)[0][0], np.zeros((15, 1)))


def test_without_a_device_one_line_and_on(silent: None, capsys: pytest.CaptureFixture[str]) -> None:
    sounds = [np.zeros((300_000, 1), np.float32), np.ones((300_000, 1), np.float32)]
    song = audio.play_random_sound(sounds, ["zero", "one"], 1, rng=np.random.default_rng(1))
    index = int(np.random.default_rng(1).integers(2))
    assert song is sounds[index]
    assert capsys.readouterr().out.splitlines() == [
        f"Playing {('zero', 'one')[index]}",
        "No sound: no sound device was found",
    ]


class Recorder(SilentDevice):
    """A device that keeps what it was given, in time that runs fast."""

    def __init__(self) -> None:
        self.time = 0.0
        super().__init__(self.tick)
        self.closed = False

    def tick(self) -> float:
        self.time += 0.1
        return self.time

    def play(self, samples: np.ndarray, rate: int) -> None:
        self.samples, self.rate = samples, rate
        super().play(samples, rate)

    def close(self) -> None:
        self.closed = True


def test_what_can_not_be_played_is_one_line(silent: None) -> None:
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="scale must be positive"):
            audio.play_audio(np.ones(10), wrong)
    with pytest.raises(ValueError, match="not finite numbers"):
        audio.play_audio(np.array([0, np.nan]), 1)


def test_a_device_gets_a_comfortable_level_and_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(audio, "open_player", lambda: (recorder, None))
    loud = 1000 * np.random.default_rng(0).normal(size=(15000, 1))
    loud[7] = 1e6
    audio.play_audio(loud, 1000)
    assert recorder.rate == 30000
    assert recorder.samples.shape == (15000,)
    assert recorder.samples.std() == pytest.approx(0.1, rel=0.1)
    assert recorder.samples.max() == 1
    assert recorder.finished
    assert recorder.closed


@pytest.mark.parametrize("name", ["picture.png", "picture.svg"])
def test_comparison_saves_a_file_without_a_display(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    song = np.sin(np.arange(300))[:, None]
    audio.plot_audio_comparison(song, song[:200, 0], path=name)
    assert (folder / name).stat().st_size > 5000
    assert capsys.readouterr().out.splitlines() == [f"the comparison is saved as {folder / name}"]


def test_comparison_draws_both_where_it_is_told() -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    song = np.sin(np.arange(300, dtype=float))[:, None]
    audio.plot_audio_comparison(song, 0.5 * song, ax=axes)
    original, other = axes.get_lines()
    np.testing.assert_allclose(np.asarray(original.get_xydata())[:, 1], song[:, 0])
    np.testing.assert_allclose(np.asarray(other.get_xydata())[:, 1], 0.5 * song[:, 0])
    assert np.asarray(original.get_xydata())[-1, 0] == pytest.approx(299 / 30)  # milliseconds


def test_readme_first_example(tmp_path: Path) -> None:
    assert "\nsounds, names = audio.get_raw_data(5, 15, 1)\n" in example(0)
    printed = run_example(example(0), tmp_path)
    assert "epoch 20,000 of 20,000" in printed
    assert (tmp_path / "loss_over_time.png").exists()


def test_readme_second_example(tmp_path: Path) -> None:
    printed = run_example(example(1), tmp_path).splitlines()
    assert [line for line in printed if line.startswith("Current Size")] == [
        "Current Size of Song: 60",
        "Current Size of Song: 15",
    ]
    assert printed[0].startswith("Playing ")
    assert (tmp_path / "audio_comparison.png").exists()


def test_the_pictures_of_the_library_page(tmp_path: Path) -> None:
    write_mp3(tmp_path / "song.mp3", 440, seconds=2.0)
    assert run_example(example(0, "docs/library.md"), tmp_path) == ""
    for name in ("waveform.png", "spectrogram.svg", "frames.png", "both.png"):
        assert (tmp_path / name).stat().st_size > 5000
