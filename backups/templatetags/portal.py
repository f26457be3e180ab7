"""How the pages write values and links: times, ages, sizes, badges, icons, and the query string.

They are called for each cell of up to 200 rows, so none renders a template and
what repeats is kept. Codes go in, words of the viewer's language come out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django import template
from django.template import Context
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation import gettext_lazy as _

from backups.dcs.records import BackupRecord, Instance
from backups.services.eligibility import Eligibility, eligibility
from backups.services.listings import Listing
from backups.services.problems import Problem, Progress
from backups.services.projects import Project
from backups.services.words import (
    capacity,
    duration,
    error_meaning,
    exact_bytes,
    format_word,
    instance_status_word,
    mode_word,
    percent,
    reason_word,
    reasons_in_words,
    size_text,
    status_word,
    type_word,
    verdict_sentence,
    zone_of_region,
)

from . import times
from .kept import here_of, kept
from .query_links import QueryLinks, links_of
from .times import Clock

register = template.Library()
register.tag("kept", kept)

for say in (capacity, duration, exact_bytes, percent, reason_word, reasons_in_words, verdict_sentence):
    register.filter(say)
for say_code in (error_meaning, format_word, instance_status_word, mode_word, status_word, type_word):
    register.filter(say_code)

# Icons ---------------------------------------------------------------------------


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, classes: str = "") -> SafeString:
    """Return an icon of static/icons.svg. It is decoration: a word stands beside it, or hidden in it."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f"icon {classes}".strip(),
        static("icons.svg"),
        name,
    )


# Times ---------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def moment(context: Context, value: datetime | None, style: str = "") -> SafeString:
    """Return a `<time>` in the page's zone, which it names; hovering it shows UTC and the age.

    style "time" leaves the date out where it is today's; "long" has the year always.
    """
    return times.moment(Clock.of(context), value, style) if value else no_value()


@register.simple_tag(takes_context=True)
def age(context: Context, value: datetime | None, style: str = "") -> str:
    """Return "3 h 12 min ago", which counts on in the browser (static/js/live.js).

    style "short" has one unit only; "until" is "now" once its time has come.
    """
    return times.counting_age(Clock.of(context), value, style) if value else ""


class AsOf(NamedTuple):
    """What a page says of the age of a listing, without the listing itself: it may be kept longer."""

    read_at: datetime
    source: str
    problem: Problem | None
    refreshing: bool
    progress: Progress | None
    request_ids: tuple[str, ...]


@register.filter
def as_of(listing: Listing[Any]) -> AsOf:
    return AsOf(
        listing.read_at,
        listing.source,
        listing.problem,
        listing.refreshing,
        listing.progress,
        listing.request_ids,
    )


@register.simple_tag(takes_context=True)
def now_utc(context: Context) -> str:
    """Return the time that a page's ages are reckoned from."""
    return times.utc_milliseconds(Clock.of(context).now)


@register.simple_tag
def age_words() -> str:
    """Return the words of ages as JSON, for the script that lets them count on."""
    return times.age_words(get_language())


@register.simple_tag(takes_context=True)
def data_from(context: Context, record: BackupRecord) -> SafeString:
    """Return the cell of the time that a backup's data is from, with its age, or what could not be read."""
    return data_from_by(Clock.of(context), record)


def data_from_by(clock: Clock, record: BackupRecord) -> SafeString:
    started_at = record.started_at
    if started_at is None:
        raw = raw_of(record, "execution_at") or raw_of(record, "created_at")
        return _unreadable(raw) if raw else no_value()
    age = escape(times.age(clock, started_at, short=True))
    return mark_safe(f'{times.moment(clock, started_at)} <span class="age">{age}</span>')


@register.simple_tag
def region_zone(region: str) -> str:
    """Return the zone of a project's region, "" on pages of no project."""
    return zone_of_region(region) if region else ""


# Sizes and other values --------------------------------------------------------------


@register.simple_tag
def filesize(size: int | None) -> SafeString:
    """Return a size in decimal units (1 GB is 1,000,000,000 bytes) with all bytes in the title.

    Below 1 MB it is written in bytes: such a backup is nearly empty, which a rounded number hides.
    """
    return no_value() if size is None else _filesize(size, get_language())


@lru_cache(maxsize=4096)
def _filesize(size: int, language: str | None) -> SafeString:
    written, exact = size_text(size), exact_bytes(size)
    return format_html('<span title="{}">{}</span>', exact, written) if written != exact else escape(exact)


@register.simple_tag
def no_value() -> SafeString:
    return _no_value(get_language())


