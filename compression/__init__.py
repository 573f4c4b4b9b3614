"""Compression of audio by autoencoding.

NOTE: Python 3.14 has a package of this name in its standard library, which gzip, bz2 and lzma
import from. Where this package is found first, as in the repository's root, it also searches the
standard library's folder; where the standard library's is found first, as after an installation,
importing audio_parsing or radio adds this folder to it.
"""

import os

_standard = os.path.join(os.path.dirname(os.__file__), "compression")
if _standard not in __path__:
    # before 3.14 nothing is found in this folder, which may not exist or lie in a zip file
    __path__.append(_standard)
