"""The states that a page can be in, each brought about as it comes about: DCS is broken, a menu is opened."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID, GONE_INSTANCE_ID, ORDERS_CACHE_ID
from backups.services.listings import MOST_UNKNOWN, reader
from dcsportal.sso import provider as sso_provider

from ..services.api_records import EXPIRED, FAILED, api_time, raw, raws
from ..services.readings import read_at

INSTANCES = "/projects/eu-prod/instances/"
ORDERS = f"{INSTANCES}{ORDERS_CACHE_ID}/"
BULK = f"{INSTANCES}{BULK_HISTORY_ID}/"
NOWHERE = "deadbeef-0000-4000-8000-00000000beef"


@dataclass
class Stage:
    page: Page
    emulator: Emulator
    portal: Settings
    address: str

    def reread(self):
        self.page.locator("form[action$='/refresh/'] button").first.click()
        self.page.wait_for_load_state()


STATES = {}


def state(scene):
    STATES[scene.__name__.replace("_", " ")] = scene
    return scene


def ask_now(page):
    """Let an open page ask for itself, as it does when its tab comes to the front."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def sees(stage, text):
    expect(stage.page.locator("main")).to_contain_text(text)


# DCS is in trouble ---------------------------------------------------------------------


@state
def refused(stage):
    stage.emulator.fail_with(403)
    stage.page.goto(ORDERS)
    sees(stage, "HTTP 403")


@state
def throttled(stage):
    stage.emulator.throttle(30)
    stage.page.goto(ORDERS)
    sees(stage, "APIGW.0308")


@state
def out_of_reach(stage):
    projects = stage.portal.DCS_PROJECTS
    stage.portal.DCS_PROJECTS = {"eu-prod": {**projects["eu-prod"], "endpoint": "http://127.0.0.1:1"}}
    stage.page.goto(ORDERS)
    expect(stage.page.locator("[data-backup-id]")).to_have_count(0)
    stage.page.goto("/projects/eu-prod/")


@state
def gone_from_DCS(stage):
    stage.page.goto(f"{INSTANCES}{GONE_INSTANCE_ID}/")
    sees(stage, "DCS.3022")


@state
def stale(stage):
    stage.page.goto(ORDERS)
    stage.emulator.fail_with(503)
    stage.reread()
    expect(stage.page.locator("#notices .notice")).not_to_have_count(0)
    expect(stage.page.locator("[data-backup-id]")).not_to_have_count(0)


@state
def a_backup_of_a_stale_list(stage):
    stale(stage)
    stage.page.locator("[data-row-link]").first.click()
    expect(stage.page.locator(".notice.warn:visible")).not_to_have_count(0)


@state
def a_recovery_point_of_a_stale_list(stage):
    stale(stage)
    stage.page.goto(f"{ORDERS}recovery-point/?at=2026-11-21+12:40")
    expect(stage.page.locator("[data-backup-id]")).not_to_have_count(0)


# The list is not whole -------------------------------------------------------------------


@state
def being_read(stage):
    stage.portal.DCS_WAITING_VIEWERS = 0
    stage.portal.DCS_PAGE_SIZE = 10
    stage.emulator.set_records(ORDERS_CACHE_ID, raws(60))
    stage.emulator.hang(path_contains="/backups", after=3)
    stage.page.goto(ORDERS)
    # Three calls are answered; of pages that are asked for side by side, any may be among them.
    expect(stage.page.locator("main progress")).to_have_attribute("value", re.compile("^[123]$"))


@state
def partly_read(stage):
    records = [raw(number) for number in range(9)]
    body = json.dumps({"total_num": 12, "backup_record_response": records}).encode()
    stage.emulator.answer_body(body, path_contains=f"{ORDERS_CACHE_ID}/backups")
    stage.page.goto(ORDERS)
    expect(stage.page.locator("#notices .notice.warn")).to_have_count(1)


@state
def the_newest_of_a_long_history(stage):
    stage.portal.DCS_MAX_RECORDS = 1_000
    stage.page.goto(BULK)
    expect(stage.page.locator("#notices .notice.warn")).to_have_count(1)


@state
def no_backups(stage):
    stage.emulator.set_records(ORDERS_CACHE_ID, [])
    stage.page.goto(ORDERS)
    expect(stage.page.locator("[data-backup-id]")).to_have_count(0)


# Backups are gone ------------------------------------------------------------------------


