"""What every view begins and ends with: who asks, for which project, and when to come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from .forms import link_grammar
from .services.pasted import Kind
from .services.projects import Project, visible_project
from .services.words import Clock

Response = TypeVar("Response", bound=HttpResponseBase)

# A link of a page has to come back from the sign-in, which keeps 8 kB.
LONGEST_LINK = 8192
# What no form reads is carried along into every link of a page.
LONGEST_UNKNOWN = 1000
# Their views answer a wrong link in their own form.
EXPORTS = ("backups-json", "backups-csv", "instances-file", "failures-file", "changes-file")
# Which grammar the links of a page have.
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("history", "history-ticket", "backups-json", "backups-csv"), "history"),
    **dict.fromkeys(("recovery-point", "recovery-ticket"), "recovery-point"),
    **dict.fromkeys(("backup", "backup-ticket"), "backup"),
    "compare": "compare",
    **dict.fromkeys(("home", "project", "home-ticket", "project-ticket", "instances-file"), "project"),
    **dict.fromkeys(("failures", "failures-ticket", "failures-file"), "report"),
    **dict.fromkeys(("changes", "changes-ticket", "changes-file"), "report"),
}
_READ_BY_FIND = frozenset(("q",))


def set_cookie(response: HttpResponse, name: str, value: str, *, seconds: int, path: str = "/") -> None:
    """Set a cookie that no script reads, that no other site's request brings, and on https by https alone."""
    response.set_cookie(
        name, value, max_age=seconds, path=path, secure=settings.HTTPS, httponly=True, samesite="Lax"
    )


def viewer_of(request: HttpRequest) -> Any:
    return request.user


def viewer_key(request: HttpRequest) -> str:
    """Return what services tell viewers apart by: they never see a request."""
    return str(viewer_of(request).pk)


def project_or_404(request: HttpRequest, name: str) -> Project:
    """A project that the viewer may not see is as unknown as one that does not exist."""
    project = visible_project(viewer_of(request), name)
    if project is None:
        raise Http404
    return project


def viewer_zone(request: HttpRequest) -> tzinfo:
    zone: tzinfo = getattr(getattr(request, "preferences", None), "zone", UTC)
    return zone


def clock_of(request: HttpRequest, now: datetime, tz: str = "") -> Clock:
    """Return what a page's times are written by: the zone that its link names, else that of its viewer."""
    return Clock(now, ZoneInfo(tz) if tz else viewer_zone(request))


def with_retry_after(response: Response, seconds: int | None) -> Response:
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


# Long links ------------------------------------------------------------------


class BoundedQuery(MiddlewareMixin):
    """Middleware that refuses a link that is too long; behind the sign-in, which keeps any link."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        match = request.resolver_match
        if not is_too_long(request) or (match and match.url_name in EXPORTS):
            return None
        request.META["QUERY_STRING"] = ""  # the page's links would repeat it
        return render(request, "414.html", status=414)


def is_too_long(request: HttpRequest) -> bool:
    """Tell whether the query has too much that no form reads, or more than a link of a page may have."""
    query, match = request.META.get("QUERY_STRING", ""), request.resolver_match
    if match is None or len(query) <= LONGEST_UNKNOWN:
        return False
    kind = KINDS.get(match.url_name or "", "history" if "instance_id" in match.kwargs else None)
    if kind:
        grammar = link_grammar(kind)
        return len(query) > LONGEST_LINK or _unknown_length(query, grammar.knows) > LONGEST_UNKNOWN
    if match.url_name in ("keyboard", "patterns", "find", "suggestions"):
        return _unknown_length(query, _READ_BY_FIND.__contains__) > LONGEST_UNKNOWN
    return False  # the sign-in's: `next` is a link, and nothing else is carried


def _unknown_length(query: str, is_read: Callable[[str], bool]) -> int:
    """Return the length of what is not read, as it is written in the address."""
    unread = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if not is_read(unquote_plus(name)) or not unquote_plus(value).strip():
            unread.append(pair)
    return len("&".join(unread))
