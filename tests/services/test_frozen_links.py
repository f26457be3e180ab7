"""A link for a ticket shows the same backups next week, whatever has been backed up since."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from backups.dcs.records import BackupRecord
from backups.forms import HistoryForm
from backups.services.history.links import frozen_link
from backups.services.history.query import BackupFilter

from .api_records import api_time, raw
from .test_history import filters, history_of, ids, records_of_the_api

NOW = datetime(2026, 11, 24, 12, 0, 30, 250_000, UTC)
READ = datetime(2026, 11, 24, 11, 59, 50, 500_000, UTC)
PATH = "/projects/eu-prod/instances/a/"


def started(moment, number=1, **changes):
    times = {"created_at": api_time(moment), "execution_at": api_time(moment)}
    return BackupRecord.from_api(raw(number, **{**times, **changes}))


def link(query, records, read_at=READ):
    asked = QueryDict(query)
    return frozen_link(PATH, asked, history_of(records, wanted_by(asked), now=NOW), now=NOW, read_at=read_at)


def wanted_by(query):
    form = HistoryForm(query)
    assert form.is_valid(), form.problems
    return form.filter()


def rows_behind(url, records, now):
    return ids(history_of(records, wanted_by(QueryDict(urlsplit(url).query)), now=now).matches)


@given(records_of_the_api(), filters(), st.sampled_from([1, 400]))
def test_the_same_backups_match_next_week(records, wanted, days):
    shown = history_of(records, wanted, now=NOW)

    frozen = frozen_link(PATH, QueryDict(), shown, now=NOW, read_at=READ)

    absolute = replace(wanted, range="", start=frozen.start, end=frozen.end)
    next_week = history_of(records, absolute, now=NOW + timedelta(days=days))
    assert ids(next_week.matches) == ids(shown.matches)


@pytest.mark.parametrize("query", ["", "status=succeed", "range=24h", "from=2026-11-01", "to=2027-01-01"])
def test_what_starts_after_the_list_was_read_never_joins(query):
    records = [started(NOW - timedelta(hours=2))]
    later = [started(READ + timedelta(seconds=seconds), 2) for seconds in (1, 40, 86_400)]

    copied = link(query, records)

    assert rows_behind(copied.url, [*records, *later], NOW + timedelta(days=7)) == ids(records)


def test_a_relative_range_becomes_absolute_in_utc_and_all_else_stays():
    """Also the bounds of a link with a zone, and what is no parameter of the portal's."""
    copied = link("range=7d&status=failed&status=expired&q=100%25&tz=Asia/Shanghai&page=2&utm=a&utm=b", [])
    dated = link("from=2026-11-01&to=2026-11-02&tz=Asia/Shanghai", [])

    path, query = copied.url.split("?")
    assert path.endswith(PATH)
    assert parse_qsl(query) == [
        ("status", "failed"),
        ("status", "expired"),
        ("q", "100%"),
        ("tz", "Asia/Shanghai"),
        ("page", "2"),
        ("utm", "a"),
        ("utm", "b"),
        ("from", "2026-11-17T12:00:30Z"),
        ("to", "2026-11-24T11:59:51Z"),
        ("seen", "2026-11-24T11:59:51Z"),
    ]
    bounds = {"from": "2026-10-31T16:00:00Z", "to": "2026-11-02T16:00:00Z"}
    others = {"tz": "Asia/Shanghai", "seen": "2026-11-24T11:59:51Z"}
    assert dict(parse_qsl(urlsplit(dated.url).query)) == bounds | others


def test_a_backup_of_a_clock_that_is_a_little_ahead_is_kept():
    ahead = [started(READ + timedelta(minutes=4))]

    copied = link("", ahead)

    assert copied.end == datetime(2026, 11, 24, 12, 3, 51, tzinfo=UTC)
    assert rows_behind(copied.url, ahead, NOW) == ids(ahead)


@pytest.mark.parametrize(
    "odd",
    [started(NOW + timedelta(days=900)), started(NOW, created_at="soon", execution_at=None)],
    ids=["starts in the far future", "has no time that can be read"],
)
def test_no_end_is_set_that_would_hide_a_backup_which_is_shown(odd):
    records = [started(NOW - timedelta(hours=2), 2), odd]

    copied = link("", records)

    assert copied.end is None
    assert rows_behind(copied.url, records, NOW + timedelta(days=7)) == ids(
        history_of(records, BackupFilter(), now=NOW).matches
    )
    assert link("q=backup_2", records).end is not None  # which leaves the odd one out


def test_the_link_carries_the_portal_s_address(settings):
    settings.PORTAL_URL = "https://backups.example.com"

    assert (
        link("", []).url
        == f"https://backups.example.com{PATH}?to=2026-11-24T11:59:51Z&seen=2026-11-24T11:59:51Z"
    )


def test_a_frozen_link_is_frozen_already_and_says_anew_when_its_list_was_read():
    records = [started(NOW - timedelta(hours=2))]
    first = link("range=7d", records)
    query = QueryDict(urlsplit(first.url).query)
    later = datetime(2026, 12, 24, tzinfo=UTC)

    again = frozen_link(
        PATH, query, history_of(records, wanted_by(query), now=later), now=later, read_at=later
    )

    assert again == replace(
        first, url=first.url.replace("seen=2026-11-24T11:59:51Z", "seen=2026-12-24T00:00:00Z")
    )
