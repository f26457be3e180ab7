"""The backup history: the filtered, ordered records of one instance.

Everything works on the whole listing, never on the loaded page: filters,
counts, order, paging and exports agree with each other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from ..dcs.records import FORMATS, STATUSES, TYPES, BackupRecord
from .eligibility import eligibility, service_word

OTHER = "other"
ERROR_CODE = r"dcs\.[0-9]{2}\.[0-9]{4}"
RESTORABLE = ("yes", "no", "unknown")
RANGES = {
    "24h": timedelta(hours=24),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
SORTS = ("started", "created", "finished", "duration", "size", "status", "type", "name")
DEFAULT_SORT = "-started"
PER_PAGE = (25, 50, 100, 200)
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


@dataclass(frozen=True)
class Facet:
    """One value of one filter with the number of records that choosing it would give (or add)."""

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class History:
    """One page of a history, and what is known of the whole of it."""

    filter: BackupFilter
    total: int
    matches: Sequence[BackupRecord]
    facets: dict[str, tuple[Facet, ...]]
    page: int
    page_past_end: bool

    @property
    def matched(self) -> int:
        return len(self.matches)

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.matches) // self.filter.per_page))

    @property
    def first_row(self) -> int:
        """The 1-based place of this page's first row, 0 where there is none."""
        return (self.page - 1) * self.filter.per_page + 1 if self.matches else 0

    @property
    def last_row(self) -> int:
        return min(self.page * self.filter.per_page, len(self.matches))

    @cached_property
    def rows(self) -> Sequence[BackupRecord]:
        start = (self.page - 1) * self.filter.per_page
        return self.matches[start : start + self.filter.per_page]


def backup_history(records: Iterable[BackupRecord], wanted: BackupFilter, *, now: datetime) -> History:
    """Filter, count, sort and page the records of one generation."""
    records = tuple(records)
    found, counts = _sieve(records, _tests(wanted, now))
    matches = _sorted(found, wanted.sort)
    pages = max(1, -(-len(matches) // wanted.per_page))
    return History(
        filter=wanted,
        total=len(records),
        matches=matches,
        facets=_facets(wanted, counts),
        page=min(wanted.page, pages),
        page_past_end=wanted.page > pages,
    )


def neighbours(
    records: Iterable[BackupRecord], record: BackupRecord
) -> tuple[BackupRecord | None, BackupRecord | None]:
    """Return the next older and the next newer backup of a record in the default order."""
    ordered = _sorted(list(records), DEFAULT_SORT)
    place = next(i for i, other in enumerate(ordered) if other.key == record.key)
    older = ordered[place + 1] if place + 1 < len(ordered) else None
    return older, ordered[place - 1] if place else None


# Filters ---------------------------------------------------------------------

Test = Callable[[BackupRecord], bool]


def value_or_other(value: str, known: Sequence[str]) -> str:
    return value if value in known else OTHER


_VALUE_OF: dict[str, Callable[[BackupRecord], str]] = {
    "status": lambda r: value_or_other(r.status, STATUSES),
    "type": lambda r: value_or_other(r.type, TYPES),
    "format": lambda r: value_or_other(r.format, FORMATS),
    "restorable": service_word,
    "error": lambda r: r.error_code,
}
_VALUES = {
    "status": (*STATUSES, OTHER),
    "type": (*TYPES, OTHER),
    "format": (*FORMATS, OTHER),
    "restorable": RESTORABLE,
}


def _chosen(wanted: BackupFilter) -> dict[str, tuple[str, ...]]:
    return {
        "status": wanted.statuses,
        "type": wanted.types,
        "format": wanted.formats,
        "restorable": wanted.restorable,
        "error": wanted.error_codes,
    }


def _tests(wanted: BackupFilter, now: datetime) -> dict[str, Test]:
    """Return the tests that a record must all pass, by the name of their filter."""
    tests: dict[str, Test] = {
        name: _is_one_of(_VALUE_OF[name], frozenset(values))
        for name, values in _chosen(wanted).items()
        if values
    }
    if wanted.words:
        tests["q"] = lambda r: all(word in r.search_text for word in wanted.words)
    start, end = wanted.bounds(now)
    if start or end:
        tests["time"] = lambda r: (
            r.started_at is not None
            and (start is None or r.started_at >= start)
            and (end is None or r.started_at < end)
        )
    return tests


def _is_one_of(value_of: Callable[[BackupRecord], str], wanted: frozenset[str]) -> Test:
    return lambda r: value_of(r) in wanted


def _sieve(
    records: Sequence[BackupRecord], tests: dict[str, Test]
) -> tuple[list[BackupRecord], dict[str, Counter[str]]]:
    """Return the records that pass all tests, and per filter the values of those that pass all the others."""
    matches = []
    counts: dict[str, Counter[str]] = {name: Counter() for name in _VALUE_OF}
    for record in records:
        failed = [name for name, test in tests.items() if not test(record)]
        if not failed:
            matches.append(record)
            for name, value_of in _VALUE_OF.items():
                counts[name][value_of(record)] += 1
        elif len(failed) == 1 and failed[0] in counts:
            counts[failed[0]][_VALUE_OF[failed[0]](record)] += 1
    return matches, counts


def _facets(wanted: BackupFilter, counts: dict[str, Counter[str]]) -> dict[str, tuple[Facet, ...]]:
    facets = {}
    for name, values in _chosen(wanted).items():
        known = _VALUES.get(name) or _error_codes({*counts[name], *values})
        facets[name] = tuple(Facet(value, counts[name][value], value in values) for value in known)
    return facets


def _error_codes(found: Iterable[str]) -> tuple[str, ...]:
    """Return the codes that a link may carry."""
    return tuple(sorted(code for code in found if re.fullmatch(ERROR_CODE, code)))


# Order -----------------------------------------------------------------------

_STATUS_ORDER = {status: place for place, status in enumerate(STATUSES)}

_SORT_VALUE: dict[str, Callable[[BackupRecord], Any]] = {
    "started": lambda r: r.started_at,
    "created": lambda r: r.created_at,
    "finished": lambda r: r.finished_at,
    "duration": lambda r: r.duration,
    "size": lambda r: r.size_bytes,
    "status": lambda r: (_STATUS_ORDER.get(r.status, len(_STATUS_ORDER)), r.status) if r.status else None,
    "type": lambda r: r.type or None,
    "name": lambda r: r.name.casefold() or None,
}


def _sorted(records: list[BackupRecord], sort: str) -> list[BackupRecord]:
    """Order by one field, ties by backup_id, records without the value last in both directions."""
    value_of = _SORT_VALUE[sort.removeprefix("-")]
    by_id = sorted(records, key=lambda r: r.key)
    valued = [(value, r) for r in by_id if (value := value_of(r)) is not None]
    valued.sort(key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [r for _, r in valued] + [r for r in by_id if value_of(r) is None]


def frozen_filter(wanted: BackupFilter, *, now: datetime) -> BackupFilter:
    """Return the same filter with a relative range made absolute: what a link for a ticket carries.

    It ends with this second, so that it holds what started by now.
    """
    if not wanted.range:
        return wanted
    start, _ = wanted.bounds(now)
    return replace(wanted, range="", start=start, end=now.replace(microsecond=0) + timedelta(seconds=1))


def newest_usable(records: Iterable[BackupRecord]) -> BackupRecord | None:
    """Return the usable backup whose data is newest."""
    usable = [r for r in records if r.started_at and eligibility(r).usable]
    return max(usable, key=lambda r: (r.started_at, r.key), default=None)
