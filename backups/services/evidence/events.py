"""The life of one backup: what DCS dates itself, what readings saw, and when none could be made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ...dcs.records import BackupRecord
from ...models import Instance
from ..listings import Listing
from .backups import Evidence, FieldChange, Interval, evidence_of
from .lists import Gap, gaps

MOST_GAPS = 12


@dataclass(frozen=True)
class Event:
    """One thing that happened to a backup; `kind` says what.

    "created", "started" and "ended" have a time `at` that DCS gives. "first_seen", "changed" (`fields`),
    "missing", "gone" and "back" were `seen` by a reading. "last_seen" is the time `at` of the last reading
    that held it. "gap" is a time in which the list could not be read. `record` is as it was from then on.
    """

    kind: str
    at: datetime | None = None
    seen: Interval | None = None
    record: BackupRecord | None = None
    fields: tuple[FieldChange, ...] = ()
    gap: Gap | None = None

    @property
    def time(self) -> datetime:
        moment = self.at or (self.seen.seen_at if self.seen else self.gap.start if self.gap else None)
        assert moment
        return moment


@dataclass(frozen=True)
class InstanceGone:
    """Since when an instance is gone, and why: "unlisted" by its project's list, "unknown" to DCS itself."""

    since: datetime
    why: str


@dataclass(frozen=True)
class Life:
    """One backup as it is known now: its `record` as it was read last, and what happened to it."""

    record: BackupRecord
    evidence: Evidence | None
    events: Sequence[Event] = ()
    instance_gone: InstanceGone | None = None

    @property
    def is_over(self) -> bool:
        return self.record.presence == "unlisted"


def life_of(listing: Listing[BackupRecord], backup_id: str) -> Life | None:
    """Return what is known of a backup, None where neither the list nor evidence has it."""
    evidence = evidence_of(listing, [backup_id]).get(backup_id)
    listed = next((record for record in listing.records if record.backup_id == backup_id), None)
    record = listed or (evidence.record if evidence else None)
    if record is None:
        return None
    row = Instance.objects.filter(pk=listing.instance).first()
    gone = InstanceGone(row.gone_since, row.gone_why) if row and row.gone_since else None
    if gone and gone.why == "unknown":
        # DCS deletes an instance together with its backups.
        record = msgspec.structs.replace(record, presence="unlisted")
    return Life(record, evidence, _events(listing, evidence) if evidence else (), gone)


def _events(listing: Listing[BackupRecord], evidence: Evidence) -> Sequence[Event]:
    """Return what happened to a backup, the oldest first."""
    since = evidence.first_seen.after or evidence.first_seen.seen_at
    until = evidence.gone.seen_at if evidence.gone else None
    could_not_ask = [Event("gap", gap=gap) for gap in gaps(listing, since=since, until=until)[-MOST_GAPS:]]
    happened = (*_dated_by_dcs(evidence), *_seen(evidence), *could_not_ask)
    return sorted(happened, key=lambda event: event.time)


def _dated_by_dcs(evidence: Evidence) -> Iterator[Event]:
    record = evidence.record
    states = [record, *(change.was for change in reversed(evidence.changes) if change.was)]
    # Of one that expired since, an earlier state tells when it ended.
    ended = next((state.finished_at for state in states if state.finished_at), None)
    for kind, at in (("created", record.created_at), ("started", record.execution_at), ("ended", ended)):
        if at:
            yield Event(kind, at=at)


def _seen(evidence: Evidence) -> Iterator[Event]:
    changes = evidence.changes
    yield Event("first_seen", seen=evidence.first_seen, record=changes[0].was if changes else evidence.record)
    for change in changes:
        if change.now is None:
            yield Event("gone", seen=change.seen)
        else:
            kind = "changed" if change.was else "back"
            yield Event(kind, seen=change.seen, record=change.now, fields=change.fields)
    yield Event("last_seen", at=evidence.last_seen)
    if left := evidence.gone or evidence.missing:
        yield Event("gone" if evidence.gone else "missing", seen=left)
