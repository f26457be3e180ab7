"""The head of a history: figures, days, hints and outlooks of one listing at one time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property

from ...dcs.records import BackupRecord, Instance
from ..listings import Listing
from . import days as day_strip
from . import figures as head
from . import hints as oddness
from .days import Day
from .figures import Figures
from .hints import Hint, Oddities, oddities
from .outlook import Outlook, outlook
from .policy import Plan, plan_of
from .sizes import Size, sizes
from .timeline import KnownHistory, Timeline, timeline


@dataclass(frozen=True)
class Essentials:
    """What is found once per generation, by walking all its records."""

    timeline: Timeline
    sizes: tuple[Size, ...]
    odd: Oddities


def essentials(records: tuple[BackupRecord, ...]) -> Essentials:
    ordered = timeline(records)
    sized = sizes(ordered)
    return Essentials(ordered, sized, oddities(ordered, sized, records))


@dataclass(frozen=True)
class Overview:
    """Each part is found when it is asked for."""

    essentials: Essentials
    known: KnownHistory
    listing: Listing[BackupRecord]
    now: datetime
    zone: tzinfo

    @property
    def plan(self) -> Plan:
        return self.known.plan

    @cached_property
    def figures(self) -> Figures:
        return head.figures(self.essentials.timeline, self.essentials.sizes, now=self.now)

    @cached_property
    def days(self) -> tuple[Day, ...]:
        return day_strip.last_days(self.known, now=self.now, zone=self.zone)

    @property
    def day_counts(self) -> list[tuple[str, int]]:
        """Each state that a day has, with the number of its days."""
        counts = Counter(day.state for day in self.days)
        return [(state, counts[state]) for state in day_strip.STATES if counts[state]]

    @cached_property
    def hints(self) -> tuple[Hint, ...]:
        return oddness.hints(self.known, self.essentials.odd, now=self.now)

    def outlook(self, record: BackupRecord) -> Outlook | None:
        return outlook(record, self.known, now=self.now)


def overview(
    listing: Listing[BackupRecord], instance: Instance | None, *, now: datetime, zone: tzinfo = UTC
) -> Overview:
    """Return what is known of a history; `zone` decides where a day begins.

    Of a history that is read by window it is that of its newest part, whatever window is shown.
    """
    listing = listing.newest_part or listing
    made = listing.derived("essentials", essentials)
    known = KnownHistory(
        made.timeline,
        plan_of(instance),
        read_at=listing.read_at,
        whole=listing.complete,
        created_at=instance.created_at if instance else None,
    )
    return Overview(made, known, listing, now, zone)
