"""The portal's own links: the link is the product, and these are all of them that carry a state.

A link for a ticket is frozen: it shows the same backups next week. A relative range moves with the
clock, and a history without an end gains a row with every new backup. So it has absolute bounds,
and ends when the list that it was copied from was read. It says when that was (`seen`), so that it tells
next week what has changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_plus, urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse

from ...dcs.records import BackupRecord, Instance
from ..evidence import ListSince, list_as_of, list_since
from ..listings import Listing, Window, cached_histories
from ..pasted import UnreadableTime, asked_time, iso_bound
from ..projects import CLOUD_ID, Project
from ..words import known_zone
from .query import BackupFilter, History, all_records_of, backup_history

# DCS's clock may be ahead of ours by as much: its gateway refuses calls whose clock is off by more.
CLOCKS_DIFFER = timedelta(minutes=15)


def history_url(project: Project, instance_id: str) -> str:
    return reverse("history", args=[project.name, instance_id])


def instance_url(project: Project, instance: Instance) -> str:
    """Return the page of an instance; "" for an id that no page can have."""
    return history_url(project, instance.instance_id) if CLOUD_ID.fullmatch(instance.instance_id) else ""


def backup_url(project: Project, instance_id: str, record: BackupRecord) -> str:
    """Return the page of a backup; "" for an id that no page can have."""
    path = backup_path(record)
    return history_url(project, instance_id) + path if path else ""


def backup_path(record: BackupRecord) -> str:
    """Return what follows the path of its history; "" for an id that no page can have."""
    return f"backups/{record.backup_id}/" if CLOUD_ID.fullmatch(record.backup_id) else ""


def frozen_recovery_path(
    path: str, query: QueryDict, at: datetime, *, read_at: datetime | None = None
) -> str:
    """Return the page that shows the same instant next week, whatever words it was asked with.

    With `read_at`, of the list that it was answered from, it tells then what has changed.
    """
    query = query.copy()
    query["at"] = utc_text(at)
    if read_at:
        query["seen"] = seen_text(read_at)
        query.pop("as_of", None)
    return f"{path}?{query.urlencode(safe=':')}"


def frozen_url(path: str, *, read_at: datetime, backups: Iterable[str] = ()) -> str:
    """Return the page of a backup, or of two, that tells next week what has changed since it was read."""
    query = [*(("backup", one) for one in backups), ("seen", seen_text(read_at))]
    return absolute(f"{path}?{urlencode(query, safe=':')}")


def seen_text(read_at: datetime) -> str:
    """Return the whole second by which a list had been read, as links carry it."""
    return utc_text(read_at.replace(microsecond=0) + timedelta(seconds=bool(read_at.microsecond)))


def between_url(project: Project, instance_id: str, start: datetime | None, end: datetime) -> str:
    """Return the history of what started from `start` to before `end`."""
    query = QueryDict(mutable=True)
    if start:
        query["from"] = utc_text(start)
    query["to"] = utc_text(end)
    return f"{history_url(project, instance_id)}?{query.urlencode(safe=':')}"


def page_url(view: str, ids: Mapping[str, str], query: Iterable[tuple[str, str]]) -> str:
    """Return the page of a view with those of its ids that are not empty."""
    path = reverse(view, kwargs={name: value for name, value in ids.items() if value})
    text = urlencode(list(query), safe=":")
    return f"{path}?{text}" if text else path


def absolute(path: str) -> str:
    """Return the address that a ticket can carry."""
    return f"{settings.PORTAL_URL}{path}" if path else ""


def utc_text(moment: datetime) -> str:
    """Return ISO 8601 in UTC with Z; parts of a second only where there are any."""
    spec = "seconds"
    if moment.microsecond:
        spec = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")


# The zone that a link names ------------------------------------------------------


def in_zone(link: str, chosen: str, *, now: datetime) -> str:
    """Return a link without its `tz`; a time that was read in that zone is the same one in UTC from then on.

    The link of a recovery point always names a zone: the chosen one.
    """
    page, hash_mark, fragment = link.partition("#")
    path, _mark, query = page.partition("?")
    parts = [(part, *map(unquote_plus, part.partition("=")[::2])) for part in query.split("&")]
    names = [name for _, name, _ in parts]
    zones = {value for _, name, value in parts if _is_zone(name)} - {""}
    zone = known_zone(zones.pop()) if len(zones) == 1 else None
    names_zone = not any(name == "at" and value for _, name, value in parts)
    kept = []
    for part, name, value in parts:
        if not _is_zone(name):
            # Of several values none counts.
            moment = _moment_in(zone, name, value.strip(), now) if zone and names.count(name) == 1 else None
            kept.append(f"{name}={utc_text(moment)}" if moment else part)
        elif not names_zone:
            kept.append(f"tz={quote(chosen)}")
            names_zone = True
    left = "&".join(kept)
    return f"{path}{'?' if left else ''}{left}{hash_mark}{fragment}"


def _is_zone(name: str) -> bool:
    return name.removeprefix("amp;") == "tz"


def _moment_in(zone: ZoneInfo, name: str, value: str, now: datetime) -> datetime | None:
    """Return what a value of at, from or to means in a zone, None where it is no time or needs no zone."""
    if name == "at":
        try:
            asked = asked_time(value, zone=zone, now=now)
        except UnreadableTime:
            return None
        return None if asked.own_zone else asked.at
    if name not in ("from", "to"):
        return None
    there, in_utc = (iso_bound(value, one, days_after=int(name == "to")) for one in (zone, UTC))
    return None if there == in_utc else there


# Links for tickets -------------------------------------------------------------


@dataclass(frozen=True)
class FrozenLink:
    """`start` is inclusive, `end` exclusive; None is no bound. `asks_for_time`: its page does."""

    url: str
    start: datetime | None
    end: datetime | None
    asks_for_time: bool

    @property
    def bounds(self) -> str:
        """Which bounds it has: "both", "from", "to", or none."""
        return "both" if self.start and self.end else "from" if self.start else "to" if self.end else ""

    @property
    def window(self) -> Window:
        """The times that are asked for: the end that only keeps newer backups out is none of them."""
        return (self.start, self.end) if self.asks_for_time else (None, None)


def frozen_link(
    path: str, query: QueryDict, history: History, *, now: datetime, read_at: datetime
) -> FrozenLink:
    """Return the link that shows the same rows next week: bounds in UTC, everything else as it is."""
    start, end = _frozen_bounds(history, now, read_at)
    values = dict(query.lists())
    for name, bound in (("from", start), ("to", end)):
        if bound:
            values[name] = [utc_text(bound)]
    as_of = history.filter.as_of
    values |= {"as_of": [utc_text(as_of)], "seen": []} if as_of else {"seen": [seen_text(read_at)]}
    # A form without JavaScript also sends its empty fields.
    for name in ("range", *(name for name in ("from", "to", "q", "as_of") if not values.get(name, [""])[-1])):
        values.pop(name, None)
    pairs = [f"{quote(name, safe=':')}={quote(value, safe=':')}" for name in values for value in values[name]]
    url = absolute(f"{path}?{'&'.join(pairs)}" if pairs else path)
    return FrozenLink(url, start, end, asks_for_time=history.filter.bounds(now) != (None, None))


def _frozen_bounds(history: History, now: datetime, read_at: datetime) -> Window:
    start, end = history.filter.bounds(now)
    newest = history.found[0].started_at if history.found else None
    # Where DCS's clock is ahead, the newest backup started after the list was read.
    known_until = newest if newest and read_at < newest <= read_at + CLOCKS_DIFFER else read_at
    closed = known_until.replace(microsecond=0) + timedelta(seconds=1)
    # No bound lets one pass whose time cannot be read; such ones are the last.
    timeless = history.found and history.found[-1].started_at is None
    if (end is None or end > closed) and not timeless and (newest is None or newest < closed):
        end = closed
    return start, end


# Of which time the rows are ---------------------------------------------------


@dataclass(frozen=True)
class Frozen:
    """Rows that end `at` a time: as many newer ones are `hidden`."""

    at: datetime
    hidden: int


def frozen(records: Sequence[BackupRecord], wanted: BackupFilter, *, now: datetime) -> Frozen | None:
    """Return where the rows of a link end, None where they go on; `records` are what is known now.

    Bounds on both sides are a choice, unless the link says when it was made.
    """
    made, end = wanted.as_of or wanted.seen, wanted.as_of or wanted.end
    if end is None or end > now or (wanted.start and not made):
        return None
    newer = replace(wanted, start=end, end=None, range="", as_of=None)
    return Frozen(min(end, made or end), backup_history(records, newer, now=now).matched)


def records_now(project: Project, instance_id: str) -> Sequence[BackupRecord] | None:
    """Return the records of the newest list that is at hand, None where none is. Nothing asks DCS."""
    [snapshot] = cached_histories([(project, instance_id)])
    return snapshot.cached.decoded.records if snapshot.cached else None


def history_since(
    project: Project, instance_id: str, listing: Listing[BackupRecord], history: History, *, seen: datetime
) -> ListSince:
    """Compare what a link showed with what it shows now. Raises NotWatched and django.db.Error."""
    then, now = list_as_of(project, instance_id, seen), all_records_of(listing)
    shown_then = backup_history(all_records_of(then), replace(history.filter, as_of=seen), now=seen).found
    return list_since(listing, then, seen=seen, matched_then=shown_then, matched_now=history.found, now=now)
