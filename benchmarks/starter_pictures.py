"""Draw spectrograms of starter songs with their true notes on top.

    python benchmarks/starter_pictures.py FOLDER [NUMBER ...]

One PNG a song, numbered from 0 in the order of `starter_songs()`; without numbers every twelfth
song is drawn.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from audio_parsing.starter import StarterSong, hop_length, render, starter_songs

SAMPLE_RATE = 22050
COLOURS = {"lead": "white", "second": "cyan", "chords": "lime", "bass": "orange"}


def draw(song: StarterSong, path: Path, *, seconds: float | None = None) -> None:
    """Write a picture: waveform, and spectrogram in dB with a line for each true note."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    samples = render(song, SAMPLE_RATE)
    beat = 24 * hop_length(song.bpm, SAMPLE_RATE) / SAMPLE_RATE
    end = min(seconds or np.inf, len(samples) / SAMPLE_RATE)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(18, 10), height_ratios=(1, 4), sharex=True, layout="constrained"
    )
    above.plot(np.arange(len(samples)) / SAMPLE_RATE, samples, linewidth=0.3)
    above.set(
        title=f"{song.name}: {song.lead}, {' / '.join(song.accompaniments)}, {song.percussion}, "
        f"{song.bpm:.0f} bpm",
        ylim=(-1, 1),
    )
    below.specgram(
        samples, NFFT=2048, Fs=SAMPLE_RATE, noverlap=1536, vmin=-140, vmax=-40, cmap="magma"
    )
    for note in song.notes:
        if note.part != "percussion":
            frequency = 440 * 2 ** ((note.pitch - 69) / 12)
            below.plot(
                [note.start * beat, (note.start + note.duration) * beat],
                [frequency] * 2,
                color=COLOURS[note.part],
                linewidth=0.8,
            )
    below.set(yscale="log", ylim=(50, 11025), xlim=(0, end), xlabel="seconds", ylabel="Hz")
    figure.savefig(path, dpi=70)
    plt.close(figure)


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("numbers", type=int, nargs="*")
    parser.add_argument("--beats", type=int, default=64)
    parser.add_argument("--seconds", type=float)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    songs = starter_songs(beats=arguments.beats)
    for number in arguments.numbers or range(0, len(songs), 12):
        draw(
            songs[number], arguments.folder / f"starter_{number:02d}.png", seconds=arguments.seconds
        )


if __name__ == "__main__":
    main()
