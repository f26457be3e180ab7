"""The board and its reports as JSON, CSV, a text for a ticket, and a link that stays; honest as the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.http import QueryDict
from django.utils.translation import gettext

from .. import insights, words
from ..exports import csv_table
from ..history import absolute, seen_text, utc_text
from ..insights import VERDICTS
from ..tickets import Style, Ticket, TicketRenderer, rendered_by
from .board import Board
from .filters import FILTERS, BoardFilter
from .reports import Failures, Report
from .rows import BoardRow, Named

# What is told of each row, in the order of a CSV's columns; a part is one such as "last_attempt_status".
_NAMED = ("project", "region", "instance_id", "name")
_FIELDS = {
    "instances": (
        *(*_NAMED, "engine", "status", "verdict", "reason", "since", "newest_usable", "age_seconds"),
        *("objective_seconds", "breached_since", "last_attempt", "failures_in_a_row", "usable", "total"),
        *("read_at", "problem", "url"),
    ),
    "failures": ("error_code", "error_meaning", "count", "newest_backup_id", "newest_started_at"),
    "changes": ("at", "direction", "before_verdict", "before_reason", "verdict", "reason"),
}
_PARTS = {
    "newest_usable": ("backup_id", "started_at"),
    "last_attempt": ("backup_id", "status", "error_code", "started_at"),
}
# What of the envelope a CSV's headers tell, such as X-Not-Read.
_HEADERS = (
    *("generated_at", "as_of", "as_of_fields", "from", "to", "complete", "problem"),
    *("read", "not_read", "matched", "oldest_evidence"),
)
_MOST_ROWS_OF_TICKET = 20


@dataclass(frozen=True)
class BoardFile:
    """A board or a report as a file: `body` is its JSON without the `rows`; `file_name` has no ending.

    Codes are stable, times are in UTC, and what has no value, or is not known, is null.
    """

    name: str
    body: dict[str, Any]
    rows: Iterable[dict[str, Any]]
    columns: Iterable[str]
    file_name: str

    def json(self) -> bytes:
        return msgspec.json.encode({**self.body, self.name: list(self.rows)})

    def csv(self) -> Iterator[str]:
        columns = [(name, part) for name in self.columns for part in _PARTS.get(name, ("",))]
        titles = (f"{name}_{part}" if part else name for name, part in columns)
        return csv_table(titles, ([_cell(row[name], part) for name, part in columns] for row in self.rows))

    @property
    def headers(self) -> dict[str, str]:
        """The honesty of the body for the CSV."""
        problems = self.body.get("problems", {}).items()
        told = self.body | {"problem": [f"{name}:{problem['kind']}" for name, problem in problems]}
        texts = {f"X-{name.replace('_', '-').title()}": _header(told.get(name)) for name in _HEADERS}
        return {name: text for name, text in texts.items() if text}


def _cell(value: Any, part: str) -> Any:
    return value[part] if part and value else value


def _header(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(value) if isinstance(value, list | tuple) else "" if value is None else str(value)


def instances_file(found: Board, *, project: str = "", is_paged: bool, next_url: str = "") -> BoardFile:
    """Return what a board holds, or one page of it; `next_url` is the next page's, "" where there is none."""
    body = {
        "generated_at": utc_text(found.now.replace(microsecond=0)),
        "as_of": _value(found.filter.as_of),
        "as_of_fields": ("verdict", "reason", "since") if found.filter.as_of else None,
        "complete": found.complete,
        "problems": {name: problem.for_json() for name, problem in found.problems.items()},
        "read": found.read,
        "not_read": found.total - found.read,
        "counts": {verdict: found.counts[verdict] for verdict in VERDICTS},
        "oldest_evidence": _value(found.oldest),
        "matched": found.matched,
        "page": found.page if is_paged else None,
        "per_page": found.filter.per_page if is_paged else None,
        "next": next_url or None,
    }
    incomplete = "" if found.complete else "_incomplete"
    file_name = f"{project or 'all'}_instances_as-of-{found.now:%Y%m%dT%H%M%SZ}{incomplete}"
    rows = (_instance(row, found.now) for row in found.shown)
    return BoardFile("instances", body, rows, _FIELDS["instances"], file_name)


