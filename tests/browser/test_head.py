"""The head of a history in Chromium: its days, a refresh in place, and the way to a recovery point."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from backups.emulator.fleet import ORDERS_CACHE_ID
from tests.pages.addresses import ORDERS, POINT, id_of, page_of
from tests.services.api_records import FAILED, api_time, raw, raws


def ago(days, **changes):
    started = api_time(datetime.now(UTC) - timedelta(days=days))
    times = dict.fromkeys(("created_at", "execution_at", "updated_at"), started)
    return raw(1, backup_id=f"b-{days}", **times, **changes)


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
    emulator.set_records(ORDERS_CACHE_ID, [ago(2), ago(3, **FAILED)])
    page = open_page(ORDERS)
    page.locator(".day-strip a").last.focus()
    page.evaluate("window.same = document")
    emulator.insert_record(ORDERS_CACHE_ID, ago(0.0001))
    expect(page.locator("#figures")).to_contain_text("1 of 2")

    page.get_by_role("button", name="Refresh").click()

    expect(page.locator("#figures")).to_contain_text("2 of 3")
    expect(page.locator(".day-strip .day").last).to_have_class(re.compile("is-usable"))
    assert page.locator(".day-strip a:not([tabindex='-1'])").count() == 1
    assert page.evaluate("window.same === document")


# The recovery point ----------------------------------------------------------------------

ANSWER = "tr.role-answer"


@pytest.fixture
def five_backups(emulator):
    emulator.set_records(ORDERS_CACHE_ID, raws(5))


@pytest.mark.usefixtures("five_backups")
@pytest.mark.parametrize("javascript", [True, False])
def test_a_time_typed_on_a_history_leads_to_the_answer(open_page, javascript):
    page = open_page(f"{ORDERS}?tz=Asia/Shanghai&status=succeed", javascript=javascript)

    page.get_by_label("Recover to").fill("2026-11-01 11:30")
    page.locator("form.recover button").click()

    expect(page.locator(ANSWER)).to_have_attribute("data-backup-id", id_of(3))
    query = parse_qs(urlsplit(page.url).query)
    assert query == {"at": ["2026-11-01 11:30"], "tz": ["Asia/Shanghai"]}


@pytest.mark.usefixtures("five_backups")
def test_by_keys_a_typo_is_mended_in_the_field_where_it_stands_and_the_answer_is_opened(open_page):
    page = open_page(f"{POINT}?at=11/10/2026&tz=Asia/Shanghai")
    expect(page.locator("#at")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("write the year first")

    page.keyboard.press("Control+a")
    page.keyboard.type("2026-11-01 11:30")
    page.keyboard.press("Enter")
    expect(page.locator(".understood")).to_contain_text("2026-11-01 03:30:00 UTC")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**{page_of(3)}")


@pytest.mark.usefixtures("five_backups")
def test_no_label_of_the_strip_leaves_its_panel(open_page):
    page = open_page(f"{POINT}?at=2199-12-28&tz=Asia/Kolkata")
    for width in (390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        outside = page.eval_on_selector_all(
            ".strip text",
            """(labels) => labels.filter((label) => {
                const [{ left, right, width }, panel] =
                    [label, label.closest(".panel")].map((element) => element.getBoundingClientRect());
                return width && (left < panel.left || right > panel.right);
            }).length""",
        )
        assert outside == 0


def test_what_is_typed_is_said_back_before_it_is_asked(open_page):
    page = open_page(f"{ORDERS}?tz=Asia/Shanghai")

    page.locator("#at").press_sequentially("2026-11-23 09:40")
    expect(page.locator("#understood")).to_contain_text("which is 2026-11-23 01:40:00 UTC")
    page.get_by_label("Zone of a time that names none").select_option("UTC")

    expect(page.locator("#understood")).to_contain_text("Understood as 23 Nov 2026 09:40:00 UTC")
    assert page.url.endswith(f"{ORDERS}?tz=Asia/Shanghai")
