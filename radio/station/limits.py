"""Bounds of a song's tempo; imports no NumPy, so a command line starts fast."""

SLOWEST_TEMPO, FASTEST_TEMPO = 60, 200  # beats a minute
