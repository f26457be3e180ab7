"""The filters and the orders of a history, in one table each.

A new filter is one more row of FILTERS: form, query, chips, exports, tickets and the fuzzing
tests read the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ...dcs.records import FORMATS, STATUSES, TYPES, BackupRecord
from ..words import FORMAT_WORDS, RESTORABLE_WORDS, STATUS_WORDS, TYPE_WORDS, Words
from ..words import OTHER as OTHER_WORD

OTHER = "other"


@dataclass(frozen=True)
class Filter:
    """A repeatable parameter `name`: a record matches where one of the values asked for is its own.

    Its own is the `value_of` its `attribute`. `values` are all that can be asked for. A filter without
    them takes what fits `pattern`, in small letters, as `must` says to people, and offers what occurs.
    Where nothing is asked for, only those of `default` match, if it has any.
    """

    name: str
    title: Words
    attribute: str
    value_of: Callable[[Any], str] = str
    values: tuple[str, ...] = ()
    words: Mapping[str, Words] = field(default_factory=dict)
    pattern: str = ""
    must: Words = ""
    default: tuple[str, ...] = ()

    def word(self, value: str) -> Words:
        return OTHER_WORD if value == OTHER else self.words.get(value, value)


def _coded(name: str, title: Words, known: tuple[str, ...], words: Mapping[str, Words]) -> Filter:
    """Return the filter by an attribute of the same name, whose values outside the known ones are "other"."""
    return Filter(
        name, title, name, lambda code: code if code in known else OTHER, (*known, OTHER), words=words
    )


FILTERS = (
    _coded("status", _("Status"), STATUSES, STATUS_WORDS),
    _coded("type", _("Type"), TYPES, TYPE_WORDS),
    _coded("format", _("Format"), FORMATS, FORMAT_WORDS),
    Filter(
        "restorable",
        _("Restorable"),
        "restorable",  # DCS's own word
        lambda word: "unknown" if word is None else "yes" if word else "no",
        ("yes", "no", "unknown"),
        words=RESTORABLE_WORDS,
    ),
    Filter(
        "error",
        pgettext_lazy("of a backup", "Error"),
        "error_code",
        pattern=r"dcs\.[0-9]{2}\.[0-9]{4}",
        must=_("it must look like dcs.08.0002"),
    ),
    Filter(
        "listed",
        _("In DCS's list"),
        "presence",
        lambda presence: "no" if presence == "unlisted" else "yes",
        ("yes", "no"),
        words={"yes": _("Listed"), "no": _("No longer listed")},
        default=("yes",),
    ),
)

RANGES = {
    "24h": timedelta(hours=24),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
RANGE_WORDS: dict[str, Words] = {
    "24h": _("Last 24 hours"),
    "3d": _("Last 3 days"),
    "7d": _("Last 7 days"),
    "30d": _("Last 30 days"),
    "90d": _("Last 90 days"),
}


class Sort(NamedTuple):
    """What rows can be ordered by: `value_of` is None for a record that has no value."""

    title: Words
    value_of: Callable[[BackupRecord], Any]


SORTS = {
    "started": Sort(_("Data from"), lambda r: r.started_at),
    "created": Sort(_("Created"), lambda r: r.created_at),
    "finished": Sort(_("Finished"), lambda r: r.finished_at),
    "duration": Sort(_("Took"), lambda r: r.duration),
    "size": Sort(_("Size"), lambda r: r.size_bytes),
    "status": Sort(_("Status"), lambda r: (_place(r.status, STATUSES), r.status) if r.status else None),
    "type": Sort(_("Type"), lambda r: r.type or None),
    "name": Sort(_("Name"), lambda r: r.name.casefold() or None),
}


def _place(value: str, known: Sequence[str]) -> int:
    return known.index(value) if value in known else len(known)


DEFAULT_SORT = "-started"
PER_PAGE = (25, 50, 100, 200)
# The most rows that one page has, for paper.
MOST_PER_PAGE = 2000
DEFAULT_PER_PAGE = 50

# What a query says of which rows are shown, and how; tz says how times are written.
NARROWING = frozenset((*(one.name for one in FILTERS), "q", "from", "to", "range"))
PARAMETERS = NARROWING | {"sort", "page", "per_page"}
