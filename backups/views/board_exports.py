"""The board and its reports for programs: JSON and CSV of all that matches, or of one page of a board."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from ..forms import DAMAGED, BoardForm, FailuresForm, QueryForm, QueryProblem, ReportForm, problems_in_english
from ..guards import is_too_long, project_or_404, viewer_key, viewer_of, with_retry_after
from ..services import board, listings
from ..services.board import BoardFile, refused_board
from ..services.history import absolute
from ..services.listings import NothingToShow
from ..services.problems import Problem
from ..services.projects import visible_projects
from .exports import problem_line

Form = TypeVar("Form", bound=QueryForm)


class _Refused(Exception):
    def __init__(self, problem: Problem, status: int) -> None:
        super().__init__(problem.kind)
        self.problem, self.status = problem, status


def _as_file(view: Callable[..., BoardFile]) -> Callable[..., HttpResponseBase]:
    """Answer with what a view finds, or why it finds nothing, as JSON or CSV."""

    @require_safe
    @wraps(view)
    def answered(request: HttpRequest, ending: str, **names: str) -> HttpResponseBase:
        try:
            file = view(request, **names)
        except _Refused as refused:
            return _refusal(refused, ending)
        if ending == "json":
            content = msgspec.json.encode({**file.body, file.name: list(file.rows)})
            response = HttpResponse(content, content_type="application/json")
            response.headers["Cache-Control"] = "private, no-cache"
            return response
        answer = StreamingHttpResponse(
            file.table, content_type="text/csv; charset=utf-8", headers=file.headers
        )
        name = content_disposition_header(as_attachment=True, filename=f"{file.file_name}.csv")
        answer.headers["Content-Disposition"] = name or "attachment"
        return answer

    return answered


@_as_file
def instances(request: HttpRequest, project_name: str = "") -> BoardFile:
    projects = (
        [project_or_404(request, project_name)] if project_name else visible_projects(viewer_of(request))
    )
    form = _read(request, BoardForm)
    now, is_paged = timezone.now(), "page" in request.GET
    if project_name:
        try:
            listings.project_instances(projects[0], now=now, viewer=viewer_key(request))
        except NothingToShow as nothing:
            raise _Refused(nothing.problem, nothing.problem.page_status) from nothing
    found = board.board(projects, form.filter(), now=now, all_rows=not is_paged)
    next_url, query = "", request.GET.copy()
    if is_paged and found.page < found.pages:
        query["page"] = str(found.page + 1)
        next_url = absolute(f"{request.path}?{query.urlencode()}")
    return board.instances_file(found, project=project_name, is_paged=is_paged, next_url=next_url)


@_as_file
def failures(request: HttpRequest) -> BoardFile:
    wanted = _read(request, FailuresForm).filter(visible_projects(viewer_of(request)))
    return board.failures_file(board.failures(wanted, now=timezone.now()))


@_as_file
def changes(request: HttpRequest) -> BoardFile:
    wanted = _read(request, ReportForm).filter(visible_projects(viewer_of(request)))
    return board.changes_file(board.changes(wanted, now=timezone.now()))


def _read(request: HttpRequest, form_of: type[Form]) -> Form:
    """Return the form of a query that can be read. Raises _Refused: a program's link must be mended."""
    if is_too_long(request):
        raise _Refused(Problem(kind="bad_query", message="this link is too long"), 414)
    form = form_of(request.GET)
    damaged = [QueryProblem(part, "", DAMAGED) for part in getattr(request, "unread_parts", ())]
    if problems := damaged or form.problems:
        raise _Refused(Problem(kind="bad_query", message=problems_in_english(problems)), 400)
    return form


def _refusal(refused: _Refused, ending: str) -> HttpResponse:
    body = refused_board(refused.problem)
    if ending == "json":
        response = HttpResponse(msgspec.json.encode(body), content_type="application/json")
    else:
        response = HttpResponse(problem_line(body["problem"]), content_type="text/plain; charset=utf-8")
    response.status_code = refused.status
    retry_after = refused.problem.retry_after(timezone.now())
    return with_retry_after(response, retry_after if refused.status == 503 else None)
