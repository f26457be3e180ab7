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
from ..services.projects import Project, visible_projects
from .board import REPORTS
from .exports import problem_line
from .tickets import TicketRequest

Form = TypeVar("Form", bound=QueryForm)


# Files -----------------------------------------------------------------------


def _as_file(view: Callable[..., board.BoardFile]) -> Callable[..., HttpResponseBase]:
    """Answer with what a view finds, or why it finds nothing, as JSON or CSV."""

    @require_safe
    @wraps(view)
    def answered(request: HttpRequest, ending: str, **names: str) -> HttpResponseBase:
        if is_too_long(request):
            return _refusal(Problem(kind="bad_query", message="this link is too long"), ending, 414)
        try:
            file = view(request, **names)
        except NothingToShow as nothing:
            problem = nothing.problem
            return _refusal(problem, ending, 400 if problem.kind == "bad_query" else problem.page_status)
        if ending == "json":
            headers = {"Cache-Control": "private, no-cache"}
            return HttpResponse(file.json(), content_type="application/json", headers=headers)
        name = content_disposition_header(as_attachment=True, filename=f"{file.file_name}.csv")
        headers = {**file.headers, "Content-Disposition": name or "attachment"}
        return StreamingHttpResponse(file.csv(), content_type="text/csv; charset=utf-8", headers=headers)

    return answered


def _refusal(problem: Problem, ending: str, status: int) -> HttpResponse:
    """Answer without any rows, which would read as "there are none"."""
    told = problem.for_json()
    if ending == "json":
        content = msgspec.json.encode({"complete": False, "problem": told})
        response = HttpResponse(content, status=status, content_type="application/json")
    else:
        response = HttpResponse(problem_line(told), status=status, content_type="text/plain; charset=utf-8")
    return with_retry_after(response, problem.retry_after(timezone.now()) if status == 503 else None)


def _read(request: HttpRequest, form_of: type[Form]) -> Form:
    """Return the form of a query that can be read. Raises NothingToShow: a program's link must be mended."""
    form = form_of(request.GET)
    damaged = [QueryProblem(part, "", DAMAGED) for part in getattr(request, "unread_parts", ())]
    if problems := damaged or form.problems:
        raise NothingToShow(Problem(kind="bad_query", message=problems_in_english(problems)))
    return form


@_as_file
def instances(request: HttpRequest, project_name: str = "") -> board.BoardFile:
    projects, now, is_paged = _projects(request, project_name), timezone.now(), "page" in request.GET
    wanted = _read(request, BoardForm).filter()
    if project_name:
        listings.project_instances(projects[0], now=now, viewer=viewer_key(request))
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


def _projects(request: HttpRequest, name: str) -> list[Project]:
    return [project_or_404(request, name)] if name else visible_projects(viewer_of(request))


# Tickets ---------------------------------------------------------------------


class BoardTicket(TicketRequest):
    """A text about some projects, or about one."""

    def __init__(self, request: HttpRequest, project_name: str = "", name: str = "") -> None:
        super().__init__(request)
        self.projects = _projects(request, project_name)
        self.project = self.projects[0] if project_name else None
        self.name = name or project_name or gettext("All instances")

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
