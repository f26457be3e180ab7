"""How times and ages are said: in one zone, which they name, for one moment; and the zones. As plain text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext, ngettext, pgettext

from .values import cached_per_language, zone_label


class Moment(NamedTuple):
    """What a `<time>` says: `title` has UTC and the age, `text` is in the page's zone; `age` has one unit."""

    iso: str
    title: str
    text: str
    zone: str
    age: str


def written(moment: datetime) -> str:
    """Return a moment in full, in its own zone."""
    return Clock(moment, moment.tzinfo or UTC).text(moment, "long")


@dataclass(frozen=True)
class Clock:
    """The moment and the zone that a page is written for."""

    now: datetime
    zone: tzinfo = UTC

    @cached_property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @cached_property
    def _phrases(self) -> tuple[str, str, str]:
        """What a page says hundreds of times: a time with its age, an age, and what is to come."""
        return gettext("%(time)s UTC, %(age)s"), gettext("%(span)s ago"), gettext("in %(span)s")

    @cached_property
    def _days(self) -> dict[tuple[date, bool], str]:
        """The days that this page has named so far: its rows share most of them."""
        return {}

    def _day(self, day: date, *, year: bool = False) -> str:
        """Return "27 Nov"; with the year where it is not this year."""
        key = day, year or day.year != self.today.year
        if key not in self._days:
            pattern = pgettext("a date with its year", "j M Y") if key[1] else pgettext("a date", "j M")
            self._days[key] = format_date(day, pattern)
        return self._days[key]

    def time(self, value: datetime, style: str = "") -> Moment:
        """style "time" leaves the date out where it is today's; "long" has the year always."""
        utc = value.astimezone(UTC).isoformat(" ", "seconds")
        local = value.astimezone(self.zone)
        day, text = local.date(), local.isoformat()[11:19]
        if style != "time" or day != self.today:
            text = f"{self._day(day, year=style == 'long')} {text}"
        title = self._phrases[0] % {"time": utc[:19], "age": self.age(value)}
        return Moment(f"{utc[:10]}T{utc[11:19]}Z", title, text, zone_label(local), self.age(value, "short"))

    def text(self, value: datetime, style: str = "") -> str:
        at = self.time(value, style)
        return f"{at.text} {at.zone}"

    def age(self, value: datetime, style: str = "") -> str:
        """Return "3 h 12 min ago", or "in 5 min".

        style "short" has one unit only; "until" is "now" once its time has come.
        """
        seconds = int((self.now - value).total_seconds())
        if style == "until" and seconds > -2:
            return gettext("now")
        if -2 < seconds < 1:
            return gettext("just now")
        said = self._phrases[1 if seconds > 0 else 2]
        return said % {"span": _span(abs(seconds), short=style == "short")}

    def about(self, value: datetime, *, day: bool = False) -> str:
        """Return "27 Nov 03:00 UTC", or the day alone."""
        local = value.astimezone(self.zone)
        written = self._day(local.date())
        return written if day else f"{written} {local.isoformat()[11:16]} {zone_label(local)}"

    def days(self, first: datetime, last: datetime) -> str:
        """Return the days from one time to another: "21 Nov", "3 to 21 Nov" or "28 Oct to 21 Nov"."""
        start, end = first.astimezone(self.zone).date(), last.astimezone(self.zone).date()
        said = self._day(end)
        if start == end:
            return said
        since = self._day(start)
        if (start.year, start.month, end.year) == (end.year, end.month, self.today.year):
            since = format_date(start, pgettext("the first of two days of a month", "j"))
            said = format_date(end, pgettext("the last of two days of a month", "j M"))
        return gettext("%(first)s to %(last)s") % {"first": since, "last": said}


def span(value: timedelta | None) -> str:
    """Return "2 d 4 h": how long ago or apart, in two units at most."""
    return _span(int(value.total_seconds())) if value is not None else ""


def duration(value: timedelta | None) -> str:
    """Return how long something took: "1 min 9 s", else as a span."""
    minutes, seconds = divmod(int(value.total_seconds()), 60) if value else (0, 0)
    if value and not (minutes or seconds):
        return gettext("under 1 s")
    if 0 < minutes < 60 and seconds:
        return gettext("%(min)d min %(s)d s") % {"min": minutes, "s": seconds}
    return span(value)


