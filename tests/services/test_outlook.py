"""How long a file is likely to be kept, and when nothing is estimated."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from backups.dcs.records import BackupRecord
from backups.services.insights.evidence import evidence
from backups.services.insights.outlook import Outlook, outlook
from backups.services.insights.policy import Plan
from backups.services.insights.timeline import timeline

from .api_records import DCS_SAYS_NO, DELETED, EXPIRED, FAILED, MANUAL, ODD, RUNNING, WAITING, backup_at, utc

NOON = utc("11-24 12:00")
DAILY = Plan("automatic", (1, 2, 3, 4, 5, 6, 7), time(3), 7)


def outlook_of(
    record: BackupRecord, *others: BackupRecord, plan: Plan = DAILY, whole: bool = True
) -> Outlook | None:
    known = evidence(timeline([record, *others]), plan, read_at=NOON, whole=whole)
    return outlook(record, known, now=NOON)


def test_an_automatic_backup_is_kept_for_the_days_of_the_policy() -> None:
    record = backup_at("11-20 03:00")

    found = outlook_of(record, backup_at("11-21 03:00"))

    assert found == Outlook(until=utc("11-27 03:00"), keep_days=7, place=2)


def test_the_newest_automatic_file_is_kept_at_least() -> None:
    """A newer manual one, or a newer automatic one that failed or expired, does not change that."""
    record = backup_at("11-10 03:00")

    found = outlook_of(
        record,
        backup_at("11-12 03:00", **MANUAL),
        backup_at("11-13 03:00", **FAILED),
        backup_at("11-14 03:00", **EXPIRED),
    )

    assert found
    assert (found.until, found.overdue, found.last_automatic) == (utc("11-17 03:00"), True, True)


def test_a_manual_backup_is_kept_until_somebody_deletes_it() -> None:
    assert outlook_of(backup_at("11-20 03:00", **MANUAL)) == Outlook(by_hand=True, place=1)


@pytest.mark.parametrize(("newer", "place", "to_push_out"), [(0, 1, 24), (2, 3, 22), (23, 24, 1)])
def test_the_twenty_fifth_file_pushes_out_the_earliest(newer: int, place: int, to_push_out: int) -> None:
    record = backup_at("11-01 03:00", **MANUAL)
    others = [backup_at(record_time, **MANUAL) for record_time in _hours_after("11-02 03:00", newer)]

    found = outlook_of(record, *others)

    assert found
    assert (found.place, found.newer_to_push_out) == (place, to_push_out)


@pytest.mark.parametrize("fields", [FAILED, EXPIRED, DELETED, RUNNING, WAITING, ODD])
def test_what_has_no_file_takes_no_place(fields: dict[str, Any]) -> None:
    found = outlook_of(backup_at("11-20 03:00"), backup_at("11-21 03:00", **fields))

    assert found
    assert found.place == 1


def test_a_file_that_dcs_does_not_restore_takes_a_place() -> None:
    found = outlook_of(backup_at("11-20 03:00"), backup_at("11-21 03:00", **DCS_SAYS_NO))

    assert found
    assert found.place == 2


@pytest.mark.parametrize("fields", [FAILED, EXPIRED, DELETED, RUNNING, WAITING, ODD])
def test_there_is_no_outlook_without_a_file(fields: dict[str, Any]) -> None:
    assert outlook_of(backup_at("11-20 03:00", **fields)) is None


@pytest.mark.parametrize(
    "plan",
    [Plan("unknown"), Plan("none"), Plan("manual"), Plan("unreadable"), Plan("automatic", (1,), time(3))],
)
def test_without_a_known_policy_no_day_is_named(plan: Plan) -> None:
    assert outlook_of(backup_at("11-20 03:00"), plan=plan) == Outlook(place=1)


def test_a_type_that_the_portal_does_not_know_follows_no_policy() -> None:
    assert outlook_of(backup_at("11-20 03:00", backup_type="replica")) == Outlook(place=1)


def test_where_more_files_are_listed_than_the_limit_it_tells_nothing() -> None:
    record = backup_at("11-20 03:00", **MANUAL)
    others = [backup_at(moment, **MANUAL) for moment in _hours_after("11-01 00:00", 24)]

    assert outlook_of(record, *others) == Outlook(by_hand=True, place=None)


def test_in_a_list_with_holes_no_place_is_counted_and_nothing_is_the_last() -> None:
    found = outlook_of(backup_at("11-20 03:00"), whole=False)

    assert found == Outlook(until=utc("11-27 03:00"), keep_days=7)


def test_beside_a_file_without_a_time_no_place_is_counted() -> None:
    undated = backup_at("11-20 03:00", created_at="not a time", execution_at=None)

    found = outlook_of(backup_at("11-21 03:00", **MANUAL), undated)

    assert found == Outlook(by_hand=True, place=None)


def test_a_backup_without_a_time_has_no_outlook() -> None:
    assert outlook_of(backup_at("11-20 03:00", created_at="not a time", execution_at=None)) is None


def _hours_after(first: str, count: int) -> list[Any]:
    return [utc(first) + timedelta(hours=number) for number in range(count)]


@pytest.mark.parametrize(
    ("found", "soon"),
    [
        (Outlook(until=utc("11-25 11:59"), keep_days=7, place=2), True),
        (Outlook(until=utc("11-25 12:00"), keep_days=7, place=2), False),
        (Outlook(until=utc("11-24 03:00"), keep_days=7, overdue=True, place=2), True),
        (Outlook(until=utc("11-24 03:00"), keep_days=7, overdue=True, last_automatic=True, place=2), False),
        (Outlook(by_hand=True, place=23), False),
        (Outlook(by_hand=True, place=24), True),
        (Outlook(by_hand=True), False),
    ],
)
def test_a_file_goes_soon_within_a_day_or_with_the_next_backup(found: Outlook, soon: bool) -> None:
    assert found.goes_soon(NOON) == soon
