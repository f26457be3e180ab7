"""The stylesheets close what they open: a brace that a merge lost would hide all that follows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import ROOT

STYLESHEETS = sorted((ROOT / "static" / "css").glob("*.css"))


@pytest.mark.parametrize("sheet", STYLESHEETS, ids=lambda sheet: sheet.name)
def test_a_stylesheet_closes_every_block_and_nests_rules_in_at_rules_only(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", sheet.read_text(), flags=re.DOTALL)
    open_blocks: list[str] = []
    for before, mark in re.findall(r"([^{};]*)([{};])", text):
        if mark == "{":
            assert all(block.startswith("@") for block in open_blocks), f"in {open_blocks}: {before.strip()}"
            open_blocks.append(before.strip())
        elif mark == "}":
            assert open_blocks, f"closes nothing after {before.strip()}"
            open_blocks.pop()
    assert open_blocks == []
