"""The rows that tell when an instance is to be read next: written with every reading, whoever made it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.dispatch import receiver

from ...dcs.records import BackupRecord
from ...models import Instance, InstanceSummary
from ..insights import plan_of
from ..listings import Recorded, instances_of, of_projects, reading_recorded, record_of, row_id
from .due import Urgency, due_after_failure, due_after_reading

SHOWN_EVERY = timedelta(days=1)
# So few rows at a time that whoever else writes waits for a moment only.
CHUNK = 100


@receiver(reading_recorded)
def keep_summary(recorded: Recorded, **kwargs: Any) -> None:
    """Write what a reading says of when the next one is due. Raises django.db.Error."""
    if recorded.subject.window is not None:
        return  # a part of a history, whose newest part tells
    if recorded.subject.kind == "instances":
        _keep_instances(recorded)
    elif recorded.subject.kind == "instance":
        _keep_shown(recorded)
    elif recorded.generation is None:
        _keep_failure(recorded)
    elif recorded.subject.kind == "backups":
        _keep_backups(recorded)


def idle() -> timedelta:
    return timedelta(seconds=settings.COLLECT_IDLE_SECONDS)


def _keep_backups(recorded: Recorded) -> None:
    generation, row = recorded.generation, recorded.row
    instance = row.instance if row else Instance.objects.filter(pk=recorded.instance).first()
    if generation is None or instance is None:
        return  # it was forgotten meanwhile
    newest = last_started_at(recorded.records)
    due = due_after_reading(
        recorded.at,
        plan=plan_of(record_of(instance.shown)),
        # What went with over half of the list is not believed before a second reading.
        is_running=generation.running or generation.missing_since is not None,
        last_started_at=newest,
        idle=idle(),
    )
    told: dict[str, Any] = {
        "read_at": recorded.at,
        "problem": "",
        "last_started_at": newest,
        "due_at": due.at,
        "urgency": due.urgency,
    }
    if row is None or not InstanceSummary.objects.filter(pk=row.pk).update(**told):
        _write([InstanceSummary(instance=instance, **told)], *told)


def _keep_failure(recorded: Recorded) -> None:
    problem = recorded.problem
    if problem:
        row = InstanceSummary(
            instance_id=recorded.instance,
            problem=problem.kind[:40],
            due_at=due_after_failure(problem, recorded.at, idle=idle()),
        )
        _write([row], "problem", "due_at")


def _keep_shown(recorded: Recorded) -> None:
    """ShowInstance alone tells the plan: with another one the list may be due at another time."""
    instance = instances_of(recorded.subject).select_related("summary").first()
    if instance is None:
        return
    row = getattr(instance, "summary", None) or InstanceSummary(instance=instance, due_at=recorded.at)
    row.shown_due_at = recorded.at + (SHOWN_EVERY if recorded.generation else idle())
    if recorded.records and row.read_at and not row.problem:
        row.due_at, row.urgency = due_after_reading(
            row.read_at,
            plan=plan_of(recorded.records[0]),
            is_running=row.urgency == Urgency.RUNNING,
            last_started_at=row.last_started_at,
            idle=idle(),
        )
    _write([row], "shown_due_at", "due_at", "urgency")


def _keep_instances(recorded: Recorded) -> None:
    """Let what is new be read now, a status that changed be looked into, and the gone be left alone."""
    project, at = recorded.subject.project, recorded.at
    gone = InstanceSummary.objects.filter(
        of_projects([project], "instance__"), instance__gone_since__isnull=False
    )
    gone.exclude(due_at=None, shown_due_at=None).update(due_at=None, shown_due_at=None)
    statuses = {row_id(record): record.status[:40] for record in recorded.records}
    known = instances_of(recorded.subject).values_list(
        "pk", "instance_id", "summary__status", "summary__due_at"
    )
    arrived, changed = [], []
    for pk, instance_id, status, due_at in known:
        row = InstanceSummary(instance_id=pk, status=statuses.get(instance_id, ""), shown_due_at=at)
        if due_at is None:
            row.due_at = at
            arrived.append(row)
        elif status != row.status:
            changed.append(row)
    _write(arrived, "status", "shown_due_at", "due_at")
    _write(changed, "status", "shown_due_at")


def _write(rows: list[InstanceSummary], *fields: str) -> None:
    for start in range(0, len(rows), CHUNK):
        InstanceSummary.objects.bulk_create(
            rows[start : start + CHUNK],
            update_conflicts=True,
            unique_fields=["instance"],
            update_fields=fields,
        )


def last_started_at(records: Iterable[BackupRecord]) -> datetime | None:
    return max(filter(None, (record.started_at for record in records)), default=None)
