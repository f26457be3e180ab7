"""The board for programs: JSON and CSV of all that matches, or of one page."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from ..forms import DAMAGED, BoardForm, QueryProblem, problems_in_english
from ..guards import is_too_long, project_or_404, viewer_key, viewer_of, with_retry_after
from ..services import listings
from ..services.board import (
    Board,
    board,
    board_headers,
    exported_board,
    exported_instances,
    instances_table,
    refused_board,
)
from ..services.history import absolute
from ..services.listings import NothingToShow
from ..services.problems import Problem
from ..services.projects import visible_projects


class _Refused(Exception):
    def __init__(self, problem: Problem, status: int) -> None:
        super().__init__(problem.kind)
        self.problem, self.status = problem, status


@require_safe
def instances_json(request: HttpRequest, project_name: str = "") -> HttpResponseBase:
    try:
        found, body = _found(request, project_name)
    except _Refused as refused:
        return _refusal(refused, "application/json", msgspec.json.encode(refused_board(refused.problem)))
    content = msgspec.json.encode({**body, "instances": list(exported_instances(found))})
    response = HttpResponse(content, content_type="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@require_safe
def instances_csv(request: HttpRequest, project_name: str = "") -> HttpResponseBase:
    try:
        found, body = _found(request, project_name)
    except _Refused as refused:
        problem = refused.problem
        sentence = ": ".join(filter(None, (problem.kind, problem.code, problem.message))) + "\n"
        return _refusal(refused, "text/plain; charset=utf-8", sentence.encode())
    response = StreamingHttpResponse(
        instances_table(found), content_type="text/csv; charset=utf-8", headers=board_headers(body)
    )
    name = f"{project_name or 'all'}_instances_as-of-{found.now:%Y%m%dT%H%M%SZ}"
    name += ".csv" if body["complete"] else "_incomplete.csv"
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _found(request: HttpRequest, project_name: str) -> tuple[Board, dict[str, Any]]:
    """Return what the query asks for, with its envelope: all, where it names no page. Raises _Refused."""
    projects = (
        [project_or_404(request, project_name)] if project_name else visible_projects(viewer_of(request))
    )
    if is_too_long(request):
        raise _Refused(Problem(kind="bad_query", message="this link is too long"), 414)
    form = BoardForm(request.GET)
    damaged = [QueryProblem(part, "", DAMAGED) for part in getattr(request, "unread_parts", ())]
    if problems := damaged or form.problems:
        raise _Refused(Problem(kind="bad_query", message=problems_in_english(problems)), 400)
    now, is_paged = timezone.now(), "page" in request.GET
    if project_name:
        try:
            listings.project_instances(projects[0], now=now, viewer=viewer_key(request))
        except NothingToShow as nothing:
            raise _Refused(nothing.problem, nothing.problem.page_status) from nothing
    found = board(projects, form.filter(), now=now, all_rows=not is_paged)
    next_url, query = "", request.GET.copy()
    if is_paged and found.page < found.pages:
        query["page"] = str(found.page + 1)
        next_url = absolute(f"{request.path}?{query.urlencode()}")
    return found, exported_board(found, is_paged=is_paged, next_url=next_url)


def _refusal(refused: _Refused, content_type: str, content: bytes) -> HttpResponse:
    response = HttpResponse(content, status=refused.status, content_type=content_type)
    return with_retry_after(
        response, refused.problem.retry_after(timezone.now()) if refused.status == 503 else None
    )
