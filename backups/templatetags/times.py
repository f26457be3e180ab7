"""How times and ages are written: in one zone, which they name, and for one moment, until which they hold.

A page writes hundreds of them, so the parts that repeat are kept, and a text that
depends on the time says until when it stays true: until then it need not be written again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property, lru_cache
from math import inf

from django.template import Context
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext, pgettext

from backups.services.words import zone_label

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass
class Clock:
    """The moment, the zone and the language that a page is written for.

    `until` is the time, in seconds since 1970, at which the first of the texts
    that were written by it would be another one.
    """

    now: datetime
    zone: tzinfo = UTC
    language: str | None = field(default_factory=get_language)
    until: float = inf

    @classmethod
    def of(cls, context: Context) -> Clock:
        """Return the clock of a page, or of a part of it that is kept.

        A page may pass a zone of its own, which its link asks for; else it is the viewer's.
        """
        clock = context.get("_clock")
        if isinstance(clock, Clock):
            return clock
        now = context.get("now")
        zone = context.get("zone") or getattr(context.get("preferences"), "zone", None)
        clock = cls(
            now if isinstance(now, datetime) else timezone.now(), zone if isinstance(zone, tzinfo) else UTC
        )
        # At the bottom of the context, so that all of this page has the one.
        context.dicts[0]["_clock"] = clock
        return clock

    @cached_property
    def seconds(self) -> float:
        return self.now.timestamp()

    @cached_property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @cached_property
    def midnight(self) -> float:
        """The next one in the zone: then "today" is another day, and perhaps another year."""
        return datetime.combine(self.today + timedelta(days=1), time(), self.zone).timestamp()

    def narrow(self, until: float) -> None:
        self.until = min(self.until, until)


# Times -----------------------------------------------------------------------


def moment(clock: Clock, value: datetime, style: str = "") -> SafeString:
    """Return a `<time>` in the clock's zone, which it names; hovering it shows UTC and the age.

    style "time" leaves the date out where it is today's; "long" has the year always.
    """
    utc = value.astimezone(UTC).isoformat(" ", "seconds")
    local = value.astimezone(clock.zone)
    title = gettext("%(time)s UTC, %(age)s") % {"time": utc[:19], "age": age(clock, value)}
    clock.narrow(clock.midnight)
    return mark_safe(
        f'<time datetime="{utc[:10]}T{utc[11:19]}Z" title="{escape(title)}">'
        f'{_written(clock, local, style)} <span class="zone">{zone_label(local)}</span></time>'
    )


def _written(clock: Clock, local: datetime, style: str) -> str:
    day, written = local.date(), local.isoformat(" ", "seconds")[11:19]
    if style == "time" and day == clock.today:
        return written
    with_year = style == "long" or day.year != clock.today.year
    return f"{_day(day, with_year, clock.language)} {written}"


@lru_cache(maxsize=4096)
def _day(day: date, with_year: bool, language: str | None) -> str:
    pattern = pgettext("a date with its year", "j M Y") if with_year else pgettext("a date", "j M")
    return escape(format_date(day, pattern))


# Ages ------------------------------------------------------------------------


def age(clock: Clock, value: datetime, *, short: bool = False) -> str:
    """Return "3 h 12 min ago", or "in 5 min"; a short one has one unit only."""
    seconds = (clock.now - value).total_seconds()
    if -2 < seconds < 1:
        clock.narrow(clock.seconds + 1 - seconds)
        return gettext("just now")
    if seconds < 0:
        # What is yet to come is rare: it is counted down second by second.
        clock.narrow(clock.seconds - seconds % -1)
        return _age(int(seconds), short, clock.language)
    whole = int(seconds)
    step = 1 if whole < _MINUTE else _MINUTE if whole < _DAY else _HOUR if whole < 60 * _DAY else _DAY
    whole -= whole % step
    clock.narrow(clock.seconds - seconds + whole + step)
    return _age(whole, short, clock.language)


def counting_age(clock: Clock, value: datetime, style: str = "") -> SafeString:
    """Return an age that a script lets count on; style "short", or "until": "now" once its time has come."""
    come = style == "until" and value - clock.now < timedelta(seconds=2)
    return format_html(
        '<span data-since="{}"{}>{}</span>',
        utc_milliseconds(value),
        format_html(' data-age="{}"', style) if style else "",
        gettext("now") if come else age(clock, value, short=style == "short"),
    )


def utc_milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=8)
def age_words(language: str | None) -> str:
    """Return the words of ages in the active language, as JSON for the script that lets them count on."""
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


@lru_cache(maxsize=8192)
def _age(seconds: int, short: bool, language: str | None) -> str:
    span = span_of(abs(seconds), short=short)
    return (gettext("%(span)s ago") if seconds > 0 else gettext("in %(span)s")) % {"span": span}


def span_of(seconds: int, *, short: bool) -> str:
    minutes, hours, days = seconds // _MINUTE, seconds // _HOUR, seconds // _DAY
    if not minutes:
        return gettext("%(s)d s") % {"s": seconds}
    if not hours:
        return gettext("%(min)d min") % {"min": minutes}
    if not days:
        if short or not minutes % 60:
            return gettext("%(h)d h") % {"h": hours}
        return gettext("%(h)d h %(min)d min") % {"h": hours, "min": minutes % 60}
    if days < 60:
        if short or days >= 7 or not hours % 24:
            return gettext("%(d)d d") % {"d": days}
        return gettext("%(d)d d %(h)d h") % {"d": days, "h": hours % 24}
    if days < 730:
        return ngettext("%(n)d month", "%(n)d months", days // 30) % {"n": days // 30}
    return ngettext("%(n)d year", "%(n)d years", days // 365) % {"n": days // 365}
