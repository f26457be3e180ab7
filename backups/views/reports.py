"""What failed, and what became worse or better: as pages, and for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

import msgspec
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from ..forms import FailuresForm, ReportForm, problems_in_english
from ..guards import clock_of, viewer_of
from ..services.board import (
    changes,
    exported_changes,
    exported_failures,
    failures,
    frozen_board_link,
    refused_board,
)
from ..services.exports import csv_table
from ..services.live import QUIET, Live
from ..services.problems import Problem
from ..services.projects import visible_projects
from .live import live_page, nothing_newer


@require_safe
def failures_page(request: HttpRequest) -> HttpResponse:
    return _page(request, "failures.html", FailuresForm, failures)


@require_safe
def changes_page(request: HttpRequest) -> HttpResponse:
    return _page(request, "changes.html", ReportForm, changes)


@require_safe
def failures_file(request: HttpRequest, ending: str) -> HttpResponseBase:
    return _file(request, "failures", ending, FailuresForm, failures, exported_failures)


@require_safe
def changes_file(request: HttpRequest, ending: str) -> HttpResponseBase:
    return _file(request, "changes", ending, ReportForm, changes, exported_changes)


def _page(
    request: HttpRequest, template: str, form_of: type[ReportForm], report_of: Callable[..., Any]
) -> HttpResponse:
    projects = visible_projects(viewer_of(request))
    form = form_of(request.GET)
    context: dict[str, Any] = {"projects": projects}
    if not form.is_valid():
        return render(request, template, context | {"problems_in_query": form.problems}, status=400)
    now, wanted = timezone.now(), form.filter(projects)
    report, clock = report_of(wanted, now=now), clock_of(request, now, wanted.tz)
    mark = f"{crc32(repr(report.rows).encode()):08x}"
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


def _file(
    request: HttpRequest,
    name: str,
    ending: str,
    form_of: type[ReportForm],
    report_of: Callable[..., Any],
    exported: Callable[[Any], tuple[dict[str, Any], list[dict[str, Any]]]],
) -> HttpResponseBase:
    projects = visible_projects(viewer_of(request))
    form = form_of(request.GET)
    if not form.is_valid():
        refused = refused_board(Problem(kind="bad_query", message=problems_in_english(form.problems)))
        return HttpResponse(msgspec.json.encode(refused), status=400, content_type="application/json")
    body, rows = exported(report_of(form.filter(projects), now=timezone.now()))
    if ending == "json":
        content = msgspec.json.encode({**body, name: rows})
        response: HttpResponseBase = HttpResponse(content, content_type="application/json")
        response.headers["Cache-Control"] = "private, no-cache"
        return response
    titles = list(rows[0]) if rows else ["project", "instance_id"]
    table = csv_table(titles, (row.values() for row in rows))
    headers = {"X-From": body["from"], "X-To": body["to"], "X-Matched": str(body["matched"])}
    response = StreamingHttpResponse(table, content_type="text/csv; charset=utf-8", headers=headers)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}_{body["to"][:10]}.csv"'
    return response
