"""Lesson 12: learning a taste from 20 ratings.

A listener who loves fast and bright songs never says so; all the radio gets is a number a song. A
critic that has heard much music turns a song into a few numbers, and on top of them one Bayesian
linear layer learns the rating r = w . features + b:

    precision A = 1 + features^T features / noise^2,   mean w = A^-1 features^T r / noise^2,   sd of a prediction = sqrt(f A^-1 f)

(Bishop 2006, eq. 3.53 and 3.54). It is exact after every rating, and knows how little it knows.
"""

from __future__ import annotations

import tempfile

import numpy as np
from lesson import BLUE, GREEN, GREY, ORANGE, canvas, run, shortened

from radio.composer.composer import RadioSession, Song
from radio.home.folder import SHIPPED, STARTER, Home
from radio.station.station import Station
from radio.station.steps import coordinate_tempo

RATINGS = 20


def brightness(song: Song) -> float:
    """Return the mean height of a song's sound, in bands of its frames."""
    frames = np.maximum(song.steps.reshape(-1, 181), 0) ** 2
    return float(frames.sum(axis=0) @ np.arange(181) / frames.sum())


class Listener:
    """Somebody who likes songs that are faster and brighter than usual, and is a little moody.

    Args:
        usual: songs of the station, which tell what is usual.
        rng: moods.
    """

    def __init__(self, usual: list[Song], rng: np.random.Generator) -> None:
        values = np.array([self.heard(song) for song in usual])
        self.mean, self.deviation, self.rng = values.mean(axis=0), values.std(axis=0), rng

    def heard(self, song: Song) -> tuple[float, float]:
        """Return what this listener cares for: the tempo's logarithm and the brightness."""
        return np.log(coordinate_tempo(float(song.latent[-2]))), brightness(song)

    def likes(self, song: Song) -> float:
        """Return the true liking, -1 to 1, that nobody else knows."""
        return float(np.tanh(((self.heard(song) - self.mean) / self.deviation) @ [0.6, 0.6]))

    def rates(self, song: Song) -> float:
        """Return what the listener says today."""
        return float(np.clip(self.likes(song) + 0.1 * self.rng.standard_normal(), -1, 1))


def main(fast: bool) -> tuple:
    """Rate songs, and compare what the radio expects of songs that were never rated with what the listener likes."""
    station = shortened(Station.load(SHIPPED / STARTER), 4 if fast else 16)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(folder)
        judges = RadioSession(
            station, "unheard", home=home, seed=1, explore="random", background=False
        )
        unheard = [judges.next_song() for _ in range(24 if fast else 60)]
        judges.close()
        listener = Listener(unheard, np.random.default_rng(12))
        truth = np.array([listener.likes(song) for song in unheard])
        session = RadioSession(
            station, "somebody", home=home, seed=2, explore="thompson", background=False
        )
        played, correlations, surprises = [], [], []
        print(
            "song  expected      rated    correlation with the true liking of songs that were never rated"
        )
        for number in range(RATINGS):
            song = session.next_song()
            expected = song.expected or (0.0, 1.0)
            rating = listener.rates(song)
            session.rate(song, rating)
            played.append(listener.likes(song))
            surprises.append(abs(rating - expected[0]))
            predicted = np.array([session.predict(one) for one in unheard])
            correlations.append(float(np.corrcoef(predicted[:, 0], truth)[0, 1]))
            if number in (0, 1, 2, 4, 9, 14, 19):
                print(
                    f"{number + 1:4}  {expected[0]:+.2f} ± {expected[1]:.2f}  {rating:+.2f}    {correlations[-1]:+.2f}"
                )
        session.close()
    early, late, usual = (
        float(np.mean(played[:5])),
        float(np.mean(played[-10:])),
        float(truth.mean()),
    )
    print(
        f"\ntrue liking of a random song {usual:+.2f}, of the first five {early:+.2f}, of the last ten {late:+.2f}"
    )
    print(
        "Look at the picture: the first five songs are drawn at random, to learn from; then it plays what it expects you to like."
    )
    found = {
        "correlation": correlations[-1],
        "first": correlations[0],
        "usual": usual,
        "late": late,
    }
    return picture(played, correlations, predicted, truth), found


def picture(played: list, correlations: list, predicted: np.ndarray, truth: np.ndarray):
    """Draw how liking and knowledge grew, and the predictions at the end."""
    figure = canvas(12, 4.6)
    time, cloud = figure.subplots(1, 2, width_ratios=[1.3, 1])
    songs = np.arange(1, len(played) + 1)
    time.bar(
        songs,
        played,
        color=[GREY] * 5 + [ORANGE] * (len(played) - 5),
        label="true liking of the song that was played",
    )
    time.plot(songs, correlations, ".-", color=GREEN, label="correlation on songs never rated")
    time.axhline(float(truth.mean()), color=BLUE, linestyle=":", label="a random song's liking")
    time.set(
        xlabel="rating",
        ylim=(-1.05, 1.05),
        title="Grey: chosen at random. Orange: chosen by the taste",
        xticks=songs[1::2],
    )
    time.legend(loc="lower right", fontsize=8)
    cloud.errorbar(truth, *predicted.T, fmt=".", color=BLUE, ecolor="#b9cfe4", elinewidth=1)
    cloud.plot([-1, 1], [-1, 1], color="black", linewidth=0.7)
    cloud.set(
        xlabel="true liking",
        ylabel="expected rating ± standard deviation",
        title=f"Songs never rated, after {len(played)} ratings",
    )
    return figure


if __name__ == "__main__":
    found = run(main)
