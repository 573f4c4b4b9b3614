"""Lesson 8: a recurrent variational autoencoder on melodies.

An encoder reads a melody step by step and says at its end where in latent space it lies; a decoder
is given that place at every step and sings it back. Both are GRUs in the owner's VAE. Phrases of
public-domain tunes are cut into half beats: at each, which of 27 pitches sounds, and whether it
begins there. The way between two places is a melody too.
"""

from __future__ import annotations

import numpy as np
from lesson import canvas, run

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
    """Return the different phrases of 16 beats (N, STEPS, PITCHES + 1), the last value telling that a note begins, and their tunes."""
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
    """Return the share of steps at which the loudest pitch is the one that sounds."""
    sounding = melodies[..., :PITCHES].any(axis=-1)
    same = sung[..., :PITCHES].argmax(axis=-1) == melodies[..., :PITCHES].argmax(axis=-1)
    return float(same[sounding].mean())


def network(hidden: int, latent: int, rng: np.random.Generator) -> VAE:
    """Return the owner's VAE, with GRUs for its two halves."""
    size = PITCHES + 1
    return VAE(
        encoder_args=dict(
            input_size=size,
            input_layers=(hidden + size, hidden),
            output_layers=(hidden, 2 * latent),
        ),
        decoder_args=dict(
            input_size=latent, input_layers=(hidden + latent, hidden), output_layers=(hidden, size)
        ),
        latent_size=latent,
        sub_network=GRU,
        rng=rng,
    )


def main(fast: bool) -> tuple:
    """Check the gradient, learn the phrases, and walk from one to another."""
    rng = np.random.default_rng(8)
    melodies, titles = phrases()
    print(f"{len(melodies)} phrases of {len(set(titles))} tunes\n")
    small = network(5, 3, rng)
    # without noise, z = mu; lesson 7 checked the noise
    report = check_gradients(small, melodies[:2, :6].swapaxes(0, 1), rng=rng)
    print(f"the whole chain decoder -> z -> encoder against differences:\n{report}\n")

    vae = network(HIDDEN, LATENT, rng)
    epochs = 250 if fast else 1800
    per_epoch = -(-len(melodies) // 32)
    history = vae.train(
        melodies,
        batch_size=32,
        max_epochs=epochs,
        learning_rate=cosine(6e-3, epochs * per_epoch, final=0.02, start=epochs // 2),
        optimizer=Adam(0.9, 0.99),
        beta=lambda step: 0.02 * min(1.0, step / 300),
        clip=0.5,
        print_epochs=False,
    )
    sung = vae.feedforward(melodies)
    right = right_notes(sung, melodies)
    pitches = melodies[..., :PITCHES].sum(axis=(0, 1))
    chance = float(pitches.max() / pitches.sum())
    print(f"{epochs} epochs: loss {history.losses[0]:.3f} -> {np.mean(history.losses[-20:]):.4f}")
    print(
        f"{right:.1%} of the notes are right; always singing the commonest pitch would be {chance:.1%}"
    )
    mean, log_variance = vae.encode(melodies)
    used = int((np.exp(log_variance).mean(axis=0) < 0.5).sum())
    print(
        f"{used} of {LATENT} latent coordinates carry something: their sigma^2 is below a half of the prior's\n"
    )

    first, second = titles.index("Ode to Joy"), titles.index("Frere Jacques")
    way = np.linspace(0, 1, 5)[:, None] * (mean[second] - mean[first]) + mean[first]
    walk = vae.decode(way.astype(np.float32), STEPS)
    names = [
        f"{titles[first]}, as it is written",
        *(f"{share} % of the way" for share in (0, 25, 50, 75, 100)),
        titles[second],
    ]
    print(
        "Look at the picture: the first and the last roll are the tunes, between them stands what the decoder sings on the way."
    )
    figure = picture([melodies[first], *walk, melodies[second]], names, history.losses)
    last = float(np.mean(history.losses[-20:]))
    return figure, {
        "check": report.error,
        "first": history.losses[0],
        "last": last,
        "right": right,
        "chance": chance,
    }


def picture(rolls: list[np.ndarray], names: list[str], losses: list[float]):
    """Draw piano rolls below each other, and the loss."""
    figure = canvas(12, 6.4)
    axes = figure.subplots(4, 2).ravel()
    for axis, roll, name in zip(axes, rolls, names, strict=False):
        extent = (0, STEPS / 2, LOWEST, LOWEST + PITCHES)
        axis.imshow(
            roll[:, :PITCHES].T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=0,
            vmax=1,
            extent=extent,
        )
        axis.set_title(name, fontsize=10)
        axis.set_xticks(range(0, 17, 4))
    axes[-1].semilogy(losses, color="purple", linewidth=0.6)
    axes[-1].set(title="loss by step", xlabel="step")
    figure.supylabel("pitch, MIDI number")
    return figure


if __name__ == "__main__":
    found = run(main)
