"""Find a backup by its id: out of what was ever read, and at DCS when the viewer asks for that."""

import html
import re

import pytest

from backups.emulator.api import Emulator
from backups.emulator.fleet import ORDERS_CACHE_ID, REFERENCE_BACKUP_ID
from backups.services.find import backup_search
from backups.services.find.backup_search import READ_AT_ONCE
from backups.services.listings.reader import wait_for_readers
from tests.conftest import LONG, restart
from tests.services.api_records import raw

from .conftest import ORDERS, history_of, links_of, text_of

REFERENCE = f"{ORDERS}backups/{REFERENCE_BACKUP_ID}/"
BASKETS_ID = Emulator().fleet.named("baskets").instance_id
BASKETS = history_of(BASKETS_ID)
STAGING = Emulator().fleet.instances(Emulator().fleet.project("ap-staging"))[0].instance_id
NOWHERE = "00000000-0000-4000-8000-000000000001"
NEW_BACKUP_ID = "00000000-0000-4000-8000-000000000007"


def find(client, text):
    return client.get("/find/", {"q": text})


def press(client, page, **more):
    """Press the button of a page that searches DCS, or goes on with that."""
    form = r'<form class="actions" method="post" action="([^"]*)"[^>]*>(.*?)</form>'
    [(action, fields)] = re.findall(form, page.content.decode(), flags=re.DOTALL)
    data = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', fields))
    return client.post(html.unescape(action), data, **more)


def search(client, text):
    """Search DCS for a text, and let it go on until it is over, as the page itself does."""
    return to_the_end(client, press(client, find(client, text)))


def to_the_end(client, page):
    pages = 1
    while page.status_code == 200 and "Continue the search" in text_of(page):
        page, pages = press(client, page), pages + 1
        assert pages < 100, "it never ends"
    return page


def opened(client, *addresses):
    """Open pages, and wait until what they read is written."""
    for address in addresses:
        assert client.get(address).status_code == 200
    assert wait_for_readers()


# What was ever read -----------------------------------------------------------------------


def test_a_backup_that_was_read_is_gone_to_without_a_call(ada, emulator):
    opened(ada, ORDERS)
    emulator.clear_calls()
    restart()

    for text in (
        REFERENCE_BACKUP_ID,
        f"{REFERENCE_BACKUP_ID}, request id {NOWHERE}",
        f"备份{REFERENCE_BACKUP_ID}",
    ):
        assert find(ada, text).headers["Location"] == REFERENCE
    assert find(ada, ORDERS_CACHE_ID).headers["Location"] == ORDERS
    assert not emulator.calls


def test_what_dcs_no_longer_lists_is_still_gone_to(ada, emulator):
    instance = emulator.fleet.named("pricing-bad-week")
    gone_with_it = emulator.fleet.backups(instance)[3].backup_id
    history = history_of(instance.instance_id)
    opened(ada, ORDERS, history)

    emulator.fleet.remove_record(ORDERS_CACHE_ID, REFERENCE_BACKUP_ID)
    emulator.fleet.remove_instance(instance.instance_id)
    for address in (ORDERS, history):
        ada.post(f"{address}refresh/")
    assert wait_for_readers()

    assert find(ada, REFERENCE_BACKUP_ID).headers["Location"] == REFERENCE
    assert find(ada, gone_with_it).headers["Location"] == f"{history}backups/{gone_with_it}/"
    assert find(ada, instance.instance_id).headers["Location"] == history


def test_one_id_in_two_instances_is_a_list_unless_the_text_names_one_of_them(ada, emulator):
    for instance_id in (ORDERS_CACHE_ID, BASKETS_ID):
        emulator.insert_record(instance_id, raw(7))
    opened(ada, ORDERS, BASKETS)
    pages = [f"{history}backups/{NEW_BACKUP_ID}/" for history in (ORDERS, BASKETS)]

    assert [link for link in links_of(find(ada, NEW_BACKUP_ID)) if "/backups/" in link] == pages
    named = find(ada, f"{BASKETS_ID}: backup {NEW_BACKUP_ID} failed")
    assert named.headers["Location"] == pages[1]


