"""The backup policy of an instance: when its automatic backups are planned, as far as DCS tells.

It is the policy as it is now: what was planned last week is nowhere recorded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from ...dcs.records import Instance

PlanKind = Literal["automatic", "manual", "none", "unreadable", "unknown"]

_SLOT = re.compile(r"\s*([01]?[0-9]|2[0-3]):([0-5][0-9])\b")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    """`kind` "manual": automatic backups are off; "none": DCS has no policy; "unknown": it was not asked.

    `days` has Monday as 1 and is empty where unknown; `begins` is in UTC; None where unknown.
    """

    kind: PlanKind
    days: tuple[int, ...] = ()
    begins: time | None = None
    keep_days: int | None = None

    def slots(self, start: datetime, end: datetime) -> tuple[datetime, ...]:
        """Return when the planned backups from `start` and before `end` begin; none without a time of day."""
        if self.kind != "automatic" or self.begins is None:
            return ()
        days = (day for day in _utc_days(start, end) if day.isoweekday() in self.days)
        found = (datetime.combine(day, self.begins, UTC) for day in days)
        return tuple(slot for slot in found if start <= slot < end)

    def planned(self, start: datetime, end: datetime) -> bool | None:
        """Return whether a backup is planned from `start` and before `end`, None where that is not known."""
        if self.kind in ("manual", "none"):
            return False
        if self.kind != "automatic" or not self.days:
            return None
        if self.begins is not None:
            return bool(self.slots(start, end))
        found = {day.isoweekday() in self.days for day in _utc_days(start, end)}
        return found.pop() if len(found) == 1 else None

    @property
    def interval(self) -> timedelta | None:
        """The longest time that lies between two planned backups."""
        if self.kind != "automatic" or not self.days:
            return None
        following = (*self.days[1:], self.days[0] + 7)
        return max(after - day for day, after in zip(self.days, following, strict=True)) * _DAY


def plan_of(instance: Instance | None) -> Plan:
    """Return the plan of an instance as ShowInstance tells it."""
    if instance is None:
        return Plan("unknown")
    policy = instance.backup_policy
    if policy is None:
        return Plan("unreadable" if instance.policy_unreadable else "none")
    if not policy.automatic:
        return Plan("manual")
    slot = _SLOT.match(policy.begin_at)
    return Plan(
        "automatic",
        days=policy.days,
        begins=time(int(slot[1]), int(slot[2])) if slot else None,
        keep_days=policy.save_days or None,
    )


def _utc_days(start: datetime, end: datetime) -> list[datetime]:
    """Return the midnights of the UTC days that have a part in a span."""
    first = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [first + n * _DAY for n in range(-(-(end - first) // _DAY))]
