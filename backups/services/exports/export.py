"""A history for other programs: stable codes, UTC times, and the same honesty as the page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import override

from ...dcs.records import BackupRecord
from ..history import FILTERS, BackupFilter, History, backup_history, records_of, utc_text
from ..listings import Listing, NothingToShow, instance_backups
from ..problems import Problem
from ..projects import Project
from .rows import ExportedBackup, exported_backups


@dataclass(frozen=True)
class Export:
    """What backups.json and backups.csv tell. `body` is all but the rows; no `history`: there is an error."""

    project: Project
    instance_id: str
    body: dict[str, Any]
    history: History | None = None
    status: int = 200
    retry_after: int | None = None

    def rows(self) -> Iterator[ExportedBackup]:
        """Yield the whole filtered set."""
        matches = self.history.matches if self.history else ()
        return exported_backups(self.project, self.instance_id, matches)

    def etag(self, viewer_key: object) -> str:
        """Name generation, query, the viewer's access, and what a relative range let in by now."""
        ranged = bool(self.history and self.history.filter.range)
        parts = (
            self.body["generation"],
            self.body["source"] == "stale",
            self.body["problem"],
            self.body["filter"],
            self.history.matched if self.history and ranged else None,
            viewer_key,
        )
        return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def exported_history(
    project: Project, instance_id: str, wanted: BackupFilter, *, now: datetime, viewer: str = ""
) -> Export:
    """Return the whole filtered set of a history, or why there is none."""
    try:
        listing = instance_backups(project, instance_id, now=now, bounds=wanted.bounds(now), viewer=viewer)
    except NothingToShow as nothing:
        problem = nothing.problem
        body = _envelope(project, instance_id, wanted=wanted, problem=problem)
        retry_after = problem.retry_after(timezone.now())
        return Export(project, instance_id, body, status=problem.page_status, retry_after=retry_after)
    history = backup_history(records_of(listing), wanted, now=now)
    body = _envelope(project, instance_id, wanted=wanted, listing=listing, history=history)
    return Export(project, instance_id, body, history)


def file_name(name: str, body: dict[str, Any], ending: str) -> str:
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
    return re.sub(r"[^\w.+-]+", "-", stem) + f".{ending}"


def refused_query(project: Project, instance_id: str, problems: Iterable[Any]) -> Export:
    """Return the answer to a query that cannot be read; programs are told in English."""
    with override("en"):
        message = "; ".join(f"{p.parameter}={p.value}: {p.sentence}" for p in problems)
    problem = Problem(kind="bad_query", message=message)
    return Export(project, instance_id, _envelope(project, instance_id, problem=problem), status=400)


def refused_link(project: Project, instance_id: str) -> Export:
    """Return the answer to a link that is too long."""
    problem = Problem(kind="bad_query", message="this link is too long")
    return Export(project, instance_id, _envelope(project, instance_id, problem=problem), status=414)


def too_many_unknown(project: Project, instance_id: str, *, retry_after: int, now: datetime) -> Export:
    """Return the answer to a program that names more unknown instances than the portal asks DCS for."""
    problem = Problem(
        kind="too_many_requests",
        message=f"too many requests for unknown instances in a minute: try again in {retry_after} s",
        retry_at=now + timedelta(seconds=retry_after),
    )
    body = _envelope(project, instance_id, problem=problem)
    return Export(project, instance_id, body, status=429, retry_after=retry_after)


def _exported_filter(wanted: BackupFilter) -> dict[str, Any]:
    """Return the query as it was understood, by its own parameter names."""
    return {
        **{one.name: list(wanted.chosen.get(one.name, ())) for one in FILTERS},
        "q": " ".join(wanted.words) or None,
        "from": utc_text(wanted.start),
        "to": utc_text(wanted.end),
        "range": wanted.range or None,
        "sort": wanted.sort,
        "tz": wanted.tz or None,
    }


def _envelope(
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
    asked = [problem.request_id] if problem and problem.request_id else []
    return {
        "project": project.name,
        "region": project.region,
        "instance_id": instance_id,
        "filter": _exported_filter(wanted) if wanted else None,
        "generation": listing.generation if listing else None,
        "read_at": utc_text(listing.read_at) if listing else None,
        "source": listing.source if listing else None,
        "complete": listing.complete if listing else False,
        "problem": problem.for_json() if problem else None,
        "request_ids": list(listing.request_ids) if listing else asked,
        "promised": listing.promised if listing else None,
        "total": history.total if history else None,
        "matched": history.matched if history else None,
    }