def _instance(row: BoardRow, now: datetime) -> dict[str, Any]:
    """Return one instance; as of a time of the past all but its names and `as_of_fields` is null."""
    facts, verdict, record, objective = row.facts, row.verdict, row.record, row.verdict.objective.span
    newest, last = (facts.newest_usable, facts.last_attempt) if facts else (None, None)
    counted = facts if facts and facts.counts else None
    return {
        **_named(row),
        "engine": _value(f"{record.engine} {record.engine_version}".strip()) if record else None,
        "status": _value(record.status) if record else None,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "since": _value(row.since),
        "newest_usable": newest and _fields(newest, _PARTS["newest_usable"]),
        "age_seconds": (now - newest.started_at).total_seconds() if newest else None,
        "objective_seconds": objective.total_seconds() if objective else None,
        "breached_since": _value(verdict.breached_since),
        "last_attempt": last and _fields(last, _PARTS["last_attempt"]),
        "failures_in_a_row": counted.failures if counted else None,
        "usable": counted.usable if counted else None,
        "total": counted.total if counted else None,
        "read_at": _value(row.read_at),
        "problem": _value(row.problem),
    }


def report_file(found: Report) -> BoardFile:
    body = {
        "from": utc_text(found.start.replace(microsecond=0)),
        "to": utc_text(found.end.replace(microsecond=0)),
        "complete": found.complete,
        "read": found.read,
        "not_read": found.all - found.read,
        "matched": len(found.rows),
    }
    if isinstance(found, Failures):
        days = [{"date": day.isoformat(), "count": count} for day, count in found.days]
        body |= {"total": found.total, "days": days}
    fields = _FIELDS[found.name]
    rows = ({**_named(row), **_fields(row, fields)} for row in found.rows)
    file_name = f"{found.name}_{found.end:%Y%m%dT%H%M%SZ}"
    return BoardFile(found.name, body, rows, (*_NAMED, "url", *fields), file_name)


def _named(one: Named) -> dict[str, Any]:
    of = {"project": one.project.name, "region": one.project.region, **_fields(one, ("instance_id", "name"))}
    return {**of, "url": _value(absolute(one.url))}


def _fields(of: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: _value(getattr(of, name)) for name in names}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    return None if value == "" else value


# Tickets, and their link -----------------------------------------------------


def frozen_board_link(path: str, query: QueryDict, *, now: datetime) -> str:
    """Return the link that shows the same verdicts next week; one that tries an objective cannot."""
    query = query.copy()
    if not query.get("as_of") and not query.get("rpo"):
        query["as_of"] = seen_text(now)
    text = query.urlencode(safe=":")
    return absolute(f"{path}?{text}" if text else path)


def board_ticket(found: Board, link: str, style: Style) -> Ticket:
    t = TicketRenderer(link, words.Clock(found.filter.as_of or found.now), style.zone)
    # How old a reading is when the text is read nobody knows: times alone are told.
    context: dict[str, Any] = {"say": {**t.say, "ago": None}, "filter_parts": _filter_parts}
    rows = found.shown[:_MOST_ROWS_OF_TICKET]
    context |= {"board": found, "rows": rows, "verdicts": VERDICTS, "insights": insights}
    return rendered_by(t, "board", style, **context)


def report_ticket(found: Report, link: str, style: Style) -> Ticket:
    t = TicketRenderer(link, words.Clock(found.end), style.zone)
    most = _MOST_ROWS_OF_TICKET
    rows = found.rows[:most]
    return rendered_by(t, found.name, style, insights=insights, report=found, rows=rows, most=most)


def _filter_parts(t: TicketRenderer, wanted: BoardFilter) -> Iterator[tuple[str, str]]:
    yield from t.chosen(FILTERS, wanted.chosen)
    yield gettext("Words"), t.listed_foreign(wanted.words)
