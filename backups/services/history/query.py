"""The filtered, ordered records of one instance: filters, counts and exports are of the whole listing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from ..evidence import all_records
from ..listings import Listing
from ..words import Words, codes_meaning
from .filters import DEFAULT_PER_PAGE, DEFAULT_SORT, FILTERS, RANGES, SORTS, Filter

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class PageAsked:
    """Which page of a list is asked for."""

    page: int = 1
    per_page: int = DEFAULT_PER_PAGE


@dataclass(frozen=True)
class BackupFilter(PageAsked):
    """What a history's URL asks for.

    `chosen` has the values of each of FILTERS that has any. `start` is inclusive and `end` exclusive,
    both aware; `range` is a key of RANGES and stands instead of both. `words` are case-folded.
    `as_of`: the list as it was known then; `seen`: what has changed since then.
    """

    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    range: str = ""
    sort: str = DEFAULT_SORT
    tz: str = ""
    seen: datetime | None = None
    as_of: datetime | None = None

    def bounds(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Return the absolute bounds of started_at; a range begins at a whole second and has no end.

        It counts from the time as of which the list is shown.
        """
        if self.range:
            now = self.as_of or now
            return now.replace(microsecond=0) - RANGES[self.range], None
        return self.start, self.end

    @property
    def narrows(self) -> bool:
        """Whether any record can be filtered out."""
        return bool(self.chosen or self.words or self.start or self.end or self.range)

    @property
    def asks_beyond_time(self) -> bool:
        """Whether it asks for what DCS cannot do: it filters by time only, and its order is its own."""
        return bool(self.chosen or self.words) or self.sort != DEFAULT_SORT


@dataclass(frozen=True)
class Facet:
    """One value of one filter with the number of records that choosing it would give (or add)."""

    value: str
    word: Words
    count: int
    chosen: bool


class FacetGroup(NamedTuple):
    """The values of one filter."""

    name: str
    title: Words
    facets: tuple[Facet, ...]


