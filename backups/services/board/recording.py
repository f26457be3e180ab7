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
from .days import days_text
from .verdicts import judge, known_facts, move_on, upsert

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
        _keep_shown(recorded, instance, row, known)
    elif recorded.generation and not (known and known.read_at > at):
        records = recorded.records
        if known is None:
            _keep_failures(instance, _gone(recorded.generation), None)
        _keep_failures(instance, records, at)
        listing = _listing(recorded.generation, records)
        _look_at(row, listing, _record_of(instance, known), project, at)


def _keep_shown(recorded: Recorded, instance: Instance, row: InstanceSummary, known: Facts | None) -> None:
    """ShowInstance alone tells the plan, and with it what is to be expected of the list as it was read."""
    subject, at = recorded.subject, recorded.at
    [notes] = cached_histories([(subject.project, subject.instance_id)])
    if known is None:
        return
    known = facts_with(known, recorded.records[0], tag_key=settings.DCS_RPO_TAG)
    if notes.generation is None or not notes.generation.digest:  # none was read, or one is being written
        judge(row, known, subject.project, at)
        return
    records, _ = listed_records(row.pk)
    _look_at(row, _listing(notes.generation, records), _record_of(instance, known), subject.project, at)


def _look_at(
    row: InstanceSummary,
    listing: Listing[BackupRecord],
    record: InstanceRecord | None,
    project: Project,
    at: datetime,
) -> None:
    """Write what the page of the instance would say of it."""
    seen = overview(listing, record, now=at, project=project)
    row.days = days_text(seen)
    judge(row, seen.facts, project, at, "days")


def _listing(generation: Generation, records: tuple[BackupRecord, ...]) -> Listing[BackupRecord]:
    return Listing(**vars(generation), decoded=DecodedRecords(records), source="cache")


def _record_of(instance: Instance, known: Facts | None) -> InstanceRecord | None:
    """Return the instance as it is known: plan from ShowInstance, tags from the list, the newest status."""
    shown, listed = record_of(instance.shown), record_of(instance.listed)
    found = shown or listed
    if found and listed:
        found = msgspec.structs.replace(found, status=listed.status, tags=listed.tags)
    if found and known and known.status:
        found = msgspec.structs.replace(found, status=known.status)
    return found


# Failures --------------------------------------------------------------------


def _keep_failures(instance: Instance, records: Iterable[BackupRecord], at: datetime | None) -> None:
    failed = {row_id(one): one for one in records if one.status == "failed"}
    if not failed:
        return
    known = set(BackupFailure.objects.filter(instance=instance).values_list("backup_id", flat=True))
    rows = [
        BackupFailure(
            instance=instance,
            backup_id=one,
            started_at=started_at,
            error_code=record.error_code[:40],
            known_at=at,
        )
        for one, record in failed.items()
        if one not in known and (started_at := record.started_at)
    ]
    BackupFailure.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)


def _gone(generation: Generation) -> tuple[BackupRecord, ...]:
    """Return what the list held before the portal kept failures."""
    return unlisted_records(generation.instance) if generation.unlisted else ()


# The instances of a project --------------------------------------------------


def _keep_listed(recorded: Recorded) -> None:
    """Write what the list of a project says anew of its instances, and what follows for their verdicts."""
    known = instances_of(recorded.subject).values_list("pk", "listed", "summary__listed_digest")
    changed = {}
    for pk, listed, digest in known.iterator():
        new = f"{zlib.crc32(listed.encode()):08x}"
        if new != digest:
            changed[pk] = (new, record_of(listed))
    pks = list(changed)
    for start in range(0, len(pks), CHUNK):
        some = {pk: changed[pk] for pk in pks[start : start + CHUNK]}
        upsert([_listed_row(pk, record, digest) for pk, (digest, record) in some.items() if record], _LISTED)
        for row in InstanceSummary.objects.filter(pk__in=some).exclude(facts=""):
            facts, (_, record) = known_facts(row.facts), some[row.pk]
            if facts and record:
                with transaction.atomic():
                    new_facts = facts_with(facts, record, tag_key=settings.DCS_RPO_TAG)
                    judge(row, new_facts, recorded.subject.project, recorded.at)


def _listed_row(pk: int, record: InstanceRecord, digest: str) -> InstanceSummary:
    return InstanceSummary(
        instance_id=pk,
        engine=f"{record.engine} {record.engine_version}".strip().lower()[:40],
        tags="\n".join(f"{key}={value}" for key, value in record.tags),
        search=record.search_text,
        listed_digest=digest,
    )
