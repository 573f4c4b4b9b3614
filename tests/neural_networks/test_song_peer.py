"""Sampled songs beside the same written in PyTorch, if installed: all gradients in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_networks.components.parameters import pack
from neural_networks.vae.recurrent_prior import PRIOR_BOUNDS
from neural_networks.vae.song_generator import SongGenerator

torch = pytest.importorskip("torch")

KINDS: dict[str, dict[str, Any]] = {
    "one Gaussian": {},
    "a mixture": {"mixtures": 3},
    "plan and position": {"mixtures": 4, "beats": 3, "plan_size": 4, "position": True},
}


class Written:
    """The generator's equations on PyTorch's tensors, by the docstrings of its modules."""

    def __init__(self, ours: SongGenerator) -> None:
        self.ours, self.weights = ours, {}

    def of(self, parameter: Any) -> Any:
        key = id(parameter)
        if key not in self.weights:
            weight = torch.tensor(parameter.value, requires_grad=True)
            self.weights[key] = parameter, weight
        return self.weights[key][1]

    def embed(self, part: Any, w: Any, z: Any, plan: Any, position: Any) -> Any:
        linear = w @ self.of(part.latent_weight) + z @ self.of(part.song_weight)
        if plan is not None:
            linear = linear + plan @ self.of(part.plan_weight)
        if position is not None:
            linear = linear + position @ self.of(part.position_weight)
        return torch.tanh(linear + self.of(part.bias))

    def gru(self, cell: Any, x: Any, h: Any) -> Any:
        given = x @ self.of(cell.input_weight) + self.of(cell.input_bias)
        before = h @ self.of(cell.recurrent_weight) + self.of(cell.recurrent_bias)
        (r, u, n), (rh, uh, nh) = given.chunk(3, -1), before.chunk(3, -1)
        update = torch.sigmoid(u + uh)
        return (1 - update) * torch.tanh(n + torch.sigmoid(r + rh) * nh) + update * h

    def songs(self, z: Any, innovations: Any, chosen: np.ndarray) -> Any:
        ours = self.ours
        size, prior, decoder = ours.latent_size, ours.prior, ours.decoder
        context, _ = ours.conditioning.forward(z.detach().numpy(), len(innovations))
        plans = None
        if ours.conditioning.to_plan is not None:
            dense = ours.conditioning.to_plan
            plans = torch.tanh(z @ self.of(dense.weight) + self.of(dense.bias))
            plans = plans.reshape(len(z), ours.conditioning.beats, -1)
        w = torch.zeros(len(z), size, dtype=z.dtype)
        h = torch.zeros(len(z), prior.hidden_size, dtype=z.dtype)
        state = torch.zeros(len(z), decoder.cell.hidden_size, dtype=z.dtype)
        made = []
        for step, eps in enumerate(innovations):
            plan = None if plans is None else plans[:, int(context.beats[step])]
            position = None
            if context.position is not None:
                position = torch.tensor(context.position[step])
            h = self.gru(prior.cell, self.embed(prior.input, w, z, plan, position), h)
            statistics = h @ self.of(prior.head.weight) + self.of(prior.head.bias)
            parts = statistics[:, : 2 * prior.mixtures * size]
            means, raw = parts.reshape(len(z), 2, prior.mixtures, size).unbind(1)
            song = torch.arange(len(z))
            mean, spread = (one[song, torch.tensor(chosen[step])] for one in (means, raw))
            w = mean + torch.exp(torch.clamp(spread, *PRIOR_BOUNDS) / 2) * eps[:, :size]
            a = self.embed(decoder.input, w, z, plan, position)
            state = self.gru(decoder.cell, a, state)
            head = decoder.head
            y = torch.cat([state, a, w], -1) @ self.of(head.weight) + self.of(head.bias)
            made.append(y * torch.tensor(ours.drawn_scales(np.dtype(np.float64))))
        return torch.stack(made)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("steps", "songs"), [(1, 1), (7, 3), (40, 2)])
def test_a_sampled_song(kind: dict, steps: int, songs: int, rng: np.random.Generator) -> None:
    sizes = {"latent_size": 4, "song_size": 3, "hidden": 7, "prior_hidden": 6, "embedding": 5}
    generator = SongGenerator(6, scales=rng.uniform(0.5, 2, 6), **sizes, **kind, rng=rng)
    generator.calibration = rng.uniform(0.5, 2, 6)
    pack(generator, np.float64)
    z = 2 * rng.standard_normal((songs, 3))
    innovations = rng.standard_normal((steps, songs, generator.innovation_size))
    made, cache = generator.generate(z, innovations)
    dsongs = rng.standard_normal(made.shape)
    dz, dinnovations = generator.generate_backward(dsongs, cache)

    written = Written(generator)
    given = [torch.tensor(array, requires_grad=True) for array in (z, innovations)]
    chosen = cache[3].chosen.reshape(steps, songs)
    theirs = written.songs(*given, chosen)
    theirs.backward(torch.tensor(dsongs))
    pairs = [(made, theirs.detach()), (dz, given[0].grad), (dinnovations, given[1].grad)]
    pairs += [(ours.grad, weight.grad) for ours, weight in written.weights.values()]
    for ours, peer in pairs:
        np.testing.assert_allclose(ours, peer.numpy(), rtol=1e-8, atol=1e-10)
    assert len(written.weights) == len(list(generator.parameters()))
