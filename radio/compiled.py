"""Whether the kernels were compiled on this machine before, so that the wait for it can be announced, once.

Numba keeps what it compiled beside the source, or in a cache folder of the user. A stamp in the same place says that everything a purpose
needs is there; it names what Numba asks for too: its version, Python's, the processor, and the kernels' sources.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

WAIT = "Compiling the kernels for this machine, once; this takes about {seconds} seconds ..."
SECONDS = {"play": 10, "train": 30}


def announce_compilation(purpose: str) -> None:
    """Say on stderr that compilation is coming, if it is.

    Args:
        purpose: 'play' or 'train'; they need different kernels.
    """
    if not is_compiled(purpose):
        print(WAIT.format(seconds=SECONDS[purpose]), file=sys.stderr, flush=True)


def is_compiled(purpose: str) -> bool:
    """Return whether everything for a purpose was compiled before."""
    path = stamp(purpose)
    return path is not None and path.is_file()


def mark_compiled(purpose: str) -> None:
    """Remember that everything for a purpose is compiled now."""
    path = stamp(purpose)
    if path is None or path.is_file():
        return
    try:
        for old in path.parent.glob(f"compiled-{purpose}-*"):
            old.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError:  # a place we can't write to: it will be announced again
        pass


def stamp(purpose: str) -> Path | None:
    """Return the file that stands for a finished compilation; None if compiled kernels can't be kept."""
    import llvmlite.binding
    import numba

    from neural_networks.components import kernels_gru

    kernels = [value for value in vars(kernels_gru).values() if getattr(getattr(value, "stats", None), "cache_path", None)]
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {llvmlite.binding.get_host_cpu_name()}".encode())
    root = Path(__file__).parent.parent
    for package in ("audio_parsing", "neural_networks", "gan", "radio"):
        for source in sorted((root / package).rglob("*.py")):
            content = source.read_bytes()
            if any(mark in content for mark in (b"@kernel", b"register_jitable", b"@intrinsic")):
                digest.update(content)
    if not kernels:  # Numba found no place for a cache: nothing stays compiled
        return None
    return Path(kernels[0].stats.cache_path) / f"compiled-{purpose}-{digest.hexdigest()[:16]}"
