"""Links for tickets: they show the same backups next week.

A relative range moves with the clock, and a history without an end gains a row with every new
backup. A frozen link has absolute bounds, and ends when the list that it was copied from was read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from urllib.parse import quote

from django.http import QueryDict

from ..listings import Window
from .links import absolute, utc_text
from .query import BackupFilter, History

# DCS's clock may be ahead of ours by as much: its gateway refuses calls whose clock is off by more.
CLOCKS_DIFFER = timedelta(minutes=15)


@dataclass(frozen=True)
class FrozenLink:
    """`start` is inclusive, `end` exclusive; None is no bound. `asks_for_time`: its page does."""

    url: str
    start: datetime | None
    end: datetime | None
    asks_for_time: bool

    @cached_property
    def bounds(self) -> str:
        """Which bounds it has: "both", "from", "to", or none."""
        return "both" if self.start and self.end else "from" if self.start else "to" if self.end else ""

    @cached_property
    def start_text(self) -> str:
        return _utc(self.start)

    @cached_property
    def end_text(self) -> str:
        return _utc(self.end)

    @property
    def window(self) -> Window:
        """The times that are asked for: the end that only keeps newer backups out is none of them."""
        return (self.start, self.end) if self.asks_for_time else (None, None)


def _utc(bound: datetime | None) -> str:
    return f"{bound.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if bound else ""


def frozen_link(
    path: str, query: QueryDict, history: History, *, now: datetime, read_at: datetime
) -> FrozenLink:
    """Return the link that shows the same rows next week: bounds in UTC, everything else as it is."""
    start, end = _frozen_bounds(history, now, read_at)
    values = dict(query.lists())
    for name, bound in (("from", start), ("to", end)):
        if bound:
            values[name] = [str(utc_text(bound))]
    # A form without JavaScript also sends its empty fields.
    for name in ("range", *(name for name in ("from", "to", "q") if not values.get(name, [""])[-1])):
        values.pop(name, None)
    pairs = [f"{quote(name, safe=':')}={quote(value, safe=':')}" for name in values for value in values[name]]
    url = absolute(f"{path}?{'&'.join(pairs)}" if pairs else path)
    return FrozenLink(url, start, end, asks_for_time=history.filter.bounds(now) != (None, None))


def frozen_filter(history: History, *, now: datetime, read_at: datetime) -> BackupFilter:
    """Return the filter of a history with absolute bounds, so that it matches the same records later.

    No end is set where it would leave a match out: one that starts in the future, or whose time
    cannot be read.
    """
    start, end = _frozen_bounds(history, now, read_at)
    return replace(history.filter, range="", start=start, end=end)


def _frozen_bounds(history: History, now: datetime, read_at: datetime) -> Window:
    start, end = history.filter.bounds(now)
    closed = _end_of(history, read_at)
    if end is None or end > closed:
        end = closed if _lets_all_pass(closed, history) else end
    return start, end


def _end_of(history: History, read_at: datetime) -> datetime:
    """Return the second after the list was read, or after its newest backup where DCS's clock is ahead."""
    newest = history.newest_start
    if newest and read_at < newest <= read_at + CLOCKS_DIFFER:
        read_at = newest
    return read_at.replace(microsecond=0) + timedelta(seconds=1)


def _lets_all_pass(end: datetime, history: History) -> bool:
    newest = history.newest_start
    return not history.matches_timeless and (newest is None or newest < end)
