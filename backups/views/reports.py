"""What failed, and what became worse or better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from ..forms import FailuresForm, ReportForm
from ..guards import clock_of, viewer_of
from ..services.board import (
    changes,
    failures,
    frozen_board_link,
)
from ..services.live import QUIET, Live
from ..services.projects import visible_projects
from .live import live_page, nothing_newer


@require_safe
def failures_page(request: HttpRequest) -> HttpResponse:
    return _page(request, "failures.html", FailuresForm, failures)


@require_safe
def changes_page(request: HttpRequest) -> HttpResponse:
    return _page(request, "changes.html", ReportForm, changes)


def _page(
    request: HttpRequest, template: str, form_of: type[ReportForm], report_of: Callable[..., Any]
) -> HttpResponse:
    projects = visible_projects(viewer_of(request))
    form = form_of(request.GET)
    context: dict[str, Any] = {"projects": projects}
    if not projects:
        return render(request, template, context)
    if not form.is_valid():
        return render(request, template, context | {"problems_in_query": form.problems}, status=400)
    now, wanted = timezone.now(), form.filter(projects)
    report, clock = report_of(wanted, now=now), clock_of(request, now, wanted.tz)
    mark = f"{crc32(repr((report.rows, report.known)).encode()):08x}"
    live = Live(mark, ask_after=0 if wanted.as_of else QUIET)
    if answer := nothing_newer(request, live, clock):
        return answer
    frozen_url = frozen_board_link(request.path, request.GET, now=now)
    context |= {
        "as_of": wanted.as_of,
        "clock": clock,
        "filter": wanted,
        "frozen_url": frozen_url,
        "report": report,
    }
    return live_page(request, template, context, live)
