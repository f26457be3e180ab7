"""What the board keeps of each reading, whoever made it: facts, the verdict, its changes, and failures."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import datetime

import msgspec
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver

from ...dcs.records import BackupRecord
from ...dcs.records import Instance as InstanceRecord
from ...models import BackupFailure, Instance, InstanceSummary
from ..collector import write_summaries
from ..insights import Facts, facts_with, overview, same_days, unsupported_facts
from ..listings import (
    DecodedRecords,
    Generation,
    Listing,
    Recorded,
    cached_histories,
    instances_of,
    listed_records,
    reading_recorded,
    record_of,
    row_id,
    unlisted_records,
)
from ..projects import Project
from .verdicts import days_text, judge, known_facts, move_on

# So few rows at a time that whoever else writes waits for a moment only.
CHUNK = 100
_LISTED = ("engine", "tags", "search", "listed_digest")


@receiver(reading_recorded)
def keep(recorded: Recorded, **kwargs: object) -> None:
    """Write what a reading says of instances. Raises django.db.Error."""
    subject = recorded.subject
    if subject.kind == "instances":
        _keep_listed(recorded)
    elif subject.kind in ("backups", "instance") and subject.window is None and not _moves_on(recorded):
        with transaction.atomic():
            instance = instances_of(subject).select_related("summary").select_for_update(of=("self",)).first()
            if instance:
                _keep_one(recorded, instance)


# One instance ----------------------------------------------------------------


def _moves_on(recorded: Recorded) -> bool:
    """Move on in time what is kept, where nothing of it has changed; tell whether that was so."""
    row = recorded.row if recorded.subject.kind == "backups" and recorded.same_since else None
    facts = known_facts(row.facts) if row else None
    if not (row and facts and facts.read_at == recorded.same_since and same_days(facts.read_at, recorded.at)):
        return False
    return move_on(row, facts, recorded.subject.project, recorded.at)


def _keep_one(recorded: Recorded, instance: Instance) -> None:
    row = getattr(instance, "summary", None) or InstanceSummary(instance=instance)
    known, project, at = known_facts(row.facts), recorded.subject.project, recorded.at
    if recorded.problem:
        if recorded.problem.kind == "unsupported":
            judge(row, unsupported_facts(known, at), project, at)
    elif recorded.subject.kind == "instance":
        if known:
            _keep_shown(recorded, instance, row, known)
    elif recorded.generation and not (known and known.read_at > at):
        if known is None and recorded.generation.unlisted:
            # What the list held before the portal kept failures.
            _keep_failures(instance, unlisted_records(recorded.generation.instance), None)
        _keep_failures(instance, recorded.records, at)
        _look_at(row, recorded.generation, recorded.records, _record_of(instance, known), project, at)


def _keep_shown(recorded: Recorded, instance: Instance, row: InstanceSummary, known: Facts) -> None:
    """ShowInstance alone tells the plan, and with it what is to be expected of the list as it was read."""
    project, at = recorded.subject.project, recorded.at
    [notes] = cached_histories([(project, instance.instance_id)])
    known = facts_with(known, recorded.records[0], tag_key=settings.DCS_RPO_TAG)
    if notes.generation is None or not notes.generation.digest:  # none was read, or one is being written
        judge(row, known, project, at)
    else:
        records, _ = listed_records(row.pk)
        _look_at(row, notes.generation, records, _record_of(instance, known), project, at)


def _look_at(
    row: InstanceSummary,
    generation: Generation,
    records: tuple[BackupRecord, ...],
    instance: InstanceRecord | None,
    project: Project,
    at: datetime,
) -> None:
    """Write what the page of the instance would say of it."""
    listing = Listing(**vars(generation), decoded=DecodedRecords(records), source="cache")
    seen = overview(listing, instance, now=at, project=project)
    row.days = days_text(seen)
    judge(row, seen.facts, project, at, "days")


def _record_of(instance: Instance, known: Facts | None) -> InstanceRecord | None:
    """Return the instance as it is known: plan from ShowInstance, tags from the list, the newest status."""
    shown, listed = record_of(instance.shown), record_of(instance.listed)
    found = shown or listed
    if found and listed:
        found = msgspec.structs.replace(found, status=listed.status, tags=listed.tags)
    if found and known and known.status:
        found = msgspec.structs.replace(found, status=known.status)
    return found


def _keep_failures(instance: Instance, records: Iterable[BackupRecord], known_at: datetime | None) -> None:
    failed = {row_id(one): one for one in records if one.status == "failed"}
    if not failed:
        return
    known = set(BackupFailure.objects.filter(instance=instance).values_list("backup_id", flat=True))
    rows = [
        BackupFailure(
            instance=instance,
            backup_id=one,
            started_at=record.started_at,
            error_code=record.error_code[:40],
            known_at=known_at,
        )
        for one, record in failed.items()
        if one not in known and record.started_at
    ]
    BackupFailure.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)


# The instances of a project --------------------------------------------------


def _keep_listed(recorded: Recorded) -> None:
    """Write what the list of a project says anew of its instances, and what follows for their verdicts."""
    changed = []
    known = instances_of(recorded.subject).values_list("pk", "listed", "summary__listed_digest")
    for pk, listed, digest_before in known.iterator():
        digest = f"{zlib.crc32(listed.encode()):08x}"
        if digest != digest_before and (record := record_of(listed)):
            changed.append((pk, digest, record))
    for start in range(0, len(changed), CHUNK):
        some = changed[start : start + CHUNK]
        write_summaries([_listed_row(*one) for one in some], *_LISTED)
        records = {pk: record for pk, _, record in some}
        for row in InstanceSummary.objects.filter(pk__in=records).exclude(facts=""):
            if facts := known_facts(row.facts):
                facts = facts_with(facts, records[row.pk], tag_key=settings.DCS_RPO_TAG)
                with transaction.atomic():
                    judge(row, facts, recorded.subject.project, recorded.at)


def _listed_row(pk: int, digest: str, record: InstanceRecord) -> InstanceSummary:
    return InstanceSummary(
        instance_id=pk,
        engine=f"{record.engine} {record.engine_version}".strip().lower()[:40],
        tags="\n".join(f"{key}={value}" for key, value in record.tags),
        search=record.search_text,
        listed_digest=digest,
    )
