"""The head of a history: its figures, the sizes behind the sparkline and the chart, and what is odd."""

from datetime import date, time, timedelta

import pytest

from backups.dcs.records import BackupRecord, Instance
from backups.services.history.query import BackupFilter
from backups.services.insights.facts import facts_of
from backups.services.insights.figures import axis, chart, figures, size_change, spark
from backups.services.insights.hints import Hint, hints
from backups.services.insights.policy import Plan
from backups.services.insights.timeline import timeline
from backups.services.insights.verdict import objective_of, verdict_of
from backups.services.words import Clock, round_size

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
    WAITING,
    api_time,
    backup_at,
    known_history,
    raw,
    utc,
)
from .test_history import history_of

NOON = utc("11-24 12:00")
AOF = {"backup_format": "aof"}


def figures_of(*records):
    return figures(known_history(*records, plan=Plan("unknown")))


def hourly(backups):
    return [backup_at(f"11-20 {hour:02}:00", **fields) for hour, fields in enumerate(backups)]


def sizes_of(*backups):
    return timeline(hourly(list(backups))).sizes


@pytest.mark.parametrize("last", [{}, NOT_RUN, WAITING, ODD])
def test_the_last_attempt_is_the_newest_whatever_became_of_it(last):
    attempt = backup_at("11-23 03:00", **last)

    assert figures_of(backup_at("11-22 03:00", **DCS_SAYS_NO), attempt).last_attempt == attempt


RATES = [
    # the backups, an hour apart; the rate, of how many, how many of them did not run
    ([], None, 0, 0),
    # What has gone since has succeeded at its time.
    ([EXPIRED, DELETED, {}, FAILED], 75, 4, 0),
    ([DCS_SAYS_NO, FAILED], 50, 2, 0),
    # What did not run is no success.
    ([{}, NOT_RUN], 50, 2, 1),
    # What has not come to an end, or not to a known one, counts on neither side.
    ([{}, RUNNING, WAITING, ODD], 100, 1, 0),
]


@pytest.mark.parametrize(("records", "rate", "ended", "did_not_run"), RATES)
def test_the_success_rate_is_of_what_came_to_an_end(records, rate, ended, did_not_run):
    found = figures_of(*hourly(records))

    assert (found.success_rate, found.ended, found.did_not_run) == (rate, ended, did_not_run)


def test_the_success_rate_is_of_the_rows_that_its_link_shows():
    """The last 30 days to the second: one on the bound counts, one a second before it does not."""
    bound = NOON - timedelta(days=30)
    records = [backup_at(bound), backup_at(bound - timedelta(seconds=1)), backup_at("11-20 03:00", **FAILED)]
    statuses = ("succeed", "failed", "expired", "deleted")

    shown = history_of(records, BackupFilter({"status": statuses}, range="30d"), now=NOON)

    assert figures_of(*records).ended == shown.matched == 2


def test_usable_counts_those_without_a_time_too():
    """As the filters behind the figure do."""
    records = [
        backup_at("11-20 03:00", **NO_TIME),
        backup_at("11-21 03:00"),
        backup_at("11-22 03:00", **EXPIRED),
    ]
    wanted = BackupFilter({"status": ("succeed",), "restorable": ("yes",)})

    found = figures_of(*records)

    assert found.usable == history_of(records, wanted, now=NOON).matched == 2


# Sizes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backup", "sizes"),
    [
        ({"size": 500}, [500]),
        ({"size": 0}, [0]),
        ({"size": ""}, []),
        ({**DCS_SAYS_NO, "size": 500}, [500]),
        ({**EXPIRED, "size": 500}, [500]),
        # A file that has gone has no size; that it had none is not said.
        ({**DELETED, "size": 0}, []),
        ({**FAILED, "size": 500}, []),
        ({**RUNNING, "size": 500}, []),
        ({**ODD, "size": 500}, []),
    ],
)
def test_sizes_are_those_of_backups_that_succeeded(backup, sizes):
    found = sizes_of(backup)

    assert [one.size for one in found] == sizes
    assert all(one.has_file == ("status" not in backup) for one in found)


def test_sizes_are_the_newest_in_the_order_of_time():
    records = [BackupRecord.from_api(raw(number)) for number in range(1, 101)]

    assert [one.size for one in timeline(records).sizes] == [1000 + number for number in range(41, 101)]


