"""Takes the pictures under docs/screenshots/ anew: of a portal that it starts, over an emulator of its own.

.venv/bin/python -m tests.screenshots            # all of them
.venv/bin/python -m tests.screenshots find stale # some of them
"""

import re
import struct
import sys
import tempfile
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

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
HOUR = timedelta(hours=1)
ORDERS = f"/projects/eu-prod/instances/{ORDERS_CACHE_ID}/"
BULK = f"/projects/eu-prod/instances/{BULK_HISTORY_ID}/"


@dataclass(frozen=True)
class Look:
    width: int = 1280
    height: int = 800
    theme: str = "light"
    language: str = "en"
    collects: bool = False


def at(path):
    return lambda page, _: page.goto(path)


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


def whole(path):
    """A page of the board once every list was read."""

    def scene(page, _):
        page.goto("/")
        while page.locator("#notices .notice").count() or not page.locator("tbody tr").count():
            page.wait_for_timeout(1000)
            page.reload()
        page.goto(path)

    return scene


def handover(page, emulator):
    """Three backups of one instance fail in a row, and one of another succeeds after many failures."""
    whole("/")(page, emulator)
    now = datetime.now(UTC)
    for name, fields, count in (("recommendations", FAILED, 3), ("billing-broken", {}, 1)):
        instance_id = emulator.fleet.named(name, "eu-prod").instance_id
        for hours in range(count, 0, -1):
            at = dict.fromkeys(("created_at", "execution_at", "updated_at"), api_time(now - hours * HOUR / 2))
            emulator.insert_record(instance_id, raw(900 + hours, instance_id=instance_id, **at, **fields), 0)
        page.goto(f"/projects/eu-prod/instances/{instance_id}/")
        page.locator("form[action$='/refresh/'] button").first.click()
        expect(page.locator(f"[data-backup-id='{raw(901)['backup_id']}']")).to_be_visible()
    better = page.get_by_role("heading", name="Became better")
    page.goto("/changes/")
    while not better.count():  # a reading is shown first and written behind that
        page.reload()


BOARD = Look(height=720, collects=True)
SHOTS = {
    "sign-in": (at(f"/sign-in/?next={ORDERS}"), Look(height=560)),
    "being-read": (being_read, Look(height=560)),
    "refused": (refused, Look(height=680)),
    "board": (whole("/"), BOARD),
    "board-dark-zh": (whole("/"), replace(BOARD, theme="dark", language="zh-hans")),
    "failures": (whole("/failures/"), replace(BOARD, height=640)),
    "changes": (handover, replace(BOARD, height=480)),
    "history": (at(ORDERS), Look(height=650)),
    "history-dark-zh": (at(ORDERS), Look(height=590, theme="dark", language="zh-hans")),
    "history-phone": (at(ORDERS), Look(width=390, height=1100)),
    "recovery-point": (at(f"{ORDERS}recovery-point/?at=8+days+ago"), Look(height=760)),
    "backup": (newest_backup, Look(height=640)),
    "compare": (two_side_by_side, Look(height=700)),
    "ticket": (ticket_preview, Look(height=620)),
    "find": (typed_into_find, Look(height=500)),
    "stale": (stale, Look(height=560)),
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
            if SHOTS[name][1].collects:
                own |= {"COLLECT": "on", "COLLECT_CALLS_PER_SECOND": "200", "DCS_PAGE_SIZE": "1000"}
            with serving(settings | own) as server:
                take(name, browser, server, emulator)
            emulator.latency = 0.0
            emulator.reset()
        browser.close()


def take(name, browser, server, emulator):
    scene, look = SHOTS[name]
    context = browser.new_context(
        base_url=server.url,
        viewport={"width": look.width, "height": look.height},
        color_scheme="dark" if look.theme == "dark" else "light",
        reduced_motion="reduce",
    )
    context.add_cookies([{"name": "portal_language", "value": look.language, "url": server.url}])
    page = context.new_page()
    if name != "sign-in":
        page.goto("/sign-in/")
        page.locator('form:has(input[name=person][value="ada"]) button').click()
    scene(page, emulator)
    picture = smaller(page.screenshot())
    (FOLDER / f"{name}.png").write_bytes(picture)
    print(f"{name}.png: {len(picture) // 1000} kB")
    context.close()


def smaller(png):
    """Return the same picture, compressed as far as zlib can: browsers are content with less."""
    out, at, data = [png[:8]], 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        elif kind == b"IEND":
            body = zlib.compress(zlib.decompress(data), 9)
            checked = b"IDAT" + body
            out += [struct.pack(">I", len(body)), checked, struct.pack(">I", zlib.crc32(checked)), png[at:]]
        else:
            out.append(png[at : at + 12 + length])
        at += 12 + length
    return b"".join(out)


if __name__ == "__main__":
    main(sys.argv[1:])
