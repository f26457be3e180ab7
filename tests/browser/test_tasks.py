"""The tasks of docs/tasks.md, walked by hand: each is done, in as many steps as are written there."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID
from backups.services.listings import reader
from backups.services.words import ERROR_CODES
from tests.conftest import ROOT, wait_for
from tests.pages.addresses import ORDERS, page_of
from tests.services.api_records import EXPIRED, FAILED, RUNNING, raw, raws

TABLE = (ROOT / "docs/tasks.md").read_text()
STEPS = dict(re.findall(r"^\| (.+?) \| [^|]+ \| (\d+) \|$", TABLE, re.MULTILINE))
WALKS = {}


@dataclass
class Walker:
    """Who walks a task, and how many steps it took."""

    open_page: Callable
    emulator: Emulator
    steps: int = 0

    def at(self, path, **options):
        self.page = self.open_page(path, **options)
        return self.page

    def click(self, place):
        self.steps += 1
        place.click()

    def types(self, place, text):
        """Type or paste a text, and press Enter."""
        self.steps += 2
        place.fill(text)
        place.press("Enter")

    def copied(self):
        expect(self.page.locator("[data-done]").first).to_be_visible()
        return self.page.evaluate("navigator.clipboard.readText()")


def task(name):
    def kept(walk):
        WALKS[name] = walk
        return walk

    return kept


def test_every_task_is_walked():
    assert list(WALKS) == list(STEPS)


@pytest.mark.parametrize("name", STEPS)
def test_a_task_takes_the_steps_that_are_written_down(open_page, emulator, portal, name):
    portal.DCS_FRESH_SECONDS = 1  # a page that follows a backup asks so often
    walker = Walker(open_page, emulator)

    WALKS[name](walker)

    assert walker.steps == int(STEPS[name])


@task("Open the link in a ticket, signed out")
def open_a_link(walker):
    link = f"{ORDERS}?status=failed&tz=Asia%2FShanghai"
    page = walker.at(link, person="")
    walker.click(page.locator("form button:visible").filter(has_text="Ada"))
    expect(page).to_have_url(re.compile(re.escape(link)))


@task("Which instances have no usable backup?")
def without_a_usable_backup(walker):
    page = read_first(walker, "billing-broken", "/")
    walker.click(page.locator("#chips").get_by_role("link", name=re.compile("^No usable backup")))
    expect(page.locator("tbody tr").first).to_contain_text("billing-broken")


@task("Does every instance keep 24 hours?")
def keep_24_hours(walker):
    page = read_first(walker, "every-status", "/")
    walker.types(page.get_by_label("Objective"), "24h")
    expect(page.locator("#notices")).to_contain_text("1 d")
    expect(page.locator("tbody tr", has_text="every-status")).to_contain_text("too old")


@task("From a backup's id in an alert to its page")
def from_an_id(walker):
    page = read_first(walker, "orders-cache", "/")
    walker.types(page.locator("[data-find]").first, REFERENCE_BACKUP_ID)
    expect(page).to_have_url(re.compile(f"/backups/{REFERENCE_BACKUP_ID}/"))


@task("Can this instance be restored, and from when?")
def can_it_be_restored(walker):
    page = walker.at(ORDERS)
    expect(page.locator("#verdict")).to_contain_text(re.compile("Usable: data from .* UTC, .* ago"))


@task('A ticket says "lost at 09:40 Shanghai time": which backup, and what is lost?')
def lost_at(walker):
    page = walker.at(ORDERS)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    walker.types(page.locator("#at"), f"{yesterday:%Y-%m-%d} 09:40 Shanghai")
    expect(page.locator("main")).to_contain_text("Lost before the asked time")
    expect(page.locator("main")).to_contain_text("Overwritten if restored in place now")


@task("Why did the newest failed backup fail, and what now?")
def why_it_failed(walker):
    walker.emulator.set_records(ORDERS_CACHE_ID, [raw(3), raw(2, **FAILED), raw(1)])
    page = walker.at(ORDERS)
    walker.click(page.get_by_role("link", name=re.compile("^Failed")).first)
    expect(page).to_have_url(re.compile("status=failed"))
    walker.click(page.locator("[data-backup-id] a").first)
    expect(page.locator("main")).to_contain_text("The backup timed out.")
    expect(page.locator("main")).to_contain_text(str(ERROR_CODES["dcs.08.0002"].next_step))


@task("Watch a running backup to its end")
def watch_a_running_one(walker):
    walker.emulator.set_records(ORDERS_CACHE_ID, [raw(2, **RUNNING), raw(1)])
    page = walker.at(ORDERS)
    row = page.locator("[data-backup-id]").first
    expect(row).to_contain_text("In progress")
    walker.emulator.set_records(ORDERS_CACHE_ID, [raw(2), raw(1)])
    expect(row).to_contain_text("Succeeded")


@task("Put the state of an instance into a ticket")
def into_a_ticket(walker):
    page = walker.at(ORDERS)
    walker.click(page.get_by_role("link", name="Copy for ticket"))
    assert walker.copied().startswith("**Usable.** Data from ")


@task("Hand over in Chinese")
def hand_over_in_chinese(walker):
    page = walker.at(ORDERS)
    walker.click(page.locator("#ticket-menu summary"))
    walker.click(page.get_by_role("link", name="Preview, language and time zone…"))
    walker.click(page.get_by_role("dialog").get_by_role("link", name="中文"))
    expect(page.locator("[data-ticket-shown]")).to_contain_text("可用")
    walker.click(page.locator("[data-ticket-copy]"))
    assert "可用" in walker.copied()


@task("A link that shows the same next week")
def a_lasting_link(walker):
    page = walker.at(f"{ORDERS}?range=7d")
    walker.click(page.locator("[data-copy-link]"))
    assert re.search(r"from=2.*to=2", walker.copied())


@task("Ask the vendor's support about a failed backup")
def ask_the_vendor(walker):
    failed = raw(2, **FAILED)
    walker.emulator.set_records(ORDERS_CACHE_ID, [failed, raw(1)])
    page = walker.at(page_of(2))
    walker.click(page.locator("#ticket-menu summary"))
    walker.click(page.get_by_role("link", name="Copy for the vendor's support").first)
    text = walker.copied()
    assert failed["backup_id"] in text
    assert failed["error_code"] in text


@task("Compare two backups")
def compare_two(walker):
    walker.emulator.set_records(ORDERS_CACHE_ID, raws(3))
    page = walker.at(ORDERS)
    for box in page.locator("[data-backup-id] input[type=checkbox]").all()[:2]:
        walker.click(box)
    walker.click(page.locator("[data-compare]"))
    expect(page).to_have_url(re.compile("/compare/"))


@task("All backups as a spreadsheet")
def as_a_spreadsheet(walker):
    page = walker.at(ORDERS)
    walker.click(page.locator("#export summary"))
    with page.expect_download() as download:
        walker.click(page.get_by_role("link", name=re.compile("^CSV")))
    assert download.value.suggested_filename.endswith(".csv")


@task("All times in Shanghai time")
def in_shanghai_time(walker):
    page = walker.at("/projects/cn-prod/")
    walker.click(page.locator("summary", has_text="UTC").first)
    walker.click(page.locator("button", has_text="Asia/Shanghai").first)
    expect(page.locator("header").get_by_text("Asia/Shanghai").first).to_be_visible()


@task("What has changed since the ticket was written?")
def what_has_changed(walker):
    walker.emulator.set_records(ORDERS_CACHE_ID, raws(2))
    page = read_first(walker, "orders-cache", ORDERS)
    link = page.locator("[data-copy-link]").get_attribute("href")
    [seen] = parse_qs(urlsplit(link).query)["seen"]
    wait_for(lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" > seen)  # a link tells its time to the second
    walker.emulator.set_records(ORDERS_CACHE_ID, [raw(2), raw(1, **EXPIRED)])
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("[data-backup-id]", has_text="Expired")).to_be_visible()
    assert reader.wait_for_readers()  # what was read is written behind the page
    page.goto(link)
    expect(page.locator("#frozen")).to_contain_text("1 expired")


def read_first(walker, name, path):
    """Open a page of a portal that has read one instance before."""
    instance = walker.emulator.fleet.named(name)
    walker.at(f"/projects/eu-prod/instances/{instance.instance_id}/")
    walker.page.goto(path)
    return walker.page
