"""Lesson 17: form from repeated innovations.

A model of what comes next makes a melody that never returns to anything. To give it a form, look at
what each step adds to the past, its innovation: here a number u between 0 and 1, and the next note
is the one at which the cumulated probability, given the past, passes u. Melody and innovations are
two ways to tell the same. If the innovations of a part are repeated, the part returns, not as a
copy: it begins from where the music is now, and every note follows from the one before.
"""

from __future__ import annotations

import numpy as np
from lesson import canvas, run, sung

from audio_parsing.tune_book import TUNES

LOWEST, PITCHES, STEPS, BAR = 55, 27, 32, 8  # MIDI number; half beats of a phrase and of a bar
KINDS = {"new parts": ("ABCD", 0), "innovations repeated": ("AABA", 0), "notes copied": ("AABA", 1)}
HOLD, SYMBOLS = PITCHES, PITCHES + 1  # a step begins a note, or holds the one before


def phrases() -> list[np.ndarray]:
    """Return phrases of 16 beats as symbols (STEPS,)."""
    found = []
    for phrase in (phrase for tune in TUNES for phrase in tune.phrases):
        if phrase.length == STEPS / 2 and phrase.notes[0].start == 0:
            symbols = np.full(STEPS, HOLD)
            for note in phrase.notes:
                symbols[round(2 * note.start)] = note.pitch - LOWEST
            found.append(symbols)
    return found


def learn(melodies: list[np.ndarray]) -> np.ndarray:
    """Return how often a symbol follows, (PITCHES, BAR, SYMBOLS): by pitch and place in the bar."""
    counts = np.zeros((PITCHES, BAR, SYMBOLS))
    for symbols in melodies:
        pitch = symbols[0]
        for t, symbol in enumerate(symbols[1:], start=1):
            counts[pitch, t % BAR, symbol] += 1
            pitch = pitch if symbol == HOLD else symbol
    # what was never seen is as in other places of the bar, or for other pitches
    counts += 0.5 * counts.mean(axis=1, keepdims=True) + 0.01 * counts.mean(axis=0)
    return counts / counts.sum(axis=2, keepdims=True)


def sing(model: np.ndarray, u: np.ndarray, pitch: int) -> np.ndarray:
    """Return the symbols of innovations u (T,), going on from a pitch."""
    symbols = np.empty(len(u), int)
    for t, each in enumerate(u):
        # the range of hold is the last, and its end is 1
        symbols[t] = np.searchsorted(np.cumsum(model[pitch, t % BAR, :-1]), each, side="right")
        pitch = pitch if symbols[t] == HOLD else symbols[t]
    return symbols


def innovations(model: np.ndarray, symbols: np.ndarray, pitch: int) -> np.ndarray:
    """Return innovations u (T,) of which `sing` makes these symbols: the middle of each range."""
    u = np.empty(len(symbols))
    for t, symbol in enumerate(symbols):
        p = model[pitch, t % BAR]
        u[t] = p[:symbol].sum() + p[symbol] / 2
        pitch = pitch if symbol == HOLD else symbol
    return u


def sounding(symbols: np.ndarray, pitch: int) -> np.ndarray:
    """Return the pitch that sounds at each step (T,), after a pitch before the first."""
    last = np.maximum.accumulate(np.where(symbols == HOLD, -1, np.arange(len(symbols))))
    return np.where(last < 0, pitch, symbols[last])


def compose(model: np.ndarray, form: str, rng, *, copy: bool) -> tuple:
    """Return pitches (parts, STEPS), a piano roll, and the surprise in nats where parts meet."""
    pitch, parts, songs, surprise = PITCHES // 2, {}, [], []
    u = dict(zip("ABCD", rng.random((4, STEPS)), strict=True))
    for letter in form:  # equal letters have equal innovations, or are copies
        symbols = parts[letter] if copy and letter in parts else sing(model, u[letter], pitch)
        parts[letter] = symbols
        surprise.append(-np.log(model[pitch, 0, symbols[0]]))
        songs.append((symbols, sounding(symbols, pitch)))
        pitch = int(songs[-1][1][-1])
    symbols, pitches = (np.stack(each) for each in zip(*songs, strict=True))
    roll = np.eye(PITCHES + 1)[pitches.ravel()]
    roll[:, PITCHES] = symbols.ravel() != HOLD
    return pitches, roll, float(np.mean(surprise[1:]))


def main(fast: bool) -> tuple:
    """Give tunes back by their innovations; compare songs without form, with it, and of copies."""
    model = learn(tunes := phrases())
    back = [sing(model, innovations(model, each[1:], each[0]), each[0]) for each in tunes]
    same = float(np.mean([(one == each[1:]).all() for one, each in zip(back, tunes, strict=True)]))
    print(f"{len(tunes)} phrases; {same:.0%} are given back by their innovations.\n")
    print(f"{'':34} last part like the first   surprise where parts meet")
    found, rolls = {"back": same}, {}
    for name, (form, copy) in KINDS.items():
        rng = np.random.default_rng(17)
        songs = [compose(model, form, rng, copy=copy) for _ in range(100 if fast else 1500)]
        alike = float(np.mean([pitches[3] == pitches[0] for pitches, _, _ in songs]))
        found[name] = alike, float(np.mean([nats for _, _, nats in songs]))
        rolls[f"{name}: {form}"] = songs[0][1]
        print(f"{form}, {name:28} {alike:20.0%} {found[name][1]:25.2f} nats")
    print("\nLook at the picture, and listen from top to bottom: a part that returns is led up to;")
    print("a copy begins where it once began, wherever the music is.")
    return picture(rolls), found, sung([*rolls.values()], LOWEST, 200)


def picture(rolls: dict[str, np.ndarray]):
    """Draw a song of each kind; the marks are where its parts begin."""
    figure = canvas(11, 6)
    for axis, (name, roll) in zip(figure.subplots(3, 1), rolls.items(), strict=True):
        axis.imshow(roll[:, :PITCHES].T, origin="lower", aspect="auto", cmap="magma")
        axis.set(title=name, ylabel="pitch", xticks=range(0, 4 * STEPS, STEPS))
    return figure


if __name__ == "__main__":
    found = run(main)
