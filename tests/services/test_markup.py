"""Whatever others wrote, it stays one piece of one line of a ticket, and nothing in it is markup."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backups.services.tickets.markup import LONGEST, MARKUPS, one_line

PIECES = [*"`|\\*_[](){}<>#!@~^+-?&;:= \n\t\r", "a", "订单", "``", "{code}", "{noformat}", "{{", "}}", "h1. "]
PIECES += ["[x|http://evil.example]", "!x.png!", "<script>", "&#42;", "----", "http://x.example/a_b"]
PIECES += ["\u2028", "\u202e", "\x00", "\x85"]
hostile = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join).filter(one_line)
texts = st.text(min_size=1, max_size=40).filter(one_line) | hostile


Test = Callable[[str], None]


def any_text(function: Test) -> Test:
    function = settings(max_examples=150, deadline=None)(given(texts)(function))
    for text in ("`", "a`|`b", "a\\|b", "\\", "\\\\*x*", "h1. x", "}}*x*{{", "=1+1", "a\r\n|b"):
        function = example(text)(function)
    return function


@any_text
def test_it_stays_on_one_line_in_every_markup_and_begins_no_formula_in_plain_text(text: str) -> None:
    for markup in MARKUPS.values():
        assert len(markup.foreign(text).splitlines()) == 1
    assert not MARKUPS["plain"].foreign(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@any_text
def test_in_markdown_it_is_one_code_span_with_the_very_text(text: str) -> None:
    [span] = code_spans(f"Remark: {MARKUPS['markdown'].foreign(text)} (end)")

    assert span == one_line(text)


def code_spans(line: str) -> list[str]:
    """The code spans of a line by CommonMark 0.31, section 6.1; what is left must be our own words."""
    spans = []
    while found := re.search(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", line):
        content = found[2]
        if content.startswith(" ") and content.endswith(" ") and content.strip():
            content = content[1:-1]
        spans.append(content)
        line = line[: found.start()] + "§" + line[found.end() :]
    assert line == "Remark: § (end)"
    return spans


@any_text
def test_in_a_table_of_markdown_it_is_one_cell_however_the_row_is_cut(text: str) -> None:
    markdown = MARKUPS["markdown"]
    row = markdown.table_row(["x", markdown.foreign(text), "y"])

    # GitHub takes a backslash before a backslash for an escape, others look at one character only.
    by_pairs = re.findall(r"(?:\\.|[^|\\])+", row)
    by_one = re.split(r"(?<!\\)\|", row)
    assert [cells[-2 if cells[-1] == "" else -1].strip() for cells in (by_pairs, by_one)] == ["y", "y"]
    assert (len(by_pairs), len(by_one)) == (3, 5)


MARKS = "-#*_+?^~|%{}[]()!@"


@any_text
def test_in_jira_every_mark_of_it_is_a_letter(text: str) -> None:
    written = MARKUPS["jira"].foreign(text)
    if written.startswith("{{"):
        assert re.fullmatch(r"\{\{\w[\w.-]*\}\}", written)
        return
    words = written[1:-1].split(" ")
    bare = [word for word in words if not re.fullmatch(r"https?://[\w./~:=&%?#+-]+", word, re.ASCII)]
    # Jira: "go-between" has no mark in it; a backslash escapes one unless another stands before it.
    rest = re.sub(r"(?<=[^\W_])[-_](?=[^\W_])", "", " ".join(bare))
    rest = re.sub(rf"(?<!\\)\\[{re.escape(MARKS)}]", "", rest)
    assert not set(rest) & set(MARKS)
    assert "\\\\" not in rest
    assert (written[0], written[-1]) == ("“", "”")


@any_text
def test_in_a_table_of_jira_it_is_one_cell(text: str) -> None:
    jira = MARKUPS["jira"]
    row = jira.table_row(["", jira.foreign(text), "y"])

    cells = row.split("|")
    assert (len(cells), cells[1], cells[3]) == (5, " ", "y")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("before\r\nrelease", "before release"),
        ("  a \t\u2028 b\x85c ", "a b c"),
        ("abc\u202edef\u2066", "abc\ufffddef\ufffd"),
        ("\x00\x1b[31m", "\ufffd\ufffd[31m"),
        ("👩\u200d🚀 订单", "👩\u200d🚀 订单"),
        ("n" * 400, "n" * (LONGEST - 1) + "…"),
    ],
)
def test_what_is_invisible_is_shown_as_something(text: str, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize(
    ("markup", "text", "written"),
    [
        ("markdown", "orders-cache", "`orders-cache`"),
        ("markdown", "it's `quoted` *here*", "``it's `quoted` *here*``"),
        ("jira", "orders-cache", "{{orders-cache}}"),
        ("jira", "INC-20418: [see] {code}", "“INC-20418: \\[see\\] \\{code\\}”"),
        ("jira", "see https://wiki.example/page_one?x=1", "“see https://wiki.example/page_one?x=1”"),
        ("jira", "C:\\temp \\*", "“C:\\temp \uff3c\\*”"),
        ("plain", "orders-cache", "orders-cache"),
        ("plain", "=1+1", "“=1+1”"),
        ("plain", "订单缓存", "订单缓存"),
    ],
)
def test_how_it_is_written(markup: str, text: str, written: str) -> None:
    assert MARKUPS[markup].foreign(text) == written