def test_a_project_with_two_names_shows_each_viewer_those_that_are_theirs(ada, client_of, portal):
    projects = portal.DCS_PROJECTS
    portal.DCS_PROJECTS = projects | {"eu-twin": projects["eu-prod"] | {"groups": ("dcs-all",)}}
    opened(ada, ORDERS)

    pages = [REFERENCE, REFERENCE.replace("eu-prod", "eu-twin")]
    assert [link for link in links_of(find(ada, REFERENCE_BACKUP_ID)) if "/backups/" in link] == pages
    assert find(client_of("ben"), REFERENCE_BACKUP_ID).headers["Location"] == REFERENCE


def test_what_was_read_is_nothing_to_a_viewer_who_may_not_see_its_project_now(
    ada, client_of, emulator, portal
):
    opened(ada, ORDERS)
    projects = portal.DCS_PROJECTS

    for client, now in (
        (client_of("cleo"), projects),
        (ada, projects | {"eu-prod": projects["eu-prod"] | {"groups": ("others",)}}),
        (ada, projects | {"eu-prod": projects["eu-prod"] | {"project_id": "another"}}),
    ):
        portal.DCS_PROJECTS = now
        answer = find(client, REFERENCE_BACKUP_ID)
        assert answer.status_code == 200
        assert not [link for link in links_of(answer) if "/backups/" in link]


# What nobody has read yet -----------------------------------------------------------------


def test_an_unknown_id_is_looked_for_at_dcs_only_when_the_viewer_asks_for_that(ada, emulator):
    instance = emulator.fleet.named("pricing-bad-week")
    backup_id = emulator.fleet.backups(instance)[3].backup_id
    address = f"{history_of(instance.instance_id)}backups/{backup_id}/"

    page = find(ada, backup_id)

    assert page.status_code == 200
    assert "No instance or backup with this id has been read so far" in text_of(page)
    assert "Search DCS" in text_of(page)
    for asked in (
        page,
        ada.get("/find/", {"q": backup_id, "search": "dcs"}),
        ada.post("/find/", {"q": backup_id}),
    ):
        assert asked.headers.get("Location", "/find/").startswith("/find/")
    assert not emulator.count("/backups")

    found = to_the_end(ada, press(ada, page))
    assert (found.status_code, found.headers["Location"]) == (303, address)
    fetched = press(ada, page, headers={"HX-Request": "true"})
    assert (fetched.status_code, fetched.headers["HX-Redirect"]) == (200, address)


def test_what_is_nowhere_is_said_to_be_nowhere_once_dcs_was_searched(ada, staging):
    shown = text_of(search(ada, NOWHERE))

    assert "Nothing was found " in shown
    assert "Nothing with this name or id" in shown
    assert "could be read" not in shown
    assert "Search DCS" not in shown


def test_beside_instances_that_a_text_names_only_their_histories_are_searched(ada, emulator):
    text = f"{ORDERS_CACHE_ID} or {BASKETS_ID}: backup {REFERENCE_BACKUP_ID}"
    page = find(ada, text)

    assert "1 id in the text is not known yet" in text_of(page)
    assert REFERENCE in links_of(to_the_end(ada, press(ada, page)))
    read = {call.path for call in emulator.calls if call.path.endswith("/backups")}
    assert {path.split("/")[-2] for path in read} <= {ORDERS_CACHE_ID, BASKETS_ID}


def test_histories_that_could_not_be_read_are_not_said_to_lack_a_backup(ada, staging, emulator, impatient):
    emulator.fail_with(500, path_contains="/backups")

    page = search(ada, REFERENCE_BACKUP_ID)
    emulator.heal()

    assert "Nothing with this name or id" not in text_of(page)
    assert "instances could not be read fully" in text_of(page)
    assert "Nothing was found in what could be read" in text_of(page)
    assert "Search again" in text_of(page)


@pytest.fixture
def staging(portal):
    """A portal of one project, whose few histories are soon read."""
    portal.DCS_PROJECTS = {"ap-staging": portal.DCS_PROJECTS["ap-staging"]}


@pytest.fixture
def read_before(ada, staging, portal, emulator):
    """DCS after all histories were read, and are no longer fresh."""
    search(ada, NOWHERE)
    assert wait_for_readers()
    portal.DCS_FRESH_SECONDS = 0
    emulator.clear_calls()
    return emulator


def test_a_backup_that_is_newer_than_its_history_was_read_is_found_by_reading_again(ada, read_before):
    read_before.insert_record(STAGING, raw(7))

    history = history_of(STAGING, "ap-staging")
    assert search(ada, NEW_BACKUP_ID).headers["Location"] == f"{history}backups/{NEW_BACKUP_ID}/"


