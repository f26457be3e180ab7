"""The day strip, case by case: what a day is called, and what is never said of it."""

from collections import Counter
from datetime import UTC, time, timedelta
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

import pytest

from backups.services.insights.days import last_days, same_days
from backups.services.insights.policy import Plan
from backups.services.insights.timeline import kind_of

from .api_records import (
    DAILY,
    DCS_SAYS_NO,
    DELETED,
    EXPIRED,
    FAILED,
    MANUAL,
    NO_TIME,
    NOT_RUN,
    ODD,
    RUNNING,
    backup_at,
    known_history,
    utc,
)

WEEKDAYS = Plan("automatic", (1, 2, 3, 4, 5), time(3), 7)
LATE_AT_NIGHT = Plan("automatic", DAILY.days, time(23), 7)
WITNESS = backup_at("11-10 03:00", **EXPIRED)


def days_of(*records, plan=DAILY, zone=UTC, **known):
    """The last 30 days by their date, such as "11-23"."""
    found = last_days(known_history(*records, plan=plan, **known), zone)
    return {f"{day.date:%m-%d}": day for day in found}


WITH_BACKUPS = [
    # the backups of 20 November, hour by hour; what the day is
    ([{}], "usable"),
    ([EXPIRED, FAILED, {}], "usable"),
    ([FAILED, RUNNING], "running"),
    ([DCS_SAYS_NO, EXPIRED], "unusable"),
    ([DELETED], "gone"),
    ([FAILED, EXPIRED], "gone"),
    # DCS may still say that an expired one can be restored; it cannot.
    ([{**EXPIRED, "is_support_restore": "TRUE"}], "gone"),
    ([NOT_RUN], "failed"),
    ([ODD, FAILED], "failed"),
]


@pytest.mark.parametrize(("backups", "state"), WITH_BACKUPS)
def test_a_day_is_called_after_the_best_that_it_has(backups, state):
    records = [backup_at(f"11-20 {3 + hour:02}:00", **fields) for hour, fields in enumerate(backups)]

    day = days_of(*records)["11-20"]

    assert day.state == state
    assert day.also_failed == (state != "failed" and FAILED in backups)
    assert dict(day.counts) == Counter(map(kind_of, records))


WITHOUT_BACKUPS = [
    # the day asked for, what else is known; its state and the reason
    ("11-20", {}, "missed", "none_listed"),
    ("11-21", {"plan": WEEKDAYS}, "none", "not_planned"),
    ("11-20", {"plan": Plan("manual")}, "none", "not_planned"),
    ("11-20", {"plan": Plan("unknown")}, "unknown", "plan_unknown"),
    ("11-20", {"plan": Plan("automatic")}, "unknown", "plan_unknown"),
    # Records leave the list: before the oldest of them nothing is known, pruned is not missed.
    ("11-09", {}, "unknown", "before_oldest"),
    # A list with holes, or with records of no time, cannot show that something is missing.
    ("11-20", {"whole": False}, "unknown", "list_not_whole"),
    # What has not been read since is not known.
    ("11-23", {"read_at": utc("11-22 12:00")}, "unknown", "not_read_since"),
    ("11-22", {"read_at": utc("11-22 02:00")}, "unknown", "not_read_since"),
    ("11-20", {"read_at": utc("11-22 12:00")}, "missed", "none_listed"),
    # Today may still get its backup.
    ("11-24", {}, "due", "overdue"),
    ("11-24", {"now": "11-24 02:00"}, "due", "to_come"),
    ("11-24", {"plan": LATE_AT_NIGHT}, "due", "to_come"),
    ("11-24", {"plan": Plan("unknown")}, "unknown", "plan_unknown"),
    # So may last night's, which is tried again after midnight.
    ("11-23", {"plan": LATE_AT_NIGHT, "now": "11-24 01:00"}, "due", "to_come"),
    ("11-23", {"plan": LATE_AT_NIGHT, "now": "11-24 04:00"}, "missed", "none_listed"),
    # Before the instance was made, nothing could be planned.
    ("10-28", {"created_at": utc("11-05 09:00")}, "none", "before_instance"),
    ("11-06", {"created_at": utc("11-05 09:00")}, "unknown", "before_oldest"),
]


@pytest.mark.parametrize(("day", "known", "state", "reason"), WITHOUT_BACKUPS)
def test_a_day_without_a_backup(day, known, state, reason):
    found = days_of(WITNESS, **known)[day]

    assert (found.state, found.reason, found.counts) == (state, reason, ())


def test_a_pruned_list_has_no_missed_days():
    """Only what is kept is listed: a week of automatic backups, and a manual one of long ago."""
    kept = [backup_at(f"11-{day} 03:00") for day in range(18, 25)]

    found = days_of(*kept, backup_at("10-01 09:00", **MANUAL))

    assert list(Counter(day.state for day in found.values()).items()) == [("unknown", 23), ("usable", 7)]
    assert found["11-17"].reason == "no_witness"
    # Nor has an empty one, and a backup of long ago does not vouch for a plan of today.
    assert {day.state for day in days_of().values()} == {"unknown", "due"}
    assert {day.reason for day in days_of(backup_at("09-01 03:00")).values()} == {"no_witness", "overdue"}


def test_backups_that_stopped_coming_are_missed():
    found = days_of(*(backup_at(f"11-{day} 03:00") for day in range(10, 21)))

    assert [name for name, day in found.items() if day.state == "missed"] == ["11-21", "11-22", "11-23"]


def test_a_record_without_a_time_may_be_of_any_day():
    undated = backup_at("11-20 03:00", **NO_TIME)

    assert days_of(WITNESS, undated)["11-20"].reason == "undated_records"


def test_a_backup_that_began_after_midnight_belongs_to_the_night_before():
    found = days_of(WITNESS, backup_at("11-21 00:40"), plan=LATE_AT_NIGHT)

    assert (found["11-20"].state, found["11-20"].reason) == ("none", "ran_after_midnight")
    assert found["11-21"].state == "usable"


def test_days_are_those_of_the_zone():
    """03:00 UTC is 08:30 in Kolkata; 20:00 UTC is the next day there."""
    kolkata = ZoneInfo("Asia/Kolkata")

    found = days_of(WITNESS, backup_at("11-20 20:00"), zone=kolkata)

    assert found["11-21"].state == "usable"
    assert found["11-21"].start == utc("11-20 18:30")
    assert list(days_of(now="11-24 20:00", zone=kolkata))[-1] == "11-25"


def test_days_with_a_change_of_the_clock_are_longer_or_shorter_and_none_is_lost():
    found = list(days_of(now="11-01 12:00", zone=ZoneInfo("Europe/Berlin")).values())

    assert {day.end - day.start for day in found} == {timedelta(hours=24), timedelta(hours=25)}
    assert all(day.end == following.start for day, following in pairwise(found))


@pytest.mark.parametrize("plan", [DAILY, WEEKDAYS, LATE_AT_NIGHT, Plan("manual"), Plan("unknown")])
def test_where_time_alone_is_said_to_change_no_day_it_changes_none(plan):
    times = [utc("11-22 22:00") + timedelta(minutes=20 * step) for step in range(110)]
    told = [
        tuple(day.state for day in last_days(known_history(WITNESS, plan=plan, now=f"{at:%m-%d %H:%M}"), UTC))
        for at in times
    ]
    pairs = list(combinations(range(len(times)), 2))
    same = [(one, other) for one, other in pairs if same_days(times[one], times[other])]

    assert len(same) > len(pairs) / 4
    assert [pair for pair in same if told[pair[0]] != told[pair[1]]] == []
