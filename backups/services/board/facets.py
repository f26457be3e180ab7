"""Which of 10,000 instances pass the filters of the board, and what each value of a filter would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..history import Facet, FacetGroup
from .filters import FILTERS, MOST_TAGS, VERDICT_OF, BoardFilterRow

Chosen = Mapping[str, Sequence[str]]


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
    tags: str | None = ""
    search: str | None = ""


def light_rows(found: Iterable[Sequence[Any]]) -> list[LightRow]:
    """Return the rows of what has a key, the time of a reading, the parts of a kind, and the rest."""
    kinds: dict[Sequence[Any], Kind] = {}
    rows = []
    for row in found:
        of = row[2:6]
        if of not in kinds:
            project, reason, engine, status = of
            kinds[of] = Kind(project, reason, engine or "", status or "", VERDICT_OF[reason])
        rows.append(LightRow(row[0], row[1], kinds[of], *row[6:]))
    return rows


def filtered(rows: list[LightRow], chosen: Chosen) -> tuple[list[LightRow], tuple[FacetGroup, ...]]:
    """Return what passes all filters, and their values with counts: all the other filters stay."""
    tags = chosen.get("tag", ())
    tagged = [row for row in rows if any(tag in tags for tag in tags_of(row.tags))] if tags else rows
    refused = {kind: _refused_by(kind, chosen) for kind in {row.kind for row in rows}}
    given = {one.name: Counter[str]() for one in FILTERS}
    for kind, count in Counter(row.kind for row in tagged).items():
        for name, value in kind._asdict().items():
            if refused[kind] <= {name}:
                given[name][value] += count
    for text, count in Counter(row.tags for row in rows if not refused[row.kind]).items():
        given["tag"].update(dict.fromkeys(tags_of(text), count))
    given["tag"] = Counter(dict(given["tag"].most_common(MOST_TAGS)))
    groups = (
        FacetGroup(one.name, one.title, tuple(_facets(one, given[one.name], chosen.get(one.name, ()))))
        for one in FILTERS
    )
    return [row for row in tagged if not refused[row.kind]], tuple(groups)


def tags_of(text: str | None) -> list[str]:
    return text.lower().split("\n") if text else []


def _refused_by(kind: Kind, chosen: Chosen) -> set[str]:
    return {name for name, value in kind._asdict().items() if value not in chosen.get(name, (value,))}


def _facets(one: BoardFilterRow, given: Counter[str], chosen: Sequence[str]) -> Iterable[Facet]:
    offered = one.values or sorted({*filter(None, given), *chosen})
    for value in offered:
        if given[value] or value in chosen:
            yield Facet(value, one.word(value), given[value], value in chosen)
