"""Takes evidence away, in batches between which others may write; then no process shows it any more.

It is kept until EVIDENCE_DAYS after a record left its list, a remark no longer than it is listed. What is
still listed is kept whole, with all its changes. A list of the past that can no longer be told in full is
not told at all: it was not watched then.

Each view looks at the note of its list, and reads the rows anew where that has changed. Where the database
does not answer all this raises django.db.Error.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from ...dcs.pages import without_remark
from ...models import Backup, BackupFailure, Change, CloudProject, Instance, Note, Reading, VerdictChange
from . import leases, rows, store
from .generations import Generation
from .subjects import CURRENT, Kind, Subject, key_of

BATCH = 200
# In the place of the digest of a record whose remark was taken out.
NO_DIGEST = b""

# How many rows, by the name of their model.
Removed = Counter[str]


def remove_instance(instance: Instance) -> Removed:
    """Delete an instance and all that is kept of it; tell what."""
    _notes_of(instance).delete()
    removed = remove_in_batches(instance.backups.order_by("pk"))
    removed += remove_in_batches(instance.readings.order_by("pk"))
    with transaction.atomic():
        # Whoever is just reading it waits, and then finds that it is gone.
        Instance.objects.select_for_update().filter(pk=instance.pk).first()
        _notes_of(instance).delete()
        removed += _delete(Instance.objects.filter(pk=instance.pk))
    _renew(note_key("instances", instance.project))
    return removed


def remove_project(project: CloudProject) -> Removed:
    """Delete a project of the cloud with all its instances; tell what."""
    removed = sum(map(remove_instance, project.instances.order_by("pk")), Removed())
    Note.objects.filter(key=note_key("instances", project)).delete()
    project.delete()
    return removed


def remove_in_batches(kept: QuerySet[Any]) -> Removed:
    """Delete rows, in their order."""
    removed = Removed()
    for batch in batches(kept):
        with transaction.atomic():
            removed += _delete(batch.order_by())
    return removed


def batches(kept: QuerySet[Any]) -> Iterator[QuerySet[Any]]:
    """Yield a few rows at a time, in their order: those of them that are still meant then."""
    # To look takes no lock, to write does.
    ids = list(kept.values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        began = time.monotonic()
        yield kept.filter(pk__in=ids[start : start + BATCH])
        store.leave_the_writer(began)


def _delete(kept: QuerySet[Any]) -> Removed:
    _, found = kept.delete()
    return Counter({label.rpartition(".")[2]: count for label, count in found.items()})


def remove_remarks(kept: QuerySet[Backup]) -> int:
    """Rewrite the records of backups without their remarks, also as they were."""
    instances: list[int] = []
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
        instances += [backup.instance_id for backup in backups]
    for instance in Instance.objects.filter(pk__in=set(instances)):
        renew(instance)
    return len(instances)


# The notes of lists ---------------------------------------------------------------


def note_key(kind: Kind, project: CloudProject, instance_id: str = "") -> str:
    return f"{CURRENT}{key_of(kind, project, instance_id)}"


def renew(instance: Instance) -> None:
    """Let all processes read the records of an instance anew from their rows."""
    unlisted, since = rows.count_unlisted(instance.pk), rows.watched_since(instance.pk)
    for key in _notes_of(instance).values_list("key", flat=True):
        _renew(key, unlisted=unlisted, watched_since=since)


def _renew(key: str, **facts: Any) -> None:
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


# By age -----------------------------------------------------------------------

DAY_SECONDS = 86_400
# How soon a process looks again whether another one has pruned today.
LOOK_SECONDS = 3600.0

_looked = -LOOK_SECONDS


def prune_after(subject: Subject) -> None:
    """Take away what a reading made superfluous, and once a day what is too old, by the settings of then."""
    global _looked
    if settings.EVIDENCE_REMARKS == "listed" and subject.kind in ("backups", "instance"):
        superfluous = _with_remark_no_longer_listed().filter(instance__in=rows.instances_of(subject))
        store.asked(lambda: remove_remarks(superfluous), 0)
    if time.monotonic() - _looked < LOOK_SECONDS:
        return
    _looked = time.monotonic()
    store.asked(Note.objects.filter(ends__lt=Now()).delete, None)
    done = f"pruned:{settings.EVIDENCE_DAYS}:{settings.EVIDENCE_REMARKS}"
    lease = None if store.get_many([done]) else leases.acquire("prune")
    if lease:
        try:
            if store.asked(lambda: prune(datetime.now(UTC)), False):
                store.write(done, True, seconds=DAY_SECONDS)
        finally:
            lease.release()


def prune(now: datetime) -> bool:
    """Take away all that is kept no longer; tell that it is done."""
    if settings.EVIDENCE_DAYS:
        before = now - timedelta(days=settings.EVIDENCE_DAYS)
        for instance in Instance.objects.filter(gone_since__lt=before):
            # What the project's list lacks may answer by its id, and its list be read.
            note = store.note(Generation, note_key("backups", instance.project, instance.instance_id))
            if note is None or note.read_at < before:
                remove_instance(instance)
        expired = Backup.objects.filter(rows.UNLISTED, gone__first_at__lt=before)
        for pk in expired.order_by("instance").values_list("instance", flat=True).distinct():
            _prune_list(Instance.objects.get(pk=pk), before)
        _prune_board(before)
    if settings.EVIDENCE_REMARKS == "listed":
        remove_remarks(_with_remark_no_longer_listed())
    return True


def _prune_board(before: datetime) -> None:
    """Old failures go unless their backup is still listed, and old verdicts but for the last one each."""
    same = Backup.objects.filter(instance=OuterRef("instance"), backup_id=OuterRef("backup_id"), gone=None)
    failures = BackupFailure.objects.filter(~Exists(same), started_at__lt=before)
    remove_in_batches(failures.order_by("pk"))
    later = VerdictChange.objects.filter(instance=OuterRef("instance"), at__gt=OuterRef("at"), at__lt=before)
    remove_in_batches(VerdictChange.objects.filter(Exists(later), at__lt=before).order_by("pk"))


def _with_remark_no_longer_listed() -> QuerySet[Backup]:
    unlisted = rows.UNLISTED | Q(instance__gone_why="unknown")
    return Backup.objects.filter(unlisted).exclude(digest=NO_DIGEST)


def _prune_list(instance: Instance, before: datetime) -> None:
    expired = Backup.objects.filter(rows.UNLISTED, instance=instance, gone__first_at__lt=before)
    newest = expired.aggregate(newest=Max("gone"))["newest"]
    past = Reading.objects.filter(instance=instance, pk__lt=newest).order_by("pk")
    # First of all: without its records the list of then would be told wrongly.
    for batch in batches(past.filter(is_accepted=True)):
        batch.update(is_accepted=False)
    remove_in_batches(expired.order_by("gone", "pk"))
    needed = _needed_readings(instance)
    for batch in batches(past):
        Reading.objects.filter(pk__in=[one.pk for one in batch if one.pk not in needed]).delete()
    renew(instance)


def _needed_readings(instance: Instance) -> set[int | None]:
    """Those that tell when something was first seen, or gone, or changed, and those before them."""
    backups = Backup.objects.filter(instance=instance).values_list("first", "gone")
    changed = Change.objects.filter(backup__instance=instance).values_list("reading", flat=True)
    named = {one for pair in backups for one in pair if one} | set(changed)
    previous = dict(Reading.objects.filter(instance=instance).values_list("pk", "previous"))
    return named | {previous.get(one) for one in named}
