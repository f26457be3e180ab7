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
from ..listings import Look, Subject, guard, is_fresh, look_at, readings, waiting_room
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


def search(
    backup_ids: Collection[str],
    known: Sequence[Known],
    *,
    now: datetime,
    began: datetime,
    viewer: str = "",
) -> Search:
    """Search for backups by their ids, in lower case. What was read since `began` is not read again."""
    ends = time.monotonic() + min(LONGEST_VIEW, settings.DCS_READ_BUDGET)
    looks = dict(zip(known, _looks(known), strict=True))
    hits = _hits(backup_ids, looks)
    left = [] if hits else [pair for pair in known if not _is_over(looks[pair], began, now)]
    unread = sum(not _is_whole(looks[pair]) for pair in known if pair not in left) if not hits else 0
    while left and not hits and time.monotonic() < ends:
        few, rest = left[:READ_AT_ONCE], left[READ_AT_ONCE:]
        waited = _read(few, now, ends, viewer)
        looks = dict(zip(few, _looks(few), strict=True))
        hits = _hits(backup_ids, looks)
        slow = [pair for pair in few if not _is_over(looks[pair], began, now)]
        unread += sum(not _is_whole(looks[pair]) for pair in few if pair not in slow)
        left = rest + slow
        if not waited or len(slow) == len(left):
            break
    return Search(hits, len(known), len(left), unread, began)


def _looks(known: Sequence[Known]) -> list[Look]:
    return look_at(*(Subject("backups", project, instance.instance_id) for project, instance in known))


def _hits(
    backup_ids: Collection[str], looks: dict[Known, Look]
) -> tuple[tuple[Project, Instance, BackupRecord], ...]:
    return tuple(
        (project, instance, record)
        for (project, instance), look in looks.items()
        for record in (look.known[1].records if look.known else ())
        if record.backup_id.lower() in backup_ids
    )


def _read(few: Sequence[Known], now: datetime, ends: float, viewer: str) -> bool:
    """Read some histories side by side; tell whether there was a place to read and wait for them."""
    looks = [look for look in _looks(few) if guard.refusal(look.subject.call, look.notes, now) is None]
    begun = [readings.begin(look, now=now, viewer=viewer) for look in looks]
    for reading in begun:
        waiting_room.wait(reading, ends - time.monotonic(), viewer=viewer)
    if begun and all(reading.has_no_place for reading in begun):
        return False
    return all(reading.done.is_set() for reading in begun) or time.monotonic() >= ends


def _is_over(look: Look, began: datetime, now: datetime) -> bool:
    """Tell whether a history was read, or could not be, since the search began or just before it."""
    known, problem = look.known, look.notes.failure
    if known and (known[0].read_at >= began or is_fresh(known[0], began)):
        return True
    failed_since = problem is not None and problem.asked_at is not None and problem.asked_at >= began
    return failed_since or guard.refusal(look.subject.call, look.notes, now, trial=False) is not None


def _is_whole(look: Look) -> bool:
    if look.known is None or look.notes.failure:
        return False
    generation = look.known[0]
    return not (generation.moved or generation.truncated or generation.cut_short)
