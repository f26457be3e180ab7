"""The backup policy of an instance: when its automatic backups are planned, as far as DCS tells.

It is the policy as it is now: what was planned last week is nowhere recorded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy

from ...dcs.records import Instance
from ..words import cached_per_language

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


# In words ---------------------------------------------------------------------

_WEEKDAYS: dict[int, Promise] = {
    1: pgettext_lazy("day of the week", "Mon"),
    2: pgettext_lazy("day of the week", "Tue"),
    3: pgettext_lazy("day of the week", "Wed"),
    4: pgettext_lazy("day of the week", "Thu"),
    5: pgettext_lazy("day of the week", "Fri"),
    6: pgettext_lazy("day of the week", "Sat"),
    7: pgettext_lazy("day of the week", "Sun"),
}


@cached_per_language
def plan_words(plan: Plan) -> str:
    """Return "Backup policy: automatic, Mon to Sun at 03:00 UTC, kept 7 days"; "" where it was not told."""
    if plan.kind == "unknown":
        return ""
    if plan.kind == "none":
        return gettext("No backup policy")
    if plan.kind == "unreadable":
        return gettext("Backup policy: in a format that the portal cannot read")
    if plan.kind == "manual":
        return gettext("Backup policy: automatic backups are off")
    parts = (gettext("automatic"), _when(plan), _kept(plan))
    return gettext("Backup policy: %(plan)s") % {"plan": pgettext("between parts", ", ").join(parts)}


def _when(plan: Plan) -> str:
    days = weekdays(plan.days)
    at = f"{plan.begins:%H:%M}" if plan.begins else ""
    if days and at:
        return gettext("%(days)s at %(time)s UTC") % {"days": days, "time": at}
    if days:
        return gettext("%(days)s at an unknown time") % {"days": days}
    return (
        gettext("at %(time)s UTC on unknown days") % {"time": at} if at else gettext("days and time unknown")
    )


def weekdays(days: tuple[int, ...]) -> str:
    """Return "Mon to Sun", or "Mon, Wed, Fri": two neighbours are no run."""
    parts: list[str] = []
    for _place, run in groupby(enumerate(days), lambda pair: pair[1] - pair[0]):
        names = [str(_WEEKDAYS[day]) for _, day in run]
        if len(names) > 2:
            names = [gettext("%(first)s to %(last)s") % {"first": names[0], "last": names[-1]}]
        parts += names
    return pgettext("between days", ", ").join(parts)


def _kept(plan: Plan) -> str:
    if plan.keep_days is None:
        return gettext("kept for an unknown time")
    return ngettext("kept %(n)d day", "kept %(n)d days", plan.keep_days) % {"n": plan.keep_days}
