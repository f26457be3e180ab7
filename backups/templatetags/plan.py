"""How a backup policy is written in words."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, ngettext, pgettext, pgettext_lazy

from backups.services.insights import Plan, day_runs

register = template.Library()

_WEEKDAYS: dict[int, Promise] = {
    1: pgettext_lazy("day of the week", "Mon"),
    2: pgettext_lazy("day of the week", "Tue"),
    3: pgettext_lazy("day of the week", "Wed"),
    4: pgettext_lazy("day of the week", "Thu"),
    5: pgettext_lazy("day of the week", "Fri"),
    6: pgettext_lazy("day of the week", "Sat"),
    7: pgettext_lazy("day of the week", "Sun"),
}


@register.filter
def plan_words(plan: Plan | None) -> str:
    """Return "Backup policy: automatic, Mon to Sun at 03:00 UTC, kept 7 days"; "" where it was not told."""
    return _plan_words(plan, get_language()) if plan else ""


@lru_cache(maxsize=256)
def _plan_words(plan: Plan, language: str | None) -> str:
    if plan.kind == "unknown":
        return ""
    if plan.kind == "none":
        return gettext("No backup policy")
    if plan.kind == "unreadable":
        return gettext("Backup policy: in a form that the portal cannot read")
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
    """Return "Mon to Sun", or "Mon, Wed, Fri"."""
    runs = (
        str(_WEEKDAYS[first])
        if first == last
        else gettext("%(first)s to %(last)s") % {"first": _WEEKDAYS[first], "last": _WEEKDAYS[last]}
        for first, last in day_runs(days)
    )
    return pgettext("between days", ", ").join(runs)


def _kept(plan: Plan) -> str:
    if plan.keep_days is None:
        return gettext("kept for an unknown time")
    return ngettext("kept %(n)d day", "kept %(n)d days", plan.keep_days) % {"n": plan.keep_days}
