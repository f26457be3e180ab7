"""The five figures, and the sizes behind the sparkline and the chart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backups.dcs.records import BackupRecord
from backups.services.history.query import BackupFilter
from backups.services.insights.figures import Figures, figures
from backups.services.insights.sizes import sizes
from backups.services.insights.timeline import timeline

from .api_records import (
    DCS_SAYS_NO,
    DELETED,
    EXPIRED,
    FAILED,
    MANUAL,
    NOT_RUN,
    ODD,
    RUNNING,
    WAITING,
    backup_at,
    raw,
    utc,
)
from .test_history import history_of

NOON = utc("11-24 12:00")


def figures_of(*records: BackupRecord) -> Figures:
    ordered = timeline(records)
    return figures(ordered, sizes(ordered), now=NOON)


def test_the_newest_usable_is_the_one_whose_data_is_newest() -> None:
    """Not the one that was finished last, and none that failed, expired or is refused by DCS."""
    newest = backup_at("11-22 03:00", updated_at="2026-11-22T03:10:00.000Z")
    found = figures_of(
        backup_at("11-23 03:00", **DCS_SAYS_NO),
        newest,
        backup_at("11-21 03:00", updated_at="2026-11-23T09:00:00.000Z"),
        backup_at("11-23 04:00", **FAILED),
        backup_at("11-23 05:00", **EXPIRED),
        backup_at("11-23 06:00", created_at="not a time", execution_at=None),
    )

    assert found.newest_usable == newest


@pytest.mark.parametrize("last", [{}, NOT_RUN, WAITING, ODD])
def test_the_last_attempt_is_the_newest_whatever_became_of_it(last: dict[str, Any]) -> None:
    attempt = backup_at("11-23 03:00", **last)

    found = figures_of(backup_at("11-22 03:00", **DCS_SAYS_NO), attempt)

    assert found.last_attempt == attempt
    assert found.newest_usable == (None if last else attempt)


RATES: list[tuple[list[dict[str, Any]], float | None, int, int]] = [
    # the backups, an hour apart; the rate, of how many, how many of them did not run
    ([], None, 0, 0),
    # What has gone since has succeeded at its time.
    ([EXPIRED, DELETED, {}, FAILED], 75, 4, 0),
    ([DCS_SAYS_NO, FAILED], 50, 2, 0),
    # What did not run is no success.
    ([{}, NOT_RUN], 50, 2, 1),
    # What has not come to an end, or not to a known one, counts on neither side.
    ([{}, RUNNING, WAITING, ODD], 100, 1, 0),
    ([FAILED, FAILED], 0, 2, 0),
]


@pytest.mark.parametrize(("records", "rate", "ended", "did_not_run"), RATES)
def test_the_success_rate_is_of_what_came_to_an_end(
    records: list[dict[str, Any]], rate: float | None, ended: int, did_not_run: int
) -> None:
    found = figures_of(*(backup_at(f"11-20 {hour:02}:00", **one) for hour, one in enumerate(records)))

    assert (found.success_rate, found.ended, found.did_not_run) == (rate, ended, did_not_run)


def test_the_success_rate_is_of_the_rows_that_its_link_shows() -> None:
    """The last 30 days to the second: one on the bound counts, one a second before it does not."""
    bound = NOON - timedelta(days=30)
    records = [
        backup_at(bound),
        backup_at(bound - timedelta(seconds=1)),
        backup_at(bound + timedelta(days=1), **FAILED),
        backup_at(bound + timedelta(days=2), **RUNNING),
    ]
    statuses = ("succeed", "failed", "expired", "deleted")

    shown = history_of(records, BackupFilter({"status": statuses}, range="30d"), now=NOON)

    assert figures_of(*records).ended == shown.matched == 2


def test_usable_counts_those_without_a_time_too() -> None:
    """As the filters behind the figure do."""
    undated = backup_at("11-20 03:00", created_at="not a time", execution_at=None)
    records = [undated, backup_at("11-21 03:00"), backup_at("11-22 03:00", **EXPIRED)]

    wanted = BackupFilter({"status": ("succeed",), "restorable": ("yes",)})
    shown = history_of(records, wanted, now=NOON)

    found = figures_of(*records)
    assert (found.usable, found.expired, found.deleted) == (shown.matched, 1, 0) == (2, 1, 0)


# Sizes -----------------------------------------------------------------------

SIZED: list[tuple[dict[str, Any], int | None]] = [
    # a backup, the size that it adds
    ({"size": 500}, 500),
    ({"size": 0}, 0),
    ({"size": ""}, None),
    ({**DCS_SAYS_NO, "size": 500}, 500),
    ({**EXPIRED, "size": 500}, 500),
    ({**DELETED, "size": 500}, 500),
    # A file that has gone has no size; that it had none is not said.
    ({**EXPIRED, "size": 0}, None),
    ({**FAILED, "size": 500}, None),
    ({**RUNNING, "size": 500}, None),
    ({**ODD, "size": 500}, None),
]


@pytest.mark.parametrize(("record", "size"), SIZED)
def test_sizes_are_those_of_backups_that_succeeded(record: dict[str, Any], size: int | None) -> None:
    found = sizes(timeline([backup_at("11-20 03:00", **record)]))

    assert [one.size for one in found] == ([] if size is None else [size])
    assert all(one.held == (record.get("status", "succeed") == "succeed") for one in found)


def test_sizes_are_the_newest_in_the_order_of_time() -> None:
    records = [BackupRecord.from_api(raw(number)) for number in range(1, 101)]

    assert [one.size for one in sizes(timeline(records))] == [1000 + number for number in range(41, 101)]


CHANGES: list[tuple[list[dict[str, Any]], float | None]] = [
    # the backups in the order of time, the newest size against the one before
    ([{"size": 100}], None),
    ([{"size": 100}, {"size": 125}], 0.25),
    ([{"size": 200}, {"size": 100}], -0.5),
    ([{"size": 0}, {"size": 100}], None),
    # A log of writes and an image of the data are not compared.
    ([{"size": 100}, {"size": 900, "backup_format": "aof"}, {"size": 150}], 0.5),
    ([{"size": 900, "backup_format": "aof"}, {"size": 100}], None),
    ([{"size": 100}, {**MANUAL, "size": 125}], 0.25),
]


@pytest.mark.parametrize(("records", "change"), CHANGES)
def test_the_change_of_size_is_against_the_one_before_of_the_same_format(
    records: list[dict[str, Any]], change: float | None
) -> None:
    found = figures_of(*(backup_at(f"11-20 {hour:02}:00", **one) for hour, one in enumerate(records)))

    assert found.size_change == change
