"""A link that was damaged on its way is opened all the same: redirected once to the right one, which says so.

What can be read is never altered. What looks damaged and means nothing certain is said on the page. A
program's link is refused instead: it must be mended, not guessed.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import unquote
from zlib import crc32

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.deprecation import MiddlewareMixin
from django_htmx.http import HttpResponseClientRedirect

from .forms import link_grammar
from .guards import EXPORTS, KINDS, project_or_404, set_cookie, viewer_of
from .services.history import page_url
from .services.pasted import (
    AskedTime,
    UnreadableTime,
    asked_time,
    cloud_id,
    is_uuid,
    iso_time,
    links_in,
    read_query,
    typed_zone,
)
from .services.projects import visible_project
from .services.words import known_zone

COOKIE = f"{settings.COOKIE_PREFIX}portal_mended"
COOKIE_SECONDS = 10
LONGEST_SHOWN = 300
_TIMES: dict[str, tuple[str, ...]] = {"history": ("from", "to"), "recovery-point": ("at",)}
_EXPORT = re.compile(r"/((?:backups|instances)\.(?:json|csv))")
Pairs = tuple[tuple[str, str], ...]


class OpenedLinks(MiddlewareMixin):
    """Middleware behind the sign-in: `request.damaged_link` and `request.unread_parts` are for the page."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        match = request.resolver_match
        kind = KINDS.get(match.url_name or "") if match else None
        if match is None or kind is None or request.method not in ("GET", "HEAD"):
            return None
        name = kwargs.get("project_name")
        if name and visible_project(viewer_of(request), name) is None:
            return None  # the view answers as for one that does not exist
        read = read_query(request.META.get("QUERY_STRING", ""), link_grammar(kind))
        ids = {name: cloud_id(value) if name.endswith("_id") else value for name, value in kwargs.items()}
        mended = (*(value for name, value in kwargs.items() if ids[name] != value), *read.mended)
        if match.url_name in EXPORTS:
            # The view refuses them by name.
            request.unread_parts = (*mended, *read.unread)  # type: ignore[attr-defined]
            return None
        request.unread_parts = read.unread  # type: ignore[attr-defined]
        request.damaged_link = _damaged_link(request)  # type: ignore[attr-defined]
        pairs = _with_iso_times(read.pairs, _TIMES.get(kind, ()))
        if match.url_name == "recovery-point":
            pairs = _with_zone(pairs)
        if not mended and pairs == read.pairs:
            return None
        target = page_url(match.view_name, ids, pairs)
        return _redirect(request, target, damaged=request.get_full_path() if mended else "")


def damaged_path(request: HttpRequest, rest: str) -> HttpResponse:
    """Lead from an address that is no page of the portal's to the one that it was. Raises Http404."""
    path = request.path
    if not path.endswith("/") and _is_page(f"{path}/"):
        return HttpResponsePermanentRedirect(request.get_full_path(force_append_slash=True))
    links = links_in(request.get_full_path(), link_grammar)
    if len(links) != 1 or request.method not in ("GET", "HEAD"):
        raise Http404
    [link] = links
    project_or_404(request, link.project)
    if file := _EXPORT.search(path):
        # A program's link must be mended: the view refuses it by name.
        request.unread_parts = (path[file.end() :],)  # type: ignore[attr-defined]
        match = resolve(f"{path[: file.start()]}/{file[1]}")
        view: Callable[..., HttpResponse] = match.func
        return view(request, **match.kwargs)
    # What stands in the place of an id and is none leads nowhere.
    if ("/instances/" in path and not is_uuid(link.instance_id)) or (
        "/backups/" in path and not is_uuid(link.backup_id)
    ):
        raise Http404
    target = page_url(link.kind, link.ids, link.query.pairs)
    return _redirect(request, target, damaged=request.get_full_path())


def _redirect(request: HttpRequest, target: str, *, damaged: str) -> HttpResponse:
    is_fetched = "HX-Request" in request.headers
    response = HttpResponseClientRedirect(target) if is_fetched else HttpResponseRedirect(target)
    if damaged:
        shown = unquote(damaged)[:LONGEST_SHOWN].encode()
        value = f"{crc32(target.encode()):08x}.{urlsafe_b64encode(shown).decode()}"
        set_cookie(response, COOKIE, value, seconds=COOKIE_SECONDS)
    return response


def _damaged_link(request: HttpRequest) -> str:
    """Return the link that led here by a redirect, as it was opened; "" where none did."""
    target, _, text = request.COOKIES.get(COOKIE, "").partition(".")
    if target != f"{crc32(request.get_full_path().encode()):08x}":
        return ""
    try:
        return urlsafe_b64decode(text).decode(errors="replace")[:LONGEST_SHOWN]
    except ValueError:
        return ""


def _with_iso_times(pairs: Pairs, names: tuple[str, ...]) -> Pairs:
    """Return the query with its times in ISO 8601, so that they mean the same to everybody and next week."""
    written = dict(pairs).get("tz", "")
    zone_name = written if known_zone(written) else typed_zone(written)
    if written and not zone_name:
        return pairs  # the page says that it is no zone
    found: list[tuple[str, str]] = []
    for name, value in pairs:
        asked = _written_time(value, known_zone(zone_name) or UTC) if name in names else None
        if not asked:
            found.append((name, zone_name if name == "tz" else value))
            continue
        local = asked.at.astimezone(asked.zone)
        if asked.relative:  # counted from a now that nobody knows to the microsecond
            local = local.replace(microsecond=0)
        is_day = asked.whole_day and name != "at"
        found.append((name, f"{local:%Y-%m-%d}" if is_day else local.isoformat()))
        if name == "at" and not written:
            found.append(("tz", getattr(asked.zone, "key", "UTC")))
    return tuple(found)


def _with_zone(pairs: Pairs) -> Pairs:
    """Return the query with the zone that its time is read in, so that everybody gets the same form."""
    asked = dict(pairs)
    if asked.get("tz") or iso_time(asked.get("at", ""), UTC) is None or len(asked) != len(pairs):
        return pairs
    return (*pairs, ("tz", "UTC"))


def _written_time(value: str, zone: tzinfo) -> AskedTime | None:
    """Return what a time means that is not ISO 8601 and is certain."""
    if not value.strip() or iso_time(value, UTC):
        return None
    try:
        asked = asked_time(value, zone=zone, now=datetime.now(UTC))
    except UnreadableTime:
        return None
    return None if asked.doubt else asked  # the page says that the clocks show it twice, or never


def _is_page(path: str) -> bool:
    try:
        return resolve(path).view_name != "damaged-path"
    except Resolver404:
        return False
