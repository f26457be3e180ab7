"""Texts in the markup of the ticket that they are pasted into: Markdown, Jira's wiki markup, plain text.

The portal's own words go in as they are. What others wrote (names, remarks, DCS's messages) goes
through `foreign()` first: it stays on its line, and nothing in it is markup, a mention, or the
start of a spreadsheet's formula.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 300
# Letters and digits with single marks between them: nothing in it is markup anywhere.
_SIMPLE = re.compile(r"[^\W_]+(?:[-_.][^\W_]+)*")
# Joiners shape letters and emoji; all other invisible characters turn, hide or glue text.
_HARMLESS = ("\u200c", "\u200d")


class PlainText:
    """Mail, chat, and ticket systems that keep a text as it is."""

    heading = ""
    bullet = ""

    def foreign(self, text: str) -> str:
        """Return what others wrote, as it is, on one line."""
        text = one_line(text)
        return text if _SIMPLE.fullmatch(text) else f"“{text}”"

    def strong(self, text: str) -> str:
        return text

    def link(self, url: str) -> str:
        return url

    def table_head(self, cells: Sequence[str]) -> str:
        return " | ".join(cells)

    def table_row(self, cells: Sequence[str]) -> str:
        return " | ".join(cell or "–" for cell in cells)

    def command(self, line: str) -> str:
        return line


class Markdown(PlainText):
    """CommonMark with GitHub's tables. What others wrote is a code span: there nothing is interpreted."""

    heading = "#### "
    bullet = "* "

    def foreign(self, text: str) -> str:
        text = one_line(text)
        fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
        pad = " " if text.startswith("`") or text.endswith("`") else ""
        return f"{fence}{pad}{text}{pad}{fence}"

    def strong(self, text: str) -> str:
        return f"**{text}**"

    def link(self, url: str) -> str:
        return f"<{url}>"

    def table_head(self, cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |\n| {' | '.join('---' for _ in cells)} |"

    def table_row(self, cells: Sequence[str]) -> str:
        # A table is cut into cells before code spans are seen, by some after an even number of backslashes.
        escaped = (cell.replace("\\|", "\\ |").replace("|", "\\|") for cell in cells)
        return f"| {' | '.join(escaped)} |"

    def command(self, line: str) -> str:
        return f"```sh\n{line}\n```"


class JiraWiki(PlainText):
    """Jira's wiki markup, as both of its renderers read it, that of servers and that of the cloud.

    A backslash makes a letter of a mark. Nothing does that for a backslash before a mark or for a bar
    in a table, so these two are drawn by their wide likenesses.
    """

    heading = "h4. "
    bullet = "* "

    _MARKS = re.compile(r"[#*+?^~|%{}\[\]()!@]|(?<![^\W_])[-_]|[-_](?![^\W_])")  # not as in "go-between"
    _BACKSLASH = re.compile(r"\\(?=[-#*_+?^~|%{}\[\]()!@\\]|$)")
    # A link is one before any mark is seen: escaping would spoil where it leads.
    _PLAIN_LINK = re.compile(r"https?://[\w./~:=&%?#+-]+", re.ASCII)

    def foreign(self, text: str) -> str:
        text = one_line(text)
        if _SIMPLE.fullmatch(text):
            return f"{{{{{text}}}}}"
        # The quotes keep "h1." and the like from the beginning of a cell.
        return f"“{' '.join(map(self._escaped, text.split(' ')))}”"

    def _escaped(self, word: str) -> str:
        if self._PLAIN_LINK.fullmatch(word):
            return word
        return self._MARKS.sub(r"\\\g<0>", self._BACKSLASH.sub("\uff3c", word))

    def strong(self, text: str) -> str:
        return f"*{text}*"

    def table_head(self, cells: Sequence[str]) -> str:
        return f"||{'||'.join(cells)}||"

    def table_row(self, cells: Sequence[str]) -> str:
        # An empty cell would be the mark of a head.
        escaped = (cell.replace("\\|", "\uff5c") or " " for cell in cells)
        return f"|{'|'.join(escaped)}|"

    def command(self, line: str) -> str:
        return f"{{noformat}}\n{line}\n{{noformat}}"


MARKUPS = {"markdown": Markdown(), "jira": JiraWiki(), "plain": PlainText()}


def one_line(text: str) -> str:
    """Return a text without line breaks, control characters and what turns the direction of writing."""
    shown = "".join(" " if char.isspace() else char if _is_shown(char) else "\ufffd" for char in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def _is_shown(char: str) -> bool:
    return char in _HARMLESS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
