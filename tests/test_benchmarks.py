"""`./run bench`: its parts run, and leave no figure out. How good they are is not asked here."""

import re

import pytest

from .benchmarks.__main__ import PARTS
from .benchmarks.report import PAGE, TINY, Row, as_text, write_docs

# The others serve the portal for longer than a test may take.
QUICK_PARTS = ("house", "walks", "pages", "board")


@pytest.mark.parametrize("part", QUICK_PARTS)
def test_a_part_leaves_no_figure_out(part):
    rows = PARTS[part](TINY)

    assert rows
    assert [row.what for row in rows if row.measured is None and not row.why_not] == []
    assert len({row.what for row in rows}) == len(rows)
    assert all(row.what in as_text(rows) for row in rows)


@pytest.mark.parametrize(
    ("row", "wanted", "reached"),
    [
        (Row("a", 2.0, most=2), "2.00 x or less", True),
        (Row("a", 2.01, most=2), "2.00 x or less", False),
        (Row("a", 0.0125, "ms", least=0.02), "20.0 ms or more", False),
        (Row("a", 1, "", most=1, least=1), "exactly 1", True),
        (Row("a", 0, "", most=1, least=1), "exactly 1", False),
        (Row("a", None, most=1, why_not="no nginx"), "1.00 x or less", None),
        (Row("a", 3), "", None),
    ],
)
def test_a_figure_reaches_what_is_wanted_or_not(row, wanted, reached):
    assert (row.wanted, row.reached) == (wanted, reached)


def test_the_tables_of_a_page_are_replaced_and_its_words_are_kept(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Figures\n\n<!-- walks: begin -->\nold\n<!-- walks: end -->\n\nMore words.\n")

    write_docs({"walks": [Row("a walk", 0.0125, "ms", most=0.02)]}, "Today.", page)

    before, table, after = re.split(r"<!-- walks: (?:begin|end) -->", page.read_text())
    assert (before, after) == ("# Figures\n\n", "\n\nMore words.\n")
    assert table.splitlines()[-1] == "| a walk | 20.0 ms or less | 12.5 ms | yes |"
    assert "old" not in table


def test_the_page_of_measurements_has_a_place_for_each_part():
    text = PAGE.read_text()
    assert all(f"<!-- {part}: begin -->" in text and f"<!-- {part}: end -->" in text for part in PARTS)
