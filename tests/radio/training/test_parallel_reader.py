"""Files read by several processes; a bad file costs only itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np

from audio_parsing.files import AudioError
from radio.station import STEP_SIZE
from radio.training.parallel_reader import Place, Readers, Result


def unsound(path: Path, share: int) -> Result:
    """Read a file whose name says what happens."""
    if "crash" in path.name:
        os.kill(os.getpid(), signal.SIGKILL)  # as a decoder's fault in machine code would
    if "bad" in path.name:
        raise AudioError(f"{path}: is bad")
    return Result(
        {Place(0, number): np.full((1, STEP_SIZE), number, np.float16) for number in range(share)}
    )


def test_a_decoder_that_crashes_costs_its_file() -> None:
    paths = [Path(name) for name in ("a", "bad", "b", "crash", "c")]
    with Readers(unsound, (1, STEP_SIZE), workers=2) as readers:
        results = readers.read(paths, 3)
        again = readers.read(paths[:1], 1)
    assert [len(result.excerpts) for result in results] == [3, 0, 3, 0, 3]
    assert len(again[0].excerpts) == 1
    assert results[1].error == "bad: is bad"
    assert results[3].error == "crash: its decoder crashed; the file is damaged"
    assert not results[4].error
