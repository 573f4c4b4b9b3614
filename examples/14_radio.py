"""Lesson 14: the whole radio without a screen.

A song goes from a coordinate P through the decoder to frames and samples; a rating goes from the
slider into a database and the taste; the taste chooses the next song, and at the end the gradient
of what it expects goes back through every moment to P:

    P -> G(P) -> song -> speaker        rating -> taste -> dL/dG_i -> dL/dP -> the final song
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from lesson import BLUE, GREY, ORANGE, canvas, run, shortened

from radio.composer.composer import RadioSession, Song
from radio.home.folder import SHIPPED, STARTER, Home
from radio.station.station import Station
from radio.station.steps import coordinate_tempo


def likes(song: Song) -> float:
    """Return the rating of a listener who likes slow songs: 1 at 80 beats a minute, -1 at 150."""
    return float(np.clip((115 - coordinate_tempo(float(song.latent[-2]))) / 35, -1, 1))


def main(fast: bool) -> tuple:
    """Listen to some songs, rate them, change your mind once, and ask for the final song."""
    station = shortened(Station.load(SHIPPED / STARTER), 4 if fast else 16)
    heard: list[Song] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Home(folder)
        session = RadioSession(
            station, "you", home=home, seed=14, explore="greedy", background=False
        )
        print(
            f"station {station.name}: songs of {station.beats} beats from coordinates of {station.size} values\n"
        )
        print("song                      tempo and key                    expected  rating")
        for _ in range(8 if fast else 12):
            song = session.next_song()
            expected = f"{session.predict(song)[0]:+.2f}" if heard else "     "
            # The slider as it was moved: (seconds, value) points. This listener needs a second to
            # make up their mind.
            session.rate(song, np.array([[0.0, 0.0], [1.0, likes(song)]]))
            heard.append(song)
            print(f"{song.name:25} {song.details:33} {expected:7}  {likes(song):+.2f}")
        before = session.predict(heard[-1])[0]
        taken_back = session.undo()
        after = session.predict(heard[-1])[0]
        print(
            f"\nundo: {taken_back.rating:+.2f} for {taken_back.song!r} is forgotten; expected are {after:+.2f}, no more {before:+.2f}"
        )
        session.rate(heard[-1], likes(heard[-1]))

        final = session.final_song()
        path = session.save(final, Path(folder) / "final.wav")
        size = path.stat().st_size
        print(
            f"final song: {final.name}, {final.details}; expected {final.expected[0]:+.2f}, this listener says {likes(final):+.2f}"
        )
        print(
            f"found in {len(final.descent['losses']) - 1} steps from a {final.descent['start']} song; its WAV has {size:,} bytes"
        )
        session.close()
        # everything is in the database
        again = RadioSession(station, "you", home=home, seed=0, background=False)
        remembered = again.rated
        again.close()
    print(f"a session begun later remembers {remembered} ratings")
    print(
        "Look at the picture: the ratings, the songs that were chosen because of them, and how the final song was found."
    )
    losses = final.descent["losses"]
    found = {
        "first": float(np.mean([likes(song) for song in heard[:5]])),
        "final": likes(final),
        "losses": losses,
        "bytes": size,
    }
    return picture(heard, final), found | {
        "remembered": remembered,
        "heard": len(heard),
        "undone": abs(after - before),
    }


def picture(heard: list[Song], final: Song):
    """Draw the ratings song by song, the descent to the final song, and its frames."""
    figure = canvas(12, 6.6)
    axes = figure.subplot_mosaic([["ratings", "descent"], ["song", "song"]], width_ratios=[1.4, 1])
    ratings = [likes(song) for song in heard]
    axes["ratings"].bar(
        range(1, len(heard) + 1), ratings, color=[GREY] * 5 + [ORANGE] * (len(heard) - 5)
    )
    expected = [song.expected[0] for song in heard[1:]]
    axes["ratings"].plot(
        range(2, len(heard) + 1), expected, "o", color=BLUE, label="expected before it was rated"
    )
    axes["ratings"].axhline(
        likes(final), color="black", linestyle=":", label="the final song's rating"
    )
    axes["ratings"].set(
        xlabel="song",
        ylabel="rating",
        title="Grey: to learn from. Orange: chosen",
        ylim=(-1.3, 1.3),
    )
    axes["ratings"].legend(loc="lower right", fontsize=8)
    axes["descent"].plot(final.descent["losses"], color=ORANGE)
    axes["descent"].set(
        xlabel="step",
        ylabel="loss (1 - r) / 2 of a cautious r",
        title="Descent on P to the final song",
    )
    frames = np.maximum(final.steps.reshape(-1, 181), 0)
    seconds = len(final.samples) / final.sample_rate
    axes["song"].imshow(
        frames.T, origin="lower", aspect="auto", cmap="magma", extent=(0, seconds, 0, 181)
    )
    axes["song"].set(xlabel="seconds", ylabel="band", title=f"{final.name}: {final.details}")
    return figure


if __name__ == "__main__":
    found = run(main)
