"""The board for other programs: stable codes, UTC times, and the same honesty as the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ..exports import csv_table
from ..history import absolute, utc_text
from ..insights import VERDICTS, BackupBrief
from ..problems import Problem
from ..words import error_meaning_in_english
from .board import Board
from .reports import Changes, Failures, Named
from .rows import BoardRow


@dataclass(frozen=True)
class BoardFile:
    """A board or a report as a file: `body` is its JSON without the `rows`, and `table` its CSV.

    `headers` have the honesty of the body for the CSV; `file_name` has no ending.
    """

    name: str
    body: dict[str, Any]
    rows: Iterable[msgspec.Struct]
    table: Iterator[str]
    headers: dict[str, str]
    file_name: str


def refused_board(problem: Problem) -> dict[str, Any]:
    """Return the envelope of an error: it has no rows, which would read as "there are none"."""
    return {"complete": False, "problem": problem.for_json()}


# The board -------------------------------------------------------------------


class ExportedUsable(msgspec.Struct):
    backup_id: str
    started_at: str


class ExportedAttempt(msgspec.Struct):
    backup_id: str
    status: str
    error_code: str | None
    started_at: str


class ExportedInstance(msgspec.Struct):
    """One instance; what has no value, or is not known, is null.

    As of a time of the past that is all but what it is called now and `as_of_fields`.
    """

    project: str
    region: str
    instance_id: str
    name: str
    engine: str | None
    status: str | None
    verdict: str
    reason: str
    since: str | None
    newest_usable: ExportedUsable | None
    age_seconds: float | None
    objective_seconds: float | None
    breached_since: str | None
    last_attempt: ExportedAttempt | None
    failures_in_a_row: int | None
    usable: int | None
    total: int | None
    read_at: str | None
    problem: str | None
    url: str | None

    @classmethod
    def of(cls, row: BoardRow, now: datetime) -> ExportedInstance:
        facts, verdict, record = row.facts, row.verdict, row.record
        newest = facts.newest_usable if facts else None
        counted = facts if facts and facts.counts else None
        span = verdict.objective.span
        return cls(
            project=row.project.name,
            region=row.project.region,
            instance_id=row.instance_id,
            name=row.name,
            engine=f"{record.engine} {record.engine_version}".strip() or None if record else None,
            status=record.status or None if record else None,
            verdict=verdict.verdict,
            reason=verdict.reason,
            since=_utc(row.since),
            newest_usable=ExportedUsable(newest.backup_id, utc_text(newest.started_at)) if newest else None,
            age_seconds=(now - newest.started_at).total_seconds() if newest else None,
            objective_seconds=span.total_seconds() if span else None,
            breached_since=_utc(verdict.breached_since),
            last_attempt=_attempt(facts.last_attempt) if facts and facts.last_attempt else None,
            failures_in_a_row=counted.failures if counted else None,
            usable=counted.usable if counted else None,
            total=counted.total if counted else None,
            read_at=_utc(row.read_at),
            problem=row.problem or None,
            url=absolute(row.url) or None,
        )


def _attempt(brief: BackupBrief) -> ExportedAttempt:
    return ExportedAttempt(
        brief.backup_id, brief.status, brief.error_code or None, utc_text(brief.started_at)
    )


def instances_file(found: Board, *, project: str = "", is_paged: bool, next_url: str = "") -> BoardFile:
    """Return what a board holds, or one page of it; `next_url` is the next page's, "" where there is none."""
    body = _exported_board(found, is_paged=is_paged, next_url=next_url)
    incomplete = "" if found.complete else "_incomplete"
    return BoardFile(
        "instances",
        body,
        _exported_instances(found),
        _instances_table(found),
        _board_headers(body),
        f"{project or 'all'}_instances_as-of-{found.now:%Y%m%dT%H%M%SZ}{incomplete}",
    )


def _exported_instances(found: Board) -> Iterator[ExportedInstance]:
    return (ExportedInstance.of(row, found.now) for row in found.shown)


def _exported_board(found: Board, *, is_paged: bool, next_url: str) -> dict[str, Any]:
    return {
        "generated_at": utc_text(found.now.replace(microsecond=0)),
        "as_of": _utc(found.filter.as_of),
        "as_of_fields": ("verdict", "reason", "since") if found.filter.as_of else None,
        "complete": found.complete,
        "problems": {name: problem.for_json() for name, problem in found.problems.items()},
        "read": found.read,
        "not_read": found.total - found.read,
        "counts": {verdict: found.counts[verdict] for verdict in VERDICTS},
        "oldest_evidence": _utc(found.oldest),
        "matched": found.matched,
        "page": found.page if is_paged else None,
        "per_page": found.filter.per_page if is_paged else None,
        "next": next_url or None,
    }


