"""Writes a ticket's text from templates/tickets/, all times in UTC and in one zone beside it.

The texts are in the language that is active. Nothing in templates escapes by itself: what others
wrote goes through `foreign`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.text import capfirst
from django.utils.translation import gettext, override, pgettext

from ...dcs.records import BackupRecord, Instance
from .. import words
from ..history import absolute, backup_url
from ..projects import Project
from .markup import BULLET, MARKUPS, Paragraph, mark, one_line, paragraphs

# Words and numbers with nothing between them that any markup knows.
_BARE = re.compile(r"[^\W_]+(?:(?:[ .-]|:(?=\d))[^\W_]+)*")


@dataclass(frozen=True)
class Style:
    """How a text is written: a key of MARKUPS, a language code, and a zone beside UTC (None: UTC alone)."""

    markup: str = "markdown"
    language: str = "en"
    zone: ZoneInfo | None = None


@dataclass(frozen=True)
class About:
    """Whose backups a text is about, the `link` that shows them, and how it is written."""

    project: Project
    instance_id: str
    instance: Instance | None
    link: str
    style: Style = Style()


@dataclass(frozen=True)
class Ticket:
    """What is copied: `text` in its markup, and the same in `paragraphs` for who takes rich text."""

    paragraphs: tuple[Paragraph, ...]
    style: Style

    @cached_property
    def text(self) -> str:
        return MARKUPS[self.style.markup].written(self.paragraphs)


def rendered(name: str, about: About, *, at: datetime, **context: Any) -> Ticket:
    """Return templates/tickets/<name>.txt. The text is from the time `at`."""
    t = InstanceTicketRenderer(about.link, words.Clock(at), about.style.zone, about)
    return rendered_by(t, name, about.style, about=about, **context)


def rendered_by(t: TicketRenderer, name: str, style: Style, **context: Any) -> Ticket:
    with override(style.language):
        text = words.text_template(f"tickets/{name}.txt").render(context, t=t)
    return Ticket(paragraphs(text), style)


@dataclass(frozen=True)
class TicketRenderer:
    """The `t` of the templates: values and lines of one text, and the `link` that shows what it is about."""

    link: str
    clock: words.Clock
    zone: ZoneInfo | None

    # Lines

    def strong(self, text: object) -> str:
        return mark("strong", str(text))

    def opening(self, text: str) -> str:
        """Return the strong beginning of a line; behind wide punctuation Markdown takes marks for letters."""
        return f"{self.strong(text[:-1])}{text[-1]}" if text[-1] in "。：" else self.strong(text)

    def labelled(self, label: str, value: str) -> str:
        """Return a line for a value, "" where there is none."""
        name = self.opening(gettext("%(label)s:") % {"label": label})
        return self.in_a_row(name, value) if value.strip() else ""

    def fact(self, label: str, value: str) -> str:
        return self.item(self.labelled(label, value)) if value else ""

    def item(self, text: str) -> str:
        return f"{BULLET}{text}"

    def headline(self, verdict: str, *parts: object) -> str:
        """Return the first line: a verdict in a word or two, and a sentence of parts."""
        return self.in_a_row(self.opening(self.sentence(verdict)), self.sentence(*parts))

    def restricted(self, verdict: str, *parts: object) -> str:
        """Return a first line whose verdict says "Usable, but not now: ..."."""
        word, colon, why = re.split("([:：])", self.sentence(verdict), maxsplit=1)
        return self.in_a_row(f"{self.strong(word)}{colon}{why}", self.sentence(*parts))

    def attention(self, *sentences: object) -> str:
        return self.in_a_row(self.opening(gettext("Attention:")), *sentences)

    def sentence(self, *parts: object) -> str:
        """Return the parts that say something as one sentence, with its full stop."""
        text = pgettext("between reasons", "; ").join(filter(None, (str(part).strip() for part in parts)))
        return gettext("%(sentence)s.") % {"sentence": capfirst(text)} if text else ""

    def in_a_row(self, *sentences: object) -> str:
        """Return sentences as one text; wide punctuation brings its own space."""
        texts = filter(None, (str(sentence).strip() for sentence in sentences))
        return "".join(text if text[-1] in "。：" else f"{text} " for text in texts).rstrip()

    def listed(self, *parts: str) -> str:
        """Return the parts that say something, in one line."""
        return pgettext("between names", ", ").join(filter(None, parts))

    def asked(self, parts: Iterable[tuple[str, str]]) -> str:
        """Return "Status: Failed, Other; Words: …" of what is asked for, each a label and a value."""
        texts = (
            gettext("%(label)s: %(value)s") % {"label": name, "value": one} for name, one in parts if one
        )
        return pgettext("between filters", "; ").join(texts)

    def chosen(
        self, filters: Iterable[Any], values: Mapping[str, Sequence[str]]
    ) -> Iterator[tuple[str, str]]:
        """Yield each row of a table of filters with the values that are chosen of it."""
        for one in filters:
            texts = (str(one.word(v)) if one.values else self.foreign(v) for v in values.get(one.name, ()))
            yield str(one.title), self.listed(*texts)

    # Times

    def exact(self, value: datetime) -> str:
        """Return "2026-11-28 23:02:58 UTC (29 Nov 07:02 Shanghai)"."""
        return self._with_zone(f"{words.times.utc_time(value)} UTC", value)

    def moment(self, value: datetime) -> str:
        """Return "28 Nov 23:02:58 UTC (29 Nov 07:02 Shanghai)"."""
        at = self.clock.time(value)
        return self._with_zone(f"{at.text} {at.zone}", value)

    def _with_zone(self, utc: str, value: datetime) -> str:
        zone = self.zone or UTC
        local = value.astimezone(zone)
        if not local.utcoffset():
            return utc
        there = words.Clock(self.clock.now, zone).time(value).text[:-3]
        if local.date() == value.astimezone(UTC).date():
            there = there.split()[-1]
        return gettext("%(utc)s (%(local)s)") % {"utc": utc, "local": f"{there} {_place(local)}"}

    @property
    def say(self) -> dict[str, Any]:
        """How the sentence of a verdict writes its values (macros/verdict.txt)."""
        return {
            "at": self.moment,
            "about": self.clock.about,
            "day": lambda value: self.clock.about(value, day=True),
            "code": self.bare,
            "ago": self._age,
            "left": None,
        }

    def _age(self, value: datetime) -> str:
        """Return how old something was when the list was read, "" for what was yet to come."""
        age = self.clock.now - value
        said = gettext("%(span)s old when read") % {"span": words.times.span(age)}
        return said if age > timedelta() else ""

    # What others wrote

    def foreign(self, text: str) -> str:
        """Return what others wrote, so that it stays what it is; "" where there is nothing to see."""
        text = one_line(text)
        return mark("foreign", text) if text else ""

    def listed_foreign(self, texts: Iterable[str]) -> str:
        return self.listed(*map(self.foreign, texts))

    def bare(self, text: str) -> str:
        """Return a code or a product's name as it is where it holds nothing but words and numbers."""
        return text if _BARE.fullmatch(text) else self.foreign(text)

    def word(self, word: str, code: str) -> str:
        """Return what a code is called; one that the portal does not know is foreign."""
        return word if word != code else self.bare(code)

    def named(self, name: str, url: str) -> str:
        """Return a name that leads to its page, where there is one."""
        name = one_line(name)
        return mark("name", name, absolute(url)) if name and url else self.foreign(name)

    def page(self, label: str) -> str:
        """Return the link that the text is about."""
        return mark("page", label, self.link)


@dataclass(frozen=True)
class InstanceTicketRenderer(TicketRenderer):
    """The `t` of a text about the backups of one instance."""

    about: About

    def backup(self, record: BackupRecord) -> str:
        """Return the name of a backup, which leads to its page."""
        url = backup_url(self.about.project, self.about.instance_id, record)
        return self.named(one_line(record.name) or record.backup_id, url)

    @property
    def instance(self) -> str:
        return self.foreign(words.instance_name(self.about.instance, self.about.instance_id))


def _place(local: datetime) -> str:
    """Return the city of a time's zone, else its offset from UTC."""
    area, _, city = str(local.tzinfo).rpartition("/")
    if not area or area == "Etc":
        return words.zone_label(local).replace("−", "-")
    return city.replace("_", " ")
