"""A history as JSON and CSV: stable codes, UTC times, and the same honesty as the page."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from ..dcs.records import BackupRecord
from .eligibility import eligibility
from .history import BackupFilter, History
from .listings import Listing
from .problems import Problem
from .projects import Project
from .words import error_meaning_in_english

FIELDS = (
    "backup_id",
    "name",
    "status",
    "type",
    "format",
    "size_bytes",
    "created_at",
    "started_at",
    "finished_at",
    "duration_seconds",
    "progress_percent",
    "restorable",
    "usable",
    "restore_reasons",
    "error_code",
    "error_meaning",
    "description",
    "period",
    "url",
)


def utc_text(moment: datetime | None) -> str | None:
    """Return ISO 8601 in UTC with Z; parts of a second only where there are any."""
    if moment is None:
        return None
    spec = "seconds"
    if moment.microsecond:
        spec = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")


def record_for_export(record: BackupRecord, url: str) -> dict[str, Any]:
    """Return one record with the fields of FIELDS; what has no value is None."""
    verdict = eligibility(record)
    duration = record.duration
    return {
        "backup_id": record.backup_id or None,
        "name": record.name or None,
        "status": record.status or None,
        "type": record.type or None,
        "format": record.format or None,
        "size_bytes": record.size_bytes,
        "created_at": utc_text(record.created_at),
        "started_at": utc_text(record.started_at),
        "finished_at": utc_text(record.finished_at),
        "duration_seconds": duration.total_seconds() if duration is not None else None,
        "progress_percent": record.progress_percent,
        "restorable": record.restorable,
        "usable": verdict.usable,
        "restore_reasons": list(verdict.reasons),
        "error_code": record.error_code or None,
        "error_meaning": error_meaning_in_english(record.error_code),
        "description": record.description or None,
        "period": record.period or None,
        "url": url or None,
    }


def filter_for_export(wanted: BackupFilter) -> dict[str, Any]:
    """Return the query as it was understood, by its own parameter names."""
    return {
        "status": list(wanted.statuses),
        "type": list(wanted.types),
        "format": list(wanted.formats),
        "restorable": list(wanted.restorable),
        "error": list(wanted.error_codes),
        "q": " ".join(wanted.words) or None,
        "from": utc_text(wanted.start),
        "to": utc_text(wanted.end),
        "range": wanted.range or None,
        "sort": wanted.sort,
        "tz": wanted.tz or None,
    }


def envelope(
    project: Project,
    instance_id: str,
    *,
    wanted: BackupFilter | None = None,
    listing: Listing[BackupRecord] | None = None,
    history: History | None = None,
    problem: Problem | None = None,
) -> dict[str, Any]:
    """Return all of backups.json but the backups; on errors that is all there is."""
    if listing and listing.problem:
        problem = listing.problem
    return {
        "project": project.name,
        "region": project.region,
        "instance_id": instance_id,
        "filter": filter_for_export(wanted) if wanted else None,
        "generation": listing.generation if listing else None,
        "read_at": utc_text(listing.read_at) if listing else None,
        "source": listing.source if listing else None,
        "complete": listing.complete if listing else False,
        "problem": problem.for_json() if problem else None,
        "request_ids": _request_ids(listing, problem),
        "promised": listing.promised if listing else None,
        "total": history.total if history else None,
        "matched": history.matched if history else None,
    }


def _request_ids(listing: Listing[BackupRecord] | None, problem: Problem | None) -> list[str]:
    if listing:
        return list(listing.request_ids)
    return [problem.request_id] if problem and problem.request_id else []


# CSV -------------------------------------------------------------------------

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads Chinese as something else


class _Line:
    """A file for csv.writer that hands back each line."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + writer.writerow(FIELDS)
    for row in rows:
        yield writer.writerow([_cell(row[name]) for name in FIELDS])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_headers(body: dict[str, Any]) -> dict[str, str]:
    """Return the honesty of an envelope as headers."""
    problem = body["problem"]
    headers = {
        "X-Source": body["source"],
        "X-Read-At": body["read_at"],
        "X-Complete": "true" if body["complete"] else "false",
        "X-Generation": body["generation"],
        "X-Promised": body["promised"],
        "X-Total": body["total"],
        "X-Matched": body["matched"],
        "X-Request-Ids": " ".join(body["request_ids"][:20]),
        "X-Problem": " ".join(str(problem[key]) for key in ("kind", "http_status", "code") if problem[key])
        if problem
        else None,
    }
    return {name: _ascii(str(value)) for name, value in headers.items() if value not in (None, "")}


def _ascii(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text)


def csv_name(name: str, body: dict[str, Any]) -> str:
    """Return a file name that says what was asked, as of when, and whether it is all."""
    wanted = body["filter"]
    asked = [
        f"{key}-{'+'.join(value) if isinstance(value, list) else value}"
        for key, value in wanted.items()
        if value and key not in ("sort", "tz")
    ]
    as_of = re.sub(r"[-:]|\.\d+", "", body["read_at"])
    marks = [body["source"]] * (body["source"] == "stale") + ["incomplete"] * (not body["complete"])
    what = "_".join([name, "backups", *asked])[:120]  # the rest must never be cut away
    stem = "_".join([what, f"as-of-{as_of}", *marks])
    return re.sub(r"[^\w.+-]+", "-", stem) + ".csv"
