"""Tables and targets of what viewers see while something breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .report import Column, Results, Table, Target
from .scene import Seen, p95
from .steady import BROKEN, SIGNED_OUT, Look

_DOCUMENTED = ("200", "503")
_COLUMNS = (
    Column("name", "what breaks"),
    Column("lasted", "for", "s"),
    Column("answers", "answers", " "),
    Column("pages", "200", " "),
    Column("unavailable", "503", " "),
    Column("others", "others"),
    Column("wrong", "wrong", " "),
    Column("signed_out", "signed out", " "),
    Column("quiet", "p95 in quiet", "ms"),
    Column("p95", "p95", "ms"),
    Column("ratio", "quiet = 1", "x"),
    Column("slowest", "slowest", "ms"),
    Column("well_after", "all well after", "s"),
)


def results(seen: list[Seen], *more: str) -> Results:
    """`seen` is what viewers got in each scene, `more` what else is to be said."""
    notes = (
        "Answers are counted from the harm until all was well. Others are statuses besides 200 and 503, and "
        "connections that broke. Wrong are pages of another viewer, projects and histories that are not "
        "theirs, and records that DCS does not have.",
        "All well after: the seconds from the end of the fault to the last answer that was not the right "
        "page, or that had been asked for before.",
        *(one.note for one in seen if one.note),
        *more,
    )
    table = Table("What viewers see while something breaks", _COLUMNS, [_row(one) for one in seen], notes)
    return Results([table], _targets(seen))


def _row(one: Seen) -> dict[str, Any]:
    outcomes = one.outcomes
    others = {name: count for name, count in outcomes.items() if name not in (*_DOCUMENTED, SIGNED_OUT)}
    return {
        "name": one.name,
        "lasted": one.lasted,
        "answers": outcomes.total(),
        "pages": outcomes["200"],
        "unavailable": outcomes["503"],
        "others": ", ".join(f"{count} x {name}" for name, count in others.items()) or "none",
        "wrong": len(one.wrong),
        "signed_out": outcomes[SIGNED_OUT],
        "quiet": p95(one.quiet),
        "p95": p95(one.looks),
        "ratio": p95(one.looks) / p95(one.quiet),
        "slowest": one.slowest,
        "well_after": one.well_after,
    }


def unmeasured(why: str) -> Results:
    return Results(targets=_targets([], why))


def _targets(seen: list[Seen], why: str = "") -> list[Target]:
    def never(what: str, holds: Callable[[Look, Seen], bool]) -> Target:
        measured = sum(holds(look, one) for one in seen for look in [*one.quiet, *one.looks])
        return Target(what, measured if seen else None, most=0, least=0, unit=" ", why=why)

    def at_most(what: str, value: Callable[[Seen], float]) -> Target:
        return Target(what, max(map(value, seen), default=None), most=10.0, unit="s", why=why)

    known = (*_DOCUMENTED, SIGNED_OUT, BROKEN)
    return [
        never("wrong pages and records, whatever breaks", lambda look, _: bool(look.wrong)),
        never("viewers signed out, whatever breaks", lambda look, _: look.outcome == SIGNED_OUT),
        never("answers besides 200 and 503", lambda look, _: look.outcome not in known),
        never(
            "connections that broke where nothing was killed",
            lambda look, one: look.outcome == BROKEN and not (one.kills and look in one.looks),
        ),
        never(
            "answers besides 200 in the quiet before", lambda look, one: not look.well and look in one.quiet
        ),
        at_most("the slowest answer", lambda one: one.slowest),
        at_most("all well after a fault", lambda one: one.well_after),
    ]
