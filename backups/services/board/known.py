"""Which instances there are, and what their verdicts are at a time, as queries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from ...models import Instance, VerdictChange
from ..insights import longest_believed
from ..listings import CacheSnapshot, of_projects
from ..projects import Project


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
    told = Case(*cases, default=_change_at(moment, "reason"), output_field=CharField())
    return Coalesce(told, Value("never_read"))


def since_at(moment: datetime) -> Subquery:
    """Return since when the verdict of then was so."""
    return _change_at(moment, "since")


def _change_at(moment: datetime, column: str) -> Subquery:
    changes = VerdictChange.objects.filter(instance=OuterRef("pk"), at__lte=moment)
    return Subquery(changes.order_by("-at", "-pk").values(column)[:1])
