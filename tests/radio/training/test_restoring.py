"""Components that a model has not learned, or gives back weakly, are restored."""

from __future__ import annotations

import numpy as np

from neural_networks.vae.sequence_vae import SequenceVAE
from radio.training.random_excerpts import RandomExcerpts
from radio.training.restoring import restoring_components


def test_frames_come_nearer_to_the_music(rng: np.random.Generator) -> None:
    """An untrained decoder that passes its latents on as half of the components."""
    noise = rng.standard_normal((181, 1059))
    slow = np.array([np.convolve(one, np.hanning(60), "valid") for one in noise[:5]]).T
    frames = np.abs(slow @ rng.standard_normal((5, 181))).astype(np.float32)
    excerpts = RandomExcerpts([frames], steps=20)
    wide, count = excerpts.fit(24, seed=0), 8
    vae = SequenceVAE(count, latent_size=count, rng=rng)
    for layer in (vae.encoder.head, vae.generator.decoder.head):
        layer.weight.value[:] = 0
        layer.bias.value[:] = 0
    vae.encoder.head.weight.value[-count:, :count] = np.eye(count)
    vae.generator.decoder.head.weight.value[-count:] = np.eye(count) / 2
    restored = restoring_components(vae, excerpts, wide, seed=0)
    steps = wide.first(count).transform(frames)[:, None]
    made, _ = vae.generator.decode(*vae.encode(steps))
    before, after = (
        np.square(some.inverse(made[:, 0])[: len(frames)] - frames)[12:-12].mean()
        for some in (wide.first(count), restored)
    )
    assert after < 0.6 * before
    again = restoring_components(vae, excerpts, wide, seed=0)
    assert again.synthesis is not None and restored.synthesis is not None
    np.testing.assert_array_equal(again.synthesis, restored.synthesis)
