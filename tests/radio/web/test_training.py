"""Training over the routes: with samples, stopped, killed with its server, resumed."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from web_browser import RadioServer, chromium, open_page

from radio.home import Home
from radio.station import Station
from radio.web.training.job import TrainError, TrainJob
from radio.web.training.state import LOSSES, TrainingState
from tests.radio.web.test_uploads import put, tone

__all__ = ["chromium"]


def until(happened: Callable[[], Any], seconds: float = 150.0) -> Any:
    """Wait for something to be true and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.05)
    pytest.fail("it did not happen")


def music(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(2):
        (folder / f"{number:03}.wav").write_bytes(tone(8, pitch=220 * (number + 1)))


def job_of(home: Path, *, steps: int, goes_on: bool = True) -> TrainJob:
    """Return a job that resumes a request for a number of steps; the routes only take minutes."""
    folder = home / "web/training"
    music(folder / "music")
    files = [
        {"number": number, "name": f"song {number}", "size": 1, "seconds": 8.0, "problem": ""}
        for number in range(2)
    ]
    asked = {
        "station": "mine",
        "minutes": None,
        "steps": steps,
        "beats": 16,
        "seed": 0,
        "goes_on": goes_on,
        "files": files,
    }
    (folder / "job.json").write_text(json.dumps(asked))
    return TrainJob(Home(home))


def test_a_training_over_the_page(tmp_path: Path, chromium: Any) -> None:
    """From files to a station in the picker; the server is killed midway, and another resumes."""
    with RadioServer(tmp_path) as server:
        for number in range(2):
            assert put(server, f"song {number}.wav", tone(8, pitch=220 * (number + 1)))[0] == 200
        put(server, "bad.wav", b"no music")
        names: list[dict[str, Any]] = [
            {"station": name} for name in ("../x", "", "tiny", "starter", 7)
        ]
        others = (
            {"minutes": 0},
            {"minutes": 1e9},
            {"minutes": "1"},
            {"minutes": True},
            {"beats": 17},
            {"beats": 1.5},
        )
        for wrong in [{}, *names, *({"station": "mine", **other} for other in others)]:
            status, answer = server.ask("POST", "/train/begin", wrong)
            assert status == 400 and answer["ok"] is False and "\n" not in answer["line"], wrong
        with open_page(chromium, server) as page:
            page.get_by_label("Name of the station").fill("tiny")
            page.get_by_role("button", name="Train", exact=True).click()
            page.get_by_text("there is already a station tiny").wait_for()
            assert server.ask(
                "POST", "/train/begin", {"station": "mine", "minutes": 1, "beats": 16}
            ) == (200, {"ok": True})
            state = until(lambda: (now := server.ask("GET", "/train")[1])["samples"] and now)
            assert (
                state["phase"] == "training"
                and state["station"] == "mine"
                and len(state["files"]) == 2
            )
            page.locator(".samples audio").first.wait_for()
            page.reload()  # it is the server's training, not the page's
            page.locator(".samples audio").first.wait_for()
            status, _, sample = server.request(
                "GET", f"/train/sample/{state['samples'][0]['number']}.wav"
            )
            samples, rate = soundfile.read(io.BytesIO(sample))
            assert (
                status == 200
                and len(samples) / rate > 7
                and 0.01 < np.abs(samples).max() <= 1
                and np.isfinite(samples).all()
            )
            until(lambda: server.ask("GET", "/train")[1]["progress"].get("left"))
            # one at a time
            assert server.ask("POST", "/train/begin", {"station": "other"})[0] == 400
            assert server.ask("POST", "/train/clear", {})[0] == 400
            server.kill()
            server.start()
            state = until(
                lambda: (
                    (now := server.ask("GET", "/train")[1])["progress"].get("phase") == "vae"
                    and now
                )
            )
            assert state["phase"] == "training" and any(
                "resuming the training" in line for line in state["lines"]
            )
            page.get_by_role("button", name="Stop", exact=True).click()
            page.get_by_text("Stopped; the progress is saved.").wait_for(timeout=60_000)
        assert (tmp_path / "stations/mine/training.npz").exists()
        assert server.ask("POST", "/train/clear", {})[0] == 200
        assert (
            not (tmp_path / "stations/mine").exists() and not (tmp_path / "web/training").exists()
        )


def test_a_finished_training_is_a_station(tmp_path: Path) -> None:
    job = job_of(tmp_path, steps=6)
    told: list[dict[str, Any]] = []
    end = job.subscribe(told.append)
    try:
        until(lambda: job.state["phase"] == "done")
        state = job.state
        assert state["progress"]["share"] == 1.0 and state["trouble"] == "" and state["samples"]
        assert {one["progress"].get("phase") for one in told} >= {
            "prepare",
            "compile",
            "vae",
            "gan",
            "save",
        }
        names = Station.load(Home(tmp_path).station("mine")).details["songs"]
        assert {name.split(" + ")[0] for name in names} == {"000.wav", "001.wav"}
        assert "mine" in Home(tmp_path).stations()
        assert (
            not (tmp_path / "web/training/music").exists()
            and not (tmp_path / "web/training/job.json").exists()
        )
        assert (
            job.sample(state["samples"][-1]["number"])
            and job.sample(10_000) is None
            and job.sample(-1) is None
        )
        end()
        count = len(told)
        job.clear()
        assert (
            job.state["phase"] == "idle"
            and len(told) == count
            and "mine" in Home(tmp_path).stations()
        )
    finally:
        job.close()


@pytest.mark.slow
def test_a_process_outlives_no_server_and_loses_no_step(tmp_path: Path) -> None:
    """The process is niced; closing its input stops it with a checkpoint, from which it resumes."""
    job = job_of(tmp_path, steps=100_000)
    try:
        until(lambda: job.state["progress"].get("phase") == "vae" and job.state["progress"]["done"])
        process = job._process
        assert process is not None and os.getpriority(os.PRIO_PROCESS, process.pid) >= 10
        with pytest.raises(TrainError, match="running"):
            job.clear()
        with pytest.raises(TrainError, match="already"):
            job.begin("other")
        job.close()
        assert process.returncode == 130 and job.state["phase"] == "stopped"
        with np.load(tmp_path / "stations/mine/training.npz") as checkpoint:
            assert len(checkpoint.files) > 3
        again = TrainJob(Home(tmp_path))
        try:
            until(
                lambda: (
                    again.state["progress"].get("phase") == "vae"
                    and again.state["progress"]["done"]
                )
            )
            assert any(
                "resuming the training where it was stopped" in line
                for line in again.state["lines"]
            )
            again.stop()
            until(lambda: again.state["phase"] == "stopped")
            with pytest.raises(TrainError, match="no training is running"):
                again.stop()
            again.resume()
            assert again.state["phase"] == "training"
        finally:
            again.close()
    finally:
        job.close()


def test_what_fails_says_so_and_is_not_tried_for_ever(tmp_path: Path) -> None:
    job = job_of(tmp_path, steps=5, goes_on=False)
    # what was stopped is not begun again
    assert job.state["phase"] == "stopped" and job._process is None
    for path in (tmp_path / "web/training/music").iterdir():
        path.write_bytes(b"this was music once")
    try:
        job.resume()
        until(lambda: job.state["phase"] == "failed")
        assert (
            "no audio in it that can be read" in job.state["trouble"]
            and "\n" not in job.state["trouble"]
        )
        assert any(line.startswith("song 0: ") for line in job.state["lines"]), job.state["lines"]
        assert str(tmp_path) not in job.state["trouble"]
    finally:
        job.close()
    again = TrainJob(Home(tmp_path))
    assert again.state["phase"] == "stopped" and again._process is None
    again.clear()
    assert again.state["phase"] == "idle" and not (tmp_path / "web/training").exists()
    again.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"station": "../../x", "goes_on": true, "files": [], "beats": 16}',
        b'{"station": "mine"}',
    ],
)
def test_what_another_server_left_is_looked_at(tmp_path: Path, content: bytes) -> None:
    music(tmp_path / "web/training/music")
    (tmp_path / "web/training/job.json").write_bytes(content)
    job = TrainJob(Home(tmp_path))
    assert (
        job.state["phase"] == "idle"
        and not (tmp_path / "web/training").exists()
        and job._process is None
    )
    job.close()


