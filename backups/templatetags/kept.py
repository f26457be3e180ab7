"""Parts of a page that are written once and shown again, as long as all that they depend on is the same.

`{% kept "_crumbs.html" name=name project=project %}` is `{% include … only %}` that is remembered. The
partial sees the values that are named here and nothing else of the page, so it cannot depend on what is not
a part of its key: no viewer, no request. Beside the values its key has language and zone. What the tags of
times write in it holds until the first of them changes. Values must compare by what they say: texts, numbers,
tuples, frozen records; one that is more than that says by its `kept_key` what of it counts. What is kept is
bounded.

Texts that are a view's own are named after `late`: they are not kept, but put into their places in each view,
and are there to be written, not to be asked about. The form's token and the page's own address are put in so
of themselves (`{% csrf_token %}`, `{% here %}`).
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Hashable
from sys import getsizeof
from typing import Any, NamedTuple

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.template import Context
from django.template.base import FilterExpression, Node, Parser, Token, token_kwargs
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from .query_links import QueryLinks, links_of
from .times import Clock

# What stands for a late text begins so: nobody can guess it, so no text of a backup can pass for one.
_MARK = f"late-{secrets.token_hex(12)}-"
_AT_MARKS = re.compile(rf"{_MARK}(\w+)-")
_TOKEN, _HERE = "csrf_token", "_here"
# Shorter ones are not worth a deflate stream of their own.
SHORTEST_PIECE = 4096


class Piece:
    """A long text that pages hold as it is; once it is shown again it is deflated, for all pages to come.

    dcsportal/compression.py looks for it in what is sent.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._shown = False
        self._deflated: bytes | None = None

    def deflated(self) -> bytes | None:
        """Return whole blocks of a deflate stream that can stand anywhere in one; None at its first time."""
        if self._deflated is None and self._shown:
            press = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
            self._deflated = press.compress(self.text.encode()) + press.flush(zlib.Z_SYNC_FLUSH)
        self._shown = True
        return self._deflated


class Text(NamedTuple):
    """HTML that is true from `since` until `until`, in seconds since 1970."""

    html: SafeString
    since: float
    until: float
    # Where late texts are put in: the HTML up to one, its name, the HTML up to the next one, …
    parts: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()


class Shelf:
    """Texts by their keys, at most so many bytes of them; those that were not asked for lately go first.

    There is no lock: threads that meet here write the same text twice, at worst.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes // 2
        self._size = 0
        self._young: dict[Hashable, Text] = {}
        self._old: dict[Hashable, Text] = {}

    def get(self, key: Hashable, now: float) -> Text | None:
        text = self._young.get(key)
        if text is None:
            text = self._old.get(key)
            if text is None:
                return None
            self.put(key, text)
        return text if text.since <= now < text.until else None

    def put(self, key: Hashable, text: Text) -> None:
        if self._size >= self._most:
            self._old, self._young, self._size = self._young, {}, 0
        text = _packed(text)
        self._young[key] = text
        self._size += getsizeof(text.html) + sum(map(getsizeof, text.parts)) + _size_of(key)


def _packed(text: Text) -> Text:
    if text.parts:
        return text
    html = _narrow(text.html)
    parts = tuple(_AT_MARKS.split(html)) if _MARK in html else ()
    pieces = tuple(Piece(part) for part in parts[0::2] or (html,) if len(part) >= SHORTEST_PIECE)
    return text._replace(html=SafeString("") if parts else html, parts=parts, pieces=pieces)


def _narrow(html: SafeString) -> SafeString:
    """Write the odd dash as a reference: a page of ASCII alone is joined and sent in half the time."""
    if html.isascii():
        return html
    narrow = html.encode("ascii", "xmlcharrefreplace").decode()
    return mark_safe(narrow) if len(narrow) < 1.1 * len(html) else html


def _size_of(key: Hashable) -> int:
    """Return about how many bytes a key takes: a viewer's query may be longer than the text."""
    if isinstance(key, tuple):
        return sum(map(_size_of, key), getsizeof(key))
    if isinstance(key, QueryLinks):
        return 6 * len(key.query) + 1000
    return getsizeof(key) if isinstance(key, str) else 100


_shelf = Shelf(4_000_000)


class KeptNode(Node):
    def __init__(
        self, name: str, values: dict[str, FilterExpression], late: dict[str, FilterExpression]
    ) -> None:
        self.name = name
        self.values = values
        self.late = late
        self.marks = {name: mark_safe(f"{_MARK}{name}-") for name in (*late, _TOKEN, _HERE)}

    def render(self, context: Context) -> SafeString:
        values = [value.resolve(context) for value in self.values.values()]
        clock = Clock.of(context)
        key = (
            self.name,
            clock.language,
            clock.zone,
            *(getattr(value, "kept_key", value) for value in values),
        )
        text = _shelf.get(key, clock.seconds)
        if text is None or settings.DEBUG:
            text = _packed(self._written(context, values, clock))
            _shelf.put(key, text)
        clock.narrow(text.until)
        if text.pieces and (request := context.get("request")):
            pieces_of(request).extend(text.pieces)
        return self._completed(text.parts, context) if text.parts else text.html

    def _written(self, context: Context, values: list[Any], clock: Clock) -> Text:
        own = Clock(clock.now, clock.zone, clock.language)
        # Names that begin with an underscore are for tags alone: no template can say them.
        seen = dict(zip(self.values, values, strict=True)) | self.marks | {"_clock": own}
        page = context.template
        assert page  # a node is rendered by one
        html = page.engine.get_template(self.name).render(context.new(seen))
        return Text(html, clock.seconds, own.until)

    def _completed(self, parts: tuple[str, ...], context: Context) -> SafeString:
        complete = list(parts)
        texts = {name: self._late(name, context) for name in set(parts[1::2])}
        complete[1::2] = [texts[name] for name in parts[1::2]]
        return mark_safe("".join(complete))

    def _late(self, name: str, context: Context) -> str:
        if name == _TOKEN:
            return str(context.get(_TOKEN, ""))
        if name == _HERE:
            return conditional_escape(here_of(context))
        return conditional_escape(self.late[name].resolve(context))


def pieces_of(request: HttpRequest) -> list[Piece]:
    """Return the long kept texts of the page that answers a request, in their order."""
    found: list[Piece] | None = getattr(request, "kept_pieces", None)
    if found is None:
        found = request.kept_pieces = []  # type: ignore[attr-defined]
    return found


def here_of(context: Context) -> str:
    """Return the page's own path and query, or what stands for it in a part that is kept."""
    return context.get("_here") or links_of(context).here or "/"


def kept(parser: Parser, token: Token) -> KeptNode:
    """`{% kept "partial.html" name=value … late name=value … %}`: see this module."""
    _, name, *bits = token.split_contents()
    values = token_kwargs(bits, parser)
    late = token_kwargs(bits[1:], parser) if bits[:1] == ["late"] else {}
    if name[0] not in "\"'" or name[0] != name[-1] or len(bits) != len(late) + bool(late):
        raise template.TemplateSyntaxError("kept needs a template's name in quotes and name=value pairs")
    return KeptNode(name[1:-1], values, late)
