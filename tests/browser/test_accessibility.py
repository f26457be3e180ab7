"""axe-core finds nothing on any page, text stands out in both themes, and a phone is wide enough."""

import pytest

from backups.emulator.records import stable_id

from .conftest import axe_findings, contrast_findings, misshapen

ORDERS = "/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/"
REFERENCE = f"{ORDERS}backups/4631832a-14c6-45b0-a0b3-3abd8f591ad1/"
ODD = f"/projects/eu-prod/instances/{stable_id('instance', 'eu-prod', 'odd-fields')}/"
UNKNOWN = "/projects/eu-prod/instances/11111111-1111-4111-8111-111111111111/"
PAGES = {
    "home": "/",
    "find": "/find/?q=cache",
    "nothing found": "/find/?q=zzzz",
    "instances": "/projects/eu-prod/",
    "board as of then": "/?as_of=2026-11-01T00:00:00Z",
    "board for a ticket": "/projects/eu-prod/ticket/?text=slack",
    "failures": "/failures/?range=90d",
    "changes": "/changes/?range=7d",
    "history": ORDERS,
    "every filter": f"{ORDERS}?status=failed&type=auto&restorable=no&range=30d&q=nightly&per_page=25",
    "filtered to nothing": f"{ORDERS}?q=zzzz",
    "a query that cannot be read": f"{ORDERS}?status=bogus&from=x",
    "one backup": REFERENCE,
    "unknown backup": f"{ORDERS}backups/gone/",
    "history for a ticket": f"{ORDERS}ticket/?status=failed&zone=Asia/Shanghai",
    "backup for a ticket": f"{REFERENCE}ticket/?text=jira&lang=zh-hans",
    "a ticket that cannot be read": f"{ORDERS}ticket/?text=bogus",
    "recovery point": f"{ORDERS}recovery-point/?at=2026-11-21+12:40",
    "recovery point, none": f"{ORDERS}recovery-point/?at=2018-01-01&tz=Asia/Shanghai",
    "recovery point, not asked": f"{ORDERS}recovery-point/",
    "recovery point, in doubt": f"{ORDERS}recovery-point/?at=2026-10-25+02:30&tz=Europe/Berlin",
    "recovery point, bad query": f"{ORDERS}recovery-point/?at=soon&tz=Mars",
    "recovery point of odd records": f"{ODD}recovery-point/?at=2026-11-16T12:00Z",
    "one backup to compare": f"{ORDERS}compare/?backup=one",
    "unknown instance": UNKNOWN,
    "unknown page": "/projects/nope/",
    "signed out": "/signed-out/",
}
LOOKS = [("en", 1440), ("zh-hans", 390), ("en", 390), ("zh-hans", 1440)]
COLOURED = ("/patterns/", "/sign-in/", f"{ORDERS}?status=failed&per_page=25", f"{ORDERS}ticket/?text=bogus")


@pytest.mark.parametrize(("turn", "language", "width"), [(turn, *look) for turn, look in enumerate(LOOKS)])
def test_axe_finds_nothing_on_any_page(open_page, turn, language, width):
    """axe looks once at each page, in one look after the other."""
    page = open_page("about:blank", language=language, width=width)
    found = {}
    for name, path in list(PAGES.items())[turn :: len(LOOKS)]:
        page.goto(path)
        found[name] = axe_findings(page) + misshapen(page)
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_both_themes(open_page, portal, theme):
    portal.DEBUG = True  # shows the page of patterns, which has everything that a page is made of
    page = open_page("about:blank", theme=theme)
    found = {}
    for path in COLOURED:
        page.goto(path)
        found[path] = contrast_findings(page)
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_phone_needs_no_sideways_scrolling(open_page, language):
    page = open_page("about:blank", width=390, language=language)
    wide = {}
    for name, path in PAGES.items():
        page.goto(path, wait_until="domcontentloaded")
        wide[name] = page.evaluate("document.documentElement.scrollWidth")
    assert {name: width for name, width in wide.items() if width > 390} == {}


HEADS = "heads => heads.filter(head => head.checkVisibility()).map(head => head.textContent.trim())"
CUT = """cells => cells.filter(cell => cell.checkVisibility() && cell.textContent.trim())
    .filter(cell => cell.getBoundingClientRect().right > innerWidth || !cell.clientWidth)
    .map(cell => cell.textContent.trim())"""


@pytest.mark.parametrize("name", ["history", "instances", "recovery point"])
def test_a_tablet_shows_every_column_that_a_wide_screen_shows(open_page, name):
    page = open_page(PAGES[name])
    heads, cells = page.locator("[data-rows] thead th"), page.locator("[data-rows] :is(td, th)")
    wide = heads.evaluate_all(HEADS)

    page.set_viewport_size({"width": 768, "height": 900})

    assert heads.evaluate_all(HEADS) == wide != []
    assert cells.evaluate_all(CUT) == []


def test_axe_finds_nothing_before_sign_in_and_where_no_project_is_open(open_page):
    assert axe_findings(open_page("/sign-in/", person="")) == []
    assert axe_findings(open_page("/", person="cleo")) == []
