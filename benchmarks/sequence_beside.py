"""The trainings of songs beside PyTorch and JAX, in one process: sequence VAE, critic, both.

    python benchmarks/sequence_beside.py                  64 and 256 steps, on one core
        --threads 2 --steps 256 --what vae --seconds 20

    vae      loss, gradient and Adam of the VAE whose latents move in time, fed with true latents
    critic   of the recurrent critic on real and other songs
    gan      of both: new songs are sampled step by step, and the critic's gradient goes back
             through every draw

Batch 16; sizes in sequence_sizes.py. Ours are the product's own steps, by Trainer and GANTrainer
in two pieces. The contenders take turns; a ratio is the peer's time over ours in one round: its
minimum, median and maximum are printed. With one thread the times are the processor's, so that
other programs count little; with two they are the clock's, and mean something on an idle machine
only. "flushed" is PyTorch that flushes denormal numbers to zero. Both peers are optional: `pip
install torch jax`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.recurrent_speed import Contender, hold_to, machine, measure
from benchmarks.sequence_sizes import (
    BETA,
    GAN_BETA,
    GAN_RECONSTRUCTION,
    WEIGHT,
    Sizes,
)
from gan.critic import Critic
from gan.critic_bodies import recurrent
from gan.losses import hinge
from gan.trainer import GANOptions, GANTrainer
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.optimizers.optimizers import Adam
from neural_networks.optimizers.schedules import constant
from neural_networks.training.batches import Piece
from neural_networks.training.trainer import Trainer
from neural_networks.vae.sequence_vae import SequenceVAE

BATCH = 16
WHAT = ("vae", "critic", "gan")
SIZES = Sizes()
Step = Callable[[], object]


class Drawn:
    """Songs (S, B, K) that a GANTrainer draws."""

    def __init__(self, x: np.ndarray) -> None:
        self._songs = x

    def __len__(self) -> int:
        return self._songs.shape[1]

    def draw(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the songs of some numbers (B,)."""
        return np.ascontiguousarray(self._songs[:, indices])


def _vae() -> FlatParameters:
    vae = SequenceVAE(
        SIZES.components,
        values=SIZES.values,
        encoder_hidden=SIZES.encoder,
        hidden=SIZES.decoder,
        prior_hidden=SIZES.prior,
        latent_size=SIZES.latent,
        song_size=SIZES.song,
        embedding=SIZES.embedding,
        rng=np.random.default_rng(0),
    )
    return pack(vae)


def _critic() -> FlatParameters:
    rng = np.random.default_rng(0)
    return pack(Critic(SIZES.components, SIZES.critic, body=recurrent, rng=rng))


def ours(what: str, x: np.ndarray, y: np.ndarray, threads: int) -> Step:
    """Return a function that makes one step of this library on songs x, and y."""
    songs = Drawn(x)
    if what == "gan":
        options = GANOptions(
            batch_size=BATCH,
            reconstruction_weight=GAN_RECONSTRUCTION,
            adversarial_weight=WEIGHT,
            kl_weight=GAN_BETA,
        )
        return GANTrainer(_vae(), _critic(), songs, options=options, threads=threads).step
    others = Drawn(y)

    def vae_loss(vae: Any, piece: Piece) -> float:
        return vae.loss(songs.draw(piece.indices, piece.rng), beta=BETA, rng=piece.rng).loss

    def critic_loss(critic: Any, piece: Piece) -> float:
        good, real = critic.forward(songs.draw(piece.indices, piece.rng))
        bad, fake = critic.forward(others.draw(piece.indices, piece.rng))
        value, dgood, dbad = hinge(good, bad)
        critic.add_gradients(dgood, real)
        critic.add_gradients(dbad, fake)
        return value

    flat, loss = (_vae(), vae_loss) if what == "vae" else (_critic(), critic_loss)
    trainer = Trainer(flat, loss, Adam(), constant(1e-4), batch_size=BATCH, threads=threads)

    def step() -> None:
        trainer.step(BATCH)
        if what == "critic":
            flat.module.update_norms()  # type: ignore[attr-defined]

    return step


def contenders(what: str, steps: int, threads: int) -> list[Contender]:
    """Return ours, and the peers that are installed."""
    rng = np.random.default_rng(0)
    shape = (steps, BATCH, SIZES.components)
    x, y = (rng.standard_normal(shape, np.float32) for _ in range(2))
    found = [Contender("ours", ours(what, x, y, threads), ThreadPoolExecutor(1))]

    def of(peer: Any) -> Step:
        made = getattr(peer, f"{what}_step")
        return made(SIZES, x, y) if what == "critic" else made(SIZES, x)

    if find_spec("torch"):
        import torch

        from benchmarks import sequence_torch

        torch.set_num_threads(threads)
        flushing = ThreadPoolExecutor(1, initializer=torch.set_flush_denormal, initargs=(True,))
        found.append(Contender("torch", of(sequence_torch), ThreadPoolExecutor(1)))
        found.append(Contender("flushed", of(sequence_torch), flushing))
    if find_spec("jax"):
        from benchmarks import sequence_jax

        found.append(Contender("jax", of(sequence_jax), ThreadPoolExecutor(1)))
    return found


def main() -> None:
    """Print milliseconds and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--what", nargs="+", choices=WHAT, default=list(WHAT))
    parser.add_argument("--threads", type=int, choices=(1, 2), default=1)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each")
    options = parser.parse_args()
    hold_to(options.threads)
    before = machine(options.threads)
    for what in options.what:
        for steps in options.steps:
            found = contenders(what, steps, options.threads)
            times = measure(found, options.seconds, options.threads)
            line = f"{what:6} {steps:4} steps: {1e3 * statistics.median(times['ours']):7.2f} ms"
            for peer in found[1:]:
                peer.thread.shutdown()
                pairs = zip(times[peer.name], times["ours"], strict=True)
                ratios = [theirs / own for theirs, own in pairs]
                line += f" | {peer.name} x {min(ratios):.2f} {statistics.median(ratios):.2f}"
                line += f" {max(ratios):.2f}"
            print(line, flush=True)
    print(", ".join(f"{key} {value}" for key, value in before.items()))


if __name__ == "__main__":
    main()
