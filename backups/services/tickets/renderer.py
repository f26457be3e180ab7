"""Writes a ticket's text from templates/tickets/: in one markup, all times in UTC and in one zone beside it.

The texts are in the language that is active. Nothing in templates escapes by itself: what others
wrote goes through `foreign`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, pgettext

from ...dcs.records import Instance
from .. import words
from ..projects import Project
from .markup import MARKUPS, one_line

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
    """Whose backups a text is about. `link` shows them, `command` lists them; "" is none."""

    project: Project
    instance_id: str
    instance: Instance | None
    link: str
    command: str


class TicketRenderer:
    """The `t` of the templates: values and lines in the markup and zone of one text."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.markup = MARKUPS[style.markup]
        self.zones: list[tzinfo] = [UTC, style.zone] if style.zone else [UTC]

    def render(self, name: str, **context: Any) -> str:
        """Return the text of templates/tickets/<name>.txt, with one empty line between paragraphs."""
        text = words.text_template(f"tickets/{name}.txt").render(context, t=self)
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n")

    # Lines

    def fact(self, label: str, value: object) -> str:
        """Return a line for a value, "" where there is none."""
        label = self.markup.strong(gettext("%(label)s:") % {"label": label})
        return f"{self.markup.bullet}{label} {value}" if value else ""

    def attention(self, *sentences: object) -> str:
        attention = self.markup.strong(gettext("Attention:"))
        return f"{attention} {self.in_a_row(*sentences)}"

    def in_a_row(self, *sentences: object) -> str:
        """Return sentences as one text; a Chinese full stop brings its own space."""
        texts = filter(None, (str(sentence).strip() for sentence in sentences))
        return "".join(text if text.endswith("。") else f"{text} " for text in texts).rstrip()

    def listed(self, *parts: str) -> str:
        """Return the parts that say something, in one line."""
        return pgettext("between names", ", ").join(filter(None, parts))

    # Times

    def moment(self, value: datetime) -> str:
        utc, *beside = self.cells(value)
        if not beside or not value.astimezone(self.zones[1]).utcoffset():
            return utc
        return gettext("%(utc)s (%(local)s)") % {"utc": utc, "local": beside[0]}

    def cells(self, value: datetime | None) -> list[str]:
        """Return a time for the columns of a table: in UTC, and in the zone beside it."""
        return [_clock(value.astimezone(zone)) if value else "" for zone in self.zones]

    def zoned(self, title: str) -> list[str]:
        """Return the titles of these columns; `title` names the zone."""
        return [title % {"zone": zone} for zone in self.zones]

    # What others wrote

    def foreign(self, text: str) -> str:
        """Return what others wrote, so that it stays what it is; "" where there is nothing to see."""
        return self.markup.foreign(text) if one_line(text) else ""

    def all_foreign(self, texts: dict[str, str]) -> dict[str, str]:
        return {name: self.foreign(text) for name, text in texts.items()}

    def listed_foreign(self, texts: Iterable[str]) -> str:
        return self.listed(*map(self.foreign, texts))

    def bare(self, text: str) -> str:
        """Return a code or a product's name as it is where it holds nothing but words and numbers."""
        return text if _BARE.fullmatch(text) else self.foreign(text)

    def word(self, word: str, code: str) -> str:
        """Return what a code is called; one that the portal does not know is foreign."""
        return word if word != code else self.bare(code)

    def instance_name(self, about: About) -> str:
        return self.foreign((about.instance and about.instance.name) or about.instance_id)


def _clock(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H:%M:%S} {words.zone_label(local).replace('−', '-')}"