def test_two_servers_of_one_home_train_once(tmp_path: Path) -> None:
    first = TrainJob(Home(tmp_path))
    (tmp_path / "web/uploads").mkdir()
    (tmp_path / "web/uploads/000.wav").write_bytes(b"what is coming to the first")
    second = TrainJob(Home(tmp_path))
    try:
        assert second.state["trouble"] == "another server uses this home; train on its page"
        for ask in (lambda: second.begin("mine"), second.clear):
            with pytest.raises(TrainError, match="another server"):
                ask()
        with pytest.raises(TrainError):
            second.resume()
        assert (tmp_path / "web/uploads/000.wav").exists()
    finally:
        second.close()
        first.close()
    third = TrainJob(Home(tmp_path))
    assert third.state["trouble"] == "" and not (tmp_path / "web/uploads").exists()
    third.close()


def test_share_rate_and_time_left() -> None:
    now = [0.0]
    state = TrainingState(lambda: now[0])
    state.take({"phase": "prepare", "done": 1, "of": 2})
    assert state.progress["share"] == 0.0 and state.progress["left"] is None
    for done in range(1, 1001):
        now[0] += 0.1
        state.take({"phase": "vae", "done": done, "of": 2000, "loss": 1 / done})
    assert state.progress["rate"] == 10.0 and state.progress["share"] == 0.45
    # as long again, and a tenth of the whole for the critic
    assert state.progress["left"] == pytest.approx(100 + 22, rel=0.01)
    assert LOSSES // 2 <= len(state.losses) <= LOSSES and state.losses == sorted(
        state.losses, reverse=True
    )
    state.take({"phase": "gan", "done": 50, "of": 100, "loss": 3.0})
    assert state.progress["share"] == 0.95 and state.losses == [3.0]
    state.take({"phase": "gan", "note": "two\nlines"})
    assert state.lines == ["two lines"] and state.skipped == []
    state.take({"phase": "prepare", "skip": "song 0: too short"})
    assert state.skipped == ["song 0: too short"]
    state.take({"trained": "mine"})
    assert state.progress["share"] == 1.0 and state.trained == "mine"
