"""Links of a page back to itself: each changes what it means to and keeps every other parameter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from urllib.parse import quote_plus, urlencode

from django.http import HttpRequest
from django.utils.encoding import escape_uri_path, iri_to_uri

from .dcs.records import BackupRecord
from .services import board
from .services.history import (
    DEFAULT_PER_PAGE,
    MOST_PER_PAGE,
    NARROWING,
    PARAMETERS,
    PER_PAGE,
    backup_path,
    utc_text,
)
from .services.insights import Day, Hint

# Two hundred rows would repeat it.
LONGEST_REPEATED = 200


@dataclass(frozen=True)
class SortLink:
    """Where a click on a column leads; `direction` is its aria-sort where rows are ordered by it, else ""."""

    name: str
    url: str
    direction: str
    icon: str


@dataclass(frozen=True)
class QueryLinks:
    """The path and the query of a page as they came in.

    `values` are the parameters in their order, repeated and unknown ones too.
    """

    path: str
    query: str
    values: dict[str, list[str]] = field(compare=False, repr=False)

    @classmethod
    def of(cls, request: HttpRequest) -> QueryLinks:
        return cls(request.path, request.META.get("QUERY_STRING", ""), dict(request.GET.lists()))

    def to(self, path: str) -> QueryLinks:
        """Return the links of another page that reads the same query."""
        return replace(self, path=path)

    def setting(self, changes: dict[str, list[str]]) -> str:
        """Return the link with these values instead; none takes a parameter out."""
        return f"{self.escaped_path}{_query(self.values | changes)}"

    def carrying(self, path: str, *names: str, **chosen: str) -> str:
        """Return the link of another page with these parameters of this one, and what is chosen there."""
        kept = {name: self.values[name] for name in names if name in self.values}
        return f"{path}{_query(kept | {name: [value] for name, value in chosen.items()})}"

    def without(self, names: Iterable[str]) -> str:
        return self.setting({name: [] for name in names})

    def toggling(self, name: str, value: str) -> str:
        """Return the link that adds a value to a repeatable parameter, or takes it out."""
        values = self.values.get(name, [])
        rest = [other for other in values if other != value]
        chosen = rest if len(rest) < len(values) else [*values, value]
        return self.setting({name: chosen, "page": []})

    def ordered(self, sort: str, default: str) -> Order:
        return Order(self, sort, default)

    def paging(self, page: int) -> str:
        return self.setting({"page": [] if page == 1 else [str(page)]})

    @cached_property
    def page_sizes(self) -> list[tuple[int, str]]:
        """How many rows a page of a history can have, each with its link."""
        return [(size, self._with_rows(size)) for size in PER_PAGE]

    def all_rows(self, matched: int) -> str:
        """Return the link of one page with all rows; "" where they are too many for one."""
        size = next((size for size in (*PER_PAGE, MOST_PER_PAGE) if size >= matched), None)
        return self._with_rows(size) if size else ""

    def _with_rows(self, size: int) -> str:
        return self.setting({"per_page": [] if size == DEFAULT_PER_PAGE else [str(size)], "page": []})

    @cached_property
    def unfiltered(self) -> str:
        """The history with all its backups."""
        return self.without(NARROWING | {"page"})

    @cached_property
    def cleared_board(self) -> str:
        """The board with all its instances."""
        return self.without((*(one.name for one in board.FILTERS), "q", "page"))

    def others(self, *names: str) -> list[tuple[str, str]]:
        """Return all parameters but these, for the hidden fields of a form that would lose them."""
        return [
            (name, value) for name, values in self.values.items() if name not in names for value in values
        ]

    @cached_property
    def asked(self) -> defaultdict[str, str]:
        """The last value of each parameter, which counts where one is meant; "" for one that is not there."""
        return defaultdict(str, {name: values[-1] for name, values in self.values.items()})

    @cached_property
    def here(self) -> str:
        """The address of the page itself."""
        return self.escaped_path + (f"?{iri_to_uri(self.query)}" if self.query else "")

    @cached_property
    def ticket(self) -> str:
        """The text for a ticket about this page, with its query; restores have none of their own."""
        path, mark, query = self.here.partition("?")
        return f"{path.removesuffix('restores/')}ticket/{mark}{query}"

    def export(self, name: str) -> str:
        """Return the link of backups.json or backups.csv with the filters: the whole set, no page."""
        return f"{self.escaped_path}{name}{self._query_without({'page', 'per_page'})}"

    @cached_property
    def escaped_path(self) -> str:
        return escape_uri_path(self.path)

    @cached_property
    def rows(self) -> RowLinks:
        of_rows = self._query_without(NARROWING | {"page"})
        # The page of a backup tells then and now.
        values = {"seen" if name == "as_of" else name: values for name, values in self.values.items()}
        of_backup = _query({name: values[name] for name in values if name not in PARAMETERS})
        if len(of_backup) > LONGEST_REPEATED:
            of_backup = _query({name: values[name] for name in values if name in ("tz", "seen")})
        return RowLinks(
            f"{self.escaped_path}{of_rows}{'&' if of_rows else '?'}", self.escaped_path, of_backup
        )

    def _query_without(self, names: Set[str]) -> str:
        return _query({name: values for name, values in self.values.items() if name not in names})


@dataclass(frozen=True)
class Order:
    """Links by which a list that is ordered by `sort` is ordered otherwise."""

    links: QueryLinks
    sort: str
    default: str

    def by(self, name: str, first: str = "") -> SortLink:
        """Return a column's link: its first click sorts by first + name ("-" descends), the next turns it."""
        chosen, descending = self.sort.removeprefix("-") == name, self.sort.startswith("-")
        wanted = ("" if descending else "-") + name if chosen else first + name
        url = self.links.setting({"sort": [] if wanted == self.default else [wanted], "page": []})
        if not chosen:
            return SortLink(name, url, "", "sortable")
        return SortLink(
            name, url, *(("descending", "arrow-down") if descending else ("ascending", "arrow-up"))
        )


