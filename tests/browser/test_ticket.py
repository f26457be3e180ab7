"""Copying for a ticket by mouse, by keyboard, without JavaScript: the clipboard has what was shown."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from backups.emulator.fleet import ORDERS_CACHE_ID
from tests.pages.addresses import ORDERS, POINT, REFERENCE
from tests.services.api_records import api_time, raw, raws


def copied(page, place=None, said="Copied for a ticket"):
    """The clipboard's text, once what was clicked says in its own place that it has been filled."""
    expect(place or ticket_button(page)).to_have_attribute("data-done", "Copied")
    expect(page.locator("[data-announce]", has_text=said)).to_have_count(1)
    return str(page.evaluate("navigator.clipboard.readText()"))


def rich_text(page):
    """What the clipboard has for who takes rich text."""
    read = "async () => (await (await navigator.clipboard.read())[0].getType('text/html')).text()"
    return str(page.evaluate(read))


def ticket_button(page):
    return page.get_by_role("link", name="Copy for ticket")


def link_button(page):
    return page.locator("[data-copy-link]")


@pytest.mark.parametrize(
    ("path", "beginning"),
    [
        (f"{ORDERS}?status=failed", "**Usable"),
        (f"{POINT}?at=2019-06-01&tz=UTC", "**Usable.** Data from 10 May 2019 08:31:21 UTC"),
        ("/projects/eu-prod/?q=orders", "**DCS backups:** 1 of 20 instances match"),
        ("/failures/?range=7d", "**DCS backup failures:** 0 backups failed from"),
    ],
)
def test_one_click_or_one_key_copies_what_is_shown_or_the_link_alone(open_page, address, path, beginning):
    page = open_page(path)
    page.keyboard.press("l")
    link = copied(page, link_button(page), "Link copied")
    assert link == link_button(page).get_attribute("href")
    assert link.startswith(address + path.partition("?")[0])

    ticket_button(page).click()
    text = copied(page)
    assert text.startswith(beginning)
    assert f"<strong>{re.split('[.:]', beginning[2:])[0]}" in rich_text(page)
    assert f'href="{address}' in rich_text(page)

    page.goto(path)
    page.keyboard.press("c")
    assert copied(page).startswith(beginning)
    page.goto(ticket_button(page).get_attribute("href"))
    assert page.locator("textarea").input_value().startswith(beginning)


def test_an_old_page_copies_what_is_fresh_and_says_where_that_failed(open_page, emulator, portal):
    emulator.set_records(ORDERS_CACHE_ID, raws(3))
    page = open_page(ORDERS)
    portal.DCS_FRESH_SECONDS = 0
    emulator.set_records(ORDERS_CACHE_ID, raws(4))
    page.keyboard.press("c")
    assert "4 listed" in copied(page)
    emulator.fail_with(503)
    page.reload()
    page.keyboard.press("c")
    expect(ticket_button(page)).to_have_attribute("data-done", "Copied, but old")
    assert "so this is what DCS said at" in page.evaluate("navigator.clipboard.readText()")


def test_where_the_button_is_out_of_sight_the_sentence_is_seen_and_says_which_times_a_link_keeps(open_page):
    page = open_page(ORDERS)
    page.mouse.wheel(0, 3000)
    expect(ticket_button(page)).not_to_be_in_viewport()
    page.keyboard.press("l")
    expect(page.get_by_text("Link copied with an absolute time")).to_be_in_viewport()
    page.goto(f"{ORDERS}?from=2026-11-01&to=2026-11-02")
    link_button(page).click()
    times = "from 2026-11-01 00:00:00 UTC until before 2026-11-03 00:00:00 UTC"
    copied(page, link_button(page), f"Link copied with absolute times: {times}")


def test_a_relative_link_stays_for_bookmarks(open_page, address):
    page = open_page(f"{ORDERS}?range=7d&status=failed")
    page.keyboard.press("l")
    assert "range" not in copied(page, link_button(page), "Link copied")
    page.get_by_title("More ways to copy").click()
    choice = page.get_by_role("link", name=re.compile("for a bookmark"))
    expect(choice).to_contain_text("always the last 7 days")
    choice.click()
    assert copied(page, said="Bookmark link copied") == f"{address}{ORDERS}?range=7d&status=failed"


