"""A ticket's text as lines of segments, and how it is written in the markup that it is pasted into.

Sentences are put together as strings, in any language: `mark` marks a value within them by control
characters. What others wrote (names, remarks, DCS's messages) cannot hold these, since `one_line` takes
them out; as a segment of its own it stays what it is: nothing in it is markup, a mention, or the start
of a spreadsheet's formula.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

LONGEST = 300
BULLET = "* "
# Letters and digits with single marks between them: nothing in it is markup anywhere.
_SIMPLE = re.compile(r"[^\W_]+(?:[-_.][^\W_]+)*")
# Joiners shape letters and emoji; all other invisible characters turn, hide or glue text.
_HARMLESS = ("\u200c", "\u200d")
_BEGIN, _NEXT, _END = "\x02", "\x1f", "\x03"

# "strong" and "page" hold words of the portal, "foreign" and "name" what others wrote.
Kind = Literal["words", "strong", "foreign", "name", "page"]


class Segment(NamedTuple):
    kind: str
    text: str
    url: str = ""


class Paragraph(NamedTuple):
    """One line, or the items of a list."""

    lines: tuple[tuple[Segment, ...], ...]
    is_list: bool = False


def mark(kind: Kind, text: str, url: str = "") -> str:
    """Return a text as one segment of a line."""
    return f"{_BEGIN}{kind}{_NEXT}{text}{_NEXT}{url}{_END}"


def paragraphs(text: str) -> tuple[Paragraph, ...]:
    """Return what a text holds; lines that begin with BULLET are the items of a list."""
    found: list[Paragraph] = []
    for line in filter(None, text.split("\n")):
        is_item = line.startswith(BULLET)
        segments = tuple(_segments(line.removeprefix(BULLET)))
        if is_item and found and found[-1].is_list:
            found[-1] = Paragraph((*found[-1].lines, segments), True)
        else:
            found.append(Paragraph((segments,), is_item))
    return tuple(found)


def _segments(line: str) -> Iterator[Segment]:
    for part in re.split(f"({_BEGIN}[^{_END}]*{_END})", line):
        if part.startswith(_BEGIN):
            yield Segment(*part[1:-1].split(_NEXT))
        elif part:
            yield Segment("words", part)


class PlainText:
    """Mail, chat, and ticket systems that keep a text as it is."""

    bullet = "• "

    def written(self, text: tuple[Paragraph, ...]) -> str:
        return "\n\n".join("\n".join(self._lines(paragraph)) for paragraph in text)

    def _lines(self, paragraph: Paragraph) -> Iterator[str]:
        bullet = self.bullet if paragraph.is_list else ""
        for line in paragraph.lines:
            yield bullet + "".join(map(self._segment, line))

    def _segment(self, segment: Segment) -> str:
        write = getattr(self, segment.kind)
        written: str = write(segment.text, segment.url) if segment.url else write(segment.text)
        return written

    def words(self, text: str) -> str:
        return text

    def strong(self, text: str) -> str:
        return text

    def foreign(self, text: str) -> str:
        """Return what others wrote, as it is."""
        return text if _SIMPLE.fullmatch(text) else f"“{text}”"

    def name(self, text: str, url: str) -> str:
        return self.page(self.foreign(text), url)

    def page(self, text: str, url: str) -> str:
        return f"{text} <{url}>"


class Markdown(PlainText):
    """CommonMark. What others wrote is a code span: nothing in it is a mark, nor ends a link around it."""

    bullet = "* "

    def strong(self, text: str) -> str:
        return f"**{text}**"

    def foreign(self, text: str) -> str:
        fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
        pad = " " if text.startswith("`") or text.endswith("`") else ""
        return f"{fence}{pad}{text}{pad}{fence}"

    def page(self, text: str, url: str) -> str:
        return f"[{text}](<{url}>)"


class JiraWiki(PlainText):
    """Jira's wiki markup, as both of its renderers read it, that of servers and that of the cloud.

    A backslash makes a letter of a mark. Nothing does that for a backslash before a mark, which is drawn
    by its wide likeness, nor for a bracket in the title of a link: only simple names have one.
    """

    bullet = "* "

    _MARKS = re.compile(r"[#*+?^~|%{}\[\]()!@]|(?<![^\W_])[-_]|[-_](?![^\W_])")  # not as in "go-between"
    _BACKSLASH = re.compile(r"\\(?=[-#*_+?^~|%{}\[\]()!@\\]|$)")
    # A link is one before any mark is seen: escaping would spoil where it leads.
    _PLAIN_LINK = re.compile(r"https?://[\w./~:=&%?#+-]+", re.ASCII)

    def strong(self, text: str) -> str:
        return f"*{text}*"

    def foreign(self, text: str) -> str:
        if _SIMPLE.fullmatch(text):
            return f"{{{{{text}}}}}"
        # The quotes keep "h1." and the like from the beginning of a line.
        return f"“{' '.join(map(self._escaped, text.split(' ')))}”"

    def _escaped(self, word: str) -> str:
        if self._PLAIN_LINK.fullmatch(word):
            return word
        return self._MARKS.sub(r"\\\g<0>", self._BACKSLASH.sub("\uff3c", word))

    def name(self, text: str, url: str) -> str:
        return self.page(text, url) if _SIMPLE.fullmatch(text) else f"{self.foreign(text)} [{url}]"

    def page(self, text: str, url: str) -> str:
        return f"[{text}|{url}]"


class SlackMrkdwn(PlainText):
    """Slack's mrkdwn. A code span has no marks and no mentions; a backtick in it is drawn by a likeness."""

    _ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

    def words(self, text: str) -> str:
        return text.translate(self._ENTITIES)

    def strong(self, text: str) -> str:
        return f"*{self.words(text)}*"

    def foreign(self, text: str) -> str:
        text = self.words(text).replace("`", "\u02cb")
        return f"`{text}`"

    def name(self, text: str, url: str) -> str:
        if _SIMPLE.fullmatch(text):
            return self.page(text, url)
        return f"{self.foreign(text)} <{self.words(url)}>"

    def page(self, text: str, url: str) -> str:
        return f"<{self.words(url)}|{self.words(text)}>"


MARKUPS = {"markdown": Markdown(), "jira": JiraWiki(), "slack": SlackMrkdwn(), "plain": PlainText()}


def one_line(text: str) -> str:
    """Return a text without line breaks, control characters and what turns the direction of writing."""
    shown = "".join(" " if char.isspace() else char if _is_shown(char) else "\ufffd" for char in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def _is_shown(char: str) -> bool:
    return char in _HARMLESS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
