"""The keyboard alone: find as one types, walk the rows, see the keys, change the zone."""

import re

from playwright.sync_api import expect

from backups.emulator.fleet import ORDERS_CACHE_ID
from tests.services.api_records import EXPIRED, raw, raws

from .test_main_path import ORDERS


def test_an_instance_is_opened_by_typing_a_part_of_its_name(open_page):
    page = open_page("/projects/eu-prod/")
    page.keyboard.press("/")
    page.keyboard.insert_text("ord ca")  # at once: each pause in the typing would ask anew
    expect(page.get_by_role("option", name=re.compile("orders-cache.*eu-prod"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/instances/[0-9a-f-]{36}/$"))


def test_what_was_opened_last_stands_under_the_empty_box(open_page):
    page = open_page(ORDERS)
    page.keyboard.press("/")
    expect(page.get_by_role("option", name=re.compile("orders-cache"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#suggestions")).to_be_hidden()


def test_a_key_that_is_typed_into_the_box_is_text(open_page):
    page = open_page(ORDERS)
    page.keyboard.press("/")
    page.keyboard.type("t?jk/")
    expect(page.locator("[data-find]").first).to_have_value("t?jk/")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_rows_are_walked_and_opened(open_page):
    page = open_page(ORDERS)
    rows = page.locator("[data-row-link]")
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/backups/[0-9a-f-]{36}/$"))


def test_folded_rows_are_passed_over_until_their_line_or_a_link_to_one_opens_them(open_page, emulator):
    emulator.set_records(ORDERS_CACHE_ID, [raw(5), *raws(4, **EXPIRED)])
    page = open_page(ORDERS)
    line, rows = page.locator(".run-line summary"), page.locator("[data-row-link]")
    for key in "jjj":
        page.keyboard.press(key)
    expect(line).to_be_focused()
    expect(rows.nth(1)).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()

    linked = open_page(f"{ORDERS}#row-{raw(2)['backup_id']}", javascript=False)
    expect(linked.locator("[data-row-link]").nth(3)).to_be_visible()
    linked.goto(ORDERS)
    linked.locator(".run-line summary").click()
    expect(linked.locator("[data-row-link]").nth(3)).to_be_visible()


def test_tab_skips_to_the_backups_whose_rows_and_filters_say_what_they_are(open_page):
    page = open_page(f"{ORDERS}?status=failed")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the backups")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Backups")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_accessible_name(re.compile(r"^Failed, \d+, remove filter$"))
    expect(page.get_by_role("link", name=re.compile(r"^Succeeded, \d+, add filter$"))).to_be_visible()
    expect(page.locator("[data-rows]").get_by_role("rowheader").first).to_contain_text("backup_")


def test_two_rows_are_marked_on_two_pages_and_compared(open_page):
    page = open_page(f"{ORDERS}?per_page=25")
    boxes, bar = page.locator(".c-mark input"), page.locator(".marks")
    expect(bar).to_be_hidden()
    for key in "jxjxjx":  # the third takes the place of the first
        page.keyboard.press(key)
    expect(boxes.nth(0)).not_to_be_checked()
    expect(boxes.nth(1)).to_be_checked()
    boxes.nth(1).uncheck()
    expect(bar).to_contain_text("Mark two backups to compare them")
    first = boxes.nth(2).get_attribute("value")

    page.goto(f"{ORDERS}?status=expired&page=2")
    boxes.first.check()
    second = boxes.first.get_attribute("value")
    page.keyboard.press("X")

    expect(page.get_by_role("heading", name="Compare two backups")).to_be_visible()
    ids = {one.get_attribute("href") for one in page.locator(".side-by-side thead a").all()}
    assert ids == {f"{ORDERS}backups/{one}/" for one in (first, second)}


def test_two_rows_are_compared_without_javascript(open_page):
    page = open_page(ORDERS, javascript=False)
    for place in (0, 3):
        page.locator(".c-mark input").nth(place).check()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".side-by-side")).to_contain_text("What differs")


def test_a_question_mark_shows_the_keys_and_escape_closes_them(open_page):
    page = open_page(ORDERS)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_contain_text("Next row, previous row")
    page.keyboard.press("j")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_keys_are_a_page_without_javascript(open_page):
    page = open_page("/keyboard/", javascript=False)
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()


def test_t_changes_how_times_are_written_and_not_which_rows_are_shown(open_page):
    page = open_page(f"{ORDERS}?status=failed&status=expired")
    rows = page.locator("[data-backup-id]").evaluate_all("rows => rows.map(row => row.dataset.backupId)")
    first = page.locator("[data-backup-id] time").first
    utc = first.get_attribute("datetime")
    expect(first).to_contain_text("UTC")
    page.keyboard.press("t")  # the browser is in UTC, so this is the zone of the project's region
    expect(page.locator("summary", has_text="Time zone:")).to_contain_text("Europe/Dublin")
    expect(page).to_have_url(re.compile(r"status=failed&status=expired$"))
    assert first.get_attribute("datetime") == utc
    page.keyboard.press("t")
    expect(page.locator("summary", has_text="Time zone:")).to_contain_text("UTC")
    assert rows == page.locator("[data-backup-id]").evaluate_all(
        "rows => rows.map(row => row.dataset.backupId)"
    )


def test_on_paper_there_are_the_rows_and_the_link_and_no_controls(open_page):
    page = open_page(f"{ORDERS}?status=failed", theme="dark")
    page.emulate_media(media="print")
    expect(page.locator(".print-only").first).to_contain_text("status=failed")
    for control in (".topbar", ".filters", ".title .actions"):
        expect(page.locator(control).first).to_be_hidden()
    expect(page.locator("[data-backup-id]").first).to_be_visible()


def test_keys_can_be_switched_off_and_on_again(open_page):
    page = open_page(ORDERS)
    page.keyboard.press("?")
    page.get_by_role("button", name="Turn these shortcuts off").click()
    expect(page.get_by_role("button", name="Turn these shortcuts on")).to_be_visible()
    page.goto(ORDERS)
    address = page.url

    page.keyboard.type("latest? /jk")

    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("[data-row-link]:focus, [data-find]:focus")).to_have_count(0)
    assert page.url == address
    page.goto("/keyboard/")
    page.get_by_role("button", name="Turn these shortcuts on").click()
    expect(page.get_by_role("button", name="Turn these shortcuts off")).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("[data-find]:focus")).to_have_count(1)


def test_arrows_walk_in_a_menu_and_escape_leads_back_to_its_button(open_page):
    page = open_page(ORDERS)
    menu = page.locator("summary", has_text="Export")
    menu.focus()
    for key, item in (("ArrowDown", "CSV"), ("ArrowDown", "JSON"), ("ArrowDown", "CSV"), ("End", "JSON")):
        page.keyboard.press(key)
        expect(page.get_by_role("link", name=re.compile(item))).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(page.get_by_role("link", name=re.compile("JSON"))).to_be_hidden()


def test_a_zone_that_is_typed_wrong_is_answered_in_the_menu(open_page):
    page = open_page(f"{ORDERS}?status=failed")
    zone = page.locator("summary", has_text="Time zone:")
    zone.click()
    page.get_by_label("Another zone").fill("Sanghai")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(visible=True)).to_have_text(
        "The portal does not know this time zone."
    )

    page.get_by_role("button", name="Asia/Shanghai").click()

    expect(zone).to_contain_text("Asia/Shanghai")
    expect(page).to_have_url(re.compile(r"\?status=failed$"))


def test_the_header_shows_the_zone_that_a_link_asks_for(open_page):
    page = open_page(f"{ORDERS}?tz=Asia/Shanghai")
    zone = page.locator("summary", has_text="Time zone:")
    expect(zone).to_contain_text("Asia/Shanghai")
    zone.click()
    expect(page.get_by_text("as its link asks; on other pages they are in UTC")).to_be_visible()

    page.get_by_label("Another zone").fill("Tokyo")
    page.keyboard.press("Enter")
    expect(zone).to_contain_text("Asia/Tokyo")
    expect(page).to_have_url(re.compile(r"/$"))

    page.goto(f"{ORDERS}?status=failed&tz=Asia/Shanghai")
    page.keyboard.press("t")
    expect(zone).to_contain_text("UTC")
    expect(page).to_have_url(re.compile(r"\?status=failed$"))