@lru_cache(maxsize=8)
def _no_value(language: str | None) -> SafeString:
    hidden = '<span class="none"><span aria-hidden="true">–</span><span class="vh">{}</span></span>'
    return format_html(hidden, gettext("no value"))


@register.filter
def raw_of(record: BackupRecord, field: str) -> str:
    """Return the text of a field that could not be read, "" where it was read or has none."""
    return next((text for name, text in record.unread if name == field), "")


def _unreadable(text: str) -> SafeString:
    return format_html(
        '<bdi class="mono cut" title="{}">{}</bdi>',
        gettext("as DCS wrote it: %(text)s") % {"text": text},
        text,
    )


# Words -----------------------------------------------------------------------------


_FIELDS: dict[str, Promise] = {
    "backup_id": _("Names this backup in DCS, in the hcloud command and in vendor tickets."),
    "backup_name": _("A name. A time in it may be in another zone: it says nothing about the data."),
    "instance_id": _("The instance that was backed up."),
    "period": _("The planned slot of an automatic backup, in UTC. Manual ones have none."),
    "size": _("The size of the backup file. The instance may need more memory than that."),
    "backup_type": _("Started by the backup policy, or by hand."),
    "backup_format": _("RDB is one image of the data; AOF is the log of the writes."),
    "created_at": _("When the task was created; it may have waited after that."),
    "execution_at": _("When the backup started: its data is from this time."),
    "updated_at": _("When the record last changed: the end of a backup, or when its file went."),
    "progress": _("How far a backup in progress is."),
    "error_code": _("Why a backup failed."),
    "remark": _("What a person wrote when starting it."),
    "status": _("The status in DCS's own word."),
    "is_support_restore": _("DCS's own word on whether it can be restored. It gives no reason."),
}


@register.filter
def field_note(field: str) -> str:
    """Return what a field of the API's answer is, "" for one that the reference does not name."""
    return str(_FIELDS.get(field, ""))


# Badges ------------------------------------------------------------------------------

_STATUS_LOOKS = {
    "succeed": ("ok", "check"),
    "failed": ("bad", "x"),
    "backuping": ("run", "running"),
    "waiting": ("wait", "clock"),
    "expired": ("gone", "circle-minus"),
    "deleted": ("gone", "trash"),
}
_INSTANCE_LOOKS = {
    "RUNNING": ("ok", "check"),
    "ERROR": ("bad", "circle-alert"),
    "CREATEFAILED": ("bad", "x"),
    "FROZEN": ("gone", "lock"),
    "CLOSED": ("gone", "circle-minus"),
} | dict.fromkeys(
    ("CREATING", "RESTARTING", "EXTENDING", "RESTORING", "FLUSHING", "STARTING", "CLOSING"),
    ("run", "running"),
)
_ODD = ("odd", "question")


@register.simple_tag
def status_badge(record: BackupRecord) -> SafeString:
    return status_badge_of(record.status)


def status_badge_of(status: str) -> SafeString:
    return _badge(*_STATUS_LOOKS.get(status, _ODD), status_word(status))


@register.simple_tag
def instance_badge(instance: Instance) -> SafeString:
    return _badge(*_INSTANCE_LOOKS.get(instance.status, _ODD), instance_status_word(instance.status))


@lru_cache(maxsize=512)
def _badge(look: str, shape: str, word: str) -> SafeString:
    return format_html('<span class="badge {}">{}<bdi>{}</bdi></span>', look, icon(shape), word)


@register.simple_tag
def verdict(eligibility: Eligibility) -> SafeString:
    """Return whether a backup can be restored, with the reason: a word, a shape and a colour."""
    return _verdict(eligibility, get_language())


@lru_cache(maxsize=128)
def _verdict(eligibility: Eligibility, language: str | None) -> SafeString:
    text = verdict_sentence(eligibility)
    shape = {"yes": "check", "no": "minus"}.get(eligibility.verdict, "question")
    odd = ""
    if eligibility.contradiction:
        odd = format_html('<span class="odd">{}<span class="vh">{}</span></span>', icon("warning"), text)
    title = format_html(' title="{}"', text) if eligibility.verdict != "yes" else ""
    return format_html(
        '<span class="verdict {}"{}>{}<span class="cut">{}</span>{}</span>',
        eligibility.verdict,
        title,
        icon(shape),
        verdict_sentence(eligibility, brief=True),
        odd,
    )


