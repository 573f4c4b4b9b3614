"""The limit of BLAS to one thread: blocks of several threads overlap, and leave it as it was."""

from __future__ import annotations

import threading

from threadpoolctl import threadpool_info, threadpool_limits

from neural_networks.training.one_thread import one_blas_thread


def blas_threads() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_blocks_that_overlap_leave_the_limit_as_it_was() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))
        seen = []

        def first() -> None:
            with one_blas_thread():
                first_is_in.set()
                second_is_in.wait(5)
            first_is_out.set()

        def second() -> None:
            first_is_in.wait(5)
            with one_blas_thread():
                second_is_in.set()
                first_is_out.wait(5)
                seen.append(blas_threads())

        threads = [threading.Thread(target=one) for one in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(seen[0]) == {1}
        assert blas_threads() == before
