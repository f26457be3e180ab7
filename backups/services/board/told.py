"""What the board tells a monitor: how many instances have which verdict, and a few values of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from ..listings import record_of
from ..projects import Project
from .filters import VERDICT_OF
from .known import instances_known, reason_at
from .verdicts import known_facts


def reasons_told(project: Project, now: datetime) -> Counter[str]:
    """Return how many instances of a project have a verdict for which reason. Raises django.db.Error."""
    known = instances_known([project]).annotate(reason_then=reason_at(now))
    return Counter(known.values_list("reason_then", flat=True).iterator())


class InstanceTold(NamedTuple):
    """`newest_at` and `failures` are None where nobody knows."""

    project: str
    instance_id: str
    name: str
    verdict: str
    reason: str
    newest_at: datetime | None
    failures: int | None


def instances_told(projects: Iterable[Project], now: datetime) -> Iterator[InstanceTold]:
    """Yield what is told of each instance. Raises django.db.Error."""
    columns = ("instance_id", "listed", "summary__facts", "reason_then")
    for project in projects:
        known = instances_known([project]).annotate(reason_then=reason_at(now)).order_by("pk")
        for instance_id, listed, json, reason in known.values_list(*columns).iterator():
            facts, record = known_facts(json or ""), record_of(listed)
            usable = facts.newest_usable if facts else None
            yield InstanceTold(
                project.name,
                instance_id,
                record.name if record else "",
                VERDICT_OF[reason],
                reason,
                usable.started_at if usable else None,
                facts.failures if facts and facts.counts else None,
            )
