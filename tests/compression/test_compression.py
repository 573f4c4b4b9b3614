"""Compression by autoencoding: lengths, quality, and Python 3.14's package of the same name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from compression.compression import (
    COMPRESSION_1_INFO,
    GAINS,
    CompressionInfo,
    compress,
    decompress,
    train_compressor,
)
from compression.training import Lesson
from neural_networks.autoencoder.residual import ResidualAutoEncoder
from neural_networks.training.batches import Piece

ROOT = Path(__file__).parents[2]
OWNERS_EXAMPLE = """```python
import audio_parsing.audio_parsing as audio
from compression.compression import (
    train_compressor,
    COMPRESSION_1_INFO,
    compress,
    decompress
)

AMPLITUDE_SCALE = 1
NUM_AMPLITUDES = 15
NUM_FILES = 5

sounds, names = audio.get_raw_data(NUM_FILES, NUM_AMPLITUDES, AMPLITUDE_SCALE)


# This is just a way to test the sound data
song = audio.play_random_sound(sounds, names, AMPLITUDE_SCALE)

train_compressor(sounds, COMPRESSION_1_INFO, 10000)

compressed, ae1 = compress(song, COMPRESSION_1_INFO)
print(f"Current Size of Song: {len(compressed)}")

decompressed = decompress(ae1, compressed, COMPRESSION_1_INFO)
print(f"Current Size of Song: {len(decompressed)}")

audio.play_audio(decompressed, AMPLITUDE_SCALE)

audio.plot_audio_comparison(song, decompressed)
```"""


def smooth_noise(count: int, seed: int, scale: float = 1.0) -> np.ndarray:
    """Sound (count, 1) float32 whose chunks have structure: noise through a low-pass."""
    noise = np.random.default_rng(seed).normal(size=count + 50)
    sound = np.convolve(noise, np.hanning(51), "valid")
    return (scale * sound / sound.std()).astype(np.float32)[:, None]


@pytest.fixture(scope="module")
def trained() -> CompressionInfo:
    info = CompressionInfo(100, 60, hidden=(32,))
    train_compressor(
        [smooth_noise(30_000, 1, 5.0), smooth_noise(20_050, 2, 5.0)], info, 20, print_epochs=False
    )
    return info


def test_the_owners_sizes() -> None:
    assert (COMPRESSION_1_INFO.chunk_size, COMPRESSION_1_INFO.code_size) == (100, 60)


def test_the_example_in_the_documentation_is_the_original() -> None:
    text = (ROOT / "docs" / "original_programs.md").read_text(encoding="utf-8")
    assert OWNERS_EXAMPLE in text


@given(length=st.integers(0, 350), flat=st.booleans())
def test_no_tail_is_dropped_and_none_is_added(
    trained: CompressionInfo, length: int, flat: bool
) -> None:
    song = smooth_noise(length + 10, 3, 5.0)[:length]
    codes, autoencoder = compress(song.ravel() if flat else song, trained)
    assert codes.shape == (-(-length // 100) * 60,)
    back = decompress(autoencoder, codes, trained)
    assert back.shape == (length, 1)
    assert back.dtype == np.float32


def test_music_it_was_not_trained_on_comes_back(trained: CompressionInfo) -> None:
    song = smooth_noise(9_999, 4, 5.0)
    codes, autoencoder = compress(song, trained)
    back = decompress(autoencoder, codes, trained)
    assert 10 * np.log10(np.sum(song**2) / np.sum((song - back) ** 2)) > 20  # dB


def chirp(count: int, seed: int) -> np.ndarray:
    """Sound (count,) that principal components can't model: a gliding tone, 3 numbers a chunk."""
    rng = np.random.default_rng(seed)
    time = np.arange(count) / 22050
    frequency = 1500 * 2 ** np.sin(rng.uniform(3, 9) * time + rng.uniform(0, 6))
    return np.sin(2 * np.pi * np.cumsum(frequency) / 22050).astype(np.float32)


def test_the_network_beats_the_principal_components_and_never_loses_to_them() -> None:
    info = CompressionInfo(100, 16, hidden=(64, 64))
    train_compressor([chirp(60_000, seed) for seed in range(6)], info, 12, print_epochs=False)
    assert info.autoencoder is not None
    noise = np.random.default_rng(9).normal(size=9_999)
    for song, least in (
        (chirp(40_000, 9), 0.3),
        (smooth_noise(40_000, 9)[:, 0], -1e-4),
        (noise, -1e-4),
    ):
        codes, autoencoder = compress(song, info)
        error = np.sum((decompress(autoencoder, codes, info)[:, 0] - song) ** 2)
        linear = (
            np.pad(song, (0, -len(song) % 100)).reshape(-1, 100) @ info.autoencoder.basis[:, 16:]
        )
        assert 10 * np.log10(np.sum(linear**2) / error) > least
        assert set(np.unique(autoencoder.gains)) <= set(GAINS)


def test_twice_as_loud_is_twice_as_loud(trained: CompressionInfo) -> None:
    song = smooth_noise(3_000, 8, 0.25)
    soft, loud = (
        decompress(own, codes, trained)
        for codes, own in (compress(song, trained), compress(1024 * song, trained))
    )
    np.testing.assert_allclose(loud, 1024 * soft, rtol=1e-3, atol=1024 * 1e-4)


