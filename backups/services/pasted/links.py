"""The portal's own pages that a pasted text leads to, whatever became of their addresses on the way.

No list of services: the portal's own path is looked for, as it is or encoded, inside whatever was
pasted. Nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal
from urllib.parse import unquote

from .query import Grammar, ReadQuery, read_query
from .transport import plain, undone, without_reply_marks

Kind = Literal["project", "history", "recovery-point", "backup", "find"]
GrammarOf = Callable[[Kind], Grammar]
MOST_LINKS = 50
MOST_STARTS = 200
MOST_NESTED = 4

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_END = r"(?![A-Za-z0-9_-])"
# Of an id of UUID shape, a `_` or `-` behind it is a mark.
_ID = rf"(?:(?i:{UUID.pattern})(?![_-]*[A-Za-z0-9])[_-]*|[A-Za-z0-9_-]{{1,64}}{_END})"
_PATH = re.compile(
    rf"/projects/(?P<project>[A-Za-z0-9-]+){_END}"
    rf"(?:/instances/(?P<instance>{_ID})"
    rf"(?:/backups/(?P<backup>{_ID})|/(?P<recovery>recovery-point){_END})?"
    rf"(?:/(?:ticket|refresh|backups\.json|backups\.csv|recovery-point\.json|ticket\.txt){_END})?)?/?"
)
_START = re.compile(
    r"(?P<slash>/|%(?:25){0,6}2[fF])(?P<page>projects|sign-in|sso|find)(?=/|%|\?)",
)
_STOP = re.compile(
    r"[\s<>\"'|\\^`{}\u3000-\u303f\uff01-\uff0c\uff0e\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]|$"
)
_NESTED = re.compile(r"[?&][A-Za-z_.-]{1,30}=https?:/{1,2}[^\s/?&=]{1,255}$")
_BREAK = re.compile(r"\r?\n[ \t]*|[ \t]")
_BROKEN_ESCAPE = re.compile("%[0-9A-Fa-f]?$")
_PART_OF_UUID = re.compile(r"[0-9A-Fa-f-]{1,35}$")


@dataclass(frozen=True)
class PastedLink:
    """One page of this portal, with the parameters of its link as they were read."""

    kind: Kind
    project: str = ""
    instance_id: str = ""
    backup_id: str = ""
    query: ReadQuery = ReadQuery(())  # noqa: RUF009 (it is frozen)

    @property
    def ids(self) -> dict[str, str]:
        """The arguments of the page's address; "" for what it has none of."""
        return {"project_name": self.project, "instance_id": self.instance_id, "backup_id": self.backup_id}


def links_in(text: str, grammar_of: GrammarOf) -> list[PastedLink]:
    """Return the portal's pages that the text links to, each once, in the order of the text."""
    return list(dict.fromkeys(_links(undone(without_reply_marks(text)), grammar_of, MOST_NESTED)))[
        :MOST_LINKS
    ]


def _links(text: str, grammar_of: GrammarOf, nested: int) -> Iterator[PastedLink]:
    end = 0
    for count, start in enumerate(_START.finditer(text)):
        if start.start() < end or count > MOST_STARTS:
            continue
        address, end = _address(text, start)
        if start["page"] == "projects":
            link, end = _joined(text, start, address, end, grammar_of)
            if link and _is_nested(text, start):
                # What the address around it says of itself stands behind it.
                link = replace(link, query=_known_first(link.query, grammar_of(link.kind)))
            if link:
                yield link
        elif nested:
            yield from _inside(address, grammar_of, nested - 1)


def _address(text: str, start: re.Match[str]) -> tuple[str, int]:
    """Return the address that begins here with its encoding undone, and where it ends in the text."""
    stop = _STOP.search(text, start.start())
    end = stop.start() if stop else len(text)
    address = text[start.start() : end]
    depth = 0 if start["slash"] == "/" else 1 + start["slash"].count("25")
    if depth:
        # A less encoded `&` parts the parameters of the address around it.
        cut = re.search("&" if depth == 1 else rf"&|%(?:25){{0,{depth - 2}}}26", address)
        address, end = (address[: cut.start()], start.start() + cut.start()) if cut else (address, end)
        for _layer in range(depth):
            address = unquote(address)
    elif _is_nested(text, start):
        _path, mark, query = address.partition("?")
        if not mark or "=" not in query.split("&")[0]:
            address = unquote(address.split("&")[0])
    return address, end


