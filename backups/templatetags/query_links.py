"""Links of a page back to itself: each changes what it means to and keeps every other parameter.

A page has some forty of them: the query is read and encoded once, and each link is put together from texts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from urllib.parse import quote_plus

from django.http import HttpRequest
from django.template import Context
from django.utils.encoding import escape_uri_path, iri_to_uri


class Asked(dict[str, str]):
    """Values by their parameters, "" for one that is not there."""

    def __missing__(self, name: str) -> str:
        return ""


@dataclass(frozen=True)
class QueryLinks:
    """The path and the query of a page as they came in; equal ones have equal links.

    `values` are the parameters in their order, repeated and unknown ones too.
    """

    path: str
    query: str
    values: dict[str, list[str]] = field(compare=False, repr=False)

    @classmethod
    def of(cls, request: HttpRequest) -> QueryLinks:
        return cls(request.path, request.META.get("QUERY_STRING", ""), dict(request.GET.lists()))

    def toggling(self, name: str, value: str) -> str:
        """Return the link that adds a value to a repeatable parameter, or takes it out."""
        values = self.values.get(name, [])
        rest = [other for other in values if other != value]
        chosen = rest if len(rest) < len(values) else [*values, value]
        return self.setting({name: chosen, "page": []})

    def setting(self, changes: dict[str, list[str]]) -> str:
        """Return the link with these values instead; none takes a parameter out."""
        parts = [
            _encoded(name, changes[name]) if name in changes else encoded
            for name, encoded in self._encoded.items()
        ]
        parts += [_encoded(name, values) for name, values in changes.items() if name not in self._encoded]
        return self._joined(parts)

    def without(self, names: Collection[str]) -> str:
        return self.escaped_path + self.query_without(names)

    def query_without(self, names: Collection[str]) -> str:
        """Return the query from its question mark on, or nothing."""
        query = "&".join([encoded for name, encoded in self._encoded.items() if name not in names])
        return f"?{query}" if query else ""

    @cached_property
    def asked(self) -> Asked:
        """The last value of each parameter: the one that counts where one is meant."""
        return Asked({name: values[-1] for name, values in self.values.items()})

    @cached_property
    def here(self) -> str:
        """The address of the page itself."""
        return self.escaped_path + (f"?{iri_to_uri(self.query)}" if self.query else "")

    @cached_property
    def escaped_path(self) -> str:
        return _escaped(self.path)

    @cached_property
    def _encoded(self) -> dict[str, str]:
        return {name: _encoded(name, values) for name, values in self.values.items()}

    def _joined(self, parts: Iterable[str]) -> str:
        query = "&".join(filter(None, parts))
        return f"{self.escaped_path}?{query}" if query else self.escaped_path


def _encoded(name: str, values: list[str]) -> str:
    return "&".join([_kept_pair(name, value) if len(value) < 100 else _pair(name, value) for value in values])


_escaped = lru_cache(maxsize=256)(escape_uri_path)


def _pair(name: str, value: str) -> str:
    return f"{quote_plus(name)}={quote_plus(value)}"


_kept_pair = lru_cache(maxsize=2048)(_pair)


def links_of(context: Context) -> QueryLinks:
    """Return the links of the page that is rendered; a fragment that is kept is given them by its page."""
    links = context.get("links")
    if isinstance(links, QueryLinks):
        return links
    request = context.get("request")
    if not isinstance(request, HttpRequest):
        return QueryLinks("", "", {})
    found = getattr(request, "portal_links", None)
    if not isinstance(found, QueryLinks):
        found = QueryLinks.of(request)
        request.portal_links = found  # type: ignore[attr-defined]
    return found
