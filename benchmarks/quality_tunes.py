"""Tunes that no station was trained on, for quality.py: what a VAE knows of music in general.

Like the starter collection's they are in the public domain, and in the notation of
audio_parsing/tunes.py; all four are in major.
"""

from __future__ import annotations

import numpy as np

from audio_parsing.song import StarterSong
from audio_parsing.starter import arranged
from audio_parsing.tunes import Tune

UNHEARD: tuple[Tune, ...] = (
    Tune(
        "mary",
        "Mary Had a Little Lamb",
        "American, 1830",
        "major",
        4,
        (100, 140),
        """
"C" E D C D | E E E2 | "G" D D D2 | "C" E G G2
"C" E D C D | E E E E | "G" D D E D | "C" C4
""",
    ),
    Tune(
        "london_bridge",
        "London Bridge",
        "English, 18th century",
        "major",
        4,
        (100, 140),
        """
"C" G3/2 A/ G F | E F G2 | "G" D E F2 | "C" E F G2
"C" G3/2 A/ G F | E F G2 | "G" D2 G2 | "C" E C3
""",
    ),
    Tune(
        "wenceslas",
        "Good King Wenceslas",
        "Piae Cantiones, 1582",
        "major",
        4,
        (100, 140),
        """
"C" c c c d | c c G2 | "F" A G "G" A B | "C" c2 c2
"C" g f e d | e d c2 | "F" A G "G" A B | "C" c2 c2
""",
    ),
    Tune(
        "joy_to_the_world",
        "Joy to the World",
        "Lowell Mason, 1839",
        "major",
        4,
        (90, 130),
        """
"C" c2 B3/2 A/ | G3 F | "C" E2 "G" D2 | "C" C4
"C" z3 G | "F" A3 A | "G" B3 B | "C" c4
""",
    ),
)


def unheard_songs(count: int, rng: np.random.Generator, *, beats: int) -> list[StarterSong]:
    """Return arrangements of the tunes in turn, drawn as `fresh_song` draws them."""
    chosen = [UNHEARD[index % len(UNHEARD)] for index in range(count)]
    return [arranged(tune, rng, beats=beats, name=f"{tune.title}, unheard") for tune in chosen]
