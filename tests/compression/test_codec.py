"""The codec: folding, range coder, blocks, and cut, corrupted, foreign or malicious files."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, strategies as st

from audio_parsing.opening import AudioError
from compression import range_coder
from compression.codec import LOUDEST, QUALITIES, Block, Decoder, Encoder, block_chunks
from compression.container import MAGIC, CompressedFileError, Header, Reader, Writer
from compression.files import compress_file, decompress_file
from compression.lapped import Folding, frequencies, samples
from compression.restoring import Restorer, shipped
from neural_networks.training.checkpoint import CheckpointError, save_arrays


def music(count: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Sound (count, channels): tones that decay, a little noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(count)[:, None] / 22050
    tones = np.zeros((count, channels))
    for pitch in (220, 331, 554):
        tones += (
            0.2
            * np.sin(2 * np.pi * pitch * time + rng.uniform(0, 6, channels))
            * np.exp(-((2 * time + pitch / 300) % 1) * 3)
        )
    return (tones + 0.002 * rng.normal(size=(count, channels))).astype(np.float32)


def ratio(sound: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(sound**2) / np.sum((sound - other) ** 2)))


def coded(
    sound: np.ndarray, quality: int, *, piece: int = 70_001, network: bool = True
) -> tuple[list[Block], np.ndarray]:
    encoder = Encoder(sound.shape[1], quality)
    blocks = [
        block
        for start in range(0, len(sound), piece)
        for block in encoder.push(sound[start : start + piece])
    ]
    blocks = [block for block in [*blocks, *encoder.finish()] if block.chunks]
    decoder = Decoder(sound.shape[1], shipped() if network else None)
    return blocks, np.concatenate([*(decoder.push(block) for block in blocks), decoder.finish()])


@given(lengths=st.lists(st.integers(1, 4), min_size=1, max_size=5), channels=st.integers(1, 3))
def test_folding_comes_back_however_it_is_cut(lengths: list[int], channels: int) -> None:
    chunks = np.random.default_rng(0).normal(size=(channels, sum(lengths), 8)).astype(np.float32)
    there, back = Folding(+1), Folding(-1)
    folded, unfolded = [], []
    for part in np.split(chunks, np.cumsum(lengths)[:-1], axis=1):
        folded.append(there.push(part))
    last = there.finish()
    assert last is not None
    together = np.concatenate([*folded, last], axis=1)
    whole = Folding(+1)
    np.testing.assert_array_equal(together[:, :-1], whole.push(chunks))
    assert np.sum(frequencies(together) ** 2) == pytest.approx(np.sum(chunks**2), rel=1e-5)
    for part in np.split(together, np.cumsum(lengths)[:-1], axis=1):
        unfolded.append(back.push(samples(frequencies(part))))
    rest = back.finish()
    assert rest is not None
    np.testing.assert_allclose(np.concatenate([*unfolded, rest], axis=1), chunks, atol=1e-5)


def test_the_fold_is_the_modified_discrete_cosine_transform() -> None:  # with time turned round
    size, sound = 16, np.random.default_rng(0).normal(size=48).astype(np.float32)
    middle = frequencies(Folding(+1).push(sound.reshape(1, 3, size)))[0, 1]
    n, k = np.arange(2 * size)[:, None], np.arange(size)
    window = np.sin(np.pi / (2 * size) * (n + 0.5))
    basis = np.sqrt(2 / size) * window * np.cos(np.pi / size * (n + 0.5 - size / 2) * (k + 0.5))
    np.testing.assert_allclose(np.abs(middle), np.abs(sound[8:40] @ basis), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 5), (1, 0, 4), (3, 40, 33), (1, 2, 512)])
@pytest.mark.parametrize("scale", [0.0, 0.1, 2, 40, 1e5, 1e9])
def test_levels_come_back(
    shape: tuple[int, int, int], scale: float, rng: np.random.Generator
) -> None:
    levels = np.clip(
        np.round(scale * rng.laplace(size=shape)), -range_coder.LARGEST, range_coder.LARGEST
    ).astype(np.int32)
    data = range_coder.encode(levels)
    np.testing.assert_array_equal(range_coder.decode(data, shape), levels)
    if scale == 0:
        assert len(data) < 20


def test_the_range_coder_comes_near_the_entropy(rng: np.random.Generator) -> None:
    levels = np.round(0.8 * rng.laplace(size=(1, 200, 512))).astype(np.int32)
    _, counts = np.unique(levels, return_counts=True)
    entropy = float(-np.sum(counts * np.log2(counts / levels.size))) / 8
    assert len(range_coder.encode(levels)) < 1.02 * entropy


def test_random_bytes_give_some_levels(rng: np.random.Generator) -> None:
    for length in (0, 1, 7, 300):
        for byte in (None, 0, 255):
            data = (
                rng.integers(0, 256, length, np.uint8).tobytes()
                if byte is None
                else bytes([byte]) * length
            )
            assert np.abs(range_coder.decode(data, (2, 3, 64))).max() <= range_coder.LARGEST


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("length", [0, 1, 511, 512, 513, 131_072, 200_001])
def test_any_length_and_channels(length: int, channels: int) -> None:
    sound = music(length, channels)
    if not length:
        assert Encoder(channels).finish() == []
        return
    blocks, back = coded(sound, 5)
    assert len(back) == -(-length // 512) * 512
    assert max(block.chunks for block in blocks) <= block_chunks(channels)
    assert ratio(sound, back[:length]) > 33


def test_qualities_go_up_and_the_network_helps() -> None:
    sound = music(200_000, 1, seed=1)
    sizes, ratios = [], []
    for quality in QUALITIES:
        blocks, back = coded(sound, quality)
        _, middles = coded(sound, quality, network=False)
        sizes.append(sum(len(block.payload) for block in blocks))
        ratios.append(ratio(sound, back[: len(sound)]))
        assert ratios[-1] > ratio(sound, middles[: len(sound)])
    assert sizes == sorted(sizes) and ratios == sorted(ratios)
    assert sizes[2] < sound.size * 2 / 15


def test_quiet_music_is_treated_as_loud_music_and_silence_costs_nothing() -> None:
    sound = music(60_000)
    loud, quiet = (coded(factor * sound, 3) for factor in (1.0, 2.0**-6))
    np.testing.assert_allclose(quiet[1] * 64, loud[1], atol=1e-4)
    blocks, back = coded(np.zeros((60_000, 2), np.float32), 5)
    assert not back.any() and sum(len(block.payload) for block in blocks) < 100


def test_two_channels_that_are_alike_cost_little_more_than_one() -> None:
    sound = music(100_000)
    one, two = (
        sum(len(block.payload) for block in coded(each, 3)[0])
        for each in (sound, np.repeat(sound, 2, axis=1))
    )
    # the middle is louder by 3 dB, half a bit for each coefficient that counts
    assert two < 1.35 * one


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, "not finite numbers"),
        (np.inf, "not finite numbers"),
        (2 * LOUDEST, "louder than full scale"),
    ],
)
def test_what_is_no_sound(value: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Encoder(1).push(np.full((3, 1), value, np.float32))
    with pytest.raises(ValueError, match="not 6"):
        Encoder(1, 6)


def test_a_loud_click_comes_back() -> None:
    sound = np.zeros((5000, 1), np.float32)
    sound[2500] = LOUDEST
    back = coded(sound, 5)[1]
    assert back[2500, 0] == pytest.approx(LOUDEST, rel=0.05)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compressed file of three blocks, stereo at an odd rate."""
    folder = tmp_path_factory.mktemp("file")
    soundfile.write(folder / "song.wav", music(140_000, 2), 12_345)
    facts = compress_file(folder / "song.wav", folder / "song.air", quality=1)
    assert facts == (140_000, 12_345, 2, 1, (folder / "song.air").stat().st_size)
    return folder / "song.air"


