"""Lists as they were known at a time, and the times at which nobody could know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord
from ...models import Instance, Reading
from ..listings import DecodedRecords, Listing, Subject, instances_of, records_as_of, unlisted_records
from ..problems import Problem
from ..projects import Project
from ..words import Words


class NotWatched(Exception):
    """The list was not read before that time: `since` is when it was read first, None where it never was."""

    def __init__(self, since: datetime | None) -> None:
        super().__init__("not watched then")
        self.since = since


@dataclass(frozen=True)
class Gap:
    """A time during which the list could not be read, and why: a kind of `Problem`."""

    start: datetime
    end: datetime
    problem: str

    @property
    def title(self) -> Words:
        return Problem(self.problem).title


def list_as_of(project: Project, instance_id: str, at: datetime) -> Listing[BackupRecord]:
    """Return the list of an instance as it was known at a time. Raises NotWatched and django.db.Error."""
    instance = _instance(project, instance_id)
    readings = Reading.objects.filter(instance=instance, is_accepted=True).select_related("previous")
    reading = readings.filter(first_at__lte=at).order_by("-pk").first()
    first = readings.order_by("pk").first()
    if instance is None or reading is None or first is None:
        raise NotWatched(first.first_at if first else None)
    records = records_as_of(instance.pk, reading.pk)
    return Listing(
        # One that is still the same now is told as it is at that time.
        generation=f"as-of-{reading.pk}",
        read_at=min(at, max(reading.last_at, reading.first_at)) if _has_ended(reading) else at,
        decoded=DecodedRecords(records),
        source="cache",
        promised=None,
        cut_short=not reading.is_whole,
        instance=instance.pk,
        reading=reading.pk,
        watched_since=first.first_at,
    )


def _has_ended(reading: Reading) -> bool:
    return Reading.objects.filter(
        previous=reading.pk, instance=reading.instance_id, is_accepted=True
    ).exists()


def all_records(listing: Listing[BackupRecord]) -> tuple[BackupRecord, ...]:
    """Return the records of a list, and those that it no longer holds. Raises django.db.Error."""
    if not listing.unlisted:
        return listing.records
    # The rows are those of the reading: what a process has just read itself may not be written yet.
    name = f"with those no longer listed, {listing.reading}"
    return listing.derived(name, lambda records: (*records, *unlisted_records(listing.instance)))


def gaps(
    listing: Listing[BackupRecord], *, since: datetime | None = None, until: datetime | None = None
) -> list[Gap]:
    """Return when the list of an instance could not be read, oldest first. Raises django.db.Error."""
    failed = Reading.objects.filter(instance=listing.instance).exclude(problem="").order_by("pk")
    if since:
        failed = failed.filter(last_at__gte=since)
    if until:
        failed = failed.filter(first_at__lte=until)
    return [Gap(one.first_at, one.last_at, one.problem) for one in failed]


def _instance(project: Project, instance_id: str) -> Instance | None:
    return instances_of(Subject("backups", project, instance_id)).first()
