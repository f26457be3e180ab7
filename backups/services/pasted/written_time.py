"""A date and a time of day as people and programs write them, in whatever zone it is.

A table rewrites what is written until one form is left, as in `2026-11-23 09:40:00 pm`, with `--11-23` for a
date without a year. What leaves the year or the day out means the last such time before now. A decimal sign
parts hours, minutes and seconds; only behind seconds does it begin a fraction.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from ..words import Words

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<m>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])\.?"
)
_WEEKDAYS = ("mon一", "tue二", "wed三", "thu四", "fri五", "sat六", "sun日天")
_WEEKDAY = re.compile(
    r"[(\[]?(?:\b(mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?"
    r"|sun(?:day)?)\b\.?|(?:星期|周|礼拜)([一二三四五六日天]))[)\]]?,?",
    re.IGNORECASE,
)
_UTC = r"(?:Z|UTC|GMT)\b"
_DAYS_AGO = {"today": 0, "今天": 0, "今日": 0, "yesterday": 1, "昨天": 1, "昨日": 1, "前天": 2}


def _date(found: re.Match[str]) -> str:
    year, month, day = (found[name] for name in "ymd")
    number = month if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    return f"{'20' if year and len(year) == 2 else ''}{year or '-'}-{number}-{day} "


def _date_of_week(found: re.Match[str]) -> str:
    return str(date.fromisocalendar(int(found[1]), int(found[2]), int(found[3] or 1)))


def _chinese_clock(found: re.Match[str]) -> str:
    hour, minute, half, second = found.groups()
    return f"{hour}:{30 if half else int(minute or 0):02}" + (f":{int(second):02}" if second else "")


# What is written, and what it is rewritten to, one after the other.
_FORMS: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"今(?=[早晚])", "今天"),
    (r"昨(?=晚)", "昨天"),
    (r"(天[早晚])(?!上)", r"\1上"),
    (r"(?<!\d)(\d\d?)(?:st|nd|rd|th)\b(?: of\b)?", r"\1"),
    (
        rf"(?<!\d)(?<!\d[:.,])(?P<d>\d\d?)(?:\. ?|[-/ ]){_MONTH}(?:,?[-/ ](?P<y>\d{{4}}|(?<=[-/])\d\d))?",
        _date,
    ),
    (rf"\b{_MONTH} ?(?P<d>\d\d?)(?!\d)(?:,? (?P<y>\d{{4}}))?", _date),
    (r"(?:(?P<y>\d{4})年 ?)?(?P<m>\d\d?)月 ?(?P<d>\d\d?)[日号]?", _date),
    (r"(\d{4})-?W(\d\d)(?:-?([1-7]))?", _date_of_week),
    (rf"^(\d{{8}})(\d{{4}}(?:\d\d)?)(?=$| ?{_UTC}|[+-]\d)", r"\1T\2"),
    (r"^(\d{4})(\d\d)(\d\d)(?=[T ]|$)", r"\1-\2-\3"),
    (r"^(\d\d?[:.]\d\d.*?,? )(?:on )?(\d{4})(\d\d)(\d\d)$", r"\1\2-\3-\4"),
    (r"(?<!\d)(?<!\d[:.,])(\d\d?)[点时](?:(\d\d?)分?|(半))?(?:(\d\d?)秒)?(?![:.,]?\d)", _chinese_clock),
    # A fraction stands behind seconds only: T0940.5 is no time.
    (r"(?<=T)(?<![a-z]T)(\d\d)(\d\d)(?![\d.,:])", r"\1:\2"),
    (r"(?<=T)(?<![a-z]T)(\d\d)(\d\d)(\d\d)(?!\d)", r"\1:\2:\3"),
    (r"(?<=T)(?<![a-z]T)(\d\d)(?![\d.,:])", r"\1:00"),
    (rf"(?<=^\d{{4}}-\d\d-\d\d )(\d\d)(?=$| ?{_UTC})", r"\1:00"),
    (r"(?<!\d)(?<!\d[:.,])(\d\d?)(?= ?[ap]\.?m(?![a-z]))", r"\1:00"),
    (r"\s+(?:@ )?", " "),
    (r" (?:on|@)?$", ""),
    # `date`, git and C put the year behind the time, people the day.
    (
        r"^-(-\d+-\d+) (\d+:\d\d:\d\d(?:\.\d+)?)( [a-z]{1,5}| [+-]\d{4})? (\d{4})( [+-]?\d{4})?$",
        r"\4\1 \2\3\5",
    ),
    (
        r"^(\d\d?[:.]\d\d.*?),? (?:on )?(\d{4}([-/.])\d\d?\3\d\d?|--\d+-\d+|\d\d?([-/])\d\d?(?:\4\d{2,4})?"
        rf"|\d\d?\.\d\d?\.\d{{4}}|(?:{'|'.join(_DAYS_AGO)})(?:早上|晚上)?)$",
        r"\2 \1",
    ),
    (r"^(\d\d?:\d\d.*?),? (?:on )?(\d\d?\.\d\d?(?:\.|\.\d\d)?)$", r"\2 \1"),
    # In a query string the + of an offset arrives as a space; one digit behind a time is something else.
    (r"(\d:\d\d(?::\d\d(?:[.,]\d+)?)?|[ap]m) (\d\d(?::?[0-5]\d)?)$", r"\1+\2"),
    (r"\b(UTC|GMT) (\d\d?(?::?[0-5]\d)?)$", r"\1+\2"),
    (r"^T(\d\d:\d\d)$", r"\1"),
]
_COMPILED = [(re.compile(pattern, re.IGNORECASE), rewritten) for pattern, rewritten in _FORMS]
_WRITTEN = re.compile(
    rf"""
    (?![,.:@_]|T\d)  # what stands between a date and a time begins neither
    (?: (?P<y>\d{{4}}|-)(?P<mark>[-/.])(?P<m>\d\d?)(?P=mark)(?P<d>\d\d?)(?!\d)
      | (?P<first>\d\d?)(?P<between>[-/.])(?P<second_part>\d\d?)
        (?:(?P=between)(?P<last>\d{{4}}|\d\d(?![:.,]\d))?)?(?=,|[ ]|$)
      | (?P<ago>{"|".join(_DAYS_AGO)})
    )?
    (?: [ ]?(?:,?[ ]?at[ ]|,?[ ]?@[ ]|[,.]?[T_ ]|:|,)?
        (?P<half>凌晨|早上|上午|中午|下午|晚上)?[ ]?
        (?P<hour>\d\d?)[:.,](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,](?P<fraction>\d{{1,9}}))?)?
        (?:[ ]?(?P<am>[ap])\.?m\.?)?
    )?
    """,
    re.VERBOSE | re.IGNORECASE,
)


class UnreadableTime(ValueError):
    """The text means no time, or more than one; `sentence` says why, `guesses` are what it may mean."""

    def __init__(self, sentence: Words, guesses: tuple[datetime, ...] = ()) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.guesses = guesses


class Written(NamedTuple):
    """A local time; `relative`: the same words mean another one later; `whole_day`: without a time of day."""

    local: datetime
    relative: bool
    whole_day: bool


def in_one_form(text: str) -> tuple[str, int | None]:
    """Return the text with its date and its time of day as `written_times` reads them, and its weekday."""
    weekday = None
    if found := _WEEKDAY.search(text):
        name = found[2] or found[1][:3].lower()
        weekday = next(n for n, names in enumerate(_WEEKDAYS) if name in names)
        text = " ".join(f"{text[: found.start()]} {text[found.end() :]}".split()).lstrip(",.:@ ").rstrip(", ")
    for pattern, rewritten in _COMPILED:
        text = pattern.sub(rewritten, text)
    return text.strip(), weekday


def written_times(text: str, weekday: int | None, now: datetime) -> list[Written]:
    """Return each local time that may be meant: none where none is written, several where that is uncertain.

    `now` is aware, in the zone that the text is read in. Raises ValueError where there is no such time.
    """
    # 23.11 is a day and a time of day.
    forms = [text, text.replace(".", ":")] if re.fullmatch(r"\d\d?\.\d\d", text) else [text]
    found, error = [], None
    for form in forms:
        try:
            found += list(_readings(form, weekday, now.replace(tzinfo=None)))
        except ValueError as no_such:
            error = no_such
    if error and not found:
        raise error
    return found


def _readings(text: str, weekday: int | None, now: datetime) -> Iterator[Written]:
    found = _WRITTEN.fullmatch(text.rstrip(", "))
    parts = {name: part for name, part in found.groupdict().items() if part} if found else {}
    if not parts and (weekday is None or text):
        return
    clock, days_later = _clock(parts)
    has_year, valid = parts.get("y", "-") != "-" or "last" in parts, False
    for days in _days(parts, now.date(), weekday):
        for day in days:
            valid = True
            local = datetime.combine(day, clock) + timedelta(days=days_later)
            if local <= now or has_year or "ago" in parts:
                yield Written(local, not has_year, "hour" not in parts)
                break
    if not valid:
        raise ValueError(text)


def _days(parts: dict[str, str], today: date, weekday: int | None) -> Iterator[list[date]]:
    """Yield each day that may be meant: where some of it is left out, the latest and those before."""
    if "ago" in parts:
        yield [today - timedelta(days=_DAYS_AGO[parts["ago"].lower()])]
    elif "m" in parts:
        yield _of_years(parts["y"].strip("-"), parts["m"], parts["d"], today)
    elif "first" in parts:
        first, second, last = parts["first"], parts["second_part"], parts.get("last", "")
        yield _of_years(last, second, first, today)
        if not (parts["between"] == "." and len(last) == 4):
            yield _of_years(last, first, second, today)
        if len(last) == 2:
            yield _of_years(first, second, last, today)
    else:
        back = 0 if weekday is None else (today.weekday() - weekday) % 7
        before = back + (1 if weekday is None else 7)
        yield [today - timedelta(days=back), today - timedelta(days=before)]


def _of_years(year: str, month: str, day: str, today: date) -> list[date]:
    """Return the day; of all years where none is written, the latest first: [] where there is none such."""
    # From one 29 February to the last, across a century.
    years = [int(year) + 2000 * (len(year) < 4)] if year else range(today.year, today.year - 9, -1)
    days = []
    for one in years:
        with contextlib.suppress(ValueError):
            days.append(date(one, int(month), int(day)))
    return days


def _clock(parts: dict[str, str]) -> tuple[time, int]:
    """Return the time of day, midnight where none is written, and 1 where it is that of the next day."""
    hour, minute, second = (int(parts.get(name, 0)) for name in ("hour", "minute", "second"))
    micro = int(parts.get("fraction", "").ljust(6, "0")[:6])
    if (hour, minute, second, micro) == (24, 0, 0, 0):
        return time(), 1
    return time(_hour(hour, parts.get("am", "").lower(), parts.get("half", "")), minute, second, micro), 0


def _hour(hour: int, am: str, half: str) -> int:
    """Return the hour of the day; `am` is "a" or "p", `half` what Chinese says before the hour."""
    is_early = am == "a" or half in ("凌晨", "早上", "上午")
    # At night 12 is which midnight?
    if (
        (am and not 1 <= hour <= 12)
        or (is_early and (hour > 12 or am == "p"))
        or (half == "晚上" and hour in (0, 12))
    ):
        raise ValueError(hour)
    if is_early:
        return hour % 12 if am or half == "凌晨" else hour
    if half == "中午":
        return hour + 12 if hour < 3 else hour
    return hour + 12 if (am or half in ("下午", "晚上")) and hour < 12 else hour
