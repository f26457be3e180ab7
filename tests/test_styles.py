"""The style sheets are whole: a brace that is lost takes all rules after it out of a page."""

from __future__ import annotations

import re
from itertools import accumulate
from pathlib import Path

import pytest

from .conftest import ROOT

SHEETS = sorted((ROOT / "static" / "css").glob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_every_block_of_a_style_sheet_is_closed(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)

    depth = list(accumulate((char == "{") - (char == "}") for char in text))

    assert min(depth) == 0
    assert max(depth) <= 2
    assert depth[-1] == 0
