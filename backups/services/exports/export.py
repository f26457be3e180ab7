"""A history for other programs: stable codes, UTC times, and the same honesty as the page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.utils import timezone
from django.utils.translation import override

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from ..evidence import Evidence, Interval, evidence_of, list_as_of
from ..history import (
    FILTERS,
    BackupFilter,
    History,
    absolute,
    all_records_of,
    backup_history,
    backup_path,
    history_url,
    utc_text,
)
from ..insights import overview, verdict_text
from ..listings import Listing, NothingToShow, backups_and_instance, row_id
from ..problems import Problem
from ..projects import Project
from ..words import Clock, error_meaning_in_english


class ExportedChange(msgspec.Struct):
    """One field that changed: after the reading of `after`, and by that of `seen_at`."""

    seen_at: str
    after: str | None
    field: str
    was: str | int | bool | None
    now: str | int | bool | None


class ExportedBackup(msgspec.Struct):
    """Times are ISO 8601 with Z, reasons are the codes of `eligibility`, and what has no value is null."""

    backup_id: str | None
    name: str | None
    status: str | None
    type: str | None
    format: str | None
    size_bytes: int | None
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    duration_seconds: float | None
    progress_percent: float | None
    restorable: bool | None
    usable: bool
    restore_reasons: tuple[str, ...]
    error_code: str | None
    error_meaning: str | None
    description: str | None
    period: str | None
    url: str | None
    first_seen: str | None
    last_seen: str | None
    gone_since: str | None
    changes: tuple[ExportedChange, ...]

    @classmethod
    def of(cls, record: BackupRecord, url: str | None, evidence: Evidence) -> ExportedBackup:
        """An export may hold 10,000 of them: in the order of the fields, one is made without their names."""
        verdict, duration = eligibility(record), record.duration
        return cls(
            record.backup_id or None,
            record.name or None,
            record.status or None,
            record.type or None,
            record.format or None,
            record.size_bytes,
            _utc(record.created_at),
            _utc(record.started_at),
            _utc(record.finished_at),
            duration.total_seconds() if duration is not None else None,
            record.progress_percent,
            record.restorable,
            verdict.usable,
            verdict.reasons,
            record.error_code or None,
            error_meaning_in_english(record.error_code) if record.error_code else None,
            record.description or None,
            record.period or None,
            url,
            utc_text(evidence.first_seen.seen_at),
            utc_text(evidence.last_seen),
            utc_text(evidence.gone.seen_at) if evidence.gone else None,
            tuple(_exported_changes(evidence)),
        )


def _exported_changes(evidence: Evidence) -> Iterator[ExportedChange]:
    for change in evidence.changes:
        for one in change.fields:
            yield _exported_change(change.seen, one.field, one.was, one.now)
    if evidence.gone:
        yield _exported_change(evidence.gone, "listed", True, False)


def _exported_change(seen: Interval, field: str, *values: Any) -> ExportedChange:
    was, now = (_utc(one) if isinstance(one, datetime) else None if one == "" else one for one in values)
    return ExportedChange(utc_text(seen.seen_at), _utc(seen.after), field, was, now)


@dataclass(frozen=True)
class Export:
    """What backups.json and backups.csv tell. `body` is all but the rows; no `listing`: there is an error."""

    project: Project
    instance_id: str
    body: dict[str, Any]
    listing: Listing[BackupRecord] | None = None
    history: History | None = None
    status: int = 200
    retry_after: int | None = None

    def rows(self) -> Iterator[ExportedBackup]:
        """Yield the whole filtered set."""
        if self.listing is None or self.history is None:
            return
        address = absolute(history_url(self.project, self.instance_id))
        known, just_read = evidence_of(self.listing), Evidence.of_reading(self.listing.read_at)
        for record in self.history.matches:
            path = backup_path(record)
            evidence = known.get(row_id(record), just_read)
            if self.body["as_of"]:
                evidence = evidence.known_at(self.listing.read_at)
            yield ExportedBackup.of(record, f"{address}{path}" if path else None, evidence)

    def etag(self, viewer_key: object) -> str:
        """Name generation, query, the viewer's access, and what a relative range let in by now.

        Evidence of a generation is written behind those who are shown it first.
        """
        told = [self.body[name] for name in ("generation", "problem", "filter", "verdict", "seen", "as_of")]
        matched = self.body["matched"] if self.body["filter"]["range"] else None
        reading = self.listing.reading if self.listing else None
        parts = (told, matched, reading, self.body["source"] == "stale", viewer_key)
        return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'

    def file_name(self, instance_name: str, ending: str) -> str:
        """Return a file name that says what was asked, as of when, and whether it is all."""
        by_default = {one.name: list(one.default) for one in FILTERS}
        asked = [
            f"{key}-{'+'.join(value) if isinstance(value, list) else value}"
            for key, value in self.body["filter"].items()
            if value and value != by_default.get(key) and key not in ("sort", "tz")
        ]
        as_of = re.sub(r"[-:]|\.\d+", "", self.body["as_of"] or self.body["read_at"])
        what = "_".join([instance_name, "backups", *asked])[:120]  # the rest must never be cut away
        stale = "_stale" if self.body["source"] == "stale" else ""
        incomplete = "" if self.body["complete"] else "_incomplete"
        return re.sub(r"[^\w.+-]+", "-", f"{what}_as-of-{as_of}{stale}{incomplete}") + f".{ending}"


def exported_history(
    project: Project, instance_id: str, wanted: BackupFilter, *, now: datetime, viewer: str = ""
) -> Export:
    """Return the whole filtered set of a history, or why there is none."""
    seen, as_of = _utc(wanted.seen), _utc(wanted.as_of)
    asked = {"filter": _exported_filter(wanted), "seen": seen, "as_of": as_of}
    try:
        instance = None
        if wanted.as_of:
            listing = list_as_of(project, instance_id, wanted.as_of)
        else:
            listing, instance = backups_and_instance(
                project, instance_id, now=now, bounds=wanted.bounds(now), viewer=viewer
            )
    except NothingToShow as nothing:
        problem = nothing.problem
        retry_after = problem.retry_after(timezone.now())
        return _without_rows(project, instance_id, problem, problem.page_status, retry_after, asked)
    history = backup_history(all_records_of(listing), wanted, now=now)
    verdict = overview(listing, instance, now=wanted.as_of or now, project=project).verdict
    with override("en"):  # it names times and no ages
        sentence = verdict_text(verdict, Clock(verdict.at), ages=False)
    known = asked | {
        "generation": listing.generation,
        "read_at": utc_text(listing.read_at),
        "source": listing.source,
        "complete": listing.complete,
        "request_ids": list(listing.request_ids),
        "promised": listing.promised,
        "total": history.total,
        "matched": history.matched,
        "verdict": {"verdict": verdict.verdict, "reason": verdict.reason, "sentence": sentence},
        "watched_since": _utc(listing.watched_since),
        "unlisted": listing.unlisted,
    }
    body = _envelope(project, instance_id, listing.problem, known)
    return Export(project, instance_id, body, listing, history)


def refused_query(project: Project, instance_id: str, message: str, *, status: int = 400) -> Export:
    """Return the answer to a query that is not read, and why, in English."""
    return _without_rows(project, instance_id, Problem(kind="bad_query", message=message), status)


def too_many_unknown(project: Project, instance_id: str, *, retry_after: int, now: datetime) -> Export:
    """Return the answer to a program that names more unknown instances than the portal asks DCS for."""
    problem = Problem(
        kind="too_many_requests",
        message=f"too many requests for unknown instances in a minute: try again in {retry_after} s",
        retry_at=now + timedelta(seconds=retry_after),
    )
    return _without_rows(project, instance_id, problem, 429, retry_after)


def _without_rows(
    project: Project,
    instance_id: str,
    problem: Problem,
    status: int,
    retry_after: int | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Export:
    body = _envelope(project, instance_id, problem, asked or {})
    return Export(project, instance_id, body, status=status, retry_after=retry_after)


# All of backups.json but the backups; on errors that is all there is.
_ENVELOPE = (
    *("project", "region", "instance_id", "filter", "generation", "read_at", "source", "complete", "problem"),
    *("request_ids", "promised", "total", "matched", "verdict", "seen", "as_of", "watched_since", "unlisted"),
)


def _envelope(
    project: Project, instance_id: str, problem: Problem | None, known: Mapping[str, Any]
) -> dict[str, Any]:
    body: dict[str, Any] = dict.fromkeys(_ENVELOPE)
    body |= {"project": project.name, "region": project.region, "instance_id": instance_id}
    body |= {"complete": False, "request_ids": []}
    if problem:
        body |= {"problem": problem.for_json(), "watched_since": _utc(problem.watched_since)}
        body["request_ids"] = [problem.request_id] if problem.request_id else []
    return {**body, **known}


def _exported_filter(wanted: BackupFilter) -> dict[str, Any]:
    """Return the query as it was understood, by its own parameter names."""
    return {
        **{one.name: list(wanted.chosen.get(one.name, one.default)) for one in FILTERS},
        "q": " ".join(wanted.words) or None,
        "from": _utc(wanted.start),
        "to": _utc(wanted.end),
        "range": wanted.range or None,
        "sort": wanted.sort,
        "tz": wanted.tz or None,
    }


def _utc(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None
