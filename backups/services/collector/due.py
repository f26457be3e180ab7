"""When a list of backups is to be read next: what its last reading said, and the plan, decide."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from ...models import InstanceSummary
from ..insights import Plan
from ..problems import Problem

Urgency = InstanceSummary.Urgency

RUNNING_EVERY = timedelta(minutes=3)
# A planned backup is looked for from so long after its slot, so often, and no longer than that.
PLANNED_AFTER = timedelta(minutes=10)
PLANNED_EVERY = timedelta(minutes=10)
PLANNED_FOR = timedelta(hours=4)
FAILED_EVERY = timedelta(minutes=5)
UNSUPPORTED_EVERY = timedelta(days=1)
# What another attempt in a moment would not change.
LASTING = frozenset({"not_found", "access_denied", "rejected"})


class Due(NamedTuple):
    at: datetime
    urgency: Urgency


def due_after_reading(
    read_at: datetime,
    *,
    plan: Plan,
    is_running: bool,
    last_started_at: datetime | None,
    idle: timedelta,
) -> Due:
    """Return when a list that was read then is to be read next.

    `is_running`: a backup of it is not done, or the list itself is doubtful. `last_started_at` is when its
    newest backup began.
    """
    if is_running:
        return Due(read_at + RUNNING_EVERY, Urgency.RUNNING)
    found = [Due(read_at + idle, Urgency.IDLE)]
    for slot in plan.slots(read_at - PLANNED_FOR, read_at + idle):
        looked_for = slot + PLANNED_AFTER
        if looked_for > read_at:
            found.append(Due(looked_for, Urgency.PLANNED))
        elif last_started_at is None or last_started_at < slot:
            found.append(Due(read_at + PLANNED_EVERY, Urgency.PLANNED))
    return min(found)


def due_after_failure(problem: Problem, at: datetime, *, idle: timedelta) -> datetime:
    """Return when a list that could not be read then is to be tried again."""
    if problem.kind == "unsupported":
        return at + UNSUPPORTED_EVERY
    pause = idle if problem.kind in LASTING else FAILED_EVERY
    return max(at + pause, problem.retry_at or at)
