"""Who names more unknown instances in a minute than anybody needs, each a call to DCS, is told to wait."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import ngettext

from backups.guards import EXPORTS
from backups.services.exports import too_many_unknown
from backups.services.listings import COUNTED_SECONDS, MOST_UNKNOWN, TooManyUnknown
from backups.services.projects import visible_project

from . import metrics
from .links import link_of, shown_link
from .sso import audit
from .sso.middleware import is_navigation


class UnknownInstances(MiddlewareMixin):
    """Answers 429 where a view ends with TooManyUnknown."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, TooManyUnknown):
            return None
        metrics.RATE_LIMITED.labels("unknown").inc()
        if exception.count == MOST_UNKNOWN + 1:  # once a minute is enough for the log
            reason = f"unknown: over {MOST_UNKNOWN} in a minute"
            audit.refusal(request, "rate-limit", reason, request.user)
        seconds = COUNTED_SECONDS - int(time.time() % COUNTED_SECONDS)
        response = _answer(request, seconds)
        response.headers["Retry-After"] = str(seconds)
        return response


def _answer(request: HttpRequest, seconds: int) -> HttpResponse:
    match = request.resolver_match
    name = match.url_name if match else ""
    if match and name in EXPORTS:
        project = visible_project(request.user, match.kwargs["project_name"])
        assert project is not None, "the view has asked for it"
        instance_id = match.kwargs["instance_id"]
        export = too_many_unknown(project, instance_id, retry_after=seconds, now=timezone.now())
        if name == "backups-json":
            return JsonResponse(export.body, status=429)
        sentence = f"{export.body['problem']['message']}\n"
        return HttpResponse(sentence, status=429, content_type="text/plain; charset=utf-8")
    sentence = ngettext("Try again in %(count)d second.", "Try again in %(count)d seconds.", seconds)
    sentence %= {"count": seconds}
    if is_navigation(request):
        # Tried again is the page, or the one that a form stood on.
        retry_url = link_of(request) if request.method in ("GET", "HEAD") else shown_link(request)
        return render(request, "429.html", {"sentence": sentence, "retry_url": retry_url}, status=429)
    body = {"error": "too_many_requests", "message": sentence, "retry_after": seconds}
    return JsonResponse(body, status=429)