@register.filter
def ended_sentence(record: BackupRecord) -> str:
    """Return what is said of a backup that has just ended."""
    named = {"name": record.name or record.backup_id}
    if record.status == "failed":
        meaning = error_meaning(record.error_code).rstrip(".。") or record.error_code
        if meaning:
            return gettext("%(name)s failed: %(meaning)s.") % {**named, "meaning": meaning}
        return gettext("%(name)s failed.") % named
    if record.status != "succeed":
        return gettext("%(name)s has ended: %(status)s.") % {**named, "status": status_word(record.status)}
    found = eligibility(record)
    if found.usable:
        return gettext("%(name)s succeeded and can be restored.") % named
    return gettext("%(name)s succeeded. %(verdict)s.") % {**named, "verdict": verdict_sentence(found)}


# The query string ----------------------------------------------------------------------
#
# Every link keeps all parameters that it does not change, unknown and repeated ones too.


@register.simple_tag(takes_context=True)
def here(context: Context) -> str:
    """Return this page's path and query: where a form comes back to."""
    return here_of(context)


@register.simple_tag(takes_context=True)
def page_links(context: Context) -> QueryLinks:
    """Return the links of this page, for a part of it that is kept."""
    return links_of(context)


@register.simple_tag(takes_context=True)
def export_url(context: Context, name: str) -> str:
    """Return the link of backups.json or backups.csv with the history's filters: the whole set, no page."""
    links = links_of(context)
    return f"{links.escaped_path}{name}{links.query_without(('page', 'per_page'))}"


@register.simple_tag(takes_context=True)
def toggle_url(context: Context, name: str, value: str) -> str:
    """Return the link that adds a value to a repeatable parameter, or takes it out."""
    return links_of(context).toggling(name, value)


@register.simple_tag(takes_context=True)
def url_with(context: Context, **changes: Any) -> str:
    """Return the link with some parameters set; None takes one out."""
    return links_of(context).setting(
        {name: [] if value is None else [str(value)] for name, value in changes.items()}
    )


@register.simple_tag(takes_context=True)
def url_without(context: Context, *names: str) -> str:
    return links_of(context).without(names)


@register.simple_tag(takes_context=True)
def hidden_fields(context: Context, *names: str) -> SafeString:
    """Return hidden inputs for all parameters but these, which a GET form would lose."""
    return mark_safe(
        "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, values in links_of(context).values.items()
            if name not in names
            for value in values
        )
    )


@dataclass(frozen=True)
class SortHead:
    """One sortable column: where its link goes, and its `aria-sort` where the rows are ordered by it."""

    url: str
    order: str
    icon: str


@register.simple_tag(takes_context=True)
def sort_head(context: Context, field: str, sort: str, default: str, first: str = "") -> SortHead:
    """Return a column's link: its first click sorts by first + field ("-" descends), the next turns it."""
    chosen = sort.removeprefix("-") == field
    descending = sort.startswith("-")
    wanted = ("" if descending else "-") + field if chosen else first + field
    url = url_with(context, sort=None if wanted == default else wanted, page=None)
    if not chosen:
        return SortHead(url, "", "sortable")
    return SortHead(url, "descending", "arrow-down") if descending else SortHead(url, "ascending", "arrow-up")


# Small things ----------------------------------------------------------------------------


@register.simple_tag
def viewer_words(user: Any) -> dict[str, str | bool]:
    """Return what the menu of a viewer says, and what of it there is."""
    if not user or not user.is_authenticated:
        return {"signed_in": False, "has_email": False, "has_groups": False}
    return {
        "signed_in": True,
        "name": user.name,
        "initials": initials(user.name),
        "has_email": bool(user.email),
        "email": user.email,
        "has_groups": bool(user.groups),
        "groups": ", ".join(user.groups),
    }


def initials(name: str) -> str:
    """Return at most two letters for a person's mark."""
    letters = [word[0] for word in name.split() if word[0].isalnum()]
    return "".join(letters[:1] + letters[1:][-1:]).upper()


@register.simple_tag
def title_where_long(text: str) -> SafeString:
    """Return a title attribute with the whole of a text that a cell may cut, "" for a short one."""
    return format_html(' title="{}"', text) if len(text) > 25 else SafeString("")


@register.simple_tag
def names(projects: Iterable[Project]) -> SafeString:
    """Return the names of projects in one line."""
    parts = ((project.name,) for project in projects)
    return format_html_join(pgettext("between names", ", "), "<bdi>{}</bdi>", parts)


@register.filter
def lines(items: Iterable[object]) -> str:
    return "\n".join(str(item) for item in items)


@register.simple_tag
def breakable(text: str) -> SafeString:
    """Return a long id that a narrow screen may break at its dashes."""
    return mark_safe(escape(text).replace("-", "-<wbr>"))
