"""What a page weighs on the wire: a first view, and the views after it, as Chromium counts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from backups.emulator.fleet import ORDERS_CACHE_ID

from .served import Served

HISTORY = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
FIRST_VIEW, FIRST_REQUESTS = 70_000, 14
NEXT_VIEW = 17_000

pytestmark = pytest.mark.needs("chromium", "chromium")


@dataclass
class Wire:
    """What one page caused: the bytes that came over the wire by address, headers and all."""

    addresses: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def watch(self, page: Page) -> None:
        network = page.context.new_cdp_session(page)
        network.on("Network.requestWillBeSent", self._asked)
        network.on("Network.loadingFinished", self._came)
        network.send("Network.enable")

    def _asked(self, event: dict[str, Any]) -> None:
        self.addresses[event["requestId"]] = event["request"]["url"]

    def _came(self, event: dict[str, Any]) -> None:
        # Nothing is counted for what the browser's own cache answered.
        if size := int(event["encodedDataLength"]):
            self.sizes[self.addresses[event["requestId"]]] = size

    def leave_out_the_icon(self) -> None:
        """Chromium fetches a site's icon once, when it likes: that may be during the second page."""
        for address in [address for address in self.sizes if "favicon" in address]:
            del self.sizes[address]

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())

    def __str__(self) -> str:
        lines = [f"{size:>7} {address}" for address, size in self.sizes.items()]
        return "\n".join([f"{self.bytes} bytes in {len(self.sizes)} requests", *lines])


def signed_in(browser: Browser, served: Served) -> Page:
    """Return a page with a session and nothing else: an empty cache, and no page opened yet."""
    context = browser.new_context(base_url=served.url)
    for cookie in served.signed_in().cookies:
        context.add_cookies([{"name": cookie.name, "value": str(cookie.value), "url": served.url}])
    return context.new_page()


def view(page: Page, path: str) -> Wire:
    wire = Wire()
    wire.watch(page)
    page.goto(path, wait_until="networkidle")
    return wire


def test_a_first_view_of_fifty_backups_is_small_and_what_is_kept_from_it_serves_all_others(
    browser: Browser, served: Served
) -> None:
    assert served.signed_in().get(served.url + HISTORY).status_code == 200  # reads the list
    page = signed_in(browser, served)

    first = view(page, HISTORY)
    assert page.locator("[data-backup-id]").count() == 50
    assert first.bytes <= FIRST_VIEW, str(first)
    assert len(first.sizes) <= FIRST_REQUESTS, str(first)

    view(page, HISTORY)  # of what it fetches in one go Chromium now and then keeps not all
    for path in (HISTORY, "/", "/projects/eu-prod/", f"{HISTORY}recovery-point/?at=8+days+ago"):
        other = view(page, path)
        other.leave_out_the_icon()
        assert [address for address in other.sizes if "/static/" in address] == [], str(other)
        assert other.bytes <= NEXT_VIEW, str(other)
