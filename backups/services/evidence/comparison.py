"""What a link showed when it was made, beside what is true now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import STATUSES, BackupRecord
from ...models import Change
from ..listings import Listing, row_id, watched_since
from .backups import FIELDS, Evidence, Interval, RecordChange, evidence_of
from .lists import NotWatched

# What became of a record, beside a new status: in the order in which it is said.
OUTCOMES = (*STATUSES, "not_restorable", "changed", "missing", "gone")
# Of as many records a page says when what became of them was seen.
MOST_NAMED = 10


@dataclass(frozen=True)
class BackupSince:
    """A backup as it was when a link was made, and what has been seen of it since.

    `then` is None where the list did not hold it. `gone` is when it left the list, where it has; `missing`
    the same, while no later reading has confirmed that.
    """

    then: BackupRecord | None
    changes: tuple[RecordChange, ...] = ()
    gone: Interval | None = None
    missing: Interval | None = None

    @property
    def is_unchanged(self) -> bool:
        return not (self.changes or self.gone or self.missing)


@dataclass(frozen=True)
class BackupsSince:
    """Some backups, each with what has been seen of it since a link was made."""

    each: tuple[tuple[BackupRecord, BackupSince], ...]

    @property
    def is_unchanged(self) -> bool:
        return all(since.is_unchanged for _, since in self.each)


@dataclass(frozen=True)
class ListSince:
    """What became of the records that a link showed when it was made.

    `became` counts those that are not as they were, by one of OUTCOMES or a new status. `only_then` are
    those that the link shows no longer, `named` the first of them, each with what became of it. `more`
    counts what it shows now and did not then.
    """

    shown_then: int
    became: Mapping[str, int]
    only_then: Sequence[BackupRecord]
    named: Sequence[tuple[BackupRecord, BackupSince | None]]
    more: int

    @property
    def unchanged(self) -> int:
        return self.shown_then - sum(self.became.values())

    @property
    def is_unchanged(self) -> bool:
        return not (self.became or self.only_then or self.more)


def backup_since(listing: Listing[BackupRecord], evidence: Evidence, seen: datetime) -> BackupSince:
    """Return what became of a backup of a list since a time. Raises NotWatched."""
    since = watched_since(listing.instance) or listing.watched_since
    if since is None or since > seen:
        raise NotWatched(seen, since=since)
    return _since(evidence, seen)


def _since(evidence: Evidence, seen: datetime) -> BackupSince:
    def later(interval: Interval | None) -> Interval | None:
        return interval if interval and interval.seen_at > seen else None

    changes = tuple(change for change in evidence.changes if later(change.seen))
    gone = later(evidence.gone)
    then = changes[0].was if changes else evidence.record
    if later(evidence.first_seen) or (evidence.gone and not gone and not changes):
        then = None
    return BackupSince(then, changes, gone, later(evidence.missing))


def list_since(
    listing: Listing[BackupRecord],
    then: Listing[BackupRecord],
    *,
    seen: datetime,
    matched_then: Sequence[BackupRecord],
    matched_now: Collection[BackupRecord],
    now: Iterable[BackupRecord],
) -> ListSince:
    """Compare what a link's query matched in the list of `then` with what it matches of what is known now."""
    current = {row_id(record): record for record in now}
    changed: set[str] = set()
    if then.reading != listing.reading:
        changes = Change.objects.filter(backup__instance=then.instance, reading__gt=then.reading)
        changed.update(changes.values_list("backup__backup_id", flat=True))
    became = Counter(_became(record, current, changed) for record in matched_then)
    del became[""]
    shown_then, shown_now = set(map(row_id, matched_then)), set(map(row_id, matched_now))
    only_then = [record for record in matched_then if row_id(record) not in shown_now]
    first = {row_id(record): record for record in only_then[:MOST_NAMED]}
    evidence = evidence_of(listing, first) if first else {}
    since = {one: _since(known, seen) for one, known in evidence.items()}
    return ListSince(
        shown_then=len(matched_then),
        became={one: became[one] for one in sorted(became, key=_place)},
        only_then=only_then,
        named=[(record, since.get(one)) for one, record in first.items()],
        more=len(shown_now - shown_then),
    )


def _became(then: BackupRecord, current: Mapping[str, BackupRecord], changed: Collection[str]) -> str:
    """Return one of OUTCOMES or a new status; "" for a record that is as it was, and always has been."""
    now = current.get(row_id(then))
    if now is None or now.presence == "unlisted":
        return "gone" if then.presence != "unlisted" else ""
    if now.presence != then.presence:
        return "missing" if now.presence == "missing" else "changed"
    if now.status != then.status:
        return now.status or "changed"
    if then.restorable and not now.restorable:
        return "not_restorable"
    differs = any(getattr(then, one) != getattr(now, one) for one in FIELDS)
    return "changed" if differs or row_id(then) in changed else ""


def _place(outcome: str) -> tuple[int, str]:
    return (OUTCOMES.index(outcome), "") if outcome in OUTCOMES else (len(STATUSES), outcome)
