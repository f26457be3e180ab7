"""The head of a history in Chromium: the strip by mouse and keyboard, the chart, narrow screens."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from backups.emulator.fleet import ORDERS_CACHE_ID, Fleet
from tests.services.api_records import FAILED, api_time, raw

from .conftest import axe_findings

ORDERS = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
ODD = ("pricing-bad-week", "every-status", "odd-fields", "catalog-resized", "billing-broken", "sessions-live")


def history_named(name):
    return f"/projects/eu-prod/instances/{Fleet().named(name, 'eu-prod').instance_id}/"


def usable_ago(days, **changes):
    started = api_time(datetime.now(UTC) - timedelta(days=days))
    times = {"created_at": started, "execution_at": started, "updated_at": started}
    return raw(1, **{"backup_id": f"b-{days}", **times, **changes})


@pytest.mark.parametrize(
    ("names", "language", "width"),
    [(ODD[::2], "en", 1440), (ODD[1::2], "zh-hans", 390)],
    ids=["en", "zh-hans"],
)
def test_odd_histories_are_clean_for_axe_and_fit_the_screen(open_page, names, language, width):
    page = open_page("about:blank", language=language, width=width)
    found = {}
    for name in names:
        page.goto(history_named(name))
        if page.locator(".sizes").count():
            page.locator(".sizes > summary").click()
        found[name] = axe_findings(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_click_on_a_day_shows_its_backups(open_page):
    page = open_page(ORDERS)
    day = page.locator(".day-strip a").nth(-4)
    title = day.get_attribute("title") or ""

    day.click()

    page.wait_for_url(re.compile(r"from=.*&to="))
    assert page.locator("[data-backup-id]").count() == int(re.findall(r"\((\d+)", title)[0])
    expect(page.locator(".day-strip a[aria-current]")).to_have_attribute("title", title)


def test_the_strip_is_one_stop_of_tab_and_arrows_walk_along_it(open_page):
    page = open_page(ORDERS)
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


def test_a_day_is_large_enough_for_a_finger(open_page):
    page = open_page(ORDERS, width=390)

    box = page.locator(".day-strip a").first.bounding_box()

    assert box
    assert min(box["width"], box["height"]) >= 24


def test_everything_of_the_head_works_without_javascript(open_page):
    page = open_page(ORDERS, javascript=False)

    page.locator("#figures a[title^=Succeeded]").click()
    assert page.locator("[data-backup-id]").count() == page.locator("tr.usable").count() > 0
    page.locator(".sizes > summary").click()
    expect(page.locator(".chart svg")).to_be_visible()


def test_the_head_follows_a_new_reading_in_place(open_page, emulator, portal):
    emulator.set_records(ORDERS_CACHE_ID, [usable_ago(2), usable_ago(3, **FAILED)])
    page = open_page(ORDERS)
    page.locator(".day-strip a").last.focus()
    page.evaluate("window.same = document")
    emulator.insert_record(ORDERS_CACHE_ID, usable_ago(0.0001))
    expect(page.locator("#figures")).to_contain_text("1 of 2")

    _refresh(page)

    expect(page.locator("#figures")).to_contain_text("2 of 3")
    expect(page.locator(".day-strip .day").last).to_have_class(re.compile("is-usable"))
    assert page.locator(".day-strip a:not([tabindex='-1'])").count() == 1
    assert page.evaluate("window.same === document")


def _refresh(page):
    page.locator("form[action$='/refresh/'] button").first.click()
