"""The head of a history: figures, days, hints and outlooks of one listing at one time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property

from django.conf import settings

from ...dcs.records import BackupRecord, Instance
from ..history import all_records_of
from ..listings import Listing
from ..projects import Project
from ..words import times
from .days import Day, last_days
from .facts import Facts, facts_of
from .figures import Figures, figures
from .hints import Hint, hints
from .outlook import Outlook, outlook
from .policy import plan_of
from .timeline import Attempts, KnownHistory, timeline, unlisted_attempts
from .verdict import Verdict, objective_of, verdict_of


@dataclass(frozen=True)
class Overview:
    """Each part is found when it is asked for."""

    known: KnownHistory
    listing: Listing[BackupRecord]
    zone: tzinfo
    instance: Instance | None = None
    project: Project | None = None

    @cached_property
    def figures(self) -> Figures:
        return figures(self.known)

    @cached_property
    def days(self) -> tuple[Day, ...]:
        return last_days(self.known, self.zone, self._unlisted)

    @cached_property
    def _unlisted(self) -> Attempts:
        listing = self.listing
        if not listing.unlisted:
            return ()
        name = f"attempts no longer listed, {listing.reading}"
        return listing.derived(name, lambda _: unlisted_attempts(all_records_of(listing)))

    @cached_property
    def hints(self) -> tuple[Hint, ...]:
        return hints(self.known, self.verdict)

    @cached_property
    def facts(self) -> Facts:
        problem = self.listing.problem
        return facts_of(
            self.known,
            self.instance,
            confirmed=not self.listing.missing_since,
            unsupported=problem is not None and problem.kind == "unsupported",
            tag_key=settings.DCS_RPO_TAG,
        )

    @cached_property
    def verdict(self) -> Verdict:
        return verdict_of(self.facts, objective_of(self.facts, self.project), now=self.known.now)

    @property
    def by_the_clock(self) -> object:
        """What changes as time passes although nothing is read, beside ages."""
        hints = [(hint.kind, times.span(hint.span)) for hint in self.hints]  # as a page says them
        return self.verdict.reasons, hints, [(day.date, day.state) for day in self.days]

    def outlook(self, record: BackupRecord) -> Outlook | None:
        return outlook(record, self.known)


def overview(
    listing: Listing[BackupRecord],
    instance: Instance | None,
    *,
    now: datetime,
    zone: tzinfo = UTC,
    project: Project | None = None,
) -> Overview:
    """Return what is known of a history; `zone` decides where a day begins, `project` may have an objective.

    Of a history that is read by window it is that of its newest part, whatever window is shown.
    """
    listing = listing.newest_part or listing
    known = KnownHistory(
        listing.derived("timeline", timeline),
        plan_of(instance),
        now=now,
        read_at=listing.read_at,
        whole=listing.complete and not listing.missing_since,
        created_at=instance.created_at if instance else None,
    )
    return Overview(known, listing, zone, instance, project)
