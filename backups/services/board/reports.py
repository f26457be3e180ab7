"""What failed, and what became worse or better, in a time that ends now or then."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any, ClassVar
from zlib import crc32

from django.db.models import Count, Q

from ...models import BackupFailure, Instance, InstanceSummary, VerdictChange
from ..history import RANGES
from ..insights import longest_believed
from ..listings import notes_of_instances, of_projects, record_of
from ..projects import Project, by_cloud
from ..words import error_meaning_in_english, instance_name
from .known import instances_known, reason_at, watched
from .rows import Named

# For whoever takes over a shift: what is no longer known or backed up has not become better.
_FROM_WORST = ("unknown", "none", "unsupported", "attention", "usable")


@dataclass(frozen=True)
class ReportFilter:
    """What a report's URL asks for; `instance` is a case-folded part of a name or an id."""

    range: str
    projects: Sequence[Project]
    errors: tuple[str, ...] = ()
    instance: str = ""
    tz: str = ""
    as_of: datetime | None = None

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        end = self.as_of or now
        return end - RANGES[self.range], end


@dataclass(frozen=True)
class Report:
    """What is told of a time, and of how many of `all` instances something was ever read.

    Of the others it can tell nothing; `unlisted` are the projects of which not even the instances are known.
    """

    name: ClassVar[str]
    start: datetime
    end: datetime
    all: int
    read: int
    unlisted: tuple[Project, ...]
    rows: tuple[Any, ...]

    @property
    def complete(self) -> bool:
        return self.read == self.all and not self.unlisted

    @property
    def mark(self) -> str:
        """What tells this report, as it is shown, from another one."""
        return f"{crc32(repr((self.rows, self.all, self.read, self.unlisted)).encode()):08x}"


# Failures --------------------------------------------------------------------


@dataclass(frozen=True)
class FailureRow(Named):
    """How often backups of an instance failed with one code, and the newest of them."""

    error_code: str
    count: int
    newest_backup_id: str
    newest_started_at: datetime

    @property
    def error_meaning(self) -> str | None:
        return error_meaning_in_english(self.error_code)


@dataclass(frozen=True)
class Failures(Report):
    """`days` are in UTC, the last one today, each with the number of its failures."""

    name = "failures"
    rows: tuple[FailureRow, ...]
    days: tuple[tuple[date, int], ...]

    @property
    def total(self) -> int:
        return sum(row.count for row in self.rows)


def failures(wanted: ReportFilter, *, now: datetime) -> Failures:
    """Return what was known by the end to have failed, most often first; also what no list holds any more.

    Raises django.db.Error.
    """
    start, end = wanted.bounds(now)
    found = BackupFailure.objects.filter(_of_instance(wanted), started_at__gte=start, started_at__lt=end)
    found = found.filter(Q(known_at=None) | Q(known_at__lte=end))
    if wanted.errors:
        found = found.filter(error_code__in=wanted.errors)
    days: Counter[date] = Counter()
    failed: defaultdict[tuple[int, str], list[tuple[str, datetime]]] = defaultdict(list)
    columns = ("instance_id", "error_code", "backup_id", "started_at")
    for instance, code, backup_id, started_at in found.order_by("started_at").values_list(*columns):
        failed[instance, code].append((backup_id, started_at))
        days[started_at.astimezone(UTC).date()] += 1
    named = _named({instance for instance, _ in failed}, wanted.projects)
    rows = [
        FailureRow(*named[instance], code, len(backups), *backups[-1])
        for (instance, code), backups in failed.items()
        if instance in named
    ]
    rows.sort(key=lambda row: (-row.count, row.name))
    last, first = end.astimezone(UTC).date(), start.astimezone(UTC).date()
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    a_day = tuple((day, days[day]) for day in dates)
    return Failures(start, end, *_known(wanted, end), tuple(rows), a_day)


# Changes ---------------------------------------------------------------------


