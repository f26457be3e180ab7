"""The keyboard alone: find as one types, walk the rows, see the keys, change the zone."""

import re

from playwright.sync_api import expect

from backups.emulator.fleet import ORDERS_CACHE_ID
from tests.pages.addresses import ORDERS, id_of
from tests.services.api_records import EXPIRED, raw, raws


def test_an_instance_is_opened_by_a_part_of_its_name_and_what_was_opened_last_stands_under_the_empty_box(
    open_page,
):
    page = open_page("/projects/eu-prod/")
    page.keyboard.press("/")
    page.keyboard.insert_text("ord ca")  # at once: each pause in the typing would ask anew
    expect(page.get_by_role("option", name=re.compile("orders-cache.*eu-prod"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/instances/[0-9a-f-]{36}/$"))
    page.wait_for_load_state()

    page.keyboard.press("/")
    expect(page.get_by_role("option", name=re.compile("orders-cache"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#suggestions")).to_be_hidden()
    page.keyboard.type("t?jk/")  # what is typed into the box is text
    expect(page.locator("[data-find]").first).to_have_value("t?jk/")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_folded_rows_are_passed_over_until_their_line_or_a_link_to_one_opens_them(open_page, emulator):
    emulator.set_records(ORDERS_CACHE_ID, [raw(5), *raws(4, **EXPIRED)])
    page = open_page(ORDERS)
    line, rows = page.locator(".run-line summary"), page.locator("[data-row-link]")
    for key in "jjkjj":
        page.keyboard.press(key)
    expect(line).to_be_focused()
    expect(rows.nth(1)).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()

    linked = open_page(f"{ORDERS}#row-{id_of(2)}", javascript=False)
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


def test_a_question_mark_shows_the_keys_which_can_be_switched_off_and_on_again(open_page):
    page = open_page(ORDERS)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_contain_text("Next row, previous row")
    page.keyboard.press("j")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("?")
    page.get_by_role("button", name="Turn these shortcuts off").click()
    expect(page.get_by_role("button", name="Turn these shortcuts on")).to_be_visible()
    page.goto(ORDERS)

    page.keyboard.type("latest? /jk")

    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("[data-row-link]:focus, [data-find]:focus")).to_have_count(0)
    assert page.url.endswith(ORDERS)
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


def test_t_changes_how_times_are_written_and_not_which_rows_are_shown(open_page):
    page = open_page(f"{ORDERS}?status=failed&status=expired")
    zone, rows = page.locator("summary", has_text="Time zone:"), page.locator("[data-backup-id]")
    ids = "rows => rows.map(row => row.dataset.backupId)"
    shown = rows.evaluate_all(ids)
    first = rows.locator("time").first
    utc = first.get_attribute("datetime")
    expect(first).to_contain_text("UTC")
    page.keyboard.press("t")  # the browser is in UTC, so this is the zone of the project's region
    expect(zone).to_contain_text("Europe/Dublin")
    expect(page).to_have_url(re.compile(r"status=failed&status=expired$"))
    assert first.get_attribute("datetime") == utc
    page.keyboard.press("t")
    expect(zone).to_contain_text("UTC")
    assert rows.evaluate_all(ids) == shown


def test_the_menu_shows_the_zone_that_a_link_asks_for_and_answers_one_that_is_typed_wrong(open_page):
    page = open_page(f"{ORDERS}?status=failed&tz=Asia/Shanghai")
    zone = page.locator("summary", has_text="Time zone:")
    expect(zone).to_contain_text("Asia/Shanghai")
    zone.click()
    expect(page.get_by_text("as its link asks; on other pages they are in UTC")).to_be_visible()
    page.get_by_label("Another zone").fill("Sanghai")
    page.keyboard.press("Enter")
    said = page.get_by_role("alert").filter(visible=True)
    expect(said).to_have_text("The portal does not know this time zone.")
    page.get_by_label("Another zone").fill("Tokyo")
    page.keyboard.press("Enter")
    expect(zone).to_contain_text("Asia/Tokyo")
    expect(page).to_have_url(re.compile(r"\?status=failed$"))

    page.goto(f"{ORDERS}?status=failed&tz=Asia/Shanghai")
    page.keyboard.press("t")
    expect(zone).to_contain_text("UTC")
    expect(page).to_have_url(re.compile(r"\?status=failed$"))
