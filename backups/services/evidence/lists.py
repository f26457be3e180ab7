"""Lists as they were known at a time, and the times at which nobody could know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord
from ...models import Reading
from ..listings import (
    DecodedRecords,
    Listing,
    NothingToShow,
    Subject,
    cached_histories,
    instances_of,
    records_as_of,
    unlisted_records,
    watched_since,
)
from ..problems import Problem
from ..projects import Project
from ..words import Words


class NotWatched(NothingToShow):
    """The list was not read by that time: `since` is when it was read first, None where it never was."""

    def __init__(self, at: datetime, *, since: datetime | None) -> None:
        super().__init__(Problem(kind="not_watched", as_of=at, watched_since=since))


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
    """Return the list of an instance as it was known at a time. Raises NotWatched.

    `read_at` is when it was read last by then. Nothing asks DCS.
    """
    [snapshot] = cached_histories([(project, instance_id)])
    current = snapshot.cached
    if current and current.generation.truncated:
        current = None  # readings of other parts know more
    if current and current.generation.read_at <= at:
        return Listing(**vars(current.generation), decoded=current.decoded, source="cache")
    instance = instances_of(Subject("backups", project, instance_id)).first()
    readings = Reading.objects.filter(instance=instance, is_accepted=True)
    reading = readings.filter(first_at__lte=at).order_by("-pk").first()
    if instance is None or reading is None:
        raise NotWatched(at, since=watched_since(instance.pk) if instance else None)
    if current and current.generation.reading == reading.pk:
        decoded, read_at, unlisted = current.decoded, at, current.generation.unlisted
    else:
        listed, gone = records_as_of(instance.pk, reading.pk)
        decoded, unlisted = DecodedRecords(listed), len(gone)
        decoded.derived(_with_unlisted(reading.pk), lambda records: (*records, *gone))
        read_at = min(at, max(reading.last_at, reading.first_at))
    return Listing(
        generation=f"as-of-{reading.pk}",
        read_at=read_at,
        source="cache",
        decoded=decoded,
        cut_short=not reading.is_whole,
        instance=instance.pk,
        reading=reading.pk,
        unlisted=unlisted,
        watched_since=watched_since(instance.pk),
    )


def all_records(listing: Listing[BackupRecord]) -> tuple[BackupRecord, ...]:
    """Return the records of a list, and those that it no longer holds."""
    if not listing.unlisted:
        return listing.records
    # The rows are those of the reading: what a process has just read itself may not be written yet.
    name = _with_unlisted(listing.reading)
    return listing.derived(name, lambda records: (*records, *unlisted_records(listing.instance)))


def _with_unlisted(reading: int) -> str:
    return f"with those no longer listed, {reading}"


def gaps(
    listing: Listing[BackupRecord], *, since: datetime | None = None, until: datetime | None = None
) -> list[Gap]:
    """Return when the list of an instance could not be read, oldest first."""
    failed = Reading.objects.filter(instance=listing.instance).exclude(problem="").order_by("pk")
    if since:
        failed = failed.filter(last_at__gte=since)
    if until:
        failed = failed.filter(first_at__lte=until)
    return [Gap(one.first_at, one.last_at, one.problem) for one in failed]
