"""Listings: served at once with their age, refreshed behind, read by one for all."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from urllib.parse import parse_qs

import pytest

from backups.models import Instance, Note
from backups.services import listings
from backups.services.evidence import evidence_of
from backups.services.history.query import BackupFilter, backup_history, records_of
from backups.services.listings import NothingToShow, Subject, guard, reader, reading_recorded, recorder
from tests.conftest import restart

from ..conftest import wait_for
from .api_records import FIRST, raw, raws
from .conftest import ORDERS, at_once, later, problem_of, read, settled, walks
from .readings import walk_of

# Freshness -----------------------------------------------------------------------------


def test_a_fresh_listing_is_shown_without_a_call(eu, emulator):
    first = read(eu)
    emulator.clear_calls()

    second = read(eu, after=59)

    assert (first.source, second.source) == ("live", "cache")
    assert (second.generation, second.read_at) == (first.generation, first.read_at)
    assert second.records == first.records
    assert not emulator.calls


def test_past_its_freshness_the_old_listing_is_shown_at_once_and_read_again_behind(eu, emulator):
    first = read(eu)
    emulator.insert_record(ORDERS, raw(7))
    emulator.hang()

    old = [read(eu, after=61) for _ in range(3)]
    emulator.heal()
    settled()
    new = read(eu)

    assert {(o.source, o.generation, o.refreshing, o.problem) for o in old} == {
        ("stale", first.generation, True, None)
    }
    assert (new.source, new.total) == ("cache", first.total + 1)
    assert walks(emulator) == 2


@pytest.mark.parametrize("status", ["waiting", "backuping"])
def test_with_a_running_backup_it_is_fresh_for_ten_seconds(eu, emulator, status):
    emulator.set_records(ORDERS, [raw(2, status=status), raw(1)])
    read(eu)

    assert [read(eu, after=seconds).source for seconds in (9, 11)] == ["cache", "stale"]


def test_a_refresh_by_hand_reads_now_but_not_twice_in_ten_seconds(eu, emulator):
    totals = [read(eu).total]
    sources = []
    for after in (0, 9, 11):
        emulator.insert_record(ORDERS, raw(90 + after))
        listing = read(eu, read_now=True, after=after)
        sources.append(listing.source)
        totals.append(listing.total - totals[0])

    assert sources == ["live", "cache", "live"]
    assert totals[1:] == [1, 1, 3]


def test_a_long_list_is_shown_while_it_is_still_being_written(eu, emulator):
    emulator.set_records(ORDERS, [raw(number) for number in range(150)])
    is_shown = Event()

    def wait_until_shown(sender, recorded, **_):
        assert recorded.subject.kind != "backups" or is_shown.wait(10)

    reading_recorded.connect(wait_until_shown)
    try:
        listing = read(eu)
        again = read(eu)
        is_shown.set()
        settled()
        unchanged = read(eu, read_now=True, after=20)
    finally:
        reading_recorded.disconnect(wait_until_shown)

    assert (listing.source, listing.total) == ("live", 150)
    assert again.generation == listing.generation
    assert (unchanged.source, unchanged.total, bool(unchanged.reading)) == ("live", 150, True)
    assert walks(emulator) == 2


@pytest.mark.parametrize("wish", [{"read_now": True}, {"holding": ("backup-007",)}])
def test_who_wants_what_is_just_being_read_for_another_waits_for_it(eu, emulator, portal, wish):
    emulator.set_records(ORDERS, raws(3))
    read(eu)
    emulator.insert_record(ORDERS, {**raw(7), "backup_id": "backup-007"})
    emulator.clear_calls()
    emulator.hang(times=1)

    with ThreadPoolExecutor(2) as viewers:
        first = viewers.submit(read, eu, **wish)
        wait_for(lambda: bool(emulator.calls))
        second = viewers.submit(read, eu, **wish)
        wait_for(lambda: second.done() or len(reader._waiting) == 2)
        emulator.heal()

    assert (first.result().total, second.result().total) == (4, 4)
    assert walks(emulator) == 1


def test_a_listing_read_before_the_clock_was_put_back_is_read_again(eu):
    read(eu)

    assert read(eu, after=-3600).source == "stale"


# What is read --------------------------------------------------------------------------


def test_a_very_long_history_is_cut_and_says_so_and_is_read_by_range_with_room_on_both_sides(
    eu, emulator, portal
):
    portal.DCS_MAX_RECORDS = 200
    emulator.set_records(ORDERS, raws(600))
    start, end = FIRST + timedelta(hours=100), FIRST + timedelta(hours=110)

    newest = read(eu)
    assert (newest.total, newest.truncated, newest.complete) == (200, True, False)
    assert [record.name for record in newest.records] == [f"backup_{n}" for n in range(600, 400, -1)]
    assert set(parse_qs(emulator.calls[-1].query)) == {"limit", "offset"}

    part = read(eu, bounds=(start, end))
    assert _bound(emulator, "begin_time") <= start - timedelta(hours=48)
    assert _bound(emulator, "end_time") >= end + timedelta(hours=48)
    assert (part.windowed, part.complete) == (True, False)
    found = backup_history(records_of(part), BackupFilter(start=start, end=end), now=later())
    assert [record.name for record in found.matches] == [f"backup_{n}" for n in range(109, 99, -1)]

    read(eu, bounds=(FIRST + timedelta(hours=550), None))
    assert _bound(emulator, "begin_time")
    assert not _bound(emulator, "end_time")

    emulator.fail_with(500)
    unread = read(eu, bounds=(FIRST, FIRST + timedelta(days=1)))
    assert (unread.total, unread.complete, unread.problem.kind) == (200, False, "server_error")


def _bound(emulator, name):
    """A bound of the last call."""
    values = parse_qs(emulator.calls[-1].query).get(name)
    return datetime.strptime(values[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if values else None


def test_a_viewer_of_a_slow_walk_is_answered_in_time_and_its_pages_are_kept(eu, emulator, portal):
    portal.DCS_PAGE_SIZE = 10
    emulator.hang(times=1)

    problem = problem_of(eu, patience=0.2)
    emulator.heal()
    settled()
    emulator.clear_calls()
    listing = read(eu)

    assert (problem.kind, problem.page_status) == ("being_read", 503)
    assert (listing.source, listing.complete) == ("cache", True)
    assert listing.total == len(emulator.fleet.backups(ORDERS))
    assert not emulator.calls


def test_a_hanging_instance_is_waited_for_once(eu, emulator, portal):
    read(eu)
    emulator.clear_calls()
    emulator.hang()

    seen = [listings.backups_and_instance(eu, ORDERS, now=later()) for _ in range(4)]

    assert [instance for _, instance in seen] == [None] * 4
    assert emulator.count() == 1


# The cache -----------------------------------------------------------------------------


def test_with_a_full_database_this_process_keeps_its_own(eu, emulator, full_database):
    seen = [read(eu) for _ in range(3)]

    assert [listing.source for listing in seen] == ["live", "cache", "cache"]
    assert walks(emulator) == 1


def test_with_a_full_database_a_failing_dcs_is_still_not_stormed(eu, emulator, full_database):
    emulator.fail_with(401)
    problems = [problem_of(eu) for _ in range(5)]

    assert {problem.kind for problem in problems} == {"credentials_refused"}
    assert emulator.count("/backups") == 1
    emulator.heal()
    assert read(eu, after=301).source == "live"


def test_while_the_database_is_full_another_process_still_shows_what_it_holds(eu, emulator, request):
    first = read(eu)
    settled()
    request.getfixturevalue("full_database")
    restart()  # as another process

    seen = read(eu)

    assert (seen.source, seen.generation, seen.records) == ("cache", first.generation, first.records)


@pytest.mark.parametrize("spoilt", ["", "not JSON", '{"id": "another version"}', "\ufffd", "[]"])
def test_what_another_version_wrote_is_read_again(eu, emulator, spoilt):
    first = read(eu)
    settled()
    restart()
    subject = Subject("backups", eu, ORDERS)
    Note.objects.all().delete()
    Note.objects.bulk_create(Note(key=key, text=spoilt) for key in subject.note_keys)

    assert read(eu).records == first.records
    settled()
    assert walks(emulator) == 2
    restart()
    assert read(eu).source == "cache"


def test_an_instance_that_dcs_denied_for_a_moment_is_back_with_the_next_list(eu, emulator):
    first = listings.project_instances(eu, now=later())
    read(eu)
    emulator.fail_with(400, "DCS.4119")
    read(eu, after=61)
    settled()
    assert Instance.objects.get(instance_id=ORDERS).gone_why == "unknown"
    emulator.heal()

    listings.project_instances(eu, now=later(61))
    settled()

    assert not Instance.objects.get(instance_id=ORDERS).gone_since
    restart()
    assert listings.project_instances(eu, now=later()).total == first.total


def test_what_was_read_once_is_shown_after_a_restart_however_old_it_is(eu, emulator):
    first = read(eu)
    settled()
    restart()
    emulator.fail_with(500)

    seen = read(eu, after=400 * 86_400)

    assert (seen.source, seen.generation, seen.records) == ("stale", first.generation, first.records)


def test_what_dcs_sent_is_told_as_soon_as_it_is_read(eu):
    listing = read(eu)
    record = listing.records[0]

    told = evidence_of(listing, [record.backup_id])[record.backup_id]

    assert (told.received["backup_name"], told.first_seen.seen_at) == (record.name, listing.read_at)


# In memory -----------------------------------------------------------------------------


def test_what_is_derived_of_a_list_is_made_once_for_all_its_viewers_and_goes_with_it(eu, emulator):
    made = []
    read(eu)
    at_once(20, lambda: read(eu).derived("count", lambda records: made.append(len(records))))
    old = weakref.ref(read(eu).decoded)
    assert len(made) == 1

    read(eu, read_now=True).derived("count", lambda records: made.append(len(records)))
    assert len(made) == 1  # nothing has changed

    emulator.insert_record(ORDERS, raw(7))
    read(eu, read_now=True, after=11).derived("count", lambda records: made.append(len(records)))
    settled()
    gc.collect()
    assert len(made) == 2
    assert old() is None


def test_empty_lists_take_memory_too_and_the_least_used_leave(eu, emulator, portal, instances):
    portal.DCS_RECORDS_IN_MEMORY = 100
    portal.DCS_MAX_RECORDS = 1
    for instance_id in instances[:8]:
        emulator.set_records(instance_id, [])
    first = weakref.ref(read(eu, instances[0]).decoded)

    for instance_id in instances[1:8]:
        read(eu, instance_id)
    settled()
    gc.collect()

    assert first() is None


def test_a_history_longer_than_the_memory_is_not_decoded_anew_for_each_view(eu, emulator, portal):
    portal.DCS_RECORDS_IN_MEMORY = 100
    emulator.set_records(ORDERS, raws(300))
    first, _ = listings.backups_and_instance(eu, ORDERS, now=later())
    settled()

    second, _ = listings.backups_and_instance(eu, ORDERS, now=later())

    assert second.decoded is first.decoded


# Waiting -------------------------------------------------------------------------------


def test_beyond_the_cap_viewers_are_told_at_once_that_the_list_is_being_read(eu, emulator, portal):
    portal.DCS_WAITING_VIEWERS = 3
    emulator.hang()

    with ThreadPoolExecutor(10) as viewers:
        coming = [viewers.submit(read, eu) for _ in range(10)]
        wait_for(lambda: sum(one.done() for one in coming) == 7)
        refused = [one.exception() for one in coming if one.done()]
        emulator.heal()

    assert {one.problem.kind for one in refused if isinstance(one, NothingToShow)} == {"being_read"}
    assert [one.result().source for one in coming if not one.exception()] == ["live"] * 3
    assert not reader._waiting


def test_one_process_reads_so_many_lists_of_a_project_at_a_time_and_no_more(eu, emulator, portal):
    emulator.hang()

    problems = [problem_of(eu, f"instance-{n}", patience=0) for n in range(reader.MOST_OF_A_PROJECT + 3)]
    under_way = len(reader._under_way)
    emulator.heal()
    settled()

    assert {problem.kind for problem in problems} == {"being_read"}
    assert all(problem.retry_at for problem in problems)
    assert under_way == reader.MOST_OF_A_PROJECT
    assert read(eu).total == len(emulator.fleet.backups(ORDERS))


def test_who_has_something_to_see_waits_for_no_place(eu, emulator, portal):
    portal.DCS_WAITING_VIEWERS = 0
    first = problem_of(eu)
    settled()
    emulator.hang()

    assert first.kind == "being_read"
    assert read(eu, after=61).source == "stale"


@pytest.mark.parametrize("is_in_memory", [True, False])
def test_a_record_without_an_id_stays_while_it_is_not_certain_that_it_is_gone(eu, is_in_memory):
    subject, rows = Subject("backups", eu, ORDERS), raws(4)
    rows[0]["backup_id"] = ""
    began = datetime(2026, 11, 1, tzinfo=UTC)

    # Three of four go at once: said once more within a minute, that is no certainty yet.
    for seconds, sent in ((0, rows), (30, rows[3:]), (60, rows[3:])):
        recorder.record(subject, walk_of(sent), read_at=began + timedelta(seconds=seconds))
        if not is_in_memory:
            restart()

    [snapshot] = guard.snapshots(subject)
    told = {(record.backup_id, record.presence) for record in snapshot.cached.decoded.records}
    ids = [row["backup_id"] for row in rows]
    assert told == {(one, "missing") for one in ids[:3]} | {(ids[3], "listed")}
