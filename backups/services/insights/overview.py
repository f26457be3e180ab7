"""A history as its page shows it at one time: figures, days, hints and outlooks, and its rows in words.

What follows from a backup's codes is said once for all rows that share them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import pgettext

from ...dcs.records import BackupRecord, Instance
from .. import words
from ..eligibility import Eligibility, eligibility
from ..history import DEFAULT_SORT, BackupFilter, all_records_of
from ..listings import Listing, row_id
from ..projects import Project
from ..words import Clock, Moment, cached_per_language
from .days import Day, last_days
from .facts import Facts, facts_of
from .figures import Figures, figures
from .hints import Hint, hints
from .policy import KnownHistory, Outlook, outlook, outlook_text, plan_of
from .timeline import Attempts, timeline
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
        """The backups that the list no longer holds."""
        if not self.listing.unlisted:
            return ()
        gone = (record for record in all_records_of(self.listing) if record.presence == "unlisted")
        return self.listing.derived(
            f"no longer listed, {self.listing.reading}", lambda _: timeline(gone).attempts
        )

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
        hints = [(hint.kind, words.times.span(hint.span)) for hint in self.hints]  # as a page says them
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


# Rows -------------------------------------------------------------------------


class RowWords(NamedTuple):
    """What a backup's codes, its duration and its size are called; "" for what it has not."""

    status: str
    type: str
    format: str
    error: str
    took: str
    size: str
    exact_size: str


class Row(NamedTuple):
    """`reasons` do not follow from the status; `kept` says how long the file is likely to be kept.

    `unread` is a time that cannot be read.
    `gone` is when one that is no longer listed was last seen, and since when one that is missing is so.
    """

    record: BackupRecord
    eligibility: Eligibility
    said: RowWords
    reasons: str
    kept: str
    started: Moment | None
    unread: str
    gone: Moment | None


class Run(NamedTuple):
    """Rows that follow each other; `said` is what one line says in their place, "" where they stand open."""

    rows: Sequence[Row]
    said: str = ""


# Fewer gain nothing by a line in their place.
LEAST_TO_FOLD = 3
_GONE = ("expired", "deleted")


def runs_of(rows: Iterable[Row], wanted: BackupFilter, clock: Clock) -> list[Run]:
    """Return the rows in runs: backups whose file has gone fold, unless a filter looks for them.

    Only by time they follow each other; a page of nothing else stands open.
    """
    looked_for = wanted.words or not set(_GONE).isdisjoint(wanted.chosen.get("status", ()))
    if wanted.sort != DEFAULT_SORT or looked_for:
        return [Run(list(rows))]
    runs = [(gone, list(run)) for gone, run in groupby(rows, _has_gone)]
    return [
        Run(run, _run_words(run, clock) if gone and len(run) >= LEAST_TO_FOLD and len(runs) > 1 else "")
        for gone, run in runs
    ]


def _has_gone(row: Row) -> bool:
    return row.record.presence == "listed" and row.record.status in _GONE


def _run_words(run: Sequence[Row], clock: Clock) -> str:
    """Return "17 expired, 2 deleted, 3 to 21 Nov"."""
    counts = Counter(row.record.status for row in run)
    parts = [words.kinds_in_words((status, counts[status]) for status in _GONE)]
    if times := [row.record.started_at for row in run if row.record.started_at]:
        parts.append(clock.days(min(times), max(times)))
    return pgettext("between parts", ", ").join(parts)


def rows_of(
    records: Iterable[BackupRecord], overview: Overview, clock: Clock, last_seen: Mapping[str, datetime]
) -> Iterator[Row]:
    for record in records:
        started, found, gone = record.started_at, eligibility(record), None
        own_reasons = found.own_reasons
        if record.presence != "listed":
            missing = record.presence == "missing"
            gone = overview.listing.missing_since if missing else last_seen.get(row_id(record))
        codes = record.status, record.type, record.format, record.error_code
        yield Row(
            record,
            found,
            _row_words(*codes, record.duration, record.size_bytes),
            words.listed_reasons(own_reasons) if own_reasons and not gone else "",
            outlook_text(outlook(record, overview.known), clock),
            clock.time(started) if started else None,
            "" if started else words.raw_of(record, "execution_at") or words.raw_of(record, "created_at"),
            clock.time(gone) if gone else None,
        )


@cached_per_language
def _row_words(
    status: str, of_type: str, of_format: str, error: str, took: timedelta | None, size: int | None
) -> RowWords:
    return RowWords(
        words.status_word(status),
        words.type_word(of_type),
        words.format_word(of_format),
        words.error_meaning(error),
        words.duration(took),
        "" if size is None else words.size_text(size),
        "" if size is None else words.exact_bytes(size),
    )
