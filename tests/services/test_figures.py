"""The figures, and the sizes behind the sparkline and the chart."""

from datetime import timedelta

import pytest

from backups.dcs.records import BackupRecord
from backups.services.history.query import BackupFilter
from backups.services.insights.glance import axis, chart, figures, size_change, spark
from backups.services.insights.policy import Plan
from backups.services.insights.timeline import timeline
from backups.services.words import Clock, round_size

from .api_records import (
    DCS_SAYS_NO,
    DELETED,
    EXPIRED,
    FAILED,
    NO_TIME,
    NOT_RUN,
    ODD,
    RUNNING,
    WAITING,
    backup_at,
    known_history,
    raw,
    utc,
)
from .test_history import history_of

NOON = utc("11-24 12:00")


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


AOF = {"backup_format": "aof"}


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

    marks = chart(sizes, Clock(sizes[-1].started_at)).marks
    assert [mark.point for mark in marks] == ["0.0,120.0", "250.0,80.0", "1000.0,0.0"]
    assert marks[0][1:] == ("20 Nov 00:00 UTC: 1,000 bytes", False)


def test_equal_sizes_make_a_level_sparkline():
    assert spark(sizes_of(*[{"size": 5}] * 3)) == [(3, 13), (48, 13), (93, 13)]
