"""The product: stations, sessions, taste, the command line."""

import audio_parsing  # noqa: F401  (makes `compression` ours too on Python 3.14, see there)
