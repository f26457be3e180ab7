"""The board: which instances match, in which order, how many of each kind, and what is known of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from ...models import Instance
from ..history import FacetGroup, Paged
from ..insights import VERDICTS, objective_of, verdict_of
from ..listings import CacheSnapshot, notes_of_instances
from ..problems import Problem
from ..projects import Project, by_cloud
from .filters import VERDICT_OF, WORST_FIRST, BoardFilter, Kind, LightRow, filtered
from .known import instances_known, reason_at, watched
from .rows import BoardRow, rows_of
from .verdicts import known_facts

# Readings of this time tell how fast lists are being read; those of less than the least tell nothing of that.
PACE = timedelta(minutes=5)
LEAST_PACE = timedelta(seconds=10)


@dataclass(frozen=True)
class Head:
    """What is known of the instances of one project: `counts` by verdict, whatever the filter.

    `read` counts those whose list was ever read; `oldest` and `median` are times of readings of those that
    DCS backs up. `watched_since` is when the list of instances was read first, `listed_at` last, None as of
    a time before.
    """

    project: Project
    counts: Counter[str]
    read: int
    oldest: datetime | None
    median: datetime | None
    watched_since: datetime | None
    listed_at: datetime | None
    whole: bool
    problem: Problem | None

    @property
    def total(self) -> int:
        return self.counts.total()


@dataclass(frozen=True)
class Board(Paged[int]):
    """What a filter finds on the board; `matches` are the keys of the instances' rows.

    `left` is how long the lists that were never read will take, None where nobody can tell.
    """

    filter: BoardFilter
    now: datetime
    heads: tuple[Head, ...]
    matches: Sequence[int] = field(repr=False)
    counts: Counter[str]
    facets: tuple[FacetGroup, ...] = field(repr=False)
    left: timedelta | None
    shown: tuple[BoardRow, ...] = field(repr=False)

    @property
    def total(self) -> int:
        return sum(head.total for head in self.heads)

    @property
    def read(self) -> int:
        return sum(head.read for head in self.heads)

    @property
    def oldest(self) -> datetime | None:
        if self.filter.as_of:
            return None  # the readings of then are not kept
        return min((head.oldest for head in self.heads if head.oldest), default=None)

    @property
    def problems(self) -> dict[str, Problem]:
        heads = () if self.filter.as_of else self.heads
        return {head.project.name: head.problem for head in heads if head.problem}

    @property
    def unlisted(self) -> list[Project]:
        """Those whose list of instances was never read, and could be."""
        return [head.project for head in self.heads if head.listed_at is None and head.problem is None]

    @property
    def mark(self) -> str:
        """What tells this board, as it is shown, from another one."""
        rows = [
            (one.instance_id, one.verdict.reason, one.since, one.read_at, one.facts) for one in self.shown
        ]
        told = self.heads, self.matched, self.facets, self.left, rows
        return f"{crc32(repr(told).encode()):08x}"

    @property
    def complete(self) -> bool:
        """Whether all instances are known, and each one's list was read."""
        is_whole = all(head.whole for head in self.heads) and not self.problems
        return self.read == self.total and is_whole


def board(
    projects: Sequence[Project], wanted: BoardFilter, *, now: datetime, all_rows: bool = False
) -> Board:
    """Return the board of some projects. Nothing asks DCS. Raises django.db.Error."""
    notes, light = notes_of_instances(projects), _light_rows(by_cloud(projects), wanted, now)
    named = [row for row in light if all(word in (row.search or "") for word in wanted.words)]
    matches, facets = filtered(named, wanted.chosen)
    found = Board(
        filter=wanted,
        now=now,
        heads=tuple(_head(one, light, now, wanted.as_of) for one in notes),
        matches=[row.pk for row in matches],
        counts=Counter(row.kind.verdict for row in matches),
        facets=facets,
        left=_time_left(light, now),
        shown=(),
    )
    keys = found.matches if all_rows else found.rows
    return replace(found, shown=tuple(rows_of(keys, projects, wanted, now=now)))


def _light_rows(
    projects: Mapping[tuple[str, str], Project], wanted: BoardFilter, now: datetime
) -> list[LightRow]:
    """Return all instances in the order that is asked for."""
    at = wanted.as_of
    known = instances_known(projects.values(), at=at).annotate(
        reason_then=reason_at(at or now, is_past=at is not None),
        read_text=Cast("summary__read_at", TextField()),
    )
    reasons = _reasons_by(wanted.rpo, known, projects, now) if wanted.rpo else {}
    columns = ["pk", "reason_then", "project__endpoint", "project__project_id", "summary__engine"]
    columns += ["summary__status", "read_text", "summary__tags"]
    if wanted.words:
        columns.append("summary__search")
    kinds: dict[tuple[str, ...], Kind] = {}
    rows = []
    found = known.order_by(*wanted.order_by()).values_list(*columns)
    for pk, reason_then, endpoint, project_id, engine, status, read_at, *rest in found:
        reason = reasons.get(pk, reason_then)
        of = reason, endpoint, project_id, engine, status
        if of not in kinds:
            name = projects[endpoint, project_id].name
            kinds[of] = Kind(name, reason, engine or "", status or "", VERDICT_OF[reason])
        rows.append(LightRow(pk, read_at, kinds[of], *rest))
    order, is_falling = wanted.order.removeprefix("-"), wanted.order.startswith("-")
    if order == WORST_FIRST:
        rows.sort(key=lambda row: VERDICTS.index(row.kind.verdict), reverse=is_falling)
    if order == "project":
        rows.sort(key=lambda row: row.kind.project, reverse=is_falling)
    return rows


def _reasons_by(
    rpo: timedelta, known: QuerySet[Instance], projects: Mapping[tuple[str, str], Project], now: datetime
) -> dict[int, str]:
    """Return the reasons of the verdicts with another objective for all, as far as something was read."""
    reasons = {}
    columns = ("pk", "summary__facts", "project__endpoint", "project__project_id")
    for pk, json, *cloud in known.values_list(*columns):
        if facts := known_facts(json or ""):
            objective = objective_of(facts, projects[tuple(cloud)], asked=rpo)
            reasons[pk] = verdict_of(facts, objective, now=now).reason
    return reasons


# What is known of all --------------------------------------------------------


def _head(notes: CacheSnapshot, light: Iterable[LightRow], now: datetime, at: datetime | None) -> Head:
    project, generation = notes.subject.project, notes.generation
    is_watched = watched(notes, at)
    rows = [row for row in light if row.kind.project == project.name]
    texts = sorted(row.read_at for row in rows if row.read_at and row.kind.verdict != "unsupported")
    return Head(
        project=project,
        counts=Counter(row.kind.verdict for row in rows),
        read=sum(row.kind.reason != "never_read" for row in rows),
        oldest=_time(texts[0]) if texts else None,
        median=_time(texts[len(texts) // 2]) if texts else None,
        watched_since=generation.watched_since if generation else None,
        listed_at=generation.read_at if generation and is_watched else None,
        whole=generation is not None and is_watched and (at is not None or generation.complete),
        problem=notes.held(now) or notes.last_problem(now),
    )


def _time(text: str) -> datetime:
    """Return a time as the database writes it."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _time_left(light: Iterable[LightRow], now: datetime) -> timedelta | None:
    """Return how long what was never read takes, by how much was read in the last minutes."""
    since = (now - PACE).isoformat(" ")
    unread = sum(row.kind.reason == "never_read" for row in light)
    recent = [row.read_at for row in light if row.read_at and row.read_at > since]
    if not (unread and recent):
        return None
    return max(LEAST_PACE, now - _time(min(recent))) * unread / len(recent)
