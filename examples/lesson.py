"""What all lessons share: options, picture and sound at the end, the library beside them.

found = run(main)      main(fast) -> (figure, the numbers that the lesson makes claims about)
                       or (figure, numbers, samples) of a lesson that can be listened to
In a notebook it shows picture and sound instead of saving them, and `fast` is its argument.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

# so that a lesson runs the library beside it, with your changes
sys.path.insert(0, str(Path(__file__).parent.parent))

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from radio.station import Station

RATE = 22050  # Hz, of sounds
BLUE, ORANGE, GREEN = "#3b75af", "#ef8636", "#519e3e"
RED, PURPLE, GREY = "#c53a32", "#8d69b8", "#7f7f7f"


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches; it needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def shortened(station: Station, beats: int) -> Station:
    """Return a station that makes only the first beats of another's songs, to save time."""
    # a form would ask for its own length
    return replace(station, beats=beats, model=replace(station.model, forms=[]))


def arguments(file: str, doc: str | None, takes_file: str | None = None) -> argparse.Namespace:
    """Parse --fast, --output, and a file if the script takes one; make the output folder."""
    parser = argparse.ArgumentParser(
        prog=Path(file).name, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="run a smaller version in seconds")
    text = "folder for the picture (default: out)"
    parser.add_argument("--output", type=Path, default=Path("out"), metavar="FOLDER", help=text)
    if takes_file is not None:
        parser.add_argument("file", type=Path, nargs="?", help=takes_file)
    options = parser.parse_args()
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--output {options.output}: {error.strerror or error}")
    return options


def sung(rolls: list[np.ndarray], lowest: int, bpm: float = 132) -> np.ndarray:
    """Return samples of piano rolls one after another, a rest of two beats between them.

    Args:
        rolls: (T, PITCHES + 1) of half beats; the last value is above 0.5 where a note begins.
        lowest: MIDI number of the first pitch.
        bpm: beats a minute.
    """
    from audio_parsing.song import Note, StarterSong
    from audio_parsing.synthesizer import render

    notes, beat = [], 0.0
    for roll in rolls:
        pitch = np.where(roll[:, :-1].max(axis=1) > 0.5, roll[:, :-1].argmax(axis=1), -1)
        # a note ends where the pitch changes and where the next begins
        starts = np.flatnonzero((np.diff(pitch, prepend=-1) != 0) | (roll[:, -1] > 0.5))
        for first, last in pairwise([*starts.tolist(), len(roll)]):
            if pitch[first] >= 0:
                tone = lowest + int(pitch[first])
                notes.append(Note(beat + first / 2, (last - first) / 2, tone, 0.8, "lead", "piano"))
        beat += len(roll) / 2 + 2
    facts = ("", "", "major", 0, bpm, int(beat), "piano", "none", ("none",), 0, 1.0, "none", 4)
    return render(StarterSong(*facts, tuple(notes)), RATE)


def sines(levels: np.ndarray, lowest: float, step: float = 0.08) -> np.ndarray:
    """Return samples of spectra over time, a sine for each band.

    Args:
        levels: amplitudes (T, BANDS), a semitone from band to band.
        lowest: MIDI number of the first band.
        step: seconds from one spectrum to the next.
    """
    time = np.arange(round(len(levels) * step * RATE)) / RATE
    samples = np.zeros(len(time))
    for band, level in enumerate(np.maximum(levels, 0).T):
        frequency = 440 * 2 ** ((lowest + band - 69) / 12)
        loud = np.interp(time, step * (np.arange(len(levels)) + 0.5), level)
        samples += loud * np.sin(2 * np.pi * frequency * time)
    return samples


def critic_step(critic, optimizer, real: np.ndarray, fake: np.ndarray, rng) -> None:
    """Take a step of lesson 9's critic, with a slope penalty, on songs real and fake (S, B, F)."""
    from gan import losses, penalties
    from neural_networks.components.parameters import pack

    weights = pack(critic)  # gradients are zero
    (real_scores, real_cache), (fake_scores, fake_cache) = map(critic.forward, (real, fake))
    _, dreal, dfake = losses.cross_entropy(real_scores, fake_scores)
    critic.backward(dreal, real_cache)
    critic.backward(dfake, fake_cache)
    penalties.wgan_gp(critic, real, fake, rng, weight=1.0)
    optimizer.step(weights.values, weights.grads, 1e-3)


def run(main: Callable[[bool], tuple], *, fast: bool = False) -> dict[str, Any]:
    """Run a lesson with its options, save or show picture and sound, and return its numbers."""
    file = Path(main.__code__.co_filename)
    in_notebook = "get_ipython" in main.__globals__
    options = None if in_notebook else arguments(str(file), main.__globals__["__doc__"])
    # the matrices are small: a second thread would cost more than it saves
    with threadpool_limits(1, user_api="blas"):
        figure, found, *sounds = main(options.fast if options else fast)
    if options is None:
        show(figure, sounds)
        return found
    picture = options.output / f"{file.stem}.png"
    figure.savefig(picture, dpi=110)
    print(f"\nThe picture is saved as {picture}")
    for samples in sounds:
        import soundfile

        sound = picture.with_suffix(".wav")
        # as loud as the songs of the radio, but never clipped
        level = 0.1 / max(np.sqrt(np.mean(np.square(samples))), np.abs(samples).max() / 9.9, 1e-9)
        soundfile.write(sound, samples * level, RATE, subtype="PCM_16")
        print(f"The sound is saved as {sound}: {len(samples) / RATE:.0f} seconds")
    if (file.parent / "exercises" / file.name).exists():
        number = file.stem.split("_")[0].lstrip("0")
        place = f"examples/exercises/{file.name}"
        # of the virtual environment, if that is how the lesson was run
        here = Path(sys.executable).is_relative_to(Path.cwd())
        python = Path(sys.executable).relative_to(Path.cwd()) if here else "python"
        print(f"Exercises: {place}; to check: {python} examples/check.py {number}")
    return found


def show(figure: Figure, sounds: list[np.ndarray]) -> None:
    """Show a picture and players of sounds below a notebook's cell."""
    from io import BytesIO

    from IPython.display import Audio, Image, display

    figure.savefig(picture := BytesIO(), dpi=110)
    display(Image(picture.getvalue(), width=int(80 * figure.get_figwidth())))
    for samples in sounds:
        display(Audio(samples, rate=RATE))