def test_the_markup_of_the_menu_is_the_next_one(open_page):
    page = open_page(ORDERS)
    page.get_by_title("More ways to copy").click()
    page.get_by_role("link", name="Jira wiki markup").click()
    assert copied(page).startswith("*Usable")
    expect(page.locator("#ticket-menu details")).not_to_have_attribute("open", "")
    expect(page.locator("[data-ticket-as=jira]")).to_have_attribute("aria-current", "true")
    page.goto(REFERENCE)
    expect(page.locator("[data-ticket-as=jira]")).to_have_attribute("aria-current", "true")
    page.keyboard.press("c")
    assert copied(page).startswith("*Usable.* Data from 10 May 2019")


def test_the_preview_is_opened_by_keys_and_shows_what_will_be_pasted(open_page):
    page = open_page(ORDERS)
    page.get_by_title("More ways to copy").press("Enter")
    page.get_by_role("link", name=re.compile("^Preview")).press("Enter")
    dialog = page.get_by_role("dialog", name="For a ticket")
    shown, button = dialog.locator("[data-ticket-shown]"), dialog.get_by_role("button", name="Copy")
    expect(button).to_be_focused()
    dialog.get_by_role("link", name="中文").click()
    expect(shown.locator("strong").first).to_contain_text("可用")
    expect(dialog.get_by_role("link", name="中文")).to_be_focused()
    dialog.get_by_label("Another zone").fill("Asia/Shanghai")
    dialog.get_by_label("Another zone").press("Enter")
    expect(shown).to_contain_text("Shanghai")
    button.press("Enter")
    assert copied(page, button) == dialog.locator("textarea").input_value()
    assert shown.locator("strong").first.inner_text() in rich_text(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile(f"{ORDERS}$"))


def test_without_javascript_the_text_is_a_page(open_page):
    page = open_page(f"{ORDERS}?status=failed", javascript=False)
    ticket_button(page).click()
    expect(page).to_have_url(re.compile(r"/ticket/\?status=failed$"))
    page.get_by_role("link", name="Jira wiki markup").click()
    page.get_by_role("link", name="中文").click()
    page.locator("main").get_by_label("Another zone").fill("Asia/Shanghai")
    page.locator("main").get_by_role("button", name="Set").click()
    text = page.locator("textarea").input_value()
    assert text.startswith("*可用")
    assert "Shanghai" in text
    assert "状态：备份失败" in text
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_role("link", name="Back to the page").click()
    expect(page).to_have_url(re.compile(f"{ORDERS}\\?status=failed$"))


def test_the_command_is_copied(open_page):
    page = open_page(REFERENCE)
    page.locator("#reproduce summary").click()
    command = page.locator("#reproduce code").inner_text()
    page.get_by_role("button", name="Copy the command").click()
    assert copied(page, page.locator("#reproduce summary"), "Copied") == command


def test_after_a_refresh_in_place_texts_and_links_are_of_the_new_list(open_page, emulator, portal):
    emulator.set_records(ORDERS_CACHE_ID, raws(3))
    page = open_page(ORDERS)
    before = link_of(page)
    ahead = api_time(datetime.now(UTC) + timedelta(minutes=2))  # by DCS's clock
    new = raw(40, backup_name="just-now", created_at=ahead, execution_at=ahead)
    emulator.insert_record(ORDERS_CACHE_ID, new)
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("link", name="just-now", exact=True)).to_be_visible()
    assert link_of(page) > before
    page.keyboard.press("l")
    link = copied(page, link_button(page), "Link copied")
    assert parse_qs(urlsplit(link).query)["to"] == [link_of(page)]
    page.keyboard.press("c")
    text = copied(page)
    assert "just-now" in text
    assert "4 listed" in text


def link_of(page):
    [end] = parse_qs(urlsplit(link_button(page).get_attribute("href")).query)["to"]
    return end


def test_a_session_that_has_ended_leads_by_the_sign_in_to_the_text(open_page):
    page = open_page(f"{ORDERS}?status=failed")
    Session.objects.all().delete()
    ticket_button(page).click()
    page.locator("form button:visible").filter(has_text="Ada").click()
    expect(page).to_have_url(re.compile(r"/ticket/\?status=failed$"))
    expect(page.locator("textarea")).to_have_value(re.compile("match .Status: Failed"))


def test_the_key_copies_the_highlighted_row_else_what_is_shown(open_page):
    page = open_page("/projects/eu-prod/?q=orders")
    page.keyboard.press("j")
    page.keyboard.press("c")
    row = page.locator("[data-row-link]")
    expect(row).to_be_focused()
    assert copied(page, row, "Copied").startswith("**Usable")

    page.goto(ORDERS)
    row = page.locator("[data-row-link]").nth(1)
    for key in ("j", "j", "c"):
        page.keyboard.press(key)
    assert f"**Backup:** [`{row.inner_text().split()[0]}`]" in copied(page, row, "Copied")
