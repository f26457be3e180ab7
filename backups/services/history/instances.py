"""The instances of a project: filtered, ordered and paged on the whole list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...dcs.records import Instance
from ..words import instance_status_word
from .query import Facet, PageAsked, Paged, ordered

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
class InstanceFilter(PageAsked):
    """`words` are case-folded and must all be in name or id; `statuses` are DCS's own, in capitals."""

    words: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    sort: str = DEFAULT_SORT


@dataclass(frozen=True)
class InstancePage(Paged[Instance]):
    """The instances that a filter finds in a project, and how many would be found of each status."""

    filter: InstanceFilter
    matches: Sequence[Instance]
    statuses: tuple[Facet, ...]


def instance_page(instances: Iterable[Instance], wanted: InstanceFilter) -> InstancePage:
    named = [i for i in instances if all(word in i.search_text for word in wanted.words)]
    counts = Counter(i.status for i in named)
    values = sorted({*counts, *wanted.statuses} - {""})
    found = [i for i in named if not wanted.statuses or i.status in wanted.statuses]
    found.sort(key=lambda i: (i.name.casefold(), i.key))
    return InstancePage(
        filter=wanted,
        matches=ordered(found, wanted.sort, SORTS[wanted.sort.removeprefix("-")]),
        statuses=tuple(
            Facet(value, instance_status_word(value), counts[value], value in wanted.statuses)
            for value in values
        ),
    )
