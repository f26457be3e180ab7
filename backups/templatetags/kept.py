"""Parts of a page that are written once and shown again, as long as all that they depend on is the same.

`{% kept "_crumbs.html" name=name project=project.name %}` is `{% include … only %}` that is remembered. The
partial sees the values that are named here and nothing else of the page, so it cannot depend on what is not
a part of its key: no viewer, no request. Beside the values its key has language and zone. What the tags of
times write in it holds until the first of them changes. Two things of a request may stand in it all the same,
since they are put in anew for each view: the form's token and the page's own address (`{% csrf_token %}` and
`{% here %}`).

Values must compare by what they say: texts, numbers, tuples, frozen records. What is kept is bounded.
"""

from __future__ import annotations

import secrets
from collections.abc import Hashable
from sys import getsizeof
from typing import Any, NamedTuple

from django import template
from django.conf import settings
from django.template import Context
from django.template.base import FilterExpression, Node, Parser, Token, token_kwargs
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from .query_links import QueryLinks, links_of
from .times import Clock

# Nobody can guess them, so no text of a backup can pass for one.
_TOKEN, _HERE = f"token-{secrets.token_hex(12)}", f"here-{secrets.token_hex(12)}"


class Text(NamedTuple):
    """HTML that is true from `since` until `until`, in seconds since 1970."""

    html: SafeString
    since: float
    until: float


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
        self._young[key] = text
        self._size += getsizeof(text.html) + _size_of(key)


def _size_of(key: Hashable) -> int:
    """Return about how many bytes a key takes: a viewer's query may be longer than the text."""
    if isinstance(key, tuple):
        return sum(map(_size_of, key), getsizeof(key))
    if isinstance(key, QueryLinks):
        return 6 * len(key.query) + 1000
    return getsizeof(key) if isinstance(key, str) else 100


_shelf = Shelf(4_000_000)


class KeptNode(Node):
    def __init__(self, name: str, values: dict[str, FilterExpression]) -> None:
        self.name = name
        self.values = values

    def render(self, context: Context) -> SafeString:
        values = {name: value.resolve(context) for name, value in self.values.items()}
        clock = Clock.of(context)
        key = (self.name, clock.language, clock.zone, *values.values())
        text = _shelf.get(key, clock.seconds)
        if text is None or settings.DEBUG:
            text = self._written(context, values, clock)
            _shelf.put(key, text)
        clock.narrow(text.until)
        return _with_marks(text.html, context)

    def _written(self, context: Context, values: dict[str, Any], clock: Clock) -> Text:
        own = Clock(clock.now, clock.zone, clock.language)
        # Names that begin with an underscore are for tags alone: no template can say them.
        partial = context.new({**values, "csrf_token": _TOKEN, "_here": _HERE, "_clock": own})
        page = context.template
        assert page  # a node is rendered by one
        html = page.engine.get_template(self.name).render(partial)
        return Text(html, clock.seconds, own.until)


def _with_marks(html: SafeString, context: Context) -> SafeString:
    if _TOKEN in html:
        html = mark_safe(html.replace(_TOKEN, escape(context.get("csrf_token", ""))))
    if _HERE in html:
        html = mark_safe(html.replace(_HERE, escape(here_of(context))))
    return html


def here_of(context: Context) -> str:
    """Return the page's own path and query, or what stands for it in a part that is kept."""
    return context.get("_here") or links_of(context).here or "/"


def kept(parser: Parser, token: Token) -> KeptNode:
    """`{% kept "partial.html" name=value … %}`: see this module."""
    _, name, *bits = token.split_contents()
    values = token_kwargs(bits, parser)
    if bits or name[0] not in "\"'" or name[0] != name[-1]:
        raise template.TemplateSyntaxError("kept needs a template's name in quotes and name=value pairs")
    return KeptNode(name[1:-1], values)
