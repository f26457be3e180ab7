"""The backup policy of an instance: what it plans, and how long a backup's file is likely to be kept.

It is the policy as it is now: what was planned last week is nowhere recorded. Automatic backups are kept
for its days, at least one of them, and of all files of an instance the newest 24: the 25th removes the
earliest. Nothing is estimated from what is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Literal, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from ...dcs.records import BackupRecord, Instance
from ..words import Clock, cached_per_language
from .timeline import Timeline

PlanKind = Literal["automatic", "manual", "none", "unreadable", "unknown"]

_SLOT = re.compile(r"\s*([01]?[0-9]|2[0-3]):([0-5][0-9])\b")
_DAY = timedelta(days=1)
MOST_FILES = 24


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


# What follows for a history ----------------------------------------------------


@dataclass(frozen=True)
class KnownHistory:
    """What is known at `now`: one reading of a history beside the instance's plan.

    `read_at` is when the list was read; `whole`: it holds all that DCS lists. `created_at` is the instance's.
    """

    timeline: Timeline
    plan: Plan
    now: datetime
    read_at: datetime
    whole: bool = True
    created_at: datetime | None = None


class Outlook(NamedTuple):
    """`until` and `keep_days` are the policy's, None where it says nothing of this backup.

    `last_automatic`: no newer automatic file is there, so that DCS keeps this
    one at least. `place` counts this file from the newest, which is 1, and
    `newer_to_push_out` the newer ones that would make it the 25th.
    """

    until: datetime | None = None
    keep_days: int | None = None
    overdue: bool = False
    last_automatic: bool = False
    by_hand: bool = False
    place: int | None = None

    @property
    def newer_to_push_out(self) -> int | None:
        return MOST_FILES + 1 - self.place if self.place else None

    def goes_soon(self, now: datetime) -> bool:
        """Whether the file may go within a day, or with the next backup."""
        if self.newer_to_push_out == 1:
            return True
        return self.until is not None and not self.last_automatic and self.until - now < timedelta(days=1)


def outlook(record: BackupRecord, known: KnownHistory) -> Outlook | None:
    """Return what is likely of a backup that still has its file; None where nothing can be said."""
    places, started = known.timeline.places, record.started_at
    # Of a history that is read by window, `known` is the newest part.
    if not started or record.status != "succeed" or record.presence != "listed" or record.key not in places:
        return None
    # Where more files are listed, or some without a place in time, the limit tells nothing.
    limited = known.whole and not known.timeline.undated and len(places) <= MOST_FILES
    place = places[record.key] if limited else None
    if record.type == "manual":
        return Outlook(by_hand=True, place=place)
    keep_days = known.plan.keep_days
    if record.type != "auto" or not keep_days:
        return Outlook(place=place) if place else None
    until = started + timedelta(days=keep_days)
    return Outlook(
        until=until,
        keep_days=keep_days,
        overdue=until <= known.now,
        last_automatic=known.whole and record.key == known.timeline.newest_automatic_file,
        place=place,
    )


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


_NO_PLAN: dict[str, Promise | str] = {
    "unknown": "",
    "none": _("No backup policy"),
    "unreadable": _("Backup policy: in a format that the portal cannot read"),
    "manual": _("Backup policy: automatic backups are off"),
}


@cached_per_language
def plan_words(plan: Plan) -> str:
    """Return "Backup policy: automatic, Mon to Sun at 03:00 UTC, kept 7 days"; "" where it was not told."""
    if plan.kind in _NO_PLAN:
        return str(_NO_PLAN[plan.kind])
    days, at, kept = weekdays(plan.days), f"{plan.begins:%H:%M}" if plan.begins else "", plan.keep_days
    if days:
        when = gettext("%(days)s at %(time)s UTC") if at else gettext("%(days)s at an unknown time")
    else:
        when = gettext("at %(time)s UTC on unknown days") if at else gettext("days and time unknown")
    parts = (
        gettext("automatic"),
        when % {"days": days, "time": at},
        ngettext("kept %(n)d day", "kept %(n)d days", kept) % {"n": kept}
        if kept
        else gettext("kept for an unknown time"),
    )
    return gettext("Backup policy: %(plan)s") % {"plan": pgettext("between parts", ", ").join(parts)}


def weekdays(days: tuple[int, ...]) -> str:
    """Return "Mon to Sun", or "Mon, Wed, Fri": two neighbours are no run."""
    parts: list[str] = []
    for _step, run in groupby(enumerate(days), lambda pair: pair[1] - pair[0]):
        names = [str(_WEEKDAYS[day]) for _place, day in run]
        if len(names) > 2:
            names = [gettext("%(first)s to %(last)s") % {"first": names[0], "last": names[-1]}]
        parts += names
    return pgettext("between days", ", ").join(parts)


def outlook_text(found: Outlook | None, clock: Clock) -> str:
    """Return in one line how long a file is likely to be kept, "" where nothing is estimated."""
    if found is None:
        return ""
    until = clock.about(found.until) if found.until and not found.overdue else ""
    return _outlook_words(found.by_hand, found.keep_days or 0, until, found.place or 0)


@cached_per_language
def _outlook_words(by_hand: bool, days: int, until: str, place: int) -> str:
    parts = []
    if by_hand:
        parts.append(gettext("kept until deleted by hand"))
    elif until:
        kept = gettext("kept until about %(time)s (%(n)d-day retention)")
        parts.append(kept % {"time": until, "n": days})
    elif days:
        parts.append(ngettext("kept beyond its %(n)d day", "kept beyond its %(n)d days", days) % {"n": days})
    if place:
        n = MOST_FILES + 1 - place
        pushed = ngettext(
            "file %(place)d of at most 24: deleted after %(n)d more backup",
            "file %(place)d of at most 24: deleted after %(n)d more backups",
            n,
        )
        parts.append(pushed % {"place": place, "n": n})
    said = pgettext("between reasons", "; ").join(parts)
    return gettext("Estimate: %(outlook)s") % {"outlook": said} if said else ""
