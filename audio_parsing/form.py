"""The form of a song: which phrases of a tune fill a given number of beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A phrase (its number, None for an introduction) from `start`, for its last `length` beats."""

    phrase: int | None
    start: float
    length: float


def plan_form(lengths: Sequence[float], metre: int, beats: float) -> list[Section]:
    """Fill `beats` beats with phrases of the given lengths, always ending with the last.

    First whole tunes; then as many first phrases as fit before the last one or two; the rest
    becomes an introduction of one or two bars, a repeat of the last bars, and time for the last
    note to ring.

    Examples:
        >>> [section.phrase for section in plan_form([16, 16], 4, 64)]
        [0, 1, 0, 1]
    """
    final = len(lengths) - 1
    order: list[tuple[int | None, float]] = []
    left = beats
    while left >= sum(lengths):
        order += list(enumerate(lengths))
        left -= sum(lengths)
    # The part of a tune that fits best: the first `head` phrases and the last `tail`. A song should
    # open with the beginning of its tune; then a longer tail keeps question and answer together.
    choices = [
        (
            head > 0 or bool(order),
            sum(lengths[:head]) + sum(lengths[len(lengths) - tail :]),
            tail,
            head,
        )
        for tail in (1, 2)
        for head in range(len(lengths) - tail + 1)
    ]
    fitting = [choice for choice in choices if choice[1] <= left]
    if fitting:
        _, used, tail, head = max(fitting)
        order += [
            (index, lengths[index])
            for index in (*range(head), *range(len(lengths) - tail, len(lengths)))
        ]
        left -= used
    elif not order:
        bars = min(left, lengths[final]) // metre
        order.append((final, bars * metre))
        left -= bars * metre
    introduction = min(left // metre, 2) * metre
    left -= introduction
    if left >= metre:
        bars = min(left, lengths[final]) // metre
        order.append((final, bars * metre))
    if introduction:
        order.insert(0, (None, introduction))
    sections = []
    start = 0.0
    for phrase, length in order:
        sections.append(Section(phrase, start, length))
        start += length
    return sections
