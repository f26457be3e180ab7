"""What the board can be asked for: its filters, in one table, and its orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import F
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ..history import PageAsked
from ..insights import REASONS, VERDICTS, reason_word, verdict_name
from ..words import Words, instance_status_word

# So many tags have a chip: those that most instances have.
MOST_TAGS = 12
VERDICT_OF = {reason: verdict for verdict, reasons in REASONS.items() for reason in reasons}


class BoardFilterRow(NamedTuple):
    """A repeatable parameter: an instance passes where one of the values asked for is its own.

    `values` are all that there are; a filter without them takes what fits `pattern`, and offers what occurs.
    """

    name: str
    title: Words
    word: Callable[[str], Words] = str
    values: tuple[str, ...] = ()
    pattern: str = ""
    must: Words = ""


_REASONS = tuple(reason for verdict in VERDICTS for reason in REASONS[verdict])
_NAME = r"[a-z0-9][a-z0-9-]{0,39}"
_TAG = r"[^=\n]{1,128}=[^\n]{0,255}"
FILTERS = (
    BoardFilterRow("verdict", _("Verdict"), verdict_name, VERDICTS),
    BoardFilterRow("reason", pgettext_lazy("of a verdict", "Reason"), reason_word, _REASONS),
    BoardFilterRow("project", _("Project"), pattern=_NAME, must=_("it must be the name of a project")),
    BoardFilterRow("engine", _("Engine"), str.capitalize, pattern=r".{1,40}", must=_("it is too long")),
    BoardFilterRow(
        "status",
        _("Status"),
        instance_status_word,
        pattern=r"[A-Z_]{1,40}",
        must=_("it must be a status such as RUNNING"),
    ),
    BoardFilterRow("tag", _("Tag"), pattern=_TAG, must=_("it must look like team=shop")),
)

# Each orders by a column; instances without a value come last.
_COLUMNS: Mapping[str, str] = {
    "name": "summary__search",
    "engine": "summary__engine",
    "status": "summary__status",
    "newest": "summary__newest_at",
    "attempt": "summary__last_started_at",
    "evidence": "summary__read_at",
}
# Kept of a time of the past is the verdict alone; what instances are called is told as of now.
_SORTS_THEN = ("verdict", "project", "name")
# The verdict that needs a person most first, and of those with the same one the oldest data.
WORST_FIRST = "verdict"
SORTS = (WORST_FIRST, "project", *_COLUMNS)
DEFAULT_PER_PAGE = 100


@dataclass(frozen=True)
class BoardFilter(PageAsked):
    """What the URL of a board asks for; `chosen` has the values of each of FILTERS that has any.

    `rpo` stands instead of every instance's own objective. `as_of`: the verdicts of then.
    """

    per_page: int = DEFAULT_PER_PAGE
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    sort: str = WORST_FIRST
    tz: str = ""
    rpo: timedelta | None = None
    as_of: datetime | None = None

    @property
    def order(self) -> str:
        """The order that is asked for; as of then there is none by what only now is known."""
        return self.sort if not self.as_of or self.sort.removeprefix("-") in _SORTS_THEN else WORST_FIRST

    @property
    def narrows(self) -> bool:
        return bool(self.chosen or self.words)


def order_by(wanted: BoardFilter) -> list[OrderBy]:
    """Return the order of the rows within what Python orders by: their verdicts."""
    sort, within = wanted.order, "name" if wanted.as_of else "newest"
    column, descending = _COLUMNS.get(sort.removeprefix("-"), _COLUMNS[within]), sort.startswith("-")
    first = F(column).desc(nulls_last=True) if descending else F(column).asc(nulls_last=True)
    return [first, F("pk").asc()]


def verdict_rank(reason: str) -> int:
    return _RANKS[reason]


_RANKS = {reason: VERDICTS.index(verdict) for reason, verdict in VERDICT_OF.items()}
