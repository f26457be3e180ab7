"""How often one viewer may refresh, find, export and name unknown instances; one address, begin to sign in.

Nobody who works with the portal meets these limits; a script that went wild does, before it costs
the others their answers. Each is counted by the minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext

from backups.services.exports import export_too_often
from backups.services.listings import COUNTED_SECONDS, MOST_UNKNOWN, TooManyUnknown, count
from backups.services.projects import visible_project

from . import metrics
from .addresses import network_of
from .links import link_of, shown_link
from .middleware import GetResponse
from .sso import audit
from .sso.middleware import is_navigation


@dataclass(frozen=True, slots=True)
class Limit:
    """`name` is for the cache and the metrics; `most` is how often in a minute."""

    name: str
    most: int
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")


_REFRESH, _FIND, _EXPORT = Limit("refresh", 30), Limit("find", 60), Limit("export", 120)
# One for each letter that is typed.
_SUGGESTIONS = Limit("suggestions", 300)
# A whole company may come from one address.
_SIGN_IN = Limit("sign-in", 600, methods=("POST",))
_SIGN_IN_START = Limit("sign-in", 600)
# What the services count, which know what is unknown.
_UNKNOWN = Limit("unknown", MOST_UNKNOWN)

# By the names of URLs.
LIMITS = {
    "refresh": _REFRESH,
    "find": _FIND,
    "suggestions": _SUGGESTIONS,
    "backups-json": _EXPORT,
    "backups-csv": _EXPORT,
    "sign-in": _SIGN_IN,
    "sso-start": _SIGN_IN_START,
}


class RateLimits:
    """Answers 429 to who asks too often. It stands behind the sign-in, which knows who asks."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 304 and (counted := getattr(request, "counted", None)):
            # Nothing was exported: who asks whether there is anything new may do so as often as a page.
            what, now = counted
            count(what, now, step=-1)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        match = request.resolver_match
        name = (match and match.url_name) or ""
        limit = LIMITS.get(name)
        if limit is None or request.method not in limit.methods:
            return None
        now = time.time()
        what = f"{limit.name}:{_who(request, limit)}"
        asked = count(what, now)
        request.counted = what, now  # type: ignore[attr-defined]
        return _refused(request, limit, asked, now) if asked > limit.most else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, TooManyUnknown):
            return _refused(request, _UNKNOWN, exception.count, time.time())
        return None


def _refused(request: HttpRequest, limit: Limit, asked: int, now: float) -> HttpResponse:
    metrics.rate_limited(limit.name)
    if asked == limit.most + 1:  # once a minute is enough for the log
        viewer = request.user if request.user.is_authenticated else None
        audit.refusal(request, "rate-limit", f"{limit.name}: over {limit.most} in a minute", viewer)
    return _too_many(request, limit, COUNTED_SECONDS - int(now % COUNTED_SECONDS))


def _who(request: HttpRequest, limit: Limit) -> str:
    return network_of(request) if limit.name == "sign-in" else f"viewer-{request.user.pk}"


# The answer ------------------------------------------------------------------


def _too_many(request: HttpRequest, limit: Limit, retry_after: int) -> HttpResponse:
    match = request.resolver_match
    if match and match.url_name in ("backups-json", "backups-csv"):
        response = _export_refused(request, limit, match.url_name, match.kwargs, retry_after)
    elif is_navigation(request):
        context = {"sentence": _sentence(retry_after), "retry_url": _retry_url(request)}
        response = render(request, "429.html", context, status=429)
    else:
        body = {"error": "too_many_requests", "message": _sentence(retry_after), "retry_after": retry_after}
        response = JsonResponse(body, status=429)
    response.headers["Retry-After"] = str(retry_after)
    return response


def _export_refused(
    request: HttpRequest, limit: Limit, name: str, kwargs: dict[str, Any], retry_after: int
) -> HttpResponse:
    project = visible_project(request.user, kwargs["project_name"])
    if project is None:
        raise Http404
    export = export_too_often(
        project,
        kwargs["instance_id"],
        what="requests for unknown instances" if limit is _UNKNOWN else "exports",
        retry_after=retry_after,
        now=timezone.now(),
    )
    if name == "backups-json":
        return JsonResponse(export.body, status=429)
    sentence = f"{export.body['problem']['message']}\n"
    return HttpResponse(sentence, status=429, content_type="text/plain; charset=utf-8")


def _sentence(seconds: int) -> str:
    return ngettext(
        "The portal answers again in %(count)d second.",
        "The portal answers again in %(count)d seconds.",
        seconds,
    ) % {"count": seconds}


def _retry_url(request: HttpRequest) -> str:
    """Return where a viewer tries again: the page, or the one that a form stood on."""
    return link_of(request) if request.method in ("GET", "HEAD") else shown_link(request)
