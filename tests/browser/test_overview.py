"""The head of a history in Chromium: the strip by mouse and keyboard, and what a refresh changes in it."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from backups.emulator.fleet import ORDERS_CACHE_ID
from tests.pages.addresses import ORDERS
from tests.services.api_records import FAILED, api_time, raw


def usable_ago(days, **changes):
    started = api_time(datetime.now(UTC) - timedelta(days=days))
    times = dict.fromkeys(("created_at", "execution_at", "updated_at"), started)
    return raw(1, **{"backup_id": f"b-{days}", **times, **changes})


def test_the_strip_is_one_stop_of_tab_arrows_walk_along_it_and_a_click_on_a_day_shows_its_backups(open_page):
    page = open_page(ORDERS, width=390)
    strip = page.locator(".day-strip a")
    page.locator(".recover button").focus()

    page.keyboard.press("Tab")
    expect(strip.last).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(strip.nth(-3)).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(strip.first).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".sizes > summary")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(strip.first).to_be_focused()

    box = strip.first.bounding_box()
    assert min(box["width"], box["height"]) >= 24  # large enough for a finger
    title = strip.nth(-4).get_attribute("title")
    strip.nth(-4).click()
    page.wait_for_url(re.compile(r"from=.*&to="))
    assert page.locator("[data-backup-id]").count() == int(re.findall(r"\((\d+)", title)[0])
    expect(page.locator(".day-strip a[aria-current]")).to_have_attribute("title", title)


def test_the_head_follows_a_new_reading_in_place(open_page, emulator):
    emulator.set_records(ORDERS_CACHE_ID, [usable_ago(2), usable_ago(3, **FAILED)])
    page = open_page(ORDERS)
    page.locator(".day-strip a").last.focus()
    page.evaluate("window.same = document")
    emulator.insert_record(ORDERS_CACHE_ID, usable_ago(0.0001))
    expect(page.locator("#figures")).to_contain_text("1 of 2")

    page.get_by_role("button", name="Refresh").click()

    expect(page.locator("#figures")).to_contain_text("2 of 3")
    expect(page.locator(".day-strip .day").last).to_have_class(re.compile("is-usable"))
    assert page.locator(".day-strip a:not([tabindex='-1'])").count() == 1
    assert page.evaluate("window.same === document")
