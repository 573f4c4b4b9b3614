"""Playback: the callback sample by sample, the silent device, and a recorded sound server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import correlate

from audio_parsing import devices, mixing, playback
from audio_parsing.devices import quiet_stderr
from audio_parsing.playback import Player, SilentDevice, open_player

ROOT = Path(__file__).parents[2]
RATE = 22050
BLOCK = 441


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_silent_device_keeps_time() -> None:
    clock = Clock()
    device = SilentDevice(clock)
    assert device.finished
    device.play(np.zeros(RATE * 30, np.float32), RATE)
    assert (device.position, device.duration, device.finished) == (0, 30, False)
    clock.now += 4
    device.pause()
    clock.now += 100
    assert (device.position, device.paused) == (4, True)
    device.resume()
    clock.now += 1
    assert (device.position, device.paused) == (5, False)
    device.seek(20)
    clock.now += 2.5
    assert device.position == 22.5
    device.seek(-5)
    assert device.position == 0
    clock.now += 31
    assert (device.position, device.finished) == (30, True)
    device.volume = 1.7
    assert device.volume == 1
    device.play(np.zeros(RATE, np.float32), RATE)
    device.stop()
    assert device.finished and device.duration == 0


class FakeStream:
    latency = 2 * BLOCK / RATE
    part = BLOCK  # samples that it asks for at once
    keep_full = staticmethod(lambda: None)  # what the player's thread does, done by hand

    def __init__(
        self,
        samplerate: int,
        channels: int,
        callback: Callable,
        finished_callback: Callable,
        **rest: Any,
    ) -> None:
        self.callback, self.finished, self.channels, self.samplerate = (
            callback,
            finished_callback,
            channels,
            samplerate,
        )

    def start(self) -> None:
        pass

    abort = close = start

    def pull(self, blocks: int = 1, *, underflow: bool = False) -> np.ndarray:
        """Return what the device gets, one channel (blocks * part,)."""
        out = []
        for _ in range(blocks):
            self.keep_full()
            block = np.full((self.part, self.channels), np.nan, np.float32)
            status = types.SimpleNamespace(output_underflow=underflow)
            self.callback(block, self.part, None, status)
            assert (block == block[:, :1]).all()
            out.append(block[:, 0])
        return np.concatenate(out)


def fake_sounddevice(channels: int, check: Callable) -> types.SimpleNamespace:
    properties = {"name": "fake", "max_output_channels": channels, "default_samplerate": 44100.0}
    return types.SimpleNamespace(
        query_devices=lambda device, kind: properties,
        check_output_settings=check,
        OutputStream=FakeStream,
        PortAudioError=KeyError,
    )


@pytest.fixture
def player(monkeypatch: pytest.MonkeyPatch) -> Player:
    """A player on a device that is pulled by hand."""
    monkeypatch.setattr(
        devices, "load_sounddevice", lambda: fake_sounddevice(8, lambda *arguments, **named: None)
    )
    monkeypatch.setattr(playback, "FILL_SECONDS", 1e6)
    made = Player()
    made._stream.keep_full = made._mixed.fill
    made.volume = 1.0
    made._stream.pull(3)
    return made


def test_every_sample_is_played_once_and_in_order(player: Player, rng: np.random.Generator) -> None:
    song = rng.uniform(-1, 1, 10 * BLOCK + 100).astype(np.float32)
    player.play(song, RATE)
    assert not player._stream.pull().any(), "the block that the device was about to take"
    heard = player._stream.pull(11)
    np.testing.assert_array_equal(heard[: song.size], song)
    assert not heard[song.size :].any()
    assert not player.finished, "the device still holds the last two blocks"
    player._stream.pull(2)
    assert player.finished
    assert player.position == player.duration == song.size / RATE


def test_pause_is_silence_and_loses_nothing(player: Player) -> None:
    song = np.linspace(0, 1, 20 * BLOCK, dtype=np.float32)
    player.play(song, RATE)
    player._stream.pull(5)
    assert player.position == pytest.approx(2 * BLOCK / RATE), (
        "what the device holds is not heard yet"
    )
    player.pause()
    player._stream.pull()
    fading = player._stream.pull()
    assert abs(fading[-1]) < 0.01 and np.abs(np.diff(fading)).max() < 0.01, "no click"
    assert not player._stream.pull(50).any()
    at = player.position
    assert at == pytest.approx(5 * BLOCK / RATE)
    player.resume()
    player._stream.pull(2)
    np.testing.assert_array_equal(player._stream.pull(), song[6 * BLOCK : 7 * BLOCK])


@pytest.mark.parametrize("part", [BLOCK, 100, 613])
def test_changes_in_any_order_lose_no_sample_and_never_click(
    player: Player, rng: np.random.Generator, part: int
) -> None:
    """Rapid keys between the device's calls: each change is a ramp, the position is exact."""
    player._stream.part = part
    song = np.sin(np.arange(60 * RATE) / 30).astype(np.float32) * np.float32(0.9)
    player.play(song, RATE)
    player._stream.pull(5)
    heard = [player._stream.pull()]
    for _ in range(300):
        for _ in range(rng.integers(3)):
            what = rng.integers(4)
            if what == 0:
                player.seek(float(rng.uniform(0, 50)))
            elif what == 1:
                player.pause() if not player.paused else player.resume()
            elif what == 2:
                player.volume = float(rng.uniform(0, 1))
            else:
                player.play(song, RATE)
        heard.append(player._stream.pull())
    steps = np.abs(np.diff(np.concatenate(heard)))
    assert steps.max() < 2 * 0.9 / 30 + 2 / BLOCK, (
        "no sample is far from the one before, even where two songs cross"
    )
    player.volume = 1.0
    player.resume()
    player.seek(20.0)
    player._stream.pull(50)
    block = player._stream.pull()
    now = round(player.position * RATE) + 2 * BLOCK
    np.testing.assert_allclose(block, song[now - part : now], atol=1e-6)


