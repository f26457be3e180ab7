"""The portal's own pages and the ids that a pasted text names, whatever became of them on the way.

No list of services: the portal's own path is looked for, as it is or encoded, inside whatever was
pasted. Only the paths of the board and its reports may be any site's: before them the portal's own address
has to stand. Nothing is fetched.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice, takewhile
from typing import Literal, cast
from urllib.parse import parse_qsl, unquote

from django.conf import settings

from .query import MARKS, Grammar, ReadQuery, read_query, without_marks
from .transport import plain, undone, without_reply_marks

Kind = Literal[
    "project", "history", "recovery-point", "backup", "compare", "find", "home", "failures", "changes"
]
GrammarOf = Callable[[Kind], Grammar]
MOST_LINKS = 50
MOST_STARTS = 100
MOST_BREAKS = 10

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_END = r"(?![A-Za-z0-9_-])"
# Of an id of UUID shape, a `_` or `-` behind it is a mark.
_ID = rf"(?:(?i:{UUID.pattern})(?![_-]*[A-Za-z0-9])[_-]*|[A-Za-z0-9_-]{{1,64}}{_END})"
_PATH = re.compile(
    rf"/projects/(?P<project>[A-Za-z0-9-]+){_END}"
    rf"(?:/instances/(?P<instance>{_ID})"
    rf"(?:/backups/(?P<backup>{_ID})|/(?P<page>recovery-point|compare){_END})?"
    rf"(?:/(?:ticket|refresh|backups\.json|backups\.csv|recovery-point\.json|ticket\.txt){_END})?"
    rf"|/(?:ticket|instances\.json|instances\.csv){_END})?/?"
)
_OVERVIEW = re.compile(
    r"/?(?:(?P<page>failures|changes)(?:/(?:ticket/?)?|\.json|\.csv)?|ticket/?|instances\.(?:json|csv))?"
)
_ID_IN_TEXT = re.compile(
    rf"(?<![A-Za-z0-9])(?:{UUID.pattern}|[0-9a-f]{{32}})(?![A-Za-z0-9]|-[A-Za-z0-9])", re.IGNORECASE
)
# The slash tells how many times the address was encoded; a line may have been broken anywhere in it.
_START = re.compile(
    r"(?:/|%\s{0,2}(?:2\s{0,2}5\s{0,2}){0,6}2\s{0,2}[fF])\s{0,2}"
    r"(?P<page>p_r_o_j_e_c_t_s|find)(?=/|\s|%|\?)".replace("_", r"\s{0,2}")
)
_STOP = re.compile(
    r"[\s<>\"'|\\^`{}\u3000-\u303f\uff01-\uff0c\uff0e\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]|$"
)
_NESTED = re.compile(r"[?&][A-Za-z_.-]{1,30}=https?:/{1,2}[^\s/?&=]{1,255}$")
_BREAK = re.compile(r"\r?\n[ \t]*|[ \t]")
_BROKEN_ESCAPE = re.compile("%[0-9A-Fa-f]?$")


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
    text = undone(without_reply_marks(text))
    links = chain(_links(text, grammar_of), _overviews(text, grammar_of))
    return list(islice(dict.fromkeys(links), MOST_LINKS))


def _overviews(text: str, grammar_of: GrammarOf) -> Iterator[PastedLink]:
    """Yield the board and its reports; the board without a query only where nothing else was pasted."""
    for start in islice(re.finditer(re.escape(settings.PORTAL_URL), text), MOST_STARTS):
        address = text[start.end() : _stop(text, start.end())]
        path, _mark, query = address.rstrip(MARKS).partition("?")
        found = _OVERVIEW.fullmatch(path)
        if found and (found["page"] or query or without_marks(text.strip()) == start[0] + path):
            kind = cast(Kind, found["page"] or "home")
            yield PastedLink(kind, query=read_query(query, grammar_of(kind)))


def _links(text: str, grammar_of: GrammarOf) -> Iterator[PastedLink]:
    end = end_of_search = 0
    for start in islice(_START.finditer(text), MOST_STARTS):
        is_search = start["page"] == "find"
        if start.start() < (end_of_search if is_search else end):
            continue
        is_nested = bool(_NESTED.search(text, max(0, start.start() - 300), start.start()))
        addresses = _addresses(text, start, is_nested)
        if is_search:
            address, end_of_search = next(addresses)
            yield from _searched(address)
            continue
        link, end = _joined(addresses, is_nested, grammar_of)
        if link:
            yield link


def _searched(address: str) -> Iterator[PastedLink]:
    """Yield the search of a find page, unless it is for another link, which is found by itself."""
    for name, value in parse_qsl(address.partition("?")[2]):
        if name == "q" and value.strip() and not _START.search(value):
            yield PastedLink("find", query=ReadQuery((("q", value.strip()),)))


def _addresses(text: str, start: re.Match[str], is_nested: bool) -> Iterator[tuple[str, int]]:
    """Yield the address that begins there, and its end; then with what stands behind each line break."""
    slash = "".join(start[0].split())
    layers = 0 if slash[0] == "/" else 1 + slash.count("25")
    end = _stop(text, start.end())
    raw = text[start.start() : end]
    for _break in range(MOST_BREAKS + 1):
        address, is_whole = _decoded(raw, layers, is_nested)
        yield address, end
        gap = _BREAK.match(text, end)
        if is_whole or not gap:
            return
        end = _stop(text, gap.end())
        more = text[gap.end() : end]
        if not more or "://" in more or _START.search(more):
            return
        raw += more


def _decoded(raw: str, layers: int, is_nested: bool) -> tuple[str, bool]:
    """Return an address that was encoded so many times, and whether it ends for certain within `raw`."""
    if layers:
        # A sign that is encoded less is of the address around it; other marks end any.
        less = rf"|%(?:25){{0,{layers - 2}}}(?:26|20|0[aAdD]|22|3[cCeE])" if layers > 1 else ""
        ends = re.search(rf"[&+]{less}|%(?:25){{{layers - 1}}}(?:20|0[aAdD]|22|3[cCeE])", raw)
        address = "".join((raw[: ends.start()] if ends else raw).split())
        for _layer in range(layers):
            address = unquote(address)
        return undone(address), bool(ends)
    _path, mark, query = raw.partition("?")
    if is_nested and (not mark or "=" not in query.split("&")[0]):
        return unquote(raw.split("&")[0]), "&" in raw
    return raw, False


def _stop(text: str, start: int) -> int:
    stop = _STOP.search(text, start)
    return stop.start() if stop else len(text)


def _joined(
    addresses: Iterator[tuple[str, int]], is_nested: bool, grammar_of: GrammarOf
) -> tuple[PastedLink | None, int]:
    """Read an address, with what follows line breaks where that certainly belongs to it."""

    def read(address: str) -> PastedLink | None:
        link = _read(address, grammar_of)
        if link and is_nested:
            # What the address around it says of itself stands behind it.
            knows, query = grammar_of(link.kind).knows, link.query
            own = takewhile(lambda pair: knows(pair[0]), query.pairs)
            return replace(link, query=ReadQuery(tuple(own), query.mended))
        return link

    address, end = next(addresses)
    link = read(address)
    for joined, joined_end in addresses:
        longer = read(joined)
        if longer and (link is None or _belongs(link, longer, address, joined, grammar_of(longer.kind))):
            link, address, end = longer, joined, joined_end
    return link, end


def _belongs(link: PastedLink, longer: PastedLink, before: str, joined: str, grammar: Grammar) -> bool:
    def are_read(pairs: tuple[tuple[str, str], ...]) -> bool:
        return bool(pairs) and all(
            grammar.knows(name) and grammar.reads(name, value) for name, value in pairs
        )

    pairs, more = longer.query.pairs, joined[len(before) :]
    ids = (link.instance_id, longer.instance_id), (link.backup_id, longer.backup_id)
    changed = [(old, new) for old, new in ids if old != new]
    if "?" not in before:
        if any(is_uuid(old) for old, _new in changed):
            return False
        is_deeper = any(is_uuid(new) for _old, new in changed)
        is_other = longer.kind == "recovery-point" != link.kind and not before.endswith("/")
        return is_deeper or is_other or are_read(pairs) or (more[:1] == "?" and longer != link)
    if longer.query.unread or changed:
        return False
    known = len(link.query.pairs)
    if more.startswith("&") or before.endswith(("&", "?")):
        return are_read(pairs[known:])
    if not are_read(pairs[max(known - 1, 0) :]):
        return False
    last = link.query.pairs[-1:]
    if not are_read(last) or not last[0][1] or _BROKEN_ESCAPE.search(before):
        return True
    # What can be read without it, and might be a value by itself, is no evidence of a break.
    return len(pairs) > known or not grammar.reads(last[0][0], more)


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
        kind = "backup" if found["backup"] else cast(Kind, found["page"] or "history")
    instance_id, backup_id = (cloud_id(found[name] or "") for name in ("instance", "backup"))
    return PastedLink(kind, found["project"], instance_id, backup_id, read_query(query, grammar_of(kind)))


def ids_in(text: str) -> list[str]:
    """Return the ids of UUID shape in the text, each once, as DCS writes them."""
    return list(dict.fromkeys(cloud_id(found) for found in _ID_IN_TEXT.findall(plain(text))))


def is_uuid(text: str) -> bool:
    return bool(UUID.fullmatch(text))


def cloud_id(text: str) -> str:
    """Return an id of UUID shape as DCS writes it, without marks behind it; any other as it is."""
    bare = text.rstrip("_-").lower()
    if re.fullmatch("[0-9a-f]{32}", bare):
        bare = str(uuid.UUID(bare))
    return bare if UUID.fullmatch(bare) else text
