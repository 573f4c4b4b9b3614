"""Lesson 6: an autoencoder and principal components.

An autoencoder reconstructs its input through a narrow layer of two numbers, the code. The best that
a linear one can do is the first two principal components (Baldi and Hornik 1989), found by descent
instead of by a decomposition. If the data lie on a curved surface, such as notes of different pitch
and loudness, a non-linear network does much better.
"""

from __future__ import annotations

import numpy as np
from lesson import canvas, run, sines

from neural_networks.autoencoder.autoencoder import AutoEncoder
from neural_networks.optimizers.schedules import cosine

BANDS = 40  # of a spectrum, one a semitone
CODE = 2


def notes(pitch: np.ndarray, loudness: np.ndarray) -> np.ndarray:
    """Return spectra (N, BANDS): a peak at the pitch, and a softer one an octave (12 bands) up."""
    bands = np.arange(BANDS)

    def peak(place: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * ((bands - place[:, None]) / 2) ** 2)

    return (loudness[:, None] * (peak(pitch) + 0.5 * peak(pitch + 12))).astype(np.float32)


def principal_components(x: np.ndarray, tested: np.ndarray, count: int) -> np.ndarray:
    """Reconstruct `tested` from components of x, the best linear code (Eckart and Young 1936)."""
    mean = x.mean(axis=0)
    _, _, directions = np.linalg.svd(x - mean, full_matrices=False)
    return (tested - mean) @ directions[:count].T @ directions[:count] + mean


def main(fast: bool) -> tuple:
    """Encode notes by principal components, a linear autoencoder and a non-linear one."""
    rng = np.random.default_rng(6)
    count, epochs = (400, 250) if fast else (2000, 700)
    x = notes(rng.uniform(4, 24, count), rng.uniform(0.4, 1, count))
    tested = notes(rng.uniform(4, 24, 300), rng.uniform(0.4, 1, 300))
    scale = np.linspace(4, 24, 60)
    shown = notes(scale, np.full(60, 0.8))

    mean = x.mean(axis=0)
    linear = AutoEncoder((BANDS, CODE, BANDS), rng=rng)
    curved = AutoEncoder((BANDS, 48, 24, CODE, 24, 48, BANDS), rng=rng)
    for network, data, passes in ((linear, x - mean, 3 * epochs), (curved, x, epochs)):
        schedule = cosine(0.01, passes * -(-count // 100), final=0.01)
        network.train(data, passes, learning_rate=schedule, print_epochs=False, threads=1)

    methods = {
        f"{n} principal components": lambda notes, n=n: principal_components(x, notes, n)
        for n in (2, 3, 5, 8)
    }
    methods |= {
        "linear autoencoder": lambda notes: linear.feedforward(notes - mean) + mean,
        "autoencoder": curved.feedforward,
    }
    print(f"{BANDS} values of a note through a code of {CODE}; mean squared error on")
    print(f"{'':24} training notes  new notes   variance explained")
    found = {}
    for name, method in methods.items():
        found[name] = tuple(float(np.mean((method(some) - some) ** 2)) for some in (x, tested))
        explained = 1 - found[name][1] / tested.var()
        print(f"{name:24}  {found[name][0]:13.6f}  {found[name][1]:9.6f}   {explained:17.1%}")
    print("\nOn its training set the linear network reaches two components, the linear optimum.")
    print("Look at the picture: components can only be added, so a rising note leaves ghosts; the")
    print("non-linear network moves the peak. The sound is the picture's: note, ghosts, network.")
    components = principal_components(x, shown, CODE)
    network = curved.feedforward(shown)
    sound = np.concatenate([sines(each, 45) for each in (shown, components, network)])
    return picture(shown, components, network, curved.encode(x), x.argmax(axis=1)), found, sound


def picture(
    shown: np.ndarray,
    components: np.ndarray,
    network: np.ndarray,
    codes: np.ndarray,
    pitch: np.ndarray,
):
    """Draw a rising note, its reconstructions, and the codes of all notes."""
    figure = canvas(13, 4)
    axes = figure.subplots(1, 4, width_ratios=[1, 1, 1, 1.35])
    titles = ("a rising note", f"{CODE} principal components", f"autoencoder, code of {CODE}")
    for one, picture, title in zip(axes, (shown, components, network), titles, strict=False):
        one.imshow(picture.T, origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=0.85)
        one.set(title=title, xlabel="pitch rises", xticks=[])
    axes[0].set_ylabel("band")
    dots = axes[3].scatter(*codes.T, c=pitch, s=7, cmap="turbo")
    axes[3].set(
        title="codes of all notes: pitch runs along a curve", xlabel="code 1", ylabel="code 2"
    )
    figure.colorbar(dots, ax=axes[3], label="band of the note")
    return figure


if __name__ == "__main__":
    found = run(main)