def test_a_change_is_heard_in_the_next_part_of_a_device_that_takes_small_ones(
    player: Player,
) -> None:
    player._stream.part = 100
    player.play(np.full(50 * BLOCK, 0.5, np.float32), RATE)
    player._stream.pull(37)
    player._mixed._largest = 100  # nothing larger was asked for before
    player.volume = 0.1
    assert (player._stream.pull() == 0.5).all(), "the part that the device may be reading"
    changing = player._stream.pull(5)
    assert (np.diff(changing[:BLOCK]) < 0).all() and np.abs(np.diff(changing)).max() < 0.002
    np.testing.assert_allclose(changing[BLOCK:], 0.05, rtol=1e-5)
    player.pause()
    player._stream.pull(6)
    assert not player._stream.pull(30).any()
    at = player.position
    player.resume()
    assert not player._stream.pull().any(), "silence may end anywhere too"
    assert player._stream.pull().any() and player.position == at


def test_a_ring_that_is_not_filled_runs_dry_and_is_counted(player: Player) -> None:
    player._stream.keep_full = lambda: None
    player.play(np.full(50 * BLOCK, 0.5, np.float32), RATE)
    ahead = round(mixing.AHEAD_SECONDS * RATE / BLOCK)
    assert player._stream.pull(ahead)[-BLOCK:].all() and player.underruns == 0, (
        "it bears an interpreter that is busy for so long"
    )
    assert not player._stream.pull(2).any() and player.underruns == 2
    player._stream.keep_full = player._mixed.fill
    assert player._stream.pull().all()


def test_seek_and_skip_fade_over_without_a_click(player: Player) -> None:
    player.play(np.full(50 * BLOCK, 0.8, np.float32), RATE)
    player._stream.pull(4)
    player.seek(0.5)
    player._stream.pull()
    over = player._stream.pull()
    assert np.abs(np.diff(over)).max() < 0.01 and over.max() <= 0.81
    player._stream.pull(2)
    assert player.position == pytest.approx(0.5 + BLOCK / RATE, abs=0.001)
    player.seek(1e9)
    player._stream.pull(5)
    assert player.finished
    player.seek(-3)
    assert player.position == 0
    player.play(np.full(9 * BLOCK, 0.3, np.float32), RATE)
    player._stream.pull(2)
    np.testing.assert_allclose(player._stream.pull(), 0.3, rtol=1e-6)
    player.stop()
    assert player._stream.pull(3)[2 * BLOCK :].any() == np.False_
    assert player.finished


def test_volume_is_a_factor_and_underruns_are_counted(player: Player) -> None:
    player.play(np.full(50 * BLOCK, 0.5, np.float32), RATE)
    player._stream.pull(2)
    player.volume = 0.4
    player._stream.pull(2)
    np.testing.assert_allclose(player._stream.pull(underflow=True), 0.2, rtol=1e-6)
    assert player.underruns == 1
    player.volume = -3
    assert player.volume == 0


def test_a_device_of_another_rate_gets_the_song_at_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **named: Any) -> None:
        raise KeyError("Invalid sample rate")

    monkeypatch.setattr(devices, "load_sounddevice", lambda: fake_sounddevice(1, refuse))
    player = Player()
    player._stream.keep_full = player._mixed.fill
    assert (player._stream.samplerate, player._stream.channels) == (44100, 1)
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    player.play(tone, RATE)
    assert player.duration == pytest.approx(1, abs=0.001)
    heard = player._stream.pull(100)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
    assert np.argmax(spectrum) * 44100 / heard.size == pytest.approx(440, abs=1)


