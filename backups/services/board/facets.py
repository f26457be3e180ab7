"""Which of 10,000 instances pass the filters of the board, and what each value of a filter would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..history import Facet, FacetGroup
from .filters import FILTERS, MOST_TAGS, VERDICT_OF, BoardFilterRow

Chosen = Mapping[str, Sequence[str]]
_Values = tuple[str, ...]


class LightRow(NamedTuple):
    """What an instance is filtered and counted by. `read_at` is text: to make times of all costs much."""

    pk: int
    project: str
    reason: str
    read_at: str | None
    engine: str | None = ""
    status: str | None = ""
    tags: str | None = ""
    search: str | None = ""

    @property
    def values(self) -> _Values:
        return self.project, self.reason, self.engine or "", self.status or ""


def filtered(rows: list[LightRow], chosen: Chosen) -> tuple[list[LightRow], tuple[FacetGroup, ...]]:
    """Return what passes all filters, and their values with counts: all the other filters stay."""
    tags = chosen.get("tag", ())
    tagged = [row for row in rows if not tags or any(tag in tags for tag in tags_of(row.tags))]
    # Instances have few combinations of values: each is looked at once.
    refused = {values: _refused_by(values, chosen) for values in {row.values for row in rows}}
    found = [row for row in tagged if not refused[row.values]]
    given = {one.name: Counter[str]() for one in FILTERS}
    for values, count in Counter(row.values for row in tagged).items():
        for name, value in _by_name(values).items():
            if refused[values] <= {name}:
                given[name][value] += count
    for text, count in Counter(row.tags for row in rows if not refused[row.values]).items():
        given["tag"].update(dict.fromkeys(tags_of(text), count))
    given["tag"] = Counter(dict(given["tag"].most_common(MOST_TAGS)))
    groups = (
        FacetGroup(one.name, one.title, tuple(_facets(one, given[one.name], chosen.get(one.name, ()))))
        for one in FILTERS
    )
    return found, tuple(groups)


def tags_of(text: str | None) -> list[str]:
    return text.lower().split("\n") if text else []


def _by_name(values: _Values) -> dict[str, str]:
    project, reason, engine, status = values
    return {
        "verdict": VERDICT_OF[reason],
        "reason": reason,
        "project": project,
        "engine": engine,
        "status": status,
    }


def _refused_by(values: _Values, chosen: Chosen) -> set[str]:
    return {name for name, value in _by_name(values).items() if value not in chosen.get(name, (value,))}


def _facets(one: BoardFilterRow, given: Counter[str], chosen: Sequence[str]) -> Iterable[Facet]:
    offered = one.values or sorted({*filter(None, given), *chosen})
    for value in offered:
        if given[value] or value in chosen:
            yield Facet(value, one.word(value), given[value], value in chosen)
