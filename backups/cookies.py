"""What a viewer's browser keeps for the portal, beside the session: hints, which anybody may have written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from .guards import set_cookie, viewer_key, viewer_of
from .services.find import Candidate, recent_instances
from .services.projects import CLOUD_ID, visible_projects
from .services.tickets import MARKUPS

RECENT = f"{settings.COOKIE_PREFIX}portal_recent"
RECENT_SECONDS = 90 * 86_400
MOST_RECENT = 8
TICKET = f"{settings.COOKIE_PREFIX}portal_ticket"
TICKET_SECONDS = 365 * 86_400
# It names the instance, as its path cannot: a `__Host-` cookie comes with every request.
REFRESHED = f"{settings.COOKIE_PREFIX}portal_just_read"
REFRESHED_SECONDS = 10

_INSTANCE = re.compile(rf"([A-Za-z0-9-]{{1,40}})/({CLOUD_ID.pattern})")


# The instances that a viewer opened last ---------------------------------------


def opened_last(request: HttpRequest) -> list[tuple[str, str]]:
    """Return project name and instance id of each, the last one first.

    The cookie says whose they are: another viewer of the same browser sees none of them. What may be
    seen, and what it is called, is decided anew at each use.
    """
    owner, *parts = request.COOKIES.get(RECENT, "")[:2000].split("~")
    if owner != viewer_key(request):
        return []
    found = [one.groups() for part in parts if (one := _INSTANCE.fullmatch(part))]
    return [(project, instance) for project, instance in dict.fromkeys(found)][:MOST_RECENT]


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


# How a viewer copied for a ticket last -----------------------------------------


def copied_last(request: HttpRequest) -> tuple[str, str]:
    """Return the markup, and the language as the cookie has it."""
    markup, _, language = request.COOKIES.get(TICKET, "").partition(".")
    return markup if markup in MARKUPS else "markdown", language


def remember_copied(response: HttpResponse, markup: str, language: str) -> None:
    set_cookie(response, TICKET, f"{markup}.{language}", seconds=TICKET_SECONDS)


# What a refresh brought --------------------------------------------------------


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
