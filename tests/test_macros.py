"""How pages write values: templates/macros/, and the words of times and sizes behind them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils.translation import override

from backups.dcs.records import BackupRecord
from backups.services import words
from backups.services.eligibility import eligibility
from backups.services.words import Clock

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
STATUSES = ("waiting", "backuping", "succeed", "failed", "expired", "deleted")
MACROS = (
    '{% from "macros/values.html" import time, age, data_from, size, no_value, hidden_fields, breakable %}'
    '{% from "macros/badges.html" import status_badge, verdict %}'
)


def render(source: str, zone: str = "UTC", **values: Any) -> str:
    """Return what a template writes with the macros, at noon."""
    context = {"clock": Clock(NOW, ZoneInfo(zone)), **values}
    written: str = engines["jinja2"].from_string(MACROS + source).render(context)
    return written.strip()


def words_of(html: str) -> str:
    return re.sub("<[^>]*>", "", html)


def at(value: datetime, zone: str = "UTC", style: str = "") -> str:
    return words_of(render("{{ time(clock, value, style) }}", zone, value=value, style=style))


def a_record(**fields: Any) -> BackupRecord:
    return BackupRecord.from_api({"backup_id": "b", "backup_name": "nightly", "status": "succeed", **fields})


# Times


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "23 Nov 20:00:04 UTC"),
        ("Asia/Kolkata", "24 Nov 01:30:04 UTC+5:30"),
        ("America/St_Johns", "23 Nov 16:30:04 UTC−3:30"),
    ],
)
def test_a_time_names_its_zone(zone: str, written: str) -> None:
    value = datetime(2026, 11, 23, 20, 0, 4, 166000, tzinfo=UTC)

    html = render("{{ time(clock, value) }}", zone, value=value)

    assert words_of(html) == written
    assert 'datetime="2026-11-23T20:00:04Z" title="2026-11-23 20:00:04 UTC, 15 h 59 min ago"' in html


def test_a_clock_change_is_seen_in_the_offset_of_each_time() -> None:
    before, after = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))

    assert at(before, "Europe/Berlin") == "25 Oct 02:30:00 UTC+2"
    assert at(after, "Europe/Berlin") == "25 Oct 02:30:00 UTC+1"


def test_the_year_appears_where_it_is_not_this_year_in_the_page_s_zone() -> None:
    new_year = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)

    assert at(datetime(2019, 5, 10, 8, 31, 21, tzinfo=UTC)) == "10 May 2019 08:31:21 UTC"
    assert at(new_year, "Asia/Shanghai") == "1 Jan 2027 04:00:00 UTC+8"
    assert at(new_year) == "31 Dec 20:00:00 UTC"
    assert at(NOW, style="long") == "24 Nov 2026 12:00:00 UTC"


def test_the_date_is_left_out_of_a_time_of_today_only() -> None:
    assert at(NOW - timedelta(minutes=1), style="time") == "11:59:00 UTC"
    assert at(NOW - timedelta(days=1), style="time") == "23 Nov 12:00:00 UTC"


@pytest.mark.parametrize(
    ("ago", "full", "short"),
    [
        (timedelta(seconds=0), "just now", "just now"),
        (timedelta(seconds=38), "38 s ago", "38 s ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago", "59 min ago"),
        (timedelta(hours=3, minutes=12), "3 h 12 min ago", "3 h ago"),
        (timedelta(days=2, hours=4), "2 d 4 h ago", "2 d ago"),
        (timedelta(days=12, hours=4), "12 d ago", "12 d ago"),
        (timedelta(days=90), "3 months ago", "3 months ago"),
        (timedelta(days=2755), "7 years ago", "7 years ago"),
        (timedelta(minutes=-5), "in 5 min", "in 5 min"),
    ],
)
def test_ages(ago: timedelta, full: str, short: str) -> None:
    clock = Clock(NOW)

    assert (clock.age(NOW - ago), clock.age(NOW - ago, "short")) == (full, short)


def test_an_age_carries_its_time_so_that_it_can_count_on() -> None:
    html = render("{{ age(clock, value, 'short') }}", value=NOW - timedelta(seconds=38))

    assert html == '<span data-since="2026-11-24T11:59:22.000Z" data-age="short">38 s ago</span>'


def test_what_has_come_is_said_to_be_now_and_not_past() -> None:
    assert Clock(NOW).age(NOW + timedelta(seconds=8), "until") == "in 8 s"
    assert Clock(NOW).age(NOW - timedelta(minutes=8), "until") == "now"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (timedelta(0), "0 s"),
        (timedelta(milliseconds=300), "under 1 s"),
        (timedelta(seconds=69, milliseconds=85), "1 m 9 s"),
        (timedelta(hours=2, minutes=5, seconds=59), "2 h 5 m"),
        (timedelta(days=2), "48 h 0 m"),
    ],
)
def test_durations(value: timedelta | None, text: str) -> None:
    assert words.duration(value) == text


def test_a_time_that_cannot_be_read_is_shown_as_dcs_wrote_it() -> None:
    html = render("{{ data_from(clock, record) }}", record=a_record(execution_at="<yesterday>"))

    assert "&lt;yesterday&gt;" in html
    assert "<time" not in html


# Sizes


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (880_232, "880,232 bytes"),
        (1_000_000, "1.00 MB"),
        (21_440_000, "21.4 MB"),
        (3_500_000_000_000_000, "3500 TB"),
    ],
)
def test_sizes_are_decimal_and_small_ones_exact(value: int, text: str) -> None:
    html = render("{{ size(value) }}", value=value)

    assert text in html
    assert f"{value:,} byte" in html


@pytest.mark.parametrize(
    ("gigabytes", "text"), [(None, ""), (4.0, "4 GB"), (0.125, "128 MB"), (1.5, "1.5 GB"), (1024, "1,024 GB")]
)
def test_capacities(gigabytes: float | None, text: str) -> None:
    assert words.capacity(gigabytes) == text


# Badges


def test_each_status_has_a_word_and_a_shape_of_its_own_in_each_language() -> None:
    for language in ("en", "zh-hans", "en"):
        with override(language):
            badges = {status: render("{{ status_badge(s) }}", s=status) for status in STATUSES}
            shapes = {badge.split(".svg#")[1].split('"')[0] for badge in badges.values()}
            assert len(shapes) == len(STATUSES)
            assert all(words.status_word(status) in badge for status, badge in badges.items())


def test_an_unknown_status_is_shown_as_itself_and_escaped() -> None:
    badge = render("{{ status_badge('<archiving>') }}")

    assert "&lt;archiving&gt;" in badge
    assert "badge odd" in badge


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"is_support_restore": "TRUE"}, "Restorable"),
        ({"is_support_restore": "FALSE"}, "No: DCS says no and gives no reason"),
        ({}, "Unknown: DCS does not say whether it can be restored"),
        ({"status": "waiting"}, "Not yet: it is waiting"),
        (
            {"status": "expired", "is_support_restore": "TRUE"},
            "No: its file has expired; DCS still says that it can be restored",
        ),
    ],
)
def test_the_verdict_gives_its_reason(fields: dict[str, Any], sentence: str) -> None:
    found = eligibility(a_record(**fields))

    assert words.verdict_sentence(found) == sentence
    assert sentence in render("{{ verdict(found) }}", found=found)


# Forms and ids


def test_a_form_keeps_what_it_has_no_field_for() -> None:
    html = render("{{ hidden_fields(pairs) }}", pairs=[("x", "1"), ("x", "<b>")])

    assert html.split("\n") == [
        '<input type="hidden" name="x" value="1">',
        '<input type="hidden" name="x" value="&lt;b&gt;">',
    ]


def test_an_id_may_break_at_its_dashes() -> None:
    assert render("{{ breakable('a-<b>') }}") == "a-<wbr>&lt;b&gt;"
