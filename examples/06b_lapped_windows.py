"""Lesson 6b: principal components of music, and windows that lap over each other.

The radio's networks don't see samples. Sound becomes frames (202 values of a spectrum, 24 a beat),
six frames are a chunk, and a chunk is told by a few principal components. Coded one by one, chunks
disagree where they meet. So they are first folded into each other: a rotation mixes what lies i
frames before a border with what lies i frames behind it,

    before' = sin(a) before - cos(a) after,   after' = cos(a) before + sin(a) after,
    a = pi / 4 + (2 i + 1) pi / 4 H           H frames a chunk, i = 0 ... H / 2 - 1

after which a chunk fades in and out under a sine window (Malvar 1990). Rotations are orthogonal:
nothing is lost, nothing is added, and an error of components is an error of frames, as large.
"""

from __future__ import annotations

import numpy as np
from lesson import BLUE, ORANGE, canvas, run

from audio_parsing.folding import fold
from audio_parsing.frames import decode, encode
from audio_parsing.song import hop_length
from audio_parsing.starter import starter_songs
from audio_parsing.synthesizer import render

H, COUNT = 6, 16  # frames of a chunk; components that are kept


def folded(chunks: np.ndarray, direction: int) -> np.ndarray:
    """Return chunks (n, H, F) folded at their borders, or unfolded if the direction is -1."""
    a = np.pi / 4 + (2 * np.arange(H // 2) + 1) * np.pi / (4 * H)
    sine, cosine = np.sin(a)[:, None], direction * np.cos(a)[:, None]
    before, after = chunks[:-1, : H // 2 - 1 : -1], chunks[1:, : H // 2]
    result = chunks.copy()
    result[:-1, : H // 2 - 1 : -1] = sine * before - cosine * after
    result[1:, : H // 2] = cosine * before + sine * after
    return result


def principal_components(chunks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (D,) of chunks, and directions (D, D) as rows, of most variance first."""
    rows = chunks.reshape(len(chunks), -1)
    return rows.mean(axis=0), np.linalg.eigh(np.cov(rows.T, bias=True))[1].T[::-1]


def through(chunks: np.ndarray, mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return chunks as they are after being told by some components alone."""
    rows = chunks.reshape(len(chunks), -1) - mean
    return (rows @ directions.T @ directions + mean).reshape(chunks.shape)


def main(fast: bool) -> tuple:
    """Learn components of some songs, and code another song by them, apart and lapped."""
    beats, chosen = (16, (0, 3)) if fast else (32, (0, 3, 6, 9, 12, 15, 18, 21))
    songs = starter_songs(beats=beats)
    learned = [encode(render(songs[i]), hop_length=hop_length(songs[i].bpm)) for i in chosen]
    hop = hop_length(songs[31].bpm)
    frames = encode(render(songs[31]), hop_length=hop).astype(np.float64)
    new = frames.reshape(-1, H, frames.shape[1])

    by_library = new.copy()
    fold(by_library, 1)
    apart = float(np.abs(folded(new, 1) - by_library).max())
    lost = float(np.abs(folded(folded(new, 1), -1) - new).max())
    print(
        f"Folding by hand and by the library differ by {apart:.0e}; unfolded, {lost:.0e} is lost."
    )
    print(f"{new[0].size} values by {COUNT} components, on a song that was not learned:\n")
    print("          error   its jumps from frame to frame in chunks   at borders")
    coded, jumps, errors = {}, {}, {}
    for name, join in (("apart", lambda chunks, _: chunks), ("lapped", folded)):
        parts = [join(song.reshape(-1, *new.shape[1:]).astype(float), 1) for song in learned]
        mean, directions = principal_components(np.concatenate(parts))
        kept = through(join(new, 1), mean, directions[:COUNT])
        coded[name] = join(kept, -1).reshape(frames.shape)
        error = coded[name] - frames
        steps, borders = (
            (np.diff(error, axis=0) ** 2).mean(axis=1),
            np.arange(1, len(frames)) % H == 0,
        )
        errors[name], jumps[name] = (
            float(np.mean(error**2)),
            (steps[~borders].mean(), steps[borders].mean()),
        )
        print(f"{name:7} {errors[name]:7.5f}   {jumps[name][0]:37.5f}   {jumps[name][1]:10.5f}")
    print(
        "\nLook at the picture: chunks apart are bricks; lapped they fade into each other. In the"
    )
    print("sound are eight beats of the song, then of chunks apart, then of lapped ones.")
    some = slice(48, 48 + 24 * 8)
    shown = {"the song": frames[some]} | {
        f"{COUNT} components, {name}": each[some] for name, each in coded.items()
    }
    sound = [np.append(decode(each, hop_length=hop), np.zeros(11025)) for each in shown.values()]
    found = {"apart": apart, "lost": lost, "errors": errors, "jumps": jumps}
    return picture(shown, jumps), found, np.concatenate(sound)


def picture(shown: dict[str, np.ndarray], jumps: dict[str, tuple]):
    """Draw two beats of the song, coded both ways, and how the error jumps."""
    figure = canvas(12, 4.4)
    axes = figure.subplots(1, 4, width_ratios=[1, 1, 1, 0.8])
    for axis, (title, frames) in zip(axes, shown.items(), strict=False):
        axis.imshow(
            frames[48:96, 30:150].T, origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=0.6
        )
        axis.set(title=title, xlabel="frame", xticks=range(0, 48, H), yticks=[])
    for place, (name, colour) in enumerate((("apart", BLUE), ("lapped", ORANGE))):
        axes[3].bar(np.arange(2) + 0.4 * place, jumps[name], 0.4, color=colour, label=name)
    axes[3].set_xticks([0.2, 1.2], ["in a chunk", "at a border"])
    axes[3].set(title="jumps of the error", yticks=[])
    axes[3].legend()
    return figure


if __name__ == "__main__":
    found = run(main)
