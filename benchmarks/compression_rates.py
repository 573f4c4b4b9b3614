"""Compression against the linear optimum and other codecs, on music that was not trained on.

    python benchmarks/compression_rates.py             about 15 minutes
    python benchmarks/compression_rates.py --steps 300 --recordings 2 --songs 2 --no-picture

Four autoencoders are trained and kept in out/, the tables of docs/compression.md are printed, and
docs/compression.png is drawn.

First table: chunks of 100 samples to 8, 16, 30 and 60 values, not rounded: the autoencoder, the
principal components of the same training chunks (the linear optimum), those of the very music that
is measured (the linear optimum in hindsight), and the first values of the DCT. Second: the codec at
its qualities, and others at the same bytes. SNR is the mean over the pieces of each piece's;
log-spectral distance (audio_parsing.analysis) likewise.
"""

from __future__ import annotations

import argparse
import lzma
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import fft

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.analysis import log_spectral_distance  # noqa: E402
from benchmarks.compression_music import (  # noqa: E402
    SAMPLE_RATE,
    recordings,
    rendered,
    training_sounds,
)
from benchmarks.compression_peers import PEERS, available, plain, through_all  # noqa: E402
from compression import range_coder  # noqa: E402
from compression.codec import QUALITIES, Decoder, Encoder  # noqa: E402
from compression.compression import CompressionInfo, compress, decompress  # noqa: E402
from compression.lapped import CHUNK  # noqa: E402
from compression.restoring import shipped  # noqa: E402
from compression.training import chunks_of, train  # noqa: E402
from neural_networks.autoencoder.residual import ResidualAutoEncoder  # noqa: E402

ROOT = Path(__file__).parent.parent
CODES = (8, 16, 30, 60)
SIZE = 100
BARS = {8: 0.3, 16: 0.3, 30: 0.0, 60: 0.0}  # dB above the principal components
OVERHEAD = 23 + 14  # bytes of a file's header and end; a block has 12 besides its payload
PEER_QUALITIES = (1, 3, 5)
Pieces = dict[str, np.ndarray]


def snr(sound: np.ndarray, other: np.ndarray) -> float:
    """Return the signal-to-noise ratio in dB."""
    error = np.sum((sound.astype(np.float64) - other) ** 2)
    return float(10 * np.log10(np.sum(sound.astype(np.float64) ** 2) / max(error, 1e-20)))


