"""Lists that change in place, and the way back to where one was: static/js/lists.js."""

import json
import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from backups.emulator.fleet import ORDERS_CACHE_ID
from tests.pages.addresses import ORDERS

TOP = "element => element.getBoundingClientRect().top"


@pytest.fixture
def page(open_page, emulator):
    """A history of 70 backups: how many the fleet has depends on the day."""
    newest = emulator.fleet.backups(ORDERS_CACHE_ID)[:70]
    emulator.set_records(ORDERS_CACHE_ID, [json.loads(row.text) for row in newest])
    page = open_page(ORDERS)
    page.evaluate("window.sameDocument = true")
    return page


def said(page):
    return page.locator("[data-announce]")


def test_a_chip_keeps_focus_and_scroll_position_says_what_is_left_and_back_undoes_it(page):
    chip = page.get_by_role("link", name=re.compile(r"^Failed, \d+, "))
    chip.focus()
    page.evaluate("scrollBy(0, 150)")
    before = chip.evaluate(TOP)

    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"\?status=failed$"))
    expect(said(page)).to_have_text(re.compile(r"^\d of 70 backups$"))
    expect(chip).to_be_focused()
    expect(chip).to_have_accessible_name(re.compile("remove filter$"))
    assert chip.evaluate(TOP) == before
    assert page.evaluate("window.sameDocument")
    assert page.locator("[data-rows] tbody .c-status", has_text="Succeeded").count() == 0

    page.get_by_role("link", name="Clear").click()
    expect(said(page)).to_have_text("70 backups, 1–50 of 70")
    page.go_back()

    expect(page).to_have_url(re.compile(r"\?status=failed$"))
    expect(said(page)).to_have_text(re.compile(r"^\d of 70 backups$"))
    page.go_back()

    expect(said(page)).to_have_text("70 backups, 1–50 of 70")
    expect(chip).to_be_focused()
    expect(chip).to_have_accessible_name(re.compile("add filter$"))
    assert page.evaluate("window.sameDocument")


def test_a_search_a_range_and_the_way_out_of_both_are_in_place_and_the_fields_follow(page):
    search = page.locator("form[data-filters] [name=q]")
    search.fill("nightly")
    search.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=nightly$"))
    expect(search).to_be_focused()

    page.get_by_label("Time range").select_option("7d")

    expect(page).to_have_url(re.compile(r"\?range=7d&q=nightly$"))
    page.get_by_role("link", name="Clear").click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(search).to_have_value("")
    expect(page.get_by_label("Time range")).to_have_value("")
    page.go_back()
    expect(search).to_have_value("nightly")
    assert page.evaluate("window.sameDocument")


def test_an_order_and_a_page_keep_the_focus_where_it_was_and_a_figure_leads_to_its_rows(page):
    size = page.locator("[data-rows] thead").get_by_role("link", name="Size")
    size.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")
    expect(size).to_be_focused()
    following = page.get_by_role("link", name="Next page")
    following.focus()
    page.keyboard.press("Enter")

    expect(said(page)).to_have_text("70 backups, 51–70 of 70")
    expect(following).to_have_count(0)
    expect(page.get_by_role("link", name="Previous page")).to_be_focused()

    page.get_by_role("link", name=re.compile(r"^\d+ of 70$")).first.click()

    expect(page).to_have_url(re.compile("status=succeed.*#backups$"))  # a figure leads to its rows
    expect(page.get_by_role("region", name="Backups")).to_be_focused()
    assert page.evaluate("window.sameDocument")


def test_what_came_in_place_goes_on_asking_for_itself(page):
    page.clock.install()
    page.goto(ORDERS)
    page.get_by_role("link", name=re.compile(r"^Failed, \d+, ")).click()
    expect(page).to_have_url(re.compile(r"\?status=failed$"))

    with page.expect_response(lambda answer: answer.status == 204) as asked:
        page.clock.run_for(61_000)

    assert asked.value.url == page.url


def test_back_from_the_page_of_a_row_leads_to_the_row(open_page):
    page = open_page("about:blank")
    for path in (f"{ORDERS}?status=expired", "/projects/eu-prod/"):
        page.goto(path)
        row = page.locator("[data-row-link]").last
        row.focus()
        name, scrolled = row.inner_text(), page.evaluate("scrollY")
        row.press("Enter")
        expect(page.locator("h1")).to_contain_text(name.strip())

        page.go_back()

        expect(row).to_be_focused()
        expect(row).to_have_text(name)
        assert page.evaluate("scrollY") == scrolled


def test_where_a_list_cannot_come_in_place_its_page_says_why(page):
    Session.objects.all().delete()

    page.get_by_role("link", name=re.compile(r"^Failed, \d+, ")).click()

    expect(page).to_have_url(re.compile(r"/sign-in/\?next=.*%3Fstatus%3Dfailed$"))


def test_the_board_changes_in_place_too(open_page):
    page = open_page("/projects/eu-prod/")
    page.evaluate("window.sameDocument = true")
    page.locator("label[for=show-filters]").click()
    chip = page.get_by_role("link", name=re.compile(r"^Error, \d+, "))
    chip.focus()

    page.keyboard.press("Enter")

    expect(said(page)).to_have_text(re.compile(r"^\d of \d+ instances$"))
    expect(chip).to_be_focused()
    assert page.evaluate("window.sameDocument")
