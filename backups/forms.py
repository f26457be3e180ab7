"""The query string of a page -> a frozen filter, or a sentence for each value that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from . import query_fields as fields
from .services import board
from .services.history import DEFAULT_PER_PAGE, DEFAULT_SORT, FILTERS, RANGES, SORTS, BackupFilter
from .services.pasted import MARKS, AskedTime, Kind, UnreadableTime, asked_time, cloud_id, iso_bound
from .services.projects import CLOUD_ID, Project
from .services.tickets import MARKUPS
from .services.words import Words

LONGEST_SHOWN = 80


@dataclass(frozen=True)
class QueryProblem:
    """One parameter that cannot be read, and why; `guesses` are the times that it may mean."""

    parameter: str
    value: str
    sentence: Words
    guesses: tuple[datetime, ...] = ()


def problems_in_english(problems: Iterable[QueryProblem]) -> str:
    """Return in one line what a program is told of its query, whatever language its viewer reads."""
    with override("en"):
        return "; ".join(f"{one.parameter}={one.value}: {one.sentence}" for one in problems)


# What a program is told of its link: it must be mended where it is made.
DAMAGED = _("this part of the link is damaged")


class QueryForm(forms.Form):
    """A form that reads a query string; parameters that it does not know are no business of its."""

    @property
    def problems(self) -> list[QueryProblem]:
        found = []
        for parameter, errors in self.errors.as_data().items():
            for error in errors:
                params = error.params or {}
                value = str(params.get("value", ""))
                shown = value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "…"
                found.append(QueryProblem(parameter, shown, error.message, params.get("guesses", ())))
        return found

    def refuse(self, name: str, value: str, sentence: Words, guesses: tuple[datetime, ...] = ()) -> None:
        self.add_error(name, fields.unreadable(value, sentence, guesses))


class LinkForm(QueryForm):
    """The query of a page whose links say when they were made.

    A link that a mail program cut there opens all the same: `unread_seen` is what stood there.
    """

    seen = fields.Single(fields.instant)
    unread_seen: QueryProblem | None = None
    _may_be_cut: tuple[str, ...] = ("seen",)

    def clean(self) -> None:
        for problem in self.problems:
            if problem.parameter in self._may_be_cut:
                self.unread_seen = problem
                del self.errors[problem.parameter]
        super().clean()

    @property
    def seen_at(self) -> datetime | None:
        """When the link was made, if it says so; only for a valid form."""
        moment: datetime | None = self.cleaned_data.get("seen")
        return moment


class ListForm(QueryForm):
    """The query of any list that is shown page by page."""

    q = fields.Single(fields.search_words)
    page = fields.Single(fields.page_number)
    per_page = fields.per_page(DEFAULT_PER_PAGE)
    tz = fields.zone()
    as_of = fields.Single(fields.instant)

    def _asked(self, filters: Iterable[Any]) -> dict[str, Any]:
        """Return what every list is asked for, as its filter takes it."""
        cleaned = self.cleaned_data
        return {
            "chosen": {one.name: cleaned[one.name] for one in filters if cleaned[one.name]},
            "words": cleaned["q"],
            "per_page": int(cleaned["per_page"]),
            **{name: cleaned[name] for name in ("sort", "page", "tz", "as_of")},
        }


class HistoryForm(LinkForm, ListForm):
    """The query of a history: its filters, its order, its time, and the zone that its times are read in."""

    range = fields.code(RANGES)
    sort = fields.sort(SORTS, DEFAULT_SORT)

    def clean(self) -> None:
        """Read from and to, which need the zone."""
        super().clean()
        cleaned = self.cleaned_data
        if cleaned.get("as_of") and self.seen_at:
            self.refuse("as_of", self.data["as_of"], _("it cannot be combined with seen"))
        zone = ZoneInfo(cleaned.get("tz") or "UTC")
        # A plain date in `to` includes that day.
        for name, days_after in (("from", 0), ("to", 1)):
            text = cleaned.get(name)
            cleaned[name] = iso_bound(text, zone, days_after=days_after) if text else None
            if text and cleaned[name] is None:
                self.refuse(name, text, *_why_no_time(text, zone))
            elif text and cleaned.get("range"):
                self.refuse(name, text, _("it cannot be combined with range"))

    def filter(self) -> BackupFilter:
        """Return what the query asks for; only for a valid form."""
        start, end, period = (self.cleaned_data[name] for name in ("from", "to", "range"))
        return BackupFilter(**self._asked(FILTERS), start=start, end=end, range=period, seen=self.seen_at)


# Names that no class body could give a field.
HistoryForm.base_fields = (
    fields.of_filters(FILTERS) | HistoryForm.base_fields | {"from": fields.Single(), "to": fields.Single()}
)


class BoardForm(ListForm):
    """The query of a board: its filters, its order, another objective, or the time that it is shown as of."""

    per_page = fields.per_page(board.DEFAULT_PER_PAGE)
    sort = fields.sort(board.SORTS, board.WORST_FIRST)
    rpo = fields.Single(fields.span)

    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("rpo") and self.cleaned_data.get("as_of"):
            self.refuse("as_of", self.data["as_of"], _("it cannot be combined with rpo"))

    def filter(self) -> board.BoardFilter:
        """Return what the query asks for; only for a valid form."""
        return board.BoardFilter(**self._asked(board.FILTERS), rpo=self.cleaned_data["rpo"])


# DCS writes the statuses of instances in capitals.
BoardForm.base_fields = fields.of_filters(board.FILTERS, status=str.upper) | BoardForm.base_fields


class ReportForm(QueryForm):
    """The query of what failed, or changed, in a time that ends now, or `as_of` then."""

    range = fields.code(RANGES, "24h")
    project = BoardForm.base_fields["project"]
    error = HistoryForm.base_fields["error"]
    instance = fields.Single()
    tz = fields.zone()
    as_of = fields.Single(fields.instant)

    def filter(self, projects: Iterable[Project]) -> board.ReportFilter:
        """Return what the query asks for, of projects that the viewer may see; only for a valid form."""
        cleaned = self.cleaned_data
        return board.ReportFilter(
            projects=[one for one in projects if one.name in cleaned["project"] or not cleaned["project"]],
            errors=cleaned["error"],
            instance=cleaned["instance"].casefold(),
            **{name: cleaned[name] for name in ("range", "tz", "as_of")},
        )


class FailuresForm(ReportForm):
    range = fields.code(RANGES, "30d")


class BackupForm(LinkForm):
    """The query of one backup's page.

    It tells of now alone: where a link asks for a time, it tells what has changed since.
    """

    as_of = fields.Single(fields.instant)
    _may_be_cut = ("seen", "as_of")

    @property
    def seen_at(self) -> datetime | None:
        return super().seen_at or self.cleaned_data.get("as_of")


class CompareForm(BackupForm):
    """The query of two backups side by side."""

    backup = fields.Repeatable(
        pattern=CLOUD_ID.pattern, must=_("it must be the id of a backup"), normal=cloud_id
    )

    def clean(self) -> None:
        super().clean()
        ids = self.cleaned_data.get("backup")
        if ids is not None and len(ids) != 2:
            self.refuse("backup", ", ".join(ids), _("it must name two backups"))


class RecoveryForm(BackupForm):
    """The query of a recovery point: a time, and the zone that it is read in where it names none."""

    at = fields.Single()
    tz = fields.zone()

    def __init__(self, query: QueryDict, *, now: datetime) -> None:
        super().__init__(query)
        self.now = now

    def clean(self) -> None:
        """Read the time, which needs the zone."""
        super().clean()
        cleaned = self.cleaned_data
        text, cleaned["at"] = cleaned.get("at"), None
        if text and "tz" in cleaned:
            try:
                cleaned["at"] = asked_time(text, zone=ZoneInfo(cleaned["tz"] or "UTC"), now=self.now)
            except UnreadableTime as refused:
                self.refuse("at", text, refused.sentence, refused.guesses)

    def asked(self) -> AskedTime | None:
        """Return the time that is asked for, if any; only for a valid form."""
        asked: AskedTime | None = self.cleaned_data["at"]
        return asked


class TicketForm(QueryForm):
    """How a text for a ticket is written; these stand beside the query of the page that it is about."""

    text = fields.code(MARKUPS)
    lang = fields.code(code for code, _name in settings.LANGUAGES)
    zone = fields.zone()
    reader = fields.code(("vendor",))

    @classmethod
    def page_query(cls, query: QueryDict) -> QueryDict:
        """Return what is left for the page."""
        query = query.copy()
        for name in cls.base_fields:
            query.pop(name, None)
        return query


# Links -----------------------------------------------------------------------


class LinkGrammar:
    """Which parameters the links of a kind of page have, and which values they take."""

    def __init__(self, kind: Kind) -> None:
        # The pages of an instance lead to each other: what one of them reads, the others carry.
        read: tuple[type[QueryForm], ...] = (HistoryForm, RecoveryForm, CompareForm, TicketForm)
        if kind in ("home", "project"):
            read = (BoardForm, TicketForm)
        elif kind in ("failures", "changes"):
            read = (ReportForm, TicketForm)
        self._fields = {name: field for form in read for name, field in form.base_fields.items()}

    def knows(self, name: str) -> bool:
        return name in self._fields

    def reads(self, name: str, value: str) -> bool:
        try:
            self._fields[name].clean([value])
            if name in ("from", "to", "at") and iso_bound(value, UTC, days_after=0) is None:
                asked_time(value, zone=UTC, now=datetime.now(UTC))
                return value.strip() == value.strip(MARKS)
        except (forms.ValidationError, UnreadableTime):
            return False
        return True


link_grammar = lru_cache(LinkGrammar)


def _why_no_time(text: str, zone: ZoneInfo) -> tuple[Words, tuple[datetime, ...]]:
    """Return why a text is no ISO 8601 time, and the times that it may mean."""
    iso = _("it must be a date or a time such as 2026-11-23 or 2026-11-23T09:40:00Z")
    try:
        asked = asked_time(text, zone=zone, now=datetime.now(UTC))
    except UnreadableTime as refused:
        return (refused.sentence, refused.guesses) if refused.guesses else (iso, ())
    return iso, (asked.at.astimezone(asked.zone),)
