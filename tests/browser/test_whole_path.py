"""The whole of an incident in one go: from a link to the right backup and into the ticket."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .conftest import OpenPage
from .states import ORDERS

BACKUP = re.compile(r"/backups/[0-9a-f-]{36}/$")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what has this name, as somebody without a mouse does."""
    for _ in range(120):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(document.activeElement.innerText || document.activeElement.ariaLabel || '')"
        )
        if name in focused:
            return
    raise AssertionError(f"Tab never comes to {name}")


def test_by_the_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page(f"{ORDERS}?status=succeed", person="")
    tab_to(page, "Continue as Ada")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?status=succeed$"))
    tab_to(page, "Skip to the content")
    page.keyboard.press("Enter")
    tab_to(page, "Manual")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"type=manual"))
    page.wait_for_load_state()  # its scripts listen from then on
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(BACKUP)
    expect(page.get_by_role("heading", name="This backup can be restored")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("c")
    expect(page.get_by_text("Copied for a ticket").first).to_be_visible()
    backup_id = page.url.rstrip("/").rpartition("/")[2]
    assert backup_id in page.evaluate("navigator.clipboard.readText()")


def test_by_the_mouse_from_a_time_to_the_ticket(open_page: OpenPage) -> None:
    page = open_page(ORDERS)
    page.get_by_label("Recover to").fill("8 days ago")
    page.locator("form.recover button").click()
    expect(page).to_have_url(re.compile(r"recovery-point/\?at="))
    page.locator("#ticket-menu [data-ticket]").click()
    expect(page.get_by_text("Copied for a ticket").first).to_be_visible()
    name = page.locator(".found a[href*='/backups/']").first.inner_text()
    assert name in page.evaluate("navigator.clipboard.readText()").replace("\\", "")
    page.get_by_role("link", name=name).first.click()
    expect(page).to_have_url(BACKUP)
