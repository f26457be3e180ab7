"""How often one viewer may refresh, find and export, and one address may begin to sign in.

Nobody who works with the portal meets these limits; a script that went wild does, before it costs
the others their answers. They are counted by the minute in the shared cache, so over all processes
and servers; while that is away each process counts for itself.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext

from backups.services import shared_cache
from backups.services.exports import export_too_often
from backups.services.projects import visible_project

from . import metrics
from .addresses import client_address, parsed
from .links import link_of, shown_link
from .middleware import GetResponse
from .sso import audit
from .sso.middleware import is_navigation

WINDOW_SECONDS = 60
MOST_COUNTED_HERE = 10_000


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
            _counts.next(*counted, step=-1)
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
        count = _counts.next(what, now)
        request.counted = what, now  # type: ignore[attr-defined]
        if count <= limit.most:
            return None
        metrics.rate_limited(limit.name)
        if count == limit.most + 1:  # once a minute is enough for the log
            viewer = request.user if request.user.is_authenticated else None
            audit.refusal(request, "rate-limit", f"{limit.name}: over {limit.most} in a minute", viewer)
        return _too_many(request, name, kwargs, WINDOW_SECONDS - int(now % WINDOW_SECONDS))


def _who(request: HttpRequest, limit: Limit) -> str:
    if limit.name != "sign-in":
        return f"viewer-{request.user.pk}"
    address = parsed(client_address(request))
    if isinstance(address, ipaddress.IPv6Address):
        # Who has one address of IPv6 has all of its network.
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


# Counting --------------------------------------------------------------------


class _Counts:
    """How often something was asked in the current minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here: OrderedDict[str, int] = OrderedDict()

    def next(self, what: str, now: float, *, step: int = 1) -> int:
        """Count one more, or with `step=-1` take one back; return how many there are."""
        key = f"rate:{what}:{int(now // WINDOW_SECONDS)}"
        count = shared_cache.asked(lambda: self._next_of_all(key, step), None)
        return self._next_here(key, step) if count is None else count

    def _next_of_all(self, key: str, step: int) -> int:
        try:
            return cache.incr(key, step)
        except ValueError:
            # Of all who are the first in this minute, one is.
            return step if cache.add(key, step, timeout=2 * WINDOW_SECONDS) else cache.incr(key, step)

    def _next_here(self, key: str, step: int) -> int:
        with self._lock:
            self._here[key] = self._here.pop(key, 0) + step
            if len(self._here) > MOST_COUNTED_HERE:
                self._here.popitem(last=False)
            return self._here[key]


_counts = _Counts()


# The answer ------------------------------------------------------------------


def _too_many(request: HttpRequest, name: str, kwargs: dict[str, Any], retry_after: int) -> HttpResponse:
    if name in ("backups-json", "backups-csv"):
        response = _export_refused(request, name, kwargs, retry_after)
    elif is_navigation(request):
        context = {"sentence": _sentence(retry_after), "retry_url": _retry_url(request)}
        response = render(request, "429.html", context, status=429)
    else:
        body = {"error": "too_many_requests", "message": _sentence(retry_after), "retry_after": retry_after}
        response = JsonResponse(body, status=429)
    response.headers["Retry-After"] = str(retry_after)
    return response


def _export_refused(
    request: HttpRequest, name: str, kwargs: dict[str, Any], retry_after: int
) -> HttpResponse:
    project = visible_project(request.user, kwargs["project_name"])
    if project is None:
        raise Http404
    export = export_too_often(project, kwargs["instance_id"], retry_after=retry_after, now=timezone.now())
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