@dataclass(frozen=True)
class ChangeRow(Named):
    """What the verdict on an instance was when the time began, and what it was at its end, since `at`."""

    at: datetime
    before_verdict: str
    before_reason: str
    verdict: str
    reason: str

    @property
    def direction(self) -> str:
        """ "worse" or "better"; "known" where nobody knew before."""
        if self.before_verdict == "unknown":
            return "known"
        worse = _FROM_WORST.index(self.verdict) < _FROM_WORST.index(self.before_verdict)
        return "worse" if worse else "better"


@dataclass(frozen=True)
class Changes(Report):
    name = "changes"
    rows: tuple[ChangeRow, ...]

    def of(self, direction: str) -> list[ChangeRow]:
        return [row for row in self.rows if row.direction == direction]


def changes(wanted: ReportFilter, *, now: datetime) -> Changes:
    """Return which instances have another verdict than when the time began, the newest change first.

    Raises django.db.Error.
    """
    start, end = wanted.bounds(now)
    there = _of_instance(wanted) & (Q(instance__gone_since=None) | Q(instance__gone_since__gt=end))
    found = VerdictChange.objects.filter(there, at__gt=start, at__lte=end).exclude(before_verdict="")
    first: dict[int, tuple[str, str]] = {}
    last: dict[int, tuple[datetime, str, str]] = {}
    columns = ("instance_id", "before_verdict", "before_reason", "at", "verdict", "reason")
    for instance, verdict_before, reason_before, *told in found.order_by("at", "pk").values_list(*columns):
        first.setdefault(instance, (verdict_before, reason_before))
        last[instance] = tuple(told)
    # Instances that nobody has read since: a change that no reading has written yet.
    believed = longest_believed()
    read = Q(read_at__gt=start - believed, read_at__lt=end - believed)
    too_old = InstanceSummary.objects.filter(there, read).exclude(verdict__in=("", "unsupported"))
    for pk, verdict, reason, read_at in too_old.values_list("pk", "verdict", "reason", "read_at"):
        if read_at:
            first.setdefault(pk, (verdict, reason))
            last[pk] = read_at + believed, "unknown", "read_too_long_ago"
    named = _named(last, wanted.projects)
    rows = [
        ChangeRow(*named[pk], at.replace(microsecond=0), *first[pk], verdict, reason)
        for pk, (at, verdict, reason) in last.items()
        if pk in named and verdict != first[pk][0]
    ]
    rows.sort(key=attrgetter("at"), reverse=True)
    return Changes(start, end, *_known(wanted, end), tuple(rows))


# What both need --------------------------------------------------------------


def _known(wanted: ReportFilter, end: datetime) -> tuple[int, int, tuple[Project, ...]]:
    """Return of how many instances there are something was read, and which projects are not listed."""
    at, projects = wanted.as_of, wanted.projects
    unlisted = tuple(one.subject.project for one in notes_of_instances(projects) if not watched(one, at))
    told = instances_known(projects, at=at).annotate(reason_then=reason_at(end, is_past=at is not None))
    if wanted.instance:
        told = told.filter(summary__search__contains=wanted.instance)
    counts = told.aggregate(all=Count("pk"), unread=Count("pk", filter=Q(reason_then="never_read")))
    return counts["all"], counts["all"] - counts["unread"], unlisted


def _of_instance(wanted: ReportFilter) -> Q:
    of = of_projects(wanted.projects, "instance__")
    return of & Q(instance__summary__search__contains=wanted.instance) if wanted.instance else of


def _named(pks: Iterable[int], projects: Sequence[Project]) -> dict[int, tuple[Project, str, str]]:
    """Return what instances are called, also of those that are gone."""
    of_cloud, named = by_cloud(projects), {}
    for row in Instance.objects.filter(pk__in=list(pks)).select_related("project"):
        name = instance_name(record_of(row.listed or row.shown), row.instance_id)
        named[row.pk] = of_cloud[row.project.endpoint, row.project.project_id], row.instance_id, name
    return named