@pytest.mark.parametrize(
    ("backups", "change"),
    [
        ([], None),
        ([{"size": 100}], None),
        ([{"size": 100}, {"size": 125}], 0.25),
        ([{"size": 0}, {"size": 100}], None),
        # A log of writes and an image of the data are not compared.
        ([{"size": 100}, {"size": 900, **AOF}, {"size": 150}], 0.5),
        ([{"size": 900, **AOF}, {"size": 100}], None),
    ],
)
def test_the_change_of_size_is_against_the_one_before_of_the_same_format(backups, change):
    assert size_change(sizes_of(*backups)) == change


@pytest.mark.parametrize(
    ("largest", "steps"),
    [
        (2_320_000_000, ["3 GB", "2 GB", "1 GB", "0"]),
        (74_100_000, ["80 MB", "60 MB", "40 MB", "20 MB", "0"]),
        (1_000_000_000, ["1 GB", "750 MB", "500 MB", "250 MB", "0"]),
        (3, ["3 bytes", "2 bytes", "1 byte", "0"]),
        (0, ["1 byte", "0"]),
    ],
)
def test_the_axis_has_round_sizes_from_zero_to_beyond_the_largest(largest, steps):
    assert [round_size(step) for step in axis(largest)] == steps


def test_the_chart_places_sizes_by_time_and_from_zero_upwards():
    days = {"11-20": 1_000, "11-21": 2_000, "11-24": 4_000}
    sizes = timeline(backup_at(f"{day} 00:00", size=size) for day, size in days.items()).sizes

    found = chart(sizes, Clock(sizes[-1].started_at))
    assert found.line == "0.0,120.0 250.0,80.0 1000.0,0.0"
    assert found.marks[0] == ("0.0,120.0", "20 Nov 00:00 UTC: 1,000 bytes", False)


def test_equal_sizes_make_a_level_sparkline():
    assert spark(sizes_of(*[{"size": 5}] * 3)) == [(3, 13), (48, 13), (93, 13)]


# Hints ---------------------------------------------------------------------------

NO_PLAN = Plan("none")
MON_WED_FRI = Plan("automatic", (1, 3, 5), time(3), 7)


def hints_of(*records, plan=NO_PLAN, **known):
    return list(hints(known_history(*records, plan=plan, **known)))


def kinds_of(*records, **known):
    return [hint.kind for hint in hints_of(*records, **known)]


def took(minutes, when, **fields):
    """A backup that took that long."""
    return backup_at(when, updated_at=api_time(utc(when) + timedelta(minutes=minutes)), **fields)


USUAL = [took(2, f"11-{day} 03:00") for day in range(10, 16)]


def test_an_ordinary_history_gives_no_hint():
    assert kinds_of(*(backup_at(f"11-{day} 03:00") for day in range(10, 25)), plan=DAILY) == []
    assert kinds_of(plan=DAILY) == []


# Sizes -----------------------------------------------------------------------


def daily(*records):
    """Backups a day apart, the last on 23 November."""
    days = range(24 - len(records), 24)
    return [backup_at(f"11-{day} 03:00", **one) for day, one in zip(days, records, strict=True)]


@pytest.mark.parametrize(
    ("records", "fell"),
    [
        ([{"size": 1000}, {"size": 499}], True),
        ([{"size": 1000}, {"size": 500}], False),
        ([{"size": 1000}, {"size": 0}], True),
        ([{"size": 1000}, {**FAILED, "size": 0}, {"size": 300}], True),
        ([{"size": 1000}, {"size": 200, **AOF}], False),
        ([{"size": 1000}, {"size": 9000, **AOF}, {"size": 300}], True),
        ([{"size": 1000}, {**EXPIRED, "size": 0}, {"size": 990}], False),
        ([{"size": 400}, {"size": 1000}], False),
    ],
)
def test_a_size_that_fell_by_more_than_half(records, fell):
    assert kinds_of(*daily(*records)) == (["size_fell"] if fell else [])


def test_a_fall_names_both_backups_and_the_newest_fall_counts():
    large, small, larger, smaller = daily(*({"size": size} for size in (1000, 100, 5000, 50)))

    assert hints_of(large, small, larger, smaller) == [Hint("size_fell", smaller, before=larger)]


