"""How the day strip is written: the cells, their links and words, the legend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from html import escape
from typing import Any

from django import template
from django.template import Context
from django.utils.dateformat import format as format_date
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from backups.services.insights import STATES, Day

from .portal import icon
from .row_links import rows_url

register = template.Library()

_STATE_WORDS: dict[str, Promise] = {
    "usable": _("usable"),
    "running": pgettext_lazy("a day", "in progress"),
    "unusable": _("ran, not usable"),
    "gone": _("ran, no longer there"),
    "failed": pgettext_lazy("a day", "failed"),
    "odd": _("unclear"),
    "due": _("planned, none yet"),
    "missed": _("missed"),
    "none": _("nothing planned"),
    "unknown": _("not known"),
}
# A shape for each state: colour is never alone.
_SHAPES = {
    "usable": "check",
    "running": "running",
    "unusable": "lock",
    "gone": "minus",
    "failed": "x",
    "odd": "question",
    "due": "clock",
    "missed": "circle-alert",
    "unknown": "question",
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


@register.simple_tag(takes_context=True)
def day_cells(context: Context, days: tuple[Day, ...]) -> SafeString:
    """Return the cells of the strip, written without a template: there are thirty of them."""
    wanted = context.get("filter")
    bounds = (wanted.start, wanted.end) if wanted else None
    return mark_safe("".join(_cell(context, day, bounds, first=day is days[0]) for day in days))


def _cell(
    context: Context, day: Day, bounds: tuple[datetime | None, datetime | None] | None, *, first: bool
) -> str:
    chosen = (day.start, day.end) == bounds
    # A second click on a day shows all days again.
    filters: dict[str, Any] = {} if chosen else {"from": day.start, "to": day.end}
    title = escape(day_title(day))
    month = ""
    if first or day.date.day == 1:
        name = _short(day.date, pgettext("a month", "M"))
        month = f'<span class="month">{escape(name)}</span> '
    url = escape(rows_url(context, **filters))
    return (
        f'<li><a class="cell" href="{url}" title="{title}" aria-label="{title}"'
        f"{CHOSEN if chosen else ''}>{day_mark(day.state, day.also_failed)}"
        f'<span class="label">{month}{day.date.day}</span></a></li>'
    )


CHOSEN = ' aria-current="true"'


@register.simple_tag
def day_mark(state: str, also_failed: bool = False) -> SafeString:
    """Return the box of a day: a colour and a shape."""
    shape = _SHAPES.get(state)
    also = " also-failed" if also_failed else ""
    return mark_safe(f'<span class="day is-{state}{also}">{icon(shape) if shape else ""}</span>')


def day_title(day: Day) -> str:
    """Return "Fri 20 Nov: usable (1 usable, 2 failed)"."""
    details = pgettext("between parts", ", ").join(_of_kind(kind, n) for kind, n in day.counts)
    return gettext("%(day)s: %(state)s (%(details)s)") % {
        "day": weekday_and_date(day.date),
        "state": state_word(day.state),
        "details": details or _REASONS[day.reason],
    }


@register.simple_tag
def weekday_and_date(day: date | None) -> str:
    return _short(day, pgettext("a day of the week and a date", "D j M")) if day else ""


def _short(day: date, pattern: str) -> str:
    return str(format_date(day, pattern))


@register.filter
def state_word(state: str) -> str:
    return str(_STATE_WORDS[state])


def _of_kind(kind: str, n: int) -> str:
    texts = {
        "usable": ngettext("%(n)d usable", "%(n)d usable", n),
        "unusable": ngettext("%(n)d succeeded, not usable", "%(n)d succeeded, not usable", n),
        "running": ngettext("%(n)d in progress", "%(n)d in progress", n),
        "expired": ngettext("%(n)d expired", "%(n)d expired", n),
        "deleted": ngettext("%(n)d deleted", "%(n)d deleted", n),
        "failed": ngettext("%(n)d failed", "%(n)d failed", n),
        "did_not_run": ngettext("%(n)d did not run", "%(n)d did not run", n),
        "odd": ngettext("%(n)d with an unknown status", "%(n)d with an unknown status", n),
    }
    return texts[kind] % {"n": n}


@register.filter
def kinds_in_words(counts: Iterable[tuple[str, int]]) -> str:
    """Return "18 expired, 3 deleted"; what there is none of is left out."""
    return pgettext("between parts", ", ").join(_of_kind(kind, n) for kind, n in counts if n)


@register.filter
def legend(days: tuple[Day, ...]) -> list[tuple[str, int]]:
    """Return each state that occurs with its number of days."""
    counts = Counter(day.state for day in days)
    return [(state, counts[state]) for state in STATES if counts[state]]


@register.filter
def also_failed(days: tuple[Day, ...]) -> int:
    """Return on how many days something failed beside what the day is called after."""
    return sum(day.also_failed for day in days)
