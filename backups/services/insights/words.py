"""What is said of policies, days and retention, in the language that is active, as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from ..words import Clock, cached_per_language, kinds_in_words, text_macro, times
from .days import STATES, Day, ShortDay
from .outlook import Outlook
from .policy import Plan
from .verdict import Verdict

# The policy ------------------------------------------------------------------

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


# Days ------------------------------------------------------------------------

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


def days_said(days: Iterable[Day | ShortDay]) -> str:
    """Return "14 days: 12 usable, 1 failed, 1 missed"."""
    return _states_said(tuple(day.state for day in days))


@cached_per_language
def _states_said(states: tuple[str, ...]) -> str:
    counts = Counter(states)
    said = [f"{counts[state]} {state_word(state)}" for state in STATES if counts[state]]
    days = ngettext("%(n)d day: %(states)s", "%(n)d days: %(states)s", len(states))
    return days % {"n": len(states), "states": pgettext("between parts", ", ").join(said)}


# Retention -------------------------------------------------------------------


def outlook_text(found: Outlook | None, clock: Clock) -> str:
    """Return in one line how long a file is likely to be kept, "" where nothing is estimated."""
    if found is None:
        return ""
    said = _until(found, clock)
    if found.place and found.newer_to_push_out:
        pushed = ngettext(
            "file %(place)d of at most 24: deleted after %(n)d more backup",
            "file %(place)d of at most 24: deleted after %(n)d more backups",
            found.newer_to_push_out,
        )
        pushed %= {"place": found.place, "n": found.newer_to_push_out}
        said = pgettext("between reasons", "; ").join((said, pushed)) if said else pushed
    return gettext("Estimate: %(outlook)s") % {"outlook": said} if said else ""


def _until(found: Outlook, clock: Clock) -> str:
    if found.by_hand:
        return gettext("kept until deleted by hand")
    if found.until is None or found.keep_days is None:
        return ""
    if found.overdue:
        n = found.keep_days
        return ngettext("kept beyond its %(n)d day", "kept beyond its %(n)d days", n) % {"n": n}
    kept = gettext("kept until about %(time)s (%(n)d-day retention)")
    return kept % {"time": clock.about(found.until), "n": found.keep_days}


# The verdict -----------------------------------------------------------------


def verdict_text(verdict: Verdict, clock: Clock, *, ages: bool = True) -> str:
    """Return "Usable: data from 28 Nov 23:02:58 UTC, 1 h 15 min ago"; without ages only times are said."""

    def at(moment: datetime) -> str:
        written = clock.time(moment)
        return f"{written.text} {written.zone}"

    say: dict[str, Callable[..., str] | None] = {
        "at": at,
        "about": clock.about,
        "day": lambda moment: clock.about(moment, day=True),
        "code": str,
        "ago": clock.age if ages else None,
        "left": (lambda moment: times.span(moment - clock.now)) if ages else None,
    }
    return text_macro("macros/verdict.txt", "verdict_sentence")(verdict, say).strip()


_VERDICT_NAMES: dict[str, Promise] = {
    "usable": pgettext_lazy("a verdict", "Usable"),
    "attention": pgettext_lazy("a verdict", "Attention"),
    "none": pgettext_lazy("a verdict", "No usable backup"),
    "unknown": pgettext_lazy("a verdict", "Not known"),
    "unsupported": pgettext_lazy("a verdict", "Not supported"),
}
_REASON_WORDS: dict[str, Promise] = {
    "all_failed": _("all attempts failed"),
    "none_allowed": _("no restore allowed"),
    "all_gone": _("all expired or deleted"),
    "first_running": _("first one in progress"),
    "no_backup": _("none listed"),
    "objective_missed": _("too old"),
    "failing": _("failing"),
    "ends_before_next": _("deleted before the next"),
    "running_long": _("a backup hangs"),
    "not_now": _("instance not running"),
    "never_read": _("not read yet"),
    "read_too_long_ago": _("read too long ago"),
    "list_not_whole": _("list not whole"),
    "not_confirmed": _("loss not confirmed"),
    "no_time": _("no readable time"),
    "dcs_does_not_say": _("DCS does not say"),
    "within_objective": _("within the objective"),
    "no_objective": _("no objective"),
    "single_node": _("single node"),
    "memcached": _("Memcached"),
    "not_supported": _("DCS says so"),
}


def verdict_name(verdict: str) -> str:
    """Return the verdict in a word or two, without its reason."""
    return str(_VERDICT_NAMES[verdict])


def reason_word(reason: str) -> str:
    """Return the reason of a verdict as a filter names it."""
    return str(_REASON_WORDS[reason])
