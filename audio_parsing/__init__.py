"""Sound: files, frames, the starter collection, playback."""

import importlib
import os

# NOTE: Python 3.14 has a package named compression in its standard library, which hides the one of
# this project once that is installed. This adds the project's folder to it, so that
# `from compression.compression import ...` works; compression/__init__.py does the reverse.
_package = importlib.import_module("compression")
_folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "compression")
if _folder not in _package.__path__:
    _package.__path__.append(_folder)
