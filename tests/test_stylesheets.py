"""The stylesheets are whole, have no rule for what no page has, and keep to their scales."""

import re

import pytest

from .conftest import ROOT

STYLESHEETS = sorted((ROOT / "static" / "css").glob("*.css"))
SCALED = [sheet for sheet in STYLESHEETS if sheet.name != "tokens.css"]
each = pytest.mark.parametrize("sheet", STYLESHEETS, ids=lambda sheet: sheet.name)
each_but_tokens = pytest.mark.parametrize("sheet", SCALED, ids=lambda sheet: sheet.name)
# What a class is made of that templates put together.
MADE = re.compile(r"(?:is|role)-\w+")


def rules_of(sheet):
    return re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", sheet.read_text(), flags=re.DOTALL)


@each
def test_a_stylesheet_closes_every_block_and_nests_rules_in_at_rules_only(sheet):
    """A brace that a merge lost would hide all that follows it."""
    open_blocks = []
    for before, mark in re.findall(r"([^{};]*)([{};])", rules_of(sheet)):
        if mark == "{":
            assert all(block.startswith("@") for block in open_blocks), f"in {open_blocks}: {before.strip()}"
            open_blocks.append(before.strip())
        elif mark == "}":
            assert open_blocks, f"closes nothing after {before.strip()}"
            open_blocks.pop()
    assert open_blocks == []


@each
def test_every_class_of_a_stylesheet_is_one_that_a_page_has(sheet):
    pages = [*(ROOT / "templates").rglob("*.*"), *(ROOT / "static" / "js").glob("*.js")]
    words = set(re.findall(r"[\w-]+", "\n".join(page.read_text() for page in pages)))
    selectors = " ".join(re.findall(r"([^{};]*)\{", rules_of(sheet)))

    classes = set(re.findall(r"\.([A-Za-z][\w-]*)", selectors))

    assert {name for name in classes - words if not MADE.fullmatch(name)} <= {"htmx-request"}


@each_but_tokens
def test_type_corners_and_colours_are_those_of_the_tokens(sheet):
    rules = rules_of(sheet)

    sizes = re.findall(r"(?:font-size|border-radius): [^;}]*(?<![\w.])(?!999px)[1-9.][\d.]*(?:px|rem)", rules)
    colours = re.findall(r"(?:#[0-9a-f]{3,8}\b|rgb\()[^;}]*;", rules)

    assert sizes + colours == []


def test_every_token_is_used():
    used = "\n".join(sheet.read_text() for sheet in STYLESHEETS)
    tokens = re.findall(r"(--[\w-]+):", (ROOT / "static" / "css" / "tokens.css").read_text())
    assert [token for token in tokens if f"var({token})" not in used] == []