def read_all(data: bytes) -> None:
    reader = Reader(io.BytesIO(data))
    list(reader.blocks())


def test_a_file_comes_back(file: Path, tmp_path: Path) -> None:
    for ending in (".wav", ".flac"):
        facts = decompress_file(file, tmp_path / "song", ending=ending)
        back, rate = soundfile.read(tmp_path / "song", dtype="float32")
        assert (rate, back.shape) == (12_345, (140_000, 2)) and facts.samples == 140_000
        assert ratio(music(140_000, 2), back) > 12


def test_more_than_was_allowed_is_not_written(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.wav"
    facts = decompress_file(file, target)
    size = 2 * facts.samples * facts.channels
    target.unlink()
    with pytest.raises(CompressedFileError, match=r"would become 0\.0 GB; --large allows it"):
        decompress_file(file, target, most=size - 1)
    assert not target.exists()
    assert decompress_file(file, target, most=size) == facts


def test_every_flip_is_found(file: Path) -> None:
    data = file.read_bytes()
    read_all(data)
    for place in range(len(data)):  # each byte, each time another bit
        damaged = bytearray(data)
        damaged[place] ^= 1 << (place % 8)
        with pytest.raises(CompressedFileError):
            read_all(bytes(damaged))


def test_every_cut_is_found(file: Path) -> None:
    data = file.read_bytes()
    for length in range(len(data)):
        with pytest.raises(CompressedFileError):
            read_all(data[:length])


def test_what_is_added_swapped_or_left_out_is_found(file: Path) -> None:
    data = file.read_bytes()
    starts, place = [], 23
    while (count := struct.unpack_from("<H", data, place)[0]) > 0:
        starts.append(place)
        place += 8 + struct.unpack_from("<I", data, place + 4)[0] + 4
        assert count <= 256
    first, second = (
        data[starts[0] : starts[1]],
        data[starts[1] : starts[2] if len(starts) > 2 else place],
    )
    head, tail = data[: starts[0]], data[starts[0] + len(first) + len(second) :]
    for wrong in (
        data + b"\0",
        data + data,
        head + second + first + tail,
        head + second + tail,
        head + first + tail,
        head + data[place:],
    ):
        with pytest.raises(CompressedFileError):
            read_all(wrong)


def forged(*parts: bytes) -> bytes:
    """Parts with right checksums."""
    data, check = b"", 0
    for part in parts:
        check = zlib.crc32(part, check)
        data += part + struct.pack("<I", check)
    return data


def header(version: int = 1, channels: int = 1, rate: int = 8000) -> bytes:
    return MAGIC + struct.pack("<BBBI4s", version, 3, channels, rate, shipped().fingerprint())


def test_forged_files_are_refused() -> None:
    end = struct.pack("<HQ", 0, 0)
    read_all(forged(header(), end))
    block = struct.pack("<HBBI", 1, 0, 255, 3) + b"abc"
    cases = {
        "newer version": forged(header(version=2), end),
        "0 channels": forged(header(channels=0), end),
        "at 0 Hz": forged(header(rate=0), end),
        "4000000000 Hz": forged(header(rate=4_000_000_000), end),
        "don't fit": forged(header(), block, struct.pack("<HQ", 0, 513)),
        "don.t fit": forged(header(), struct.pack("<HQ", 0, 1 << 63)),
        "damaged in block 1": forged(header(), struct.pack("<HBBI", 513, 0, 0, 0), end),
        "is cut off or damaged": forged(header(), struct.pack("<HBBI", 1, 0, 0, 0xFFFFFFFF), end),
        "not an AI Radio .air file": b"RIFF" + bytes(100),
        "no compressed sound: it ends": b"",
    }
    for words, data in cases.items():
        with pytest.raises(CompressedFileError, match=words):
            read_all(data)


def test_a_forged_payload_gives_noise_not_a_crash(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for flags, step in ((0, 255), (1, 255), (1, 0)):
        payload = rng.integers(0, 256, 500, np.uint8).tobytes()
        block = struct.pack("<HBBI", 2, flags, step, len(payload)) + payload
        (tmp_path / "a.air").write_bytes(
            forged(header(channels=2), block, struct.pack("<HQ", 0, 1000))
        )
        decompress_file(tmp_path / "a.air", tmp_path / "a.wav")
        back, _ = soundfile.read(tmp_path / "a.wav")
        assert back.shape == (1000, 2) and np.isfinite(back).all()


@pytest.mark.parametrize(("channels", "flags"), [(1, 1), (3, 1), (2, 2), (2, 255), (1, 128)])
def test_a_mode_that_no_such_sound_has_is_refused(
    tmp_path: Path, channels: int, flags: int
) -> None:
    payload = bytes(500)
    block = struct.pack("<HBBI", 2, flags, 100, len(payload)) + payload
    end = struct.pack("<HQ", 0, 1000)
    (tmp_path / "a.air").write_bytes(forged(header(channels=channels), block, end))
    with pytest.raises(CompressedFileError, match="damaged in block 1"):
        decompress_file(tmp_path / "a.air", tmp_path / "a.wav")
    assert not (tmp_path / "a.wav").exists()


def test_another_versions_network_is_told(file: Path, tmp_path: Path) -> None:
    data = MAGIC + struct.pack("<BBBI4s", 1, 3, 1, 8000, b"else")
    (tmp_path / "a.air").write_bytes(forged(data, struct.pack("<HQ", 0, 0)))
    with pytest.raises(CompressedFileError, match="network of another version"):
        decompress_file(tmp_path / "a.air", tmp_path / "a.wav")


def test_the_writer_refuses_what_the_file_cannot_say() -> None:
    for channels, rate in ((0, 8000), (256, 8000), (1, 0), (1, 1_000_000)):
        with pytest.raises(ValueError, match=f"{channels} channels at {rate} Hz"):
            Writer(io.BytesIO(), Header(3, channels, rate, b"abcd"))


def test_sound_that_is_not_numbers_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0.0, np.nan]), 8000, subtype="FLOAT")
    with pytest.raises(AudioError, match="a.wav: holds samples that are not finite numbers"):
        compress_file(tmp_path / "a.wav", tmp_path / "a.air")


