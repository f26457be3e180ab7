"""Pages that keep themselves current while they are open: static/js/live.js and morph.js."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from backups.emulator.fleet import ORDERS_CACHE_ID
from tests.pages.addresses import ORDERS
from tests.services.api_records import api_time, raw

from .conftest import axe_findings

RUNNING = "running-1"


@pytest.fixture(autouse=True)
def quick(portal):
    """Listings grow old at once, so that nothing has to be waited for."""
    portal.DCS_FRESH_SECONDS = 0.1


def a_history(emulator, status, progress="10.00", count=60):
    """Orders-cache has `count` old backups, and one that is waiting, running or done."""
    now = datetime.now(UTC)
    done = status in ("succeed", "failed")
    began = dict.fromkeys(("created_at", "execution_at"), api_time(now - timedelta(minutes=3)))
    newest = raw(
        0,
        backup_id=RUNNING,
        backup_name="tonight",
        status=status,
        progress="100.00" if status == "succeed" else progress,
        updated_at=api_time(now),
        **began,
        is_support_restore="TRUE" if done else "FALSE",
        error_code="dcs.08.0002" if status == "failed" else None,
    )
    emulator.set_records(ORDERS_CACHE_ID, [newest, *(raw(n) for n in range(1, count))])


def asks_of(page):
    """What a page asks for by itself from now on."""
    found = []
    page.on("request", lambda r: found.append(r) if "x-shown-generation" in r.headers else None)
    return found


def clocked(open_page, path=ORDERS):
    """A page whose clock the test drives."""
    page = open_page("about:blank")
    page.clock.install()
    page.goto(path)
    return page


def hide(page, hidden):
    """Another tab comes to the front, or this one does again."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def newest(page):
    return page.locator(f"[data-backup-id='{RUNNING}']")


# A backup in progress --------------------------------------------------------------------------------


def test_a_backup_that_finishes_while_the_page_is_open_shows_itself_and_is_announced(open_page, emulator):
    a_history(emulator, "waiting")
    page = open_page(ORDERS)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    expect(newest(page)).to_contain_text("Waiting")

    a_history(emulator, "backuping", "41.50")

    expect(newest(page).locator("progress")).to_have_js_property("value", 42)
    expect(page.locator("[data-announce]")).to_have_text("")

    a_history(emulator, "succeed")

    expect(newest(page)).to_contain_text("Succeeded")
    expect(page.locator("[data-announce]")).to_contain_text("tonight succeeded and can be restored.")
    expect(page).to_have_title("✓ Succeeded · orders-cache · eu-prod · DCS backups")
    expect(page.locator("#notices")).to_contain_text("tonight succeeded and can be restored.")
    expect(page.locator("#chips")).to_contain_text("Succeeded 60")
    assert "In progress" not in page.locator("main").inner_text()

    page.keyboard.press("Shift")

    expect(page).to_have_title("orders-cache · eu-prod · DCS backups")
    assert said == []


WATCH_ANIMATIONS = """() => new MutationObserver(() => {
    for (const cell of document.querySelectorAll("td.came")) {
        (window.moved ??= {})[cell.className.split(" ")[0]] = getComputedStyle(cell).animationName;
    }
}).observe(document.body, { subtree: true, attributes: true, childList: true })"""


def test_what_has_changed_moves_and_nothing_where_motion_is_not_wanted(open_page, emulator):
    a_history(emulator, "backuping")
    pages = {"came": open_page(ORDERS), "none": open_page(ORDERS)}
    pages["none"].emulate_media(reduced_motion="reduce")
    for page in pages.values():
        page.evaluate(WATCH_ANIMATIONS)

    a_history(emulator, "succeed")

    for animation, page in pages.items():
        expect(newest(page)).to_contain_text("Succeeded")
        moved = page.evaluate("window.moved")
        assert moved["c-status"] == animation
        assert not {"c-when", "c-name"} & set(moved)


