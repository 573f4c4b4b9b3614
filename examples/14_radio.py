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

from audio_parsing.playback import SilentDevice
from radio.composer import LocalComposer, Song, write_song
from radio.home import SHIPPED, STARTER, Home
from radio.session import Session
from radio.station import Station, coordinate_tempo


def likes(song: Song) -> float:
    """Return the rating of a listener who likes slow songs: 1 at 80 beats a minute, -1 at 150."""
    return float(np.clip((115 - coordinate_tempo(float(song.latent[-2]))) / 35, -1, 1))


def main(fast: bool) -> tuple:
    """Listen to some songs, rate them, change your mind once, and ask for the final song."""
    station = shortened(Station.load(SHIPPED / STARTER), 4 if fast else 16)
    heard: list[Song] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Home(folder)
        options = dict(home=home, background=False)  # no thread: each song is made when asked for
        composer = LocalComposer(station, "you", seed=15, explore="greedy", **options)
        session = Session(composer, SilentDevice())
        print(f"{station.name}: songs of {station.beats} beats from {station.size} values\n")
        print("song                      tempo and key                    expected  rating")
        for _ in range(8 if fast else 12):
            song = composer.next_song()
            expected = f"{composer.predict(song)[0]:+.2f}" if heard else "     "
            # The slider as it was moved: (seconds, value) points. This listener needs a second to
            # make up their mind.
            session.rate(song, np.array([[0.0, 0.0], [1.0, likes(song)]]))
            heard.append(song)
            print(f"{song.name:25} {song.details:33} {expected:7}  {likes(song):+.2f}")
        before = composer.predict(heard[-1])[0]
        # A rating is written to the database first; then the composer is told which one to learn.
        taken_back = session.journal.undo()
        composer.changed(taken_back.key)
        after = composer.predict(heard[-1])[0]
        print(f"\nundo {taken_back.song}: predicted are {after:+.2f} instead of {before:+.2f}")
        session.rate(heard[-1], likes(heard[-1]))

        final = composer.final_song()
        path = write_song(final, Path(folder) / "final.wav", session.journal)
        size = path.stat().st_size
        losses, start = final.descent["losses"], final.descent["start"]
        print(f"final song: {final.name}, {final.details}; its WAV has {size:,} bytes")
        print(f"predicted {final.expected[0]:+.2f}, this listener says {likes(final):+.2f}")
        print(f"found in {len(losses) - 1} steps from a {start} song")
        composer.close()
        # everything is in the database
        again = LocalComposer(station, "you", seed=0, **options)
        remembered = again.rated
        again.close()
    print(f"a session begun later remembers {remembered} ratings")
    print("Look at the picture: ratings, songs chosen by them, and how the final song was found.")
    first = float(np.mean([likes(song) for song in heard[:5]]))
    found = {"first": first, "final": likes(final), "losses": losses, "bytes": size}
    found |= {"remembered": remembered, "heard": len(heard), "undone": abs(after - before)}
    return picture(station, heard, final), found, final.samples


def picture(station: Station, heard: list[Song], final: Song):
    """Draw the ratings song by song, the descent to the final song, and its frames."""
    figure = canvas(12, 6.6)
    axes = figure.subplot_mosaic([["ratings", "descent"], ["song", "song"]], width_ratios=[1.4, 1])
    rated, numbers = axes["ratings"], np.arange(1, len(heard) + 1)
    colours = [GREY] * 5 + [ORANGE] * (len(heard) - 5)
    rated.bar(numbers, [likes(song) for song in heard], color=colours)
    expected = [song.expected[0] for song in heard[1:]]
    rated.plot(numbers[1:], expected, "o", color=BLUE, label="predicted before it was rated")
    rated.axhline(likes(final), color="black", linestyle=":", label="the final song's rating")
    rated.set(xlabel="song", ylabel="rating", ylim=(-1.3, 1.3))
    rated.set_title("Grey: to learn from. Orange: chosen")
    rated.legend(loc="lower right", fontsize=8)
    axes["descent"].plot(final.descent["losses"], color=ORANGE)
    axes["descent"].set(xlabel="step", ylabel="loss (1 - r) / 2 of a cautious r")
    axes["descent"].set_title("Descent on P to the final song")
    frames = np.maximum(station.model.to_frames(station.decode(final.latent[None]))[0], 0)
    seconds = len(final.samples) / final.sample_rate
    image = dict(origin="lower", aspect="auto", cmap="magma", extent=(0, seconds, 0, 202))
    axes["song"].imshow(frames.T, **image)
    axes["song"].set(xlabel="seconds", ylabel="band", title=f"{final.name}: {final.details}")
    return figure


if __name__ == "__main__":
    found = run(main)
