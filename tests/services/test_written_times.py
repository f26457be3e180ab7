"""Times as programs and people write them: certain, or refused with what they may mean to choose from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.services.pasted import UnreadableTime, asked_time
from backups.services.pasted.typed_zone import typed_zone

NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
INCIDENT = datetime(2026, 11, 23, 9, 40, tzinfo=UTC)


def at(text: str, zone: str = "UTC") -> datetime:
    return asked_time(text, zone=ZoneInfo(zone), now=NOW).at


WITH_A_ZONE = """
Mon Nov 23 2026 09:40:00 GMT+0000 (Coordinated Universal Time)
Mon Nov 23 2026 17:40:00 GMT+0800 (China Standard Time)
Mon Nov 23 2026 17:40:00 GMT+0800 (中国标准时间)
Mon Nov 23 2026 10:40:00 GMT+0100 (Mitteleuropäische Normalzeit)
2026-11-23 17:40:00 +0800 CST
2026-11-23 17:40:00.000000000 +0800 CST
2026-11-23 17:40:00.000000000 +0800 CST m=+12.345678901
2026-11-23 17:40:00 +0800 +0800
2026-11-23 09:40:00 +0000 UTC
<165>1 2026-11-23T09:40:00.000Z host app 812 - - refused
2026-11-23 17:40 Shanghai time
2026-11-23 17:40 Shanghai
2026-11-23 17:40, Shanghai time
2026-11-23 17:40 (Shanghai time)
2026-11-23 17:40 Beijing time
2026-11-23 17:40 北京时间
北京时间 2026-11-23 17:40
2026年11月23日 星期一 17:40 北京时间
2026-11-23（周一）17:40 UTC+8
2026-11-23 17:40 上海时间
2026-11-23 18:40 东京时间
2026-11-23 17:40 中国标准时间
2026-11-23 17:40 China Standard Time
Mon, 23 Nov 2026 17:40:00 +0800 (CST)
Mon Nov 23 17:40:00 +0800 2026
Mon 23 Nov 09:40:00 UTC 2026
9:40 UTC on Nov 23, 2026
17:40 Shanghai time on 23 November 2026
2026-11-23T17:40:00+08:00 web-1 redis[812]: refused
2026-11-23 17:40 SGT
2026-11-23 17:40 HKT
2026-11-23 18:40 JST
2026-11-23 10:40 CET
2026-11-23 11:40 CEST
2026-11-23 12:40 MSK
23 Nov 2026 10:40 cet
2026-11-23 10:40 Berlin time
2026-11-23 04:40 New York time
2026-11-23 18:40 Tokyo
2026-11-23 17:40 UTC+8
2026-11-23 17:40 GMT+8
2026-11-23T17.40+08:00
2026-11-23 17.40 +0800
23.11.2026 17.40 +08:00
Nov 23, 2026 @ 09:40:00.000 UTC
Mon, 23 Nov 2026 17:40:00 +0800
Monday, November 23, 2026 9:40 AM UTC
Monday, 23 November 2026 09:40 GMT
""".strip().splitlines()

WITHOUT_A_ZONE = """
2026-11-23 09.40
2026-11-23 9.40
2026-11-23T09.40
2026-11-23T09,40
2026-11-23 09,40
20261123T09.40
20261123 09.40
20261123 09:40
20261123T0940
2026-W48-1T09.40
2026-W48-1 09:40
2026W481T0940
2026-11-23 09.40.00
2026-11-23 09:40.00
2026-11-23, 09.40
2026/11/23 09.40
2026.11.23 09.40
Nov 23, 2026 @ 09:40:00.000
Nov 23, 2026 @ 09:40
November 23, 2026 @ 9:40 AM
23/Nov/26 9:40 AM
23/Nov/2026 9:40 AM
23-Nov-26 09:40
23-Nov-2026 09:40
23rd Nov 2026 09:40
23rd November 2026, 9:40 am
Nov 23rd, 2026 09:40
November 23rd 2026 9:40am
Monday 23rd November 2026 at 9:40 am
23. November 2026 09:40
23. Nov 2026 9.40
23.November 2026 09:40
23rd of November 2026, 9:40 am
the 23rd of Nov 2026 at 9:40
23.11.2026 9:40 Uhr
09:40 on 23 Nov 2026
9:40 am, 23/11/2026
1:M 23 Nov 2026 09:40:00.000 * DB saved on disk
2026-11-23 09:40:00,000 ERROR refused
<2026-11-23 09:40>
23.11.2026 09:40
23.11.2026 9.40
23.11.2026, 09:40
23.11.2026 09:40:00
11/23/2026 09:40
11/23/2026 9:40 AM
11/23/2026, 9:40:00 AM
11-23-2026 09:40
23/11/2026 09:40
23-11-2026 09:40
11/23/26 09:40
2026年11月23日 星期一 9:40
2026年11月23日星期一 09:40
2026年11月23日(星期一)上午9:40
2026年11月23日 周一 9时40分
2026年11月23日 礼拜一 9点40分
2026-11-23（周一）09:40
2026-11-23 周一 09:40
2026-11-23 Mon 09:40
2026-11-23 (Monday) 09:40
Mon 2026-11-23 09:40
Mon, 23 Nov 2026 09:40
Mon 23 Nov 2026 09:40:00
Monday, November 23, 2026 9:40 AM
Mon Nov 23 09:40:00 2026
23 Nov 2026, Monday, 09:40
23 November 2026 9:40
November 23 2026 09:40
2026-11-23 9:40am
2026-11-23 9:40 a.m.
2026-11-23 at 9:40
2026-11-23_09:40
2026-11-23 09:40.
2026-11-23 09:40)
(2026-11-23 09:40)
[2026-11-23 09:40]
"2026-11-23 09:40",
“2026-11-23 09:40”。
2026-11-23 09:40，
2026-11-23 09:40；
**2026-11-23 09:40**
`2026-11-23 09:40`
2026-11-23 09:40|
2026‑11‑23 09:40
2026–11–23 09:40
２０２６-１１-２３ ０９:４０
""".strip().splitlines()


@pytest.mark.parametrize("text", WITH_A_ZONE)
def test_a_time_that_names_its_zone_means_one_instant(text: str) -> None:
    assert at(text, "America/New_York") == INCIDENT


@pytest.mark.parametrize("text", WITHOUT_A_ZONE)
def test_a_time_without_a_zone_is_read_in_that_of_the_link(text: str) -> None:
    assert at(text) == INCIDENT
    assert at(text, "Asia/Shanghai") == INCIDENT - timedelta(hours=8)


@pytest.mark.parametrize("mark", ["\u200b", "\u200e", "\u200f", "\ufeff", "\u00ad", "\u2060"])
def test_marks_that_nobody_sees_change_nothing(mark: str) -> None:
    text = "2026-11-23 09:40 UTC"

    assert at(mark + text + mark) == at(text.replace("-", f"-{mark}").replace(":", f"{mark}:")) == INCIDENT


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23 09:40.30", "2026-11-23T09:40:30"),
        ("2026-11-23T09.40.30", "2026-11-23T09:40:30"),
        ("2026-11-23T09.40.30,25", "2026-11-23T09:40:30.250"),
        ("2026-11-23T09:40:30.5", "2026-11-23T09:40:30.500"),
        ("20261123T094030,5", "2026-11-23T09:40:30.500"),
        ("2026-11-23T09", "2026-11-23T09:00"),
        ("2026-11-23 09", "2026-11-23T09:00"),
        ("2026-W48-1", "2026-11-23T00:00"),
        ("2026-11-23 9am", "2026-11-23T09:00"),
        ("2026-11-23 12am", "2026-11-23T00:00"),
        ("05.11.2026 09:40", "2026-11-05T09:40"),
        ("11/11/2026", "2026-11-11T00:00"),
        ("yesterday 9am", "2026-11-23T09:00"),
        ("yesterday at 9 pm", "2026-11-23T21:00"),
        ("Monday 09:40", "2026-11-23T09:40"),
        ("Tuesday 13:00", "2026-11-17T13:00"),
        ("周一 9:40", "2026-11-23T09:40"),
        ("9am yesterday", "2026-11-23T09:00"),
        ("昨晚9点", "2026-11-23T21:00"),
        ("23/11 09:40", "2026-11-23T09:40"),
        ("11/23 09:40", "2026-11-23T09:40"),
        ("23.11 09:40", "2026-11-23T09:40"),
        ("25/11 09:40", "2025-11-25T09:40"),
        ("09.40", "2026-11-24T09:40"),
        ("9.40 pm", "2026-11-23T21:40"),
        ("Nov 23 09:40:00 web-1 redis[812]: refused", "2026-11-23T09:40"),
        ("<34>Nov 23 09:40:00 web-1 redis: refused", "2026-11-23T09:40"),
    ],
)
def test_other_times_of_day_and_days(text: str, moment: str) -> None:
    assert at(text) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "guesses", "words"),
    [
        ("05/11/2026 09:40", ["2026-11-05T09:40+00:00", "2026-05-11T09:40+00:00"], "two ways"),
        ("05-11-2026", ["2026-11-05T00:00+00:00", "2026-05-11T00:00+00:00"], "two ways"),
        ("05/11 09:40", ["2026-11-05T09:40+00:00", "2026-05-11T09:40+00:00"], "two ways"),
        ("05.11 09:40", ["2026-11-05T09:40+00:00", "2026-05-11T09:40+00:00"], "two ways"),
        ("23/11/26", ["2026-11-23T00:00+00:00", "2023-11-26T00:00+00:00"], "two ways"),
        ("26-11-23 09:40", ["2023-11-26T09:40+00:00", "2026-11-23T09:40+00:00"], "two ways"),
        ("2026-11-23 09:40 CST", ["2026-11-23T09:40+08:00", "2026-11-23T09:40-06:00"], "several zones"),
        ("2026-11-23 09:40 EST", ["2026-11-23T09:40-05:00", "2026-11-23T09:40+10:00"], "several zones"),
        ("2026-11-23 09:40 IST", None, "several zones"),
        ("Tue 23 Nov 2026 09:40", ["2026-11-23T09:40+00:00"], "day of the week"),
        ("2026-11-23（周三）09:40", ["2026-11-23T09:40+00:00"], "day of the week"),
        ("2026-11-23 09:40.5", ["2026-11-23T09:40+00:00"], "no time that the portal can read"),
        ("2026-11-23T09:40,123", ["2026-11-23T09:40+00:00"], "no time that the portal can read"),
        ("2026-11-23T09.5", [], "no time that the portal can read"),
        ("2026-11-23 0940.5", [], "no time that the portal can read"),
        ("20261123T0940.5", [], "no time that the portal can read"),
        ("last Monday", [], "no time that the portal can read"),
        ("2026-11-23 09:40 Springfield", [], "no time that the portal can read"),
        ("13/13/2026", [], "no such day"),
        ("2026-00-12 09:40", [], "no such day"),
        ("6.0.12 09:40", [], "no such day"),
        ("2026-11-23 25.00", [], "no such day"),
        ("2026-W60-1", [], "no such day"),
    ],
)
def test_what_is_not_certain_is_refused_with_what_it_may_mean(
    text: str, guesses: list[str] | None, words: str
) -> None:
    with pytest.raises(UnreadableTime) as refused:
        at(text)

    assert words in str(refused.value.sentence)
    if guesses is not None:
        assert [guess.isoformat(timespec="minutes") for guess in refused.value.guesses] == guesses
    for guess in refused.value.guesses:
        assert at(guess.isoformat()) == guess


FORMS = """
%Y-%m-%d %H:%M:%S{o}
%Y-%m-%dT%H.%M.%S{o}
%Y%m%dT%H%M%S{o}
%d.%m.%Y %H:%M:%S {o}
%d/%b/%y %I:%M:%S %p {o}
%b %d, %Y @ %H:%M:%S.000 {o}
%a %b %d %Y %H:%M:%S GMT{o}
%A, %d %B %Y %H:%M:%S {o}
%Y年%m月%d日 %H时%M分%S秒 UTC{o}
%Y-%m-%d %H:%M:%S {o} CST
%d/%m/%Y %H:%M:%S {o}
%m/%d/%Y %I:%M:%S %p {o}
%G-W%V-%uT%H:%M:%S{o}
%d. %B %Y %H.%M.%S {o}
""".strip().splitlines()


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    st.sampled_from([-480, -210, 0, 60, 330, 480, 765]),
    st.sampled_from(FORMS),
)
def test_a_time_in_any_form_is_the_same_instant_or_is_refused_with_it(
    moment: datetime, minutes: int, form: str
) -> None:
    local = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = local.strftime(form.replace("{o}", "%z"))

    try:
        read = [at(text)]
    except UnreadableTime as refused:
        assert "%d/%m" in form or "%m/%d" in form, text
        read = list(refused.guesses)

    assert local in read


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Asia/Shanghai", "Asia/Shanghai"),
        ("asia/shanghai", "Asia/Shanghai"),
        ("Shanghai", "Asia/Shanghai"),
        ("Beijing", "Asia/Shanghai"),
        ("北京时间", "Asia/Shanghai"),
        ("New York", "America/New_York"),
        ("UTC+8", "Etc/GMT-8"),
        ("GMT-3", "Etc/GMT+3"),
        ("UTC", "UTC"),
        ("SGT", "Asia/Singapore"),
        ("CEST", "CET"),
        ("上海时间", "Asia/Shanghai"),
        ("“Shanghai”.", "Asia/Shanghai"),
        ("Springfield", ""),
        ("UTC+99", ""),
        ("UTC+5:30", ""),
        ("", ""),
    ],
)
def test_a_zone_as_people_type_it(text: str, zone: str) -> None:
    assert typed_zone(text) == zone
