"""The backup history: the filtered, ordered records of one instance.

Everything works on the whole listing, never on the loaded page: filters,
counts, order, paging and exports agree with each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, reduce
from operator import and_, or_
from typing import NamedTuple

import msgspec

from ...dcs.records import BackupRecord
from ..listings import Listing
from .index import DEFAULT_SORT, VALUES, HistoryIndex

RANGES = {
    "24h": timedelta(hours=24),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
PER_PAGE = (25, 50, 100, 200)
# What a query says of which rows are shown, and how; tz says how times are written.
PARAMETERS = frozenset(
    (
        "status",
        "type",
        "format",
        "restorable",
        "error",
        "q",
        "from",
        "to",
        "range",
        "sort",
        "page",
        "per_page",
    )
)
DEFAULT_PER_PAGE = 50


@dataclass(frozen=True)
class BackupFilter:
    """What a history's URL asks for. Empty tuples and None mean "any".

    `start` is inclusive and `end` exclusive, both aware; `range` is a key of
    RANGES and stands instead of both. `words` are case-folded.
    """

    statuses: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    restorable: tuple[str, ...] = ()
    error_codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    range: str = ""
    sort: str = DEFAULT_SORT
    page: int = 1
    per_page: int = DEFAULT_PER_PAGE
    tz: str = ""

    def bounds(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Return the absolute bounds of started_at; a range begins at a whole second and has no end."""
        if self.range:
            return now.replace(microsecond=0) - RANGES[self.range], None
        return self.start, self.end

    @property
    def narrows(self) -> bool:
        """Whether any record can be filtered out."""
        return any(
            (
                self.statuses,
                self.types,
                self.formats,
                self.restorable,
                self.error_codes,
                self.words,
                self.start,
                self.end,
                self.range,
            )
        )

    @property
    def asks_beyond_time(self) -> bool:
        """Whether it asks for what DCS cannot do: it filters by time only, and its order is its own."""
        return replace(self, start=None, end=None, range="").narrows or self.sort != DEFAULT_SORT


class Facet(msgspec.Struct, frozen=True):
    """One value of one filter with the number of records that choosing it would give (or add)."""

    value: str
    count: int
    chosen: bool


class Facets(NamedTuple):
    """The values of each filter."""

    status: tuple[Facet, ...]
    type: tuple[Facet, ...]
    format: tuple[Facet, ...]
    restorable: tuple[Facet, ...]
    error: tuple[Facet, ...]


@dataclass(frozen=True)
class History:
    """One page of a history, and what is known of the whole of it. `places` are those of its rows."""

    filter: BackupFilter
    total: int
    matched: int
    facets: Facets
    page: int
    page_past_end: bool
    index: HistoryIndex = field(repr=False)
    found: int = field(repr=False)

    @property
    def kept_key(self) -> tuple[object, ...]:
        """Equal for two that show the same rows and counts of one generation."""
        return self.filter, self.found

    @property
    def pages(self) -> int:
        return _pages(self.matched, self.filter.per_page)

    @property
    def first_row(self) -> int:
        """The 1-based place of this page's first row, 0 where there is none."""
        return (self.page - 1) * self.filter.per_page + 1 if self.matched else 0

    @property
    def last_row(self) -> int:
        return min(self.page * self.filter.per_page, self.matched)

    @cached_property
    def places(self) -> Sequence[int]:
        """The places of this page's rows among the records of the index."""
        start = (self.page - 1) * self.filter.per_page
        return self.index.places(self.found, self.filter.sort, start, start + self.filter.per_page)

    @cached_property
    def rows(self) -> Sequence[BackupRecord]:
        return [self.index.records[place] for place in self.places]

    @property
    def newest_start(self) -> datetime | None:
        """When the last of the matches started."""
        newest = self.index.newest(self.found)
        return newest.started_at if newest else None

    @property
    def matches_timeless(self) -> bool:
        """Whether a match has no time that can be read: no bound lets it pass."""
        return bool(self.found & self.index.timeless)

    @cached_property
    def matches(self) -> Sequence[BackupRecord]:
        """All that the filter found, in its order."""
        return [self.index.records[place] for place in self.index.places(self.found, self.filter.sort)]


def index_of(listing: Listing[BackupRecord]) -> HistoryIndex:
    """Return the index of a listing's generation; the first view makes it."""
    return listing.derived("history", HistoryIndex)


def backup_history(index: HistoryIndex, wanted: BackupFilter, *, now: datetime) -> History:
    """Filter, count, sort and page the records of one generation."""
    bounds = wanted.bounds(now)
    question = (*_chosen(wanted).values(), wanted.words, bounds)
    found, matched, facets = index.answer(question, lambda: _found(index, wanted, bounds))
    pages = _pages(matched, wanted.per_page)
    return History(
        filter=wanted,
        total=len(index),
        matched=matched,
        facets=facets,
        page=min(wanted.page, pages),
        page_past_end=wanted.page > pages,
        index=index,
        found=found,
    )


def neighbours(index: HistoryIndex, record: BackupRecord) -> tuple[BackupRecord | None, BackupRecord | None]:
    """Return the next older and the next newer backup of a record in the default order."""
    place = next(place for place, other in enumerate(index.records) if other.key == record.key)
    older = index.records[place + 1] if place + 1 < len(index) else None
    return older, index.records[place - 1] if place else None


def _pages(matched: int, per_page: int) -> int:
    return max(1, -(-matched // per_page))


# Filters ---------------------------------------------------------------------


def _chosen(wanted: BackupFilter) -> dict[str, tuple[str, ...]]:
    return {
        "status": wanted.statuses,
        "type": wanted.types,
        "format": wanted.formats,
        "restorable": wanted.restorable,
        "error": wanted.error_codes,
    }


Bounds = tuple[datetime | None, datetime | None]


def _found(index: HistoryIndex, wanted: BackupFilter, bounds: Bounds) -> tuple[int, int, Facets]:
    """Return the set of the records that a filter lets pass, their number, and what chips would give."""
    sets = _sets(index, wanted, bounds)
    found = reduce(and_, sets.values(), index.all)
    return found, found.bit_count(), _facets(index, wanted, sets)


def _sets(index: HistoryIndex, wanted: BackupFilter, bounds: Bounds) -> dict[str, int]:
    """Return what each filter that is set lets pass: a record must be in all of them."""
    sets = {
        name: _union(index.having(name, value) for value in values)
        for name, values in _chosen(wanted).items()
        if values
    }
    for word in wanted.words:
        sets["q"] = sets.get("q", index.all) & index.with_word(word)
    start, end = bounds
    if start or end:
        sets["time"] = index.started_within(start, end)
    return sets


def _union(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)


def _facets(index: HistoryIndex, wanted: BackupFilter, sets: dict[str, int]) -> Facets:
    """Return per filter its values with what each would give: all the other filters stay."""
    facets = {}
    for name, chosen in _chosen(wanted).items():
        others = reduce(and_, (found for other, found in sets.items() if other != name), index.all)
        values = VALUES.get(name) or sorted({*index.error_codes(), *chosen})
        counted = [Facet(v, (others & index.having(name, v)).bit_count(), v in chosen) for v in values]
        facets[name] = tuple(f for f in counted if name in VALUES or f.count or f.chosen)
    return Facets(**facets)
