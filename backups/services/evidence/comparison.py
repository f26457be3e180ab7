"""What a link showed when it was made, beside what is true now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ...dcs.records import BackupRecord
from ..listings import Listing, row_id
from .backups import Evidence, RecordChange, evidence_of


@dataclass(frozen=True)
class Comparison:
    """The records that a link showed then, by what became of them.

    `changed` holds what each was then and its changes since; `newer` counts what the link would show now
    and did not then.
    """

    seen: datetime
    unchanged: tuple[BackupRecord, ...]
    changed: tuple[tuple[BackupRecord, Evidence, tuple[RecordChange, ...]], ...]
    gone: tuple[tuple[BackupRecord, Evidence], ...]
    newer: int

    @property
    def shown_then(self) -> int:
        return len(self.unchanged) + len(self.changed) + len(self.gone)

    @property
    def is_unchanged(self) -> bool:
        return not (self.changed or self.gone or self.newer)


def compared(
    listing: Listing[BackupRecord],
    *,
    seen: datetime,
    then: tuple[BackupRecord, ...],
    now: tuple[BackupRecord, ...],
) -> Comparison:
    """Compare what a link's query matched at `seen` with what it matches now. Raises django.db.Error."""
    ids = {row_id(record): record for record in then}
    known: Mapping[str, Evidence] = evidence_of(listing, ids) if ids else {}
    unchanged, changed, gone = [], [], []
    for one, record in ids.items():
        evidence = known.get(one)
        since = tuple(change for change in evidence.changes if change.seen.seen_at > seen) if evidence else ()
        if evidence and evidence.gone:
            gone.append((record, evidence))
        elif evidence and since:
            changed.append((record, evidence, since))
        else:
            unchanged.append(record)
    newer = sum(row_id(record) not in ids for record in now)
    return Comparison(seen, tuple(unchanged), tuple(changed), tuple(gone), newer)
