"""The sections of a song under the progress bar."""

from __future__ import annotations

from dataclasses import replace

import pytest

from radio.screen.sections import section_row
from radio.session import View

VIEW = View(1, "Amber Harbor", "", 0.0, 9.0, False, None, 0, None, 1.0, "", False)


def test_letters_are_where_their_sections_begin_and_the_one_that_plays_is_bright() -> None:
    view = replace(VIEW, form="AABA", position=11.0, duration=40.0)
    row = section_row(view, 3, 40)
    assert row.plain == "   " + "".join(f"{letter:<10}" for letter in "AABA")
    assert [span.style for span in row.spans].index("bold cyan") == 1
    last = section_row(replace(view, position=40.0), 3, 40)
    assert [span.style for span in last.spans].index("bold cyan") == 3


@pytest.mark.parametrize(("form", "room"), [("", 10), ("ABABABAB", 3), ("AB", 1), ("A", 0)])
def test_a_row_fits_the_bar(form: str, room: int) -> None:
    assert section_row(replace(VIEW, form=form, duration=0.0), 2, room).plain == "  "
    for duration in (0.0, 9.0):
        row = section_row(replace(VIEW, form=form, duration=duration), 2, room)
        assert len(row.plain) <= 2 + room
