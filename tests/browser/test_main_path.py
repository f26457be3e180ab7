"""From a link in a ticket to a backup: by mouse, by keyboard, on a phone, and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

ORDERS = "/projects/eu-prod/instances/5560df16-cebf-4473-95c4-d1b573c16e79/"


def rows(page):
    return [str(row.get_attribute("data-backup-id")) for row in page.locator("[data-backup-id]").all()]


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_the_find_box_to_the_right_backup(open_page, javascript):
    page = open_page("/", javascript=javascript)
    page.locator("[data-find]").first.fill("orders-cache")
    page.locator("[data-find]").first.press("Enter")
    # Two projects have an instance of that name: a person chooses.
    page.get_by_role("link", name=re.compile("orders-cache.*eu-prod")).click()
    expect(page).to_have_title(re.compile("orders-cache"))
    before = rows(page)
    page.get_by_role("link", name=re.compile(r"^Failed")).first.click()
    expect(page).to_have_url(re.compile(r"status=failed"))
    assert 0 < len(rows(page)) < len(before)
    page.locator("[data-backup-id] a").first.click()
    expect(page).to_have_url(re.compile(r"/backups/[0-9a-f-]{36}/$"))


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_the_id_of_a_backup_that_nobody_has_read_to_its_page(open_page, emulator, javascript):
    backup_id = emulator.fleet.backups(emulator.fleet.named("pricing-bad-week"))[3].backup_id
    page = open_page(f"/find/?q={backup_id}", javascript=javascript)
    with page.expect_navigation():
        page.get_by_role("button", name="Search DCS").click()
    while not javascript and "/find/" in page.url:
        with page.expect_navigation():
            page.get_by_role("button", name="Continue the search").click()
    expect(page).to_have_url(re.compile(f"/backups/{backup_id}/$"))


def test_the_content_security_policy_stops_nothing_of_ours(open_page):
    page = open_page("about:blank")
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in ("/", "/projects/eu-prod/", ORDERS, f"{ORDERS}recovery-point/?at=2026-11-21+12:40"):
        page.goto(path)
    assert said == []


def test_a_link_whose_rest_went_into_its_fragment_is_repaired(open_page, address):
    page = open_page(f"{ORDERS}?status=failed&#038;type=auto&#038;sort=-size")
    expect(page).to_have_url(f"{address}{ORDERS}?status=failed&type=auto&sort=-size")
    expect(page.locator("main")).to_contain_text("This link was damaged on its way, and repaired")


def tab_to(page, name):
    """Press Tab until the focus is on what has this name, as somebody without a mouse does."""
    for _ in range(120):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(document.activeElement.innerText || document.activeElement.ariaLabel || '')"
        )
        if name in focused:
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
