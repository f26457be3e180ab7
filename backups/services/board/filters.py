"""What the board can be asked for: its filters, in one table, its orders, and which of 10,000 rows pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import F
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ..history import Facet, FacetGroup, PageAsked
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
_NAME, _STATUS, _TAG = r"[a-z0-9][a-z0-9-]{0,39}", r"[A-Z_]{1,40}", r"[^=\n]{1,128}=[^\n]{0,255}"
_STATUS_SUCH_AS = _("it must be a status such as RUNNING")
FILTERS = (
    BoardFilterRow("verdict", _("Verdict"), verdict_name, VERDICTS),
    BoardFilterRow("reason", pgettext_lazy("of a verdict", "Reason"), reason_word, _REASONS),
    BoardFilterRow("project", _("Project"), pattern=_NAME, must=_("it must be the name of a project")),
    BoardFilterRow("engine", _("Engine"), str.capitalize, pattern=r".{1,40}", must=_("it is too long")),
    BoardFilterRow("status", _("Status"), instance_status_word, pattern=_STATUS, must=_STATUS_SUCH_AS),
    BoardFilterRow("tag", _("Tag"), pattern=_TAG, must=_("it must look like team=shop")),
)

# Each orders by a column; instances without a value come last.
_COLUMNS = {
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

    def order_by(self) -> tuple[OrderBy, OrderBy]:
        """Return the order of the rows within what Python orders by: verdicts, and projects."""
        within = _COLUMNS["name" if self.as_of else "newest"]
        first = F(_COLUMNS.get(self.order.removeprefix("-"), within))
        is_falling = self.order.startswith("-")
        return OrderBy(first, descending=is_falling, nulls_last=True), F("pk").asc()


# Rows ------------------------------------------------------------------------


class Kind(NamedTuple):
    """What many instances have in common, so that each of few kinds is looked at once."""

    project: str
    reason: str
    engine: str
    status: str
    verdict: str


class LightRow(NamedTuple):
    """What an instance is filtered and counted by. `read_at` is text: to make times of all costs much."""

    pk: int
    read_at: str | None
    kind: Kind
    tags: str | None
    search: str | None = ""


def filtered(
    rows: list[LightRow], chosen: Mapping[str, Sequence[str]]
) -> tuple[list[LightRow], tuple[FacetGroup, ...]]:
    """Return what passes all filters, and their values with counts: all the other filters stay."""
    tags = chosen.get("tag", ())
    tagged = [row for row in rows if any(tag in tags for tag in _tags_of(row.tags))] if tags else rows
    refused = {
        kind: {name for name, value in kind._asdict().items() if value not in chosen.get(name, (value,))}
        for kind in {row.kind for row in rows}
    }
    given = {one.name: Counter[str]() for one in FILTERS}
    for kind, count in Counter(row.kind for row in tagged).items():
        for name, value in kind._asdict().items():
            if refused[kind] <= {name}:
                given[name][value] += count
    for text, count in Counter(row.tags for row in rows if not refused[row.kind]).items():
        given["tag"].update(dict.fromkeys(_tags_of(text), count))
    given["tag"] = Counter(dict(given["tag"].most_common(MOST_TAGS)))
    groups = (
        FacetGroup(one.name, one.title, tuple(_facets(one, given[one.name], chosen.get(one.name, ()))))
        for one in FILTERS
    )
    return [row for row in tagged if not refused[row.kind]], tuple(groups)


def _tags_of(text: str | None) -> list[str]:
    return text.lower().split("\n") if text else []


def _facets(one: BoardFilterRow, given: Counter[str], chosen: Sequence[str]) -> Iterable[Facet]:
    for value in one.values or sorted({*filter(None, given), *chosen}):
        if given[value] or value in chosen:
            yield Facet(value, one.word(value), given[value], value in chosen)
