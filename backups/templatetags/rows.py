"""The rows of a history's table, written without a template: a page has up to 200, of any of 10,000 backups.

What of a row follows from a few codes is written once for all rows that share them, and a row is kept while
its ages hold. It tells what DCS said of a backup; of the viewer it has nothing but language and zone.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from html import escape
from itertools import count

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from backups.dcs.records import BackupRecord
from backups.services.eligibility import Eligibility, eligibility
from backups.services.history import PARAMETERS, History, backup_path
from backups.services.insights import Overview
from backups.services.words import duration, error_meaning, format_word, type_word

from . import portal
from .kept import Shelf, Text
from .overview import outlook_text
from .query_links import links_of
from .times import Clock

register = template.Library()

# Two hundred rows would repeat it.
LONGEST_REPEATED = 200
# Some four thousand rows.
_shelf = Shelf(6_000_000)
_numbers = count()


@register.simple_tag(takes_context=True)
def history_rows(context: Context, history: History, generation: str) -> SafeString:
    """Return the rows of a page of a history. Their links keep the rest of its query, if that is short."""
    clock, links = Clock.of(context), links_of(context)
    overview: Overview = context["overview"]
    query = links.query_without(PARAMETERS)
    if len(query) > LONGEST_REPEATED:
        query = links.query_without(links.values.keys() - {"tz"})
    query = escape(query)
    sheet = _sheet((links.path, query, generation, overview.kept_key, clock.language, clock.zone))
    rows = []
    for record in history.rows:
        text = _shelf.get((sheet, record.key), clock.seconds)
        if text is None:
            text = _row(record, overview, links.escaped_path, query, clock)
            _shelf.put((sheet, record.key), text)
        clock.narrow(text.until)
        rows.append(text.html)
    return mark_safe("".join(rows))


@lru_cache(maxsize=256)
def _sheet(shared: tuple[object, ...]) -> int:
    """Return a number for what all rows of a page share: it is looked up once a row."""
    return next(_numbers)


def _row(record: BackupRecord, overview: Overview, path: str, query: str, page: Clock) -> Text:
    clock = Clock(page.now, page.zone, page.language)
    coded = _coded(record.status, eligibility(record), record.type, record.format, clock.language)
    url = backup_path(record)
    html = (
        f'<tr data-backup-id="{escape(record.backup_id)}"{coded.opening}'
        f"{_kept_title(record, overview, clock)}{coded.restore}"
        f'<td class="c-name">{_name(record, f"{path}{url}{query}" if url else "")}</td>'
        f"{coded.type}"
        f'<td class="c-when">{portal.data_from_by(clock, record)}</td>'
        f"{coded.took}{_took(record, clock.language)}</td>"
        f"{coded.size}{portal.filesize(record.size_bytes)}</td>"
        f'<td class="c-note">{_note(record)}</td>\n</tr>\n'
    )
    return Text(mark_safe(html), clock.seconds, clock.until)


class _Coded:
    """The parts of a row that follow from codes: up to the name, between name and time, and the labels."""

    def __init__(self, status: str, verdict: Eligibility, backup_type: str, backup_format: str) -> None:
        of_row = ' class="usable"' if verdict.usable else ""
        if status in ("expired", "deleted"):
            of_row = ' class="is-gone"'
        self.opening = (
            f'{of_row}>\n<td class="c-status">{portal.status_badge_of(status)}</td>\n<td class="c-restore"'
        )
        self.restore = f">{portal.verdict(verdict)}</td>\n"
        in_format = ""
        if backup_format:
            in_format = f' <span class="format">{escape(format_word(backup_format))}</span>'
        self.type = f'\n<td class="c-type">{escape(type_word(backup_type))}{in_format}</td>\n'
        self.took = f'\n<td class="num c-took" data-label="{escape(gettext("Took"))}">'
        self.size = f'\n<td class="num c-size" data-label="{escape(gettext("Size"))}">'


@lru_cache(maxsize=1024)
def _coded(status: str, verdict: Eligibility, type_: str, format_: str, language: str | None) -> _Coded:
    return _Coded(status, verdict, type_, format_)


def _kept_title(record: BackupRecord, overview: Overview, clock: Clock) -> str:
    """Return a title attribute with how long the file is likely to be kept, "" where nothing can be said."""
    text = outlook_text(record, overview, clock)
    return f' title="{escape(text)}"' if text else ""


def _name(record: BackupRecord, url: str) -> str:
    title = portal.title_where_long(record.name)
    if not url:
        return f'<bdi class="name"{title}>{escape(record.name) or "–"}</bdi>'
    name = escape(record.name or record.backup_id)
    return f'<a class="name" href="{url}"{title} data-row-link><bdi>{name}</bdi></a>'


def _took(record: BackupRecord, language: str | None) -> str:
    return _unclear(language) if record.ends_before_it_starts else _duration(record.duration, language)


@lru_cache(maxsize=4096)
def _duration(value: timedelta | None, language: str | None) -> str:
    return escape(duration(value))


@lru_cache(maxsize=8)
def _unclear(language: str | None) -> str:
    title, word = escape(gettext("DCS gives an end before the start")), escape(gettext("unclear"))
    return f'<span class="verdict unknown" title="{title}">{portal.icon("warning")}{word}</span>'


def _note(record: BackupRecord) -> str:
    parts: list[str] = []
    if record.status == "backuping":
        parts.append(render_to_string("_progress.html", {"record": record}))
    if record.error_code:
        code, meaning = escape(record.error_code), escape(error_meaning(record.error_code))
        parts.append(f'<span title="{code} {meaning}"><span class="mono">{code}</span> {meaning}</span>')
    if record.description:
        title = portal.title_where_long(record.description)
        parts.append(f"<bdi{title}>{escape(record.description)}</bdi>")
    return " ".join(parts)
