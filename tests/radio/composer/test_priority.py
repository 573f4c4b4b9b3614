"""The cores that a composer leaves to the radio."""

from __future__ import annotations

import os
import threading

import pytest

from radio.composer.priority import Cores


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux alone can do this")
def test_every_thread_leaves_a_core_and_takes_it_back() -> None:
    over, ids = threading.Event(), []
    started = threading.Event()

    def compute() -> None:
        ids.append(threading.get_native_id())
        started.set()
        over.wait(20)

    threading.Thread(target=compute, daemon=True).start()
    assert started.wait(20)
    all_cores = os.sched_getaffinity(0)
    cores = Cores()
    try:
        cores.leave_one(True)
        left = all_cores - {min(all_cores)} or all_cores
        assert os.sched_getaffinity(0) == left and os.sched_getaffinity(ids[0]) == left
    finally:
        cores.leave_one(False)
        over.set()
    assert os.sched_getaffinity(0) == all_cores
