"""The instances of one page of the board, each with all that is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ...dcs.records import Instance as InstanceRecord
from ...models import Instance, InstanceSummary
from ..history import history_url
from ..insights import Facts, Objective, ShortDay, Verdict, objective_of, plan_of, verdict_of
from ..listings import record_of
from ..projects import CLOUD_ID, Project, by_cloud
from ..words import instance_name
from .filters import VERDICT_OF, BoardFilter
from .known import change_at, reason_at
from .verdicts import known_facts, short_days

# No plan has a longer pause.
_LONGEST_PAUSE = timedelta(days=8)
CHUNK = 500


@dataclass(frozen=True)
class Named:
    """An instance that a row is about; one whose id no address could name has no page."""

    project: Project
    instance_id: str
    name: str

    @property
    def url(self) -> str:
        return history_url(self.project, self.instance_id) if CLOUD_ID.fullmatch(self.instance_id) else ""


@dataclass(frozen=True)
class BoardRow(Named):
    """An instance, and what is known of its backups; `facts` is None where its list was never read.

    As of a time of the past only the verdict is kept; its name is that of now.
    """

    verdict: Verdict
    since: datetime | None
    record: InstanceRecord | None = None
    facts: Facts | None = None
    days: Sequence[ShortDay] = ()
    next_planned: datetime | None = None
    read_at: datetime | None = None
    problem: str = ""


def rows_of(
    keys: Sequence[int], projects: Iterable[Project], wanted: BoardFilter, *, now: datetime
) -> Iterator[BoardRow]:
    """Yield the rows of instances, in the order of their keys. Raises django.db.Error."""
    named = by_cloud(projects)
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        known = Instance.objects.select_related("summary", "project")
        if at := wanted.as_of:
            known = known.annotate(reason_then=reason_at(at, is_past=True), since_then=change_at(at, "since"))
        rows = known.in_bulk(some)
        for row in (rows[key] for key in some if key in rows):
            project = named[row.project.endpoint, row.project.project_id]
            yield _row_then(row, project, at) if at else _row(row, project, wanted.rpo, now)


def _row(row: Instance, project: Project, rpo: timedelta | None, now: datetime) -> BoardRow:
    summary = getattr(row, "summary", None) or InstanceSummary(instance=row)
    facts, shown = known_facts(summary.facts), record_of(row.shown)
    record = record_of(row.listed) or shown
    if facts and summary.read_at:
        facts = msgspec.structs.replace(facts, read_at=summary.read_at)
    objective = objective_of(facts, project, asked=rpo) if facts else Objective(None)
    verdict = verdict_of(facts, objective, now=now)
    return BoardRow(
        project,
        row.instance_id,
        instance_name(record, row.instance_id),
        verdict,
        since=verdict.since or (summary.since if verdict.reason == summary.reason else None),
        record=record,
        facts=facts,
        days=short_days(summary.days, now),
        next_planned=next(iter(plan_of(shown).slots(now, now + _LONGEST_PAUSE)), None),
        read_at=summary.read_at,
        problem=summary.problem,
    )


def _row_then(row: Any, project: Project, at: datetime) -> BoardRow:
    name = instance_name(record_of(row.listed or row.shown), row.instance_id)
    verdict = Verdict(VERDICT_OF[row.reason_then], (row.reason_then,), at)
    return BoardRow(project, row.instance_id, name, verdict, row.since_then)
