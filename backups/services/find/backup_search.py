"""A backup by its id alone: no call of DCS finds it, so the histories of all instances are searched.

Those at hand come first, however old. Then the others are read, a few at a time, for as long as
one view may wait; a search that is not over goes on in the next view, from where it stands.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from ...dcs.records import BackupRecord, Instance
from ..listings import CacheSnapshot, cached_histories, is_fresh, read_side_by_side, refusal
from ..projects import Project

READ_AT_ONCE = 8
LONGEST_VIEW = 3.0

Known = tuple[Project, Instance]


@dataclass(frozen=True)
class Search:
    """What came of it so far, over `total` histories.

    `left` counts those not searched yet, `unread` those that could not be read, or not fully: they
    may hold what was not found. `began` is when the search did, over all its views.
    """

    hits: tuple[tuple[Project, Instance, BackupRecord], ...]
    total: int
    left: int
    unread: int
    began: datetime

    @property
    def since(self) -> str:
        """What the link says that goes on with it."""
        return self.began.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def done(self) -> int:
        return self.total - self.left


def search_backups(
    backup_ids: Collection[str],
    known: Sequence[Known],
    *,
    now: datetime,
    began: datetime,
    viewer: str = "",
) -> Search:
    """Search for backups by their ids, in lower case. What was read since `began` is not read again."""
    ends = time.monotonic() + min(LONGEST_VIEW, settings.DCS_READ_BUDGET)
    snapshots = _snapshots(known)
    hits = _hits(backup_ids, snapshots)
    left = [] if hits else [pair for pair in known if not _is_over(snapshots[pair], began, now)]
    unread = sum(not _is_whole(snapshots[pair]) for pair in known if pair not in left) if not hits else 0
    while left and not hits and time.monotonic() < ends:
        few, rest = left[:READ_AT_ONCE], left[READ_AT_ONCE:]
        waited = read_side_by_side(_snapshots(few).values(), now=now, ends=ends, viewer=viewer)
        snapshots = _snapshots(few)
        hits = _hits(backup_ids, snapshots)
        slow = [pair for pair in few if not _is_over(snapshots[pair], began, now)]
        unread += sum(not _is_whole(snapshots[pair]) for pair in few if pair not in slow)
        left = rest + slow
        if not waited or len(slow) == len(left):
            break
    return Search(hits, len(known), len(left), unread, began)


def _snapshots(known: Sequence[Known]) -> dict[Known, CacheSnapshot]:
    found = cached_histories((project, instance.instance_id) for project, instance in known)
    return dict(zip(known, found, strict=True))


def _hits(
    backup_ids: Collection[str], snapshots: dict[Known, CacheSnapshot]
) -> tuple[tuple[Project, Instance, BackupRecord], ...]:
    return tuple(
        (project, instance, record)
        for (project, instance), snapshot in snapshots.items()
        for record in (snapshot.cached.decoded.records if snapshot.cached else ())
        if record.backup_id.lower() in backup_ids
    )


def _is_over(snapshot: CacheSnapshot, began: datetime, now: datetime) -> bool:
    """Tell whether a history was read, or could not be, since the search began or just before it."""
    cached, problem = snapshot.cached, snapshot.failure
    if cached and (cached.generation.read_at >= began or is_fresh(cached.generation, began)):
        return True
    failed_since = problem is not None and problem.asked_at is not None and problem.asked_at >= began
    return failed_since or refusal(snapshot, now, trial=False) is not None


def _is_whole(snapshot: CacheSnapshot) -> bool:
    return bool(snapshot.cached and snapshot.cached.generation.complete and not snapshot.failure)
