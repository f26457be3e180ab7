"""Which instances there are, what their verdicts are at a time, and what of that a monitor is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from ...models import Instance, VerdictChange
from ..insights import longest_believed
from ..listings import CacheSnapshot, of_projects, record_of
from ..projects import Project
from .filters import VERDICT_OF
from .verdicts import known_facts


def instances_known(projects: Iterable[Project], *, at: datetime | None = None) -> QuerySet[Instance]:
    """Return the instances of projects that are there, or were there at a time."""
    rows = Instance.objects.filter(gone_since=None)
    if at:
        rows = Instance.objects.filter(Q(gone_since=None) | Q(gone_since__gt=at), first_seen__lte=at)
    return rows.filter(of_projects(projects))


def watched(notes: CacheSnapshot, at: datetime | None) -> bool:
    """Whether the list of a project's instances was ever read, or had been by a time."""
    generation = notes.generation
    since = generation.watched_since if generation else None
    return generation is not None and (since is None or at is None or since <= at)


def reason_at(moment: datetime, *, is_past: bool = False) -> Coalesce:
    """Return the reason of an instance's verdict at a time, however long ago its row was written."""
    too_old = ~Q(summary__verdict="unsupported") & Q(summary__read_at__lt=moment - longest_believed())
    cases = [When(too_old, then=Value("read_too_long_ago"))]
    if not is_past:
        holds = Q(summary__holds_until=None) | Q(summary__holds_until__gt=moment)
        cases.append(When(Q(summary__reason="") | Q(summary__reason=None), then=Value("never_read")))
        cases.append(When(holds, then=F("summary__reason")))
    told = Case(*cases, default=change_at(moment, "reason"), output_field=CharField())
    return Coalesce(told, Value("never_read"))


def change_at(moment: datetime, column: str) -> Subquery:
    """Return what the last change of an instance's verdict by then says."""
    changes = VerdictChange.objects.filter(instance=OuterRef("pk"), at__lte=moment)
    return Subquery(changes.order_by("-at", "-pk").values(column)[:1])


def count_reasons(project: Project, now: datetime) -> Counter[str]:
    """Return how many instances of a project have a verdict for which reason. Raises django.db.Error."""
    known = instances_known([project]).annotate(reason_then=reason_at(now))
    return Counter(known.values_list("reason_then", flat=True).iterator())


class InstanceMetrics(NamedTuple):
    """`newest_at` and `failures` are None where nobody knows."""

    project: str
    instance_id: str
    name: str
    verdict: str
    reason: str
    newest_at: datetime | None
    failures: int | None


def measured_instances(projects: Iterable[Project], now: datetime) -> Iterator[InstanceMetrics]:
    """Yield what is told of each instance. Raises django.db.Error."""
    columns = ("instance_id", "listed", "summary__facts", "reason_then")
    for project in projects:
        known = instances_known([project]).annotate(reason_then=reason_at(now)).order_by("pk")
        for instance_id, listed, json, reason in known.values_list(*columns).iterator():
            facts, record = known_facts(json or ""), record_of(listed)
            name, verdict = record.name if record else "", VERDICT_OF[reason]
            newest_at = facts.newest_usable.started_at if facts and facts.newest_usable else None
            failures = facts.failures if facts and facts.counts else None
            yield InstanceMetrics(project.name, instance_id, name, verdict, reason, newest_at, failures)
