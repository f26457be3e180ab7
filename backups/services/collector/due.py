"""When each list is to be read next: written with every reading, and what is next by that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from django.dispatch import receiver

from ...models import Instance, InstanceSummary
from ..insights import Plan, plan_of
from ..listings import Recorded, Subject, instances_of, of_projects, reading_recorded, record_of, row_id
from ..problems import Problem
from ..projects import Project

Urgency = InstanceSummary.Urgency

RUNNING_EVERY = timedelta(minutes=3)
# A planned backup is looked for from so long after its slot, so often, and no longer than that.
PLANNED_AFTER = timedelta(minutes=10)
PLANNED_EVERY = timedelta(minutes=10)
PLANNED_FOR = timedelta(hours=4)
FAILED_EVERY = timedelta(minutes=5)
UNSUPPORTED_EVERY = timedelta(days=1)
SHOWN_EVERY = timedelta(days=1)
# What another attempt in a moment would not change.
LASTING = frozenset({"not_found", "access_denied", "rejected"})


def due_after_reading(
    read_at: datetime, plan: Plan, last_started_at: datetime | None, *, is_running: bool
) -> tuple[datetime, Urgency]:
    """Return when a list whose newest backup began `last_started_at` is to be read next, and what for.

    `is_running`: a backup of it is not done, or the list itself is doubtful.
    """
    if is_running:
        return read_at + RUNNING_EVERY, Urgency.RUNNING
    found = [(read_at + idle(), Urgency.IDLE)]
    for slot in plan.slots(read_at - PLANNED_FOR, read_at + idle()):
        looked_for = slot + PLANNED_AFTER
        if looked_for > read_at:
            found.append((looked_for, Urgency.PLANNED))
        elif last_started_at is None or last_started_at < slot:
            found.append((read_at + PLANNED_EVERY, Urgency.PLANNED))
    return min(found)


def due_after_failure(problem: Problem, at: datetime) -> datetime:
    """Return when a list that could not be read then is to be tried again."""
    if problem.kind == "unsupported":
        return at + UNSUPPORTED_EVERY
    pause = idle() if problem.kind in LASTING else FAILED_EVERY
    return max(at + pause, problem.retry_at or at)


def idle() -> timedelta:
    return timedelta(seconds=settings.COLLECT_IDLE_SECONDS)


# Written with every reading --------------------------------------------------


@receiver(reading_recorded)
def keep_due(recorded: Recorded, **kwargs: Any) -> None:
    """Write what a reading says of when the next one is due. Raises django.db.Error."""
    subject = recorded.subject
    if subject.window is not None:
        return  # a part of a history, whose newest part tells
    if subject.kind == "instances":
        _keep_instances(recorded)
    elif subject.kind == "instance":
        _keep_shown(recorded)
    elif subject.kind == "backups" and recorded.problem:
        told = {"problem": recorded.problem.kind, "due_at": due_after_failure(recorded.problem, recorded.at)}
        write_summaries([InstanceSummary(instance_id=recorded.instance, **told)], *told)
    elif subject.kind == "backups":
        _keep_backups(recorded)


def _keep_backups(recorded: Recorded) -> None:
    generation, row = recorded.generation, recorded.row
    instance = row.instance if row else Instance.objects.filter(pk=recorded.instance).first()
    if generation is None or instance is None:
        return  # it was forgotten meanwhile
    newest = max(filter(None, (record.started_at for record in recorded.records)), default=None)
    # What went with over half of the list is not believed before a second reading.
    is_running = generation.running or generation.missing_since is not None
    plan, at = plan_of(record_of(instance.shown)), recorded.at
    due_at, urgency = due_after_reading(at, plan, newest, is_running=is_running)
    told = {"read_at": at, "problem": "", "last_started_at": newest, "due_at": due_at, "urgency": urgency}
    # An update alone costs half as much.
    if row is None or not InstanceSummary.objects.filter(pk=row.pk).update(**told):
        write_summaries([InstanceSummary(instance=instance, **told)], *told)


def _keep_shown(recorded: Recorded) -> None:
    """ShowInstance alone tells the plan: with another one the list may be due at another time."""
    instance = instances_of(recorded.subject).select_related("summary").first()
    if instance is None:
        return
    row = getattr(instance, "summary", None) or InstanceSummary(instance=instance, due_at=recorded.at)
    row.shown_due_at = recorded.at + (SHOWN_EVERY if recorded.generation else idle())
    if recorded.records and row.read_at and not row.problem:
        plan, is_running = plan_of(recorded.records[0]), row.urgency == Urgency.RUNNING
        row.due_at, row.urgency = due_after_reading(
            row.read_at, plan, row.last_started_at, is_running=is_running
        )
    write_summaries([row], "shown_due_at", "due_at", "urgency")


def _keep_instances(recorded: Recorded) -> None:
    """Let what is new be read now, a status that changed be looked into, and the gone be left alone."""
    of_project = InstanceSummary.objects.filter(of_projects([recorded.subject.project], "instance__"))
    gone = of_project.filter(instance__gone_since__isnull=False)
    gone.exclude(due_at=None, shown_due_at=None).update(due_at=None, shown_due_at=None)
    statuses = {row_id(record): record.status[:40] for record in recorded.records}
    columns = ("pk", "instance_id", "summary__status", "summary__due_at")
    arrived, changed = [], []
    for pk, instance_id, status, due_at in instances_of(recorded.subject).values_list(*columns):
        at = recorded.at
        row = InstanceSummary(
            instance_id=pk, status=statuses.get(instance_id, ""), shown_due_at=at, due_at=at
        )
        if due_at is None:
            arrived.append(row)
        elif status != row.status:
            changed.append(row)
    write_summaries(arrived, "status", "shown_due_at", "due_at")
    write_summaries(changed, "status", "shown_due_at")


# So few rows at a time that whoever else writes waits for a moment only.
CHUNK = 100


def write_summaries(rows: Sequence[InstanceSummary], *fields: str) -> None:
    """Write these fields of rows, which may be new."""
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        InstanceSummary.objects.bulk_create(
            some, update_conflicts=True, unique_fields=["instance"], update_fields=fields
        )


# Asked for -------------------------------------------------------------------

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
    projects: Mapping[int, Project], now: datetime, count: int, *, under_way: Collection[Subject]
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
    wanted: tuple[tuple[Literal["backups", "instance"], int, QuerySet[InstanceSummary]], ...] = (
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
    column = "due_at" if work.subject.kind == "backups" else "shown_due_at"
    InstanceSummary.objects.filter(pk=work.row, **{f"{column}__lte": now}).update(**{column: until})
