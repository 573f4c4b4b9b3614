"""The product: stations, sessions, taste, the command line."""

import audio_parsing  # noqa: F401  (adds this project's `compression` on Python 3.14)
