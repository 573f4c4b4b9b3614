"""Lesson 7: a variational autoencoder: a gradient through a draw, and a latent space that can be walked in.

The encoder gives a Gaussian instead of a point, z = mu + sigma epsilon with epsilon ~ N(0, 1)
(Kingma and Welling 2014). The draw does not depend on mu and sigma, so the chain rule goes straight
through it: dz/dmu = 1, dz/dsigma = epsilon. The loss is

    L = error of what z gives back + beta KL(N(mu, sigma^2) || N(0, 1)),   KL = sum (mu^2 + sigma^2 - 1 - log sigma^2) / 2
"""

from __future__ import annotations

import numpy as np
from lesson import canvas, run

from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.losses import gaussian_kl, mean_squared_error
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_loss
from neural_networks.optimizers.optimizers import Adam

WIDTH, HEIGHT, LATENT, BETA = 16, 14, 2, 0.003


def chirps(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return spectrograms (N, WIDTH HEIGHT) of tones that glide from one pitch to another, both from 0 to 1."""
    time, band = np.linspace(0, 1, WIDTH)[:, None], np.arange(HEIGHT)
    place = 2 + (HEIGHT - 5) * (start[:, None, None] + (end - start)[:, None, None] * time)
    return np.exp(-0.5 * ((band - place) / 0.9) ** 2).reshape(len(start), -1).astype(np.float32)


def two_gradients(
    mu: float, sigma: float, rng: np.random.Generator, count: int = 200_000
) -> np.ndarray:
    """Return the mean and the spread of two estimates of d/dmu E[z^2], whose true value is 2 mu, one row each."""
    epsilon = rng.standard_normal(count)
    z = mu + sigma * epsilon
    pathwise = 2 * z  # d(z^2)/dz dz/dmu
    # z^2 d(log density)/dmu: needs no derivative of z^2, and pays for that
    score = z * z * (z - mu) / sigma**2
    return np.array([[estimate.mean(), estimate.std()] for estimate in (pathwise, score)])


def loss(
    encoder: FeedForward,
    decoder: FeedForward,
    x: np.ndarray,
    epsilon: np.ndarray,
    beta: float = BETA,
) -> tuple[float, float, float]:
    """Return (loss, error, KL) of x (B, F) for one draw epsilon (B, Z), and add the gradients of both networks."""
    statistics, encoded = encoder.forward(x)
    mu, log_variance = statistics[:, :LATENT], statistics[:, LATENT:]
    sigma = np.exp(log_variance / 2)
    y, decoded = decoder.forward(mu + sigma * epsilon)
    error, dy = mean_squared_error(y, x)
    kl, dmu, dlog_variance = gaussian_kl(mu, log_variance)
    dz = decoder.backward(dy, decoded)
    # sigma = exp(log_variance / 2), so dz/dlog_variance = sigma epsilon / 2.
    both = np.concatenate(
        [dz + beta * dmu, dz * epsilon * sigma / 2 + beta * dlog_variance], axis=1
    )
    encoder.backward(both.astype(x.dtype), encoded)
    return error + beta * kl, error, kl


def networks(rng: np.random.Generator, dtype: type) -> tuple:
    """Return encoder, decoder and the flat vectors of both."""
    encoder, decoder = (
        FeedForward((WIDTH * HEIGHT, 64, 2 * LATENT), rng=rng),
        FeedForward((LATENT, 64, 64, WIDTH * HEIGHT), rng=rng),
    )
    return encoder, decoder, [pack(encoder, dtype), pack(decoder, dtype)]


def main(fast: bool) -> tuple:
    """Compare two ways through a draw, check the VAE's gradient, train it and walk through its latent space."""
    rng = np.random.default_rng(7)
    rows = two_gradients(1.5, 0.7, rng)
    print("d/dmu E[z^2] at mu = 1.5, truly 3:       mean    spread of a single draw")
    for name, (mean, spread) in zip(
        ("through the draw (reparameterised)", "score function (REINFORCE)"), rows, strict=True
    ):
        print(f"  {name:35} {mean:7.3f}   {spread:7.2f}")

    encoder, decoder, flats = networks(rng, np.float64)
    x, epsilon = (
        chirps(rng.random(5), rng.random(5)).astype(np.float64),
        rng.standard_normal((5, LATENT)),
    )

    def checked(*values: np.ndarray) -> tuple:
        for flat, vector in zip(flats, values, strict=True):
            flat.values[:] = vector
            flat.zero_grads()
        return loss(encoder, decoder, x, epsilon, beta=0.3)[0], *(
            flat.grads.copy() for flat in flats
        )

    report = check_loss(checked, *(flat.values.copy() for flat in flats), rng=rng)
    print(f"\nencoder and decoder against differences, epsilon held fixed:\n{report}\n")

    encoder, decoder, flats = networks(rng, np.float32)
    optimizers, steps, history = [Adam(), Adam()], 900 if fast else 6000, []
    for step in range(steps):
        for flat in flats:
            flat.zero_grads()
        draw = rng.standard_normal((64, LATENT)).astype(np.float32)
        history.append(loss(encoder, decoder, chirps(rng.random(64), rng.random(64)), draw))
        for optimizer, flat in zip(optimizers, flats, strict=True):
            optimizer.step(flat.values, flat.grads, 3e-3 * (1 - 0.95 * step / steps))
    first, last = history[0], np.mean(history[-100:], axis=0)
    print(
        f"{steps} steps: error {first[1]:.4f} -> {last[1]:.4f}, KL {last[2]:.2f} nats = {last[2] / np.log(2):.1f} bits a chirp"
    )
    print(
        "Look at the picture: between any two points lie chirps, not ruins, because every point near a chirp had to give it back."
    )
    figure = picture(encoder, decoder, rng)
    return figure, {
        "gradients": rows,
        "check": report.error,
        "first": first[1],
        "last": last[1],
        "kl": last[2],
    }


def picture(encoder: FeedForward, decoder: FeedForward, rng: np.random.Generator):
    """Draw where chirps lie in latent space, and what its points give."""
    figure = canvas(12.5, 6)
    space, grid = figure.subplots(1, 2, width_ratios=[1, 1.2])
    start, end = rng.random((2, 1500))
    mu = encoder.forward(chirps(start, end))[0][:, :LATENT]
    dots = space.scatter(*mu.T, c=end - start, s=6, cmap="coolwarm")
    figure.colorbar(dots, ax=space, label="falls              how far it glides             rises")
    space.set(
        title="mu of 1,500 chirps",
        xlabel="z1",
        ylabel="z2",
        xlim=(-2.6, 2.6),
        ylim=(-2.6, 2.6),
        aspect="equal",
    )
    z = np.linspace(-1.8, 1.8, 11, dtype=np.float32)
    tiles = decoder.forward(np.stack(np.meshgrid(z, z[::-1]), axis=-1).reshape(-1, 2))[0].reshape(
        11, 11, WIDTH, HEIGHT
    )
    framed = np.pad(tiles, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=1.0)
    grid.imshow(
        framed[:, :, :, ::-1].transpose(0, 3, 1, 2).reshape(11 * (HEIGHT + 1), -1),
        cmap="magma",
        vmin=0,
        vmax=1,
        aspect="auto",
    )
    grid.set(
        title="what the decoder makes of every place",
        xlabel="z1, -1.8 to 1.8",
        ylabel="z2, -1.8 to 1.8",
        xticks=[],
        yticks=[],
    )
    return figure


if __name__ == "__main__":
    found = run(main)
