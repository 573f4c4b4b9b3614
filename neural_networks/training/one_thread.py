"""Matrix products on the calling thread alone: the same bytes on any number of cores.

    with one_blas_thread(): ...

The limit is the whole process's. Blocks of several threads may overlap: the first one sets it, the
last one that ends restores what was before.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0  # blocks
_limit: AbstractContextManager[object] | None = None
# To look through all loaded libraries takes a millisecond; another import may load another BLAS.
_controller: tuple[int, ThreadpoolController] | None = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread within this block."""
    global _inside, _limit
    with _lock:
        if not _inside:
            controller = _current_controller()
            _release(controller)
            _limit = controller.limit(limits=1, user_api="blas")
            _limit.__enter__()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside and _limit is not None:
                _release(_current_controller())
                _limit.__exit__(None, None, None)
                _limit = None


def _release(controller: ThreadpoolController) -> None:
    """Let this thread set limits: threadpoolctl 3.8 ignores all but the first that did."""
    for library in controller.lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)


def _current_controller() -> ThreadpoolController:
    global _controller
    if _controller is None or _controller[0] != len(sys.modules):
        _controller = len(sys.modules), ThreadpoolController()
    return _controller[1]
