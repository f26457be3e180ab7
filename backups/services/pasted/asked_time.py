"""A time as a person types or pastes it -> the instant that it means, and how it was understood.

Read are ISO 8601, what logs, mails, tickets and the portal's own pages write, epochs, "2 h ago" and
"昨天 22:00". Without a zone of its own a time is read in the zone of the link. What can be read in
two ways is refused with both readings, to choose from. A local time that the clocks show twice or never has
two readings, of which the earlier is taken, since what is from before it is from before the other as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ..words import Words
from .iso_time import YEARS
from .query import LEADING_MARKS, MARKS
from .transport import plain
from .typed_zone import CERTAIN_ABBREVIATIONS, CHINESE_NAMES, SEVERAL_ZONES, iana_zone, zone_of_city
from .written_time import NoSuchTime, SeveralTimes, Written, with_year_first, written_time

LONGEST = 100


@dataclass(frozen=True)
class AskedTime:
    """What was understood: `at` is in UTC, `zone` the one that it was read in.

    `own_zone`: the text itself names it, or needs none. `relative`: the same text means another time
    later; `whole_day`: no time of day is written. `doubt`: the clocks of that zone show this local time
    "twice" or "never"; `other` is then the later reading.
    """

    at: datetime
    zone: tzinfo
    own_zone: bool
    relative: bool = False
    whole_day: bool = False
    doubt: Literal["", "twice", "never"] = ""
    other: datetime | None = None


class UnreadableTime(ValueError):
    """The text means no time, or more than one; `sentence` says why, `guesses` are what it may mean."""

    def __init__(self, sentence: Words, guesses: tuple[datetime, ...] = ()) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.guesses = guesses


UNREADABLE = _(
    "the portal cannot read it as a time: write it like 2026-11-23 09:40, "
    "2026-11-23T09:40:00+08:00, 1795426800 or 2 h ago"
)
TOO_LONG = _("it is longer than 100 characters")
NO_SUCH_TIME = _("there is no such day or time")
OUT_OF_RANGE = _("its year is not between 1970 and 2200")
EITHER_WAY = _("day and month are ambiguous: write the year first, as in 2026-11-23")
WRONG_WEEKDAY = _("the weekday does not match the date")
ABBREVIATION = _(
    "{name} can mean several zones: write an offset such as +08:00, or a zone such as Asia/Shanghai"
)


def asked_time(text: str, *, zone: tzinfo, now: datetime) -> AskedTime:
    """Return what `text` means, read in `zone` where it names none. Raises UnreadableTime."""
    if len(text) > LONGEST:
        raise UnreadableTime(TOO_LONG)
    text = _LISTED.sub(r"\1", with_year_first(_of_a_program(_tidied(text))))
    refused = None
    for order in _orders(text):
        try:
            return _read(order, zone, now)
        except UnreadableTime as error:
            if error.sentence is not UNREADABLE:
                raise
            refused = refused or error
    raise refused or UnreadableTime(UNREADABLE)


def _orders(text: str) -> Iterator[str]:
    """Yield the text, and what it says where the time of day stands before the day: 09:40 on 23 November."""
    yield text
    if _TIME_OF_DAY.match(text):
        words = text.split()
        for size in range(1, min(len(words), 5)):
            clock, day = words[:size], words[size:]
            yield " ".join((*day[day[0] == "on" :], *clock)).rstrip(",")


_TIME_OF_DAY = re.compile(r"\d{1,2}(?:[:.]\d\d){0,2} ?[ap]\.?m\b|\d{1,2}(?:[:.]\d\d){1,2}[ ,]", re.IGNORECASE)


def _read(text: str, zone: tzinfo, now: datetime) -> AskedTime:
    try:
        if moment := _ago(text, now):
            return AskedTime(_in_range(moment), zone, own_zone=True, relative=True)
        if moment := _epoch(text):
            return AskedTime(_in_range(moment), UTC, own_zone=True)
        rest, own = _own_zone(text, now)
        written = written_time(rest, now.astimezone(own or zone))
    except NoSuchTime:
        raise UnreadableTime(NO_SUCH_TIME) from None
    except OverflowError:
        raise UnreadableTime(OUT_OF_RANGE) from None
    except SeveralTimes as several:
        guesses = tuple(one.replace(tzinfo=own or zone) for one in several.readings if one.year in YEARS)
        raise UnreadableTime(WRONG_WEEKDAY if several.weekday else EITHER_WAY, guesses) from None
    if written is None:
        raise UnreadableTime(UNREADABLE, _guesses(rest, own or zone, now))
    return _resolved(own or zone, own is not None, written)


def _guesses(text: str, zone: tzinfo, now: datetime) -> tuple[datetime, ...]:
    """Return the time that is left when a fraction of a minute or an hour is cut off."""
    cut = _FRACTION.sub(r"\1", text)
    try:
        written = written_time(cut, now.astimezone(zone)) if cut != text else None
    except ValueError:
        return ()
    return (written.local.replace(tzinfo=zone),) if written and written.local.year in YEARS else ()


_FRACTION = re.compile(r"(\d[:.]\d\d)[.,]\d+$")
# The portal's own tables write the age behind the time.
_LISTED = re.compile(r"(.*\d:\d\d:\d\d.*?),? (?:in )?\d+ ?\D+(?:ago|[前后])$")
# What programs write around a time: Go and mail, JavaScript, Kibana, syslog, log files, Redis; and sentences.
_GO = re.compile(r"(\d ?[+-]\d\d:?\d\d) \(?(?:[A-Z]{2,5}|[+-]\d{2,4})\)?(?: m=[+-][\d.]+)?$")
_JAVASCRIPT = re.compile(r"((?:GMT|UTC)[+-]\d{4}) ?\([^()]*\)?$")
_SYSLOG = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z]{2} \d{1,2} \d\d:\d\d:\d\d) [\w.-]+ [\w./-]+(?:\[\d+\])?:.*$")
_SYSLOG_5424 = re.compile(r"<\d{1,3}>1 (\S+T\S+)(?: .*)?$")
_SYSLOG_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) [\w.-]+ [\w./-]+(?:\[\d+\])?:.*$")
_LOG = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*) (?:\[|(?:DEBUG|INFO|WARN|ERROR|FATAL)).*$")
_REDIS = re.compile(r"\d+:[A-Z] (\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3}) [.*#-] .*$")
_AROUND = re.compile(r"^(?:(?:date|time|at|on|the|since|from|around|about):? )+|<(?=\d)| Uhr$", re.IGNORECASE)


def _of_a_program(text: str) -> str:
    for pattern in (_GO, _JAVASCRIPT, _SYSLOG, _SYSLOG_5424, _SYSLOG_ISO, _LOG, _REDIS):
        text = pattern.sub(r"\1", text)
    return _AROUND.sub("", text.replace(" @ ", " "))


def _tidied(text: str) -> str:
    """Return the text with half-width marks, single spaces, and without marks and brackets around it."""
    text = " ".join(plain(text).split())
    return (
        text.strip(MARKS.replace(")", "").replace("]", "") + LEADING_MARKS.replace("<", "") + "«»”“‘’ ")
        .removesuffix(")")
        .removesuffix("]")
        .rstrip(".,; ")
    )


def _in_range(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise UnreadableTime(OUT_OF_RANGE)
    return moment.astimezone(UTC)


# Relative to now, and epochs --------------------------------------------------------

_UNITS = {
    "seconds": "s|secs?|seconds?|秒钟?",
    "minutes": "m|mins?|minutes?|分钟?",
    "hours": "h|hrs?|hours?|个?小时|个?钟头",
    "days": "d|days?|天|日",
    "weeks": "w|weeks?|周|个?星期",
}
_AMOUNTS = {"a": 1.0, "an": 1.0, "一": 1.0, "两": 2.0, "half an": 0.5, "半": 0.5}
_AMOUNT = r"\d{1,9}(?:\.\d{1,3})?|一|两|半|(?<![a-z])(?:a|an|half an)(?= )"
_UNIT = rf"(?:{'|'.join(_UNITS.values())})(?![a-z])"
_SPAN = re.compile(rf"({_AMOUNT}) ?({_UNIT})", re.IGNORECASE)
_SPANS = rf"(?:(?:{_AMOUNT}) ?{_UNIT}(?:,? and |,? ?))+"
_AGO = re.compile(rf"({_SPANS})(?:ago|之?以?前)|(?:now ?)?- ?({_SPANS})", re.IGNORECASE)
_NOW = re.compile("now|just now|现在|刚才|刚刚", re.IGNORECASE)


def _ago(text: str, now: datetime) -> datetime | None:
    if _NOW.fullmatch(text):
        return now
    found = _AGO.fullmatch(text)
    return now - sum(_spans(found[1] or found[2]), timedelta()) if found else None


def _spans(text: str) -> list[timedelta]:
    spans = []
    for amount, unit in _SPAN.findall(text):
        name = next(n for n, pattern in _UNITS.items() if re.fullmatch(pattern, unit, re.IGNORECASE))
        number = _AMOUNTS.get(amount.lower())
        spans.append(timedelta(**{name: float(amount) if number is None else number}))
    return spans


_EPOCH = re.compile(r"@?(\d{9,10})(?:\.(\d{1,9}))?|@?(\d{13}|\d{16}|\d{19})")


def _epoch(text: str) -> datetime | None:
    """Seconds, with a fraction or without, or milli-, micro- or nanoseconds since 1970."""
    found = _EPOCH.fullmatch(text)
    if not found:
        return None
    seconds, fraction, fine = found.groups()
    if fine:
        micro = int(fine) * 10**6 // 10 ** (len(fine) - 10)
    else:
        micro = int(seconds + (fraction or "").ljust(6, "0")[:6])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micro)


# Zones ------------------------------------------------------------------------------

_OFFSET = r"([+-]) ?(\d{1,2})(?::?([0-5]\d))?"
# In a query string the + of an offset arrives as a space; an offset stands after a time of day only.
_AFTER_TIME = re.compile(
    rf"(.*(?:\d:\d\d(?::\d\d(?:[.,]\d+)?)?|T\d\d|T\d{{4}}|T\d{{6}}(?:[.,]\d+)?|[点时分秒半]|[ap]m))"
    rf" ?(?:{_OFFSET}| (\d\d)(?::?([0-5]\d))?)",
    re.IGNORECASE,
)
_AFTER_DOTS = re.compile(rf"(.*[T ]\d{{1,2}}[.,]\d\d(?:[.,]\d\d(?:[.,]\d+)?)?) ?{_OFFSET}", re.IGNORECASE)
_UTC = re.compile(
    rf"(.*?)(?:(?<=\d)| )\(?(?:Z|UTC|GMT)(?: ?{_OFFSET}| (\d{{1,2}})(?::?([0-5]\d))?)?\)?", re.IGNORECASE
)
_NAMED = re.compile(r"(.*?) ?[\[(]?\b([A-Za-z][A-Za-z_-]*/[A-Za-z0-9_+/-]+)[\])]?")
_CHINESE = re.compile(rf"({'|'.join(CHINESE_NAMES)})(?:标准)?时间")
_ABBREVIATED = re.compile(
    rf".*\d[ap. m]*\(?\b({'|'.join((*CERTAIN_ABBREVIATIONS, *SEVERAL_ZONES))})\b\)?",
    re.IGNORECASE,
)


def _own_zone(text: str, now: datetime) -> tuple[str, tzinfo | None]:
    """Take the zone out of a text that names one. Raises UnreadableTime for one that names several."""
    if found := _CHINESE.search(text):
        return _CHINESE.sub("", text).strip(" :,()"), ZoneInfo(CHINESE_NAMES[found[1]])
    rest, named = text, None
    if found := _NAMED.fullmatch(text):
        rest, named = found[1], _zone_named(found[2])
    # 2026-11-23T09:40+08:00[Asia/Shanghai]: the offset tells the instant.
    for pattern in (_AFTER_TIME, _UTC, _AFTER_DOTS):
        if found := pattern.fullmatch(rest):
            return found[1], _fixed(*found.groups()[1:])
    if found := _ABBREVIATED.fullmatch(rest):
        name, before = found[1].upper(), rest[: found.start(1)].rstrip(" (")
        if name in CERTAIN_ABBREVIATIONS:
            return before, timezone(timedelta(hours=CERTAIN_ABBREVIATIONS[name]))
        raise UnreadableTime(
            format_lazy(ABBREVIATION, name=name), _in_zones(before, SEVERAL_ZONES[name], now)
        )
    if named is None and (found := _CITY.fullmatch(rest)) and (zone := zone_of_city(found[2])):
        return found[1], ZoneInfo(zone)
    return rest, named


def _in_zones(text: str, hours: tuple[float, ...], now: datetime) -> tuple[datetime, ...]:
    """Return the time that is written in each of the zones that are so many hours ahead of UTC."""
    zones = [timezone(timedelta(hours=offset)) for offset in hours]
    try:
        readings = [(written_time(text, now.astimezone(zone)), zone) for zone in zones]
    except ValueError:
        return ()
    return tuple(one.local.replace(tzinfo=zone) for one, zone in readings if one and one.local.year in YEARS)


# "2026-11-23 09:40 Shanghai time": a city behind a time of day.
_CITY = re.compile(r"(.*\d[ap. m]*),? \(?([A-Za-z][A-Za-z .'_-]{2,40}?)(?: time)?\)?", re.IGNORECASE)


def _zone_named(name: str) -> ZoneInfo:
    known = iana_zone(name)
    if not known:
        raise UnreadableTime(_("it names a zone that is not an IANA time zone such as Asia/Shanghai"))
    return ZoneInfo(known)


def _fixed(sign: str | None, *hours_and_minutes: str | None) -> tzinfo:
    """Return the zone of an offset, whose hours and minutes stand behind a sign or behind a space for one."""
    hours, minutes = (next(filter(None, hours_and_minutes[n::2]), 0) for n in (0, 1))
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset > timedelta(hours=14):
        raise UnreadableTime(_("its offset is larger than that of any time zone"))
    return timezone(-offset if sign == "-" else offset) if offset else UTC


def _resolved(zone: tzinfo, own_zone: bool, written: Written) -> AskedTime:
    """Return the instant of a local time; the earlier one where the clocks show it twice or never."""
    local = written.local
    if local.year not in YEARS:
        raise UnreadableTime(OUT_OF_RANGE)
    readings = sorted(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    earlier, later = readings
    if earlier == later:
        return AskedTime(earlier, zone, own_zone, written.relative, written.whole_day)
    shown = earlier.astimezone(zone).replace(tzinfo=None)
    doubt: Literal["twice", "never"] = "twice" if shown == local else "never"
    return AskedTime(earlier, zone, own_zone, written.relative, written.whole_day, doubt, later)