def _known_first(query: ReadQuery, grammar: Grammar) -> ReadQuery:
    return ReadQuery(tuple(takewhile(lambda pair: grammar.knows(pair[0]), query.pairs)), query.mended)


def _is_nested(text: str, start: re.Match[str]) -> bool:
    """Whether the address is a parameter's value, not encoded, of another address."""
    return bool(_NESTED.search(text, max(0, start.start() - 300), start.start()))


def _inside(address: str, grammar_of: GrammarOf, nested: int) -> Iterator[PastedLink]:
    """Yield where the sign-in and the find box lead: to what their own parameter holds."""
    path, _mark, query = address.partition("?")
    for part in query.split("&"):
        name, _equals, value = part.partition("=")
        if name == "next" or (name == "q" and path.startswith("/find")):
            inner = unquote(value.replace("+", " "))
            links = list(_links(inner, grammar_of, nested))
            yield from links
            if name == "q" and not links and inner.strip():
                yield PastedLink("find", query=ReadQuery((("q", inner.strip()),)))


def _joined(
    text: str, start: re.Match[str], address: str, end: int, grammar_of: GrammarOf
) -> tuple[PastedLink | None, int]:
    """Read the address, with what follows a line break where that certainly belongs to it."""
    link = _read(address, grammar_of)
    for _break in range(10):
        gap = _BREAK.match(text, end)
        if not gap or start["slash"] != "/":
            break
        stop = _STOP.search(text, gap.end())
        more = text[gap.end() : stop.start() if stop else len(text)]
        longer = _read(address + more, grammar_of)
        if not more or longer is None or not _belongs(link, longer, address, more, grammar_of):
            break
        address, end, link = address + more, gap.end() + len(more), longer
    return link, end


def _belongs(
    link: PastedLink | None, longer: PastedLink, address: str, more: str, grammar_of: GrammarOf
) -> bool:
    if link is None:
        return True
    if "?" not in address:
        broken_id = _PART_OF_UUID.search(address.rstrip("/").rpartition("/")[2])
        whole = longer.backup_id or longer.instance_id
        if broken_id and UUID.fullmatch(whole.lower()) and not UUID.fullmatch(address[-36:].lower()):
            return True
        return more[:1] in "/?" and len(more) > 1 and (longer != link)
    if longer.query.pairs == link.query.pairs or longer.query.unread:
        return False
    grammar, known = grammar_of(link.kind), len(link.query.pairs)

    def are_read(pairs: tuple[tuple[str, str], ...]) -> bool:
        return bool(pairs) and all(
            grammar.knows(name) and grammar.reads(name, value) for name, value in pairs
        )

    if more.startswith("&") or address.endswith(("&", "/?")):
        return are_read(longer.query.pairs[known:])
    last = link.query.pairs[-1:]
    was_read = are_read(last) and last[0][1] != "" and not _BROKEN_ESCAPE.search(address)
    return are_read(longer.query.pairs[max(known - 1, 0) :]) and (not was_read or "&" in more)


def _read(address: str, grammar_of: GrammarOf) -> PastedLink | None:
    path, _mark, query = address.partition("?")
    path, mark, encoded = re.sub("%3[fF]", "?", path, count=1).partition("?")
    if mark:
        query = unquote(encoded) + (f"?{query}" if query else "")
    query = query.rstrip(".,;:)]")  # a sentence's, behind the link
    path = "".join(plain(unquote(path)).split())
    found = _PATH.match(path)
    if not found:
        return None
    if re.search("[A-Za-z0-9]", path[found.end() :]):
        query = ""  # it is that of a page which the portal does not have
    kind: Kind = "project"
    if found["instance"]:
        kind = "backup" if found["backup"] else "recovery-point" if found["recovery"] else "history"
    instance_id, backup_id = (cloud_id(found[name] or "") for name in ("instance", "backup"))
    return PastedLink(kind, found["project"], instance_id, backup_id, read_query(query, grammar_of(kind)))


def is_uuid(text: str) -> bool:
    return bool(UUID.fullmatch(text))


def cloud_id(text: str) -> str:
    """Return an id of UUID shape as DCS writes it, without marks behind it; any other as it is."""
    bare = text.rstrip("_-").lower()
    if re.fullmatch("[0-9a-f]{32}", bare):
        bare = "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))
    return bare if UUID.fullmatch(bare) else text
