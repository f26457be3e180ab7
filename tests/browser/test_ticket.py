"""Copying for a ticket by mouse, by keyboard, without JavaScript: the clipboard has what was shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, Page, expect
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID
from tests.services.api_records import api_time, raw, raws

from .conftest import OpenPage

ORDERS = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
REFERENCE = f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/"
RECOVERY = f"{ORDERS}recovery-point/?at=2019-06-01&tz=UTC"


def copied(page: Page, said: str = "Copied for a ticket") -> str:
    """The clipboard, once the page says that it has been filled."""
    expect(page.locator(".toast")).to_have_text(said)
    expect(page.locator("[data-announce]")).to_have_text(said)
    return str(page.evaluate("navigator.clipboard.readText()"))


def ticket_button(page: Page) -> Locator:
    return page.get_by_role("link", name="Copy for ticket")


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        (f"{ORDERS}?status=failed", "#### DCS backup history of `orders-cache`"),
        (REFERENCE, "#### DCS backup `backup_20190510163116` of `orders-cache`"),
        (RECOVERY, "#### DCS recovery point of `orders-cache`"),
    ],
)
def test_one_click_or_one_key_copies_what_is_shown_or_the_link_alone(
    open_page: OpenPage, address: str, path: str, heading: str
) -> None:
    page = open_page(path)
    page.keyboard.press("l")
    expect(page.locator(".toast")).to_contain_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.locator("[data-copy-link]").get_attribute("href")
    assert link.startswith(address + path.partition("?")[0])

    ticket_button(page).click()
    text = copied(page)
    assert text.startswith(heading)
    assert 'hcloud DCS ListBackupRecords --cli-region="eu-west-101"' in text

    page.goto(path)
    page.keyboard.press("c")
    assert copied(page).startswith(heading)
    page.goto(
        urlsplit(str(ticket_button(page).get_attribute("href")))._replace(scheme="", netloc="").geturl()
    )
    assert page.locator("textarea").input_value() == text


def test_copy_link_says_which_times_it_keeps(open_page: OpenPage) -> None:
    page = open_page(f"{ORDERS}?from=2026-11-01&to=2026-11-02")
    page.get_by_role("link", name="Copy link").click()
    said = (
        "Link copied with absolute times: from 2026-11-01 00:00:00 UTC until before 2026-11-03 00:00:00 UTC"
    )
    copied(page, said)


def test_a_relative_link_stays_for_bookmarks(open_page: OpenPage, address: str) -> None:
    page = open_page(f"{ORDERS}?range=7d&status=failed")
    page.keyboard.press("l")
    expect(page.locator(".toast")).to_contain_text("Link copied")
    assert "range" not in page.evaluate("navigator.clipboard.readText()")
    page.get_by_title("More ways to copy").click()
    choice = page.get_by_role("link", name=re.compile("for a bookmark"))
    expect(choice).to_contain_text("always the last 7 days")
    choice.click()
    assert copied(page, "Bookmark link copied") == f"{address}{ORDERS}?range=7d&status=failed"


def test_the_markup_of_the_menu_is_the_next_one(open_page: OpenPage) -> None:
    page = open_page(ORDERS)
    page.get_by_title("More ways to copy").click()
    page.get_by_role("link", name="Jira wiki markup").click()
    assert copied(page).startswith("h4. DCS backup history of {{orders-cache}}")
    expect(page.locator("#ticket-menu details")).not_to_have_attribute("open", "")
    expect(page.locator("[data-ticket-as=jira]")).to_have_attribute("aria-current", "true")
    page.goto(REFERENCE)
    expect(page.locator("[data-ticket-as=jira]")).to_have_attribute("aria-current", "true")
    page.keyboard.press("c")
    assert copied(page).startswith("h4. DCS backup {{backup_20190510163116}}")


def open_preview(page: Page) -> Locator:
    page.get_by_title("More ways to copy").click()
    page.get_by_role("link", name=re.compile("^Preview")).click()
    dialog = page.get_by_role("dialog", name="For a ticket")
    expect(dialog.get_by_role("button", name="Copy")).to_be_focused()
    return dialog


def test_the_preview_shows_what_will_be_pasted(open_page: OpenPage) -> None:
    page = open_page(ORDERS)
    dialog = open_preview(page)
    dialog.get_by_role("link", name="中文").click()
    shown = dialog.locator("textarea")
    expect(shown).to_have_value(re.compile("备份历史"))
    expect(dialog.get_by_role("link", name="中文")).to_be_focused()
    dialog.get_by_label("Another zone").fill("Asia/Shanghai")
    dialog.get_by_label("Another zone").press("Enter")
    expect(shown).to_have_value(re.compile("数据时间（Asia/Shanghai）"))
    dialog.get_by_role("button", name="Copy").click()
    assert copied(page) == shown.input_value()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile(f"{ORDERS}$"))


def test_the_preview_is_worked_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page(ORDERS)
    page.get_by_title("More ways to copy").focus()
    for key in ("Enter", "Tab", "Tab", "Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    dialog = page.get_by_role("dialog", name="For a ticket")
    expect(dialog.get_by_role("button", name="Copy")).to_be_focused()
    page.keyboard.press("Enter")
    assert copied(page) == dialog.locator("textarea").input_value()


def test_without_javascript_the_text_is_a_page(open_page: OpenPage) -> None:
    page = open_page(f"{ORDERS}?status=failed", javascript=False)
    ticket_button(page).click()
    expect(page).to_have_url(re.compile(r"/ticket/\?status=failed$"))
    page.get_by_role("link", name="Jira wiki markup").click()
    page.get_by_role("link", name="中文").click()
    page.locator("main").get_by_label("Another zone").fill("Asia/Shanghai")
    page.locator("main").get_by_role("button", name="Set").click()
    text = page.locator("textarea").input_value()
    assert text.startswith("h4. {{orders-cache}} 的 DCS 备份历史")
    assert "数据时间（Asia/Shanghai）" in text
    assert "状态：备份失败" in text
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_role("link", name="Back to the page").click()
    expect(page).to_have_url(re.compile(f"{ORDERS}\\?status=failed$"))


def test_without_javascript_the_command_and_the_exports_are_at_hand(open_page: OpenPage) -> None:
    page = open_page(f"{ORDERS}?status=failed", javascript=False)
    page.locator("#reproduce summary").click()
    expect(page.locator("#reproduce code")).to_contain_text("hcloud DCS ListBackupRecords")
    page.locator("#reproduce summary").click()
    for name, ending in (("CSV", "csv"), ("JSON", "json")):
        page.locator("#export:not([open]) summary").click()
        with page.expect_download() as download:
            page.get_by_role("link", name=re.compile(f"^{name}")).click()
        assert re.fullmatch(
            rf"orders-cache_backups_status-failed_as-of-\d{{8}}T\d{{6}}Z\.{ending}",
            download.value.suggested_filename,
        )
        page.locator("#export summary").click()


def test_the_command_is_copied(open_page: OpenPage) -> None:
    page = open_page(REFERENCE)
    page.locator("#reproduce summary").click()
    command = page.locator("#reproduce code").inner_text()
    page.get_by_role("button", name="Copy the command").click()
    assert copied(page, "Copied") == command


def test_after_a_refresh_in_place_texts_and_links_are_of_the_new_list(
    open_page: OpenPage, emulator: Emulator, portal: Settings
) -> None:
    emulator.set_records(ORDERS_CACHE_ID, raws(3))
    page = open_page(ORDERS)
    before = link_of(page)
    ahead = api_time(datetime.now(UTC) + timedelta(minutes=2))  # by DCS's clock
    emulator.insert_record(
        ORDERS_CACHE_ID, raw(40, backup_name="just-now", created_at=ahead, execution_at=ahead)
    )
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("link", name="just-now", exact=True)).to_be_visible()
    assert link_of(page) > before
    page.keyboard.press("l")
    expect(page.locator(".toast")).to_be_visible()
    assert parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)["to"] == [link_of(page)]
    page.keyboard.press("c")
    text = copied(page)
    assert "just-now" in text
    assert "4 of 4" in text


def link_of(page: Page) -> str:
    [end] = parse_qs(urlsplit(str(page.locator("[data-copy-link]").get_attribute("href"))).query)["to"]
    return end


def test_a_session_that_has_ended_leads_by_the_sign_in_to_the_text(open_page: OpenPage) -> None:
    page = open_page(f"{ORDERS}?status=failed")
    Session.objects.all().delete()
    ticket_button(page).click()
    page.locator("form button:visible").filter(has_text="Ada").click()
    expect(page).to_have_url(re.compile(r"/ticket/\?status=failed$"))
    expect(page.locator("textarea")).to_have_value(re.compile("DCS backup history"))


def test_a_failure_is_copied_from_its_page(open_page: OpenPage, emulator: Emulator) -> None:
    emulator.fail_with(403)
    page = open_page(ORDERS)
    page.keyboard.press("c")
    assert "Whether this instance has backups is not known now." in copied(page)
