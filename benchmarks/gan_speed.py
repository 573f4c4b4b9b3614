"""An adversarial step (generator, then critic) beside the same step in PyTorch, on one thread.

    python benchmarks/gan_speed.py                     both critics, 16 and 64 beats
    python benchmarks/gan_speed.py --beats 16 --json

Peers are optional: without PyTorch our own times are printed. Both make the same: 16 songs encoded,
32 decoded, 16 judged for the generator, 2 x 16 for the critic; mean squared error, KL, hinge; Adam,
fused; spectral norms; a weight average. The times are processor seconds of the process, the median
of rounds that alternate: other programs on the machine count little.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan.critic import Critic  # noqa: E402
from gan.critic_bodies import BODIES  # noqa: E402
from gan.trainer import GANOptions, GANTrainer  # noqa: E402
from neural_networks.components.parameters import pack  # noqa: E402
from neural_networks.vae.recurrent_vae import RecurrentVAE, position_features  # noqa: E402

FEATURES, LATENT, HIDDEN, BATCH, SONGS = 1086, 64, 256, 16, 48
CRITIC, PLAN = 128, 128

Step = Callable[[], object]


def ours(body: str, songs: np.ndarray) -> Step:
    """Return a function that makes one of our steps on songs (N, S, F)."""
    rng = np.random.default_rng(0)
    vae = pack(
        RecurrentVAE(
            FEATURES, latent_size=LATENT, beats=songs.shape[1] // 4, hidden=HIDDEN, rng=rng
        )
    )
    critic = pack(Critic(FEATURES, CRITIC, body=BODIES[body], rng=rng))
    return GANTrainer(vae, critic, songs, options=GANOptions(batch_size=BATCH), threads=1).step


def torch_step(body: str, songs: np.ndarray) -> Step:
    """Return a function that makes the same step in PyTorch."""
    import torch
    from torch import nn
    from torch.nn.functional import glu, leaky_relu, mse_loss
    from torch.nn.utils.parametrizations import spectral_norm

    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = songs.shape[1]
    beats = steps // 4

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.cell = nn.Linear(FEATURES, 128), nn.GRU(128, 128)
            self.head = nn.Linear(256, 2 * LATENT)

        def forward(self, x: Any) -> Any:
            states, _ = self.cell(torch.tanh(self.embed(4 * x - 0.5)))
            return self.head(torch.cat([states.mean(0), states[-1]], 1)).chunk(2, 1)

    def positions(count: int, stride: int) -> Any:
        return torch.from_numpy(position_features(count, stride).astype(np.float32))[:, None]

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.to_plan = nn.Linear(LATENT, beats * PLAN)
            self.refine = nn.Conv1d(PLAN + 18, 2 * PLAN, 5, padding=2)
            self.cell, self.to_frames = nn.GRU(PLAN + 18, HIDDEN), nn.Linear(HIDDEN, FEATURES)
            self.beats, self.steps = positions(beats, 4), positions(steps, 1)

        def forward(self, z: Any) -> Any:
            plan = torch.tanh(self.to_plan(z)).view(len(z), beats, PLAN).transpose(0, 1)
            plan = torch.cat([plan, self.beats.expand(-1, len(z), -1)], 2)
            plan = glu(self.refine(plan.permute(1, 2, 0)), 1).permute(2, 0, 1)
            plan = torch.cat([plan.repeat_interleave(4, 0), self.steps.expand(-1, len(z), -1)], 2)
            return leaky_relu(self.to_frames(self.cell(plan)[0]), 0.02)

    class Judge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = (
                spectral_norm(nn.Linear(FEATURES, CRITIC)),
                spectral_norm(nn.Linear(CRITIC, 1)),
            )
            if body == "convolutional":
                self.body = nn.ModuleList(
                    spectral_norm(nn.Conv1d(CRITIC, CRITIC, 5, stride=2, padding=2))
                    for _ in range(2)
                )
            else:
                self.cell = nn.GRU(CRITIC, CRITIC // 2, bidirectional=True)

        def forward(self, x: Any) -> Any:
            y = leaky_relu(2 * self.embed(3 * x - 0.3), 0.2)
            if body == "convolutional":
                y = y.permute(1, 2, 0)
                for layer in self.body:
                    y = leaky_relu(2 * layer(y), 0.2)
                return 2 * self.head(y.mean(2))[:, 0]
            return 2 * self.head(self.cell(y)[0].mean(0))[:, 0]

    encoder, decoder, judge = Encoder(), Decoder(), Judge()
    generator = [*encoder.parameters(), *decoder.parameters()]
    ours_adam = torch.optim.Adam(generator, lr=3e-4, betas=(0.5, 0.99), fused=True)
    theirs = torch.optim.Adam(judge.parameters(), lr=6e-4, betas=(0.5, 0.99), fused=True)
    average = [p.detach().clone() for p in generator]
    data = torch.from_numpy(songs)

    def noisy(x: Any) -> Any:
        return x + 0.033 * torch.randn_like(x)

    def step() -> None:
        real = data[torch.randint(len(data), (BATCH,))].transpose(0, 1).contiguous()
        mean, log_variance = encoder(real)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        made = decoder(torch.cat([z, torch.randn(BATCH, LATENT)]))
        judged = made[:, BATCH - 4 : 2 * BATCH - 4]
        kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()
        loss = (
            300 * (mse_loss(made[:, :BATCH], real) + 1e-7 * kl) - 0.3 * judge(noisy(judged)).mean()
        )
        ours_adam.zero_grad(set_to_none=True)
        judge.requires_grad_(False)
        loss.backward()
        judge.requires_grad_(True)
        ours_adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, generator, 0.005)
        theirs.zero_grad(set_to_none=True)
        value = (
            torch.relu(1 - judge(noisy(real))).mean()
            + torch.relu(1 + judge(noisy(judged.detach()))).mean()
        )
        value.backward()
        theirs.step()

    return step


def measured(steps: list[Step], rounds: int) -> list[float]:
    """Return the median processor seconds of each step, measured by turns."""
    for step in steps:
        for _ in range(2):  # compiles, and warms the caches
            step()
    seconds: list[list[float]] = [[] for _ in steps]
    for _ in range(rounds):
        for one, step in zip(seconds, steps, strict=True):
            start = time.process_time()
            step()
            one.append(time.process_time() - start)
    return [float(np.median(one)) for one in seconds]


def main() -> None:
    """Print milliseconds and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--beats", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = []
    for beats in options.beats:
        songs = (
            np.random.default_rng(0)
            .uniform(0, 0.3, (SONGS, 4 * beats, FEATURES))
            .astype(np.float32)
        )
        for body in ("convolutional", "recurrent"):
            steps = [ours(body, songs)]
            try:
                steps.append(torch_step(body, songs))
            except ImportError:
                print("PyTorch is not installed: our own times alone", file=sys.stderr)
            times = measured(steps, options.rounds)
            row = {"beats": beats, "critic": body, "milliseconds": 1000 * times[0]}
            if len(times) > 1:
                row |= {"torch_milliseconds": 1000 * times[1], "ratio": times[1] / times[0]}
            result.append(row)
            if not options.json:
                print(
                    "  ".join(
                        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                        for key, value in row.items()
                    )
                )
    if options.json:
        print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
