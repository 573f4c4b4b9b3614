"""What the VAE whose latents move in time makes of the starter collection in a few minutes.

    python benchmarks/sequence_songs.py                          4 minutes of one core
    python benchmarks/sequence_songs.py --minutes 1 --beta 0.03 --latents 16 --scheduled
    python benchmarks/sequence_songs.py --invented 512 --detail 16 --beta 0.15 --plan --position
    python benchmarks/sequence_songs.py --kept songs.npz         songs prepared once, in that file

Every eighth tune is kept out. Excerpts of 24 beats are learned, of the collection's songs and of
invented tunes, which are made of the tunes learned. Printed are, of whole songs by the
posterior's means, the share of the components' variance that comes back, of tunes learned and of
tunes kept out; nats a step, at the first step, in the first 8 beats and after them; and of songs
that the prior draws alone how their components differ from those of the real ones.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.components import LappedComponents  # noqa: E402
from audio_parsing.starter import TUNES, invented_song, starter_songs  # noqa: E402
from neural_networks.components.gaussians import parted  # noqa: E402
from neural_networks.components.mixtures import mixture_divergence  # noqa: E402
from neural_networks.components.parameters import pack  # noqa: E402
from neural_networks.optimizers.optimizers import Adam  # noqa: E402
from neural_networks.training.batches import Piece  # noqa: E402
from neural_networks.training.trainer import Trainer  # noqa: E402
from neural_networks.vae.recurrent_prior import PRIOR_BOUNDS  # noqa: E402
from neural_networks.vae.sequence_vae import POSTERIOR_BOUNDS, SequenceVAE  # noqa: E402
from radio.station import STEP_SIZE, STEPS_PER_BEAT  # noqa: E402
from radio.training import canonical_frames  # noqa: E402

COMPONENTS, EXCERPT, BATCH = 128, 24, 8  # of a step; beats; excerpts
RATE, WARM_UP, CLIP = 3e-3, 50, 0.5
OWN_FROM, OWN_TO, OWN_SHARE = 0.15, 0.5, (0.6, 0.9)  # of the training; of the prior's inputs


def prepared(file: Path | None, invented: int) -> dict[str, np.ndarray]:
    """Return components (N, S, K) of songs learned and of songs kept out, and the scales (K,).

    The last `invented` songs that are learned are of invented tunes.
    """
    if file is not None and file.exists():
        with np.load(file) as arrays:
            return {name: arrays[name] for name in ("train", "test", "scales")}
    frames = [canonical_frames(song) for song in starter_songs(beats=64)]
    kept = [index // 3 % 8 == 0 for index in range(len(frames))]
    learned = np.array([song for song, out in zip(frames, kept, strict=True) if not out])
    others = np.array([song for song, out in zip(frames, kept, strict=True) if out])
    components = LappedComponents.fit(learned, COMPONENTS)
    rng = np.random.default_rng(0)
    known = [tune for index, tune in enumerate(TUNES) if index % 8]
    more = [canonical_frames(invented_song(rng, tunes=known)) for _ in range(invented)]
    songs = {
        "train": components.transform(np.concatenate([learned, more]) if more else learned),
        "test": components.transform(others),
        "scales": components.scales,
    }
    if file is not None:
        np.savez(file, **songs)
    return songs


def make_trainer(
    vae: SequenceVAE, songs: np.ndarray, steps: int, options: argparse.Namespace
) -> Trainer:
    """Return a Trainer of `steps` steps on random excerpts of songs (N, S, K)."""
    length = EXCERPT * STEPS_PER_BEAT
    starts = (songs.shape[1] - length) // STEPS_PER_BEAT + 1

    def loss(vae: SequenceVAE, piece: Piece) -> float:
        beats = piece.rng.integers(starts, size=len(piece.indices))
        places = beats[:, None] * STEPS_PER_BEAT + np.arange(length)
        x = np.ascontiguousarray(songs[piece.indices[:, None], places].transpose(1, 0, 2))
        done = piece.step / steps
        own = 0.0
        if options.scheduled and done > OWN_FROM:
            own = float(np.interp(done, (OWN_FROM, OWN_TO), OWN_SHARE))
        beta = options.beta * min(1.0, 10 * done)
        first_beat = beats if options.position else None
        return vae.loss(
            x,
            beta=beta,
            detail_beta=options.detail_beta * min(1.0, 10 * done),
            own_share=own,
            first_beat=first_beat,
            rng=piece.rng,
        ).loss

    def rate(step: int) -> float:
        falling = 0.02 + 0.98 * (1 + np.cos(np.pi * step / steps)) / 2
        return float(RATE * min(1, (step + 1) / WARM_UP) * falling)

    return Trainer(
        pack(vae), loss, Adam(0.9, 0.99), rate, batch_size=BATCH, clip=CLIP, seed=0, threads=1
    )


def comes_back(vae: SequenceVAE, songs: np.ndarray) -> float:
    """Return the share of the variance of songs (N, S, K) that the posterior's means give back."""
    x = np.ascontiguousarray(songs.transpose(1, 0, 2))
    error = np.square(vae.generator.decode(*vae.encode(x))[0] - x).sum()
    return 1 - float(error / np.square(x - x.mean(axis=(0, 1))).sum())


