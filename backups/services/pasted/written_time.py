"""A date and a time of day as people and programs write them, in whatever zone it is.

ISO 8601, `2026/11/23 9:40 am`, `23 Nov 2026 09:40:00`, `23/Nov/26 9:40 AM`, `23.11.2026 09.40`,
`Mon Nov 23 09:40:00 2026`, `2026年11月23日 星期一 09:40`, `昨天下午3点20分`, `20261123094000`. What leaves
the year or the day out means the last such time before now. A decimal sign parts hours, minutes and
seconds; only behind seconds does it begin a fraction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = re.compile(
    r"[(\[]?(?:\b(mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?"
    r"|sun(?:day)?)\b\.?|(?:星期|周|礼拜)([一二三四五六日天]))[)\]]?,?",
    re.IGNORECASE,
)
_DAYS_AGO = {"today": 0, "今天": 0, "今日": 0, "yesterday": 1, "昨天": 1, "昨日": 1, "前天": 2}
_PARTS_OF_DAYS = {"今早": "今天早上", "今晚": "今天晚上", "昨晚": "昨天晚上"}
_PART_OF_DAY = re.compile("|".join(_PARTS_OF_DAYS))
_DATE = rf"""
    (?P<y>\d{{4}})(?P<mark>[-/.])(?P<m>\d{{1,2}})(?P=mark)(?P<d>\d{{1,2}})
  | (?P<basic>\d{{8}})(?=T|[ ]|$)
  | (?P<week_y>\d{{4}})-?W(?P<week>\d\d)(?:-?(?P<week_d>[1-7]))?
  | (?:(?P<zh_y>\d{{4}})年[ ]?)?(?P<zh_m>\d{{1,2}})月[ ]?(?P<zh_d>\d{{1,2}})[日号]?
  | (?P<en_d>\d{{1,2}})(?:\.[ ]?|[-/ ])(?P<en_m>{_MONTH})(?:,?[-/ ](?P<en_y>\d{{4}}|(?<=[-/])\d\d))?
  | (?P<us_m>{_MONTH})[ ]?(?P<us_d>\d{{1,2}})(?:,?[ ](?P<us_y>\d{{4}}))?
  | (?P<first>\d{{1,2}})(?P<between>[-/.])(?P<second_part>\d{{1,2}})
    (?:(?P=between)(?P<last_y>\d{{4}}|\d\d(?![:.,]\d))?)?(?=,|[ ]|$)
  | (?P<ago>{"|".join(_DAYS_AGO)})