def test_a_page_asks_every_minute_and_follows_who_reads_and_what_is_new(open_page, emulator, portal):
    portal.DCS_FRESH_SECONDS = 60
    a_history(emulator, "failed")
    page = clocked(open_page)
    read_at = page.locator(".asof time")
    before = read_at.get_attribute("datetime")
    asks, other = asks_of(page), open_page(ORDERS)

    other.get_by_role("button", name="Refresh").click()
    expect(other.locator(".asof time")).not_to_have_attribute("datetime", before or "")
    page.clock.run_for(61_000)

    expect(read_at).not_to_have_attribute("datetime", before or "")
    expect(page.locator(".asof")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d UTC, 1 min ago"))
    assert (len(asks), emulator.count("/backups")) == (1, 2)

    portal.DCS_FRESH_SECONDS = 0
    a_history(emulator, "succeed")
    page.clock.run_for(61_000)

    expect(newest(page)).to_contain_text("Succeeded")


def test_a_hidden_page_asks_for_nothing_and_where_it_cannot_ask_then_it_vouches_for_nothing(
    open_page, portal
):
    portal.DCS_FRESH_SECONDS = 60
    page = clocked(open_page)
    dot, unchecked = page.locator(".asof .dot"), page.locator("[data-unchecked]")
    colour = "dot => getComputedStyle(dot).backgroundColor"
    green = dot.evaluate(colour)
    hide(page, True)
    asks = asks_of(page)
    page.clock.run_for(3_600_000)
    expect(unchecked).to_be_hidden()
    assert asks == []
    page.context.set_offline(True)

    hide(page, False)

    expect(unchecked).to_have_text(re.compile(r"not checked since \d\d:\d\d:\d\d UTC"))
    assert dot.evaluate(colour) != green

    page.context.set_offline(False)

    expect(unchecked).to_be_hidden()
    assert dot.evaluate(colour) == green


def test_the_swap_keeps_focus_scroll_selection_menus_and_half_typed_text(open_page, emulator):
    a_history(emulator, "backuping")
    page = open_page(ORDERS)
    row = page.get_by_role("link", name="backup_40", exact=True)
    row.focus()
    page.evaluate("scrollTo(0, 700)")
    at = row.bounding_box()
    page.get_by_role("link", name="backup_35", exact=True).evaluate(
        "link => getSelection().selectAllChildren(link)"
    )
    page.locator("form[data-filters] [name=q]").evaluate("field => (field.value = 'half a wo')")
    page.locator(".between").evaluate("menu => (menu.open = true)")
    copy = page.locator(".title .copy").first
    expect(copy).to_be_visible()
    strip = page.locator("[data-roving] a")
    strip.nth(3).evaluate("link => link.focus({ preventScroll: true })")
    row.evaluate("link => link.focus({ preventScroll: true })")

    a_history(emulator, "succeed", count=55)  # and some old ones have left the list

    expect(page.locator("[data-announce]")).to_contain_text("tonight succeeded")
    expect(row).to_be_focused()
    assert abs(row.bounding_box()["y"] - at["y"]) < 1
    assert page.evaluate("String(getSelection())") == "backup_35"
    expect(page.locator("form[data-filters] [name=q]")).to_have_value("half a wo")
    expect(page.locator(".between")).to_have_attribute("open", "")
    expect(copy).to_be_visible()
    assert strip.evaluate_all("links => links.findIndex(link => link.tabIndex === 0)") == 3


def test_the_focus_goes_to_the_neighbour_of_a_row_that_has_left(open_page, emulator):
    a_history(emulator, "backuping", count=10)
    page = open_page(ORDERS)
    page.keyboard.press("k")
    expect(page.locator("[data-row-link]").last).to_be_focused()

    a_history(emulator, "succeed", count=8)

    expect(page.locator("[data-row-link]")).to_have_count(8)
    expect(page.locator("[data-row-link]").last).to_be_focused()


# DCS, the portal and the session go away --------------------------------------------------------------


def test_dcs_goes_away_and_comes_back_while_the_page_is_open(open_page, emulator):
    a_history(emulator, "backuping")
    page = open_page(ORDERS)
    emulator.fail_with(500)

    notices = page.locator("#notices")
    expect(notices).to_contain_text("DCS has an internal error. Showing what DCS said at")
    expect(notices).to_contain_text("This page asks again by itself in")
    expect(page.locator("[data-announce]")).to_have_text("DCS has an internal error.")
    expect(newest(page)).to_contain_text("In progress")

    emulator.heal()
    a_history(emulator, "succeed")

    expect(newest(page)).to_contain_text("Succeeded")
    expect(page.locator("[data-announce]")).to_contain_text("DCS answers again.")
    expect(notices).not_to_contain_text("internal error")


def test_a_refused_key_is_not_tried_again_by_an_open_page(open_page, emulator):
    emulator.fail_with(401)
    page = clocked(open_page)
    expect(page.locator("main")).to_contain_text("DCS refused the portal's access key")
    asks = asks_of(page)

    page.clock.run_for(3_600_000)

    assert asks == []


def test_a_list_that_is_being_read_shows_how_far_and_becomes_a_history_that_works_as_if_loaded(
    open_page, emulator, portal
):
    portal.DCS_WAITING_VIEWERS = 0
    portal.DCS_PAGE_SIZE = 10
    a_history(emulator, "succeed")
    emulator.hang(path_contains="/backups", after=1)
    page = open_page(ORDERS)

    expect(page.locator("h1")).to_have_text("The list is being read")
    expect(page.locator("main")).to_contain_text("1 of 6 pages read")
    expect(page.locator("main progress")).to_have_js_property("max", 6)
    expect(page.locator("main")).to_contain_text("shows the list as soon as it is there")

    emulator.heal()

    expect(newest(page)).to_contain_text("Succeeded")
    expect(page.locator("h1")).to_have_text("orders-cache")
    expect(page.locator("[data-announce]")).to_have_text("The list has been read.")
    page.keyboard.press("j")
    expect(page.locator("[data-row-link]").first).to_be_focused()
    assert page.locator("[data-roving] a:not([tabindex='-1'])").count() == 1
    page.locator(".title .copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == ORDERS_CACHE_ID
    page.locator("select[name=range]").select_option("7d")
    expect(page).to_have_url(re.compile(r"\?range=7d$"))


def test_a_portal_that_does_not_answer_or_a_proxy_in_its_place_is_said_so_and_asked_again(
    open_page, emulator, address
):
    a_history(emulator, "backuping")
    page = open_page(ORDERS)
    lost, wifi = page.locator("[data-lost]"), "<h1>Log in to the wifi</h1>"
    expect(lost).to_be_hidden()
    page.route(f"{address}{ORDERS}", lambda route: route.fulfill(content_type="text/html", body=wifi))

    expect(lost).to_be_visible()
    page.route(f"{address}{ORDERS}", lambda route: route.abort())
    expect(lost).to_contain_text("This page is not being refreshed: the portal does not answer.")
    expect(lost).to_contain_text(re.compile(r"What you see is from .*\d\d:\d\d:\d\d UTC"))
    expect(lost).to_contain_text(re.compile(r"No answer for \d+ s; asked again (in \d+ s|now)\."))
    expect(page.locator("[data-announce]")).to_contain_text("the portal does not answer")
    expect(newest(page)).to_contain_text("In progress")
    expect(page.locator("main")).not_to_contain_text("wifi")
    page.unroute(f"{address}{ORDERS}")
    a_history(emulator, "succeed")
    lost.locator("[data-ask-now]").evaluate("button => button.click()")

    expect(lost).to_be_hidden()
    expect(newest(page)).to_contain_text("Succeeded")


def test_a_session_that_ends_is_said_so_and_ends_the_asking(open_page, emulator):
    a_history(emulator, "backuping")
    page = clocked(open_page, f"{ORDERS}?status=backuping")
    Session.objects.all().delete()
    page.clock.run_for(5_000)
    notice = page.locator("[data-session-ended]")
    expect(notice).to_contain_text("You are signed out. What you see is from")
    expect(notice).to_contain_text(re.compile(r"from\s+\d\d:\d\d"))
    assert notice.locator("[data-sign-in]").get_attribute("href").endswith("%3Fstatus%3Dbackuping")
    asks = asks_of(page)

    page.clock.run_for(3_600_000)

    assert asks == []
    expect(newest(page)).to_contain_text("In progress")


def test_a_project_that_is_closed_to_its_viewer_ends_the_asking(open_page, emulator, portal):
    a_history(emulator, "backuping")
    page = open_page(ORDERS)
    expect(newest(page)).to_be_visible()
    portal.DCS_PROJECTS = {"eu-prod": {**portal.DCS_PROJECTS["eu-prod"], "groups": ("others",)}}

    expect(page.locator("[data-refused]")).to_be_visible()
    expect(page.locator("[data-refused]")).to_contain_text("the portal does not show it to you now")


# Refresh by hand ---------------------------------------------------------------------------------------


def test_refresh_reads_now_without_leaving_the_page(open_page, emulator, portal):
    portal.DCS_FRESH_SECONDS = 60
    a_history(emulator, "failed")
    page = clocked(open_page)
    page.evaluate("window.sameDocument = true")
    page.evaluate("scrollTo(0, 400)")
    a_history(emulator, "succeed")

    page.get_by_role("button", name="Refresh").click()

    expect(newest(page)).to_contain_text("Succeeded")
    assert page.evaluate("window.sameDocument && scrollY > 0")
    expect(page.get_by_role("button", name="Refresh")).to_be_focused()
    expect(page.locator("[data-announce]")).to_have_text("Read again: 1 changed.")
    expect(page.locator("[data-said]")).to_have_text("Read again: 1 changed.")

    page.get_by_role("button", name="Refresh").click()

    expect(page.locator(".asof")).to_contain_text("at most once in 10 seconds")
    assert emulator.count("/backups") == 2
    page.clock.run_for(10_000)
    expect(page.locator("[data-said]")).to_have_text("")


# Blocks that are fetched ---------------------------------------------------------------------------------


def test_restores_are_fetched_when_they_are_opened_and_outlive_a_swap(open_page, emulator, portal):
    portal.DCS_FRESH_SECONDS = 60
    a_history(emulator, "failed")
    page = open_page(ORDERS)
    expect(newest(page)).to_contain_text("Failed")
    assert emulator.count("/restores") == 0

    page.locator("#restores > summary").click()

    expect(page.locator("#restores li")).to_have_count(2)
    a_history(emulator, "succeed")
    page.get_by_role("button", name="Refresh").click()
    expect(newest(page)).to_contain_text("Succeeded")
    expect(page.locator("#restores li")).to_have_count(2)
    assert axe_findings(page) == []


def test_where_dcs_does_not_tell_restores_the_block_leads_to_the_page_that_says_why(open_page, emulator):
    emulator.fail_with(403, path_contains="/restores")
    page = open_page(ORDERS)
    page.locator("#restores > summary").click()
    page.wait_for_url(re.compile("/restores/$"))
    expect(page.locator("h1")).to_contain_text("DCS does not let")


# Ages ----------------------------------------------------------------------------------------------------


AGES = [5, 40, 75, 3500, 3650, 7300, 86_300, 86_450, 180_000, 7 * 86_400 + 90, 59 * 86_400, 90 * 86_400]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_script_counts_ages_as_the_portal_writes_them(open_page, emulator, portal, language):
    portal.DCS_FRESH_SECONDS = 60
    now = datetime.now(UTC)
    started = [api_time(now - timedelta(seconds=seconds)) for seconds in AGES]
    emulator.set_records(ORDERS_CACHE_ID, [raw(n, execution_at=at) for n, at in enumerate(started)])

    counted, written = (
        open_page(ORDERS, language=language, javascript=script).locator("time + .age").all_inner_texts()
        for script in (True, False)
    )

    # Seconds have gone by between the two.
    assert counted[2:] == written[2:]
    assert len(set(counted)) == len(AGES)


def test_ages_count_on_and_the_clock_of_the_browser_does_not_matter(open_page, emulator, portal):
    portal.DCS_FRESH_SECONDS = 60
    a_history(emulator, "succeed")
    page = open_page("about:blank")
    page.clock.install(time=datetime(2031, 1, 1, tzinfo=UTC))
    page.goto(ORDERS)
    expect(page.locator(".asof")).to_contain_text(re.compile(r", (just now|\d s ago)"))

    page.clock.run_for(3_725_000)

    expect(page.locator(".asof")).to_contain_text(", 1 h 2 min ago")
    expect(newest(page).locator(".age")).to_have_text("1 h ago")
    expect(page.locator("#verdict")).to_contain_text(", 1 h 5 min ago")
    newest(page).locator("time").hover()
    expect(newest(page).locator("time")).to_have_attribute("title", re.compile(r" UTC, 1 h 5 min ago$"))
