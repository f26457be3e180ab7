"""Takes evidence away, in batches between which others may write; then no process shows it any more.

Each view looks at the note of its list, and reads the rows anew where that has changed.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from ...dcs.pages import without_remark
from ...models import Backup, Change, CloudProject, Instance, Note
from . import rows, store
from .generations import CURRENT, Generation
from .subjects import Kind, key_of

BATCH = 200
# In the place of the digest of a record whose remark was taken out.
NO_DIGEST = b""

# How many rows, by the name of their model.
Removed = Counter[str]


def remove_instance(instance: Instance) -> Removed:
    """Delete an instance and all that is kept of it; tell what. Raises django.db.Error."""
    removed: Removed = Counter()
    _notes_of(instance).delete()
    for kept in (instance.backups.order_by("pk"), instance.readings.order_by("pk")):
        removed += remove_in_batches(kept)
    with transaction.atomic():
        # Whoever is just reading it waits, and then finds that it is gone.
        Instance.objects.select_for_update().filter(pk=instance.pk).first()
        _notes_of(instance).delete()
        removed += _delete(Instance.objects.filter(pk=instance.pk))
    _renew(Note.objects.filter(key=note_key("instances", instance.project)))
    return removed


def remove_project(project: CloudProject) -> Removed:
    """Delete a project of the cloud with all its instances; tell what. Raises django.db.Error."""
    removed: Removed = Counter()
    for instance in project.instances.order_by("pk"):
        removed += remove_instance(instance)
    Note.objects.filter(key=note_key("instances", project)).delete()
    project.delete()
    return removed


def remove_in_batches(kept: QuerySet[Any]) -> Removed:
    """Delete rows, in their order. Raises django.db.Error."""
    removed: Removed = Counter()
    for batch in batches(kept):
        with transaction.atomic():
            removed += _delete(batch.order_by())
    return removed


def batches(kept: QuerySet[Any]) -> Iterator[QuerySet[Any]]:
    """Yield a few rows at a time, in their order: those of them that are still meant then."""
    # To look takes no lock, to write does.
    ids = list(kept.values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        with store.sharing_the_writer():
            yield kept.filter(pk__in=ids[start : start + BATCH])


def _delete(kept: QuerySet[Any]) -> Removed:
    _, found = kept.delete()
    return Counter({label.rpartition(".")[2]: count for label, count in found.items()})


def remove_remarks(kept: QuerySet[Backup]) -> int:
    """Rewrite the records of backups without their remarks, also as they were. Raises django.db.Error."""
    instances = set()
    count = 0
    for batch in batches(kept.order_by("pk")):
        with transaction.atomic():
            backups = list(batch.select_for_update(of=("self",)))
            for backup in backups:
                backup.record, backup.digest = without_remark(bytes(backup.record)), NO_DIGEST
            Backup.objects.bulk_update(backups, ["record", "digest"])
            changes = list(Change.objects.filter(backup__in=backups).exclude(before=b""))
            for change in changes:
                change.before = without_remark(bytes(change.before))
            Change.objects.bulk_update(changes, ["before"], batch_size=BATCH)
        instances |= {backup.instance_id for backup in backups}
        count += len(backups)
    for instance in Instance.objects.filter(pk__in=instances):
        renew(instance)
    return count


# The notes of lists ---------------------------------------------------------------


def note_key(kind: Kind, project: CloudProject, instance_id: str = "") -> str:
    return f"{CURRENT}{key_of(kind, project, instance_id)}"


def renew(instance: Instance) -> None:
    """Let all processes read the records of an instance anew from their rows. Raises django.db.Error."""
    _renew(
        _notes_of(instance),
        unlisted=rows.count_unlisted(instance.pk),
        watched_since=rows.watched_since(instance.pk),
    )


def _renew(notes: QuerySet[Note], **facts: Any) -> None:
    for key in notes.values_list("key", flat=True):
        _renew_one(key, facts)


def _renew_one(key: str, facts: dict[str, Any]) -> None:
    """A reading that is written meanwhile is looked at again."""
    is_done = False
    while not is_done:
        text = store.get_many([key]).get(key, "")
        generation = store.decoded(text, Generation)
        # Of one that is being written nobody has the records in memory.
        if generation is None or not generation.digest:
            return
        new = replace(
            generation, generation=secrets.token_hex(8), digest=f"renewed-{secrets.token_hex(8)}", **facts
        )
        is_done = store.replace(key, text, store.encoded(new))


def _notes_of(instance: Instance) -> QuerySet[Note]:
    """The notes of an instance and of its list, also of parts of a long one."""
    kinds: tuple[Kind, ...] = ("backups", "instance")
    own = [note_key(kind, instance.project, instance.instance_id) for kind in kinds]
    parts = Note.objects.filter(key__startswith=CURRENT, text__contains=f'"instance":{instance.pk},')
    return Note.objects.filter(key__in=own) | parts
