"""A backup by its id alone, at DCS: no call finds it, so the histories of all instances are read.

A viewer asks for that, since it takes a while: a few histories at a time, for as long as one view may wait.
A search that is not over goes on in the next view, from where it stands. A viewer has one at a time.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.conf import settings

from ...dcs.records import Instance
from ..evidence import KnownBackup, backups_by_id
from ..listings import (
    CacheSnapshot,
    Generation,
    cached_histories,
    claim,
    is_fresh,
    read_side_by_side,
    refusal,
    release_claim,
)
from ..projects import Project

READ_AT_ONCE = 8
LONGEST_VIEW = 3.0
# How long a search that its viewer has left keeps another one of theirs waiting.
UNDER_WAY_SECONDS = 20.0

Known = tuple[Project, Instance]
# left: not read yet. unread: it could not be read, or not fully.
State = Literal["left", "read", "unread"]


@dataclass(frozen=True)
class Search:
    """What came of it so far, over `total` histories.

    `left` counts those not read yet, `unread` those that could not be read, or not fully: they
    may hold what was not found. `began` is when the search did, over all its views.
    """

    hits: tuple[KnownBackup, ...]
    total: int
    left: int
    unread: int
    began: datetime

    @property
    def since(self) -> str:
        """What the form says that goes on with it."""
        return self.began.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def done(self) -> int:
        return self.total - self.left

    @property
    def goes_on(self) -> bool:
        return bool(self.left and not self.hits)


def search_dcs(
    backup_ids: Sequence[str], known: Sequence[Known], *, now: datetime, began: datetime, viewer: str
) -> Search | None:
    """Search for backups by their ids in the histories of the known instances; None while another search
    of this viewer is under way. What was read since `began` is not read again.
    """
    key, text = f"search:{viewer}", " ".join(sorted(backup_ids))
    if not claim(key, text, seconds=UNDER_WAY_SECONDS):
        return None
    search = _searched(backup_ids, known, now=now, began=began, viewer=viewer)
    if not search.goes_on:
        release_claim(key, text)
    return search


def _searched(
    backup_ids: Collection[str], known: Sequence[Known], *, now: datetime, began: datetime, viewer: str
) -> Search:
    ends = time.monotonic() + min(LONGEST_VIEW, settings.DCS_READ_BUDGET)
    states = [_state(one, one.generation, now, began) for one in _snapshots(known)]
    left = [pair for pair, state in zip(known, states, strict=True) if state == "left"]
    unread = states.count("unread")
    # After the states, so that what they say to be read is searched.
    hits = backups_by_id(backup_ids, list(dict.fromkeys(project for project, _ in known)))
    while left and not hits and time.monotonic() < ends:
        few, rest = left[:READ_AT_ONCE], left[READ_AT_ONCE:]
        wanted = [one for one in _snapshots(few) if _state(one, one.generation, now, began) == "left"]
        waited = read_side_by_side(wanted, now=now, ends=ends, viewer=viewer)
        snapshots = _snapshots(few)
        # What has just been read may not be written yet.
        hits = tuple(_hits(backup_ids, few, snapshots))
        generations = [one.cached.generation if one.cached else None for one in snapshots]
        states = [_state(*pair, now, began) for pair in zip(snapshots, generations, strict=True)]
        slow = [pair for pair, state in zip(few, states, strict=True) if state == "left"]
        unread += states.count("unread")
        left = rest + slow
        if not waited or len(slow) == len(left):
            break
    return Search(hits, len(known), len(left), unread, began)


def _snapshots(pairs: Sequence[Known]) -> list[CacheSnapshot]:
    return cached_histories((project, instance.instance_id) for project, instance in pairs)


def _hits(
    backup_ids: Collection[str], few: Sequence[Known], snapshots: Sequence[CacheSnapshot]
) -> Iterator[KnownBackup]:
    for (project, instance), snapshot in zip(few, snapshots, strict=True):
        for record in snapshot.cached.decoded.records if snapshot.cached else ():
            if record.backup_id in backup_ids:
                yield project, instance, record


def _state(snapshot: CacheSnapshot, generation: Generation | None, now: datetime, began: datetime) -> State:
    """Tell whether a history was read since the search began or just before it, or could not be."""
    problem = snapshot.failure
    if generation and (generation.read_at >= began or is_fresh(generation, began)):
        return "read" if generation.complete and not problem else "unread"
    has_failed = problem is not None and problem.asked_at is not None and problem.asked_at >= began
    return "unread" if has_failed or refusal(snapshot, now, trial=False) else "left"
