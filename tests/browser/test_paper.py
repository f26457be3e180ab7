"""A history on paper: nothing is cut, and each sheet says what it is of and when it was read."""

import io
import re
import unicodedata
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.pages.addresses import ORDERS, POINT

# What paper leaves of a sheet, in pixels: A4 upright.
PAPER = 703


def squeezed(text):
    """The text without its spaces and line breaks, which depend on the width of the sheet."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def sheets(page, size, landscape):
    pages = PdfReader(io.BytesIO(page.pdf(format=size, landscape=landscape))).pages
    return [squeezed(sheet.extract_text()) for sheet in pages]


@pytest.mark.parametrize(("size", "landscape"), [("A4", False), ("Letter", True)], ids=["A4", "Letter"])
def test_each_sheet_of_a_history_says_what_it_is_and_no_text_is_lost(open_page, address, size, landscape):
    page = open_page(f"{ORDERS}?status=succeed&status=expired&status=failed&sort=name")
    matched = int(re.findall(r"of (\d+)", page.locator(".pager .rows").inner_text())[0])

    for first, last in ((1, 50), (1, matched)):
        printed = sheets(page, size, landscape)

        assert len(printed) > 1
        for sheet in printed:
            assert squeezed(f"{address}{ORDERS}?status=succeed&status=expired&status=failed") in sheet
            assert "Status:Succeeded,Failed,Expired" in sheet
            assert f"{first}–{last}of{matched}" in sheet
            assert re.search(squeezed(f"read from DCS {datetime.now(UTC):%-d %b %Y}") + r"[\d:]{8}UTC", sheet)
        for row in page.locator("[data-backup-id]").all():
            for cell in (".c-status", ".name", ".c-note"):
                for text in row.locator(cell).all_text_contents():
                    assert squeezed(text) in "".join(printed)
        if last == 50:
            page.get_by_role("link", name=f"All {matched}").click()
            expect(page.locator("[data-backup-id]")).to_have_count(matched)


CUT = """() => [...document.querySelectorAll('main *')]
  .filter(box => box.checkVisibility() && box.clientWidth && !box.closest('.vh'))
  .filter(box => box.getBoundingClientRect().right > innerWidth + 1 ||
    (getComputedStyle(box).overflowX !== 'visible' && box.scrollWidth > box.clientWidth + 1))
  .map(box => box.outerHTML.slice(0, 200))"""


def test_nothing_is_wider_than_the_paper_and_there_are_no_controls(open_page, emulator):
    page = open_page("about:blank", width=PAPER, theme="dark")
    page.emulate_media(media="print")
    for url in (ORDERS, "/projects/eu-prod/", f"{POINT}?at=2+days+ago"):
        page.goto(url)
        assert page.evaluate(CUT) == []
    for name in ("hostile-remarks", "every-error-code"):
        page.goto(f"/projects/eu-prod/instances/{emulator.fleet.named(name).instance_id}/")
        assert page.evaluate(CUT) == []
    for control in (".topbar", ".filters", ".title .actions"):
        expect(page.locator(control).first).to_be_hidden()
    expect(page.locator("[data-backup-id]").first).to_be_visible()