def test_a_fall_of_long_ago_or_in_a_list_with_holes_is_not_told():
    for month, whole in (("10", True), ("11", False)):
        fall = [backup_at(f"{month}-0{day} 03:00", size=size) for day, size in ((1, 1000), (2, 100))]
        assert kinds_of(*fall, whole=whole) == []


# Durations -------------------------------------------------------------------

DURATIONS = [
    # beside six automatic ones of 2 minutes
    ([took(10, "11-20 03:00")], False),
    ([took(10.1, "11-20 03:00")], True),
    ([took(30, "11-20 03:00", **FAILED)], True),
    # Nobody knows how long a manual one usually takes.
    ([took(30, "11-20 03:00", **MANUAL)], False),
    ([took(30, "11-20 03:00", **EXPIRED)], False),
    ([took(30, "11-20 03:00", **ODD)], False),
]


@pytest.mark.parametrize(("records", "slow"), DURATIONS)
def test_a_backup_that_took_over_five_times_the_usual(records, slow):
    assert kinds_of(*USUAL, *records) == (["slow"] if slow else [])
    # Of four nobody can say what is usual.
    assert kinds_of(*USUAL[:3], *records) == []


def test_what_takes_long_is_told_with_what_is_usual():
    slow, still_running = took(30, "11-20 03:00"), running(12, 0)

    assert hints_of(*USUAL, slow, still_running) == [
        Hint("running_long", still_running, span=timedelta(minutes=12), usual=timedelta(minutes=2)),
        Hint("slow", slow, span=timedelta(minutes=30), usual=timedelta(minutes=2)),
    ]


def test_a_few_seconds_are_no_matter():
    quick = [took(1 / 60, f"11-{day} 03:00") for day in range(10, 16)]

    assert kinds_of(*quick, took(50 / 60, "11-20 03:00")) == []
    assert kinds_of(*quick, took(70 / 60, "11-20 03:00")) == ["slow"]


# Running ---------------------------------------------------------------------


def running(since, changed=None, **fields):
    """One that began so many minutes before it was read, and was changed so many minutes before that."""
    started = NOON - timedelta(minutes=since)
    updated = None if changed is None else api_time(NOON - timedelta(minutes=changed))
    return backup_at(started, updated_at=updated, **{**RUNNING, **fields})


RUN = [
    (running(29, 29), None),
    (running(45, 30), "unchanged"),
    # It moves, but it has run for longer than any should.
    (running(45, 1), "running_long"),
    # DCS gives no time of the last change, or one that says nothing: only the start is known.
    (running(45), "running_long"),
    (running(45, 45), "running_long"),
    (running(45, **WAITING), "waiting_long"),
    (running(45, 35, **WAITING), "unchanged"),
    (running(20, **WAITING), None),
]


@pytest.mark.parametrize(("record", "kind"), RUN)
def test_a_backup_that_does_not_come_to_its_end(record, kind):
    assert kinds_of(record) == ([kind] if kind else [])


def test_an_old_list_does_not_know_what_became_of_a_running_backup_since():
    """It was in progress for five minutes when the list was read, three hours ago."""
    record = backup_at("11-24 08:55", updated_at="2026-11-24T08:59:00.000Z", **RUNNING)

    assert kinds_of(record, read_at=utc("11-24 09:00")) == []


# Failures --------------------------------------------------------------------

DAYS = [
    ([("03:00", FAILED), ("04:00", FAILED), ("05:00", FAILED)], True),
    ([("03:00", FAILED), ("04:00", NOT_RUN), ("05:00", NOT_RUN)], True),
    ([("03:00", FAILED), ("04:00", FAILED), ("05:00", {})], False),
    ([("03:00", FAILED), ("04:00", FAILED), ("05:00", FAILED), ("09:00", MANUAL)], True),
    # The limit is one of automatic backups.
    ([("03:00", FAILED), ("04:00", FAILED), ("05:00", {**FAILED, **MANUAL})], False),
]


@pytest.mark.parametrize(("records", "hint"), DAYS)
def test_three_failures_in_a_day(records, hint):
    found = kinds_of(*(backup_at(f"11-20 {hour}", **fields) for hour, fields in records))

    assert found == (["failed_all_day"] if hint else [])