def test_many_channels_and_no_samples(tmp_path: Path) -> None:
    for shape in ((3000, 7), (0, 2), (1, 1)):
        sound = music(*shape)
        soundfile.write(tmp_path / "a.wav", sound, 44_100, subtype="FLOAT")
        compress_file(tmp_path / "a.wav", tmp_path / "a.air", quality=5)
        decompress_file(tmp_path / "a.air", tmp_path / "b.wav")
        assert soundfile.info(tmp_path / "b.wav").frames == shape[0]
        if shape[0] > 1:
            assert soundfile.info(tmp_path / "b.wav").channels == shape[1]


def test_a_long_file_does_not_fill_memory(tmp_path: Path) -> None:
    piece = music(44_100 * 5)
    peaks = []
    for seconds in (20, 80):
        with soundfile.SoundFile(tmp_path / "a.wav", "w", 44_100, 1) as out:
            for _ in range(seconds // 5):
                out.write(piece)
        tracemalloc.start()
        compress_file(tmp_path / "a.wav", tmp_path / "a.air", quality=1)
        decompress_file(tmp_path / "a.air", tmp_path / "b.wav")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < 40_000_000


def test_the_restorers_file(tmp_path: Path, rng: np.random.Generator) -> None:
    restorer = Restorer(rng=rng)
    restorer.save(tmp_path / "a.npz")
    again = Restorer.load(tmp_path / "a.npz")
    levels = np.round(rng.laplace(size=(2, 3, 512)) * 2).astype(np.int32)
    np.testing.assert_array_equal(again.restore(levels), restorer.restore(levels))
    assert again.fingerprint() == restorer.fingerprint() != shipped().fingerprint()
    assert not restorer.restore(levels)[levels == 0].any()
    save_arrays(tmp_path / "b.npz", {"a": np.zeros(3)}, {"kind": "restorer"})
    with pytest.raises(CheckpointError, match="does not hold a restorer"):
        Restorer.load(tmp_path / "b.npz")
