"""How pages write values and links: backups/templatetags/portal.py."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils.translation import override

from backups.dcs.records import BackupRecord
from backups.services.eligibility import eligibility
from backups.templatetags import portal

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def render(source: str, query: str = "", **values: Any) -> str:
    request = RequestFactory().get(f"/projects/eu-prod/{'?' + query if query else ''}")
    context = Context({"now": NOW, "request": request, **values})
    return Template("{% load portal %}" + source).render(context)


def moment(value: datetime | None, zone: str = "UTC", style: str = "") -> str:
    return render("{% moment value style %}", value=value, zone=ZoneInfo(zone), style=style)


def visible(html: str) -> str:
    return html.replace('<span class="zone">', "").replace("</span>", "").split(">", 1)[1].split("</time>")[0]


def words_of(html: str) -> str:
    return re.sub("<[^>]*>", "", html)


def a_record(**fields: Any) -> BackupRecord:
    return BackupRecord.from_api({"backup_id": "b", "backup_name": "nightly", "status": "succeed", **fields})


# Times


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "23 Nov 20:00:04 UTC"),
        ("Asia/Shanghai", "24 Nov 04:00:04 UTC+8"),
        ("Asia/Kolkata", "24 Nov 01:30:04 UTC+5:30"),
        ("America/New_York", "23 Nov 15:00:04 UTC−5"),
        ("America/St_Johns", "23 Nov 16:30:04 UTC−3:30"),
    ],
)
def test_a_time_names_its_zone(zone: str, written: str) -> None:
    html = moment(datetime(2026, 11, 23, 20, 0, 4, 166000, tzinfo=UTC), zone)
    assert visible(html) == written
    assert 'datetime="2026-11-23T20:00:04Z"' in html


def test_a_clock_change_is_seen_in_the_offset_of_each_time() -> None:
    before = moment(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin")
    after = moment(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin")
    assert visible(before) == "25 Oct 02:30:00 UTC+2"
    assert visible(after) == "25 Oct 02:30:00 UTC+1"


def test_the_year_appears_where_it_is_not_this_year_in_the_viewers_zone() -> None:
    assert visible(moment(datetime(2019, 5, 10, 8, 31, 21, tzinfo=UTC))) == "10 May 2019 08:31:21 UTC"
    new_year = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)
    assert visible(moment(new_year, "Asia/Shanghai")) == "1 Jan 2027 04:00:00 UTC+8"
    assert visible(moment(new_year)) == "31 Dec 20:00:00 UTC"
    assert visible(moment(NOW, style="long")) == "24 Nov 2026 12:00:00 UTC"


def test_the_date_is_left_out_of_a_time_of_today_only() -> None:
    assert visible(moment(NOW - timedelta(minutes=1), style="time")) == "11:59:00 UTC"
    assert visible(moment(NOW - timedelta(days=1), style="time")) == "23 Nov 12:00:00 UTC"


def test_the_links_zone_stands_before_the_viewers() -> None:
    class Preferences:
        zone = ZoneInfo("Asia/Shanghai")

    assert "20:00:00" in render("{% moment now %}", preferences=Preferences())
    linked = render("{% moment now %}", preferences=Preferences(), zone=ZoneInfo("Asia/Tokyo"))
    assert "21:00:00" in linked


def test_an_error_page_without_any_context_still_writes_times_in_utc() -> None:
    html = Template("{% load portal %}{% moment value %}").render(Context({"value": NOW}))
    assert 'datetime="2026-11-24T12:00:00Z"' in html


@pytest.mark.parametrize(
    ("ago", "full", "short"),
    [
        (timedelta(seconds=0), "just now", "just now"),
        (timedelta(seconds=38), "38 s ago", "38 s ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago", "59 min ago"),
        (timedelta(hours=3, minutes=12), "3 h 12 min ago", "3 h ago"),
        (timedelta(days=2, hours=4), "2 d 4 h ago", "2 d ago"),
        (timedelta(days=12, hours=4), "12 d ago", "12 d ago"),
        (timedelta(days=59), "59 d ago", "59 d ago"),
        (timedelta(days=90), "3 months ago", "3 months ago"),
        (timedelta(days=2755), "7 years ago", "7 years ago"),
        (timedelta(minutes=-5), "in 5 min", "in 5 min"),
    ],
)
def test_ages(ago: timedelta, full: str, short: str) -> None:
    assert words_of(render("{% age value %}", value=NOW - ago)) == full
    assert words_of(render("{% age value 'short' %}", value=NOW - ago)) == short


def test_an_age_carries_its_time_so_that_it_can_count_on() -> None:
    html = render("{% age value 'short' %}", value=NOW - timedelta(seconds=38))
    assert html == '<span data-since="2026-11-24T11:59:22.000Z" data-age="short">38 s ago</span>'


def test_what_has_come_is_said_to_be_now_and_not_past() -> None:
    assert words_of(render("{% age value 'until' %}", value=NOW + timedelta(seconds=8))) == "in 8 s"
    assert words_of(render("{% age value 'until' %}", value=NOW - timedelta(minutes=8))) == "now"


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
    assert portal.duration(value) == text


def test_a_time_that_cannot_be_read_is_shown_as_dcs_wrote_it() -> None:
    html = render("{% data_from record %}", record=a_record(execution_at="<yesterday>"))
    assert "&lt;yesterday&gt;" in html
    assert "<time" not in html


# Sizes


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (880_232, "880,232 bytes"),
        (1_000_000, "1.00 MB"),
        (21_440_000, "21.4 MB"),
        (2_140_000_000, "2.14 GB"),
        (214_000_000_000, "214 GB"),
        (3_500_000_000_000_000, "3500 TB"),
    ],
)
def test_sizes_are_decimal_and_small_ones_exact(size: int, text: str) -> None:
    html = portal.filesize(size)
    assert text in html
    assert f"{size:,} byte" in html


@pytest.mark.parametrize(
    ("gigabytes", "text"), [(None, ""), (4.0, "4 GB"), (0.125, "128 MB"), (1.5, "1.5 GB"), (1024, "1,024 GB")]
)
def test_capacities(gigabytes: float | None, text: str) -> None:
    assert portal.capacity(gigabytes) == text


# Words and badges


@pytest.mark.parametrize("status", ["waiting", "backuping", "succeed", "failed", "expired", "deleted"])
def test_each_status_has_a_word_and_a_shape_of_its_own(status: str) -> None:
    badges = {s: portal.status_badge(a_record(status=s)) for s in portal._STATUS_LOOKS}
    shapes = [badge.split(".svg#")[1].split('"')[0] for badge in badges.values()]
    assert len(set(shapes)) == len(shapes)
    assert portal.status_word(status) in badges[status]


def test_an_unknown_status_is_shown_as_itself_and_escaped() -> None:
    badge = portal.status_badge(a_record(status="<archiving>"))
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
    verdict = eligibility(a_record(**fields))
    assert portal.verdict_sentence(verdict) == sentence
    assert sentence in portal.verdict(verdict)


def test_badges_are_kept_per_language() -> None:
    record = a_record(status="backuping")
    english = portal.status_badge(record)
    with override("zh-hans"):
        assert portal.status_word("backuping") in portal.status_badge(record)
    assert portal.status_badge(record) == english


# Links


def test_a_chip_keeps_every_other_parameter_and_drops_the_page() -> None:
    url = render(
        "{% autoescape off %}{% toggle_url 'status' 'failed' %}{% endautoescape %}",
        "status=expired&x=1&x=2&q=100%25&page=3&tz=Asia%2FShanghai",
    )
    assert url == "/projects/eu-prod/?status=expired&status=failed&x=1&x=2&q=100%25&tz=Asia%2FShanghai"


def test_a_chosen_chip_takes_its_value_out() -> None:
    assert render("{% toggle_url 'status' 'failed' %}", "status=failed") == "/projects/eu-prod/"
    rest = render("{% toggle_url 'status' 'failed' %}", "status=failed&status=expired&status=failed")
    assert rest == "/projects/eu-prod/?status=expired"


def test_links_are_escaped_for_the_page() -> None:
    assert "&amp;" in render("{% url_with sort='size' %}", "q=%22%3E%3Cscript%3E")
    assert "<script" not in render("{% url_with sort='size' %}", "q=%22%3E%3Cscript%3E")


def test_parameters_are_taken_out_by_none_and_by_name() -> None:
    assert render("{% url_with page=None %}", "page=3&x=1") == "/projects/eu-prod/?x=1"
    assert render("{% url_without 'from' 'to' 'nothing' %}", "from=a&x=1&to=b") == "/projects/eu-prod/?x=1"


def test_a_filter_form_keeps_what_it_has_no_field_for() -> None:
    html = render("{% hidden_fields 'q' %}", "q=old&x=1&x=%3Cb%3E")
    assert html == (
        '<input type="hidden" name="x" value="1"><input type="hidden" name="x" value="&lt;b&gt;">'
    )


@pytest.mark.parametrize(
    ("sort", "query", "url", "order"),
    [
        ("-started", "", "?sort=-size", ""),
        ("-size", "sort=-size", "?sort=size", "descending"),
        ("size", "sort=size", "?sort=-size", "ascending"),
    ],
)
def test_a_sort_head_descends_first_and_then_turns(sort: str, query: str, url: str, order: str) -> None:
    html = render(
        "{% sort_head 'size' sort '-started' '-' as by %}{{ by.url }} {{ by.order }}", query, sort=sort
    )
    assert html.strip() == f"/projects/eu-prod/{url} {order}".strip()


def test_the_default_order_is_left_out_of_links() -> None:
    html = render("{% sort_head 'started' '-size' '-started' '-' as by %}{{ by.url }}", "sort=-size&page=2")
    assert html == "/projects/eu-prod/"


# Speed


def test_200_rows_of_cells_take_a_small_part_of_a_second() -> None:
    records = [
        a_record(execution_at=f"2026-11-{1 + i % 20:02}T06:00:{i % 60:02}Z", size=10**9 + i, remark="r")
        for i in range(200)
    ]
    source = (
        "{% for record in records %}{% status_badge record %}{% data_from record %}"
        "{% filesize record.size_bytes %}{{ record.duration|duration }}{% endfor %}"
    )
    render(source, records=records)
    began = time.perf_counter()
    render(source, records=records)
    assert time.perf_counter() - began < 0.5
