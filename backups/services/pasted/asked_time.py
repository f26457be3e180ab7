"""A time as a person types or pastes it -> the instant that it means, and how it was understood.

Read are ISO 8601, what logs, mails, tickets and the portal's own pages write, epochs, "2 h ago" and
"昨天 22:00". Without a zone of its own a time is read in the zone of the link. What can be read in
two ways is refused with both readings, to choose from. A local time that the clocks show twice or never has
two readings, of which the earlier is taken, since what is from before it is from before the other as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from .iso_time import YEARS
from .query import LEADING_MARKS, MARKS
from .transport import plain
from .written_time import UnreadableTime, Written, in_one_form, written_times
from .zones import without_chinese_zone, without_zone

LONGEST = 100
Reading = tuple[Written, tzinfo]


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


UNREADABLE = _(
    "the portal cannot read it as a time: write it like 2026-11-23 09:40, "
    "2026-11-23T09:40:00+08:00, 1795426800 or 2 h ago"
)
OUT_OF_RANGE = _("its year is not between 1970 and 2200")


def asked_time(text: str, *, zone: tzinfo, now: datetime) -> AskedTime:
    """Return what `text` means, read in `zone` where it names none. Raises UnreadableTime."""
    if len(text) > LONGEST:
        raise UnreadableTime(_("it is longer than 100 characters"))
    text = _tidied(text)
    try:
        if moment := _ago(text, now):
            return AskedTime(_in_range(moment), zone, own_zone=True, relative=True)
        if moment := _epoch(text):
            return AskedTime(_in_range(moment), UTC, own_zone=True)
        return _written(text, zone, now)
    except UnreadableTime:
        raise
    except ValueError:
        raise UnreadableTime(_("there is no such day or time")) from None
    except OverflowError:
        raise UnreadableTime(OUT_OF_RANGE) from None


def _written(text: str, zone: tzinfo, now: datetime) -> AskedTime:
    text, own = without_chinese_zone(text)
    local, weekday = in_one_form(text)
    uncertain = ""
    if not own:
        local, own, uncertain = without_zone(local)

    def readings(local: str) -> list[Reading]:
        zones = own or [zone]
        return [(one, of) for of in zones for one in written_times(local, weekday, now.astimezone(of))]

    found = readings(local)
    if uncertain:
        sentence = _(
            "{name} can mean several zones: write an offset such as +08:00, or a zone such as Asia/Shanghai"
        )
        raise UnreadableTime(format_lazy(sentence, name=uncertain), _guesses(found))
    if not found:
        # The time that is left when a fraction of a minute or an hour is cut off.
        cut = re.sub(r"(\d[:.]\d\d)[.,]\d+$", r"\1", local)
        raise UnreadableTime(UNREADABLE, _guesses(readings(cut)))
    fitting = [(one, of) for one, of in found if weekday in (None, one.local.weekday())]
    if not fitting:
        raise UnreadableTime(_("the weekday does not match the date"), _guesses(found))
    if len({one.local for one, _of in fitting}) > 1:
        sentence = _("day and month are ambiguous: write the year first, as in 2026-11-23")
        raise UnreadableTime(sentence, _guesses(fitting))
    [(written, of), *_same] = fitting
    return _resolved(of, bool(own), written)


def _guesses(readings: list[Reading]) -> tuple[datetime, ...]:
    moments = (one.local.replace(tzinfo=zone) for one, zone in readings if one.local.year in YEARS)
    return tuple(dict.fromkeys(moments))


# What programs write around a time: Go and mail, JavaScript, syslog, log files, Redis; and the portal's own
# tables, the age behind it.
_AROUND = [
    re.compile(pattern)
    for pattern in (
        r"(\d ?[+-]\d\d:?\d\d) \(?(?:[A-Z]{2,5}|[+-]\d{2,4})\)?(?: m=[+-][\d.]+)?$",
        r"((?:GMT|UTC)[+-]\d{4}) ?\([^()]*\)?$",
        r"(?:<\d{1,3}>)?([A-Z][a-z]{2} \d{1,2} \d\d:\d\d:\d\d) [\w.-]+ [\w./-]+(?:\[\d+\])?:.*$",
        r"<\d{1,3}>1 (\S+T\S+)(?: .*)?$",
        r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) [\w.-]+ [\w./-]+(?:\[\d+\])?:.*$",
        r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*) (?:\[|(?:DEBUG|INFO|WARN|ERROR|FATAL)).*$",
        r"\d+:[A-Z] (\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3}) [.*#-] .*$",
        r"(.*\d:\d\d:\d\d.*?),? (?:in )?\d+ ?\D+(?:ago|[前后])$",
    )
]
_WORDS_AROUND = re.compile(
    r"^(?:(?:date|time|at|on|the|since|from|around|about):? )+|<(?=\d)| Uhr$", re.IGNORECASE
)


def _tidied(text: str) -> str:
    """Return the text with half-width marks, single spaces, and without what stands around a time."""
    text = " ".join(plain(text).split())
    text = text.strip(MARKS.replace(")", "").replace("]", "") + LEADING_MARKS.replace("<", "") + "«»”“‘’ ")
    text = text.removesuffix(")").removesuffix("]").rstrip(".,; ")
    for pattern in _AROUND:
        text = pattern.sub(r"\1", text)
    return _WORDS_AROUND.sub("", text)


def _in_range(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise UnreadableTime(OUT_OF_RANGE)
    return moment.astimezone(UTC)


_AMOUNTS = {"a": 1.0, "an": 1.0, "一": 1.0, "两": 2.0, "half an": 0.5, "半": 0.5}
_SPAN = (
    r"(?P<amount>\d{1,9}(?:\.\d{1,3})?|一|两|半|(?<![a-z])(?:a|an|half an)(?= )) ?"
    r"(?:(?P<seconds>s|secs?|seconds?|秒钟?)|(?P<minutes>m|mins?|minutes?|分钟?)"
    r"|(?P<hours>h|hrs?|hours?|个?小时|个?钟头)|(?P<days>d|days?|天|日)|(?P<weeks>w|weeks?|周|个?星期))"
    r"(?![a-z])"
)
_SPANS = rf"(?:{re.sub('P<[a-z]+>', ':', _SPAN)}(?:,? and |,? ?))+"
_AGO = re.compile(rf"({_SPANS})(?:ago|之?以?前)|(?:now ?)?- ?({_SPANS})", re.IGNORECASE)
_NOW = re.compile("now|just now|现在|刚才|刚刚", re.IGNORECASE)


def _ago(text: str, now: datetime) -> datetime | None:
    if _NOW.fullmatch(text):
        return now
    if not (ago := _AGO.fullmatch(text)):
        return None
    for span in re.finditer(_SPAN, ago[1] or ago[2], re.IGNORECASE):
        amount = span["amount"].lower()
        now -= timedelta(**{str(span.lastgroup): float(_AMOUNTS.get(amount, amount))})
    return now


# Seconds, with a fraction or without, or milli-, micro- or nanoseconds since 1970.
_EPOCH = re.compile(r"@?(?:(\d{9,10})(?:\.(\d{1,9}))?|(\d{10})(\d{3}|\d{6}|\d{9}))")


def _epoch(text: str) -> datetime | None:
    found = _EPOCH.fullmatch(text)
    if not found:
        return None
    seconds, fraction = found[1] or found[3], found[2] or found[4] or ""
    micro = int(fraction.ljust(6, "0")[:6])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds), microseconds=micro)


def _resolved(zone: tzinfo, own_zone: bool, written: Written) -> AskedTime:
    """Return the instant of a local time; the earlier one where the clocks show it twice or never."""
    local = written.local
    if local.year not in YEARS:
        raise UnreadableTime(OUT_OF_RANGE)
    earlier, later = sorted(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    asked = AskedTime(earlier, zone, own_zone, written.relative, written.whole_day)
    if earlier == later:
        return asked
    is_shown = earlier.astimezone(zone).replace(tzinfo=None) == local
    return replace(asked, doubt="twice" if is_shown else "never", other=later)
