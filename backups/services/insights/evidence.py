"""What the days, hints and outlooks of a history are judged by, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .policy import Plan
from .timeline import Timeline, automatic


@dataclass(frozen=True)
class Evidence:
    """One reading of a history beside the instance's plan.

    `automatic` has the automatic backups alone. `read_at` is when the list was
    read; `whole`: it holds all that DCS lists. `created_at` is the instance's.
    """

    records: Timeline
    automatic: Timeline
    plan: Plan
    read_at: datetime
    whole: bool = True
    created_at: datetime | None = None


def evidence(
    records: Timeline,
    plan: Plan,
    *,
    read_at: datetime,
    whole: bool = True,
    created_at: datetime | None = None,
) -> Evidence:
    return Evidence(records, automatic(records), plan, read_at, whole, created_at)
