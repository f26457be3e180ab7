"""What a page weighs on the wire: a first view, and the views after it, as Chromium counts them."""

import pytest

from .served import HISTORY

FIRST_VIEW, FIRST_REQUESTS = 70_000, 20
NEXT_VIEW = 18_000
ON_THE_WIRE = """() => ["navigation", "resource"].flatMap(kind =>
    performance.getEntriesByType(kind).map(entry => [entry.name, entry.transferSize]))"""

pytestmark = pytest.mark.needs("chromium", "chromium")


def signed_in(browser, served):
    """Return a page with a session and nothing else: an empty cache, and no page opened yet."""
    context = browser.new_context(base_url=served.url)
    for cookie in served.signed_in().cookies:
        context.add_cookies([{"name": cookie.name, "value": str(cookie.value), "url": served.url}])
    return context.new_page()


def view(page, path):
    """Return how many bytes came over the wire by address: none for what the browser had kept."""
    page.goto(path, wait_until="networkidle")
    return {address: size for address, size in page.evaluate(ON_THE_WIRE) if size}


def test_a_first_view_of_fifty_backups_is_small_and_what_is_kept_from_it_serves_all_others(browser, served):
    assert served.signed_in().get(served.url + HISTORY).status_code == 200  # reads the list
    page = signed_in(browser, served)

    first = view(page, HISTORY)
    assert page.locator("[data-backup-id]").count() == 50
    assert sum(first.values()) <= FIRST_VIEW, first
    assert len(first) <= FIRST_REQUESTS, first

    view(page, HISTORY)  # of what it fetches in one go Chromium now and then keeps not all
    for path in (HISTORY, "/", "/projects/eu-prod/", f"{HISTORY}recovery-point/?at=8+days+ago"):
        other = view(page, path)
        assert [address for address in other if "/static/" in address] == [], other
        assert sum(other.values()) <= NEXT_VIEW, other
