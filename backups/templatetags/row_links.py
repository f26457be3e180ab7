"""Links to the rows behind a figure, a day or a hint: they set the filters anew and keep everything else."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import template
from django.http import QueryDict
from django.template import Context

from backups.dcs.records import BackupRecord
from backups.services.history import PARAMETERS, backup_url, utc_text
from backups.services.insights import Hint

from .query_links import links_of

register = template.Library()

# What narrows a history. A figure's link says anew what it shows, and keeps everything else.
_NARROWING = PARAMETERS - {"sort", "per_page"}
_ROWS = "#backups"


@register.simple_tag(takes_context=True)
def rows_url(context: Context, **filters: Any) -> str:
    """Return the link to the rows behind a figure: several values of one filter are joined by "|"."""
    query = QueryDict(mutable=True)
    for name, value in filters.items():
        query.setlist(name, str(value).split("|") if isinstance(value, str) else [utc_text(value) or ""])
    return _to_rows(context, query)


@register.simple_tag(takes_context=True)
def row_of(context: Context, record: BackupRecord) -> str:
    """Return the link to the one row of a backup; one without an id is found by its time."""
    if record.backup_id:
        return rows_url(context, q=record.backup_id)
    return rows_url(context, **_span(record.started_at, record.started_at))


@register.simple_tag(takes_context=True)
def rows_between(context: Context, first: BackupRecord, last: BackupRecord, **filters: str) -> str:
    """Return the link to the rows from one backup to another, both among them."""
    return rows_url(context, **filters, **_span(first.started_at, last.started_at))


@register.simple_tag(takes_context=True)
def rows_of_hint(context: Context, hint: Hint) -> str:
    if hint.kind == "contradiction":
        return rows_url(context, restorable="yes", status="waiting|backuping|failed|expired|deleted")
    if hint.day:
        start = datetime.combine(hint.day, time(), UTC)
        day = {"from": start, "to": start + timedelta(days=1)}
        return rows_url(context, status="failed", type="auto", **day)
    if hint.before and hint.record:
        return rows_between(context, hint.before, hint.record, status="succeed|expired|deleted")
    return row_of(context, hint.record) if hint.record else rows_url(context)


def _span(first: datetime | None, last: datetime | None) -> dict[str, datetime]:
    return {"from": first, "to": last + timedelta(milliseconds=1)} if first and last else {}


def _to_rows(context: Context, query: QueryDict) -> str:
    return f"{rows_base(context)}{query.urlencode(safe=':|')}{_ROWS}"


def rows_base(context: Context) -> str:
    """Return the page's address with all that its query says but the filters, ready for some."""
    base: str | None = context.get("rows_base")
    if base is None:
        links = links_of(context)
        query = links.query_without(_NARROWING)
        base = f"{links.escaped_path}{query}{'&' if query else '?'}"
    return base


@register.simple_tag(takes_context=True)
def page_of(context: Context, record: BackupRecord) -> str:
    """Return the backup's own page, "" where it can have none."""
    return backup_url(context["project"], context["instance_id"], record)
