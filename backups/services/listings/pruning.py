"""What is kept no longer: EVIDENCE_DAYS after a record left its list, and its remark at once.

What is still listed is kept whole, with all its changes. A list of the past that can no longer be told in
full is not told at all: it was not watched then.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from ...models import Backup, BackupFailure, Change, Instance, Reading, VerdictChange
from . import leases, removal, rows, store
from .generations import Generation
from .subjects import Subject

DAY_SECONDS = 86_400
# How soon a process looks again whether another one has pruned today.
LOOK_SECONDS = 3600.0

_looked = -LOOK_SECONDS


def prune_after(subject: Subject) -> None:
    """Take away what a reading of a list made superfluous, and once a day all that is too old."""
    if settings.EVIDENCE_REMARKS == "listed" and subject.kind in ("backups", "instance"):
        unlisted = _with_remark_no_longer_listed().filter(instance__in=rows.instances_of(subject))
        store.asked(lambda: removal.remove_remarks(unlisted), 0)
    _prune_once_a_day()


def _prune_once_a_day() -> None:
    """One process of all does so, and again at once where the settings have changed."""
    global _looked
    if time.monotonic() - _looked < LOOK_SECONDS:
        return
    _looked = time.monotonic()
    done = f"pruned:{settings.EVIDENCE_DAYS}:{settings.EVIDENCE_REMARKS}"
    if store.get_many([done]):
        return
    lease = leases.acquire("prune")
    if lease is None:
        return
    try:
        if store.asked(lambda: prune(datetime.now(UTC)), False):
            store.write(done, True, seconds=DAY_SECONDS)
    finally:
        lease.release()


def prune(now: datetime) -> bool:
    """Take away all that is kept no longer; tell that it is done. Raises django.db.Error."""
    if settings.EVIDENCE_DAYS:
        before = now - timedelta(days=settings.EVIDENCE_DAYS)
        for instance in Instance.objects.filter(gone_since__lt=before):
            if not _was_read_since(instance, before):
                removal.remove_instance(instance)
        expired = Backup.objects.filter(rows.UNLISTED, gone__first_at__lt=before)
        for pk in expired.order_by("instance").values_list("instance", flat=True).distinct():
            _prune_list(Instance.objects.get(pk=pk), before)
        _prune_board(before)
    if settings.EVIDENCE_REMARKS == "listed":
        removal.remove_remarks(_with_remark_no_longer_listed())
    return True


def _prune_board(before: datetime) -> None:
    """Old failures go unless their backup is still listed, and old verdicts but for the last one each."""
    same = Backup.objects.filter(instance=OuterRef("instance"), backup_id=OuterRef("backup_id"), gone=None)
    failures = BackupFailure.objects.filter(~Exists(same), started_at__lt=before)
    removal.remove_in_batches(failures.order_by("pk"))
    later = VerdictChange.objects.filter(instance=OuterRef("instance"), at__gt=OuterRef("at"), at__lt=before)
    removal.remove_in_batches(VerdictChange.objects.filter(Exists(later), at__lt=before).order_by("pk"))


def _was_read_since(instance: Instance, before: datetime) -> bool:
    """Whether its list was still there: what the project's list lacks may answer by its id."""
    generation = store.note(Generation, removal.note_key("backups", instance.project, instance.instance_id))
    return generation is not None and generation.read_at >= before


def _with_remark_no_longer_listed() -> QuerySet[Backup]:
    unlisted = rows.UNLISTED | Q(instance__gone_why="unknown")
    return Backup.objects.filter(unlisted).exclude(digest=removal.NO_DIGEST)


# A list of the past ---------------------------------------------------------------


def _prune_list(instance: Instance, before: datetime) -> None:
    expired = Backup.objects.filter(rows.UNLISTED, instance=instance, gone__first_at__lt=before)
    newest = expired.aggregate(newest=Max("gone"))["newest"]
    past = Reading.objects.filter(instance=instance, pk__lt=newest).order_by("pk")
    # First of all: without its records the list of then would be told wrongly.
    for batch in removal.batches(past.filter(is_accepted=True)):
        batch.update(is_accepted=False)
    removal.remove_in_batches(expired.order_by("gone", "pk"))
    needed = _needed_readings(instance)
    for batch in removal.batches(past):
        Reading.objects.filter(pk__in=[one.pk for one in batch if one.pk not in needed]).delete()
    removal.renew(instance)


def _needed_readings(instance: Instance) -> set[int]:
    """Those that tell when something was first seen, or gone, or changed, and those before them."""
    named: set[int | None] = set()
    for pair in Backup.objects.filter(instance=instance).values_list("first", "gone"):
        named.update(pair)
    named.update(Change.objects.filter(backup__instance=instance).values_list("reading", flat=True))
    previous = dict(Reading.objects.filter(instance=instance).values_list("pk", "previous"))
    return {pk for pk in named | {previous.get(one) for one in named if one} if pk}