def without(stage, *gone):
    """Some of nine recent backups have left the list since it was read first."""
    now = datetime.now(UTC)
    at = {n: api_time(now - timedelta(days=9 - n)) for n in range(9)}
    times = {n: dict.fromkeys(("created_at", "execution_at", "updated_at"), at[n]) for n in at}
    stage.emulator.set_records(ORDERS_CACHE_ID, [raw(n, **times[n]) for n in range(9)])
    stage.page.goto(ORDERS)
    stage.emulator.set_records(ORDERS_CACHE_ID, [raw(n, **times[n]) for n in range(9) if n not in gone])
    with stage.page.expect_response("**/refresh/"):
        stage.reread()
    assert reader.wait_for_readers()


@state
def backups_no_longer_listed(stage):
    without(stage, 3, 4)
    stage.page.goto(f"{ORDERS}?listed=yes&listed=no")
    expect(stage.page.locator("tr.is-unlisted")).to_have_count(2)


@state
def a_backup_no_longer_listed(stage):
    backups_no_longer_listed(stage)
    stage.page.locator("tr.is-unlisted [data-row-link]").first.click()
    expect(stage.page.locator(".timeline .is-gone")).to_be_visible()


@state
def most_of_a_list_missing(stage):
    without(stage, *range(8))
    expect(stage.page.locator("tr.is-missing")).to_have_count(8)


# A backup is under way -------------------------------------------------------------------


def with_one_in_progress(stage):
    began = datetime.now(UTC) - timedelta(minutes=5)
    times = {"created_at": f"{began:%Y-%m-%dT%H:%M:%SZ}", "execution_at": f"{began:%Y-%m-%dT%H:%M:%SZ}"}
    newest = {"backup_id": "1111-running", "status": "backuping", "progress": "40.00"}
    stage.emulator.set_records(ORDERS_CACHE_ID, [raw(900, **times, **newest), *raws(3)])


@state
def a_backup_in_progress(stage):
    with_one_in_progress(stage)
    stage.page.goto(ORDERS)
    expect(stage.page.locator("[data-backup-id='1111-running'] progress")).to_be_visible()


@state
def the_page_of_a_backup_in_progress(stage):
    with_one_in_progress(stage)
    stage.page.goto(f"{ORDERS}backups/1111-running/")
    expect(stage.page.locator("main progress").first).to_be_visible()


@state
def the_portal_does_not_answer(stage):
    with_one_in_progress(stage)
    stage.page.goto(ORDERS)
    stage.page.route(f"{stage.address}{ORDERS}", lambda route: route.abort())
    ask_now(stage.page)
    expect(stage.page.locator("[data-lost]")).to_be_visible(timeout=20_000)
    stage.page.unroute(f"{stage.address}{ORDERS}")


@state
def a_backup_that_has_ended_meanwhile(stage):
    stage.portal.DCS_FRESH_SECONDS = 1
    with_one_in_progress(stage)
    stage.page.goto(ORDERS)
    stage.emulator.set_records(ORDERS_CACHE_ID, [raw(900, backup_id="1111-running", **FAILED), *raws(3)])
    ask_now(stage.page)
    expect(stage.page.locator("#notices a[href*='1111-running']")).to_be_visible()


@state
def signed_out_meanwhile(stage):
    with_one_in_progress(stage)
    stage.page.goto(ORDERS)
    Session.objects.all().delete()
    ask_now(stage.page)
    expect(stage.page.locator("[data-session-ended]")).to_be_visible()


# A link of then ---------------------------------------------------------------------------

THEN, NOW = datetime(2026, 11, 3, 12, tzinfo=UTC), datetime(2026, 11, 9, 2, tzinfo=UTC)
SEEN = "2026-11-03T12:00:00Z"


def with_a_past(stage):
    stage.portal.DCS_FRESH_SECONDS = 10**9
    read_at(stage.emulator, raws(9), THEN)
    read_at(stage.emulator, [*raws(9)[:6], raw(3, **EXPIRED)], NOW)


@state
def a_history_that_has_changed_since(stage):
    with_a_past(stage)
    stage.page.goto(f"{ORDERS}?to={SEEN}&seen={SEEN}")
    expect(stage.page.locator("#frozen a")).to_have_count(4)


@state
def a_recovery_point_that_has_changed_since(stage):
    with_a_past(stage)
    stage.page.goto(f"{ORDERS}recovery-point/?at=2026-11-01T03:30:00Z&tz=UTC&seen={SEEN}")
    expect(stage.page.locator("#frozen .more")).to_be_visible()


@state
def a_history_as_it_was_known(stage):
    with_a_past(stage)
    stage.page.goto(f"{ORDERS}?as_of={SEEN}")
    expect(stage.page.locator("#frozen .btn")).to_be_visible()


# Something is open -----------------------------------------------------------------------


@state
def every_menu_open(stage):
    stage.page.goto(ORDERS)
    stage.page.locator("main details").evaluate_all("all => all.forEach(one => (one.open = true))")


