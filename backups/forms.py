"""The query string of a page -> a frozen filter, or a sentence for each value that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from .dcs.fields import span_of
from .services import board
from .services.history import (
    DEFAULT_PER_PAGE,
    DEFAULT_SORT,
    FILTERS,
    MOST_PER_PAGE,
    PER_PAGE,
    RANGES,
    SORTS,
    BackupFilter,
)
from .services.pasted import (
    MARKS,
    AskedTime,
    Kind,
    UnreadableTime,
    asked_time,
    cloud_id,
    iso_bound,
    iso_time,
)
from .services.projects import CLOUD_ID, Project
from .services.tickets import MARKUPS
from .services.words import Words, zone_names

LONGEST_SEARCH = 200
LONGEST_SHOWN = 80
MOST_VALUES = 50


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
UNREAD_TIME = _("it must be a UTC time such as 2026-11-23T09:40:00Z")

# Fields ----------------------------------------------------------------------


def _unreadable(value: str, sentence: Any, guesses: tuple[datetime, ...] = ()) -> forms.ValidationError:
    return forms.ValidationError(sentence, params={"value": value, "guesses": guesses})


def _one_of(codes: Iterable[str]) -> Words:
    return format_lazy(_("it must be one of: {codes}"), codes=", ".join(codes))


class Repeatable(forms.Field):
    """A parameter with any number of values: of `codes`, or of a form that `must` describes."""

    widget = forms.MultipleHiddenInput

    def __init__(
        self,
        codes: Sequence[str] = (),
        *,
        pattern: str = "",
        must: Words = "",
        normal: Callable[[str], str] = str.lower,
    ) -> None:
        super().__init__(required=False)
        self.codes = codes
        self.normal = normal
        self.pattern = re.compile(pattern, re.IGNORECASE | re.ASCII)
        self.must = must or _one_of(codes)

    def clean(self, value: Any) -> tuple[str, ...]:
        texts = [text for text in value or () if text.strip()]
        for text in texts:
            if text not in self.codes if self.codes else not self.pattern.fullmatch(text):
                raise _unreadable(text, self.must)
        values = tuple(dict.fromkeys(texts if self.codes else map(self.normal, texts)))
        if len(values) > MOST_VALUES:
            raise _unreadable(values[MOST_VALUES], _("there are too many values"))
        return values


class Single(forms.CharField):
    """A parameter that has one value: two different ones mean nothing, whichever comes last."""

    widget = forms.MultipleHiddenInput

    def __init__(self) -> None:
        super().__init__(required=False)

    def clean(self, value: Any) -> Any:
        texts = list(dict.fromkeys(text for text in value or () if text.strip()))
        if len(texts) > 1:
            raise _unreadable(", ".join(texts), _("it takes one value, but the link gives several"))
        return self.read(texts[0] if texts else "")

    def read(self, text: str) -> Any:
        return super().clean(text)


class Code(Single):
    """A single parameter of known codes, with a default."""

    def __init__(self, codes: Iterable[str], default: str = "") -> None:
        super().__init__()
        self.codes = tuple(codes)
        self.default = default

    def read(self, text: str) -> str:
        if text and text not in self.codes:
            raise _unreadable(text, _one_of(self.codes))
        return text or self.default


class Span(Single):
    """A span of time such as "6h"."""

    def read(self, text: str) -> timedelta | None:
        span = span_of(text)
        if text and span is None:
            raise _unreadable(text, _("it must be a duration such as 6h or 1d 12h"))
        return span


class WholeNumber(Single):
    """A page number: 1 or more. One beyond all sense is as good as the last page."""

    def read(self, text: str) -> int:
        text = text.strip() or "1"
        if not re.fullmatch(r"[0-9]{1,400}", text) or not text.strip("0"):
            raise _unreadable(text, _("it must be a whole number, 1 or more"))
        return min(int(text), 10**9)


class Search(Single):
    """Words split on white space, case-folded."""

    def read(self, text: str) -> tuple[str, ...]:
        if len(text) > LONGEST_SEARCH:
            raise _unreadable(text, _("it is longer than 200 characters"))
        return tuple(text.casefold().split())


class Zone(Single):
    """An IANA time zone."""

    def read(self, text: str) -> str:
        if text and text not in zone_names():
            raise _unreadable(text, _("it is not an IANA time zone such as Asia/Shanghai"))
        return text


class Instant(Single):
    """A time in UTC to the second, as links carry it: one of which the end was cut off is no time."""

    def read(self, text: str) -> datetime | None:
        moment = iso_time(text, UTC) if re.search(r"[T ]\d\d:\d\d:\d\d", text, re.IGNORECASE) else None
        if text and moment is None:
            raise _unreadable(text, UNREAD_TIME)
        return moment


# Forms -----------------------------------------------------------------------


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


class LinkForm(QueryForm):
    """The query of a page whose links say when they were made.

    A link that a mail program cut there opens all the same: `unread_seen` is what stood there.
    """

    seen = Instant()
    unread_seen: QueryProblem | None = None
    _may_be_cut: tuple[str, ...] = ("seen",)

    def clean(self) -> dict[str, Any] | None:
        for problem in self.problems:
            if problem.parameter in self._may_be_cut:
                self.unread_seen = problem
                del self.errors[problem.parameter]
        return super().clean()

    @property
    def seen_at(self) -> datetime | None:
        """When the link was made, if it says so; only for a valid form."""
        moment: datetime | None = self.cleaned_data.get("seen")
        return moment


def _sort(names: Iterable[str], default: str) -> Code:
    return Code([*names, *(f"-{name}" for name in names)], default)


class ListForm(QueryForm):
    """The query of any list that is shown page by page."""

    q = Search()
    page = WholeNumber()
    per_page = Code(map(str, (*PER_PAGE, MOST_PER_PAGE)), str(DEFAULT_PER_PAGE))


class HistoryForm(LinkForm, ListForm):
    """The query of a history: its filters, its order, its time, and the zone that its times are read in."""

    range = Code(RANGES)
    sort = _sort(SORTS, DEFAULT_SORT)
    tz = Zone()
    as_of = Instant()

    def clean(self) -> dict[str, Any]:
        """Read from and to, which need the zone."""
        super().clean()
        cleaned = self.cleaned_data
        if cleaned.get("as_of") and self.seen_at:
            together = _("it cannot be combined with seen")
            self.add_error("as_of", _unreadable(self.data["as_of"], together))
        zone = ZoneInfo(cleaned.get("tz") or "UTC")
        # A plain date in `to` includes that day.
        for name, days_after in (("from", 0), ("to", 1)):
            text = cleaned.get(name)
            cleaned[name] = iso_bound(text, zone, days_after=days_after) if text else None
            if text and cleaned[name] is None:
                self.add_error(name, _unreadable(text, *_why_no_time(text, zone)))
            elif text and cleaned.get("range"):
                self.add_error(name, _unreadable(text, _("it cannot be combined with range")))
        return cleaned

    def filter(self) -> BackupFilter:
        """Return what the query asks for; only for a valid form."""
        cleaned = self.cleaned_data
        return BackupFilter(
            chosen={one.name: cleaned[one.name] for one in FILTERS if cleaned[one.name]},
            words=cleaned["q"],
            start=cleaned["from"],
            end=cleaned["to"],
            range=cleaned["range"],
            sort=cleaned["sort"],
            page=cleaned["page"],
            per_page=int(cleaned["per_page"]),
            tz=cleaned["tz"],
            seen=self.seen_at,
            as_of=cleaned["as_of"],
        )


# Names that no class body could give a field.
HistoryForm.base_fields = {
    **{one.name: Repeatable(one.values, pattern=one.pattern, must=one.must) for one in FILTERS},
    **HistoryForm.base_fields,
    "from": Single(),
    "to": Single(),
}


class FindForm:
    """What the find page is asked: any text, and to search DCS for it; `since` is when that search began."""

    LONGEST_TEXT = 20_000
    LONGEST_SEARCH = timedelta(hours=1)

    def __init__(self, query: QueryDict) -> None:
        text = query.get("q", "").replace("\0", "").strip()
        self.text, self.is_cut = text[: self.LONGEST_TEXT], len(text) > self.LONGEST_TEXT
        self.is_search, self._since = query.get("search") == "dcs", query.get("since", "")

    def search_began(self, now: datetime) -> datetime:
        """Return when the search began: now, unless it goes on with one of the last hour."""
        moment = iso_time(self._since, UTC)
        goes_on = moment is not None and timedelta(0) <= now - moment < self.LONGEST_SEARCH
        return moment if moment and goes_on else now


class BoardForm(ListForm):
    """The query of a board: its filters, its order, another objective, or the time that it is shown as of."""

    per_page = Code(map(str, (*PER_PAGE, MOST_PER_PAGE)), str(board.DEFAULT_PER_PAGE))
    sort = _sort(board.SORTS, board.WORST_FIRST)
    tz = Zone()
    rpo = Span()
    as_of = Instant()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("rpo") and cleaned.get("as_of"):
            self.add_error("as_of", _unreadable(self.data["as_of"], _("it cannot be combined with rpo")))
        return cleaned

    def filter(self) -> board.BoardFilter:
        """Return what the query asks for; only for a valid form."""
        cleaned = self.cleaned_data
        return board.BoardFilter(
            chosen={one.name: cleaned[one.name] for one in board.FILTERS if cleaned[one.name]},
            words=cleaned["q"],
            sort=cleaned["sort"],
            page=cleaned["page"],
            per_page=int(cleaned["per_page"]),
            tz=cleaned["tz"],
            rpo=cleaned["rpo"],
            as_of=cleaned["as_of"],
        )


class ReportForm(QueryForm):
    """The query of what failed, or changed, in a time that ends now, or `as_of` then."""

    range = Code(RANGES, "24h")
    project = Repeatable(pattern=r"[a-z0-9][a-z0-9-]{0,39}", must=_("it must be the name of a project"))
    error = Repeatable(pattern=r"dcs\.[0-9]{2}\.[0-9]{4}", must=_("it must look like dcs.08.0002"))
    instance = Single()
    tz = Zone()
    as_of = Instant()

    def filter(self, projects: Iterable[Project]) -> board.ReportFilter:
        """Return what the query asks for, of projects that the viewer may see; only for a valid form."""
        cleaned = self.cleaned_data
        chosen = cleaned["project"]
        return board.ReportFilter(
            range=cleaned["range"],
            projects=[one for one in projects if not chosen or one.name in chosen],
            errors=cleaned["error"],
            instance=cleaned["instance"].strip().casefold(),
            tz=cleaned["tz"],
            as_of=cleaned["as_of"],
        )


class FailuresForm(ReportForm):
    range = Code(RANGES, "30d")


class StatusCodes(Repeatable):
    """Statuses of instances, in capitals as DCS writes them."""

    def clean(self, value: Any) -> tuple[str, ...]:
        return tuple(status.upper() for status in super().clean(value))


BoardForm.base_fields = {
    **{
        one.name: (StatusCodes if one.name == "status" else Repeatable)(
            one.values, pattern=one.pattern, must=one.must
        )
        for one in board.FILTERS
    },
    **BoardForm.base_fields,
}


class BackupForm(LinkForm):
    """The query of one backup's page.

    It tells of now alone: where a link asks for a time, it tells what has changed since.
    """

    as_of = Instant()
    _may_be_cut = ("seen", "as_of")

    @property
    def seen_at(self) -> datetime | None:
        return super().seen_at or self.cleaned_data.get("as_of")


class CompareForm(BackupForm):
    """The query of two backups side by side."""

    backup = Repeatable(pattern=CLOUD_ID.pattern, must=_("it must be the id of a backup"), normal=cloud_id)

    def clean(self) -> None:
        super().clean()
        ids = self.cleaned_data.get("backup")
        if ids is not None and len(ids) != 2:
            self.add_error("backup", _unreadable(", ".join(ids), _("it must name two backups")))


class RecoveryForm(BackupForm):
    """The query of a recovery point: a time, and the zone that it is read in where it names none."""

    at = Single()
    tz = Zone()

    def __init__(self, query: QueryDict, *, now: datetime) -> None:
        super().__init__(query)
        self.now = now

    def clean(self) -> dict[str, Any]:
        """Read the time, which needs the zone."""
        super().clean()
        cleaned = self.cleaned_data
        text, cleaned["at"] = cleaned.get("at"), None
        if text and "tz" in cleaned:
            try:
                cleaned["at"] = asked_time(text, zone=ZoneInfo(cleaned["tz"] or "UTC"), now=self.now)
            except UnreadableTime as refused:
                self.add_error("at", _unreadable(text, refused.sentence, refused.guesses))
        return cleaned

    def asked(self) -> AskedTime | None:
        """Return the time that is asked for, if any; only for a valid form."""
        asked: AskedTime | None = self.cleaned_data["at"]
        return asked


class TicketForm(QueryForm):
    """How a text for a ticket is written; these stand beside the query of the page that it is about."""

    text = Code(MARKUPS)
    lang = Code(code for code, _name in settings.LANGUAGES)
    zone = Zone()
    reader = Code(("vendor",))

    @classmethod
    def page_query(cls, query: QueryDict) -> QueryDict:
        """Return what is left for the page."""
        query = query.copy()
        for name in cls.base_fields:
            query.pop(name, None)
        return query


# Links -----------------------------------------------------------------------


@lru_cache
def link_grammar(kind: Kind) -> LinkGrammar:
    return LinkGrammar(kind)


class LinkGrammar:
    """Which parameters the links of a kind of page have, and which values they take."""

    def __init__(self, kind: Kind) -> None:
        # The pages of an instance lead to each other: what one of them reads, the others carry.
        forms_read: tuple[type[QueryForm], ...] = (HistoryForm, RecoveryForm, CompareForm)
        if kind in ("home", "project"):
            forms_read = (BoardForm,)
        elif kind in ("failures", "changes"):
            forms_read = (ReportForm,)
        fields = (form.base_fields for form in forms_read)
        self._fields = {name: one[name] for one in (*fields, TicketForm.base_fields) for name in one}

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


def _why_no_time(text: str, zone: ZoneInfo) -> tuple[Words, tuple[datetime, ...]]:
    """Return why a text is no ISO 8601 time, and the times that it may mean."""
    iso = _("it must be a date or a time such as 2026-11-23 or 2026-11-23T09:40:00Z")
    try:
        asked = asked_time(text, zone=zone, now=datetime.now(UTC))
    except UnreadableTime as refused:
        return (refused.sentence, refused.guesses) if refused.guesses else (iso, ())
    return iso, (asked.at.astimezone(asked.zone),)
