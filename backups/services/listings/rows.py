"""The records of a list out of the rows that keep them: as they are now, and as they were at a reading.

Each of these functions raises django.db.Error where the database does not answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import Q, QuerySet

from ...dcs.pages import backups_of_raw
from ...dcs.records import BackupRecord
from ...dcs.records import Instance as InstanceRecord
from ...models import Backup, Change, Instance, Reading
from ..projects import Project
from .subjects import Subject

Digests = Mapping[str, bytes]
Records = tuple[BackupRecord, ...]
LISTED = Q(gone=None) | Q(gone__is_doubtful=True)
UNLISTED = Q(gone__isnull=False, gone__is_doubtful=False)


def load(subject: Subject, *, instance: int, before: int | None) -> tuple[tuple[Any, ...], Digests] | None:
    """Return the records that a list holds, or held at the reading `before`, and their digests."""
    if subject.kind == "backups":
        return listed(instance) if before is None else (as_of(instance, before)[0], {})
    column = "shown" if subject.kind == "instance" else "listed"
    found = instances_of(subject).values_list(column, flat=True)
    instances = tuple(filter(None, map(record_of, found)))
    return (instances, {}) if instances or subject.kind == "instances" else None


def listed(instance: int) -> tuple[Records, Digests]:
    rows = Backup.objects.filter(LISTED, instance=instance).order_by("pk")
    found = list(rows.values_list("backup_id", "digest", "record", "gone_id"))
    records = backups_of_raw(bytes(record) for _, _, record, _ in found)
    if any(gone for *_, gone in found):
        records = tuple(
            msgspec.structs.replace(record, presence="missing") if gone else record
            for record, (*_, gone) in zip(records, found, strict=True)
        )
    return records, {backup_id: bytes(digest) for backup_id, digest, _, _ in found}


def unlisted(instance: int) -> Records:
    """Return the records that the list of an instance no longer holds."""
    rows = Backup.objects.filter(UNLISTED, instance=instance).order_by("pk")
    return _unlisted(bytes(record) for record in rows.values_list("record", flat=True))


def _unlisted(rows: Iterable[bytes]) -> Records:
    return tuple(msgspec.structs.replace(one, presence="unlisted") for one in backups_of_raw(rows))


def unlisted_ids(instance: int, backup_ids: Collection[str]) -> set[str]:
    """Return which backups the list of an instance is known to have held and to hold no more."""
    rows = Backup.objects.filter(UNLISTED, instance=instance, backup_id__in=backup_ids)
    return set(rows.values_list("backup_id", flat=True))


def count_unlisted(instance: int) -> int:
    return Backup.objects.filter(UNLISTED, instance=instance).count()


def watched_since(instance: int) -> datetime | None:
    """Return when the list of an instance was read first."""
    readings = Reading.objects.filter(instance=instance, is_accepted=True).order_by("pk")
    return readings.values_list("first_at", flat=True).first()


def record_of(json: str) -> InstanceRecord | None:
    """Return an instance as its row keeps it, None where it keeps none."""
    return msgspec.json.decode(json, type=InstanceRecord) if json else None


def of_projects(projects: Iterable[Project], to: str = "") -> Q:
    """Return which rows are of these projects; `to` leads from such a row to its instance."""
    within = Q(pk__in=())  # no project: nothing
    for one in projects:
        of_one = {f"{to}project__endpoint": one.endpoint, f"{to}project__project_id": one.project_id}
        within |= Q(**of_one)
    return within


def instances_of(subject: Subject) -> QuerySet[Instance]:
    """Return the rows of a project's instances that its list holds, or of one instance."""
    rows = Instance.objects.filter(of_projects([subject.project])).order_by("pk")
    if subject.kind == "instances":
        return rows.filter(gone_since=None).exclude(listed="")
    return rows.filter(instance_id=subject.instance_id)


def as_of(instance: int, reading: int) -> tuple[Records, Records]:
    """Return the records that a list held at an accepted reading, and those that had left it by then.

    The first change after the reading tells what a record was then; where there is none, it is as now.
    """
    changes = Change.objects.filter(backup__instance=instance)
    after = changes.filter(reading__gt=reading).order_by("-reading", "-pk")
    later = {pk: bytes(before) for pk, before in after.values_list("backup_id", "before")}
    # What was away then and has come back: as it was when it left.
    away = [pk for pk, before in later.items() if not before]
    until = changes.filter(backup__in=away, reading__lte=reading).order_by("reading", "pk")
    as_it_left = {pk: bytes(before) for pk, before in until.values_list("backup_id", "before")}
    listed: list[bytes] = []
    unlisted: list[bytes] = []
    rows = Backup.objects.filter(instance=instance, first__lte=reading).order_by("pk")
    for pk, record, gone, is_doubtful in rows.values_list("pk", "record", "gone_id", "gone__is_doubtful"):
        if pk in as_it_left:
            unlisted.append(as_it_left[pk])
        elif pk in later or gone is None or gone > reading or is_doubtful:
            listed.append(later.get(pk) or bytes(record))
        else:
            unlisted.append(bytes(record))
    return backups_of_raw(listed), _unlisted(unlisted)