@state
def every_preference_open(stage):
    stage.page.goto(ORDERS)
    stage.page.locator("header details").evaluate_all("all => all.forEach(one => (one.open = true))")


@state
def suggestions_open(stage):
    stage.page.goto(ORDERS)
    stage.page.goto("/projects/eu-prod/")
    stage.page.keyboard.press("/")
    stage.page.keyboard.insert_text("cache")
    expect(stage.page.get_by_role("option").first).to_be_visible()
    stage.page.keyboard.press("ArrowDown")


@state
def two_rows_marked(stage):
    stage.page.goto(ORDERS)
    for key in "jxjjx":
        stage.page.keyboard.press(key)
    expect(stage.page.locator("[data-compare]")).to_be_visible()


@state
def two_backups_side_by_side(stage):
    two_rows_marked(stage)
    stage.page.keyboard.press("X")
    expect(stage.page.locator(".side-by-side .differs")).to_be_visible()


@state
def keys_shown(stage):
    stage.page.goto(ORDERS)
    stage.page.keyboard.press("?")
    expect(stage.page.locator("dialog[open] kbd, dialog[open] .kbd").first).to_be_visible()


@state
def a_text_for_a_ticket_in_its_dialog(stage):
    stage.page.goto(ORDERS)
    stage.page.locator("#ticket-menu summary").click()
    stage.page.locator("[data-ticket-preview]").click()
    expect(stage.page.locator("dialog[open] #ticket-text")).to_be_visible()


# Found, odd, refused -----------------------------------------------------------------------


@state
def find_an_unknown_id(stage):
    stage.page.goto(f"/find/?q={NOWHERE}")
    expect(stage.page.locator("#found button")).to_be_visible()


@state
def find_searching(stage):
    stage.portal.DCS_READ_BUDGET = stage.portal.DCS_READ_TIMEOUT = 60
    stage.emulator.hang(path_contains="/backups")
    find_an_unknown_id(stage)
    stage.page.locator("#found button").click()
    expect(stage.page.locator(".searching progress")).to_be_visible()


@state
def find_while_a_project_fails(stage):
    failing = stage.emulator.fleet.project("cn-prod")
    stage.emulator.fail_with(500, path_contains=failing.project_id)
    stage.page.goto("/find/?q=orders")
    sees(stage, "cn-prod")


@state
def hostile_texts(stage):
    hostile = stage.emulator.fleet.named("hostile-remarks")
    stage.page.goto(f"{INSTANCES}{hostile.instance_id}/")
    expect(stage.page.locator("[data-backup-id]")).not_to_have_count(0)


@state
def a_page_past_the_end(stage):
    stage.page.goto(f"{ORDERS}?page=99&per_page=25")
    expect(stage.page.locator("#rows .notice-line")).to_be_visible()


@state
def a_request_that_cannot_be_read(stage):
    stage.page.goto("/")
    with stage.page.expect_navigation() as answer:
        stage.page.evaluate(
            """() => {
                const form = document.createElement("form");
                Object.assign(form, { method: "post", action: "/preferences/" });
                const text = document.createElement("textarea");
                form.append(Object.assign(text, { name: "x", value: "x".repeat(1e6) }));
                document.body.append(form);
                form.submit();
            }"""
        )
    assert answer.value.status == 400


@state
def a_form_without_its_token(stage):
    stage.page.goto("/")
    stage.page.locator("input[name=csrfmiddlewaretoken]").evaluate_all(
        "all => all.forEach(one => one.remove())"
    )
    with stage.page.expect_navigation() as answer:
        stage.page.locator("form[action='/preferences/'] button[name=language]").evaluate(
            "one => one.click()"
        )
    assert answer.value.status == 403


@state
def asked_too_often(stage):
    # So many unknown ids are asked for in a minute, and as many again where a new one begins meanwhile.
    unknown = "/projects/eu-prod/instances/unknown-"
    for number in range(2 * MOST_UNKNOWN + 2):
        if stage.page.request.get(f"{unknown}{number}/").status == 429:
            answer = stage.page.goto(f"{unknown}another/")
            assert answer
            if answer.status == 429:
                return
    raise AssertionError("no limit is met")


@state
def a_sign_in_that_failed(stage):
    stage.portal.DCS_DEMO = False
    stage.portal.SSO_ISSUER = "http://127.0.0.1:9"
    stage.portal.SSO_CLIENT_ID, stage.portal.SSO_CLIENT_SECRET = "portal", "secret"
    sso_provider.forget_providers()
    stage.page.context.clear_cookies(name="portal_session")
    answer = stage.page.goto(f"{ORDERS}?status=failed")
    assert answer
    assert answer.status == 503
