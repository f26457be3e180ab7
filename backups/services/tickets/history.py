"""The text of a whole history for a ticket: figures, the filter in words, and the rows that are shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext, ngettext, override, pgettext

from ...dcs.records import BackupRecord
from ..eligibility import eligibility
from ..history import DEFAULT_SORT, FILTERS, RANGE_WORDS, SORTS, BackupFilter, FrozenLink, History
from ..insights import overview
from ..listings import Listing
from ..words import values
from .renderer import About, Facts, Pen, Style, listed
from .reproduce import MOST_RECORDS

MOST_ROWS = 10


def history_ticket(
    about: About,
    listing: Listing[BackupRecord],
    history: History,
    frozen: FrozenLink,
    *,
    now: datetime,
    style: Style,
) -> str:
    """Return the text for a history as its page shows it. The page's first ten rows are in it."""
    with override(style.language):
        pen = Pen(style)
        return pen.text(
            pen.heading(gettext("DCS backup history of %(name)s") % {"name": pen.instance_name(about)}),
            *pen.doubts(listing),
            *_open_end(pen, frozen),
            pen.facts(
                (
                    *pen.whose(about),
                    *_figures(pen, about, listing, now),
                    *_filter_facts(pen, history, frozen),
                    *pen.origin(about, listing),
                )
            ),
            *_rows(pen, history),
            *pen.reproduction(about, *_notes(history, listing)),
        )


def _open_end(pen: Pen, frozen: FrozenLink) -> Iterator[str]:
    if frozen.end is None:
        yield pen.attention(
            gettext(
                "The link has no end, since it would hide a backup whose time is in the future or cannot "
                "be read: later it shows newer backups too."
            )
        )


# Figures ---------------------------------------------------------------------


def _figures(pen: Pen, about: About, listing: Listing[BackupRecord], now: datetime) -> Facts:
    """Return figures of the whole list, whatever the filter."""
    found = overview(listing, about.instance, now=now).figures
    newest, last = found.newest_usable, found.last_attempt
    yield gettext("Newest usable backup"), _newest(pen, newest, listing.read_at)
    if last:
        yield gettext("Last attempt"), _last(pen, last, newest)
    if found.success_rate is not None:
        rate = {
            "rate": values.rate(found.success_rate),
            "succeeded": found.succeeded,
            "ended": found.ended,
        }
        yield (
            gettext("Success in 30 days"),
            gettext("%(rate)s, %(succeeded)s of %(ended)s that ended") % rate,
        )
    usable = {"n": found.usable, "total": listing.total}
    yield gettext("Usable now"), gettext("%(n)s of %(total)s") % usable


def _newest(pen: Pen, newest: BackupRecord | None, read_at: datetime) -> str:
    if newest is None:
        return gettext("none: no backup in this list can be restored now")
    if newest.started_at is None or newest.started_at > read_at:
        return _described(pen, newest)
    told = {"backup": _described(pen, newest), "span": values.duration(read_at - newest.started_at)}
    return gettext("%(backup)s; its data was %(span)s old when the list was read") % told


def _last(pen: Pen, last: BackupRecord, newest: BackupRecord | None) -> str:
    status = pen.status(last)
    if newest and last.key == newest.key:
        return gettext("%(status)s: the newest usable backup") % {"status": status}
    return gettext("%(status)s: %(backup)s") % {"status": status, "backup": _described(pen, last)}


def _described(pen: Pen, record: BackupRecord) -> str:
    parts = (
        pen.named(record),
        gettext("data from %(time)s") % {"time": pen.data_from(record)},
        pen.size(record),
        pen.error(record.error_code),
    )
    return listed(parts)


# The filter in words ---------------------------------------------------------


def _filter_facts(pen: Pen, history: History, frozen: FrozenLink) -> Facts:
    pairs = [pair for pair in _filter_parts(pen, history.filter, frozen) if pair[1]]
    told = (gettext("%(label)s: %(value)s") % {"label": label, "value": value} for label, value in pairs)
    yield gettext("Filter"), pgettext("between filters", "; ").join(told) or gettext("none")
    counts = {"matched": history.matched, "total": history.total}
    yield gettext("Matching backups"), gettext("%(matched)s of %(total)s") % counts


def _filter_parts(pen: Pen, wanted: BackupFilter, frozen: FrozenLink) -> Facts:
    for one in FILTERS:
        chosen = wanted.chosen.get(one.name, ())
        yield str(one.title), listed(str(one.word(v)) if one.values else pen.foreign(v) for v in chosen)
    yield gettext("Words"), listed(map(pen.foreign, wanted.words))
    yield gettext("Data from"), _times(pen, wanted, frozen)
    if wanted.sort != DEFAULT_SORT:
        word = str(SORTS[wanted.sort.removeprefix("-")].title)
        falling = wanted.sort.startswith("-")
        order = gettext("%(field)s, descending") if falling else gettext("%(field)s, ascending")
        yield gettext("Order"), order % {"field": word}


def _times(pen: Pen, wanted: BackupFilter, frozen: FrozenLink) -> str:
    """Return the times that are asked for; the end that a frozen link adds is no filter of the viewer's."""
    start = pen.moment(frozen.start) if frozen.start else ""
    end = pen.moment(frozen.end) if frozen.end and (wanted.end or wanted.range) else ""
    bounds = {"start": start, "end": end}
    if start and end:
        text = gettext("from %(start)s until before %(end)s") % bounds
    elif start:
        text = gettext("from %(start)s") % bounds
    else:
        text = gettext("until before %(end)s") % bounds if end else ""
    return listed((str(RANGE_WORDS[wanted.range]) if wanted.range else "", text))


# The rows --------------------------------------------------------------------


def _rows(pen: Pen, history: History) -> Iterator[str]:
    rows = history.rows[:MOST_ROWS]
    if not rows:
        return
    if history.page > 1:
        place = {"first": history.first_row, "last": history.first_row + len(rows) - 1, "n": history.matched}
        yield gettext("Backups %(first)s to %(last)s of %(n)s:") % place
    yield pen.markup.table(_head(pen), [_row(pen, record) for record in rows])
    more = history.matched - len(rows)
    if more:
        text = ngettext("and %(n)s more, at the link above", "and %(n)s more, at the link above", more)
        yield text % {"n": more}


def _head(pen: Pen) -> list[str]:
    zoned = [gettext("Data from (%(zone)s)") % {"zone": pen.zone.key}] if pen.zone else []
    return [
        gettext("Status"),
        gettext("Restore"),
        gettext("Backup"),
        gettext("Backup id"),
        gettext("Type"),
        gettext("Data from (%(zone)s)") % {"zone": "UTC"},
        *zoned,
        gettext("Took"),
        gettext("Size"),
        gettext("Remark or error"),
    ]


def _row(pen: Pen, record: BackupRecord) -> list[str]:
    return [
        pen.status(record),
        values.verdict_sentence(eligibility(record)),
        pen.foreign(record.name),
        pen.foreign(record.backup_id),
        pen.word(values.type_word(record.type), record.type),
        *pen.cells_of(record.started_at),
        pen.took(record),
        pen.size(record),
        listed((pen.error(record.error_code), pen.foreign(record.description))),
    ]


def _notes(history: History, listing: Listing[BackupRecord]) -> Iterator[str]:
    if history.filter.asks_beyond_time:
        yield gettext("DCS filters by time only: the other filters and the order are the portal's.")
    if listing.total > MOST_RECORDS:
        yield gettext("The list is longer than one answer: go on with --offset=1000, 2000 and so on.")
