"""The last days of a history, one verdict a day: what the day strip shows.

A day without a backup says little by itself: records leave DCS's list, a list
may be old or not whole, and a policy may have changed. So "missed" is said
only where everything that it needs is known, and "not known" everywhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from ..words import cached_per_language, kinds_in_words, times
from .policy import KnownHistory
from .timeline import FAILED, KINDS, Attempts, between

DAYS = 30
# A deferred run is tried again, once an hour and three times in all: it may begin after midnight.
LATE = timedelta(hours=4)
# An automatic backup vouches for the plan of this time after it: the policy is known only as it is now.
VOUCHES = timedelta(days=31)

_STATE_WORDS: dict[str, Promise] = {
    "usable": _("usable"),
    "running": pgettext_lazy("a day", "in progress"),
    "unusable": _("ran, not usable"),
    "gone": _("ran, file gone"),
    "unlisted": _("ran, no longer listed"),
    "failed": pgettext_lazy("a day", "failed"),
    "odd": _("unclear"),
    "due": _("planned, none yet"),
    "missed": _("missed"),
    "none": _("nothing planned"),
    "unknown": _("not known"),
}
STATES = tuple(_STATE_WORDS)
_KINDS_OF_STATE: dict[str, tuple[str, ...]] = {
    "usable": ("usable",),
    "running": ("running",),
    "unusable": ("unusable",),
    "gone": ("expired", "deleted"),
    "failed": FAILED,
    "odd": ("odd",),
}


class Day(NamedTuple):
    """One day from `start` up to `end`. `reason` is a stable code for a state that no backup gives.

    `also_failed`: something failed beside what the day is called after.
    """

    date: date
    start: datetime
    end: datetime
    state: str
    counts: tuple[tuple[str, int], ...] = ()
    reason: str = ""
    also_failed: bool = False


class ShortDay(NamedTuple):
    """A day in UTC: one of STATES, and whether something failed beside what the day is called after."""

    date: date
    state: str
    also_failed: bool = False


def last_days(known: KnownHistory, zone: tzinfo, unlisted: Attempts = ()) -> tuple[Day, ...]:
    """Return the last days of a zone, today last; `unlisted` are backups that the list no longer holds."""
    today = known.now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -2, -1)]
    midnights = [datetime.combine(day, time(), zone).astimezone(UTC) for day in days]
    bounds = pairwise(midnights)
    return tuple(_day(known, day, *of_day, unlisted) for day, of_day in zip(days[:-1], bounds, strict=True))


def same_days(then: datetime, now: datetime) -> bool:
    """Whether time alone has changed none of the days, in UTC, since then."""
    return datetime.combine(now.astimezone(UTC).date(), time(), UTC) + LATE <= then <= now


def day_counts(days: Iterable[Day | ShortDay]) -> list[tuple[str, int]]:
    """Return each state that a day has, with the number of its days."""
    counts = Counter(day.state for day in days)
    return [(state, counts[state]) for state in STATES if counts[state]]


def _day(known: KnownHistory, day: date, start: datetime, end: datetime, unlisted: Attempts) -> Day:
    listed = between(known.timeline.attempts, start, end)
    kinds = Counter([attempt.kind for attempt in listed or between(unlisted, start, end)])
    if not kinds:
        state, reason = _without_backups(known, start, end)
        return Day(day, start, end, state, reason=reason)
    # A day is called after the best that it has: what matters is whether it can be gone back to.
    best = next(s for s, of_state in _KINDS_OF_STATE.items() if not kinds.keys().isdisjoint(of_state))
    state = best if listed else "unlisted"
    counts = tuple((kind, kinds[kind]) for kind in KINDS if kind in kinds)
    also_failed = state != "failed" and not kinds.keys().isdisjoint(FAILED)
    return Day(day, start, end, state, counts, also_failed=also_failed)


def _without_backups(known: KnownHistory, start: datetime, end: datetime) -> tuple[str, str]:
    """Return the state and the reason of a day of which the list has nothing.

    A backup is missing only where one was planned and the list would still hold it.
    """
    if known.created_at and known.created_at >= end:
        return "none", "before_instance"
    if not known.whole:
        return "unknown", "list_not_whole"
    if known.timeline.undated:
        return "unknown", "undated_records"
    if known.read_at < start:
        return "unknown", "not_read_since"
    planned, slots = known.plan.planned(start, end), known.plan.slots(start, end)
    # Whether its backup may yet come, or had not come when the list was read.
    over = max(end, slots[-1] + LATE) if slots else end + LATE
    is_over = min(known.now, known.read_at) >= over
    attempts, automatic = known.timeline.attempts, known.timeline.automatic
    if is_over and (not attempts or attempts[0].started_at >= end):
        return "unknown", "before_oldest"
    if not planned:
        return ("unknown", "plan_unknown") if planned is None else ("none", "not_planned")
    if not is_over:
        if known.now >= over:
            return "unknown", "not_read_since"
        return "due", "overdue" if any(slot + LATE <= known.read_at for slot in slots) else "to_come"
    # Records leave the list by age. So an older automatic one that is still listed says that this day's would
    # be too, and that the policy was on at that time.
    if not between(automatic, start - VOUCHES, start):
        return "unknown", "no_witness"
    if slots and all(between(automatic, slot, slot + LATE) for slot in slots):
        return "none", "ran_after_midnight"
    return "missed", "none_listed"


# In words ---------------------------------------------------------------------

_REASONS: dict[str, Promise] = {
    "before_instance": _("the instance did not exist yet"),
    "list_not_whole": _("none is listed, but the list is not whole"),
    "undated_records": _("none is listed, but the list has backups without a time"),
    "not_read_since": _("the list is older than the end of that day"),
    "before_oldest": _("older than everything that DCS still lists"),
    "no_witness": _("a backup of that day may have left the list"),
    "plan_unknown": _("none is listed, and what was planned is not known"),
    "not_planned": _("the policy plans none, and none is listed"),
    "ran_after_midnight": _("its backup began after midnight"),
    "none_listed": _("one was planned by the policy as it is now, and none is listed"),
    "overdue": _("its planned time is over, and none is listed so far"),
    "to_come": _("its planned time is yet to come"),
}


def state_word(state: str) -> str:
    return str(_STATE_WORDS[state])


@cached_per_language
def day_title(day: Day) -> str:
    """Return "Fri 20 Nov: usable (1 usable, 2 failed)"."""
    return gettext("%(day)s: %(state)s (%(details)s)") % {
        "day": times.weekday_and_date(day.date),
        "state": state_word(day.state),
        "details": kinds_in_words(day.counts) or _REASONS[day.reason],
    }


def days_in_words(days: Iterable[Day | ShortDay]) -> str:
    """Return "14 days: 12 usable, 1 failed, 1 missed"."""
    return _counts_text(tuple(day_counts(days)))


@cached_per_language
def _counts_text(counts: tuple[tuple[str, int], ...]) -> str:
    said = [f"{count} {state_word(state)}" for state, count in counts]
    n = sum(count for _state, count in counts)
    days = ngettext("%(n)d day: %(states)s", "%(n)d days: %(states)s", n)
    return days % {"n": n, "states": pgettext("between parts", ", ").join(said)}
