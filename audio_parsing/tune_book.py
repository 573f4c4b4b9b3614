"""The starter collection's 32 tunes, all in the public domain, in the notation of tunes.py."""

from __future__ import annotations

from audio_parsing.tunes import Tune

TUNES: tuple[Tune, ...] = (
    Tune(
        "ode_to_joy",
        "Ode to Joy",
        "Ludwig van Beethoven, 1824",
        "major",
        4,
        (100, 140),
        """
"C" E E F G | "G" G F E D | "C" C C D E | "G" E3/2 D/ D2
"C" E E F G | "G" G F E D | "C" C C D E | "G" D3/2 C/ "C" C2
"G" D D "C" E C | "G" D E/F/ "C" E C | "G" D E/F/ "C" E D | "Am" C "Dm" D "G" G,2
"C" E E F G | "G" G F E D | "C" C C D E | "G" D3/2 C/ "C" C2
""",
    ),
    Tune(
        "twinkle",
        "Twinkle, Twinkle, Little Star",
        "French, 1761",
        "major",
        4,
        (96, 132),
        """
"C" C C G G | "F" A A "C" G2 | "F" F F "C" E E | "G" D D "C" C2
"C" G G "F" F F | "C" E E "G" D2 | "C" G G "F" F F | "C" E E "G" D2
"C" C C G G | "F" A A "C" G2 | "F" F F "C" E E | "G" D D "C" C2
""",
    ),
    Tune(
        "frere_jacques",
        "Frere Jacques",
        "French, 18th century",
        "major",
        4,
        (104, 144),
        """
"C" C D E C | C D E C | "C" E F G2 | E F G2
"C" G/A/G/F/ E C | G/A/G/F/ E C | "C" C "G" G, "C" C2 | "C" C "G" G, "C" C2
""",
    ),
    Tune(
        "au_clair_de_la_lune",
        "Au clair de la lune",
        "French, 18th century",
        "major",
        4,
        (96, 132),
        """
"C" C C C D | "C" E2 "G" D2 | "C" C E "G" D D | "C" C4
"C" C C C D | "C" E2 "G" D2 | "C" C E "G" D D | "C" C4
"G" D D D D | "Dm" A,2 A,2 | "G" D C B, A, | "G" G,4
"C" C C C D | "C" E2 "G" D2 | "C" C E "G" D D | "C" C4
""",
    ),
    Tune(
        "amazing_grace",
        "Amazing Grace",
        "American, 1829",
        "major",
        3,
        (84, 112),
        """
G, | "C" C2 E/C/ | E2 D | "F" C2 A, | "C" G,2
G, | "C" C2 E/C/ | "Am" E2 D | "G" G3- | G2
E | "C" G2 E/C/ | E2 D | "F" C2 A, | "C" G,2
G, | "C" C2 E/C/ | "G" E2 D | "C" C3- | C2
""",
    ),
    Tune(
        "scarborough_fair",
        "Scarborough Fair",
        "English",
        "minor",
        3,
        (96, 132),
        """
"Am" A2 A | e e e | "G" B3/2 c/ B | "Am" A3
"Am" z e g | "C" a2 g | "Am" e "G" ^f d | "Am" e3
"Am" z2 a | "Am" a2 a | "C" g2 e | "G" e d c | "G" B G2
"Am" A2 e | "G" d2 c | "Em" B A G | "Am" A3
""",
    ),
    Tune(
        "auld_lang_syne",
        "Auld Lang Syne",
        "Scottish, 1799",
        "major",
        4,
        (92, 124),
        """
G, | "C" C3/2 C/ C E | "G" D3/2 C/ D E | "C" C3/2 C/ E G | "F" A3
A | "C" G3/2 E/ E C | "G" D3/2 C/ D E | "Am" C3/2 A,/ "F" A, "G" G, | "C" C3
A | "C" G3/2 E/ E C | "G" D3/2 C/ D A | "C" G3/2 E/ E G | "F" A3
A | "C" G3/2 E/ E C | "G" D3/2 C/ D E | "Am" C3/2 A,/ "F" A, "G" G, | "C" C3
""",
    ),
    Tune(
        "greensleeves",
        "Greensleeves",
        "English, 1580",
        "minor",
        3,
        (104, 144),
        """
A | "Am" c2 d | e3/2 f/ e | "G" d2 B | G3/2 A/
B | "Am" c2 A | A3/2 ^G/ A | "E" B2 ^G | E2
A | "Am" c2 d | e3/2 f/ e | "G" d2 B | G3/2 A/
B | "Am" c3/2 B/ A | "E" ^G3/2 ^F/ ^G | "Am" A3- | A2
z | "C" g3 | g3/2 f/ e | "G" d2 B | G3/2 A/
B | "Am" c2 A | A3/2 ^G/ A | "E" B2 ^G | E2
z | "C" g3 | g3/2 f/ e | "G" d2 B | G3/2 A/
B | "Am" c3/2 B/ A | "E" ^G3/2 ^F/ ^G | "Am" A3- | A2
""",
    ),
    Tune(
        "swan_lake",
        "Swan Lake",
        "Pyotr Tchaikovsky, 1876",
        "minor",
        4,
        (84, 116),
        """
"Am" e2 A/B/c/d/ | "Am" e3/2 c/ e3/2 c/ | "Am" e3/2 A/ "F" c/A/F/c/ | "Am" A5/2 d/c/B/
"Am" e2 A/B/c/d/ | "Am" e3/2 c/ e3/2 c/ | "Am" e3/2 A/ "F" c/A/F/c/ | "Am" A4
""",
    ),
    Tune(
        "fur_elise",
        "Fur Elise",
        "Ludwig van Beethoven, 1810",
        "minor",
        3,
        (108, 148),
        """
e/^d/ | "Am" e/^d/e/B/d/c/ | "Am" A z/ C/E/A/ | "E" B z/ E/^G/B/ | "Am" c z/ E/
e/^d/ | "Am" e/^d/e/B/d/c/ | "Am" A z/ C/E/A/ | "E" B z/ E/c/B/ | "Am" A2
c/d/ | "C" e3/2 G/f/e/ | "G" d3/2 F/e/d/ | "Am" c3/2 E/d/c/ | "E" B z/ E/
e/^d/ | "Am" e/^d/e/B/d/c/ | "Am" A z/ C/E/A/ | "E" B z/ E/c/B/ | "Am" A2
""",
    ),
    Tune(
        "canon",
        "Canon in D",
        "Johann Pachelbel, about 1690",
        "major",
        4,
        (84, 112),
        """
"C" e2 "G" d2 | "Am" c2 "Em" B2 | "F" A2 "C" G2 | "F" A2 "G" B2
"C" c2 "G" B2 | "Am" A2 "Em" G2 | "F" F2 "C" E2 | "F" F2 "G" D2
"C" C E "G" G F | "Am" E C "Em" E D | "F" C A, "C" C G | "F" F A "G" G F
"C" e2 "G" d2 | "Am" c2 "Em" B2 | "F" A "C" G "F" A "G" B | "C" c4
""",
    ),
    Tune(
        "morning",
        "Morning Mood",
        "Edvard Grieg, 1875",
        "major",
        3,
        (84, 100),
        """
"C" G E D C D E | G E D C D/E/D/E/ | "C" G E "F" A E A2 | "C" G E D C D E
"C" G E D C D E | G E D C D/E/D/E/ | "C" G E "G" G D "F" F A | "C" G E D C3
""",
        unit=0.5,
    ),
    Tune(
        "when_the_saints",
        "When the Saints Go Marching In",
        "American",
        "major",
        4,
        (112, 152),
        """
"C" z C E F | G4 | "C" z C E F | G4
"C" z C E F | "C" G2 E2 | "Am" C2 E2 | "G" D4
"C" z E E D | "C" C3 C | "C" E2 G G | "F" F4
"Dm" z2 E F | "C" G2 E2 | "G" C2 D2 | "C" C4
""",
    ),
    Tune(
        "oh_susanna",
        "Oh! Susanna",
        "Stephen Foster, 1848",
        "major",
        4,
        (116, 152),
        """
C/D/ | "C" E G G3/2 A/ | G E C3/2 D/ | "C" E E "G" D C | "G" D3
C/D/ | "C" E G G3/2 A/ | G E C3/2 D/ | "C" E E "G" D D | "C" C3
z | "F" F2 F2 | A A2 A | "C" G G E C | "G" D3
C/D/ | "C" E G G3/2 A/ | G E C3/2 D/ | "C" E E "G" D D | "C" C3
""",
    ),
    Tune(
        "jingle_bells",
        "Jingle Bells",
        "James Lord Pierpont, 1857",
        "major",
        4,
        (120, 152),
        """
"C" E E E2 | E E E2 | "C" E G C3/2 D/ | E4
"F" F F F3/2 F/ | "C" F E E E/E/ | "G" E D D E | "G" D2 G2
"C" E E E2 | E E E2 | "C" E G C3/2 D/ | E4
"F" F F F3/2 F/ | "C" F E E E/E/ | "G" G G F D | "C" C4
""",
    ),
    Tune(
        "silent_night",
        "Silent Night",
        "Franz Xaver Gruber, 1818",
        "major",
        3,
        (84, 108),
        """
"C" G3/2 A/ G | E3 | "C" G3/2 A/ G | E3
"G" d2 d | B3 | "C" c2 c | G3
"F" A2 A | c3/2 B/ A | "C" G3/2 A/ G | E3
"F" A2 A | c3/2 B/ A | "C" G3/2 A/ G | E3
"G" d2 d | f3/2 d/ B | "C" c3 | e3
"C" c3/2 G/ E | "G" G3/2 F/ D | "C" C3- | C3
""",
    ),
    Tune(
        "yankee_doodle",
        "Yankee Doodle",
        "American, 18th century",
        "major",
        4,
        (124, 152),
        """
"C" c c d e | "C" c e "G" d G | "C" c c d e | "C" c2 "G" B2
"C" c c d e | "F" f e d c | "G" B G A B | "C" c2 c2
"F" A3/2 B/ A G | "F" A B c2 | "C" G3/2 A/ G F | "C" E2 G2
"F" A3/2 B/ A G | "F" A B c A | "C" G c "G" B d | "C" c2 c2
""",
    ),
    Tune(
        "skye_boat_song",
        "The Skye Boat Song",
        "Scottish, 18th century",
        "major",
        3,
        (92, 120),
        """
"C" G,3/2 A,/ G, | C2 C | "Dm" D3/2 E/ D | "G" G3
"Am" E3/2 D/ E | A,2 A, | "C" G,3- | G,3
"C" G,3/2 A,/ G, | C2 C | "Dm" D3/2 E/ D | "G" G3
"Am" E3/2 D/ E | "F" A,2 D | "C" C3- | C3
""",
    ),
    Tune(
        "lullaby",
        "Lullaby",
        "Johannes Brahms, 1868",
        "major",
        3,
        (84, 108),
        """
E/E/ | "C" G3/2 E/ E | G2 E/G/ | "C" c B3/2 A/ | "G" A G
D/E/ | "G" F D D/E/ | F2 D/F/ | "G" B/A/ G B | "C" c2
C/C/ | "F" c2 A/F/ | "C" G2 E/C/ | "G" F G A | "C" G2
C/C/ | "F" c2 A/F/ | "C" G2 E/C/ | "G" F E D | "C" C2
""",
    ),
    Tune(
        "minuet",
        "Minuet in G",
        "Christian Petzold, 1725",
        "major",
        3,
        (108, 144),
        """
"C" G C/D/E/F/ | G C C | "F" A F/G/A/B/ | "C" c C C
"Dm" F G/F/E/D/ | "C" E F/E/D/C/ | "G" B, C/D/E/C/ | "G" D3
"C" G C/D/E/F/ | G C C | "F" A F/G/A/B/ | "C" c C C
"Dm" F G/F/E/D/ | "C" E F/E/D/C/ | "G" D E/D/C/B,/ | "C" C3
""",
    ),
    Tune(
        "clementine",
        "Oh My Darling, Clementine",
        "American, 1884",
        "major",
        3,
        (88, 110),
        """
C3/4C/4 | "C" C G, E3/4E/4 | E C C3/4E/4 | G G3/2 F/4E/4 | "G" D2
D3/4E/4 | "G" F F E3/4D/4 | "C" E C C3/4E/4 | "G" D G, B,3/4D/4 | "C" C2
""",
    ),
    Tune(
        "my_bonnie",
        "My Bonnie Lies over the Ocean",
        "Scottish",
        "major",
        3,
        (108, 148),
        """
G | "C" e d c | "F" d c A | "C" G E2- | E2
G | "C" e d c | "F" c B c | "G" d3- | d2
G | "C" e d c | "F" d c A | "C" G E2- | E2
G | "F" A d c | "G" B A B | "C" c3- | c2
""",
    ),
    Tune(
        "aura_lee",
        "Aura Lee",
        "George Poulton, 1861",
        "major",
        4,
        (88, 120),
        """
"C" G, C B, C | "Dm" D A, D2 | "G" C B, A, B, | "C" C4
"C" G, C B, C | "Dm" D A, D2 | "G" C B, A, B, | "C" C4
"C" E E E2 | "C" E E E2 | "Am" E D C D | "C" E4
"C" E E F E | "Dm" D A, D2 | "G" C B, A, B, | "C" C4
""",
    ),
    Tune(
        "la_cucaracha",
        "La Cucaracha",
        "Mexican",
        "major",
        4,
        (116, 148),
        """
"C" z/ G/G/G/ c e | z/ G/G/G/ c e | "C" c c "G" B B | "F" A A "G" G2
"G" z/ G/G/G/ B d | z/ G/G/G/ B d | "G" g a g f | "C" e d c2
""",
    ),
    Tune(
        "new_world",
        "Largo of the New World",
        "Antonin Dvorak, 1893",
        "major",
        4,
        (84, 104),
        """
"C" E3/2 G/ G2 | "C" E3/2 D/ C2 | "F" D E "C" G3/2 E/ | "G" D4
"C" E3/2 G/ G2 | "C" E3/2 D/ C2 | "F" D E "G" D3/2 C/ | "C" C4
"F" A3/2 c/ c2 | "G" B3/2 G/ "Am" A2 | "F" A c "G" B G | "Am" A4
"C" E3/2 G/ G2 | "C" E3/2 D/ C2 | "F" D E "G" D3/2 C/ | "C" C4
""",
    ),
    Tune(
        "can_can",
        "Can-can",
        "Jacques Offenbach, 1858",
        "major",
        4,
        (124, 152),
        """
"G" D/F/E/D/ "C" G G | "C" G/A/E/F/ "G" D D | "G" D/F/E/D/ "C" C/c/B/A/ | "G" G/F/E/D/ "C" C2
"G" D/F/E/D/ "C" G G | "C" G/A/E/F/ "G" D D | "G" D/F/E/D/ "C" C/G/"G" D/E/ | "C" C4
""",
    ),
    Tune(
        "kesh_jig",
        "The Kesh Jig",
        "Irish",
        "major",
        3,
        (104, 140),
        """
"C" C3 CDE | "G" D3 DEG | "F" AGG "C" cGG | "C" AGE "G" GED
"C" CDC CDE | "G" DED DEG | "F" AGG "C" cGE | "G" DCB, "C" C3
"C" E2E G2G | "F" AcA "C" GEC | "C" E2E "Am" GEC | "G" DED DCD
"C" E2E G2G | "F" AcA "C" GEG | "G" cBc dcd | "C" ecc c3
""",
        unit=0.5,
    ),
    Tune(
        "augustin",
        "O du lieber Augustin",
        "Austrian, 1679",
        "major",
        3,
        (116, 152),
        """
"C" G A/G/F | E C C | "G" D G, G, | "C" E C C
"C" G A/G/F | E C C | "G" D2 G, | "C" C3
"G" D G, G, | "C" E C C | "G" D G, G, | "C" E C C
"C" G A/G/F | E C C | "G" D2 G, | "C" C3
""",
    ),
    Tune(
        "korobeiniki",
        "Korobeiniki",
        "Russian, 1861",
        "minor",
        4,
        (116, 152),
        """
"E" e B/c/ d c/B/ | "Am" A A/c/ e d/c/ | "E" B3/2 c/ d e | "Am" c A A2
"Dm" d3/2 f/ a g/f/ | "C" e3/2 c/ e d/c/ | "E" B B/c/ d e | "Am" c A A2
""",
    ),
    Tune(
        "god_rest_ye",
        "God Rest Ye Merry, Gentlemen",
        "English, 18th century",
        "minor",
        4,
        (108, 144),
        """
A | "Am" A e e d | "F" c B A "Em" G | "Am" A B "G" c d | "E" e3
A | "Am" A e e d | "F" c B A "Em" G | "Am" A B "G" c d | "E" e3
e | "Dm" f d e f | "C" g a "Am" e d | "F" c A B c | "G" d2 c
d | "C" e2 f e | "Em" e d c B | "Am" A2 c/B/ A | "G" d2 c
d | "C" e f g a | "E" e d c B | "Am" A3
""",
    ),
    Tune(
        "drunken_sailor",
        "Drunken Sailor",
        "Irish, 1839",
        "minor",
        4,
        (112, 148),
        """
"Am" e e/e/ e e/e/ | e A c e | "G" d d/d/ d d/d/ | d G B d
"Am" e e/e/ e e/e/ | e ^f g a | "G" g e "Em" d B | "Am" A2 A2
"Am" e2 e2 | e A c e | "G" d2 d2 | d G B d
"Am" e2 e2 | e ^f g a | "G" g e "Em" d B | "Am" A2 A2
""",
    ),
    Tune(
        "three_kings",
        "We Three Kings",
        "John Henry Hopkins, 1857",
        "minor",
        3,
        (112, 148),
        """
"Am" e2 d | c2 A | "E" B c B | "Am" A3
"Am" e2 d | c2 A | "E" B c B | "Am" A3
"C" c2 c | "G" d2 d | "Am" e2 e | "C" g f e
"Dm" d e d | "E" c2 B | "Am" A3- | A3
""",
    ),
)
