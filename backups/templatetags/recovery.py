"""How a recovery point is written on its page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django import template
from django.template import Context
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from backups.dcs.records import BackupRecord
from backups.services.history import utc_text
from backups.services.recovery import Candidate, at_most, block_sentence, minutes, why_not, zone_of

from . import times
from .overview import outlook_text
from .times import Clock, span_of

register = template.Library()

for say in (at_most, block_sentence, minutes, why_not):
    register.filter(say)
register.simple_tag(zone_of)


@register.filter
def age_of(span: timedelta) -> str:
    return span_of(max(0, int(span.total_seconds())), short=False)


@register.simple_tag(takes_context=True)
def ended(context: Context, candidate: Candidate) -> SafeString | str:
    """Return when a backup ended: the time of day alone where that is the day on which it began."""
    if candidate.ended is None:
        return ""
    clock = Clock.of(context)
    began, end = candidate.data_from.astimezone(clock.zone), candidate.ended.astimezone(clock.zone)
    if began.date() != end.date():
        return times.moment(clock, candidate.ended)
    title = gettext("%(time)s UTC") % {"time": f"{candidate.ended.astimezone(UTC):%Y-%m-%d %H:%M:%S}"}
    written = f"{end:%H:%M:%S}"
    return format_html('<time datetime="{}" title="{}">{}</time>', utc_text(candidate.ended), title, written)


@register.simple_tag(takes_context=True)
def in_utc(context: Context, value: datetime) -> str:
    """Return a time in UTC where the page writes it in another zone, else ""."""
    elsewhere = value.astimezone(Clock.of(context).zone).utcoffset()
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if elsewhere else ""


@register.simple_tag(takes_context=True)
def kept_for(context: Context, record: BackupRecord) -> str:
    """Return in one line how long a backup's file is likely to be kept, "" where nothing is estimated."""
    return outlook_text(record, context["overview"], Clock.of(context))


@register.simple_tag(takes_context=True)
def goes_soon(context: Context, record: BackupRecord) -> bool:
    found = context["overview"].outlook(record)
    return found is not None and found.goes_soon(Clock.of(context).now)


@register.simple_tag
def utc_code(value: datetime) -> str | None:
    """Return a time as a link carries it."""
    return utc_text(value)


@register.simple_tag(takes_context=True)
def moment_text(context: Context, value: datetime) -> str:
    """Return a time as `moment` writes it, where no element may stand."""
    return strip_tags(times.moment(Clock.of(context), value))