"""
_TIME = r"""
    (?P<half>凌晨|早上|上午|中午|下午|晚上)?[ ]?
    (?: (?P<hour>\d{1,2})(?P<sign>[:.,])(?P<minute>\d{2})
        (?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?
      | (?P<zh_hour>\d{1,2})[点时]
        (?:(?P<zh_minute>\d{1,2})分?|(?P<zh_half>半))?(?:(?P<zh_second>\d{1,2})秒)?
      | (?<=[T])(?P<basic_time>\d\d(?:\d\d(?:\d\d(?:[.,]\d{1,9})?)?)?)
      | (?P<hour_alone>\d{1,2})(?=[ ]?[ap]\.?m)
    )(?:[ ]?(?P<am>[ap])\.?m\.?)?
"""
_WRITTEN = re.compile(
    rf"(?:{_DATE})?(?:,?[ ]at[ ]|,?[ ]?@[ ]|[,.]?[T_ ]|:|,)?(?:{_TIME})?", re.VERBOSE | re.IGNORECASE
)
_YEAR_LAST = re.compile(
    rf"({_MONTH} \d{{1,2}}|\d{{1,2}} {_MONTH}) (\d{{1,2}}:\d\d:\d\d(?:\.\d+)?)( [a-z]{{1,5}}| [+-]\d{{4}})?"
    r" (\d{4})((?: [+-]?\d{4})?)$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)\b(?: of\b)?", re.IGNORECASE)
_STAMP = re.compile(r"(\d{8})(\d{4}(?:\d\d)?)")
_HOUR_OF_DAY = re.compile(r"(\d{4}-?\d\d-?\d\d) (\d\d)")


@dataclass(frozen=True)
class Written:
    """A local time; `relative`: the same words mean another one later; `whole_day`: without a time of day."""

    local: datetime
    relative: bool = False
    whole_day: bool = False


class NoSuchTime(ValueError):
    """It is written like a time and there is no such day or time of day."""


class SeveralTimes(ValueError):
    """It can be read as each of these local times."""

    def __init__(self, readings: tuple[datetime, ...], *, weekday: bool = False) -> None:
        super().__init__(readings)
        self.readings = readings
        self.weekday = weekday


def written_time(text: str, now: datetime) -> Written | None:
    """Return the naive local time that is written, None where none is. Raises NoSuchTime, SeveralTimes.

    `now` is aware, in the zone that the text is read in.
    """
    text, weekday = _without_weekday(_PART_OF_DAY.sub(lambda found: _PARTS_OF_DAYS[found[0]], text))
    text = _HOUR_OF_DAY.sub(r"\1T\2", text) if _HOUR_OF_DAY.fullmatch(text) else text
    text = _STAMP.sub(r"\1T\2", text) if _STAMP.fullmatch(text) else text
    found = _WRITTEN.fullmatch(text)
    parts = {name: part for name, part in found.groupdict().items() if part} if found else {}
    if not parts and (weekday is None or text):
        return None
    try:
        return _one_of(list(dict.fromkeys(_readings(parts, now, weekday))), weekday)
    except (ValueError, OverflowError) as error:
        if isinstance(error, SeveralTimes):
            raise
        raise NoSuchTime(text) from error


def with_year_first(text: str) -> str:
    """Return `Nov 23, 2026 09:40:00 UTC` for the order that `date`, git and C write; ordinals as numbers."""
    return _YEAR_LAST.sub(r"\1 \4 \2\3\5", _ORDINAL.sub(r"\1", text))


def _without_weekday(text: str) -> tuple[str, int | None]:
    found = _WEEKDAY.search(text)
    if not found:
        return text, None
    # Sunday has two names.
    day = _WEEKDAYS.index(found[1][:3].lower()) if found[1] else min("一二三四五六日天".index(found[2]), 6)
    return " ".join(f"{text[: found.start()]} {text[found.end() :]}".split()).strip(", "), day


def _one_of(readings: list[Written], weekday: int | None) -> Written:
    if weekday is not None:
        fitting = [one for one in readings if one.local.weekday() == weekday]
        if not fitting and readings:
            raise SeveralTimes(tuple(one.local for one in readings), weekday=True)
        readings = fitting
    if not readings:
        raise NoSuchTime
    if len({one.local for one in readings}) > 1:
        raise SeveralTimes(tuple(dict.fromkeys(one.local for one in readings)))
    return readings[0]


def _readings(parts: dict[str, str], now: datetime, weekday: int | None) -> Iterator[Written]:
    """Yield each local time that may be meant: more than one where day and month look alike."""
    clock, next_day = _clock(parts)
    local_now = now.replace(tzinfo=None)
    is_open = not any(
        name in parts for name in ("y", "basic", "week_y", "zh_y", "en_y", "us_y", "last_y", "ago")
    )
    whole_day = not any(name in parts for name in ("hour", "zh_hour", "hour_alone", "basic_time"))
    valid = 0
    for year, month, day in _dates(parts):
        try:
            days = list(_days(year, month, day, parts, local_now.date(), weekday))
        except ValueError:
            continue
        valid += 1
        for one in days:
            local = datetime.combine(one + timedelta(days=next_day), clock)
            if local <= local_now or not is_open:
                yield Written(local, is_open or "ago" in parts, whole_day)
                break
    # 23.11 is a time of day, too.
    if parts.get("between") == "." and set(parts) == {"first", "between", "second_part"}:
        as_clock = time(int(parts["first"]), int(parts["second_part"])) if int(parts["first"]) < 24 else None
        if as_clock and len(parts["second_part"]) == 2 and int(parts["second_part"]) < 60:
            today = datetime.combine(local_now.date(), as_clock)
            yield Written(today if today <= local_now else today - timedelta(days=1), relative=True)
    elif not valid:
        raise NoSuchTime


def _dates(parts: dict[str, str]) -> Iterator[tuple[int | None, int | None, int | None]]:
    """Yield (year, month, day) as they may be meant; None for what is left out."""
    if "basic" in parts:
        text = parts["basic"]
        yield int(text[:4]), int(text[4:6]), int(text[6:])
    elif "week_y" in parts:
        monday = date.fromisocalendar(int(parts["week_y"]), int(parts["week"]), int(parts.get("week_d", 1)))
        yield monday.year, monday.month, monday.day
    elif "first" in parts:
        first, second = int(parts["first"]), int(parts["second_part"])
        last = parts.get("last_y")
        year = _year(last) if last else None
        yield year, second, first
        if not (parts["between"] == "." and last and len(last) == 4):
            yield year, first, second
        if last and len(last) == 2:
            yield 2000 + first, second, int(last)
    else:
        year_text, month, day = (_part(parts, name) for name in ("y", "m", "d"))
        yield (
            _year(year_text) if year_text else None,
            _month(month) if month else None,
            int(day) if day else None,
        )


def _days(
    year: int | None,
    month: int | None,
    day: int | None,
    parts: dict[str, str],
    today: date,
    weekday: int | None,
) -> Iterator[date]:
    """Yield the days that may be meant, the latest first: more than one only where some of it is left out."""
    if "ago" in parts:
        yield today - timedelta(days=_DAYS_AGO[parts["ago"].lower()])
    elif month is None or day is None:
        back = 0 if weekday is None else (today.weekday() - weekday) % 7
        yield from (
            today - timedelta(days=back),
            today - timedelta(days=back + (1 if weekday is None else 7)),
        )
    elif year is not None:
        yield date(year, month, day)
    else:
        date(2000, month, day)  # a leap year: no such day in any year ends here
        for earlier in range(9):  # from one 29 February to the last, across a century
            if (month, day) != (2, 29) or _has_29_february(today.year - earlier):
                yield date(today.year - earlier, month, day)


def _has_29_february(year: int) -> bool:
    return (date(year, 3, 1) - timedelta(days=1)).day == 29


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _part(parts: dict[str, str], name: str) -> str | None:
    return next(
        (parts[key] for key in (name, f"zh_{name}", f"en_{name}", f"us_{name}") if key in parts), None
    )


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.index(text[:3].lower()) + 1


def _clock(parts: dict[str, str]) -> tuple[time, int]:
    """Return the time of day, midnight where none is written, and 1 where it is that of the next day."""
    if "basic_time" in parts:
        digits, _, fraction = parts["basic_time"].replace(",", ".").partition(".")
        parts = parts | {"hour": digits[:2], "minute": digits[2:4] or "0", "second": digits[4:] or "0"}
        parts["fraction"] = fraction
    hour = int(parts.get("hour") or parts.get("zh_hour") or parts.get("hour_alone") or 0)
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