def test_a_device_that_goes_away_is_told(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    assert player.failure is None
    now = time.monotonic()
    monkeypatch.setattr(playback.time, "monotonic", lambda: now + 5)
    assert player.failure == "the sound device 'fake' no longer answers"
    player._failure = None
    player._stream.finished()
    assert player.failure == "the sound device 'fake' stopped"


def test_without_the_library_it_says_what_to_install() -> None:
    code = """
import ctypes.util, sys
ctypes.util.find_library = lambda name: None
sys.platform = "linux"
from audio_parsing.playback import open_player
player, reason = open_player()
print(type(player).__name__, reason, sep="|")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    kind, reason = done.stdout.strip().split("|")
    assert kind == "SilentDevice"
    assert reason.startswith(
        "No sound: the PortAudio library is missing; install libportaudio2"
    ) and reason.endswith("; playing silently")
    assert done.stderr == ""


def test_any_failure_of_a_driver_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise RuntimeError("ALSA exploded\nin two lines")

    monkeypatch.setattr(devices, "load_sounddevice", broken)
    player, reason = open_player()
    assert isinstance(player, SilentDevice)
    assert reason is not None and "\n" not in reason and "ALSA exploded in two lines" in reason


def test_chatter_of_libraries_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        os.write(2, b"ALSA lib pcm.c:2664:(snd_pcm_open_noupdate) Unknown PCM\n")
    os.write(2, b"mine\n")
    assert capfd.readouterr().err == "mine\n"


def test_sound_through_a_real_server(
    sound_server: subprocess.Popen,
    rng: np.random.Generator,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    song = (
        np.convolve(rng.standard_normal(6 * RATE), np.hanning(16) / 8, "same").astype(np.float32)
        * 0.1
    )
    record = [
        "parec",
        "-d",
        "test.monitor",
        f"--rate={RATE}",
        "--channels=1",
        "--format=float32le",
        "--raw",
        "--latency-msec=10",
    ]
    # a pipe that nobody reads yet would be full after 0.7 s
    with (tmp_path / "heard").open("wb") as file:
        recorder = subprocess.Popen(record, stdout=file)
    try:
        time.sleep(0.3)
        player, reason = open_player()
        assert isinstance(player, Player), reason
        player.volume = 1.0
        player.play(song, RATE)
        _wait(lambda: player.position > 1.5)
        player.pause()
        time.sleep(0.1)
        paused_at = player.position
        time.sleep(0.7)
        assert player.position == paused_at
        player.resume()
        _wait(lambda: player.position > 2.5)
        player.seek(5.0)
        _wait(lambda: player.finished)
        time.sleep(0.3)
        assert player.failure is None and player.underruns == 0
        buffered = player._stream.latency * RATE
        assert player._mixed._largest <= buffered / 7, "the buffer is filled in small parts"
        player.close()
    finally:
        recorder.terminate()
        recorder.wait(10)
        heard = np.fromfile(tmp_path / "heard", np.float32)
    # Where each tenth of a second of the recording is in the song; NaN is silence.
    width = RATE // 10
    places = np.array(
        [
            _place(song, heard[start : start + width])
            for start in range(0, heard.size - width, width)
        ]
    )
    sounding = np.flatnonzero(~np.isnan(places[:, 0]))
    clean = np.flatnonzero(places[:, 1] > 0.99)
    assert sounding.size - clean.size <= 8, (
        "all is the song but where it begins, pauses, goes on, jumps and ends"
    )
    assert clean.size > 25
    silence = np.flatnonzero(np.isnan(places[:, 0]))
    middle = silence[(silence > sounding[0]) & (silence < sounding[-1])]
    assert 6 <= middle.size <= 9, "a pause of 0.8 s is silence of 0.8 s"
    before, after = places[middle[0] - 2, 0], places[middle[-1] + 2, 0]
    assert after - before < 0.45, "nothing is lost over the pause"
    late = clean[places[clean, 0] > 4.5]
    assert (
        places[late[0], 0] == pytest.approx(5.0, abs=0.2) and places[late, 0].min() > 5.0 - 0.05
    ), "a seek lands within 50 ms"
    assert places[late[-1], 0] > 5.7, "the song is heard to its end"
    assert capfd.readouterr().err == ""


def test_a_server_that_dies_while_playing_is_noticed(
    sound_server: subprocess.Popen, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playback, "STALLED", 0.5)
    player, reason = open_player()
    assert isinstance(player, Player), reason
    player.play(rng.standard_normal(30 * RATE).astype(np.float32) * 0.1, RATE)
    time.sleep(0.2)
    sound_server.kill()
    sound_server.wait()
    _wait(lambda: player.failure is not None)
    player.close()


def _place(song: np.ndarray, piece: np.ndarray) -> tuple[float, float]:
    """Return (seconds into the song, correlation) of a piece of the recording; NaN for silence."""
    if np.abs(piece).max() < 1e-4:
        return np.nan, np.nan
    products = correlate(song, piece, "valid")
    start = int(np.argmax(products))
    likeness = float(np.corrcoef(song[start : start + piece.size], piece)[0, 1])
    return start / RATE, likeness


def _wait(condition: Callable[[], bool], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.01)