def test_a_history_that_is_fresh_is_not_read_again_for_what_is_nowhere(ada, staging, emulator, portal):
    portal.DCS_FRESH_SECONDS = 3600
    opened(ada, history_of(STAGING, "ap-staging"))
    emulator.clear_calls()

    assert "Nothing with this name or id" in text_of(search(ada, NOWHERE))
    assert not emulator.count(f"{STAGING}/backups")
    assert emulator.count("/backups")


@pytest.mark.parametrize("fault", ["fails", "hangs"])
def test_an_old_history_that_cannot_be_read_again_is_not_said_to_lack_a_backup(
    ada, read_before, impatient, fault
):
    read_before.insert_record(STAGING, raw(7))
    if fault == "fails":
        read_before.fail_with(500, path_contains=f"{STAGING}/backups")
    else:
        read_before.hang(path_contains=f"{STAGING}/backups")

    shown = text_of(search(ada, NEW_BACKUP_ID))

    assert "Nothing was found in what could be read" in shown
    assert "Nothing with this name or id" not in shown


def test_a_history_that_is_too_long_to_be_read_whole_is_not_said_to_lack_a_backup(ada, portal):
    portal.DCS_MAX_RECORDS = LONG - 1

    for _ in range(2):
        shown = text_of(search(ada, NOWHERE))
        assert "The backups of 1 instance could not be read fully" in shown
        assert "Nothing with this name or id" not in shown


# A search that takes longer than one view -------------------------------------------------


@pytest.fixture
def patient(portal):
    """A portal whose calls to DCS time out after a minute."""
    portal.DCS_READ_BUDGET = portal.DCS_READ_TIMEOUT = 60


def test_a_long_search_shows_how_far_it_is_and_goes_on_where_it_stands(ada, emulator, patient):
    emulator.hang(path_contains="/backups", after=20)

    first = press(ada, find(ada, NOWHERE))
    emulator.heal()
    answer = to_the_end(ada, first)
    read = [call.path for call in emulator.calls if call.path.endswith("/backups")]

    assert re.search(r"\d+ of 46 histories searched", text_of(first))
    assert "Searching for the backup" in text_of(first)
    assert "Nothing was found" in text_of(answer)
    # The long history is read in two calls, all others in one; what hung may have been tried again.
    assert len(set(read)) == 46
    assert len(read) <= 46 + 1 + 2 * READ_AT_ONCE


@pytest.mark.parametrize("since", ["yesterday", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "\0"])
def test_a_time_that_is_no_search_s_begins_the_search_anew(ada, since):
    text = f"{ORDERS_CACHE_ID} or {BASKETS_ID}: backup {REFERENCE_BACKUP_ID}"
    answer = ada.post("/find/", {"q": text, "search": "dcs", "since": since})

    assert REFERENCE in links_of(to_the_end(ada, answer))


@pytest.fixture
def under_way(ada, emulator, patient, monkeypatch):
    """The page of a search that goes on, however busy the machine is: DCS hangs."""
    monkeypatch.setattr(backup_search, "LONGEST_VIEW", 0.5)
    monkeypatch.setattr(backup_search, "UNDER_WAY_SECONDS", 600.0)
    emulator.hang(path_contains="/backups")
    page = press(ada, find(ada, NOWHERE))
    assert "Searching for the backup" in text_of(page)
    return page


def test_a_viewer_has_one_search_at_a_time(ada, client_of, emulator, under_way):
    another = press(ada, find(ada, NEW_BACKUP_ID))
    assert "Another of your searches is still running" in text_of(another)
    assert "Searching for the backup" not in text_of(another)

    # Of another viewer it is none, and the same one in a second tab goes on with it.
    for viewer, text in ((client_of("ben"), NEW_BACKUP_ID), (ada, NOWHERE)):
        assert "Searching for the backup" in text_of(press(viewer, find(viewer, text)))

    emulator.heal()
    assert "Nothing was found" in text_of(to_the_end(ada, under_way))
    assert "Nothing was found" in text_of(to_the_end(ada, press(ada, another)))


def test_a_search_that_its_viewer_has_left_keeps_none_waiting(ada, under_way, monkeypatch):
    monkeypatch.setattr(backup_search, "UNDER_WAY_SECONDS", 0.0)
    press(ada, under_way)  # which was the last that it was heard of

    assert "Searching for the backup" in text_of(press(ada, find(ada, NEW_BACKUP_ID)))
