"""`./run bench`: its parts run, and leave no figure out. How good they are is not asked here."""

import pytest

from .benchmarks.__main__ import PARTS
from .benchmarks.report import PAGE, TINY, as_text

# The others serve the portal for longer than a test may take.
QUICK_PARTS = ("house", "walks", "pages", "board")


@pytest.mark.parametrize("part", QUICK_PARTS)
def test_a_part_leaves_no_figure_out(part):
    rows = PARTS[part](TINY)

    assert rows
    assert [row.what for row in rows if row.measured is None and not row.why_not] == []
    assert len({row.what for row in rows}) == len(rows)
    assert all(row.what in as_text(rows) for row in rows)


def test_the_page_of_measurements_has_a_place_for_each_part():
    text = PAGE.read_text()
    assert all(f"<!-- {part}: begin -->" in text and f"<!-- {part}: end -->" in text for part in PARTS)
