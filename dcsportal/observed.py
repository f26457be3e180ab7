"""Every request has an id, and leaves one log line: what was asked, how it ended, and how long it took."""

from __future__ import annotations

import logging
import os
import re
import time
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.http import HttpRequest
from django.http.response import HttpResponse

from . import metrics
from .addresses import is_in
from .logging import NO_REQUEST, SHORTEST_SECRET, Current, current
from .middleware import GetResponse

logger = logging.getLogger("dcsportal.requests")

HEADER = "X-Request-ID"
# An id of a trusted proxy that can harm no log and no page.
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
LONGEST_PATH = 300
# Asked for every few seconds, or with every page: only what goes wrong with them is worth a line.
QUIET = frozenset({"healthz", "readyz", "metrics", "metrics-instances", "static"})


def observed(get_response: GetResponse) -> GetResponse:
    """Outermost of all, so that it sees what the others answer by themselves."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        this = Current(id_of(request), secrets_of(request))
        current.set(this)
        with metrics.IN_PROGRESS.track_inprogress():
            response = get_response(request)
        response.headers[HEADER] = this.id
        seconds, view = time.perf_counter() - began, view_of(request)
        metrics.request_answered(view, request.method, response.status_code, seconds)
        if view not in QUIET or response.status_code >= 400:
            event = {
                "event": "request",
                "method": request.method,
                # Without the query, which says what somebody looks for, and where a sign-in brings its code.
                "path": request.path[:LONGEST_PATH],
                "view": view,
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
            }
            logger.info("%s %s %d", request.method, view, response.status_code, extra={"event": event})
        return response

    return middleware


def _forget(**kwargs: Any) -> None:
    """Let go of the request once its answer is sent: a body that streams is still a part of it."""
    current.set(NO_REQUEST)


request_finished.connect(_forget)


def id_of(request: HttpRequest) -> str:
    """Return the id that a trusted proxy gave the request, or a new one."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    trusted = given and is_in(request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES)
    return given if trusted and _SAFE_ID.fullmatch(given) else os.urandom(12).hex()


def secrets_of(request: HttpRequest) -> tuple[str, ...]:
    """Return what the browser sent to say who it is."""
    sent = (request.COOKIES.get(settings.SESSION_COOKIE_NAME), request.META.get("HTTP_AUTHORIZATION"))
    return tuple(secret for secret in sent if secret and len(secret) >= SHORTEST_SECRET)


def view_of(request: HttpRequest) -> str:
    """Return the name of the URL that was asked for; the server's files and unknown addresses have none."""
    match = request.resolver_match
    if match and match.url_name:
        return match.url_name
    return "static" if request.path.startswith("/static/") else "none"
