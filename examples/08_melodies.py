"""Lesson 8: a recurrent variational autoencoder on melodies.

An encoder reads a melody step by step and gives its point in latent space at the end; a decoder
gets that point at every step and reconstructs the melody. Both are GRUs. Phrases of public-domain
tunes are cut into half beats: each step says which of 27 pitches sounds, and whether a note begins.
Points between two melodies decode to melodies too.
"""

from __future__ import annotations

import numpy as np
from lesson import canvas, run, sung

from audio_parsing.tune_book import TUNES
from neural_networks.components.gru import GRU
from neural_networks.gradient_check import check_gradients
from neural_networks.optimizers.optimizers import Adam
from neural_networks.optimizers.schedules import cosine
from neural_networks.vae.vae import VAE

# MIDI number of the lowest pitch; half beats of a phrase of 16 beats
LOWEST, PITCHES, STEPS = 55, 27, 32
LATENT, HIDDEN = 16, 96


def phrases() -> tuple[np.ndarray, list[str]]:
    """Return the distinct phrases of 16 beats (N, STEPS, PITCHES + 1), and their titles."""
    rolls: dict[bytes, tuple[np.ndarray, str]] = {}
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
                rolls.setdefault(roll.tobytes(), (roll, tune.title))
    return np.stack([roll for roll, _ in rolls.values()]), [title for _, title in rolls.values()]


def right_notes(sung: np.ndarray, melodies: np.ndarray) -> float:
    """Return the share of steps at which the most probable pitch is correct."""
    sounding = melodies[..., :PITCHES].any(axis=-1)
    same = sung[..., :PITCHES].argmax(axis=-1) == melodies[..., :PITCHES].argmax(axis=-1)
    return float(same[sounding].mean())


def network(hidden: int, latent: int, rng: np.random.Generator) -> VAE:
    """Return a VAE with GRUs as encoder and decoder."""
    size, code = PITCHES + 1, 2 * latent
    encoder = dict(input_size=size, input_layers=(hidden + size, hidden))
    decoder = dict(input_size=latent, input_layers=(hidden + latent, hidden))
    return VAE(
        encoder_args=encoder | dict(output_layers=(hidden, code)),
        decoder_args=decoder | dict(output_layers=(hidden, size)),
        latent_size=latent,
        sub_network=GRU,
        rng=rng,
    )


def main(fast: bool) -> tuple:
    """Check the gradient, learn the phrases, and interpolate between two of them."""
    rng = np.random.default_rng(8)
    melodies, titles = phrases()
    print(f"{len(melodies)} phrases of {len(set(titles))} tunes\n")
    # without noise, z = mu; lesson 7 checked the noise
    report = check_gradients(network(5, 3, rng), melodies[:2, :6].swapaxes(0, 1), rng=rng)
    print(f"the whole chain decoder -> z -> encoder compared with differences:\n{report}\n")

    vae = network(HIDDEN, LATENT, rng)
    epochs, per_epoch = 250 if fast else 1800, -(-len(melodies) // 32)
    rate = cosine(6e-3, epochs * per_epoch, final=0.02, start=epochs // 2)
    options = dict(batch_size=32, max_epochs=epochs, clip=0.5, print_epochs=False)
    options |= dict(optimizer=Adam(0.9, 0.99), beta=lambda step: 0.02 * min(1.0, step / 300))
    losses = vae.train(melodies, learning_rate=rate, **options).losses
    right = right_notes(vae.feedforward(melodies), melodies)
    pitches = melodies[..., :PITCHES].sum(axis=(0, 1))
    chance, last = float(pitches.max() / pitches.sum()), float(np.mean(losses[-20:]))
    print(f"{epochs} epochs: loss {losses[0]:.3f} -> {last:.4f}")
    print(f"{right:.1%} of the notes are right; always the commonest pitch would be {chance:.1%}")
    mean, log_variance = vae.encode(melodies)
    used = int((np.exp(log_variance).mean(axis=0) < 0.5).sum())
    print(f"{used} of {LATENT} latent values are used: their sigma^2 is below half the prior's\n")

    first, second = titles.index("Ode to Joy"), titles.index("Frere Jacques")
    points = np.linspace(0, 1, 5)[:, None] * (mean[second] - mean[first]) + mean[first]
    between = vae.decode(points.astype(np.float32), STEPS)
    names = [titles[first], *(f"{share} %" for share in (0, 25, 50, 75, 100)), titles[second]]
    print("Look at the picture: the first and last roll are the tunes; between them are decoded")
    print("points on the line from one to the other. The sound is the five decoded melodies.")
    figure = picture([melodies[first], *between, melodies[second]], names, losses)
    found = {"check": report.error, "first": losses[0], "last": last}
    return figure, found | {"right": right, "chance": chance}, sung(list(between), LOWEST)


def picture(rolls: list[np.ndarray], names: list[str], losses: list[float]):
    """Draw piano rolls and the loss."""
    figure = canvas(12, 6.4)
    axes = figure.subplots(4, 2).ravel()
    for axis, roll, name in zip(axes, rolls, names, strict=False):
        extent = (0, STEPS / 2, LOWEST, LOWEST + PITCHES)
        style = dict(origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1)
        axis.imshow(roll[:, :PITCHES].T, extent=extent, **style)
        axis.set_title(name, fontsize=10)
        axis.set_xticks(range(0, 17, 4))
    axes[-1].semilogy(losses, color="purple", linewidth=0.6)
    axes[-1].set(title="loss by step", xlabel="step")
    figure.supylabel("pitch, MIDI number")
    return figure


if __name__ == "__main__":
    found = run(main)
