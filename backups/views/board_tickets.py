"""The texts of the board and of its reports for a ticket. Nothing here asks DCS."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from ..forms import BoardForm, FailuresForm, ReportForm
from ..guards import project_or_404, viewer_of
from ..services.board import (
    board,
    board_ticket,
    changes,
    changes_ticket,
    failures,
    failures_ticket,
    frozen_board_link,
)
from ..services.projects import visible_projects
from .tickets import TicketRequest


class BoardTicket(TicketRequest):
    """A text about some projects, or about one."""

    def __init__(self, request: HttpRequest, project_name: str = "") -> None:
        super().__init__(request)
        self.project = project_or_404(request, project_name) if project_name else None
        self.projects = [self.project] if self.project else visible_projects(viewer_of(request))
        self.name = self.project.name if self.project else gettext("All instances")

    def where(self) -> dict[str, Any]:
        return {"project": self.project, "name": self.name}

    @property
    def link(self) -> str:
        return frozen_board_link(self.path, self.query, now=self.now)


def _of_page(view: Callable[[BoardTicket], HttpResponse]) -> Callable[..., HttpResponse]:
    @require_safe
    @wraps(view)
    def answered(request: HttpRequest, project_name: str = "") -> HttpResponse:
        return view(BoardTicket(request, project_name))

    return answered


@_of_page
def of_board(ticket: BoardTicket) -> HttpResponse:
    form = BoardForm(ticket.query)
    if refusal := ticket.refusal(form):
        return refusal
    found = board(ticket.projects, form.filter(), now=ticket.now)
    return ticket.answer(board_ticket(found, ticket.link, ticket.style))


@_of_page
def of_failures(ticket: BoardTicket) -> HttpResponse:
    return _of_report(ticket, gettext("Failures"), FailuresForm, failures, failures_ticket)


@_of_page
def of_changes(ticket: BoardTicket) -> HttpResponse:
    return _of_report(ticket, gettext("Changes"), ReportForm, changes, changes_ticket)


def _of_report(
    ticket: BoardTicket,
    name: str,
    form_of: type[ReportForm],
    report_of: Callable[..., Any],
    ticket_of: Callable[..., Any],
) -> HttpResponse:
    ticket.name, form = name, form_of(ticket.query)
    if refusal := ticket.refusal(form):
        return refusal
    report = report_of(form.filter(ticket.projects), now=ticket.now)
    return ticket.answer(ticket_of(report, ticket.link, ticket.style))