def test_the_newest_of_several_bad_days_is_named_and_all_are_counted():
    bad = [backup_at(f"11-{day} 0{hour}:00", **FAILED) for day in (12, 20, 13) for hour in (3, 4, 5)]
    long_ago = [backup_at(f"10-01 0{hour}:00", **FAILED) for hour in (3, 4, 5)]

    assert hints_of(*bad, *long_ago) == [Hint("failed_all_day", day=date(2026, 11, 20), count=3)]


# The newest usable backup ----------------------------------------------------

AGES = [
    # plan, the newest usable backup, what else is known; whether it is too old
    (DAILY, "11-22 13:00", {}, False),
    (DAILY, "11-22 11:00", {}, True),
    (MON_WED_FRI, "11-19 03:00", {}, False),
    (MON_WED_FRI, "11-18 11:00", {}, True),
    (Plan("manual"), "11-01 03:00", {}, False),
    (Plan("automatic"), "11-01 03:00", {}, False),
    (DAILY, "11-20 03:00", {"whole": False}, False),
    # By when the list was read there was none newer; since then there may be.
    (DAILY, "11-20 03:00", {"read_at": utc("11-21 03:00")}, False),
]


@pytest.mark.parametrize(("plan", "newest", "known", "old"), AGES)
def test_a_newest_usable_backup_that_is_older_than_twice_the_interval(plan, newest, known, old):
    found = kinds_of(backup_at(newest), backup_at("11-24 03:00", **FAILED), plan=plan, **known)

    assert found == (["newest_usable_is_old"] if old else [])


# Contradictions --------------------------------------------------------------


def test_contradictions_are_counted():
    says_yes = {"is_support_restore": "TRUE"}
    records = [
        backup_at("11-20 03:00", **{**EXPIRED, **says_yes}),
        backup_at("11-21 03:00", **{**FAILED, **says_yes}),
        backup_at("11-22 03:00", **EXPIRED),
        backup_at("11-23 03:00"),
    ]

    assert hints_of(*records) == [Hint("contradiction", count=2)]


# The policy against what ran --------------------------------------------------

LONG_AGO = utc("01-01")
OFF = Plan("manual")
POLICIES = [
    # the backups, the plan, what else is known; the hints
    ([backup_at("11-20 03:00")], OFF, {}, ["automatic_off"]),
    ([], Plan("none"), {}, ["automatic_off"]),
    ([], OFF, {"whole": False}, []),
    ([], DAILY, {"created_at": LONG_AGO}, ["never_ran"]),
    ([backup_at("11-24 03:00", **MANUAL)], DAILY, {"created_at": LONG_AGO}, ["never_ran"]),
    ([backup_at("11-24 03:00")], DAILY, {"created_at": LONG_AGO}, []),
    ([], DAILY, {"created_at": NOON - timedelta(hours=20)}, []),
    ([], DAILY, {}, []),
    ([backup_at(f"11-24 {hour:02}:00") for hour in range(12)], DAILY, {}, ["runs_too_often"]),
    ([backup_at(f"11-2{day} 0{hour}:00") for day in (3, 4) for hour in (3, 4, 5)], DAILY, {}, []),
]


@pytest.mark.parametrize(("records", "plan", "known", "kinds"), POLICIES)
def test_what_does_not_keep_to_the_policy_is_told(records, plan, known, kinds):
    history = known_history(*records, plan=plan, **known)

    assert [hint.kind for hint in hints(history, judged(history))] == kinds


def judged(history, tag=""):
    instance = Instance.from_api({"status": "RUNNING", "tags": [{"key": "rpo", "value": tag}]})
    facts = facts_of(history, instance, tag_key="rpo")
    return verdict_of(facts, objective_of(facts, None), now=history.now)


def test_what_the_verdict_says_is_no_hint_and_an_objective_that_cannot_be_read_is_one():
    failures = [backup_at(f"11-24 0{hour}:00", **FAILED) for hour in (3, 4, 5)]
    history = known_history(backup_at("11-20 03:00"), *failures, running(300), plan=DAILY)

    assert [hint.kind for hint in hints(history)] == [
        "newest_usable_is_old",
        "running_long",
        "failed_all_day",
    ]
    assert [hint.kind for hint in hints(history, judged(history, "soon"))] == ["unread_objective"]
