"""What stands out in a history whatever the time is: reckoned once per generation, for the hints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from .sizes import Size
from .timeline import KINDS, Timeline

# Of fewer nobody can say what is usual.
LEAST_FOR_USUAL = 5
TIMES_USUAL = 5
# Five times of a few seconds is no matter.
LEAST_SLOW = timedelta(minutes=1)
MOST_RUNNING = 5


@dataclass(frozen=True)
class Fall:
    """Two backups of the same format, one after the other: the later has less than half of the size."""

    before: Size
    after: Size


@dataclass(frozen=True)
class Slow:
    """One backup that took over five times as long as is usual for its type."""

    record: BackupRecord
    took: timedelta
    usual: timedelta


@dataclass(frozen=True)
class Oddities:
    """The newest of each kind. `usual` is the median duration by type, where enough of them are known."""

    fall: Fall | None
    slow: Slow | None
    running: tuple[BackupRecord, ...]
    usual: Mapping[str, timedelta]
    contradictions: int


def oddities(records: Timeline, sizes: tuple[Size, ...], of_all: Iterable[BackupRecord]) -> Oddities:
    usual = usual_durations(records.records)
    running = records.span().count("running")
    return Oddities(
        fall=newest_fall(sizes),
        slow=_newest_slow(records, usual),
        running=tuple(_newest_running(records, min(running, MOST_RUNNING))),
        usual=usual,
        contradictions=sum(_contradicts(record) for record in of_all),
    )


def usual_durations(records: Iterable[BackupRecord]) -> dict[str, timedelta]:
    """Return the median duration of the backups that succeeded, by type."""
    by_type: dict[str, list[float]] = {}
    for record in records:
        if record.status == "succeed" and (took := record.duration) is not None:
            by_type.setdefault(record.type, []).append(took.total_seconds())
    known = ((name, seconds) for name, seconds in by_type.items() if len(seconds) >= LEAST_FOR_USUAL)
    return {name: timedelta(seconds=median(seconds)) for name, seconds in known}


def is_slow(took: timedelta, usual: timedelta | None) -> bool:
    return usual is not None and took > TIMES_USUAL * usual and took >= LEAST_SLOW


def newest_fall(sizes: tuple[Size, ...]) -> Fall | None:
    later: dict[str, Size] = {}
    for size in reversed(sizes):
        after = later.get(size.record.format)
        if after is not None and after.size * 2 < size.size:
            return Fall(size, after)
        later[size.record.format] = size
    return None


def _newest_slow(records: Timeline, usual: Mapping[str, timedelta]) -> Slow | None:
    for record in reversed(records.records):
        took = record.duration
        if took is not None and is_slow(took, usual.get(record.type)):
            return Slow(record, took, usual[record.type])
    return None


def _newest_running(records: Timeline, most: int) -> Iterable[BackupRecord]:
    place = len(records.records)
    for _ in range(most):
        place = records.letters.rfind(KINDS["running"], 0, place)
        yield records.records[place]


def _contradicts(record: BackupRecord) -> bool:
    return bool(record.restorable) and eligibility(record).contradiction