@dataclass(frozen=True)
class RowLinks:
    """Links from a history to rows of it and to its backups.

    They set the filters anew and keep the order and what is no filter.
    """

    base: str
    path: str
    query: str

    def where(self, **filters: str | datetime) -> str:
        """Return the link to the rows behind a figure: several values of one filter are joined by "|"."""
        pairs = [
            f"{name}={one}"
            for name, value in filters.items()
            for one in (
                quote_plus(value, safe=":|").split("|") if isinstance(value, str) else (utc_text(value),)
            )
        ]
        return f"{self.base}{'&'.join(pairs)}#backups"

    def day(self, day: Day) -> str:
        listed = {"listed": "no"} if day.state == "unlisted" else {}
        return self.where(**listed, **{"from": day.start, "to": day.end})

    def record(self, record: BackupRecord) -> str:
        """Return the link to the one row of a backup; one without an id is found by its time."""
        if record.backup_id:
            return self.where(q=record.backup_id)
        return self.where(**_span(record.started_at, record.started_at))

    def between(self, first: BackupRecord, last: BackupRecord, **filters: str) -> str:
        """Return the link to the rows from one backup to another, both among them."""
        return self.where(**filters, **_span(first.started_at, last.started_at))

    def hint(self, hint: Hint) -> str:
        if hint.kind == "contradiction":
            return self.where(restorable="yes", status="waiting|backuping|failed|expired|deleted")
        if hint.day:
            start = datetime.combine(hint.day, time(), UTC)
            day = {"from": start, "to": start + timedelta(days=1)}
            return self.where(status="failed", type="auto", **day)
        if hint.kind == "runs_too_often" and hint.before and hint.record:
            return self.between(hint.before, hint.record, type="auto")
        if hint.before and hint.record:
            return self.between(hint.before, hint.record, status="succeed|expired|deleted")
        return self.record(hint.record) if hint.record else self.where()

    def backup(self, record: BackupRecord) -> str:
        """Return the page of a backup, with the query that leads back; "" where it can have none."""
        path = backup_path(record)
        return f"{self.path}{path}{self.query}" if path else ""


def _span(first: datetime | None, last: datetime | None) -> dict[str, datetime]:
    return {"from": first, "to": last + timedelta(milliseconds=1)} if first and last else {}


def _query(values: dict[str, list[str]]) -> str:
    """Return a query from its question mark on, "" where there is no value."""
    query = urlencode(values, doseq=True)
    return f"?{query}" if query else ""
