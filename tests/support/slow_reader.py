"""A reader of files that takes its time, for workers to import quickly."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from radio.training.parallel_reader import Readers, Result


def slow(path: Path, share: int) -> Result:
    """Leave a file that says which process reads, and take long."""
    path.with_suffix(".begun").write_text(str(os.getpid()))
    time.sleep(600 if "long" in path.name else 0.2)
    return Result({})


if __name__ == "__main__":
    import slow_reader

    with Readers(slow_reader.slow, (1, 1), workers=2) as readers:
        readers.read([Path(sys.argv[1]) / "1 long", Path(sys.argv[1]) / "2 long"], 1)
