"""How times, ages, sizes and verdicts are said: what pages and tickets write."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from backups.dcs.records import BackupRecord
from backups.services.eligibility import eligibility
from backups.services.words import (
    Clock,
    capacity,
    duration,
    exact_bytes,
    rate,
    size_change,
    size_text,
    verdict_sentence,
)
from backups.services.words.times import at_most

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def said(value, zone="UTC", style=""):
    moment = Clock(NOW, ZoneInfo(zone)).time(value, style)
    return f"{moment.text} {moment.zone}"


# Times -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "23 Nov 20:00:04 UTC"),
        ("Asia/Shanghai", "24 Nov 04:00:04 UTC+8"),
        ("America/St_Johns", "23 Nov 16:30:04 UTC−3:30"),
    ],
)
def test_a_time_names_its_zone(zone, written):
    at = datetime(2026, 11, 23, 20, 0, 4, 166000, tzinfo=UTC)

    assert said(at, zone) == written
    moment = Clock(NOW, ZoneInfo(zone)).time(at)
    assert (moment.iso, moment.title) == ("2026-11-23T20:00:04Z", "2026-11-23 20:00:04 UTC, 15 h 59 min ago")


def test_a_clock_change_is_seen_in_the_offset_of_each_time():
    hours = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]

    assert [said(at, "Europe/Berlin") for at in hours] == ["25 Oct 02:30:00 UTC+2", "25 Oct 02:30:00 UTC+1"]


def test_the_year_appears_where_it_is_not_this_year_in_the_viewers_zone():
    new_year = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)

    assert said(datetime(2019, 5, 10, 8, 31, 21, tzinfo=UTC)) == "10 May 2019 08:31:21 UTC"
    assert said(new_year, "Asia/Shanghai") == "1 Jan 2027 04:00:00 UTC+8"
    assert said(new_year) == "31 Dec 20:00:00 UTC"
    assert said(NOW, style="long") == "24 Nov 2026 12:00:00 UTC"


def test_the_date_is_left_out_of_a_time_of_today_only():
    assert said(NOW - timedelta(minutes=1), style="time") == "11:59:00 UTC"
    assert said(NOW - timedelta(days=1), style="time") == "23 Nov 12:00:00 UTC"


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
def test_ages(ago, full, short):
    clock = Clock(NOW)

    assert (clock.age(NOW - ago), clock.age(NOW - ago, "short")) == (full, short)


def test_what_has_come_is_said_to_be_now_and_not_past():
    assert Clock(NOW).age(NOW + timedelta(seconds=8), "until") == "in 8 s"
    assert Clock(NOW).age(NOW - timedelta(minutes=8), "until") == "now"


@pytest.mark.parametrize(
    ("seconds", "text", "chinese"),
    [
        (0.1, "1 s", "1 秒"),
        (60, "1 min", "1 分钟"),
        (61, "2 min", "2 分钟"),
        (3600, "1 h", "1 小时"),
        (86_401, "1 d 1 h", "1 天 1 小时"),
        (172_800, "2 d", "2 天"),
        (172_801, "2 d 1 h", "2 天 1 小时"),
        (60 * 86_400 + 1, "61 d", "61 天"),
    ],
)
def test_what_is_lost_is_rounded_up(seconds, text, chinese):
    assert at_most(timedelta(seconds=seconds)) == text
    with override("zh-hans"):
        assert at_most(timedelta(seconds=seconds)) == chinese


# Values ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("say", "value", "text"),
    [
        (duration, None, ""),
        (duration, timedelta(0), "0 s"),
        (duration, timedelta(milliseconds=300), "under 1 s"),
        (duration, timedelta(seconds=69, milliseconds=85), "1 min 9 s"),
        (duration, timedelta(hours=2, minutes=5, seconds=59), "2 h 5 min"),
        (duration, timedelta(hours=2), "2 h"),
        (duration, timedelta(days=2, hours=4), "2 d 4 h"),
        # Sizes are decimal, and small ones exact.
        (size_text, 0, "0 bytes"),
        (size_text, 1, "1 byte"),
        (size_text, 880_232, "880,232 bytes"),
        (size_text, 1_000_000, "1.00 MB"),
        (size_text, 21_440_000, "21.4 MB"),
        (size_text, 214_000_000_000, "214 GB"),
        (size_text, 3_500_000_000_000_000, "3500 TB"),
        (exact_bytes, 21_440_000, "21,440,000 bytes"),
        # A rate is cut and not rounded.
        (rate, 100, "100 %"),
        (rate, 99.97, "99.9 %"),
        (rate, 96.666, "96.6 %"),
        (rate, 7.25, "7.2 %"),
        (rate, 0, "0 %"),
        (size_change, 0.009, "+0.9 % vs. the one before"),
        (size_change, -0.52, "−52 % vs. the one before"),
        (size_change, 3, "+300 % vs. the one before"),
        (size_change, 0.0004, "same size as the one before"),
        (capacity, None, ""),
        (capacity, 4.0, "4 GB"),
        (capacity, 0.125, "128 MB"),
        (capacity, 1.5, "1.5 GB"),
        (capacity, 1024, "1,024 GB"),
    ],
)
def test_values_are_written_for_people(say, value, text):
    assert say(value) == text


def a_record(**fields):
    return BackupRecord.from_api({"backup_id": "b", "backup_name": "nightly", "status": "succeed", **fields})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"is_support_restore": "TRUE"}, "Restorable"),
        ({"is_support_restore": "FALSE"}, "No: DCS says no, without a reason"),
        ({}, "Unknown: DCS does not say whether it can be restored"),
        ({"status": "waiting"}, "Not yet: it is still waiting"),
        (
            {"status": "expired", "is_support_restore": "TRUE"},
            "No: its file has expired; DCS still says that it can be restored",
        ),
    ],
)
def test_the_verdict_gives_its_reason(fields, sentence):
    assert verdict_sentence(eligibility(a_record(**fields))) == sentence
