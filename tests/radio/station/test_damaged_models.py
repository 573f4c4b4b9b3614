"""A model's file damaged anywhere is refused in one line, or is the very same model.

A thousand flips and cuts of a station, spread evenly over the file; `python -m pytest -m slow
tests/radio/station/test_damaged_models.py` makes 20,000 of the station that ships, and as many
where bytes are changed and the checksum over them put right again, as somebody of ill will would.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_station import remembering, tiny_station

from neural_networks.training.checkpoint import CheckpointError, load_arrays, save_arrays
from radio.home import SHIPPED, STARTER
from radio.station import STATION_FILE, Form, Station, StationError


def damaged(content: bytes, count: int, rng: np.random.Generator) -> Iterator[bytes]:
    """Yield copies with one to three bits flipped, or cut off, spread over the whole file."""
    edges = np.linspace(0, len(content), count + 1).astype(int)
    for index, (start, stop) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        place = int(rng.integers(start, max(stop, start + 1)))
        copy = bytearray(content)
        if index % 2:
            del copy[place:]
        else:
            for _ in range(rng.integers(1, 4)):
                copy[min(place, len(copy) - 1)] ^= 1 << int(rng.integers(8))
                place = int(rng.integers(len(copy)))
        yield bytes(copy)


def resealed(path: Path, rng: np.random.Generator) -> bytes:
    """Return a file whose entries have some bytes changed, with correct checksums."""
    target = path.with_suffix(".resealed")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w") as copy:
        names = archive.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            data = bytearray(archive.read(name))
            if name == chosen:
                for _ in range(rng.integers(1, 4)):
                    # Half the time near the beginning, where an array says what it is.
                    reach = min(len(data), 128) if rng.random() < 0.5 else len(data)
                    data[int(rng.integers(reach))] = int(rng.integers(256))
            copy.writestr(name, bytes(data))
    return target.read_bytes()


def same(one: Station, other: Station) -> bool:
    arrays = [
        [
            *(p.value for p in s.model.module.parameters()),
            *(p.value for p in s.critic.parameters()),
            s.means,
            s.log_variances,
            s.coordinates,
        ]
        for s in (one, other)
    ]
    equal = all(a.tobytes() == b.tobytes() for a, b in zip(*arrays, strict=True))
    return equal and (one.grid, one.beats, one.details) == (other.grid, other.beats, other.details)


def try_all(folder: Path, copies: Iterator[bytes], sound: Station, *, must_be_same: bool) -> int:
    """Load every copy; return how many were refused."""
    refused = 0
    for content in copies:
        (folder / STATION_FILE).write_bytes(content)
        try:
            station = Station.load(folder)
        except StationError as error:
            refused += 1
            assert len(str(error).splitlines()) == 1 and folder.name in str(error)
        else:
            # What was not refused is the same station, or with a checksum of its own at least one
            # that can make songs.
            assert same(station, sound) or not must_be_same
            if not must_be_same:
                songs = station.generate(station.sample(1, np.random.default_rng(0)))
                assert songs.ndim == 3 and songs.shape[2] == 202
    return refused


def test_a_thousand_flips_and_cuts_of_a_station(tmp_path: Path) -> None:
    tiny_station().save(tmp_path / "s")
    sound = Station.load(tmp_path / "s")
    content = (tmp_path / "s" / STATION_FILE).read_bytes()
    assert (
        try_all(
            tmp_path / "s",
            damaged(content, 1000, np.random.default_rng(0)),
            sound,
            must_be_same=True,
        )
        > 900
    )


def test_bytes_changed_under_checksums_that_are_right(tmp_path: Path) -> None:
    tiny_station().save(tmp_path / "s")
    sound, whole = Station.load(tmp_path / "s"), tmp_path / "whole.npz"
    whole.write_bytes((tmp_path / "s" / STATION_FILE).read_bytes())
    rng = np.random.default_rng(1)
    refused = try_all(
        tmp_path / "s", (resealed(whole, rng) for _ in range(60)), sound, must_be_same=False
    )
    assert 5 < refused < 60


def scalar(array: np.ndarray) -> np.ndarray:
    return array.ravel()[:1]


def huge(array: np.ndarray) -> np.ndarray:
    return np.full_like(array, 1e30)


def negative(array: np.ndarray) -> np.ndarray:
    return -array  # of many numbers, which NumPy writes on several lines


def imaginary(array: np.ndarray) -> np.ndarray:
    return array.astype(np.complex64)


FORGED: list[tuple[str, Callable[[np.ndarray], np.ndarray]]] = [
    ("learned_forms", scalar),
    ("learned_forms", np.transpose),
    ("learned_z", huge),
    ("vae", huge),
    ("critic_embed_left", huge),
    ("means", huge),
    ("coordinates", huge),
    ("components_deviations", negative),
    ("components_mean", imaginary),
    ("means", imaginary),
]


@pytest.mark.filterwarnings("error")
def test_what_no_station_holds_is_refused_in_one_line(tmp_path: Path) -> None:
    forms = [Form(32, (0, 0, 1, 0))]
    remembering(tiny_station(), forms=forms).save(tmp_path / "s")
    arrays, configuration = load_arrays(tmp_path / "s" / STATION_FILE)
    for name, forged in FORGED:
        changed = arrays | {name: forged(arrays[name])}
        save_arrays(tmp_path / "s" / STATION_FILE, changed, configuration)
        with pytest.raises(StationError, match="damaged") as caught:
            Station.load(tmp_path / "s")
        assert str(caught.value).isprintable()


def test_a_codec_model_damaged_anywhere_is_refused_or_the_same(tmp_path: Path) -> None:
    path = next((Path(__file__).parents[3] / "compression" / "models").glob("*.npz"))
    whole, configuration = load_arrays(path)
    refused = 0
    for content in damaged(path.read_bytes(), 200, np.random.default_rng(2)):
        (tmp_path / "m.npz").write_bytes(content)
        try:
            arrays, found = load_arrays(tmp_path / "m.npz")
        except CheckpointError as error:
            refused += 1
            assert "\n" not in str(error)
        else:
            assert found == configuration and all(
                arrays[name].tobytes() == array.tobytes() for name, array in whole.items()
            )
    assert refused > 150


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_thousand_of_the_station_that_ships(tmp_path: Path) -> None:
    sound, whole = Station.load(SHIPPED / STARTER), SHIPPED / STARTER / STATION_FILE
    (tmp_path / STARTER).mkdir()
    copies = damaged(whole.read_bytes(), 20_000, np.random.default_rng(3))
    print("refused", try_all(tmp_path / STARTER, copies, sound, must_be_same=True), "of 20,000")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_with_checksums_that_are_right(tmp_path: Path) -> None:
    tiny_station().save(tmp_path / "s")
    sound, whole = Station.load(tmp_path / "s"), tmp_path / "whole.npz"
    whole.write_bytes((tmp_path / "s" / STATION_FILE).read_bytes())
    rng = np.random.default_rng(4)
    refused = try_all(
        tmp_path / "s", (resealed(whole, rng) for _ in range(10_000)), sound, must_be_same=False
    )
    print("refused", refused, "of 10,000")
