"""`ai-radio compress` and `decompress`: music to small .air files, and back."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from radio.cli.progress import Progress, duration
from radio.errors import UsageError

SUFFIX = ".air"
SOUND = (".wav", ".flac")
LARGE = 1e9  # bytes of samples, a hundred minutes in stereo; more has to be asked for
COMPILING = "Compiling the coder for this machine, once; this takes about 10 seconds ..."


def compress(options: argparse.Namespace) -> None:
    """Compress music files."""
    targets = Targets(options.files, options.output, (SUFFIX,), force=options.force)

    from compression.files import compress_file

    _compile_once()
    written = []
    for number, (source, target) in enumerate(targets, 1):
        line = _Line(f"compressing {source.name}", number, len(targets))
        facts = _kept(
            target, partial(compress_file, source, quality=options.quality, progress=line)
        )
        line.clear()
        before = source.stat().st_size
        rate = 8 * facts.size / max(facts.seconds, 1e-9) / 1000
        compared = (
            f"{before / facts.size:.1f} times smaller"
            if before >= facts.size
            else f"{facts.size / before:.1f} times larger"
        )
        text = f"{target}  {facts.size:,} bytes, {rate:.0f} kbit/s, {compared} than {source.name}"
        written.append(_row(target, facts, text, speed=line.speed(facts.seconds)))
    _tell(written, options.json)


def decompress(options: argparse.Namespace) -> None:
    """Turn compressed files into WAV or FLAC files."""
    targets = Targets(options.files, options.output, SOUND, force=options.force)

    from compression.files import decompress_file

    _compile_once()
    written = []
    for number, (source, target) in enumerate(targets, 1):
        line = _Line(f"decompressing {source.name}", number, len(targets))
        most = math.inf if options.large else LARGE
        ending = target.suffix.lower()
        facts = _kept(
            target, partial(decompress_file, source, ending=ending, most=most, progress=line)
        )
        line.clear()
        channels = (
            "mono"
            if facts.channels == 1
            else "stereo"
            if facts.channels == 2
            else f"{facts.channels} channels"
        )
        text = f"{target}  {duration(facts.seconds)}, {facts.sample_rate} Hz, {channels}"
        written.append(_row(target, facts, text, speed=line.speed(facts.seconds)))
    _tell(written, options.json)


class Targets(list[tuple[Path, Path]]):
    """Pairs of a source and a target file.

    Args:
        sources: as typed.
        output: a folder, made if needed, or for one source a file with one of the endings; None
            for the folder of each source.
        endings: of the target files; in a folder the first one is used.
        force: overwrite existing files.

    Raises:
        UsageError: if a source does not exist, or a target exists or would be written twice.
    """

    def __init__(
        self, sources: list[Path], output: Path | None, endings: tuple[str, ...], *, force: bool
    ) -> None:
        super().__init__()
        output = None if output is None else output.expanduser()
        sources = [source.expanduser() for source in sources]
        for source in sources:
            if not source.is_file():
                raise UsageError(
                    f"{source} {'is not a file' if source.exists() else 'does not exist'};"
                    " name files to read"
                )
        single = output is not None and output.suffix.lower() in endings and not output.is_dir()
        if single and len(sources) > 1:
            raise UsageError(
                f"{output} is a single file, but there are {len(sources)} to write; name a folder"
            )
        file = output if single else None
        folder = output.parent if output is not None and single else output
        pairs = [
            (source, file or (folder or source.parent) / f"{source.stem}{endings[0]}")
            for source in sources
        ]
        for index, (source, target) in enumerate(pairs):
            twin = next((other for other, place in pairs[:index] if place == target), None)
            if twin is not None:
                raise UsageError(
                    f"{twin} and {source} would both become {target};"
                    " write them to different folders"
                )
            if target.exists() and target.samefile(source):
                raise UsageError(f"{target} would be written over itself; give another --output")
            if target.exists() and not force:
                raise UsageError(
                    f"{target} already exists; give another --output, or --force to overwrite it"
                )
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(
                f"{folder} is not a folder; name one, or a file that ends in {' or '.join(endings)}"
            ) from error
        self.extend(pairs)


class _Line(Progress):
    """The progress line, called with the seconds done and, if known, the share of the file."""

    def __init__(self, what: str, number: int, count: int) -> None:
        super().__init__()
        self._what = f"{number} of {count}  {what}" if count > 1 else what
        self._began = time.monotonic()

    def __call__(self, seconds: float, share: float | None) -> None:
        """Show the progress."""
        done = f"{100 * share:.0f} %" if share is not None else duration(seconds)
        self.show(f"{self._what}  {done}  {self.speed(seconds):.0f} times real time")

    def speed(self, seconds: float) -> float:
        """Return seconds of sound processed per second."""
        return seconds / max(time.monotonic() - self._began, 1e-3)


def _kept(target: Path, write: Callable[[Path], Any]) -> Any:
    """Let `write` fill a temporary file, rename it, and return what `write` returned."""
    from radio.home import replace_file

    results: list[Any] = []
    replace_file(target, lambda place: results.append(write(place)))
    return results[0]


def _compile_once() -> None:
    import numpy as np

    from compression import range_coder

    if not range_coder.is_compiled():
        print(COMPILING, file=sys.stderr, flush=True)
        range_coder.decode(range_coder.encode(np.zeros((1, 1, 1), np.int32)), (1, 1, 1))


def _row(target: Path, facts: Any, text: str, *, speed: float) -> dict[str, Any]:
    exact = {
        "path": str(target),
        "seconds": round(facts.seconds, 3),
        "sample_rate": facts.sample_rate,
        "channels": facts.channels,
    }
    return {
        **exact,
        "quality": facts.quality,
        "compressed_bytes": facts.size,
        "times_real_time": round(speed, 1),
        "text": text,
    }


def _tell(written: list[dict[str, Any]], as_json: bool) -> None:
    texts = [row.pop("text") for row in written]
    if as_json:
        json.dump(written, sys.stdout, indent=2)
        print()
        return
    for text in texts:
        print(text)
