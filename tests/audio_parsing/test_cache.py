"""The cache of prepared music returns the same arrays, and survives damage to its folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from audio_parsing import cache as module
from audio_parsing.cache import Cache, digest_of
from audio_parsing.files import AudioError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "a" / "kept", "1")


def entries(cache: Cache) -> list[Path]:
    return sorted(cache.folder.glob("*.array"))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 4), (2, 0, 5)])
@pytest.mark.parametrize("kind", ["f2", "f4", "i8", ">f4"])
def test_what_is_put_comes_back(
    cache: Cache, rng: np.random.Generator, shape: tuple[int, ...], kind: str
) -> None:
    array = np.asarray(100 * rng.standard_normal(shape)).astype(kind)
    assert cache.get("song", 3) is None
    cache.put(array, "song", 3)
    back = cache.get("song", 3)
    assert back is not None and back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    back[...] = 0  # it is the caller's own
    np.testing.assert_array_equal(cache.get("song", 3), array)
    assert (
        cache.get("song", 4)
        is cache.get("song")
        is cache.get("song3")
        is cache.get("song", "3")
        is None
    )


def test_another_version_is_another_cache_in_the_same_folder(cache: Cache) -> None:
    cache.put(np.arange(3), "song")
    newer = Cache(cache.folder, "2")
    assert newer.get("song") is None
    newer.put(np.arange(4), "song")
    assert len(cache.get("song")) == 3 and len(newer.get("song")) == 4  # type: ignore[arg-type]


def test_every_damaged_byte_is_noticed(cache: Cache) -> None:
    cache.put(np.arange(20.0), "song")
    (path,) = entries(cache)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert cache.get("song") is None
        assert not path.exists()  # and is gone, so that it is worked out and kept again
    for size in (0, 1, 23, 24, 25, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert cache.get("song") is None
    path.write_bytes(whole + b"\0")
    assert cache.get("song") is None
    path.write_bytes(whole)
    assert cache.get("song") is not None
    cache.put(np.arange(3), "other")
    other = next(each for each in entries(cache) if each != path)
    os.replace(path, other)  # sound, but not what its name says
    assert cache.get("other") is None


def test_the_folder_may_be_deleted_at_any_time(cache: Cache) -> None:
    cache.put(np.arange(3), "one")
    for path in cache.folder.iterdir():
        path.unlink()
    cache.folder.rmdir()
    assert cache.get("one") is None and cache.size() == 0
    cache.put(np.arange(3), "two")
    assert cache.get("two") is not None and cache.problem is None


def test_it_stays_below_its_bound_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    cache = Cache(tmp_path, "1", most_bytes=200_000)
    (tmp_path / "notes.txt").write_text("not ours")
    for number in range(100):
        cache.put(np.full(1000, number), "song", number)  # 8 kB each
        if number >= 5:
            assert cache.get("song", 5) is not None  # asked for all the time
        for path in entries(cache):  # times of files are coarse: make them old enough to tell apart
            os.utime(path, ns=(path.stat().st_atime_ns - 10**9, path.stat().st_mtime_ns - 10**9))
        assert cache.size() <= 200_000
    assert cache.size() > 120_000
    kept = [number for number in range(100) if cache.get("song", number) is not None]
    assert kept == [5, *range(101 - len(kept), 100)]
    assert (tmp_path / "notes.txt").exists()
    cache.put(np.zeros(200_000, np.uint8), "too large")
    assert (
        cache.get("too large") is None
        and cache.get("song", 99) is not None
        and cache.problem is None
    )


def test_what_others_wrote_counts(tmp_path: Path) -> None:
    first, second = (Cache(tmp_path, "1", most_bytes=200_000) for _ in range(2))
    for number in range(60):
        first.put(np.zeros(1000), "first", number)
        second.put(np.zeros(1000), "second", number)
        assert first.size() <= 200_000 * (1 + 1 / 8)


def test_a_place_that_takes_nothing_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    cache = Cache(tmp_path / "file" / "kept", "1")
    assert cache.get("song") is None and cache.size() == 0
    cache.put(np.arange(3), "song")
    assert (
        cache.problem
        == f"{tmp_path}/file/kept: can't cache prepared music (not a directory); continuing without"
    )
    tried = []
    monkeypatch.setattr(module.Path, "mkdir", lambda *arguments, **options: tried.append(arguments))
    cache.put(np.arange(3), "song")
    assert not tried


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put(np.arange(3), "before")
    original = os.fdopen

    def full(descriptor: int, mode: str) -> object:
        os.close(descriptor)
        return original(os.open("/dev/full", os.O_WRONLY), mode)

    monkeypatch.setattr(module.os, "fdopen", full)
    cache.put(np.zeros(100_000), "song")
    assert cache.problem is not None and "no space left on device" in cache.problem
    # nothing half written stays
    assert [path.suffix for path in cache.folder.iterdir()] == [".array"]
    assert cache.get("before") is not None


def test_an_entry_appears_whole_or_not_at_all(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, bool]] = []
    original = os.replace

    def replace(source: str, target: Path) -> None:
        seen.append((os.path.getsize(source), target.exists()))
        original(source, target)

    monkeypatch.setattr(module.os, "replace", replace)
    cache.put(np.zeros(1000), "song")
    (path,) = entries(cache)
    assert seen == [(path.stat().st_size, False)]


WRITER = """
import sys, numpy as np
from audio_parsing.cache import Cache
cache, seed = Cache(sys.argv[1], "1", most_bytes=4_000_000), int(sys.argv[2])
print("ready", flush=True)
rng = np.random.default_rng(seed)
while True:
    number = int(rng.integers(30))
    cache.put(np.full(30_000, number), "song", number)
    back = cache.get("song", int(rng.integers(30)))
    assert cache.problem is None and (back is None or (back == back[0]).all())
"""


def test_two_processes_and_kill_9(tmp_path: Path) -> None:
    """Two processes write the same entries and are killed again and again: every entry is whole."""
    for round_ in range(3):
        both = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(tmp_path), str(2 * round_ + i)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
            )
            for i in range(2)
        ]
        for each in both:
            assert each.stdout is not None and each.stdout.readline() == b"ready\n"
        time.sleep(0.4)
        for each in both:
            assert each.poll() is None, "it stopped by itself"
            each.send_signal(signal.SIGKILL)
            each.wait()
            each.stdout.close()  # type: ignore[union-attr]
        cache = Cache(tmp_path, "1")
        before = len(entries(cache))
        sound = [number for number in range(30) if cache.get("song", number) is not None]
        assert before == len(sound) == len(entries(cache)) > 3
        for number in sound:
            np.testing.assert_array_equal(cache.get("song", number), np.full(30_000, number))
    # What was never finished is left alone while it may belong to someone, and goes later.
    left = tmp_path / "abandoned.part"
    left.write_bytes(bytes(1000))
    assert cache.size() >= 1000 and left.exists()
    os.utime(left, (0, 0))
    cache.size()
    assert not left.exists()


def test_digests(tmp_path: Path) -> None:
    for name, content in (
        ("a", b"x" * 3_000_000),
        ("b", b"x" * 3_000_000),
        ("c", b"x" * 2_999_999 + b"y"),
    ):
        (tmp_path / name).write_bytes(content)
    assert digest_of(tmp_path / "a") == digest_of(tmp_path / "b") != digest_of(tmp_path / "c")
    with pytest.raises(AudioError, match="no such file"):
        digest_of(tmp_path / "nowhere")
