"""Lesson 12: learning a taste from 20 ratings.

A listener who loves fast and bright songs never says so; all the radio gets is a number a song. A
critic trained on music turns a song into a few numbers, and on top of them a Bayesian linear layer
learns the rating r = w . features + b:

    precision A = 1 + features^T features / noise^2,   mean w = A^-1 features^T r / noise^2,
    standard deviation of a prediction = sqrt(f A^-1 f)

(Bishop 2006, eq. 3.53 and 3.54). It is exact after every rating, and knows how little it knows.
"""

from __future__ import annotations

import tempfile

import numpy as np
from lesson import BLUE, GREEN, GREY, ORANGE, canvas, run, shortened

from audio_parsing.playback import SilentDevice
from radio.composer import LocalComposer, Song
from radio.home import SHIPPED, STARTER, Home
from radio.session import Session
from radio.station import Station, coordinate_tempo

RATINGS = 20


def brightness(station: Station, song: Song) -> float:
    """Return the mean height of a song's sound, in bands of its frames."""
    frames = np.maximum(station.model.to_frames(station.decode(song.latent[None]))[0], 0) ** 2
    return float(frames.sum(axis=0) @ np.arange(202) / frames.sum())


class Listener:
    """Somebody who likes songs that are faster and brighter than usual, and is a little moody.

    Args:
        station: that makes the songs.
        usual: some of them, which tell what is usual.
        rng: moods.
    """

    def __init__(self, station: Station, usual: list[Song], rng: np.random.Generator) -> None:
        self.station = station
        values = np.array([self.cares_for(song) for song in usual])
        self.mean, self.deviation, self.rng = values.mean(axis=0), values.std(axis=0), rng

    def cares_for(self, song: Song) -> tuple[float, float]:
        """Return what this listener cares for: the tempo's logarithm and the brightness."""
        return np.log(coordinate_tempo(float(song.latent[-2]))), brightness(self.station, song)

    def likes(self, song: Song) -> float:
        """Return the true liking, -1 to 1, that nobody else knows."""
        return float(np.tanh(((self.cares_for(song) - self.mean) / self.deviation) @ [0.6, 0.6]))

    def rates(self, song: Song) -> float:
        """Return the rating that the listener gives today."""
        return float(np.clip(self.likes(song) + 0.1 * self.rng.standard_normal(), -1, 1))


def main(fast: bool) -> tuple:
    """Rate songs; compare predicted ratings of unrated songs with what the listener likes."""
    station = shortened(Station.load(SHIPPED / STARTER), 4 if fast else 16)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(folder)
        options = dict(home=home, background=False)  # no thread: each song is made when asked for
        other = LocalComposer(station, "nobody", seed=1, explore="random", **options)
        unrated = [other.next_song() for _ in range(60)]
        features = other.maker.features(np.stack([song.latent for song in unrated]))
        other.close()
        listener = Listener(station, unrated, np.random.default_rng(12))
        truth = np.array([listener.likes(song) for song in unrated])
        composer = LocalComposer(station, "somebody", seed=2, explore="thompson", **options)
        session = Session(composer, SilentDevice())
        played, correlations, sound = [], [], []
        print("song  expected      rated    correlation with the true liking of unrated songs")
        for number in range(RATINGS):
            song = composer.next_song()
            expected = song.expected or (0.0, 1.0)
            rating = listener.rates(song)
            session.rate(song, rating)
            played.append(listener.likes(song))
            sound.append(song.samples)
            predicted = np.array(composer.taste.predict(features))  # means, deviations
            correlations.append(float(np.corrcoef(predicted[0], truth)[0, 1]))
            if number in (0, 1, 2, 4, 9, 14, 19):
                before = f"{expected[0]:+.2f} ± {expected[1]:.2f}"
                print(f"{number + 1:4}  {before}  {rating:+.2f}    {correlations[-1]:+.2f}")
        composer.close()
    usual, early, late = (float(np.mean(part)) for part in (truth, played[:5], played[-10:]))
    print(f"\ntrue liking: random {usual:+.2f}, first five {early:+.2f}, last ten {late:+.2f}")
    print("Look at the picture: five random songs, then chosen ones. The sound: first and best.")
    sound = np.concatenate([sound[0], sound[np.argmax(played)]])
    found = {"correlation": correlations[-1], "first": correlations[0], "usual": usual}
    return picture(played, correlations, predicted, truth), found | {"late": late}, sound


def picture(played: list, correlations: list, predicted: np.ndarray, truth: np.ndarray):
    """Draw how liking and knowledge grew, and the predictions at the end."""
    figure = canvas(12, 4.6)
    time, cloud = figure.subplots(1, 2, width_ratios=[1.3, 1])
    songs = np.arange(1, len(played) + 1)
    colours = [GREY] * 5 + [ORANGE] * (len(played) - 5)
    time.bar(songs, played, color=colours, label="true liking of the song that was played")
    time.plot(songs, correlations, ".-", color=GREEN, label="correlation on songs never rated")
    time.axhline(float(truth.mean()), color=BLUE, linestyle=":", label="a random song's liking")
    time.set(xlabel="rating", ylim=(-1.05, 1.05), xticks=songs[1::2])
    time.set_title("Grey: chosen at random. Orange: chosen by the taste")
    time.legend(loc="lower right", fontsize=8)
    cloud.errorbar(truth, *predicted, fmt=".", color=BLUE, ecolor="#b9cfe4", elinewidth=1)
    cloud.plot([-1, 1], [-1, 1], color="black", linewidth=0.7)
    cloud.set(xlabel="true liking", ylabel="predicted rating ± standard deviation")
    cloud.set_title(f"Songs never rated, after {len(played)} ratings")
    return figure


if __name__ == "__main__":
    found = run(main)
