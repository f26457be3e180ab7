"""A time that a person types or pastes is read as it was meant, or refused with a sentence and guesses."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backups.services.pasted import UnreadableTime, asked_time, time_in, typed_zone
from backups.services.words.values import zone_label

NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
INCIDENT = datetime(2026, 11, 23, 9, 40, tzinfo=UTC)


def read(text, zone="UTC"):
    return asked_time(text, zone=ZoneInfo(zone), now=NOW)


def instant(text):
    return datetime.fromisoformat(text)


def forms(table):
    return [text for line in table.strip().splitlines() for text in line.split(" · ")]


def pairs(table):
    """The lines of a table: what is written, and the time in UTC that it means."""
    cells = (line.split("=") for line in table.strip().splitlines())
    return [(text.strip(), at.strip()) for text, at in cells]


# The incident in many hands -----------------------------------------------------------

# ISO 8601; epochs; programs: JavaScript, Go, mail, syslog, log files, date; zones by offset, city and
# letters; Chinese; with marks around.
WITH_A_ZONE = """
2026-11-23t09:40:00z · 2026-11-23T09:40:00,000Z · 2026-11-23T17:40:00+0800 · 2026-11-23T09:40:00-00:00
2026-W48-1T09:40Z · 2026-11-23T17.40+08:00 · 2026-11-23 17.40 +0800 · 23.11.2026 17.40 +08:00
20261123094000Z · 20261123094000 UTC · 202611230940Z
1795426800 · @1795426800 · 1795426800000 · 1795426800000000 · 1795426800000000000
Mon Nov 23 2026 17:40:00 GMT+0800 (China Standard Time) · Mon Nov 23 2026 17:40:00 GMT+0800 (中国标准时间)
Mon Nov 23 2026 10:40:00 GMT+0100 (Mitteleuropäische Normalzeit)
2026-11-23 17:40:00 +0800 CST · 2026-11-23 17:40:00.000000000 +0800 CST m=+12.345678901
2026-11-23 17:40:00 +0800 +0800 · 2026-11-23 09:40:00 +0000 UTC
Mon, 23 Nov 2026 17:40:00 +0800 · Mon, 23 Nov 2026 17:40:00 +0800 (CST)
<165>1 2026-11-23T09:40:00.000Z host app 812 - - refused · 2026-11-23T17:40:00+08:00 web-1 redis[812]: refused
[23/Nov/2026:17:40:00 +0800] · Mon Nov 23 09:40:00 UTC 2026 · Mon Nov 23 17:40:00 +0800 2026
Mon 23 Nov 09:40:00 UTC 2026 · Nov 23, 2026 @ 09:40:00.000 UTC
Monday, November 23, 2026 9:40 AM UTC · Monday, 23 November 2026 09:40 GMT · 9:40 UTC on Nov 23, 2026
2026-11-23 17:40 UTC+8 · 2026-11-23 17:40 UTC 8 · 2026-11-23 15:10 UTC+5:30 · 2026-11-23 06:10 UTC−3:30
2026-11-23 17:40 (GMT+08:00) · 2026-11-23 17:40 asia/shanghai · 2026-11-23T17:40[Asia/Shanghai]
2026-11-23T17:40+08:00[Asia/Shanghai]
2026-11-23 17:40 Shanghai · 2026-11-23 17:40, Shanghai time · 2026-11-23 17:40 (Shanghai time)
17:40 Shanghai time on 23 November 2026 · 2026-11-23 17:40 Beijing time · 2026-11-23 10:40 Berlin time
2026-11-23 04:40 New York time · 2026-11-23 17:40 China Standard Time
2026-11-23 17:40 SGT · 2026-11-23 18:40 JST · 2026-11-23 11:40 CEST · 23 Nov 2026 10:40 cet
2026-11-23 17:40 北京时间 · 北京时间2026年11月23日 17:40 · 2026年11月23日 星期一 17:40 北京时间
2026-11-23 18:40 东京时间 · 2026-11-23 17:40 中国标准时间 · 2026-11-23（周一）17:40 UTC+8
2026年11月23日17时40分 UTC+8 · 2026年11月23日下午5点40分 +08:00 · ２０２６－１１－２３　１７：４０　北京时间
“2026-11-23   09:40 UTC ”
"""
# ISO 8601 with any sign; week dates; Kibana, Jira, Redis, logs; English; German; day and month that are
# certain; Chinese; days of the week; with marks around.
WITHOUT_A_ZONE = """
2026-11-23T09:40:00 · 2026-11-23 9.40 · 2026-11-23T09,40 · 2026-11-23 09.40.00 · 2026-11-23 09:40.00
20261123T09.40 · 20261123 09:40 · 20261123T0940 · 20261123094000 · 2026/11/23 09.40 · 2026.11.23 09:40
2026.11.23 09.40 · 2026-11-23, 09.40 · 2026-11-23 at 9:40 · 2026-11-23_09:40
2026-W48-1T09.40 · 2026-W48-1 09:40 · 2026W481T0940
Nov 23, 2026 @ 09:40:00.000 · November 23, 2026 @ 9:40 AM · 23/Nov/26 9:40 AM · 23-Nov-2026 09:40
1:M 23 Nov 2026 09:40:00.000 * DB saved on disk · 2026-11-23 09:40:00,000 ERROR refused
23rd Nov 2026 09:40 · 23rd November 2026, 9:40 am · November 23rd 2026 9:40am · the 23rd of Nov 2026 at 9:40
Monday 23rd November 2026 at 9:40 am · 09:40 on 23 Nov 2026 · 9:40 am, 23/11/2026 · November 23 2026 09:40
23. November 2026 09:40 · 23.November 2026 09:40 · 23.11.2026 9:40 Uhr · 23.11.2026, 09:40 · 23.11.2026 9.40
11/23/2026 9:40 AM · 11/23/2026, 9:40:00 AM · 11-23-2026 09:40 · 23/11/2026 09:40 · 11/23/26 09:40
2026年11月23日 星期一 9:40 · 2026年11月23日(星期一)上午9:40 · 2026年11月23日 周一 9时40分
2026年11月23日 礼拜一 9点40分 · 2026-11-23（周一）09:40
2026-11-23 Mon 09:40 · 2026-11-23 (Monday) 09:40 · Mon, 23 Nov 2026 09:40 · Monday, November 23, 2026 9:40 AM
Mon Nov 23 09:40:00 2026 · 23 Nov 2026, Monday, 09:40
2026-11-23 9:40am · 2026-11-23 9:40 a.m.
2026-11-23 09:40. · 2026-11-23 09:40) · (2026-11-23 09:40) · [2026-11-23 09:40] · <2026-11-23 09:40>
"2026-11-23 09:40", · “2026-11-23 09:40”。 · 2026-11-23 09:40， · **2026-11-23 09:40** · `2026-11-23 09:40`
2026-11-23 09:40| · 2026‑11‑23 09:40 · 2026–11–23 09:40 · ２０２６-１１-２３ ０９:４０
"""


@pytest.mark.parametrize("text", forms(WITH_A_ZONE))
def test_a_time_that_names_its_zone_means_one_instant(text):
    found = read(f" {text} ", "America/New_York")

    assert found.at == INCIDENT
    assert (found.own_zone, found.relative, found.doubt) == (True, False, "")


@pytest.mark.parametrize("text", forms(WITHOUT_A_ZONE))
def test_a_time_without_a_zone_is_read_in_that_of_the_link(text):
    for zone, hours in {"UTC": 0, "Asia/Kathmandu": 5.75, "America/St_Johns": -3.5}.items():
        found = read(text, zone)

        assert found.at == INCIDENT - timedelta(hours=hours)
        assert (found.own_zone, found.zone) == (False, ZoneInfo(zone))


@pytest.mark.parametrize("mark", "\u200b\u200e\u200f\ufeff\u00ad\u2060")
def test_marks_that_nobody_sees_change_nothing(mark):
    text = "2026-11-23 09:40 UTC"

    assert read(mark + text + mark).at == INCIDENT
    assert read(text.replace("-", f"-{mark}").replace(":", f"{mark}:")).at == INCIDENT


# Days and times of day ----------------------------------------------------------------

OF_A_DAY = """
2026-11-23T09:40:00.123456789Z = 2026-11-23 09:40:00.123456
1795426800.5            = 2026-11-23 09:40:00.500
1795426800123           = 2026-11-23 09:40:00.123
2026-11-23 09:40.30     = 2026-11-23 09:40:30
2026-11-23T09.40.30,25  = 2026-11-23 09:40:30.250
20261123T094030,5       = 2026-11-23 09:40:30.500
2026-11-23T09           = 2026-11-23 09:00
2026-11-23 09           = 2026-11-23 09:00
2026-11-23 09Z          = 2026-11-23 09:00
2026-11-23 09 UTC       = 2026-11-23 09:00
09:40 on 20261123       = 2026-11-23 09:40
9:40pm 20261123         = 2026-11-23 21:40
9:40 昨晚                = 2026-11-23 21:40
T09:40                  = 2026-11-24 09:40
2026-W48-1              = 2026-11-23 00:00
2026-11-23 24:00        = 2026-11-24 00:00
2026-11-23 9am          = 2026-11-23 09:00
2026-11-23 12am         = 2026-11-23 00:00
2026-11-23 12:30 pm     = 2026-11-23 12:30
2026年11月23日凌晨12点    = 2026-11-23 00:00
2026年11月23日中午12点    = 2026-11-23 12:00
2026年11月23日中午1点半   = 2026-11-23 13:30
2026年11月23日晚上9点     = 2026-11-23 21:00
2026年11月23日下午15:20   = 2026-11-23 15:20
05.11.2026 09:40        = 2026-11-05 09:40
11/11/2026              = 2026-11-11 00:00
"""
MOVING = """
现在                              = 2026-11-24 12:00:30
2h ago                            = 2026-11-24 10:00:30
2h30m ago                         = 2026-11-24 09:30:30
1 day, 2 hours and 5 minutes ago  = 2026-11-23 09:55:30
an hour ago                       = 2026-11-24 11:00:30
half an hour ago                  = 2026-11-24 11:30:30
1 week ago                        = 2026-11-17 12:00:30
now-2h                            = 2026-11-24 10:00:30
2个小时前                         = 2026-11-24 10:00:30
两小时之前                        = 2026-11-24 10:00:30
2小时30分钟前                     = 2026-11-24 09:30:30
09:40                             = 2026-11-24 09:40
09.40                             = 2026-11-24 09:40
13:00                             = 2026-11-23 13:00
9.40 pm                           = 2026-11-23 21:40
today 09:40                       = 2026-11-24 09:40
yesterday at 9 pm                 = 2026-11-23 21:00
9am yesterday                     = 2026-11-23 09:00
昨天下午3点20分                   = 2026-11-23 15:20
昨晚9点                           = 2026-11-23 21:00
前天9点半                         = 2026-11-22 09:30
Monday 09:40                      = 2026-11-23 09:40
Monday @ 9:40 am                  = 2026-11-23 09:40
Tuesday 13:00                     = 2026-11-17 13:00
周一 9:40                         = 2026-11-23 09:40
23 Nov 06:00:05 UTC               = 2026-11-23 06:00:05
23 Nov 06:00:05 UTC+8             = 2026-11-22 22:00:05
23 Nov 06:00:05 UTC 15 h ago      = 2026-11-23 06:00:05
11月23日 06:00:05 UTC 15 小时前   = 2026-11-23 06:00:05
Nov 23 09:40:00                   = 2026-11-23 09:40
Nov 23 09:40:00 web-1 redis[812]: refused     = 2026-11-23 09:40
<34>Nov 23 09:40:00 web-1 redis: refused      = 2026-11-23 09:40
23/11 09:40                       = 2026-11-23 09:40
11/23 09:40                       = 2026-11-23 09:40
23.11 09:40                       = 2026-11-23 09:40
25/11 09:40                       = 2025-11-25 09:40
25 Nov 06:00                      = 2025-11-25 06:00
29 Feb 06:00                      = 2024-02-29 06:00
"""


@pytest.mark.parametrize(("text", "at"), pairs(OF_A_DAY))
def test_days_and_times_of_day(text, at):
    assert read(text).at == instant(f"{at}Z")


@pytest.mark.parametrize(("text", "at"), pairs(MOVING))
def test_what_is_left_out_is_counted_back_from_now(text, at):
    found = read(text)

    assert (found.at, found.relative) == (instant(f"{at}Z"), True)


def test_today_is_that_of_the_link_s_zone():
    assert read("today 00:10", "Asia/Tokyo").at == instant("2026-11-24T00:10+09:00")
    assert read("23:50", "Pacific/Kiritimati").at == instant("2026-11-24T23:50+14:00")


# Clocks that change -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "zone", "doubt", "at", "other"),
    [
        ("2026-10-25 02:30", "Europe/Berlin", "twice", "2026-10-25T00:30Z", "2026-10-25T01:30Z"),
        ("2026-03-29 02:30", "Europe/Berlin", "never", "2026-03-29T00:30Z", "2026-03-29T01:30Z"),
        ("2026-04-05 01:45", "Australia/Lord_Howe", "twice", "2026-04-04T14:45Z", "2026-04-04T15:15Z"),
        ("2026-10-04 02:15", "Australia/Lord_Howe", "never", "2026-10-03T15:15Z", "2026-10-03T15:45Z"),
        ("2011-12-30 12:00", "Pacific/Apia", "never", "2011-12-29T22:00Z", "2011-12-30T22:00Z"),
        ("2026-10-25 02:30 Europe/Berlin", "UTC", "twice", "2026-10-25T00:30Z", "2026-10-25T01:30Z"),
    ],
)
def test_a_local_time_with_two_readings_is_said_and_the_earlier_one_taken(text, zone, doubt, at, other):
    found = read(text, zone)

    assert (found.doubt, found.at, found.other) == (doubt, instant(at), instant(other))
    assert read(f"{text[:16]}+01:00", zone).doubt == ""


CHANGES = [
    ("Europe/Berlin", datetime(2026, 10, 25, 2)),
    ("Europe/Berlin", datetime(2026, 3, 29, 2)),
    ("America/New_York", datetime(2026, 11, 1, 1)),
    ("America/St_Johns", datetime(2026, 3, 8, 2)),
    ("Australia/Lord_Howe", datetime(2026, 4, 5, 1, 30)),
    ("Australia/Lord_Howe", datetime(2026, 10, 4, 2)),
    ("Pacific/Chatham", datetime(2026, 9, 27, 2, 45)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 2)),
    ("Asia/Kathmandu", datetime(2026, 5, 1)),
    ("Asia/Kolkata", datetime(2026, 5, 1)),
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CHANGES), st.integers(-200, 200))
def test_a_local_time_means_the_instants_at_which_the_clocks_show_it(change, minutes):
    name, around = change
    local, zone = around + timedelta(minutes=minutes), ZoneInfo(name)
    every_minute = (local.replace(tzinfo=UTC) + timedelta(minutes=n) for n in range(-15 * 60, 13 * 60))
    showing = [moment for moment in every_minute if moment.astimezone(zone).replace(tzinfo=None) == local]

    found = read(f"{local:%Y-%m-%d %H:%M}", name)

    assert found.doubt == {0: "never", 1: "", 2: "twice"}[len(showing)]
    if showing:
        assert [found.at, found.other] == [*showing, None][:2]
    else:
        assert found.other
        readings = [moment.astimezone(zone).replace(tzinfo=None) for moment in (found.at, found.other)]
        assert readings[0] < local < readings[1]


FORMS = """
%Y-%m-%d %H:%M:%S%z · %Y-%m-%dT%H.%M.%S%z · %Y%m%dT%H%M%S%z · %G-W%V-%uT%H:%M:%S%z · %d %b %Y %H:%M:%S {label}
%d.%m.%Y %H:%M:%S %z · %d. %B %Y %H.%M.%S %z · %d/%m/%Y %H:%M:%S %z · %m/%d/%Y %I:%M:%S %p %z
%d/%b/%y %I:%M:%S %p %z · %b %d, %Y @ %H:%M:%S.000 %z · %a, %d %b %Y %H:%M:%S %z
%A, %d %B %Y %H:%M:%S {label} · %a %b %d %Y %H:%M:%S GMT%z · %d/%b/%Y:%H:%M:%S %z · %a %b %d %H:%M:%S %Y %z
%Y-%m-%d %H:%M:%S %z CST · %Y年%m月%d日 %H:%M:%S {label} · %Y年%m月%d日 %H时%M分%S秒 UTC%z
"""


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)),
    st.sampled_from([name for name, _ in CHANGES]),
    st.sampled_from(forms(FORMS)),
)
def test_a_time_in_any_form_is_the_same_instant_or_is_refused_with_it(moment, zone, form):
    local = moment.replace(microsecond=0, tzinfo=UTC).astimezone(ZoneInfo(zone))
    written = local.strftime(form.replace("{label}", zone_label(local)))
    as_in_a_query = written if "CST" in form or "%H.%M" in form else written.replace("+", " ")

    for text in (written, as_in_a_query):
        try:
            found = [read(text, "Asia/Kolkata").at]
        except UnreadableTime as refused:
            assert "%d/%m" in form or "%m/%d" in form, text
            found = list(refused.guesses)

        assert local in found


@pytest.mark.parametrize("rest", ["5 times", "12 times", "4 GB lost", "10:15 again"])
def test_a_number_behind_the_time_of_a_sentence_is_no_offset(rest):
    assert time_in(f"orders-cache failed 2026-11-23 09:40 {rest}", zone=UTC, now=NOW).at == INCIDENT


# What is refused ----------------------------------------------------------------------

REFUSED = """
soon                              = cannot read it as a time
T                                 = cannot read it as a time
T09:40:00Z                        = cannot read it as a time
2026-11-23T                       = cannot read it as a time
last Monday                       = cannot read it as a time
2026-11-23 at nine                = cannot read it as a time
2026-11-23 09:40 5                = cannot read it as a time
2026-11-23 09:40 9:50             = cannot read it as a time
2026-11-23T09.5                   = cannot read it as a time
2026-11-23 0940.5                 = cannot read it as a time
20261123T0940.5                   = cannot read it as a time
2026-11-23 09:40 Springfield      = cannot read it as a time
<script>alert(1)</script>         = cannot read it as a time
2026-11-23 09:40 Mars/Olympus     = not an IANA time zone
2026-11-23 09:40 ../../etc/passwd = not an IANA time zone
2026-13-01 09:40                  = no such day
13/13/2026                        = no such day
2026-00-12 09:40                  = no such day
6.0.12 09:40                      = no such day
30 Feb                            = no such day
2026-W60-1                        = no such day
2026-11-23 25:00                  = no such day or time
2026-11-23 25.00                  = no such day or time
2026-11-23 13:00 am               = no such day or time
2026年11月23日晚上12点              = no such day or time
2026-11-23 09:40 +15:00           = offset is larger
0001-01-01                        = year
9999-12-31 23:59 -14:00           = year
999999999 weeks ago               = year
9999999999999999999               = year
"""


@pytest.mark.parametrize(
    ("text", "guesses", "words"),
    [
        *((text, [], words) for text, words in pairs(REFUSED)),
        ("1" * 101, [], "longer than 100 characters"),
        ("05/11/2026 09:40", ["2026-11-05T09:40+00:00", "2026-05-11T09:40+00:00"], "ambiguous"),
        ("05-11-2026", ["2026-11-05T00:00+00:00", "2026-05-11T00:00+00:00"], "ambiguous"),
        ("05.11 09:40", ["2026-11-05T09:40+00:00", "2026-05-11T09:40+00:00"], "ambiguous"),
        ("23/11/26", ["2026-11-23T00:00+00:00", "2023-11-26T00:00+00:00"], "ambiguous"),
        ("26-11-23 09:40", ["2023-11-26T09:40+00:00", "2026-11-23T09:40+00:00"], "ambiguous"),
        (
            "2026-11-23 09:40 CST",
            ["2026-11-23T09:40+08:00", "2026-11-23T09:40-06:00"],
            "CST can mean several zones",
        ),
        ("2026-11-23 09:40 EST", ["2026-11-23T09:40-05:00", "2026-11-23T09:40+10:00"], "several zones"),
        ("Tue 23 Nov 2026 09:40", ["2026-11-23T09:40+00:00"], "the weekday does not match"),
        ("2026-11-23（周三）09:40", ["2026-11-23T09:40+00:00"], "the weekday does not match"),
        ("2026-11-23 09:40.5", ["2026-11-23T09:40+00:00"], "cannot read it as a time"),
        ("2026-11-23T09:40,123", ["2026-11-23T09:40+00:00"], "cannot read it as a time"),
    ],
)
def test_what_is_not_certain_is_refused_with_a_sentence_and_what_it_may_mean(text, guesses, words):
    with pytest.raises(UnreadableTime) as refused:
        read(text)

    assert words in str(refused.value.sentence)
    assert [guess.isoformat(timespec="minutes") for guess in refused.value.guesses] == guesses
    for guess in refused.value.guesses:
        assert read(guess.isoformat()).at == guess


FRAGMENTS = re.findall(
    r"\S+", "0 1 2 09 40 2026 11 : - / + T Z . , 年 月 日 ago 前 h min Nov am 半 点 UTC [ ]"
)


@settings(max_examples=300, deadline=500)
@given(
    st.text(max_size=110)
    | st.lists(st.sampled_from(FRAGMENTS), max_size=14).map(" ".join)
    | st.text("0123456789-:T+Z 年月日时分前 agomh", max_size=30)
)
@example("1h" * 49)
@example("0" * 100)
@example("2026-11-23 09:40" + " " * 84)
def test_any_text_is_read_or_refused(text):
    try:
        found = read(text)
    except UnreadableTime:
        return
    assert found.at.tzinfo is UTC
    assert 1970 <= found.at.year <= 2201


# Zones --------------------------------------------------------------------------------

ZONES = """
Asia/Shanghai = Asia/Shanghai
asia/shanghai = Asia/Shanghai
Shanghai      = Asia/Shanghai
“Shanghai”.   = Asia/Shanghai
Beijing       = Asia/Shanghai
北京时间       = Asia/Shanghai
上海时间       = Asia/Shanghai
New York      = America/New_York
UTC+8         = Etc/GMT-8
GMT-3         = Etc/GMT+3
UTC           = UTC
SGT           = Asia/Singapore
CEST          = CET
Springfield   =
UTC+99        =
UTC+5:30      =
              =
"""


@pytest.mark.parametrize(("text", "zone"), pairs(ZONES))
def test_a_zone_as_people_type_it(text, zone):
    assert typed_zone(text) == zone
