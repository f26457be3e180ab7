"""The board and its reports to take away: JSON and CSV of all that matches, and a text for a ticket."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from ..forms import DAMAGED, BoardForm, QueryForm, QueryProblem, problems_in_english
from ..guards import is_too_long, project_or_404, viewer_key, viewer_of, with_retry_after
from ..services import board, listings
from ..services.history import absolute
from ..services.listings import NothingToShow
from ..services.problems import Problem
from ..services.projects import visible_projects
from .board import REPORTS
from .exports import problem_line
from .tickets import TicketRequest

Form = TypeVar("Form", bound=QueryForm)


# Files -----------------------------------------------------------------------


class _Refused(Exception):
    def __init__(self, problem: Problem, status: int) -> None:
        super().__init__(problem.kind)
        self.problem, self.status = problem, status


def _as_file(view: Callable[..., board.BoardFile]) -> Callable[..., HttpResponseBase]:
    """Answer with what a view finds, or why it finds nothing, as JSON or CSV."""

    @require_safe
    @wraps(view)
    def answered(request: HttpRequest, ending: str, **names: str) -> HttpResponseBase:
        try:
            file = view(request, **names)
        except _Refused as refused:
            return _refusal(refused, ending)
        if ending == "json":
            response = HttpResponse(file.json(), content_type="application/json")
            response.headers["Cache-Control"] = "private, no-cache"
            return response
        answer = StreamingHttpResponse(
            file.csv(), content_type="text/csv; charset=utf-8", headers=file.headers
        )
        name = content_disposition_header(as_attachment=True, filename=f"{file.file_name}.csv")
        answer.headers["Content-Disposition"] = name or "attachment"
        return answer

    return answered


@_as_file
def instances(request: HttpRequest, project_name: str = "") -> board.BoardFile:
    projects = (
        [project_or_404(request, project_name)] if project_name else visible_projects(viewer_of(request))
    )
    wanted, now, is_paged = _read(request, BoardForm).filter(), timezone.now(), "page" in request.GET
    if project_name:
        try:
            listings.project_instances(projects[0], now=now, viewer=viewer_key(request))
        except NothingToShow as nothing:
            raise _Refused(nothing.problem, nothing.problem.page_status) from nothing
    found = board.board(projects, wanted, now=now, all_rows=not is_paged)
    next_url, query = "", request.GET.copy()
    if is_paged and found.page < found.pages:
        query["page"] = str(found.page + 1)
        next_url = absolute(f"{request.path}?{query.urlencode()}")
    return board.instances_file(found, project=project_name, is_paged=is_paged, next_url=next_url)


@_as_file
def report(request: HttpRequest, name: str) -> board.BoardFile:
    wanted = _read(request, REPORTS[name].form).filter(visible_projects(viewer_of(request)))
    return board.report_file(REPORTS[name].of(wanted, now=timezone.now()))


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
    """Answer without any rows, which would read as "there are none"."""
    problem = refused.problem.for_json()
    if ending == "json":
        content = msgspec.json.encode({"complete": False, "problem": problem})
        response = HttpResponse(content, content_type="application/json")
    else:
        response = HttpResponse(problem_line(problem), content_type="text/plain; charset=utf-8")
    response.status_code = refused.status
    retry_after = refused.problem.retry_after(timezone.now())
    return with_retry_after(response, retry_after if refused.status == 503 else None)


# Tickets ---------------------------------------------------------------------


class BoardTicket(TicketRequest):
    """A text about some projects, or about one."""

    def __init__(self, request: HttpRequest, project_name: str = "", name: str = "") -> None:
        super().__init__(request)
        self.project = project_or_404(request, project_name) if project_name else None
        self.projects = [self.project] if self.project else visible_projects(viewer_of(request))
        self.name = name or (self.project.name if self.project else gettext("All instances"))

    def where(self) -> dict[str, Any]:
        return {"project": self.project, "name": self.name}

    @property
    def link(self) -> str:
        return board.frozen_board_link(self.path, self.query, now=self.now)


@require_safe
def board_ticket(request: HttpRequest, project_name: str = "") -> HttpResponse:
    ticket = BoardTicket(request, project_name)
    form = BoardForm(ticket.query)
    if refusal := ticket.refusal(form):
        return refusal
    found = board.board(ticket.projects, form.filter(), now=ticket.now)
    return ticket.answer(board.board_ticket(found, ticket.link, ticket.style))


@require_safe
def report_ticket(request: HttpRequest, name: str) -> HttpResponse:
    ticket = BoardTicket(request, name=str(REPORTS[name].title))
    form = REPORTS[name].form(ticket.query)
    if refusal := ticket.refusal(form):
        return refusal
    found = REPORTS[name].of(form.filter(ticket.projects), now=ticket.now)
    return ticket.answer(board.report_ticket(found, ticket.link, ticket.style))
