"""Which lists of some projects are to be read next, out of the rows that tell when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from django.db.models import QuerySet

from ...models import InstanceSummary
from ..listings import Subject
from ..projects import Project
from .due import PLANNED_AFTER, Urgency
from .summaries import idle

Kind = Literal["backups", "instance"]
# Where the budget allows a list is read so often, due or not.
SPARE_AFTER = timedelta(minutes=5)
# Every fifth call at least asks for an instance, where one is due.
SHARE_OF_SHOWN = 5
# What was read so recently, by whomever, is not read again though its row has not heard of it.
JUST_READ = timedelta(minutes=1)

_FIELDS = ("read_at", "instance__project_id", "instance__instance_id")


class Work(NamedTuple):
    """A list to read, unless it was read `since`, and the row that says so (0 for a project's instances)."""

    subject: Subject
    since: datetime
    row: int = 0


def next_work(
    projects: Mapping[int, Project], now: datetime, count: int, *, under_way: Collection[Subject] = ()
) -> list[Work]:
    """Return up to so many lists of projects, by the rows of these, the most urgent ones first.

    First of all comes what is twice as old as it may become; then where a backup runs, or may have ended
    since its slot began; then what else is due; then, while there is room, what was not read for some
    minutes. Each time the oldest comes first, so that all wait alike. Raises django.db.Error.
    """
    rows = InstanceSummary.objects.filter(instance__project__in=list(projects))
    due = rows.filter(due_at__lte=now)
    shown = rows.filter(shown_due_at__lte=now).order_by("shown_due_at", "pk")
    spare = rows.filter(due_at__gt=now, read_at__lte=now - SPARE_AFTER, problem="")
    begun = spare.filter(urgency__lt=Urgency.IDLE, due_at__lte=now + PLANNED_AFTER)
    wanted: Iterable[tuple[Kind, int, QuerySet[InstanceSummary]]] = (
        ("instance", -(-count // SHARE_OF_SHOWN), shown),
        ("backups", count, due.filter(read_at__lt=now - 2 * idle()).order_by("read_at")),
        ("backups", count, due.filter(urgency__lt=Urgency.IDLE).order_by("urgency", "read_at")),
        ("backups", count, begun.order_by("read_at")),
        ("backups", count, due.order_by("due_at", "pk")),
        ("instance", count, shown),
        ("backups", count, spare.order_by("read_at")),
    )
    found: dict[Subject, Work] = {}
    for kind, most, some in wanted:
        for row in some.select_related("instance").only(*_FIELDS)[:most]:
            instance, since = row.instance, now - JUST_READ
            subject = Subject(kind, projects[instance.project_id], instance.instance_id)
            if kind == "backups" and row.read_at:
                since = max(since, row.read_at)
            if subject not in under_way and len(found) < count:
                found.setdefault(subject, Work(subject, since, row.pk))
        if len(found) == count:
            break
    return list(found.values())


def postpone(work: Work, until: datetime, now: datetime) -> None:
    """Let what is due come again later. Raises django.db.Error."""
    row = InstanceSummary.objects.filter(pk=work.row)
    if work.subject.kind == "backups":
        row.filter(due_at__lte=now).update(due_at=until)
    else:
        row.filter(shown_due_at__lte=now).update(shown_due_at=until)