def _instances_table(found: Board) -> Iterator[str]:
    """Yield instances.csv."""
    nested = {"newest_usable": ExportedUsable, "last_attempt": ExportedAttempt}
    titles: list[str] = []
    for name in ExportedInstance.__struct_fields__:
        inner = nested.get(name)
        titles += [f"{name}_{one}" for one in inner.__struct_fields__] if inner else [name]
    return csv_table(titles, (_flat(one, nested) for one in _exported_instances(found)))


def _flat(one: ExportedInstance, nested: dict[str, Any]) -> Iterator[Any]:
    for name, value in msgspec.structs.asdict(one).items():
        if name in nested:
            yield from (
                msgspec.structs.astuple(value) if value else (None for _ in nested[name].__struct_fields__)
            )
        else:
            yield value


def _board_headers(body: dict[str, Any]) -> dict[str, str]:
    """Return the honesty of the envelope as headers of the CSV."""
    problems = " ".join(f"{name}:{problem['kind']}" for name, problem in body["problems"].items())
    headers = {
        "X-Generated-At": body["generated_at"],
        "X-As-Of": body["as_of"],
        "X-As-Of-Fields": " ".join(body["as_of_fields"] or ()),
        "X-Complete": "true" if body["complete"] else "false",
        "X-Problem": problems,
        "X-Read": body["read"],
        "X-Not-Read": body["not_read"],
        "X-Matched": body["matched"],
        "X-Oldest-Evidence": body["oldest_evidence"],
    }
    return {name: str(value) for name, value in headers.items() if value not in (None, "")}


def _utc(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None


# Reports ---------------------------------------------------------------------


class ExportedFailure(msgspec.Struct):
    """How often backups of an instance failed with one code; null where DCS gave none."""

    project: str
    region: str
    instance_id: str
    name: str
    url: str | None
    error_code: str | None
    error_meaning: str | None
    count: int
    newest_backup_id: str
    newest_started_at: str


class ExportedChange(msgspec.Struct):
    """An instance whose verdict at the end is another than it was when the time began."""

    project: str
    region: str
    instance_id: str
    name: str
    url: str | None
    at: str
    direction: str
    before_verdict: str
    before_reason: str
    verdict: str
    reason: str


def failures_file(found: Failures) -> BoardFile:
    rows = [
        ExportedFailure(
            **_exported_name(row.instance),
            error_code=row.error_code or None,
            error_meaning=error_meaning_in_english(row.error_code) or None,
            count=row.count,
            newest_backup_id=row.newest_id,
            newest_started_at=utc_text(row.newest_at),
        )
        for row in found.rows
    ]
    days = [{"date": day.isoformat(), "count": count} for day, count in found.days]
    return _report_file("failures", found, rows, ExportedFailure, total=found.total, days=days)


def changes_file(found: Changes) -> BoardFile:
    rows = [
        ExportedChange(
            **_exported_name(row.instance),
            at=utc_text(row.at.replace(microsecond=0)),
            direction=row.direction,
            before_verdict=row.before_verdict,
            before_reason=row.before_reason,
            verdict=row.verdict,
            reason=row.reason,
        )
        for row in found.rows
    ]
    return _report_file("changes", found, rows, ExportedChange)


def _report_file(
    name: str,
    found: Failures | Changes,
    rows: Sequence[msgspec.Struct],
    row_type: type[msgspec.Struct],
    **more: Any,
) -> BoardFile:
    start, end = (utc_text(moment.replace(microsecond=0)) for moment in (found.start, found.end))
    table = csv_table(row_type.__struct_fields__, map(msgspec.structs.astuple, rows))
    headers = {"X-From": start, "X-To": end, "X-Matched": str(len(rows))}
    known = found.known
    body = {
        "from": start,
        "to": end,
        "complete": known.is_complete,
        "read": known.read,
        "not_read": known.all - known.read,
        "matched": len(rows),
        **more,
    }
    headers |= {
        "X-Complete": "true" if known.is_complete else "false",
        "X-Read": str(known.read),
        "X-Not-Read": str(known.all - known.read),
    }
    return BoardFile(name, body, rows, table, headers, f"{name}_{found.end:%Y%m%dT%H%M%SZ}")


def _exported_name(named: Named) -> dict[str, Any]:
    return {
        "project": named.project.name,
        "region": named.project.region,
        "instance_id": named.instance_id,
        "name": named.name,
        "url": absolute(named.url) or None,
    }
