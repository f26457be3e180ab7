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
from .days import short_days
from .filters import VERDICT_OF, BoardFilter
from .known import reason_at, since_at
from .verdicts import known_facts

# No plan has a longer pause.
_LONGEST_PAUSE = timedelta(days=8)
CHUNK = 500


@dataclass(frozen=True)
class BoardRow:
    """An instance, and what is known of its backups; `facts` is None where its list was never read.

    As of a time of the past only the verdict is kept; its name is that of now.
    """

    project: Project
    instance_id: str
    name: str
    record: InstanceRecord | None
    verdict: Verdict
    since: datetime | None
    facts: Facts | None = None
    days: Sequence[ShortDay] = ()
    next_planned: datetime | None = None
    read_at: datetime | None = None
    problem: str = ""

    @property
    def url(self) -> str:
        return history_url(self.project, self.instance_id) if CLOUD_ID.fullmatch(self.instance_id) else ""


def rows_of(
    keys: Sequence[int], projects: Iterable[Project], wanted: BoardFilter, *, now: datetime
) -> Iterator[BoardRow]:
    """Yield the rows of instances, in the order of their keys. Raises django.db.Error."""
    named = by_cloud(projects)
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        known = Instance.objects.filter(pk__in=some).select_related("summary", "project")
        if at := wanted.as_of:
            known = known.annotate(reason_then=reason_at(at, is_past=True), since_then=since_at(at))
        rows = known.in_bulk()
        for row in (rows[key] for key in some if key in rows):
            project = named[row.project.endpoint, row.project.project_id]
            yield _row_then(row, project, at) if at else _row(row, project, wanted.rpo, now)


def _row(row: Instance, project: Project, rpo: timedelta | None, now: datetime) -> BoardRow:
    summary = getattr(row, "summary", None) or InstanceSummary(instance=row)
    facts, shown, listed = known_facts(summary.facts), record_of(row.shown), record_of(row.listed)
    if facts:
        if summary.read_at:
            facts = msgspec.structs.replace(facts, read_at=summary.read_at)
        verdict = verdict_of(facts, objective_of(facts, project, asked=rpo), now=now)
    else:
        verdict = verdict_of(None, Objective(None), now=now)
    since = verdict.since or (summary.since if verdict.reason == summary.reason else None)
    return BoardRow(
        project=project,
        instance_id=row.instance_id,
        name=instance_name(listed or shown, row.instance_id),
        record=listed or shown,
        verdict=verdict,
        since=since,
        facts=facts,
        days=short_days(summary.days, now),
        next_planned=next(iter(plan_of(shown).slots(now, now + _LONGEST_PAUSE)), None),
        read_at=summary.read_at,
        problem=summary.problem,
    )


def _row_then(row: Any, project: Project, at: datetime) -> BoardRow:
    reason = row.reason_then
    return BoardRow(
        project=project,
        instance_id=row.instance_id,
        name=instance_name(record_of(row.listed or row.shown), row.instance_id),
        record=None,
        verdict=Verdict(VERDICT_OF[reason], (reason,), at),
        since=row.since_then,
    )
