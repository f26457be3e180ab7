"""The backup policy: what is planned when, how long a file is likely kept, and what is not known of it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from backups.dcs.records import Instance
from backups.services.insights.policy import Outlook, Plan, outlook, plan_of, weekdays

from .api_records import (
    DAILY,
    DCS_SAYS_NO,
    DELETED,
    EXPIRED,
    FAILED,
    MANUAL,
    NO_TIME,
    ODD,
    RUNNING,
    WAITING,
    backup_at,
    known_history,
    utc,
)

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WEEKLY = {"backup_at": [1, 3, 5], "period_type": "weekly", "begin_at": "03:00-04:00"}
ODD_DAYS = {"backup_at": [7, "2", 9], "begin_at": "24:00"}

POLICIES = [
    # instance_backup_policy, the plan
    (
        {"policy": {"backup_type": "auto", "save_days": 7, "periodical_backup_plan": WEEKLY}},
        Plan("automatic", (1, 3, 5), time(3), 7),
    ),
    (
        {"backup_type": "auto", "save_days": "3", "periodical_backup_plan": WEEKLY},
        Plan("automatic", (1, 3, 5), time(3), 3),
    ),
    ({"policy": {"backup_type": "auto", "save_days": 0}}, Plan("automatic")),
    ({"backup_type": "auto", "periodical_backup_plan": ODD_DAYS}, Plan("automatic", (2, 7))),
    ({"policy": {"backup_type": "manual", "save_days": 7, "periodical_backup_plan": WEEKLY}}, Plan("manual")),
    (None, Plan("none")),
    ({}, Plan("none")),
    ({"policy": {"save_days": 7}}, Plan("unreadable")),
    ("daily", Plan("unreadable")),
]


@pytest.mark.parametrize(("policy", "plan"), POLICIES)
def test_a_policy_is_read_as_a_plan(policy, plan):
    assert plan_of(Instance.from_api({"instance_id": "i", "instance_backup_policy": policy})) == plan


def test_the_plan_of_an_instance_that_could_not_be_asked_for_is_unknown():
    assert plan_of(None) == Plan("unknown")


MON_WED_FRI_AT_22 = Plan("automatic", (1, 3, 5), time(22), 7)
SHANGHAI = ZoneInfo("Asia/Shanghai")

PLANNED = [
    # plan, the zone of the day 2026-11-23 (a Monday), whether a backup is planned for that day
    (MON_WED_FRI_AT_22, UTC, True),
    # In Shanghai 22:00 UTC is 06:00 of the next day, so Monday there has no slot.
    (MON_WED_FRI_AT_22, SHANGHAI, False),
    (Plan("automatic", (7,), time(22)), SHANGHAI, True),
    (Plan("automatic", (1,)), UTC, True),
    (Plan("automatic", (2,)), UTC, False),
    # Without a time of day, Shanghai's Monday may or may not have the slot of Monday in UTC.
    (Plan("automatic", (1,)), SHANGHAI, None),
    (Plan("automatic", EVERY_DAY), SHANGHAI, True),
    (Plan("automatic", (3,)), SHANGHAI, False),
    (Plan("automatic", (), time(22)), UTC, None),
    (Plan("manual"), UTC, False),
    (Plan("unknown"), UTC, None),
]


@pytest.mark.parametrize(("plan", "zone", "planned"), PLANNED)
def test_whether_a_backup_is_planned_for_a_day(plan, zone, planned):
    start = datetime(2026, 11, 23, tzinfo=zone)

    assert plan.planned(start, start + timedelta(days=1)) is planned


def test_the_slots_of_a_plan_are_in_utc():
    slots = MON_WED_FRI_AT_22.slots(utc("11-20"), utc("11-26"))

    assert slots == tuple(utc(f"11-{day} 22:00") for day in (20, 23, 25))


@pytest.mark.parametrize(
    ("days", "interval"), [(EVERY_DAY, 1), ((1, 3, 5), 3), ((1,), 7), ((6, 7), 6), ((), None)]
)
def test_the_interval_is_the_longest_time_between_two_planned_backups(days, interval):
    assert Plan("automatic", days).interval == (interval and timedelta(days=interval))


def test_days_are_told_in_runs_of_three_or_more():
    told = [weekdays(days) for days in (EVERY_DAY, (6, 7), (1, 2, 3, 5, 6), ())]

    assert told == ["Mon to Sun", "Sat, Sun", "Mon to Wed, Fri, Sat", ""]


# How long a file is kept --------------------------------------------------------

WITHOUT_FILE = [FAILED, EXPIRED, DELETED, RUNNING, WAITING, ODD]


def outlook_of(record, *others, plan=DAILY, **known):
    return outlook(record, known_history(record, *others, plan=plan, **known))


def test_an_automatic_backup_is_kept_for_the_days_of_the_policy():
    found = outlook_of(backup_at("11-20 03:00"), backup_at("11-21 03:00"))

    assert found == Outlook(until=utc("11-27 03:00"), keep_days=7, place=2)


def test_the_newest_automatic_file_is_kept_at_least():
    """A newer manual one, or a newer automatic one that failed or expired, does not change that."""
    newer = [backup_at(f"11-{12 + n} 03:00", **fields) for n, fields in enumerate((MANUAL, FAILED, EXPIRED))]

    found = outlook_of(backup_at("11-10 03:00"), *newer)

    assert found
    assert (found.until, found.overdue, found.last_automatic) == (utc("11-17 03:00"), True, True)


@pytest.mark.parametrize(
    ("newer", "place", "to_push_out"), [(0, 1, 24), (2, 3, 22), (23, 24, 1), (24, None, None)]
)
def test_the_twenty_fifth_file_pushes_out_the_earliest(newer, place, to_push_out):
    """A manual backup is kept until deleted by hand. Of more files than the limit nothing is told."""
    others = [backup_at(utc("11-02 03:00") + timedelta(hours=n), **MANUAL) for n in range(newer)]

    found = outlook_of(backup_at("11-01 03:00", **MANUAL), *others)

    assert found == Outlook(by_hand=True, place=place)
    assert found.newer_to_push_out == to_push_out


@pytest.mark.parametrize(("fields", "place"), [*((fields, 1) for fields in WITHOUT_FILE), (DCS_SAYS_NO, 2)])
def test_what_has_no_file_takes_no_place(fields, place):
    found = outlook_of(backup_at("11-20 03:00"), backup_at("11-21 03:00", **fields))

    assert found
    assert found.place == place


@pytest.mark.parametrize("fields", [*WITHOUT_FILE, NO_TIME])
def test_there_is_no_outlook_without_a_file_or_a_time(fields):
    assert outlook_of(backup_at("11-20 03:00", **fields)) is None


@pytest.mark.parametrize("plan", [Plan("none"), Plan("automatic", (1,), time(3))])
def test_without_a_known_policy_no_day_is_named(plan):
    assert outlook_of(backup_at("11-20 03:00"), plan=plan) == Outlook(place=1)


def test_a_type_that_the_portal_does_not_know_follows_no_policy():
    assert outlook_of(backup_at("11-20 03:00", backup_type="replica")) == Outlook(place=1)


def test_in_a_list_with_holes_no_place_is_counted_and_nothing_is_the_last():
    found = outlook_of(backup_at("11-20 03:00"), whole=False)

    assert found == Outlook(until=utc("11-27 03:00"), keep_days=7)


def test_beside_a_file_without_a_time_no_place_is_counted():
    found = outlook_of(backup_at("11-21 03:00", **MANUAL), backup_at("11-20 03:00", **NO_TIME))

    assert found == Outlook(by_hand=True, place=None)


def test_of_a_backup_outside_the_part_that_is_known_nothing_is_told():
    known = known_history(backup_at("11-21 03:00"), plan=DAILY, whole=False)

    assert outlook(backup_at("11-01 03:00"), known) is None


@pytest.mark.parametrize(
    ("found", "soon"),
    [
        (Outlook(until=utc("11-25 11:59"), keep_days=7, place=2), True),
        (Outlook(until=utc("11-25 12:00"), keep_days=7, place=2), False),
        (Outlook(until=utc("11-24 03:00"), keep_days=7, overdue=True, place=2), True),
        (Outlook(until=utc("11-24 03:00"), keep_days=7, overdue=True, last_automatic=True, place=2), False),
        (Outlook(by_hand=True, place=23), False),
        (Outlook(by_hand=True, place=24), True),
    ],
)
def test_a_file_goes_soon_within_a_day_or_with_the_next_backup(found, soon):
    assert found.goes_soon(utc("11-24 12:00")) == soon
