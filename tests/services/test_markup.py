"""Whatever others wrote, it stays one piece of one line of a ticket, and nothing in it is markup."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backups.services.tickets.markup import LONGEST, MARKUPS, Paragraph, Segment, mark, one_line, paragraphs

URL = "https://backups.example.com/x/?a=1&b=2"
PIECES = [*"`|\\*_[](){}<>#!@~^+-?&;:= \n\t\r", "a", "订单", "``", "{code}", "{noformat}", "{{", "}}", "h1. "]
PIECES += ["[x|http://evil.example]", "!x.png!", "<script>", "&#42;", "----", "http://x.example/a_b"]
PIECES += ["\u2028", "\u202e", "\x00", "\x85", "\x02name\x1f", "\x03", "<!channel>", "@here", ":smile:"]
hostile = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join).filter(one_line)
texts = st.text(min_size=1, max_size=40).filter(one_line) | hostile


def any_text(function):
    function = settings(max_examples=150, deadline=None)(given(texts)(function))
    for text in ("`", "a`|`b", "a\\|b", "\\", "\\\\*x*", "h1. x", "}}*x*{{", "=1+1", "a\r\n|b"):
        function = example(text)(function)
    return function


def foreign(markup, text):
    return MARKUPS[markup].foreign(one_line(text))


@any_text
def test_it_is_one_segment_of_one_line_and_begins_no_formula_in_plain_text(text):
    known = one_line(text)
    text = f"* Remark: {mark('foreign', known)}, {mark('name', known, URL)}"

    [paragraph] = paragraphs(text)

    segments = (Segment("words", "Remark: "), Segment("foreign", known), Segment("words", ", "))
    assert paragraph == Paragraph(((*segments, Segment("name", known, URL)),), is_list=True)
    for markup in MARKUPS.values():
        assert len(markup.written((paragraph,)).splitlines()) == 1
    assert not foreign("plain", known).startswith(("=", "+", "-", "@", "\t", "\r"))


@any_text
def test_in_markdown_it_is_one_code_span_with_the_very_text(text):
    [span] = code_spans(f"Remark: {foreign('markdown', text)} (end)")

    assert span == one_line(text)


def code_spans(line):
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


MARKS = "-#*_+?^~|%{}[]()!@"


@any_text
def test_in_jira_every_mark_of_it_is_a_letter(text):
    written = foreign("jira", text)
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
def test_in_slack_it_is_one_code_span_without_a_mention(text):
    written = foreign("slack", text)

    assert re.fullmatch(r"`[^`<>]+`", written)
    assert not re.search("&(?!amp;|lt;|gt;)", written)


@any_text
def test_a_link_leads_where_it_should_whatever_its_name_is(text):
    """In Jira and Slack a name that is not simple stands beside its link, where no mark can end it."""
    ends = {"markdown": f"](<{URL}>)", "jira": f"{URL}]", "plain": f" <{URL}>"}
    for markup, end in ends.items():
        assert MARKUPS[markup].name(one_line(text), URL).endswith(end)
    assert re.fullmatch(
        r"(`[^`<>]+` )?<https://backups.example.com/x/\?a=1&amp;b=2(\|[\w.-]+)?>",
        MARKUPS["slack"].name(one_line(text), URL),
    )


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
def test_what_is_invisible_is_shown_as_something(text, shown):
    assert one_line(text) == shown


@pytest.mark.parametrize(
    ("markup", "text", "written"),
    [
        ("markdown", "orders-cache", "[`orders-cache`](</x>)"),
        ("markdown", "it's `quoted` *here*", "[``it's `quoted` *here*``](</x>)"),
        ("jira", "orders-cache", "[orders-cache|/x]"),
        ("jira", "INC-20418: [see] {code}", "“INC-20418: \\[see\\] \\{code\\}” [/x]"),
        ("jira", "see https://wiki.example/page_one?x=1", "“see https://wiki.example/page_one?x=1” [/x]"),
        ("jira", "C:\\temp \\*", "“C:\\temp \uff3c\\*” [/x]"),
        ("slack", "orders-cache", "</x|orders-cache>"),
        ("slack", "<!channel> `x` & *b*", "`&lt;!channel&gt; ˋxˋ &amp; *b*` </x>"),
        ("plain", "orders-cache", "orders-cache </x>"),
        ("plain", "=1+1", "“=1+1” </x>"),
        ("plain", "订单缓存", "订单缓存 </x>"),
    ],
)
def test_how_it_is_written(markup, text, written):
    assert MARKUPS[markup].name(text, "/x") == written