def _span(seconds: int, *, short: bool = False) -> str:
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if not minutes:
        return gettext("%(s)d s") % {"s": seconds}
    if not days:
        return _hours_and_minutes(hours * 60 if short and hours else minutes)
    if days < 60:
        return _days_and_hours(days * 24 if short or days >= 7 else hours)
    if days < 730:
        return ngettext("%(n)d month", "%(n)d months", days // 30) % {"n": days // 30}
    return ngettext("%(n)d year", "%(n)d years", days // 365) % {"n": days // 365}


def _hours_and_minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if not hours:
        return gettext("%(min)d min") % {"min": minutes}
    return (gettext("%(h)d h %(min)d min") if rest else gettext("%(h)d h")) % {"h": hours, "min": rest}


def _days_and_hours(hours: int) -> str:
    days, rest = divmod(hours, 24)
    return (gettext("%(d)d d %(h)d h") if rest else gettext("%(d)d d")) % {"d": days, "h": rest}


def at_most(lost: timedelta) -> str:
    """Return "32 s" or "3 h 41 min", rounded up: to seconds, minutes, hours or days the longer it is."""
    if lost < timedelta(minutes=1):
        return gettext("%(s)d s") % {"s": -(-lost // timedelta(seconds=1))}
    minutes = -(-lost // timedelta(minutes=1))
    if minutes < 24 * 60:
        return _hours_and_minutes(minutes)
    hours = -(-minutes // 60)
    return _days_and_hours(hours if hours < 60 * 24 else -(-hours // 24) * 24)


def weekday_and_date(day: date) -> str:
    return format_date(day, pgettext("a day of the week and a date", "D j M"))


def month(day: date) -> str:
    return format_date(day, pgettext("a month", "M"))


def utc_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def utc_milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cached_per_language
def age_words() -> str:
    """Return the words of ages as JSON, for the script that lets them count on (static/js/live.js)."""
    words = {
        "just now": gettext("just now"),
        "now": gettext("now"),
        "ago": gettext("%(span)s ago"),
        "in": gettext("in %(span)s"),
        "title": gettext("%(time)s UTC, %(age)s"),
        "s": gettext("%(s)d s"),
        "min": gettext("%(min)d min"),
        "h": gettext("%(h)d h"),
        "h min": gettext("%(h)d h %(min)d min"),
        "d": gettext("%(d)d d"),
        "d h": gettext("%(d)d d %(h)d h"),
    }
    return json.dumps(words, ensure_ascii=False)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the IANA zones; the others of the list depend on the machine, or are no zones."""
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}


def known_zone(name: str) -> ZoneInfo | None:
    """Return the IANA zone of that name, if there is one."""
    # ZoneInfo(name) reads files by name: only what the list has may be asked for.
    return ZoneInfo(name) if name in zone_names() else None


# By the beginning of a region's name, the longest that fits; the vendor's list of regions and endpoints.
_ZONE_OF_REGION = {
    "cn-": "Asia/Shanghai",
    "ap-southeast-1": "Asia/Hong_Kong",
    "ap-southeast-2": "Asia/Bangkok",
    "ap-southeast-3": "Asia/Singapore",
    "ap-southeast-4": "Asia/Jakarta",
    "ap-southeast-5": "Asia/Manila",
    "my-kualalumpur-": "Asia/Kuala_Lumpur",
    "af-south-": "Africa/Johannesburg",
    "af-north-": "Africa/Cairo",
    "la-north-": "America/Mexico_City",
    "na-mexico-": "America/Mexico_City",
    "la-south-": "America/Santiago",
    "sa-brazil-": "America/Sao_Paulo",
    "sa-argentina-": "America/Argentina/Buenos_Aires",
    "sa-peru-": "America/Lima",
    "sa-chile-": "America/Santiago",
    "tr-west-": "Europe/Istanbul",
    "eu-west-101": "Europe/Dublin",
    "eu-west-0": "Europe/Paris",
    "eu-de": "Europe/Berlin",
    "eu-nl": "Europe/Amsterdam",
    "eu-ch": "Europe/Zurich",
    "me-east-": "Asia/Riyadh",
    "ae-ad-": "Asia/Dubai",
    "ru-": "Europe/Moscow",
}


def zone_of_region(region: str) -> str:
    """Return the IANA zone where a region's people are; "" for a region that is not known."""
    fitting = [start for start in _ZONE_OF_REGION if region.startswith(start)]
    return _ZONE_OF_REGION[max(fitting, key=len)] if fitting else ""
