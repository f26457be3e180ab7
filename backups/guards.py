"""What every view begins and ends with: who asks, for which project, when to come back, and its cookies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
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
from .services.find import Candidate, recent_instances
from .services.pasted import Kind
from .services.projects import CLOUD_ID, Project, visible_project, visible_projects
from .services.tickets import MARKUPS
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
    **dict.fromkeys(("failures", "failures-ticket", "failures-file"), "failures"),
    **dict.fromkeys(("changes", "changes-ticket", "changes-file"), "changes"),
}


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
    if not kind and match.url_name not in ("keyboard", "patterns", "find", "suggestions"):
        return False  # the sign-in's: `next` is a link, and nothing else is carried
    is_read: Callable[[str], bool] = link_grammar(kind).knows if kind else ("q",).__contains__
    unread = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if not is_read(unquote_plus(name)) or not unquote_plus(value).strip():
            unread.append(pair)
    return len("&".join(unread)) > LONGEST_UNKNOWN or bool(kind and len(query) > LONGEST_LINK)


# Cookies: hints, which anybody may have written -------------------------------

RECENT = f"{settings.COOKIE_PREFIX}portal_recent"
RECENT_SECONDS = 90 * 86_400
MOST_RECENT = 8
TICKET = f"{settings.COOKIE_PREFIX}portal_ticket"
TICKET_SECONDS = 365 * 86_400
# It names the instance, as its path cannot: a `__Host-` cookie comes with every request.
REFRESHED = f"{settings.COOKIE_PREFIX}portal_just_read"
REFRESHED_SECONDS = 10

_INSTANCE = re.compile(rf"([A-Za-z0-9-]{{1,40}})/({CLOUD_ID.pattern})")


def opened_last(request: HttpRequest) -> list[tuple[str, str]]:
    """Return project name and instance id of each, the last one first.

    The cookie says whose they are: another viewer of the same browser sees none of them. What may be
    seen, and what it is called, is decided anew at each use.
    """
    owner, *parts = request.COOKIES.get(RECENT, "")[:2000].split("~")
    if owner != viewer_key(request):
        return []
    found = [(one[1], one[2]) for part in parts if (one := _INSTANCE.fullmatch(part))]
    return list(dict.fromkeys(found))[:MOST_RECENT]


def recently_opened(request: HttpRequest) -> tuple[Candidate, ...]:
    """Return the pages of the instances that this viewer opened last and may still see."""
    return recent_instances(opened_last(request), visible_projects(viewer_of(request)))


def remember_opened(
    request: HttpRequest, response: HttpResponse, project_name: str, instance_id: str
) -> None:
    """Put an instance first: in a cookie, which costs no query."""
    this, opened = (project_name, instance_id), opened_last(request)
    if opened[:1] == [this]:
        return
    latest = [this, *(one for one in opened if one != this)][:MOST_RECENT]
    text = "~".join([viewer_key(request), *(f"{project}/{instance}" for project, instance in latest)])
    set_cookie(response, RECENT, text, seconds=RECENT_SECONDS)


def copied_last(request: HttpRequest) -> tuple[str, str]:
    """Return the markup, and the language as the cookie has it."""
    markup, _, language = request.COOKIES.get(TICKET, "").partition(".")
    return markup if markup in MARKUPS else "markdown", language


def remember_copied(response: HttpResponse, markup: str, language: str) -> None:
    set_cookie(response, TICKET, f"{markup}.{language}", seconds=TICKET_SECONDS)


def say_refreshed(
    response: HttpResponse, project_name: str, instance_id: str, brought: Iterable[int] = ()
) -> None:
    """Let the next page of this instance say what a refresh brought; nothing where it came too soon."""
    text = "/".join([project_name, instance_id, *map(str, brought)])
    set_cookie(response, REFRESHED, text, seconds=REFRESHED_SECONDS)


def refreshed(request: HttpRequest) -> tuple[int, ...] | None:
    """Return what a refresh of this page's instance has just brought, None where there was none."""
    match, told = request.resolver_match, request.COOKIES.get(REFRESHED, "")[:200].split("/")
    of = match.kwargs if match else {}
    if told[:2] != [of.get("project_name"), of.get("instance_id")]:
        return None
    return tuple(int(count) for count in told[2:] if re.fullmatch("[0-9]{1,6}", count))


def forget_refreshed(response: HttpResponse) -> None:
    response.delete_cookie(REFRESHED, samesite="Lax")
