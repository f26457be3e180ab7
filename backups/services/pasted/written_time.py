"""A date and a time of day as people and programs write them, in whatever zone it is.

ISO 8601, `2026/11/23 9:40 am`, `23 Nov 2026 09:40:00`, `23/Nov/2026:09:40:00`, `Mon Nov 23 09:40:00 2026`,
`2026年11月23日 09:40`, `昨天下午3点20分`, `20261123094000`. What leaves the year or the day out means the
last such time before now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?:{'|'.join(_MONTHS)})"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?[ ])?"
_DAYS_AGO = {"today": 0, "今天": 0, "今日": 0, "yesterday": 1, "昨天": 1, "昨日": 1, "前天": 2}
_DATE = rf"""
    (?P<y>\d{{4}})(?P<mark>[-/.])(?P<m>\d{{1,2}})(?P=mark)(?P<d>\d{{1,2}})
  | (?:(?P<zh_y>\d{{4}})年[ ]?)?(?P<zh_m>\d{{1,2}})月[ ]?(?P<zh_d>\d{{1,2}})[日号]
  | {_WEEKDAY}
    (?: (?P<en_d>\d{{1,2}})[-/ ](?P<en_m>{_MONTH})[a-z]*\.?(?:,?[-/ ](?P<en_y>\d{{4}}))?
      | (?P<us_m>{_MONTH})[a-z]*\.?[ ](?P<us_d>\d{{1,2}})(?:,?[ ](?P<us_y>\d{{4}}))?
    )
  | (?P<ago>{"|".join(_DAYS_AGO)})
"""
_TIME = r"""
    (?P<half>凌晨|早上|上午|中午|下午|晚上)?[ ]?
    (?: (?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?
      | (?P<zh_hour>\d{1,2})[点时]
        (?:(?P<zh_minute>\d{1,2})分?|(?P<zh_half>半))?(?:(?P<zh_second>\d{1,2})秒)?
    )(?:[ ]?(?P<am>[ap])\.?m\.?)?
"""
_WRITTEN = re.compile(rf"(?:{_DATE})?(?:,?[ ]at[ ]|,?[T_ ]|:)?(?:{_TIME})?", re.VERBOSE | re.IGNORECASE)
_YEAR_LAST = re.compile(
    rf"({_WEEKDAY}{_MONTH} \d{{1,2}}) (\d{{1,2}}:\d\d:\d\d(?:\.\d+)?)"
    r"( [a-z]{1,5})? (\d{4})((?: [+-]?\d{4})?)$",
    re.IGNORECASE,
)
_STAMP = re.compile(r"(\d{8})(\d\d)(\d\d)(\d\d)?")


class Written(NamedTuple):
    """A local time; `relative` where the same words mean another one later."""

    local: datetime
    relative: bool


class NoSuchTime(ValueError):
    """It is written like a time and there is no such day or time of day."""


def written_time(text: str, now: datetime) -> Written | None:
    """Return the naive local time that is written, None where none is. Raises NoSuchTime.

    `now` is aware, in the zone that the text is read in.
    """
    found = _WRITTEN.fullmatch(text)
    parts = {name: part for name, part in found.groupdict().items() if part} if found else {}
    try:
        return _written(parts, now) if parts else _iso(text)
    except (ValueError, OverflowError) as error:
        raise NoSuchTime(text) from error


def with_year_first(text: str) -> str:
    """Return `Mon Nov 23, 2026 09:40:00 UTC` for the order that `date`, git and C write."""
    return _YEAR_LAST.sub(r"\1, \4 \2\3\5", text)


def _iso(text: str) -> Written | None:
    """Week dates, basic forms, an hour alone, and stamps such as those that DCS filters by."""
    stamp = _STAMP.fullmatch(text)
    if stamp:
        text = f"{stamp[1]}T{stamp[2]}{stamp[3]}{stamp[4] or '00'}"
    try:
        local = datetime.fromisoformat(text.upper())
    except ValueError:
        if stamp:
            raise
        return None
    return None if local.tzinfo else Written(local, relative=False)


def _written(parts: dict[str, str], now: datetime) -> Written:
    clock, next_day = _clock(parts)
    local_now = now.replace(tzinfo=None)
    for day in _days(parts, local_now.date()):
        local = datetime.combine(day + timedelta(days=next_day), clock)
        if local <= local_now or not _is_open(parts):
            return Written(local, relative=_is_open(parts) or "ago" in parts)
    raise NoSuchTime


def _is_open(parts: dict[str, str]) -> bool:
    """Whether the year or the day is left out."""
    return not any(name in parts for name in ("y", "zh_y", "en_y", "us_y", "ago"))


def _days(parts: dict[str, str], today: date) -> Iterator[date]:
    """Yield the days that may be meant, the latest first: more than one only where some of it is left out."""
    if "ago" in parts:
        yield today - timedelta(days=_DAYS_AGO[parts["ago"].lower()])
        return
    year, month, day = (_part(parts, name) for name in ("y", "m", "d"))
    if not month or not day:
        yield from (today, today - timedelta(days=1))
    elif year:
        yield date(int(year), _month(month), int(day))
    else:
        date(2000, _month(month), int(day))  # a leap year: no such day in any year ends here
        for earlier in range(9):  # from one 29 February to the last, across a century
            if (_month(month), int(day)) != (2, 29) or _has_29_february(today.year - earlier):
                yield date(today.year - earlier, _month(month), int(day))


def _has_29_february(year: int) -> bool:
    return (date(year, 3, 1) - timedelta(days=1)).day == 29


def _part(parts: dict[str, str], name: str) -> str | None:
    return next(
        (parts[key] for key in (name, f"zh_{name}", f"en_{name}", f"us_{name}") if key in parts), None
    )


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.index(text[:3].lower()) + 1


def _clock(parts: dict[str, str]) -> tuple[time, int]:
    """Return the time of day, midnight where none is written, and 1 where it is that of the next day."""
    hour = int(parts.get("hour") or parts.get("zh_hour") or 0)
    minute = 30 if "zh_half" in parts else int(parts.get("minute") or parts.get("zh_minute") or 0)
    second = int(parts.get("second") or parts.get("zh_second") or 0)
    micro = int(parts.get("fraction", "").ljust(6, "0")[:6])
    if (hour, minute, second, micro) == (24, 0, 0, 0):
        return time(), 1
    return time(_hour(hour, parts), minute, second, micro), 0


def _hour(hour: int, parts: dict[str, str]) -> int:
    """Return the hour of the day; `am` is "a" or "p", `half` what Chinese says before the hour."""
    am, half = parts.get("am", "").lower(), parts.get("half", "")
    if am and not 1 <= hour <= 12:
        raise NoSuchTime
    if am == "a" or half in ("凌晨", "早上", "上午"):
        if hour > 12:
            raise NoSuchTime
        return hour % 12 if am or half == "凌晨" else hour
    if half == "晚上" and hour in (0, 12):  # which midnight?
        raise NoSuchTime
    if half == "中午":
        return hour + 12 if hour < 3 else hour
    return hour + 12 if (am or half in ("下午", "晚上")) and hour < 12 else hour
