"""axe-core finds nothing on any page in any state, text stands out in both themes, a phone is wide enough."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from backups.emulator.fleet import ORDERS_CACHE_ID, Fleet
from dcsportal.sso import provider as sso_provider
from tests.pages.addresses import ORDERS, POINT, REFERENCE
from tests.services.api_records import EXPIRED, raw, raws
from tests.services.readings import read_at

from .conftest import axe_findings, contrast_findings, misshapen

NOWHERE = "11111111-1111-4111-8111-111111111111"
NAMED = (
    "odd-fields",
    "hostile-remarks",
    "pricing-bad-week",
    "every-status",
    "catalog-resized",
    "billing-broken",
)
PAGES = {
    "home": "/",
    "find": "/find/?q=cache",
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
    "recovery point": f"{POINT}?at=2026-11-21+12:40",
    "recovery point, not asked": POINT,
    "recovery point, in doubt": f"{POINT}?at=2026-10-25+02:30&tz=Europe/Berlin",
    "recovery point, bad query": f"{POINT}?at=soon&tz=Mars",
    "one backup to compare": f"{ORDERS}compare/?backup=one",
    "unknown instance": f"/projects/eu-prod/instances/{NOWHERE}/",
    "unknown page": "/projects/nope/",
    "too long a link": f"/?x={'x' * 1001}",
    "signed out": "/signed-out/",
    **{name: f"/projects/eu-prod/instances/{Fleet().named(name, 'eu-prod').instance_id}/" for name in NAMED},
}
OPEN_ALL = """() => {
  document.querySelectorAll("details:not(#restores)").forEach(one => (one.open = true));
  document.querySelectorAll(".stuck").forEach(one => (one.hidden = false));
}"""


def too_wide_for_a_phone(page):
    page.set_viewport_size({"width": 390, "height": 900})
    width = page.evaluate("document.documentElement.scrollWidth")
    return [f"{width} px wide"] if width > 390 else []


def findings(page):
    return [*axe_findings(page), *misshapen(page), *too_wide_for_a_phone(page)]


@pytest.mark.parametrize(("turn", "language"), [(0, "en"), (1, "zh-hans")])
def test_axe_finds_nothing_on_any_page_and_a_phone_needs_no_sideways_scrolling(open_page, turn, language):
    """axe looks once at each page, in one look after the other."""
    page = open_page("about:blank", language=language)
    said, found = [], {}
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for number, (name, path) in enumerate(PAGES.items()):
        page.set_viewport_size({"width": 1440 if number % 4 < 2 else 390, "height": 900})
        page.goto(path)
        page.locator("details.sizes").evaluate_all("all => all.forEach(one => (one.open = true))")
        found[name] = findings(page) if number % 2 == turn else too_wide_for_a_phone(page)
    assert {name: lines for name, lines in found.items() if lines} == {}
    # The content security policy stops nothing of ours.
    assert [line for line in said if not line.startswith("Failed to load resource")] == []


def test_axe_finds_nothing_before_sign_in_where_no_project_is_open_and_in_the_patterns(open_page, portal):
    portal.DEBUG = True
    assert axe_findings(open_page("/sign-in/", person="")) == []
    assert axe_findings(open_page("/", person="cleo")) == []
    # The page of patterns has each badge, notice and state that a page is made of, much of it several times.
    patterns = axe_findings(open_page("/patterns/"))
    assert [line for line in patterns if not line.startswith("landmark-unique")] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_both_themes(open_page, portal, theme):
    portal.DEBUG = True  # shows the page of patterns
    page = open_page("about:blank", theme=theme)
    found = {}
    for path in (
        "/patterns/",
        "/sign-in/",
        f"{ORDERS}?status=failed&per_page=25",
        f"{ORDERS}ticket/?text=bogus",
    ):
        page.goto(path)
        found[path] = contrast_findings(page)
    assert {path: lines for path, lines in found.items() if lines} == {}


HEADS = "heads => heads.filter(head => head.checkVisibility()).map(head => head.textContent.trim())"
CUT = """cells => cells.filter(cell => cell.checkVisibility() && cell.textContent.trim())
    .filter(cell => cell.getBoundingClientRect().right > innerWidth || !cell.clientWidth)
    .map(cell => cell.textContent.trim())"""


def test_a_tablet_shows_every_column_that_a_wide_screen_shows(open_page):
    page = open_page("about:blank")
    for name in ("history", "instances", "recovery point"):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(PAGES[name])
        heads, cells = page.locator("[data-rows] thead th"), page.locator("[data-rows] :is(td, th)")
        wide = heads.evaluate_all(HEADS)

        page.set_viewport_size({"width": 768, "height": 900})

        assert heads.evaluate_all(HEADS) == wide != []
        assert cells.evaluate_all(CUT) == []


# States that a page comes to -------------------------------------------------------------


@pytest.fixture
def page(open_page):
    return open_page("about:blank")


def test_a_list_that_is_being_read(page, emulator, portal):
    portal.DCS_WAITING_VIEWERS = 0
    portal.DCS_PAGE_SIZE = 10
    emulator.set_records(ORDERS_CACHE_ID, raws(60))
    emulator.hang(path_contains="/backups", after=3)
    page.goto(ORDERS)
    # Three calls are answered; of pages that are asked for side by side, any may be among them.
    expect(page.locator("main progress")).to_have_attribute("value", re.compile("^[123]$"))
    assert findings(page) == []


def test_links_of_then_whose_backups_have_changed_since(page, emulator, portal):
    portal.DCS_FRESH_SECONDS = 10**9
    read_at(emulator, raws(9), datetime(2026, 11, 3, 12, tzinfo=UTC))
    read_at(emulator, [*raws(9)[:6], raw(3, **EXPIRED)], datetime(2026, 11, 9, 2, tzinfo=UTC))
    seen = "seen=2026-11-03T12:00:00Z"
    for path, shown in {
        f"{ORDERS}?to=2026-11-03T12:00:00Z&{seen}": "#frozen a",
        f"{POINT}?at=2026-11-01T03:30:00Z&tz=UTC&{seen}": "#frozen .more",
        f"{ORDERS}?as_of=2026-11-03T12:00:00Z&listed=yes&listed=no": "#frozen .btn",
    }.items():
        page.goto(path)
        expect(page.locator(shown).first).to_be_visible()
        assert findings(page) == []


def test_every_menu_open_and_a_page_that_is_stuck(page):
    page.goto(ORDERS)
    page.evaluate(OPEN_ALL)
    assert findings(page) == []


def test_suggestions(page):
    page.goto("/projects/eu-prod/")
    page.keyboard.press("/")
    page.keyboard.insert_text("cache")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert findings(page) == []


def test_two_rows_marked_and_side_by_side(page):
    page.goto(ORDERS)
    for key in "jxjjx":
        page.keyboard.press(key)
    expect(page.locator("[data-compare]")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("X")
    expect(page.locator(".side-by-side .differs")).to_be_visible()
    assert findings(page) == []


def test_a_text_for_a_ticket_in_its_dialog(page):
    page.goto(ORDERS)
    page.locator("#ticket-menu summary").click()
    page.locator("[data-ticket-preview]").click()
    expect(page.locator("dialog[open] #ticket-text")).to_be_visible()
    assert findings(page) == []


def test_a_search_of_dcs_under_way(page, emulator, portal):
    portal.DCS_READ_BUDGET = portal.DCS_READ_TIMEOUT = 60
    emulator.hang(path_contains="/backups")
    page.goto(f"/find/?q={NOWHERE}")
    page.locator("#found button").click()
    expect(page.locator(".searching progress")).to_be_visible()
    assert findings(page) == []
    emulator.heal()
    expect(page.locator(".searching")).to_have_count(0)


def test_a_sign_in_that_failed(page, portal):
    portal.DCS_DEMO = False
    portal.SSO_ISSUER = "http://127.0.0.1:9"
    portal.SSO_CLIENT_ID, portal.SSO_CLIENT_SECRET = "portal", "secret"
    sso_provider.forget_providers()
    page.context.clear_cookies(name="portal_session")
    answer = page.goto(f"{ORDERS}?status=failed")
    assert answer.status == 503
    assert findings(page) == []
