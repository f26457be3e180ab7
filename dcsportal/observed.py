"""Every request has an id, and leaves one log line: what was asked, how it ended, and how long it took."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.signals import request_finished
from django.http import HttpRequest
from django.http.response import HttpResponse

from . import metrics
from .middleware import GetResponse
from .request_ids import HEADER, NO_REQUEST, current, current_of

logger = logging.getLogger("dcsportal.requests")

LONGEST_PATH = 300
# Asked for every few seconds, or with every page: only what goes wrong with them is worth a line.
QUIET = frozenset({"healthz", "readyz", "metrics", "static"})


def observed(get_response: GetResponse) -> GetResponse:
    """Outermost of all, so that it sees what the others answer by themselves."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        this = current_of(request)
        current.set(this)
        metrics.request_began()
        try:
            response = get_response(request)
        finally:
            metrics.request_ended()
        response.headers[HEADER] = this.id
        seconds, view = time.perf_counter() - began, view_of(request)
        metrics.request_answered(view, request.method, response.status_code, seconds)
        if logger.isEnabledFor(logging.INFO) and (view not in QUIET or response.status_code >= 400):
            _tell(request, response, view, seconds)
        return response

    return middleware


def _forget(**kwargs: Any) -> None:
    """Let go of the request once its answer is sent: a body that streams is still a part of it."""
    current.set(NO_REQUEST)


request_finished.connect(_forget)


def _tell(request: HttpRequest, response: HttpResponse, view: str, seconds: float) -> None:
    event = {
        "event": "request",
        "method": request.method,
        # Without the query, which says what somebody looks for, and where a sign-in brings its code.
        "path": request.path[:LONGEST_PATH],
        "view": view,
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
    }
    args = (request.method, view, response.status_code)
    # As logger.info does, without looking for the line of code that it was called from.
    logger.handle(
        logger.makeRecord(logger.name, logging.INFO, "", 0, "%s %s %d", args, None, extra={"event": event})
    )


def view_of(request: HttpRequest) -> str:
    """Return the name of the URL that was asked for; the server's files and unknown addresses have none."""
    match = request.resolver_match
    if match and match.url_name:
        return match.url_name
    return "static" if request.path.startswith("/static/") else "none"