def test_silence_stays_silent(trained: CompressionInfo) -> None:
    codes, autoencoder = compress(np.zeros(777), trained)
    np.testing.assert_array_equal(decompress(autoencoder, codes, trained), np.zeros((777, 1)))


def test_a_songs_autoencoder_outlives_the_next_training() -> None:
    info = CompressionInfo(100, 60)
    song = smooth_noise(2_000, 5)
    train_compressor([song], info, 10, print_epochs=False)
    codes, autoencoder = compress(song, info)
    before = decompress(autoencoder, codes, info)
    train_compressor([7 * song], info, 5, print_epochs=False)
    np.testing.assert_array_equal(decompress(autoencoder, codes, info), before)


def test_training_ends_early_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    info = CompressionInfo(100, 60, patience=20)
    losses = train_compressor([smooth_noise(15, 6)], info, 10_000).losses
    assert len(losses) < 10_000
    assert "training ends" in capsys.readouterr().out.splitlines()[-1]


def test_chunks_that_are_kept_apart_are_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    learned: set[int] = set()
    tested: set[int] = set()
    loss, test_loss = Lesson.loss, Lesson.test_loss

    def told_loss(self: Lesson, module: ResidualAutoEncoder, batch: Piece) -> float:
        learned.update(batch.indices.tolist())
        return loss(self, module, batch)

    def told_test_loss(self: Lesson, module: ResidualAutoEncoder, indices: np.ndarray) -> float:
        tested.update(indices.tolist())
        return test_loss(self, module, indices)

    monkeypatch.setattr(Lesson, "loss", told_loss)
    monkeypatch.setattr(Lesson, "test_loss", told_test_loss)
    info = CompressionInfo(100, 60, hidden=(8,))
    history = train_compressor(
        [smooth_noise(4_050, 9)], info, 2, print_epochs=False, test_share=0.2
    )
    assert len(tested) == 8 and len(history.test_losses) and learned == set(range(41)) - tested


def test_same_training_same_codes() -> None:
    song = smooth_noise(1_000, 7)
    infos = [CompressionInfo(100, 60) for _ in range(2)]
    for info in infos:
        train_compressor([song], info, 20, print_epochs=False)
    np.testing.assert_array_equal(compress(song, infos[0])[0], compress(song, infos[1])[0])


def test_misuse_is_told() -> None:
    info = CompressionInfo(100, 60)
    with pytest.raises(ValueError, match="train_compressor"):
        compress(smooth_noise(15, 0), info)
    with pytest.raises(ValueError, match="no samples"):
        train_compressor([], info, 10)
    with pytest.raises(ValueError, match="not finite numbers"):
        train_compressor([np.array([[np.nan]])], info, 10)
    with pytest.raises(ValueError, match=r"not \(4, 2\)"):
        train_compressor([np.zeros((4, 2))], info, 10)
    with pytest.raises(ValueError, match="max_epochs"):
        train_compressor([smooth_noise(15, 0)], info, 0)
    assert info.autoencoder is None
    train_compressor([smooth_noise(15, 0)], info, 1, print_epochs=False)
    codes, autoencoder = compress(smooth_noise(15, 0), info)
    with pytest.raises(ValueError, match="has 60 codes, not 59"):
        decompress(autoencoder, codes[1:], info)


@pytest.fixture
def standard_library(tmp_path: Path) -> Path:
    """A folder that imitates Python 3.14's standard library, with a package named compression."""
    package = tmp_path / "standard" / "compression"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "_common.py").write_text("NAME = 'the standard library'\n")
    return package.parent


def run(code: str, *path: Path) -> str:
    """Run code with these folders before all others; return what it printed."""
    # An editable installation finds our modules by itself, which hides what is tested here.
    meta = "[each for each in sys.meta_path if 'editable' not in repr(each).lower()]"
    code = f"import sys\nsys.meta_path[:] = {meta}\n{code}"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=path[0].anchor,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("first", ["audio_parsing", "radio"])
def test_where_the_standard_librarys_package_is_found_first(
    standard_library: Path, first: str
) -> None:
    code = f"import {first}, gzip\nfrom compression._common import NAME\n"
    code += "from compression.compression import compress\nprint(NAME)"
    assert run(code, standard_library, ROOT) == "the standard library"


def test_where_ours_is_found_first(standard_library: Path) -> None:
    code = f"import os\nos.__file__ = {str(standard_library / 'os.py')!r}\n"
    code += "from compression._common import NAME\n"
    code += "from compression.compression import compress\nprint(NAME)"
    assert run(code, ROOT, standard_library) == "the standard library"


def test_the_standard_librarys_package_alone_does_not_know_ours(standard_library: Path) -> None:
    # The stand-in really hides our package: without the import of ours this fails.
    with pytest.raises(AssertionError, match="No module named 'compression.compression'"):
        run("import compression.compression", standard_library, ROOT)


def test_nothing_else_is_called_compression() -> None:
    folders = [
        ROOT,
        *(
            ROOT / name
            for name in (
                "audio_parsing",
                "neural_networks",
                "gan",
                "radio",
                "examples",
                "benchmarks",
                "tests/support",
            )
        ),
    ]
    found = [
        path
        for folder in folders
        for path in folder.glob("compression*")
        if path.stem == "compression"
    ]
    assert found == [ROOT / "compression"]
