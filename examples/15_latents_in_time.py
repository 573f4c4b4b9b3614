"""Lesson 15: latents that move in time, and a prior that knows what comes next.

In lesson 8 one point told a whole melody. Here every half beat has latents of its own, and a prior
learns what comes next: w_t = m_t + p_t e_t, with m_t and p_t from the latents before. What it can't
know is e_t, an innovation: standard normal numbers. The loss is that of lesson 7 with the prior in
the place of N(0, 1). A melody and its innovations are two ways to say the same, so a melody is
given back exactly; other innovations are other melodies; and what has been sung goes on.
"""

from __future__ import annotations

import numpy as np
from lesson import canvas, run, sung

from audio_parsing.tune_book import TUNES
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients
from neural_networks.optimizers.optimizers import Adam
from neural_networks.vae.sequence_vae import SequenceVAE
from neural_networks.vae.song_generator import SongGenerator

LOWEST, PITCHES, STEPS = 55, 27, 32  # MIDI number; half beats of a phrase of 16 beats
# of the latents of a half beat, those of the melody, two recurrent layers, and their inputs
SIZES = {"latent_size": 8, "song_size": 8, "hidden": 96, "prior_hidden": 96, "embedding": 48}


def phrases() -> np.ndarray:
    """Return phrases of 16 beats (STEPS, N, PITCHES + 1); the last value: a note begins."""
    rolls = {}
    for tune in TUNES:
        for phrase in tune.phrases:
            if phrase.length == STEPS / 2:
                roll = np.zeros((STEPS, PITCHES + 1), np.float32)
                for note in phrase.notes:
                    first = round(2 * note.start)
                    last = max(first + 1, round(2 * (note.start + note.duration)))
                    roll[first:last] = 0
                    roll[first:last, note.pitch - LOWEST] = 1
                    roll[first, PITCHES] = 1
                rolls[roll.tobytes()] = roll
    return np.stack(list(rolls.values()), axis=1)


def main(fast: bool) -> tuple:
    """Check the gradient through the draws, learn the phrases, and sing new ones."""
    rng = np.random.default_rng(15)
    report = check_gradients(
        SongGenerator(5, latent_size=3, song_size=2, hidden=4, prior_hidden=4, rng=rng),
        (rng.standard_normal((2, 2)), rng.standard_normal((6, 2, 3))),
        rng=rng,
        forward=lambda generator, z, innovations: generator.generate(z, innovations),
        backward=lambda generator, dy, cache: generator.generate_backward(dy, cache),
    )
    print(f"z (input 0), innovations (input 1), and weights against differences:\n{report}\n")

    melodies = phrases()
    vae = SequenceVAE(PITCHES + 1, position=True, steps_per_beat=2, **SIZES, rng=rng)
    flat, optimizer, steps = pack(vae), Adam(0.9, 0.99), 250 if fast else 1500
    losses = []
    for step in range(steps):
        some = np.ascontiguousarray(melodies[:, rng.integers(melodies.shape[1], size=32)])
        flat.zero_grads()
        losses.append(vae.loss(some, beta=0.02 * min(1, 5 * step / steps), rng=rng))
        flat.grads *= min(1, 0.5 / np.linalg.norm(flat.grads))
        optimizer.step(flat.values, flat.grads, 4e-3 * (1.02 + np.cos(np.pi * step / steps)) / 2)
    generator = vae.generator
    w, z = vae.encode(melodies)
    back, _ = generator.decode(w, z)
    innovations = generator.innovations(w, z)
    again, _ = generator.generate(z, innovations)
    apart = float(np.abs(again - back).max())
    sounds = melodies[..., :PITCHES].any(axis=-1)
    right = float((back[..., :PITCHES].argmax(-1) == melodies.argmax(-1))[sounds].mean())
    print(f"{melodies.shape[1]} phrases, {steps} steps: ", end="")
    print(f"error {losses[0].error:.3f} -> {losses[-1].error:.5f}")
    print(f"{right:.1%} of the notes come back; by z and innovations the same to {apart:.0e}")
    drawn = generator.innovations(*vae.encode(melodies, rng=rng))
    print(f"innovations of learned melodies have deviation {drawn.std():.2f}; new ones have 1\n")

    one = 0  # the melody that is looked at
    other, _ = generator.generate(z[[one] * 3], rng.standard_normal((STEPS, 3, 8), np.float32))
    half = STEPS // 2
    begun, state = generator.draw(z[[one] * 2], innovations[:half, [one] * 2])
    new = rng.standard_normal((half, 2, 8), np.float32)
    goes_on = np.concatenate([begun, generator.draw(z[[one] * 2], new, state=state)[0]])
    print("Look at the picture: other innovations are other melodies; beginnings go on freely.")
    rolls = [melodies[:, one], back[:, one], *other.transpose(1, 0, 2), *goes_on.transpose(1, 0, 2)]
    names = ["a melody", "given back", *["new innovations"] * 3, *["its beginning goes on"] * 2]
    figure = picture(rolls, names, [part.step_nats for part in losses])
    found = {
        "check": report.error,
        "first": losses[0].error,
        "last": losses[-1].error,
        "right": right,
        "apart": apart,
        "deviation": float(drawn.std()),
        "parting": float(np.abs(goes_on[:, 0] - goes_on[:, 1])[half:].max()),
    }
    return figure, found, sung(rolls[1:], LOWEST)


def picture(rolls: list[np.ndarray], names: list[str], nats: list[float]):
    """Draw piano rolls below each other, and what a step's latents tell."""
    figure = canvas(12, 6.4)
    axes = figure.subplots(4, 2).ravel()
    for axis, roll, name in zip(axes, rolls, names, strict=False):
        extent = (0, STEPS / 2, LOWEST, LOWEST + PITCHES)
        shown = {"origin": "lower", "aspect": "auto", "cmap": "magma", "vmin": 0, "vmax": 1}
        axis.imshow(roll[:, :PITCHES].T, extent=extent, **shown)
        axis.set_title(name, fontsize=10)
    axes[-1].semilogy(nats, color="purple", linewidth=0.6)
    axes[-1].set(title="nats a step that the prior did not know", xlabel="step of the training")
    figure.supylabel("pitch, MIDI number")
    return figure


if __name__ == "__main__":
    found = run(main)
