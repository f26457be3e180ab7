"""The instances of a project: filtered, ordered and paged on the whole list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...dcs.records import Instance
from ..words import instance_status_word
from .query import Facet, ordered

# None for an instance that has no value.
SORTS: dict[str, Callable[[Instance], Any]] = {
    "name": lambda i: i.name.casefold() or None,
    "engine": lambda i: (i.engine.casefold(), i.engine_version) if i.engine else None,
    "mode": lambda i: i.cache_mode or None,
    "size": lambda i: i.capacity_gb,
    "status": lambda i: i.status or None,
    "created": lambda i: i.created_at,
}
DEFAULT_SORT = "name"


@dataclass(frozen=True)
class InstanceFilter:
    """`words` are case-folded and must all be in name or id; `statuses` are DCS's own, in capitals."""

    words: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    sort: str = DEFAULT_SORT
    page: int = 1
    per_page: int = 50


@dataclass(frozen=True)
class InstancePage:
    """One page of a project's instances, and what is known of all of them."""

    rows: Sequence[Instance]
    matched: int
    statuses: tuple[Facet, ...]
    page: int
    pages: int
    page_past_end: bool
    first_row: int

    @property
    def last_row(self) -> int:
        return self.first_row + len(self.rows) - 1 if self.rows else 0


def instance_page(instances: Iterable[Instance], wanted: InstanceFilter) -> InstancePage:
    named = [i for i in instances if all(word in i.search_text for word in wanted.words)]
    counts = Counter(i.status for i in named)
    values = sorted({*counts, *wanted.statuses} - {""})
    found = [i for i in named if not wanted.statuses or i.status in wanted.statuses]
    found.sort(key=lambda i: (i.name.casefold(), i.key))
    pages = max(1, -(-len(found) // wanted.per_page))
    page = min(wanted.page, pages)
    start = (page - 1) * wanted.per_page
    in_order = ordered(found, wanted.sort, SORTS[wanted.sort.removeprefix("-")])
    return InstancePage(
        rows=in_order[start : start + wanted.per_page],
        matched=len(found),
        statuses=tuple(
            Facet(value, instance_status_word(value), counts[value], value in wanted.statuses)
            for value in values
        ),
        page=page,
        pages=pages,
        page_past_end=wanted.page > pages,
        first_row=start + 1 if found else 0,
    )


def name_of(instance: Instance | None, instance_id: str) -> str:
    """Return what an instance is called: its name, or its id where no name is known."""
    return instance.name if instance and instance.name else instance_id