class Paged(Generic[Item]):
    """One page of `matches`, the one that `filter` asks for or else the last one."""

    filter: PageAsked
    matches: Sequence[Item]

    @property
    def matched(self) -> int:
        return len(self.matches)

    @property
    def pages(self) -> int:
        return max(1, -(-self.matched // self.filter.per_page))

    @property
    def page(self) -> int:
        return min(self.filter.page, self.pages)

    @property
    def page_past_end(self) -> bool:
        return self.filter.page > self.pages

    @property
    def first_row(self) -> int:
        """The 1-based place of this page's first row, 0 where there is none."""
        return (self.page - 1) * self.filter.per_page + 1 if self.matched else 0

    @property
    def last_row(self) -> int:
        return min(self.page * self.filter.per_page, self.matched)

    @property
    def rows(self) -> Sequence[Item]:
        return self.matches[max(0, self.first_row - 1) : self.last_row]


@dataclass(frozen=True)
class History(Paged[BackupRecord]):
    """What a filter finds in a history, and what is known of the whole of it.

    `matches` are in the order that is asked for, `found` the same ones in the default order. `total` counts
    what the list holds, `of` what the filter chooses from: those no longer listed too where it asks for them.
    """

    filter: BackupFilter
    total: int
    of: int
    matches: Sequence[BackupRecord] = field(repr=False)
    found: Sequence[BackupRecord] = field(repr=False)
    facets: tuple[FacetGroup, ...] = field(repr=False)


class Records(tuple[BackupRecord, ...]):
    """The records of one generation; what is counted of all of them is counted once."""

    @cached_property
    def combinations(self) -> Counter[tuple[Any, ...]]:
        """How many have which values of FILTERS: there are few combinations, so each is looked at once."""
        return Counter(map(_ATTRIBUTES, self))

    @cached_property
    def listed(self) -> int:
        return len(self) - Counter(map(attrgetter("presence"), self))["unlisted"]


def records_of(listing: Listing[BackupRecord]) -> Sequence[BackupRecord]:
    """Return the records of a listing newest first, those without a time last: ordered once a generation."""
    return listing.derived("newest first", lambda records: Records(newest_first(records)))


def all_records_of(listing: Listing[BackupRecord]) -> Sequence[BackupRecord]:
    """Return what `records_of` does and what the list no longer holds. Raises django.db.Error."""
    if not listing.unlisted:
        return records_of(listing)
    return listing.derived(
        f"all newest first, {listing.reading}", lambda _: Records(newest_first(all_records(listing)))
    )


def newest_first(records: Iterable[BackupRecord]) -> Sequence[BackupRecord]:
    return in_order(records, DEFAULT_SORT)


def in_order(records: Iterable[BackupRecord], sort: str) -> tuple[BackupRecord, ...]:
    """Order by one field, ties by backup_id."""
    by_id = sorted(records, key=lambda record: record.key)
    return ordered(by_id, sort, SORTS[sort.removeprefix("-")].value_of)


def ordered(items: Iterable[Item], sort: str, value_of: Callable[[Item], Any]) -> tuple[Item, ...]:
    """Order by a value, ties as they come, those without it last in both directions."""
    pairs = [(value_of(item), item) for item in items]
    valued = [pair for pair in pairs if pair[0] is not None]
    valued.sort(key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return tuple(item for _, item in (*valued, *(pair for pair in pairs if pair[0] is None)))


def backup_history(records: Sequence[BackupRecord], wanted: BackupFilter, *, now: datetime) -> History:
    """Filter, count and page the records of one generation, which come newest first."""
    records = records if isinstance(records, Records) else Records(records)
    rest = _of_words_and_time(records, wanted, now)
    counts = (rest if isinstance(rest, Records) else Records(rest)).combinations
    combinations = [_combination(values, count, wanted) for values, count in counts.items()]
    passing = {values for values, one in zip(counts, combinations, strict=True) if not one.refused_by}
    found = rest
    if len(passing) < len(counts):
        found = [record for record in rest if _ATTRIBUTES(record) in passing]
    return History(
        filter=wanted,
        total=records.listed,
        of=len(records) if "no" in wanted.chosen.get("listed", ()) else records.listed,
        matches=found if wanted.sort == DEFAULT_SORT else in_order(found, wanted.sort),
        found=found,
        facets=tuple(FacetGroup(one.name, one.title, _facets(one, wanted, combinations)) for one in FILTERS),
    )


def neighbours(
    records: Sequence[BackupRecord], record: BackupRecord
) -> tuple[BackupRecord | None, BackupRecord | None]:
    """Return the next older and the next newer backup of a record in the default order."""
    place = next((place for place, other in enumerate(records) if other.key == record.key), None)
    if place is None:  # of a list that was not read to its end
        return None, None
    return next(iter(records[place + 1 :]), None), records[place - 1] if place else None


# Filters ---------------------------------------------------------------------

_ATTRIBUTES = attrgetter(*(one.attribute for one in FILTERS))


def _of_words_and_time(
    records: Sequence[BackupRecord], wanted: BackupFilter, now: datetime
) -> Sequence[BackupRecord]:
    start, end = wanted.bounds(now)
    if start:
        records = [r for r in records if (started := r.started_at) and started >= start]
    if end:
        records = [r for r in records if (started := r.started_at) and started < end]
    codes = {word: codes_meaning(word) for word in wanted.words}
    shown = {}
    if any(reasons for _errors, reasons in codes.values()):
        shown = {id(r): own for r in records if (own := eligibility(r).own_reasons)}
    for word, (errors, reasons) in codes.items():
        said = {one for one, own in shown.items() if not reasons.isdisjoint(own)}
        records = [r for r in records if word in r.search_text or r.error_code in errors or id(r) in said]
    return records


class _Combination(NamedTuple):
    """The values that some records have of FILTERS, by their names, and the filters that refuse them."""

    values: Mapping[str, str]
    number: int
    refused_by: Set[str]


def _combination(attributes: tuple[Any, ...], number: int, wanted: BackupFilter) -> _Combination:
    values = {one.name: one.value_of(value) for one, value in zip(FILTERS, attributes, strict=True)}
    asked = ((one.name, wanted.chosen.get(one.name, one.default)) for one in FILTERS)
    refused_by = {name for name, chosen in asked if chosen and values[name] not in chosen}
    return _Combination(values, number, refused_by)


def _facets(one: Filter, wanted: BackupFilter, combinations: Iterable[_Combination]) -> tuple[Facet, ...]:
    """Count what each value of a filter would give: all the other filters stay."""
    given: Counter[str] = Counter()
    for values, number, refused_by in combinations:
        if refused_by <= {one.name}:
            given[values[one.name]] += number
    chosen = wanted.chosen.get(one.name, ())
    if one.pattern:  # of what occurs, chips offer what a link may carry
        occurring = {value for value in given if re.fullmatch(one.pattern, value)}
    else:  # what is shown anyway needs no chip, nor does what there is none of
        occurring = {value for value in one.values if value not in one.default and given[value]}
    offered = sorted({*occurring, *chosen}) if one.pattern or one.default else one.values
    return tuple(Facet(value, one.word(value), given[value], value in chosen) for value in offered)
