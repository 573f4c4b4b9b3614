"""Lesson 7: a variational autoencoder: gradients through random draws, and a smooth latent space.

The encoder gives a Gaussian instead of a point, z = mu + sigma epsilon with epsilon ~ N(0, 1)
(Kingma and Welling 2014). The draw does not depend on mu and sigma, so the chain rule goes straight
through it: dz/dmu = 1, dz/dsigma = epsilon. The loss is

    L = error + beta KL(N(mu, sigma^2) || N(0, 1)),  KL = sum (mu^2 + sigma^2 - 1 - log sigma^2) / 2
"""

from __future__ import annotations

import numpy as np
from lesson import canvas, run, sines

from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.losses import gaussian_kl, mean_squared_error
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_loss
from neural_networks.optimizers.optimizers import Adam

WIDTH, HEIGHT, LATENT, BETA = 16, 14, 2, 0.003


def chirps(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return spectrograms (N, WIDTH HEIGHT) of tones that glide between pitches from 0 to 1."""
    time, band = np.linspace(0, 1, WIDTH)[:, None], np.arange(HEIGHT)
    place = 2 + (HEIGHT - 5) * (start[:, None, None] + (end - start)[:, None, None] * time)
    return np.exp(-0.5 * ((band - place) / 0.9) ** 2).reshape(len(start), -1).astype(np.float32)


def two_gradients(mu: float, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Return mean and spread of two estimates of d/dmu E[z^2] = 2 mu, one row each."""
    z = mu + sigma * rng.standard_normal(200_000)
    pathwise = 2 * z  # d(z^2)/dz dz/dmu
    score = z * z * (z - mu) / sigma**2  # z^2 d(log density)/dmu needs no derivative of z^2
    return np.array([[estimate.mean(), estimate.std()] for estimate in (pathwise, score)])


def loss(encoder, decoder, x: np.ndarray, epsilon: np.ndarray, beta: float = BETA) -> tuple:
    """Return (loss, error, KL) of x (B, F) for one draw epsilon (B, Z), and add all gradients."""
    statistics, encoded = encoder.forward(x)
    mu, log_variance = statistics[:, :LATENT], statistics[:, LATENT:]
    sigma = np.exp(log_variance / 2)
    y, decoded = decoder.forward(mu + sigma * epsilon)
    error, dy = mean_squared_error(y, x)
    kl, dmu, dlog_variance = gaussian_kl(mu, log_variance)
    dz = decoder.backward(dy, decoded)
    # dsigma/dlog_variance = sigma / 2
    both = dz + beta * dmu, dz * epsilon * sigma / 2 + beta * dlog_variance
    encoder.backward(np.concatenate(both, axis=1).astype(x.dtype), encoded)
    return error + beta * kl, error, kl


def networks(rng: np.random.Generator, dtype: type) -> tuple:
    """Return encoder, decoder and the flat vectors of both."""
    encoder = FeedForward((WIDTH * HEIGHT, 64, 2 * LATENT), rng=rng)
    decoder = FeedForward((LATENT, 64, 64, WIDTH * HEIGHT), rng=rng)
    return encoder, decoder, [pack(encoder, dtype), pack(decoder, dtype)]


def main(fast: bool) -> tuple:
    """Compare two gradients of a draw, check and train a VAE, and show its latent space."""
    rng = np.random.default_rng(7)
    rows = two_gradients(1.5, 0.7, rng)
    print("d/dmu E[z^2] at mu = 1.5, exactly 3:     mean    spread of a single draw")
    for name, row in zip(("reparameterised draw", "score function (REINFORCE)"), rows, strict=True):
        print(f"  {name:35} {row[0]:7.3f}   {row[1]:7.2f}")

    encoder, decoder, flats = networks(rng, np.float64)
    x, epsilon = chirps(*rng.random((2, 5))).astype(np.float64), rng.standard_normal((5, LATENT))

    def checked(*values: np.ndarray) -> tuple:
        for flat, vector in zip(flats, values, strict=True):
            flat.values[:] = vector
            flat.zero_grads()
        return loss(encoder, decoder, x, epsilon, 0.3)[0], *(flat.grads.copy() for flat in flats)

    report = check_loss(checked, *(flat.values.copy() for flat in flats), rng=rng)
    print(f"\nencoder and decoder compared with differences, epsilon held fixed:\n{report}\n")

    encoder, decoder, flats = networks(rng, np.float32)
    optimizers, steps, history = [Adam(), Adam()], 900 if fast else 6000, []
    for step in range(steps):
        for flat in flats:
            flat.zero_grads()
        draw = rng.standard_normal((64, LATENT), np.float32)
        history.append(loss(encoder, decoder, chirps(*rng.random((2, 64))), draw))
        for optimizer, flat in zip(optimizers, flats, strict=True):
            optimizer.step(flat.values, flat.grads, 3e-3 * (1 - 0.95 * step / steps))
    first, last = history[0], np.mean(history[-100:], axis=0)
    print(f"{steps} steps: error {first[1]:.4f} -> {last[1]:.4f}, KL {last[2]:.1f} nats a chirp")
    print("Look at the picture: points between chirps decode to chirps. The sound is a row of it.")
    line = np.linspace([-1.8, 0], [1.8, 0], 11, dtype=np.float32)
    sound = sines(decoder.forward(line)[0].reshape(-1, HEIGHT), 60, 0.04)
    found = {"gradients": rows, "check": report.error, "first": first[1], "last": last[1]}
    return picture(encoder, decoder, rng), found | {"kl": last[2]}, sound


def picture(encoder: FeedForward, decoder: FeedForward, rng: np.random.Generator):
    """Draw the means of chirps in latent space, and a grid of decoded points."""
    figure = canvas(12.5, 6)
    space, grid = figure.subplots(1, 2, width_ratios=[1, 1.2])
    start, end = rng.random((2, 1500))
    mu = encoder.forward(chirps(start, end))[0][:, :LATENT]
    dots = space.scatter(*mu.T, c=end - start, s=6, cmap="coolwarm")
    figure.colorbar(dots, ax=space, label="change of pitch, from falling to rising")
    space.set(title="means of 1,500 chirps", xlabel="z1", ylabel="z2", aspect="equal")
    z = np.linspace(-1.8, 1.8, 11, dtype=np.float32)
    points = np.stack(np.meshgrid(z, z[::-1]), axis=-1).reshape(-1, 2)
    tiles = decoder.forward(points)[0].reshape(11, 11, WIDTH, HEIGHT)
    framed = np.pad(tiles, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=1.0)
    image = framed[:, :, :, ::-1].transpose(0, 3, 1, 2).reshape(11 * (HEIGHT + 1), -1)
    grid.imshow(image, cmap="magma", vmin=0, vmax=1, aspect="auto")
    grid.set(title="decoded grid from -1.8 to 1.8", xlabel="z1", ylabel="z2", xticks=[], yticks=[])
    return figure


if __name__ == "__main__":
    found = run(main)
