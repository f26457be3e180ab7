"""From a link in a ticket to a backup: by mouse, by keyboard, on a phone, and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.addresses import ORDERS

with_and_without_javascript = pytest.mark.parametrize(
    "javascript", [True, False], ids=["script", "no script"]
)


@with_and_without_javascript
def test_from_the_find_box_to_the_right_backup(open_page, javascript):
    page = open_page("/", javascript=javascript)
    page.locator("[data-find]").first.fill("orders-cache")
    page.locator("[data-find]").first.press("Enter")
    # Two projects have an instance of that name: a person chooses.
    page.get_by_role("link", name=re.compile("orders-cache.*eu-prod")).click()
    expect(page).to_have_title(re.compile("orders-cache"))
    rows = page.locator("[data-backup-id]")
    before = rows.count()
    page.get_by_role("link", name=re.compile(r"^Failed")).first.click()
    expect(page).to_have_url(re.compile(r"status=failed"))
    assert 0 < rows.count() < before
    rows.locator("a").first.click()
    expect(page).to_have_url(re.compile(r"/backups/[0-9a-f-]{36}/$"))


@with_and_without_javascript
def test_from_the_id_of_a_backup_that_nobody_has_read_to_its_page(open_page, emulator, javascript):
    backup_id = emulator.fleet.backups(emulator.fleet.named("pricing-bad-week"))[3].backup_id
    page = open_page(f"/find/?q={backup_id}", javascript=javascript)
    with page.expect_navigation():
        page.get_by_role("button", name="Search DCS").click()
    while not javascript and "/find/" in page.url:
        with page.expect_navigation():
            page.get_by_role("button", name="Continue the search").click()
    expect(page).to_have_url(re.compile(f"/backups/{backup_id}/$"))


def test_without_javascript_a_history_has_its_head_marks_command_exports_and_keys(open_page):
    page = open_page(f"{ORDERS}?status=failed", javascript=False)
    page.locator("#reproduce summary").click()
    expect(page.locator("#reproduce code")).to_contain_text("hcloud DCS ListBackupRecords")
    page.locator("#reproduce summary").click()
    for name, ending in (("CSV", "csv"), ("JSON", "json")):
        page.locator("#export:not([open]) summary").click()
        with page.expect_download() as download:
            page.get_by_role("link", name=re.compile(f"^{name}")).click()
        named = rf"orders-cache_backups_status-failed_as-of-\d{{8}}T\d{{6}}Z\.{ending}"
        assert re.fullmatch(named, download.value.suggested_filename)
        page.locator("#export summary").click()
    page.locator("#figures a[title^=Succeeded]").click()
    assert page.locator("[data-backup-id]").count() == page.locator("tr.usable").count() > 0
    page.locator(".sizes > summary").click()
    expect(page.locator(".chart svg")).to_be_visible()
    for place in (0, 3):
        page.locator(".c-mark input").nth(place).check()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".side-by-side")).to_contain_text("What differs")
    page.goto("/keyboard/")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()


def test_a_link_whose_rest_went_into_its_fragment_is_repaired(open_page, address):
    page = open_page(f"{ORDERS}?status=failed&#038;type=auto&#038;sort=-size")
    expect(page).to_have_url(f"{address}{ORDERS}?status=failed&type=auto&sort=-size")
    expect(page.locator("main")).to_contain_text("This link was damaged on its way, and repaired")


def tab_to(page, name):
    """Press Tab until the focus is on what has this name, as somebody without a mouse does."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if name in page.evaluate(
            "document.activeElement.innerText || document.activeElement.ariaLabel || ''"
        ):
            return
    raise AssertionError(f"Tab never comes to {name}")


def test_from_a_link_to_the_ticket_by_the_keyboard_alone(open_page):
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
    expect(page).to_have_url(re.compile(r"/backups/[0-9a-f-]{36}/$"))
    expect(page.get_by_role("heading", name="This backup can be restored")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("c")
    expect(page.get_by_text("Copied for a ticket").first).to_be_visible()
    backup_id = page.url.rstrip("/").rpartition("/")[2]
    assert backup_id in page.evaluate("navigator.clipboard.readText()")
