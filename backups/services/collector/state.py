"""Whether the collector keeps up: how old what is known is, how late what is due, and who collects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min

from ...models import InstanceSummary
from ..listings import lease_holder, of_projects
from ..projects import Project
from .loop import LEASE
from .summaries import idle

# What is older than twice the time between two readings, and this, says that the collector does not keep up.
GRACE = timedelta(minutes=10)


@dataclass(frozen=True)
class EvidenceAge:
    """How old the lists of a project are; None where nothing was read. `lag`: how late the latest one is."""

    read: int
    not_read: int
    oldest: timedelta | None
    median: timedelta | None
    lag: timedelta

    @property
    def is_too_old(self) -> bool:
        return self.oldest is not None and self.oldest > 2 * idle() + GRACE


def evidence_age(project: Project, now: datetime) -> EvidenceAge:
    """Tell how old what is known of a project's instances is, but of those that are gone or have no backups.

    Raises django.db.Error.
    """
    rows = InstanceSummary.objects.filter(of_projects([project], "instance__"), due_at__isnull=False).exclude(
        problem="unsupported"
    )
    found = rows.aggregate(all=Count("pk"), read=Count("read_at"), oldest=Min("read_at"), due=Min("due_at"))
    times = rows.exclude(read_at=None).order_by("read_at").values_list("read_at", flat=True)
    median = times[found["read"] // 2 : found["read"] // 2 + 1].first()
    return EvidenceAge(
        read=found["read"],
        not_read=found["all"] - found["read"],
        oldest=now - found["oldest"] if found["oldest"] else None,
        median=now - median if median else None,
        lag=max(timedelta(0), now - (found["due"] or now)),
    )


def reads_by_itself() -> bool:
    """Whether lists are read before anybody asks: here, by COLLECT, or by a process elsewhere."""
    return settings.COLLECT or bool(collecting())


def collecting() -> str:
    """Return which machine and process collects, "" where none does or nobody can tell."""
    return lease_holder(LEASE)
