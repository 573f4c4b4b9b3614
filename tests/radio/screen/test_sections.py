"""The sections of a song under the progress bar."""

from __future__ import annotations

from dataclasses import replace

import pytest

from radio.screen.panels import columns
from radio.screen.sections import section_row
from radio.session import View

VIEW = View(1, "Amber Harbor", "", 11.0, 40.0, False, None, 0, None, 1.0, "", False, form="AABA")


def test_letters_are_where_their_sections_begin_and_the_one_that_plays_is_bright() -> None:
    first, room = columns(60)
    row = section_row(VIEW, 60)
    assert len(row.plain) == first + room
    begins = [first + number * room // 4 for number in range(4)]
    assert [row.plain[begin] for begin in begins] == list("AABA")
    assert sum(letter != " " for letter in row.plain) == 4
    for position, number in ((0.0, 0), (11.0, 1), (40.0, 3)):
        row = section_row(replace(VIEW, position=position), 60)
        assert [span.style for span in row.spans].index("bold cyan") == number


@pytest.mark.parametrize(("form", "width"), [("", 40), ("ABABABAB", 14), ("AB", 10), ("A", 1)])
def test_a_row_fits_the_bar(form: str, width: int) -> None:
    first, room = columns(width)
    for duration in (0.0, 9.0):
        row = section_row(replace(VIEW, form=form, duration=duration), width)
        assert len(row.plain) <= first + room
