"""How the head of a history is written; days.py has its strip, charts.py its drawings.

All of it is the same for every viewer of a language and a zone. So each part is
written once for a generation and shown again while what it says holds.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta, tzinfo
from html import escape

from django import template
from django.template import Context
from django.utils.dateformat import format as format_date
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext, pgettext

from backups.dcs.records import BackupRecord
from backups.services.eligibility import Eligibility, eligibility
from backups.services.insights import Outlook, Overview
from backups.services.words import duration, rate, size_text, status_word, verdict_sentence, zone_label

from .charts import Chart, Mark
from .kept import Shelf, Text
from .row_links import rows_base
from .times import Clock, span_of

register = template.Library()
register.filter(rate)

# Parts that are kept -----------------------------------------------------------

_shelf = Shelf(4_000_000)
# Backups leave the last 30 days and plans become due: that soon is soon enough. Ages and days are exact.
HOLDS = 600.0
# A clock that is put back makes a day longer.
_LONGEST_DAY = timedelta(hours=26)


@register.simple_tag(takes_context=True)
def overview_part(context: Context, name: str) -> SafeString:
    """Return one part of the head of a history: the template `name` over this page's overview.

    It sees nothing of the page but what its key has: no viewer, no request, and an address
    that only those get who may see it.
    """
    overview: Overview = context["overview"]
    clock, base = Clock.of(context), rows_base(context)
    key = (name, overview.kept_key, clock.language, clock.zone, base, _chosen_day(context))
    text = _shelf.get(key, clock.seconds)
    if text is None:
        text = _written(context, name, overview, base)
        _shelf.put(key, text)
    clock.narrow(text.until)
    return text.html


def _chosen_day(context: Context) -> Hashable:
    """Return the bounds that may be those of a day; other ones mark none, and would part what is kept."""
    wanted = context.get("filter")
    if not wanted or not wanted.start or not wanted.end or wanted.end - wanted.start > _LONGEST_DAY:
        return None
    return wanted.start, wanted.end


def _written(context: Context, name: str, overview: Overview, base: str) -> Text:
    page = Clock.of(context)
    clock = Clock(page.now, page.zone, page.language)
    clock.narrow(min(clock.seconds + HOLDS, overview.days[-1].end.timestamp()))
    names = ("project", "instance_id", "filter")
    seen = {"overview": overview, "rows_base": base, "_clock": clock} | {n: context.get(n) for n in names}
    shown = context.template
    assert shown  # a tag is rendered by one
    html = shown.engine.get_template(name).render(context.new(seen))
    return Text(html, clock.seconds, clock.until)


@register.filter
def eligibility_of(record: BackupRecord) -> Eligibility:
    return eligibility(record)


@register.simple_tag
def verdict_of(record: BackupRecord) -> str:
    return verdict_sentence(eligibility(record))


# Numbers ---------------------------------------------------------------------


@register.filter
def how_long(value: timedelta | None) -> str:
    """Return "8 m 56 s", and from a day on "2 d 4 h"."""
    return span(value) if value and value >= timedelta(days=1) else duration(value)


@register.filter
def span(value: timedelta | None) -> str:
    """Return "2 d 4 h": how long ago or apart, in two units at most."""
    return span_of(int(value.total_seconds()), short=False) if value is not None else ""


@register.filter
def size_change(part: float) -> str:
    """Return "+0.9 % against the one before"."""
    if abs(part) < 0.0005:
        return gettext("as large as the one before")
    digits = f"{abs(part) * 100:.1f}" if abs(part) < 0.1 else f"{abs(part) * 100:.0f}"
    return gettext("%(change)s %% against the one before") % {"change": f"{'+' if part > 0 else '−'}{digits}"}


# Estimates -------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def about(context: Context, moment: datetime, style: str = "") -> str:
    """Return "27 Nov 03:00 UTC" in the page's zone, to the minute; style "day" has the date alone."""
    clock = Clock.of(context)
    return about_time(moment, clock.zone, clock.now, day=style == "day")


def about_time(moment: datetime, zone: tzinfo, now: datetime, *, day: bool = False) -> str:
    local = moment.astimezone(zone)
    this_year = local.year == now.astimezone(zone).year
    pattern = pgettext("a date", "j M") if this_year else pgettext("a date with its year", "j M Y")
    written = str(format_date(local, pattern))
    return written if day else f"{written} {local:%H:%M} {zone_label(local)}"


@register.simple_tag(takes_context=True)
def chart_marks(context: Context, chart: Chart) -> SafeString:
    """Return the marks of the size chart with their titles, written without a template: up to sixty."""
    clock = Clock.of(context)
    return mark_safe("".join(_mark(mark, clock) for mark in chart.marks))


def _mark(mark: Mark, clock: Clock) -> str:
    said = gettext("%(time)s: %(size)s") % {
        "time": about_time(mark.at, clock.zone, clock.now),
        "size": size_text(mark.size),
    }
    if not mark.held:
        said = f"{said} ({status_word(mark.status)})"
    gone = "" if mark.held else " gone"
    return f'<path class="mark{gone}" d="M{mark.x} {mark.y}h0"><title>{escape(said)}</title></path>'


@register.simple_tag(takes_context=True)
def outlook_brief(context: Context, record: BackupRecord) -> str:
    """Return "kept until about 30 Nov", "" where nothing is estimated."""
    found = context["overview"].outlook(record)
    if found is None or found.until is None or found.overdue:
        return ""
    return gettext("kept until about %(day)s") % {"day": about(context, found.until, "day")}


def outlook_text(record: BackupRecord, overview: Overview, clock: Clock) -> str:
    """Return in one line how long a file is likely to be kept, "" where nothing is estimated."""
    found = overview.outlook(record)
    if found is None:
        return ""
    parts = [_until(found, clock)]
    if found.place and found.newer_to_push_out:
        pushed = ngettext(
            "file %(place)d of at most 24: %(n)d newer one would push it out",
            "file %(place)d of at most 24: %(n)d newer ones would push it out",
            found.newer_to_push_out,
        )
        parts.append(pushed % {"place": found.place, "n": found.newer_to_push_out})
    said = pgettext("between reasons", "; ").join(filter(None, parts))
    return gettext("Estimate: %(outlook)s") % {"outlook": said} if said else ""


def _until(found: Outlook, clock: Clock) -> str:
    if found.by_hand:
        return gettext("kept until somebody deletes it")
    if found.until is None or found.keep_days is None:
        return ""
    if found.overdue:
        n = found.keep_days
        return ngettext("kept beyond its %(n)d day", "kept beyond its %(n)d days", n) % {"n": n}
    clock.narrow(found.until.timestamp())
    until = about_time(found.until, clock.zone, clock.now)
    kept = gettext("kept until about %(time)s (%(n)d-day rule)")
    return kept % {"time": until, "n": found.keep_days}
