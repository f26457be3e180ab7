"""The verdict on an instance: can it be restored, from when, and if not, why. One rule after another.

usable, attention, none, unknown, unsupported
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ...dcs.fields import span_of
from ..projects import Project
from ..words import Clock, text_macro, times
from .facts import FAILURES_IN_A_ROW, Facts

# From the one that needs a person most.
_NAMES: dict[str, Promise] = {
    "none": pgettext_lazy("a verdict", "No usable backup"),
    "attention": pgettext_lazy("a verdict", "Attention"),
    "unknown": pgettext_lazy("a verdict", "Not known"),
    "usable": pgettext_lazy("a verdict", "Usable"),
    "unsupported": pgettext_lazy("a verdict", "Not supported"),
}
VERDICTS = tuple(_NAMES)
# The verdict that each belongs to, and what it is called; what is said of a verdict first comes first.
_REASONS: dict[str, tuple[str, Promise]] = {
    "all_failed": ("none", _("all attempts failed")),
    "none_allowed": ("none", _("no restore allowed")),
    "all_gone": ("none", _("all expired or deleted")),
    "first_running": ("none", _("first one in progress")),
    "no_backup": ("none", _("none listed")),
    "objective_missed": ("attention", _("too old")),
    "failing": ("attention", _("failing")),
    "ends_before_next": ("attention", _("deleted before the next")),
    "running_long": ("attention", _("a backup hangs")),
    "not_now": ("attention", _("instance not running")),
    "never_read": ("unknown", _("not read yet")),
    "read_too_long_ago": ("unknown", _("read too long ago")),
    "list_not_whole": ("unknown", _("list not whole")),
    "not_confirmed": ("unknown", _("loss not confirmed")),
    "no_time": ("unknown", _("no readable time")),
    "dcs_does_not_say": ("unknown", _("DCS does not say")),
    "within_objective": ("usable", _("within the objective")),
    "no_objective": ("usable", _("no objective")),
    "single_node": ("unsupported", _("single node")),
    "memcached": ("unsupported", _("Memcached")),
    "not_supported": ("unsupported", _("DCS says so")),
}
REASONS = {one: tuple(reason for reason, (of, _word) in _REASONS.items() if of == one) for one in VERDICTS}
# How much later than its slot a planned run may end.
GRACE = timedelta(hours=4)


@dataclass(frozen=True)
class Objective:
    """How old the newest usable backup may be, None where nobody said; and who said so.

    `source`: "asked", "tag", "project", "portal", "policy" or "". `unread` is a tag's value that is no span.
    """

    span: timedelta | None
    source: str = ""
    unread: str = ""


@dataclass(frozen=True)
class Verdict:
    """`reasons` are all that hold of a verdict at a time, the first is the one that is said.

    `facts` is None where the list was never read. `since` is when a bound was passed, None where that is not
    known. `then`, of a list that was read too long ago, is the verdict of that time. `holds_until` is when it
    changes although nothing happens.
    """

    verdict: str
    reasons: tuple[str, ...]
    at: datetime
    facts: Facts | None = None
    objective: Objective = Objective(None)
    since: datetime | None = None
    then: Verdict | None = None
    holds_until: datetime | None = None

    @property
    def reason(self) -> str:
        return self.reasons[0]

    @property
    def breached_since(self) -> datetime | None:
        """When the newest usable backup became older than the objective, if it is."""
        return self.since if self.reason == "objective_missed" else None


def objective_of(facts: Facts, project: Project | None, *, asked: timedelta | None = None) -> Objective:
    """Return the objective that counts: what was asked for, else the tag's, project's, portal's, plan's."""
    tagged = span_of(facts.tag) if facts.tag else None
    unread = facts.tag if facts.tag and tagged is None else ""
    planned = timedelta(seconds=facts.interval) + GRACE if facts.interval else None
    candidates = (
        ("asked", asked),
        ("tag", tagged),
        ("project", project.rpo if project else None),
        ("portal", settings.DCS_RPO),
        ("policy", planned),
    )
    found = next(((name, span) for name, span in candidates if span), ("", None))
    return Objective(found[1], found[0], unread)


def longest_believed() -> timedelta:
    """Return how old a reading may be that still says something of now."""
    return timedelta(seconds=2 * settings.COLLECT_IDLE_SECONDS, minutes=10)


def verdict_of(facts: Facts | None, objective: Objective, *, now: datetime) -> Verdict:
    """Return the first verdict that holds at `now`."""
    if facts is None:
        return Verdict("unknown", ("never_read",), now)
    too_old_at = facts.read_at + longest_believed()
    if not facts.unsupported and now > too_old_at:
        then = verdict_of(facts, objective, now=facts.read_at)
        return Verdict("unknown", ("read_too_long_ago",), now, facts, objective, since=too_old_at, then=then)
    bounds = _bounds(facts, objective)
    reasons = _reasons(facts, objective, [reason for reason, bound in bounds.items() if now > bound])
    verdict, _word = _REASONS[reasons[0]]
    to_come = [bound for bound in (*bounds.values(), too_old_at) if bound > now and not facts.unsupported]
    since = bounds.get(reasons[0]) if verdict == "attention" else None
    holds_until = min(to_come, default=None)
    return Verdict(verdict, reasons, now, facts, objective, since=since, holds_until=holds_until)


def _reasons(facts: Facts, objective: Objective, passed: list[str]) -> tuple[str, ...]:
    """Return what holds; `passed` are the reasons whose time has come."""
    unsure = "" if facts.whole and not facts.undated else "no_time" if facts.whole else "list_not_whole"
    if facts.unsupported:
        return (facts.unsupported,)
    if facts.newest_usable:
        if "objective_missed" in passed and unsure:  # there may be a newer one
            return (unsure,)
        attention = (*passed, "not_now") if facts.not_now else tuple(passed)
        return attention or ("within_objective" if objective.span else "no_objective",)
    if not facts.confirmed:
        return ("not_confirmed",)
    return (unsure or ("dcs_does_not_say" if facts.unsure else _why_none(facts)),)


def _bounds(facts: Facts, objective: Objective) -> dict[str, datetime]:
    """Return from when on each reason holds that depends on time, in the order in which they are said."""
    usable = facts.newest_usable
    found = {
        "objective_missed": usable.started_at + objective.span if usable and objective.span else None,
        "failing": facts.failed_often_at,
        "ends_before_next": facts.last_run_before,
        "running_long": facts.overdue_at,
    }
    return {reason: bound for reason, bound in found.items() if bound}


def _why_none(facts: Facts) -> str:
    kinds = facts.kinds
    gone, failed = kinds.get("expired", 0) + kinds.get("deleted", 0), facts.failures
    if failed >= FAILURES_IN_A_ROW or (failed and not gone and not kinds.get("unusable")):
        return "all_failed"
    if kinds.get("unusable") or kinds.get("odd"):
        return "none_allowed"
    if gone:
        return "all_gone"
    return "first_running" if facts.total else "no_backup"


# In words ---------------------------------------------------------------------


def verdict_text(verdict: Verdict, clock: Clock, *, ages: bool = True) -> str:
    """Return "Usable: data from 28 Nov 23:02:58 UTC, 1 h 15 min ago"; without ages only times are said."""
    say: dict[str, Callable[..., str] | None] = {
        "at": clock.text,
        "about": clock.about,
        "day": lambda moment: clock.about(moment, day=True),
        "code": str,
        "ago": clock.age if ages else None,
        "left": (lambda moment: times.span(moment - clock.now)) if ages else None,
    }
    return text_macro("macros/verdict.txt", "verdict_sentence")(verdict, say).strip()


def verdict_name(verdict: str) -> str:
    """Return the verdict in a word or two, without its reason."""
    return str(_NAMES[verdict])


def reason_word(reason: str) -> str:
    """Return the reason of a verdict as a filter names it."""
    return str(_REASONS[reason][1])
