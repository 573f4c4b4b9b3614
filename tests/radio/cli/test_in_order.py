"""Things worked on at once: their order, how many at a time, and what a failure leaves."""

from __future__ import annotations

import threading

import pytest

from radio.cli.in_order import in_order


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_things(threads: int) -> None:
    begun = [threading.Event() for _ in range(7)]

    def later_first(index: int) -> int:
        begun[index].set()
        if threads > 1 and index % 2 == 0 and index < 6:
            assert begun[index + 1].wait(20)  # would wait in vain if one came after the other
        return index * index

    assert list(in_order(later_first, range(7), threads=threads)) == [n * n for n in range(7)]


def test_things_are_taken_when_they_are_needed() -> None:
    taken: list[int] = []

    def things():
        for number in range(100):
            taken.append(number)
            yield number

    results = in_order(lambda number: number, things(), threads=2)
    assert next(results) == 0 and len(taken) == 3
    results.close()
    assert len(taken) == 3


def test_a_failure_ends_it_after_what_came_before() -> None:
    done: list[float] = []
    with pytest.raises(ZeroDivisionError):
        for value in in_order(lambda number: 1 / number, [2, 1, 0, 4, 5, 6, 7], threads=2):
            done.append(value)
    assert done == [0.5, 1.0]