def judged(pieces: Pieces, work: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return (pieces, 2): SNR and log-spectral distance of each after some work."""
    rows = []
    for sound in pieces.values():
        other = work(sound)
        rows.append(
            (snr(sound, other), log_spectral_distance(sound, other, sample_rate=SAMPLE_RATE))
        )
    return np.array(rows)


def autoencoders(steps: int) -> dict[int, ResidualAutoEncoder]:
    """Return the autoencoders, trained if they are not in out/."""
    found: dict[int, ResidualAutoEncoder] = {}
    sounds: list[np.ndarray] = []
    for code_size in CODES:
        path = ROOT / "out" / f"compression-{code_size}-{steps}.npz"
        if not path.exists():
            sounds = sounds or training_sounds(np.random.default_rng(0))
            autoencoder = ResidualAutoEncoder(SIZE, code_size, rng=np.random.default_rng(0))
            start = time.monotonic()
            stopping = [song[: 20 * SAMPLE_RATE] for song in rendered("stopping")]
            share = train(
                autoencoder,
                sounds,
                stopping,
                steps,
                progress=lambda step, share: print(f"    {step} {share:.3f}", flush=True),
            )
            seconds = time.monotonic() - start
            print(
                f"{code_size} values: {-10 * np.log10(share):+.2f} dB on the tunes for stopping, "
                f"{seconds:.0f} s",
                flush=True,
            )
            path.parent.mkdir(exist_ok=True)
            autoencoder.save(path)
        found[code_size] = ResidualAutoEncoder.load(path)
    return found


def linear(basis: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what projects a sound's chunks on the columns of a basis (100, L)."""
    return lambda sound: (chunks_of(sound, SIZE) @ basis @ basis.T).ravel()[: len(sound)]


def by_autoencoder(autoencoder: ResidualAutoEncoder) -> Callable[[np.ndarray], np.ndarray]:
    """Return what compresses a sound to codes and gives it back."""
    info = CompressionInfo(SIZE, autoencoder.code_size, autoencoder=autoencoder)

    def work(sound: np.ndarray) -> np.ndarray:
        codes, own = compress(sound, info)
        return decompress(own, codes, info)[:, 0]

    return work


def codes_table(
    pieces: Pieces, networks: dict[int, ResidualAutoEncoder]
) -> tuple[list[str], dict[str, list[float]], bool]:
    """Return the first table's rows, the SNRs for the picture, and whether the bars are met."""
    everything = np.concatenate([chunks_of(sound, SIZE) for sound in pieces.values()]).astype(
        np.float64
    )
    hindsight = np.linalg.eigh(everything.T @ everything)[1][:, ::-1].astype(np.float32)
    cosines = fft.dct(np.eye(SIZE), norm="ortho", axis=1).astype(np.float32)
    rows, passed = [], True
    curves: dict[str, list[float]] = {
        name: [] for name in ("autoencoder", "PCA", "PCA in hindsight", "DCT")
    }
    for size, network in networks.items():
        ours = judged(pieces, by_autoencoder(network))
        pca = judged(pieces, linear(network.basis[:, :size]))
        others = [judged(pieces, linear(basis[:, :size])) for basis in (hindsight, cosines)]
        gains = ours[:, 0] - pca[:, 0]
        passed &= bool(gains.mean() >= BARS[size] and gains.min() >= -1e-3)
        means = [each.mean(axis=0) for each in (ours, pca, *others)]
        for curve, value in zip(curves.values(), means, strict=True):
            curve.append(float(value[0]))
        cells = [f"{mean[0]:.2f} / {mean[1]:.2f}" for mean in means]
        rows.append(f"| {size} | {' | '.join(cells)} | {gains.mean():+.2f} | {gains.min():+.2f} |")
        print(rows[-1], flush=True)
    return rows, curves, passed


def by_codec(sound: np.ndarray, quality: int) -> tuple[int, np.ndarray, np.ndarray, int]:
    """Return the file's bytes, the sound, the sound with intervals' middles, and LZMA's bytes."""
    encoder = Encoder(1, quality)
    blocks = [block for block in encoder.push(sound[:, None]) + encoder.finish() if block.chunks]
    back = []
    for restorer in (shipped(), None):
        decoder = Decoder(1, restorer)
        back.append(
            np.concatenate([*(decoder.push(block) for block in blocks), decoder.finish()])[
                : len(sound), 0
            ]
        )
    squeezed = 0
    for block in blocks:
        levels = range_coder.decode(block.payload, (1, block.chunks, CHUNK))[0].T
        kind = np.int8 if np.abs(levels).max(initial=0) < 128 else np.int16
        squeezed += len(
            lzma.compress(
                levels.astype(kind).tobytes(),
                lzma.FORMAT_RAW,
                filters=[{"id": lzma.FILTER_LZMA2, "preset": 9}],
            )
        )
    return OVERHEAD + sum(12 + len(block.payload) for block in blocks), back[0], back[1], squeezed


def bytes_table(
    pieces: Pieces, network: ResidualAutoEncoder
) -> tuple[list[str], dict[str, list[tuple[float, ...]]]]:
    """Return the second table's rows and (kbit/s, SNR, distance) for the picture."""
    cosines = fft.dct(np.eye(CHUNK), norm="ortho", axis=1).astype(np.float32)
    rows: list[str] = []
    curves: dict[str, list[tuple[float, ...]]] = {}
    for quality in QUALITIES:
        measured: dict[str, list[tuple[float, float, float]]] = {}
        for sound in pieces.values():
            size, back, middles, squeezed = by_codec(sound, quality)
            others = {
                "ai-radio": (size, back),
                "without its network": (size, middles),
                "with LZMA": (squeezed, back),
            }
            if quality in PEER_QUALITIES:
                others["DCT of 512, not folded"] = plain(cosines, sound, size)
                others["PCA of 100"] = plain(network.basis, sound, size)
            if quality in PEER_QUALITIES and available():
                others |= through_all(sound, SAMPLE_RATE, size)
            for name, (used, other) in others.items():
                rate = 8 * used * SAMPLE_RATE / len(sound) / 1000
                distance = log_spectral_distance(sound, other, sample_rate=SAMPLE_RATE)
                measured.setdefault(name, []).append((rate, snr(sound, other), distance))
        for name, values in measured.items():
            mean = np.mean(values, axis=0)
            curves.setdefault(name, []).append(tuple(mean))
            rows.append(f"| {quality} | {name} | {mean[0]:.1f} | {mean[1]:.2f} | {mean[2]:.2f} |")
            print(rows[-1], flush=True)
    return rows, curves


def picture(
    results: dict[str, tuple[dict[str, list[float]], dict[str, list[tuple[float, ...]]]]],
    path: Path,
) -> None:
    """Draw both tables."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        len(results), 3, figsize=(15, 4.6 * len(results)), layout="constrained", squeeze=False
    )
    for line, (group, (codes, rates)) in zip(axes, results.items(), strict=True):
        for name, values in codes.items():
            line[0].plot(CODES, np.array(values) - codes["PCA"], marker="o", label=name)
        line[0].set(
            xlabel="values of 100",
            ylabel="dB above the principal components",
            title=f"{group}: values kept",
            xscale="log",
        )
        line[0].set_xticks(CODES, [str(code) for code in CODES])
        line[0].minorticks_off()
        for name, points in rates.items():
            rate, ratio, distance = np.array(points).T
            style = (
                "--"
                if name in PEERS
                else ":"
                if name in ("DCT of 512, not folded", "PCA of 100")
                else "-"
            )
            if name not in ("without its network", "with LZMA"):
                line[1].plot(rate, ratio, style, marker="o", label=name)
                line[2].plot(rate, distance, style, marker="o", label=name)
        for each, measure in zip(line[1:], ("SNR", "log-spectral distance"), strict=True):
            each.set(
                xlabel="kbit/s, 22,050 Hz mono",
                ylabel=f"{measure}, dB",
                title=f"{group}: {measure}",
                xscale="log",
            )
            each.set_xticks([5, 10, 20, 40, 80], ["5", "10", "20", "40", "80"])
            each.minorticks_off()
        for each in line:
            each.grid(alpha=0.3)
            each.legend(fontsize=8)
    figure.savefig(path, dpi=80)
    print(f"the picture is in {path}")


def main(arguments: list[str] | None = None) -> int:
    """Print the tables and draw the picture; return 1 if an autoencoder is below its bar."""
    parser = argparse.ArgumentParser(
        description="Compare compression with the linear optimum and with other codecs."
    )
    parser.add_argument(
        "--steps", type=int, default=5000, help="of each autoencoder's training (default 5000)"
    )
    parser.add_argument(
        "--recordings", type=int, default=12, help="pieces of 30 s from recordings (default 12)"
    )
    parser.add_argument(
        "--songs",
        type=int,
        default=8,
        help="starter songs, of tunes that were not learned from (default 8)",
    )
    parser.add_argument(
        "--no-picture", action="store_true", help="leave docs/compression.png as it is"
    )
    parser.add_argument(
        "--train-only", action="store_true", help="train, keep the autoencoders in out/, and stop"
    )
    options = parser.parse_args(arguments)
    networks = autoencoders(options.steps)
    if options.train_only:
        return 0
    groups = {"recordings": dict(recordings(options.recordings, 30.0))}
    songs = rendered("judging")
    groups["starter tunes not learned"] = {
        str(index): songs[index]
        for index in range(0, len(songs), max(1, len(songs) // options.songs))
    }
    results, passed = {}, True
    for group, pieces in groups.items():
        if not pieces:
            print(f"no {group}")
            continue
        print(f"\n{group}: {len(pieces)} pieces")
        print(
            "| values | autoencoder | PCA | PCA in hindsight | DCT | mean over PCA "
            "| least over PCA |"
        )
        _, codes, reached = codes_table(pieces, networks)
        print("| quality | codec | kbit/s | SNR | distance |")
        _, rates = bytes_table(pieces, networks[16])
        results[group], passed = (codes, rates), passed and reached
    if results and not options.no_picture:
        picture(results, ROOT / "docs" / "compression.png")
    print("every bar reached" if passed else "BELOW THE BAR")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