def nats(vae: SequenceVAE, songs: np.ndarray, rng: np.random.Generator) -> list[float]:
    """Return the KL divergence at the first step, in the first 8 beats, and after them."""
    x = np.ascontiguousarray(songs.transpose(1, 0, 2))
    size = vae.generator.latent_size
    steps, _ = parted(vae.posterior(x)[0], size)
    w, z = vae.encode(x, rng=rng)
    context, _ = vae.generator.conditioning.forward(z, len(x))
    predicted, _ = vae.generator.prior.predict(np.ascontiguousarray(w[..., :size]), context)
    options: dict[str, Any] = {"posterior_bounds": POSTERIOR_BOUNDS, "prior_bounds": PRIOR_BOUNDS}
    options["groups"] = vae.generator.prior.groups
    parts = slice(0, 1), slice(1, 8 * STEPS_PER_BEAT), slice(8 * STEPS_PER_BEAT, None)
    return [mixture_divergence(steps[part], predicted[part], **options)[0] for part in parts]


def distance(songs: np.ndarray, real: np.ndarray) -> float:
    """Return how songs (S, B, K) differ from real ones: 0 if they do not.

    Fréchet's distance of two diagonal Gaussians, a feature in deviations of the real songs: means
    and deviations of the first 64 components in windows of 8 beats.
    """
    moments = []
    for part in (songs, real):
        length = 8 * STEPS_PER_BEAT
        windows = part[: len(part) // length * length, :, :64]
        windows = windows.reshape(-1, length, windows.shape[1], 64).transpose(1, 0, 2, 3)
        features = np.concatenate([windows.mean(axis=0), windows.std(axis=0)], axis=-1)
        moments.append((features.mean(axis=(0, 1)), features.std(axis=(0, 1))))
    (mean, deviation), (real_mean, real_deviation) = moments
    shift = (mean - real_mean) / real_deviation
    return float(np.mean(shift**2 + (deviation / real_deviation - 1) ** 2))


def drawn(vae: SequenceVAE, songs: np.ndarray, rng: np.random.Generator) -> str:
    """Return how songs that the prior draws alone, from the z of real ones, differ from these."""
    x = np.ascontiguousarray(songs.transpose(1, 0, 2))
    w, z = vae.encode(x, rng=rng)
    new, _ = vae.generator.draw(
        z, rng.standard_normal((len(x), len(z), vae.generator.innovation_size), np.float32)
    )
    ratios = new.std(axis=(0, 1)) / x.std(axis=(0, 1))
    half = len(x) // 2
    back = distance(vae.generator.decode(w, z)[0], x)
    return (
        f"distance {distance(new, x):.2f} (beginning {distance(new[:half], x[:half]):.2f}, end "
        f"{distance(new[half:], x[half:]):.2f}; given back {back:.2f}); "
        f"spread {ratios[:10].mean():.2f} of the first ten components, {ratios[64:].mean():.2f} "
        "from 64 on"
    )


def main() -> None:
    """Train, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=4.0, help="processor time of the training")
    parser.add_argument("--beta", type=float, default=0.03)
    parser.add_argument("--latents", type=int, default=16)
    parser.add_argument("--detail", type=int, default=0, help="latents of detail a step")
    parser.add_argument(
        "--detail-beta", type=float, default=0.01, help="weight of their divergence"
    )
    parser.add_argument("--mixtures", type=int, default=1, help="Gaussians of the prior")
    parser.add_argument("--invented", type=int, default=0, help="songs of invented tunes")
    parser.add_argument("--scheduled", action="store_true", help="the prior is fed its own draws")
    parser.add_argument("--plan", action="store_true", help="a plan made of z, one vector a beat")
    parser.add_argument("--position", action="store_true", help="steps are told where they are")
    names = ("ENCODER", "DECODER", "PRIOR", "EMBEDDING")
    parser.add_argument("--sizes", type=int, nargs=4, default=[64, 256, 192, 64], metavar=names)
    parser.add_argument("--song-size", type=int, default=32, help="values of z")
    parser.add_argument("--kept", type=Path, help="a file of prepared songs")
    options = parser.parse_args()
    songs = prepared(options.kept, options.invented)

    def new() -> SequenceVAE:
        encoder, decoder, prior, embedding = options.sizes
        return SequenceVAE(
            COMPONENTS,
            scales=songs["scales"],
            values=STEP_SIZE,
            latent_size=options.latents,
            detail_size=options.detail,
            mixtures=options.mixtures,
            song_size=options.song_size,
            encoder_hidden=encoder,
            hidden=decoder,
            prior_hidden=prior,
            embedding=embedding,
            beats=EXCERPT if options.plan else 0,
            position=options.position,
            rng=np.random.default_rng(0),
        )

    count = len(songs["train"])
    timed = make_trainer(new(), songs["train"], 100_000, options)
    timed.run(count, 3)
    start = time.process_time()
    timed.run(count, 13)
    steps = max(1, int(60 * options.minutes / ((time.process_time() - start) / 10)))
    vae = new()
    start = time.process_time()
    make_trainer(vae, songs["train"], steps, options).run(count, steps)
    print(f"{steps} steps in {time.process_time() - start:.0f} s of one core")
    rng = np.random.default_rng(1)
    real, others = (songs[name].transpose(1, 0, 2) for name in ("train", "test"))
    print(f"distance of tunes kept out from those learned: {distance(others, real):.2f}")
    ours = songs["train"][: count - options.invented]
    some = ours[:: max(1, len(ours) // 24)]
    for name, part in (("learned", some), ("kept out", songs["test"])):
        first, early, late = nats(vae, part, rng)
        print(
            f"{name}: {comes_back(vae, part):.3f} of the variance comes back; nats a step: "
            f"first {first:.1f}, first 8 beats {early:.2f}, after {late:.2f}"
        )
    print(f"drawn by the prior alone: {drawn(vae, some, rng)}")


if __name__ == "__main__":
    main()
