"""The pen that writes a text for a ticket: values and blocks, in one markup and beside UTC in one zone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext, pgettext

from ...dcs.records import BackupRecord, Instance
from ..listings import Listing
from ..problems import Problem
from ..projects import Project
from ..words import ERROR_CODES, values
from .markup import MARKUPS, one_line

MOST_REQUEST_IDS = 5
# Words and numbers with nothing between them that any markup knows.
_BARE = re.compile(r"[^\W_]+(?:(?:[ .-]|:(?=\d))[^\W_]+)*")

Facts = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Style:
    """How a text is written: a key of MARKUPS, a language code, and a zone beside UTC (None: UTC alone)."""

    markup: str = "markdown"
    language: str = "en"
    zone: ZoneInfo | None = None


@dataclass(frozen=True)
class About:
    """Whose backups a text is about. `link` shows them, `command` lists them; "" is none."""

    project: Project
    instance_id: str
    instance: Instance | None
    link: str
    command: str


class Pen:
    """Writes values and blocks in the markup and zone of one text, in the language that is active."""

    def __init__(self, style: Style) -> None:
        self.markup = MARKUPS[style.markup]
        self.zone = style.zone
        self.heading = self.markup.heading
        self.link = self.markup.link

    # Blocks

    def text(self, *blocks: str) -> str:
        return "\n\n".join(block for block in blocks if block)

    def facts(self, facts: Facts) -> str:
        """Return one line for each fact that has a value."""
        pattern = gettext("%(label)s:")
        labelled = (
            (self.markup.strong(pattern % {"label": label}), value) for label, value in facts if value
        )
        return self.markup.listed(map(" ".join, labelled))

    def attention(self, *sentences: str) -> str:
        return " ".join((self.markup.strong(gettext("Attention:")), in_a_row(*sentences)))

    def doubts(self, listing: Listing[BackupRecord]) -> Iterator[str]:
        """Yield what keeps a list from being the truth of this moment."""
        if listing.problem:
            yield self.attention(self._old(listing, listing.problem))
        elif listing.source == "stale":
            yield self.attention(gettext("This list is old, and a newer one was being read."))
        if not listing.complete:
            yield self.attention(gettext("This list is not whole."), _why_not_whole(listing))

    def _old(self, listing: Listing[BackupRecord], problem: Problem) -> str:
        known = {"problem": problem.title, "time": self.moment(listing.read_at)}
        sentence = gettext("%(problem)s, so this is what DCS said at %(time)s.") % known
        codes = self.answer_codes(problem)
        return f"{sentence} ({codes})" if codes else sentence

    def whose(self, about: About) -> Facts:
        """Return which instance it is."""
        named = {"name": self.instance_name(about), "id": self.foreign(about.instance_id)}
        same = not about.instance or about.instance.name in ("", about.instance_id)
        yield gettext("Instance"), named["id"] if same else gettext("%(name)s, id %(id)s") % named
        yield gettext("Kind"), self._kind(about.instance)

    def where(self, about: About) -> Facts:
        project = about.project
        names = {"name": project.name, "id": project.project_id, "region": project.region}
        named = {name: self.foreign(text) for name, text in names.items()}
        yield gettext("Project"), gettext("%(name)s, id %(id)s, region %(region)s") % named

    def origin(self, about: About, listing: Listing[BackupRecord]) -> Facts:
        """Return where the instance is, as of when and by which calls it was read, and what shows it."""
        yield from self.where(about)
        yield gettext("Read from DCS"), self.moment(listing.read_at)
        yield gettext("Request id"), self._request_ids(listing.request_ids)
        yield gettext("Link"), self.link(about.link) if about.link else ""

    def reproduction(self, about: About, *notes: str) -> Iterator[str]:
        if about.command:
            intro = gettext("To check it with the official command line, which exits with 0 on errors too:")
            yield in_a_row(*notes, intro)
            yield self.markup.command(about.command)

    # Values

    def moment(self, value: datetime) -> str:
        utc = self.clock(value, UTC)
        if not self.zone or not value.astimezone(self.zone).utcoffset():
            return utc
        return gettext("%(utc)s (%(local)s)") % {"utc": utc, "local": self.clock(value, self.zone)}

    def clock(self, value: datetime, zone: tzinfo) -> str:
        local = value.astimezone(zone)
        return f"{local:%Y-%m-%d %H:%M:%S} {values.zone_label(local).replace('−', '-')}"

    def cells_of(self, value: datetime | None) -> list[str]:
        """Return a time for the columns of a table: in UTC, and in the zone beside it."""
        zones: list[tzinfo] = [UTC, self.zone] if self.zone else [UTC]
        return [self.clock(value, zone) if value else "" for zone in zones]

    def foreign(self, text: str) -> str:
        """Return what others wrote, so that it stays what it is; "" where there is nothing to see."""
        return self.markup.foreign(text) if one_line(text) else ""

    def bare(self, text: str) -> str:
        """Return a code or a product's name as it is where it holds nothing but words and numbers."""
        return text if _BARE.fullmatch(text) else self.foreign(text)

    def word(self, word: str, code: str) -> str:
        """Return what a code is called; one that the portal does not know is foreign."""
        return word if word != code else self.bare(code)

    def instance_name(self, about: About) -> str:
        return self.foreign((about.instance and about.instance.name) or about.instance_id)

    def named(self, record: BackupRecord) -> str:
        """Return the name and the id of a backup."""
        named = {name: self.foreign(text) for name, text in (("name", record.name), ("id", record.backup_id))}
        if not record.name or not record.backup_id:
            return named["name"] if record.name else named["id"]
        return gettext("%(name)s, id %(id)s") % named

    def _kind(self, instance: Instance | None) -> str:
        if instance is None:
            return gettext("DCS does not tell what kind of instance this is")
        engine = " ".join(filter(None, (instance.engine, instance.engine_version)))
        parts = (
            self.bare(engine),
            self.word(values.mode_word(instance.cache_mode), instance.cache_mode),
            values.capacity(instance.capacity_gb),
            self.word(values.instance_status_word(instance.status), instance.status),
        )
        return listed(parts)

    def status(self, record: BackupRecord) -> str:
        word = self.word(values.status_word(record.status), record.status)
        if record.status != "backuping" or record.progress_percent is None:
            return word
        return gettext("%(status)s, %(progress)s") % {
            "status": word,
            "progress": values.percent(record.progress_percent),
        }

    def data_from(self, record: BackupRecord) -> str:
        if record.started_at is None:
            return gettext("DCS gives no time that can be read.")
        moment = self.moment(record.started_at)
        if record.execution_at:
            return moment
        late = gettext("when the task was created; DCS does not tell when it started")
        return gettext("%(time)s, %(note)s") % {"time": moment, "note": late}

    def took(self, record: BackupRecord) -> str:
        if record.ends_before_it_starts:
            return gettext("unclear: DCS gives an end before the start")
        return values.duration(record.duration)

    def size(self, record: BackupRecord, *, exact: bool = False) -> str:
        if record.size_bytes is None:
            return ""
        short, full = values.size_text(record.size_bytes), values.exact_bytes(record.size_bytes)
        if not exact or short == full:
            return short
        return gettext("%(size)s (%(bytes)s)") % {"size": short, "bytes": full}

    def backup_type(self, record: BackupRecord) -> str:
        word = self.word(values.type_word(record.type), record.type)
        if not record.period:
            return word
        slot = {"type": word, "slot": self.bare(record.period)}
        return gettext("%(type)s, planned for %(slot)s UTC") % slot

    def error(self, code: str) -> str:
        """Return an error code with its meaning."""
        if not code:
            return ""
        if code not in ERROR_CODES:
            return self.foreign(code)
        return gettext("%(code)s, %(meaning)s") % {
            "code": self.foreign(code),
            "meaning": values.error_meaning(code).rstrip(".。"),
        }

    def answer_codes(self, problem: Problem) -> str:
        request_id = self.foreign(problem.request_id)
        parts = (
            f"HTTP {problem.http_status}" if problem.http_status else "",
            self.foreign(problem.code),
            gettext("request id %(id)s") % {"id": request_id} if request_id else "",
        )
        return listed(parts)

    def _request_ids(self, ids: tuple[str, ...]) -> str:
        shown = listed(map(self.foreign, ids[:MOST_REQUEST_IDS]))
        more = len(ids) - MOST_REQUEST_IDS
        if more <= 0:
            return shown
        return ngettext("%(ids)s and %(n)s more", "%(ids)s and %(n)s more", more) % {"ids": shown, "n": more}


def listed(parts: Iterable[str]) -> str:
    """Return the parts that say something, in one line."""
    return pgettext("between names", ", ").join(filter(None, parts))


def in_a_row(*sentences: str) -> str:
    """Return sentences as one text; a Chinese full stop brings its own space."""
    return "".join(text if text.endswith("。") else f"{text} " for text in sentences).rstrip()


def _why_not_whole(listing: Listing[BackupRecord]) -> str:
    if listing.windowed:
        return gettext(
            "This history is longer than the portal reads at once: only the part around the chosen times "
            "was read. Counts and figures are of that part."
        )
    if listing.moved and not listing.truncated:
        return gettext(
            "It changed while it was being read, twice in a row: a backup may be missing or doubled."
        )
    read_in_part = gettext(
        "This history is longer than the portal reads: its newest %(n)s of %(promised)s backups were read."
    )
    fell_short = gettext(
        "DCS promised %(promised)s backups and sent %(n)s. "
        "The others may exist: do not take this list as proof that one does not."
    )
    counts = {"n": listing.total, "promised": listing.promised}
    return (read_in_part if listing.truncated else fell_short) % counts
