"""Takes the pictures under docs/screenshots/ anew: of a portal that it starts, over an emulator of its own.

.venv/bin/python -m tests.screenshots            # all of them
.venv/bin/python -m tests.screenshots find stale # some of them
"""

import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from playwright.sync_api import expect, sync_playwright

from .conftest import ROOT  # first, since it sets Django up

# isort: split
from backups.emulator.api import Emulator
from backups.emulator.fleet import BULK_HISTORY_ID, ORDERS_CACHE_ID, REFERENCE_BACKUP_ID
from backups.emulator.server import running

from .browser.conftest import CHROMIUM, FLAGS
from .servers.served import environment_of, serving
from .services.api_records import FAILED, api_time, raw

FOLDER = ROOT / "docs" / "screenshots"
ORDERS = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
BULK = f"/projects/eu-prod/instances/{BULK_HISTORY_ID}/"


@dataclass(frozen=True)
class Shot:
    """A picture; what leads to its page is an address, or a function of the page and the emulator."""

    scene: str | Callable
    height: int
    width: int = 1280
    theme: str = "light"
    language: str = "en"
    collects: bool = False


def newest_backup(page, _):
    page.goto(ORDERS)
    page.locator("[data-row-link]").first.click()
    page.wait_for_url("**/backups/*/")


def two_side_by_side(page, _):
    page.goto(ORDERS)
    for key in "jxjx":
        page.keyboard.press(key)
    page.keyboard.press("X")
    page.wait_for_url("**/compare/**")


def typed_into_find(page, _):
    page.goto(ORDERS)
    page.goto("/projects/eu-prod/")
    page.keyboard.press("/")
    page.keyboard.type("ca")
    expect(page.get_by_role("option").filter(has_text="catalog")).to_be_visible()
    page.keyboard.press("ArrowDown")


def ticket_preview(page, _):
    page.goto(f"{ORDERS}recovery-point/?at=8+days+ago")
    page.locator("#ticket-menu summary").click()
    page.locator("[data-ticket-preview]").click()
    expect(page.locator("dialog[open] #ticket-text")).to_be_visible()


def being_read(page, emulator):
    emulator.latency = 1.0
    page.goto(BULK)
    expect(page.locator("main")).to_contain_text(re.compile(r"[3-9]\d of 100 pages read"), timeout=30_000)


def stale(page, emulator):
    page.goto(ORDERS)
    emulator.fail_with(503)
    page.locator("form[action$='/refresh/'] button").first.click()
    expect(page.locator("#notices .notice").first).to_be_visible()
    page.evaluate("scrollTo(0, 0)")


def refused(page, emulator):
    emulator.fail_with(403)
    page.goto(f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/".replace(ORDERS_CACHE_ID, BULK_HISTORY_ID))
    expect(page.locator("[data-backup-id]")).to_have_count(0)


def whole(path, page, _):
    """A page of the board once every list was read."""
    page.goto("/")
    while page.locator("#notices .notice").count() or not page.locator("tbody tr").count():
        page.wait_for_timeout(1000)
        page.reload()
    page.goto(path)


def handover(page, emulator):
    """Three backups of one instance fail in a row, and one of another succeeds after many failures."""
    whole("/", page, emulator)
    now = datetime.now(UTC)
    for name, fields, count in (("recommendations", FAILED, 3), ("billing-broken", {}, 1)):
        instance_id = emulator.fleet.named(name, "eu-prod").instance_id
        for hours in range(count, 0, -1):
            at = api_time(now - timedelta(minutes=30 * hours))
            times = {"created_at": at, "execution_at": at, "updated_at": at}
            emulator.insert_record(
                instance_id, raw(900 + hours, instance_id=instance_id, **times, **fields), 0
            )
        page.goto(f"/projects/eu-prod/instances/{instance_id}/")
        page.locator("form[action$='/refresh/'] button").first.click()
        expect(page.locator(f"[data-backup-id='{raw(901)['backup_id']}']")).to_be_visible()
    better = page.get_by_role("heading", name="Became better")
    page.goto("/changes/")
    while not better.count():  # a reading is shown first and written behind that
        page.reload()


CHINESE = {"theme": "dark", "language": "zh-hans"}
board = partial(Shot, collects=True)
SHOTS = {
    "sign-in": Shot(f"/sign-in/?next={ORDERS}", 560),
    "being-read": Shot(being_read, 560),
    "refused": Shot(refused, 680),
    "board": board(partial(whole, "/"), 720),
    "board-dark-zh": board(partial(whole, "/"), 720, **CHINESE),
    "failures": board(partial(whole, "/failures/"), 640),
    "changes": board(handover, 480),
    "history": Shot(ORDERS, 650),
    "history-dark-zh": Shot(ORDERS, 590, **CHINESE),
    "history-phone": Shot(ORDERS, 1100, width=390),
    "recovery-point": Shot(f"{ORDERS}recovery-point/?at=8+days+ago", 760),
    "backup": Shot(newest_backup, 640),
    "compare": Shot(two_side_by_side, 700),
    "ticket": Shot(ticket_preview, 620),
    "find": Shot(typed_into_find, 500),
    "stale": Shot(stale, 560),
}


def main(names):
    FOLDER.mkdir(parents=True, exist_ok=True)
    emulator = Emulator()
    with (
        running(emulator) as endpoint,
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        settings = environment_of(emulator, endpoint, DCS_READ_BUDGET="3", DCS_PAGE_SIZE="100")
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS.split())
        for name in names or SHOTS:
            # Each over a portal that remembers nothing of the one before.
            own = {"DATABASE_URL": f"sqlite:///{folder}/{name}.sqlite3"}
            if SHOTS[name].collects:
                own |= {"COLLECT": "on", "COLLECT_CALLS_PER_SECOND": "200", "DCS_PAGE_SIZE": "1000"}
            with serving(settings | own) as server:
                take(name, browser, server, emulator)
            emulator.latency = 0.0
            emulator.reset()
        browser.close()


def take(name, browser, server, emulator):
    shot = SHOTS[name]
    context = browser.new_context(
        base_url=server.url,
        viewport={"width": shot.width, "height": shot.height},
        color_scheme=shot.theme,
        reduced_motion="reduce",
    )
    context.add_cookies([{"name": "portal_language", "value": shot.language, "url": server.url}])
    page = context.new_page()
    if name != "sign-in":
        page.goto("/sign-in/")
        page.locator('form:has(input[name=person][value="ada"]) button').click()
    if callable(shot.scene):
        shot.scene(page, emulator)
    else:
        page.goto(shot.scene)
    picture = page.screenshot(path=FOLDER / f"{name}.png")
    print(f"{name}.png: {len(picture) // 1000} kB")
    context.close()


if __name__ == "__main__":
    main(sys.argv[1:])
